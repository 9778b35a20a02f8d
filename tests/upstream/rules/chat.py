"""What a strict server of Chat Completions accepts: OpenAI's types and rules, and the thoughts that DeepSeek-like servers take.

Unknown fields are refused as OpenAI refuses them, except those that begin with ``x_``: tests use these to see what passes.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from pydantic_core import SchemaValidator

from tests.upstream.rules.strict import Broken, check_base64, check_strict_schema, conform, strict
from tests.upstream.scripts import thought_of

MAX_CALL_ID = 40
MAX_STOPS = 4
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_THOUGHTS = ("reasoning_content", "reasoning")


def check_request(body: Any, headers: dict[str, str] | None = None) -> None:
    """Raise `Broken` unless the provider would take ``body``."""
    if type(body) is not dict:
        raise Broken("the body is not an object")
    conform(_type(bool(body.get("stream"))), {**body, "messages": [_without_thoughts(one) for one in body.get("messages") or ()]})
    if not body["messages"]:
        raise Broken("'messages' is empty", "messages")
    _check_settings(body)
    _check_tools(body)
    _check_turns(body["messages"])
    for message in body["messages"]:
        _check_content(message)
    if str(body["model"]).startswith("think-"):
        _check_thoughts(body["messages"])


@cache
def _type(stream: bool) -> SchemaValidator:
    from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming, CompletionCreateParamsStreaming

    return strict(CompletionCreateParamsStreaming if stream else CompletionCreateParamsNonStreaming)


def _without_thoughts(message: Any) -> Any:
    """OpenAI's types have no place for thoughts; those who make them take them back in the message of the assistant."""
    if type(message) is not dict or message.get("role") != "assistant":
        return message
    for field in _THOUGHTS:
        if field in message and type(message[field]) is not str:
            raise Broken(f"{field} is not a string", "messages")
    return {key: value for key, value in message.items() if key not in _THOUGHTS}


def _check_settings(body: Any) -> None:
    if "stream_options" in body and not body.get("stream"):
        raise Broken("'stream_options' is only allowed with 'stream'", "stream_options")
    if "max_tokens" in body and "max_completion_tokens" in body:
        raise Broken("'max_tokens' and 'max_completion_tokens' cannot both be set", "max_tokens")
    for field in ("max_tokens", "max_completion_tokens", "n"):
        if body.get(field) is not None and body[field] < 1:
            raise Broken(f"{field!r} is below 1", field)
    for field, low, high in (("temperature", 0, 2), ("top_p", 0, 1), ("frequency_penalty", -2, 2), ("presence_penalty", -2, 2)):
        if body.get(field) is not None and not low <= body[field] <= high:
            raise Broken(f"{field!r} is not between {low} and {high}", field)
    if type(body.get("stop")) is list and len(body["stop"]) > MAX_STOPS:
        raise Broken(f"'stop' has more than {MAX_STOPS} sequences", "stop")
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise Broken("'top_logprobs' needs 'logprobs'", "top_logprobs")
    form = body.get("response_format")
    if form is not None and form["type"] == "json_schema":
        if not _NAME.fullmatch(form["json_schema"]["name"]):
            raise Broken("the schema's name has other characters than letters, digits, - and _", "response_format")
        if form["json_schema"].get("strict"):
            check_strict_schema(form["json_schema"].get("schema"), "the schema of the answer", "response_format")


def _check_tools(body: Any) -> None:
    if "tools" in body and not body["tools"]:
        raise Broken("'tools' is empty", "tools")
    names = []
    for tool in body.get("tools", ()):
        if tool["type"] != "function":
            continue
        function = tool["function"]
        names.append(function["name"])
        if not _NAME.fullmatch(function["name"]):
            raise Broken("a function's name has other characters than letters, digits, - and _", "tools")
        if function.get("parameters") and function["parameters"].get("type") != "object":
            raise Broken(f"the schema of {function['name']} is not one of an object", "tools")
        if function.get("strict"):
            check_strict_schema(function.get("parameters"), f"the schema of {function['name']}", "tools")
    for field in ("tool_choice", "parallel_tool_calls"):
        if "tools" not in body and body.get(field) not in (None, "none"):
            raise Broken(f"{field!r} is only allowed when 'tools' are specified", field)
    choice = body.get("tool_choice")
    if type(choice) is dict and choice["type"] == "function" and choice["function"]["name"] not in names:
        raise Broken("the tool that has to be called is not among 'tools'", "tool_choice")


def _check_turns(messages: list[Any]) -> None:
    """Every call of a tool is answered, once, before anyone else speaks."""
    waiting: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                raise Broken(f"no call {message['tool_call_id']!r} waits for this result", "messages")
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            raise Broken(f"the calls {sorted(waiting)} have no result", "messages")
        calls = message.get("tool_calls") or ()
        waiting = {call["id"] for call in calls}
        if len(waiting) != len(calls):
            raise Broken("two calls share an id", "messages")
        for id in waiting:
            if len(id) > MAX_CALL_ID:
                raise Broken(f"the id of a call is longer than {MAX_CALL_ID} characters", "messages")
        if message["role"] == "assistant" and message.get("content") is None and not calls and not message.get("refusal"):
            raise Broken("an assistant's message without content needs calls or a refusal", "messages")
    if waiting:
        raise Broken(f"the calls {sorted(waiting)} have no result", "messages")


def _check_content(message: Any) -> None:
    content = message.get("content")
    if content == []:
        raise Broken("'content' is an empty list", "messages")
    for part in content if type(content) is list else ():
        if part["type"] == "input_audio":
            check_base64(part["input_audio"]["data"], "the sound", "messages")
        if part["type"] != "image_url":
            continue
        url = part["image_url"]["url"]
        if url.startswith("data:"):
            head, _, data = url.partition(",")
            if not head.endswith(";base64"):
                raise Broken("a data: URL must be base64", "messages")
            check_base64(data, "the picture", "messages")
        elif not url.startswith(("https://", "http://")):
            raise Broken("an image's URL must be http, https or data", "messages")


def _check_thoughts(messages: list[Any]) -> None:
    """DeepSeek: with tools, the thoughts before a call have to come back with it, or 400."""
    for message in messages:
        if message["role"] == "assistant" and message.get("tool_calls"):
            thought = next((message[field] for field in _THOUGHTS if message.get(field)), None)
            if thought is None:
                raise Broken("Missing `reasoning_content` field in the assistant message with tool calls", "messages")
            if thought != thought_of(message["tool_calls"][0]["function"]["arguments"]):
                raise Broken("The `reasoning_content` is not the one that came with these tool calls", "messages")
