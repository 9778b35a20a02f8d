"""What a strict server of Anthropic Messages accepts: the types of Anthropic's SDK, and the API's rules on top of them.

The rules are those of Anthropic's pages on versions, extended thinking, tool use, prompt caching and structured outputs; thoughts
have to come back as they were signed. The 2023-06-01 version still knows ``temperature``, ``top_p`` and ``top_k``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic_core import SchemaValidator

from tests.upstream.rules.strict import Broken, check_base64, check_strict_schema, conform, strict
from tests.upstream.script import signed

VERSIONS = ("2023-06-01", "2026-10-21")
SAMPLING = {"temperature": float, "top_p": float, "top_k": int}
MIN_BUDGET = 1024
MAX_CACHE_MARKS = 4
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_THOUGHTS = ("thinking", "redacted_thinking")


def check_request(body: Any, headers: Mapping[str, str] | None = None, *, counting: bool = False) -> None:
    """Raise `Broken` unless Anthropic would take ``body`` under the version and betas of the headers."""
    headers = headers if headers is not None else {"anthropic-version": VERSIONS[0]}
    version = headers.get("anthropic-version")
    if version not in VERSIONS:
        raise Broken(
            f"anthropic-version: {version!r} is not a valid version" if version else "anthropic-version: header is required"
        )
    if type(body) is not dict:
        raise Broken("the body is not an object")
    conform(_type(bool(body.get("stream")), "anthropic-beta" in headers, counting), _without_sampling(body, version))
    if not body["messages"]:
        raise Broken("messages: at least one message is required", "messages")
    thinks = (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    if not counting:
        _check_limits(body)
    _check_sampling(body, thinks)
    _check_tools(body, thinks)
    _check_roles(body["messages"], thinks)
    _check_text(body)
    _check_calls(body["messages"])
    _check_thoughts(body, thinks)
    _check_cache_marks(body)
    for block in _all_blocks(body["messages"]):
        _check_source(block)
        if block.get("is_error") and not block.get("content"):
            raise Broken("messages: tool_result: content cannot be empty if `is_error` is true", "messages")
    if version == VERSIONS[1]:
        _check_new_version(body["messages"])


@cache
def _type(stream: bool, with_betas: bool, counting: bool) -> SchemaValidator:
    from anthropic.types import message_create_params as stable
    from anthropic.types.beta import message_create_params as beta
    from anthropic.types.beta.message_count_tokens_params import MessageCountTokensParams as BetaCountParams
    from anthropic.types.message_count_tokens_params import MessageCountTokensParams

    if counting:
        return strict(BetaCountParams if with_betas else MessageCountTokensParams)
    params = beta if with_betas else stable
    return strict(params.MessageCreateParamsStreaming if stream else params.MessageCreateParamsNonStreaming)


def _without_sampling(body: Any, version: str) -> Any:
    """The SDK's types are those of the new version, where sampling is refused; the old one takes it."""
    if version == VERSIONS[1]:
        return body
    for name, kind in SAMPLING.items():
        value = body.get(name)
        if value is not None and (type(value) is bool or not isinstance(value, int if kind is int else (int, float))):
            raise Broken(f"{name}: not a number", name)
    return {key: value for key, value in body.items() if key not in SAMPLING}


def _check_limits(body: Any) -> None:
    if body["max_tokens"] < 0:
        raise Broken("max_tokens: must be greater than or equal to 0", "max_tokens")
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "enabled":
        if thinking["budget_tokens"] < MIN_BUDGET:
            raise Broken(f"thinking.enabled.budget_tokens: Input should be greater than or equal to {MIN_BUDGET}", "thinking")
        if thinking["budget_tokens"] >= body["max_tokens"]:
            raise Broken("`max_tokens` must be greater than `thinking.budget_tokens`", "max_tokens")
    if any(not sequence.strip() for sequence in body.get("stop_sequences") or ()):
        raise Broken("stop_sequences: each stop sequence must contain non-whitespace", "stop_sequences")
    form = (body.get("output_config") or {}).get("format")
    if form is not None:
        check_strict_schema(form["schema"], "output_config.format.schema", "output_config", all_required=False)


def _check_sampling(body: Any, thinks: bool) -> None:
    for name, high in (("temperature", 1), ("top_p", 1)):
        if body.get(name) is not None and not 0 <= body[name] <= high:
            raise Broken(f"{name}: range: 0..{high}", name)
    if not thinks:
        return
    if body.get("temperature") not in (None, 1):
        raise Broken("`temperature` may only be set to 1 when thinking is enabled", "temperature")
    if body.get("top_k") is not None:
        raise Broken("`top_k` must be unset when thinking is enabled", "top_k")
    if body.get("top_p") is not None and body["top_p"] < 0.95:
        raise Broken("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled", "top_p")


