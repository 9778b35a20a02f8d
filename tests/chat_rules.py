"""What a strict server of Chat Completions accepts: the types of OpenAI's Python SDK, and the rules that are not in types.

Unknown fields are refused as OpenAI refuses them, except those that begin with ``x_``: tests use these to see what passes.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, cast

from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming, CompletionCreateParamsStreaming
from pydantic import TypeAdapter
from pydantic_core import CoreSchema, SchemaValidator, ValidationError

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class Broken(Exception):
    """The request breaks a rule. ``param`` names the field."""

    def __init__(self, message: str, param: str | None = None):
        super().__init__(message)
        self.param = param


def check_request(body: Any) -> None:
    """Raise `Broken` unless OpenAI would take ``body``."""
    if type(body) is not dict:
        raise Broken("the body is not an object")
    known = _without_test_fields(body)
    try:
        (_STREAMING if body.get("stream") else _WHOLE).validate_python(known)
    except ValidationError as error:
        nearest = max(error.errors(include_url=False, include_input=False), key=lambda fault: len(fault["loc"]))
        raise Broken(f"{'.'.join(map(str, nearest['loc']))}: {nearest['msg']}", str(nearest["loc"][0])) from None
    if "stream_options" in body and not body.get("stream"):
        raise Broken("'stream_options' is only allowed with 'stream'", "stream_options")
    if "max_tokens" in body and "max_completion_tokens" in body:
        raise Broken("'max_tokens' and 'max_completion_tokens' cannot both be set", "max_tokens")
    if not body["messages"]:
        raise Broken("'messages' is empty", "messages")
    _check_turns(body["messages"])
    for message in body["messages"]:
        _check_content(message)
    for tool in body.get("tools", ()):
        if tool["type"] == "function" and not _NAME.fullmatch(tool["function"]["name"]):
            raise Broken("a function's name has other characters than letters, digits, - and _", "tools")
    form = body.get("response_format")
    if form is not None and form["type"] == "json_schema" and not _NAME.fullmatch(form["json_schema"]["name"]):
        raise Broken("the schema's name has other characters than letters, digits, - and _", "response_format")


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
        if message["role"] == "assistant" and message.get("content") is None and not calls and not message.get("refusal"):
            raise Broken("an assistant's message without content needs calls or a refusal", "messages")
    if waiting:
        raise Broken(f"the calls {sorted(waiting)} have no result", "messages")


def _check_content(message: Any) -> None:
    content = message.get("content")
    for part in content if type(content) is list else ():
        if part["type"] != "image_url":
            continue
        url = part["image_url"]["url"]
        if url.startswith("data:"):
            head, _, data = url.partition(",")
            if not head.endswith(";base64"):
                raise Broken("a data: URL must be base64", "messages")
            try:
                base64.b64decode(data, validate=True)
            except binascii.Error:
                raise Broken("the picture is not valid base64", "messages") from None
        elif not url.startswith(("https://", "http://")):
            raise Broken("an image's URL must be http, https or data", "messages")


def _without_test_fields(value: Any) -> Any:
    if type(value) is dict:
        return {key: _without_test_fields(inner) for key, inner in value.items() if not key.startswith("x_")}
    if type(value) is list:
        return [_without_test_fields(inner) for inner in value]
    return value


def _strict(kind: Any) -> SchemaValidator:
    """The SDK's type, strictly: no conversions, no fields that it does not name, and lists where it says iterables."""
    schema = _tightened(TypeAdapter(kind).core_schema)
    return SchemaValidator(cast(CoreSchema, schema))


def _tightened(schema: Any) -> Any:
    if type(schema) is list:
        return [_tightened(inner) for inner in schema]
    if type(schema) is tuple:
        return tuple(_tightened(inner) for inner in schema)
    if type(schema) is not dict:
        return schema
    tight = {key: _tightened(inner) for key, inner in schema.items()}
    if tight.get("type") == "generator":
        tight["type"] = "list"
    if tight.get("type") in ("str", "int", "float", "bool"):
        tight["strict"] = True
    if tight.get("type") == "typed-dict":
        tight["extra_behavior"] = "forbid"
    return tight


_WHOLE = _strict(CompletionCreateParamsNonStreaming)
_STREAMING = _strict(CompletionCreateParamsStreaming)
