"""What a strict server of OpenAI Responses accepts: the types of OpenAI's SDK, and the API's rules on top of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic_core import SchemaValidator

from tests.upstream.rules.strict import Broken, check_base64, check_json_object, check_strict_schema, conform, strict
from tests.upstream.script import signed
from tests.upstream.scripts import thought_of

MIN_OUTPUT_TOKENS = 16
MAX_ID = 64
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_PREFIXES = {"function_call": "fc", "reasoning": "rs", "message": "msg", "custom_tool_call": "ctc"}
_CALLS = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}
_CLIENTS_OWN = ("client_metadata",)  # Codex sends it to OpenAI; the SDK does not name it


def check_request(body: Any, headers: Mapping[str, str] | None = None, *, kept: Iterable[Any] = (), counting: bool = False) -> None:
    """Raise `Broken` unless OpenAI would take ``body``; ``kept`` are the items that ``previous_response_id`` stands for."""
    if type(body) is not dict:
        raise Broken("the body is not an object")
    known = {key: value for key, value in body.items() if key not in _CLIENTS_OWN}
    if type(body.get("input")) is list:
        known["input"] = [_named_by_server(item) for item in body["input"]]
    conform(_type(bool(body.get("stream")), counting), known)
    if not body.get("model"):
        raise Broken("Missing required parameter: 'model'.", "model", "missing_required_parameter")
    if "input" not in body and not kept:
        raise Broken("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    _check_settings(body)
    _check_tools(body)
    items = body.get("input", [])
    items = [{"role": "user", "content": items}] if type(items) is str else items
    if not items and not kept:
        raise Broken("'input' is empty", "input")
    for item in items:
        _check_item(item)
    known_items = [*kept, *items]
    _check_turns(known_items)
    _check_reasoning(known_items, keeps=body.get("store") is not False, thinks=str(body["model"]).startswith("think-"))


@cache
def _type(stream: bool, counting: bool) -> SchemaValidator:
    from openai.types.responses.input_token_count_params import InputTokenCountParams
    from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming, ResponseCreateParamsStreaming

    if counting:
        return strict(InputTokenCountParams)
    return strict(ResponseCreateParamsStreaming if stream else ResponseCreateParamsNonStreaming)


def _named_by_server(item: Any) -> Any:
    """The SDK's types have the ids and states that the server gave; Codex leaves them out, and the server does without.

    Codex also gives ids to what its user said, and says that a thought has no content; the server takes both.
    """
    if type(item) is not dict:
        return item
    if item.get("type") == "reasoning":
        return {"id": "rs_0", **{key: value for key, value in item.items() if (key, value) != ("content", None)}}
    if item.get("role") in ("user", "developer", "system"):
        return {key: value for key, value in item.items() if key != "id"}
    if item.get("role") == "assistant" and type(item.get("content")) is list:
        content = [{"annotations": [], **part} if part.get("type") == "output_text" else part for part in item["content"]]
        return {"id": "msg_0", "status": "completed", "type": "message", **item, "content": content}
    return item


def _check_settings(body: Any) -> None:
    limit = body.get("max_output_tokens")
    if limit is not None and limit < MIN_OUTPUT_TOKENS:
        raise Broken(
            f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= {MIN_OUTPUT_TOKENS}, but got {limit}.",
            "max_output_tokens",
            "integer_below_min_value",
        )
    for field, low, high in (("temperature", 0, 2), ("top_p", 0, 1), ("top_logprobs", 0, 20)):
        if body.get(field) is not None and not low <= body[field] <= high:
            raise Broken(f"{field!r} is not between {low} and {high}", field)
    if body.get("stream_options") is not None and not body.get("stream"):
        raise Broken("'stream_options' is only allowed with 'stream'", "stream_options")
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") == "json_schema":
        if not _NAME.fullmatch(form["name"]):
            raise Broken("the schema's name has other characters than letters, digits, - and _", "text.format.name")
        if form.get("strict"):
            check_strict_schema(form["schema"], "the schema of the answer", "text.format.schema")


def _check_tools(body: Any) -> None:
    tools = body.get("tools") or []
    names = [tool["name"] for tool in _named(tools)]
    for tool in _named(tools):
        if not _NAME.fullmatch(tool["name"]):
            raise Broken("a tool's name has other characters than letters, digits, - and _", "tools")
        shape = tool.get("parameters")
        if shape and shape.get("type") != "object":
            raise Broken(f"the schema of {tool['name']} is not one of an object", "tools")
        if tool.get("strict"):
            check_strict_schema(shape, f"the schema of {tool['name']}", "tools")
    choice = body.get("tool_choice")
    if not tools and choice not in (None, "none", "auto"):
        raise Broken("a tool choice needs 'tools'", "tool_choice")
    if type(choice) is dict and choice.get("type") in ("function", "custom") and choice["name"] not in names:
        raise Broken(f"Tool choice '{choice['type']}' not found in 'tools' parameter.", "tool_choice")


def _named(tools: list[Any]) -> list[Any]:
    """Functions and free-text tools, those within namespaces too."""
    found = []
    for tool in tools:
        if tool["type"] == "namespace":
            found += _named(tool["tools"])
        elif tool["type"] in ("function", "custom"):
            found.append(tool)
    return found


def _check_item(item: Any) -> None:
    kind = item.get("type") or ("message" if "role" in item else "item_reference")
    id = item.get("id")
    if id is not None:
        if len(id) > MAX_ID:
            raise Broken(f"Invalid 'id': string too long. Expected a string with maximum length {MAX_ID}.", "input")
        prefix = _PREFIXES.get(kind)
        if prefix and not id.startswith(prefix):
            raise Broken(f"Invalid 'id': '{id}'. Expected an ID that begins with '{prefix}'.", "input", "invalid_value")
    if len(item.get("call_id") or "") > MAX_ID or item.get("call_id") == "":
        raise Broken(f"Invalid 'call_id': Expected a string with 1 to {MAX_ID} characters.", "input")
    if kind == "function_call":
        if not _NAME.fullmatch(item["name"]):
            raise Broken("a function's name has other characters than letters, digits, - and _", "input")
        check_json_object(item["arguments"], "the arguments of a call", "input")
    if kind == "message":
        _check_content(item)
    if kind in _CALLS.values() and type(item["output"]) is list:
        for part in item["output"]:
            _check_media(part)


def _check_content(item: Any) -> None:
    if type(item["content"]) is str:
        return
    if not item["content"]:
        raise Broken("'content' is empty", "input")
    for part in item["content"]:
        _check_media(part)


def _check_media(part: Any) -> None:
    url = part.get("image_url") or part.get("file_data")
    if part["type"] == "input_image" and not url and not part.get("file_id"):
        raise Broken("an image needs a URL or a file", "input")
    if part["type"] == "input_file" and not any(part.get(name) for name in ("file_data", "file_id", "file_url")):
        raise Broken("a file needs data, an id or a URL", "input")
    if url and url.startswith("data:"):
        head, _, data = url.partition(",")
        if not head.endswith(";base64"):
            raise Broken("a data: URL must be base64", "input")
        check_base64(data, "the data: URL", "input")
    elif url and not url.startswith(("https://", "http://")):
        raise Broken("Expected a valid URL, but got a value with an invalid format.", "input")


def _check_turns(items: list[Any]) -> None:
    """Every call has one result, later, and every result a call."""
    calls: dict[str, str] = {}
    answered: set[str] = set()
    for item in items:
        kind = item.get("type")
        if kind in _CALLS:
            if item["call_id"] in calls:
                raise Broken(f"Duplicate call_id {item['call_id']}", "input")
            calls[item["call_id"]] = kind
        elif kind in _CALLS.values():
            id = item.get("call_id")
            if id not in calls or _CALLS[calls[id]] != kind:
                raise Broken(f"No tool call found for function call output with call_id {id}.", "input")
            if id in answered:
                raise Broken(f"Duplicate output for call_id {id}", "input")
            answered.add(id)
    for id in calls:
        if id not in answered:
            raise Broken(f"No tool output found for function call {id}.", "input")


def _check_reasoning(items: list[Any], *, keeps: bool, thinks: bool) -> None:
    """Thoughts are ours, unchanged, and stand before what they led to; calls of thinking models stand behind theirs."""
    previous: Any = {}
    thought: str | None = None
    for item, following in zip(items, [*items[1:], {}], strict=True):
        kind = item.get("type")
        if kind == "reasoning":
            thought = _held(item, keeps)
            if following.get("type") not in (*_CALLS, "message", "reasoning") or following.get("role", "assistant") != "assistant":
                raise Broken(
                    f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item.", "input"
                )
        elif kind == "function_call" and thinks and previous.get("type") != "function_call":
            if previous.get("type") != "reasoning":
                raise Broken(
                    f"Item '{item.get('id')}' of type 'function_call' was provided without its required 'reasoning' item.", "input"
                )
            if thought is not None and thought != thought_of(item["arguments"]):
                raise Broken("The encrypted content could not be verified: it belongs to another item.", "input")
        previous = item


def _held(item: Any, keeps: bool) -> str | None:
    """The thought inside of an item, from its encrypted content; None for an item that only its id stands for."""
    token = item.get("encrypted_content")
    if token is None:
        if not keeps:
            raise Broken(
                f"Item with id '{item.get('id')}' not found. Items are not persisted when `store` is set to false.", "input"
            )
        return None
    held = signed(token)
    if held is None:
        raise Broken(
            f"The encrypted content for item {item.get('id')} could not be verified.", "input", "invalid_encrypted_content"
        )
    shown = "\n\n".join(part["text"] for part in item["summary"])
    if shown not in ("", held):
        raise Broken(f"The summary of item {item.get('id')} is not the one that belongs to its encrypted content.", "input")
    return held