def _check_tools(body: Any, thinks: bool) -> None:
    choice = body.get("tool_choice")
    names = [tool["name"] for tool in body.get("tools") or () if "name" in tool]
    if choice is not None and not body.get("tools"):
        raise Broken("tool_choice: may only be specified while providing tools", "tool_choice")
    if len(set(names)) != len(names):
        raise Broken("tools: Tool names must be unique", "tools")
    for tool in body.get("tools") or ():
        if "input_schema" not in tool:
            continue
        if not _NAME.fullmatch(tool["name"]):
            raise Broken(f"tools: name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$': {tool['name']!r}", "tools")
        if tool["input_schema"].get("type") != "object":
            raise Broken("tools: input_schema.type: Input should be 'object'", "tools")
        for word in ("oneOf", "allOf", "anyOf"):
            if word in tool["input_schema"]:
                raise Broken("tools: input_schema does not support oneOf, allOf, or anyOf at the top level", "tools")
        if tool.get("strict"):
            check_strict_schema(tool["input_schema"], f"tools: {tool['name']}", "tools", all_required=False)
    if choice is None:
        return
    if thinks and choice["type"] in ("any", "tool"):
        raise Broken("Thinking may not be enabled when tool_choice forces tool use.", "tool_choice")
    if choice["type"] == "tool" and choice["name"] not in names:
        raise Broken(f"Tool '{choice['name']}' not found in provided tools", "tool_choice")


def _check_roles(messages: list[Any], thinks: bool) -> None:
    """A user begins; words of the system stand behind a user's; the last word of the assistant is no half-finished one."""
    if messages[0]["role"] != "user":
        raise Broken("messages: first message must use the user role", "messages")
    for before, message in itertools.pairwise(messages):
        if message["role"] == "system" and before["role"] == "assistant":
            raise Broken("messages: a system message must follow a user message", "messages")
    last = messages[-1]
    if last["role"] == "assistant":
        if thinks:
            raise Broken("This model does not support assistant message prefill. The conversation must end with a user message.")
        said = [block.get("text", "") for block in _blocks(last)]
        if said and said[-1] != said[-1].rstrip():
            raise Broken("messages: final assistant content cannot end with trailing whitespace", "messages")


def _check_text(body: Any) -> None:
    """No text is empty or blank, wherever it stands."""
    system = body.get("system")
    for block in system if type(system) is list else ():
        if not block["text"].strip():
            raise Broken("system: text content blocks must contain non-whitespace text", "system")
    for number, message in enumerate(body["messages"]):
        if not message["content"] and (message["role"] != "assistant" or number != len(body["messages"]) - 1):
            raise Broken(f"messages.{number}: all messages must have non-empty content", "messages")
        if type(message["content"]) is str and message["content"] and not message["content"].strip():
            raise Broken(f"messages.{number}: text content blocks must contain non-whitespace text", "messages")
    for block in _all_blocks(body["messages"]):
        if block["type"] == "text" and not block["text"].strip():
            raise Broken("messages: text content blocks must contain non-whitespace text", "messages")


def _check_calls(messages: list[Any]) -> None:
    """Ids are well-formed and unique, and each call is answered by the very next message, results first."""
    seen: set[str] = set()
    waiting: list[str] = []
    for message in _turns(messages):
        blocks = _blocks(message)
        if message["role"] == "user":
            _check_results(blocks, waiting)
            waiting = []
            continue
        if any(block["type"] == "tool_result" for block in blocks):
            raise Broken("messages: `tool_result` blocks can only be in `user` messages", "messages")
        waiting = [block["id"] for block in blocks if block["type"] == "tool_use"]
        for id in waiting:
            if not _ID.fullmatch(id):
                raise Broken(f"tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$': {id!r}", "messages")
            if id in seen:
                raise Broken("messages: `tool_use` ids must be unique", "messages")
            seen.add(id)
    if waiting:
        raise Broken(f"`tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(waiting)}", "messages")


def _check_results(blocks: list[Any], waiting: list[str]) -> None:
    answered = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    for id in answered:
        if id not in waiting:
            raise Broken(f"unexpected `tool_use_id` found in `tool_result` blocks: {id}", "messages")
    if len(set(answered)) != len(answered):
        raise Broken("each tool_use must have a single result", "messages")
    if left := [id for id in waiting if id not in answered]:
        raise Broken(f"`tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(left)}", "messages")
    if answered and any(block["type"] != "tool_result" for block in blocks[: len(answered)]):
        raise Broken("messages: `tool_result` blocks must come first in the message that answers `tool_use`", "messages")


def _check_thoughts(body: Any, thinks: bool) -> None:
    """Signatures are ours and fit their words; the turn that is under way begins with its thoughts."""
    turns = list(_turns(body["messages"]))
    for message in turns:
        for block in _blocks(message):
            if block["type"] in _THOUGHTS and message["role"] != "assistant":
                raise Broken(f"`{block['type']}` blocks can only be in `assistant` messages", "messages")
            if block["type"] == "thinking":
                held = signed(block["signature"])
                if held is None or block["thinking"] not in ("", held):
                    raise Broken("messages: Invalid `signature` in `thinking` block", "messages")
            if block["type"] == "redacted_thinking" and signed(block["data"]) is None:
                raise Broken("messages: Invalid `data` in `redacted_thinking` block", "messages")
    if not thinks:
        return
    whole = str(body["model"]).startswith("think-")
    flexible = body["thinking"]["type"] == "adaptive"
    for message in turns if whole else [] if flexible else _under_way(turns):
        blocks = _blocks(message)
        if message["role"] != "assistant" or all(block["type"] != "tool_use" for block in blocks):
            continue
        if blocks[0]["type"] not in _THOUGHTS:
            raise Broken(
                f"Expected `thinking` or `redacted_thinking`, but found `{blocks[0]['type']}`. When `thinking` is enabled, a final "
                "`assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and "
                "`tool_result` blocks).",
                "messages",
            )


def _under_way(turns: list[Any]) -> list[Any]:
    """The first message of the assistant in the turn that goes on with the results which end the conversation."""
    first: list[Any] = []
    for said, answered in zip(turns[-2::-2], turns[-1::-2], strict=False):
        if all(block["type"] != "tool_result" for block in _blocks(answered)):
            break
        first = [said]
    return first


def _check_cache_marks(body: Any) -> None:
    marks = list(_marks([body.get("tools") or [], body.get("system") or [], [one["content"] for one in body["messages"]]]))
    if len(marks) > MAX_CACHE_MARKS:
        raise Broken(f"A maximum of {MAX_CACHE_MARKS} blocks with cache_control may be provided. Found {len(marks)}.")
    times = [mark.get("ttl") or "5m" for mark in marks]
    if times != sorted(times, key=("1h", "5m").index):
        raise Broken("a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block")


def _marks(value: Any) -> Iterator[Any]:
    if type(value) is list:
        for inner in value:
            yield from _marks(inner)
    elif type(value) is dict:
        if value.get("cache_control"):
            yield value["cache_control"]
        if type(value.get("content")) is list:
            yield from _marks(value["content"])


def _check_source(block: Any) -> None:
    source = block.get("source")
    if type(source) is not dict or block["type"] not in ("image", "document"):
        return
    if source["type"] == "base64":
        check_base64(source["data"], f"messages: {block['type']}.source.base64", "messages")
    if source["type"] == "url" and not source["url"].startswith(("https://", "http://")):
        raise Broken("messages: only HTTP URLs are supported", "messages")


def _check_new_version(messages: list[Any]) -> None:
    """2026-10-21: documents are the user's, citations the assistant's. (Sampling is not in the types.)"""
    for message in messages:
        for block in _blocks(message):
            if message["role"] == "assistant" and block["type"] == "document":
                raise Broken("messages: `document` blocks can only be in `user` messages", "messages")
            if message["role"] == "user" and block["type"] == "text" and block.get("citations"):
                raise Broken("messages: `citations` can only be on the text of `assistant` messages", "messages")


def _turns(messages: list[Any]) -> Iterator[Any]:
    """Neighbours of one role are one turn; words of the system in between belong to the user's."""
    turn: Any = None
    for message in messages:
        role = "assistant" if message["role"] == "assistant" else "user"
        if turn is not None and turn["role"] == role:
            turn["content"] += _blocks(message)
            continue
        if turn is not None:
            yield turn
        turn = {"role": role, "content": list(_blocks(message))}
    yield turn


def _blocks(message: Any) -> list[Any]:
    content = message["content"]
    return content if type(content) is list else [{"type": "text", "text": content}] if content else []


def _all_blocks(messages: list[Any]) -> Iterator[Any]:
    for message in messages:
        for block in _blocks(message):
            yield block
            if block["type"] == "tool_result" and type(block.get("content")) is list:
                yield from block["content"]
