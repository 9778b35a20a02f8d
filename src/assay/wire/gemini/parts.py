"""Parts of a content, in both directions: words, thoughts, calls of functions and what they gave back, media."""

from __future__ import annotations

import contextlib
from typing import Any

from assay.core import (
    Audio,
    File,
    Image,
    InvalidInput,
    Page,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
    Video,
)
from assay.wire.carry import MARK, Carried, unseal
from assay.wire.document import decode, encode
from assay.wire.fields import Json, take_bool, take_str, wrong
from assay.wire.gemini.fields import NAME, decoded, left_over, take_list, take_object
from assay.wire.gemini.media import read_media, write_media
from assay.wire.losses import Losses

SKIP = "skip_thought_signature_validator"
"""What Google documents for a call that no Gemini model made and that has no thought signature."""

_WORDS = Text | Refusal | Page
_SEAL = "YXNzYXku"
"""How base64 of a seal begins."""


def open_seal(signature: str | None) -> tuple[bool, Carried | None]:
    """Whether ``signature`` is a seal of ours, and what it holds; nothing where it is damaged."""
    if signature is None:
        return False, None
    if signature.startswith(_SEAL):
        return True, unseal(decoded(signature).decode("ascii", "replace"))
    if signature.startswith(MARK):
        return True, unseal(signature)
    return False, None


def read_plain(fields: Json, at: str) -> Part:
    """A part that is neither a call nor what one gave back; its signature has been taken out of ``fields``."""
    if fields.get("text") is not None:
        text = take_str(fields, "text", at) or ""
        if take_bool(fields, "thought", at):
            return Thinking(text=text, extra=left_over(fields))
        return Text(text=text, extra=left_over(fields))
    return read_media(fields, at) or Unknown(extra={NAME: fields})


def read_call(fields: Json, at: str) -> tuple[str | None, ToolCall]:
    """The id that a call came with, if it did, and the call without it."""
    body = take_object(fields, "functionCall", at) or {}
    where = f"{at}.functionCall"
    call_id = take_str(body, "id", where) or None
    name = take_str(body, "name", where) or ""
    args = take_object(body, "args", where)
    if body:
        fields["functionCall"] = body
    return call_id, ToolCall(id="", name=name, arguments=encode(args or {}).decode(), extra=left_over(fields))


def read_result(fields: Json, at: str) -> tuple[str | None, str, ToolResult]:
    """The id and the name of the call that a function answers, and what it gave back.

    ``{"output": text}`` and ``{"error": text}`` are how Google tells an answer from an error, and become that text; any other
    object stays what the function gave: JSON.
    """
    body = take_object(fields, "functionResponse", at) or {}
    where = f"{at}.functionResponse"
    call_id, name = take_str(body, "id", where) or None, take_str(body, "name", where) or ""
    response = take_object(body, "response", where) or {}
    shown = [_read_shown(part, f"{where}.parts[{i}]") for i, part in enumerate(take_list(body, "parts", where))]
    words = _lone_words(response)
    text = encode(response).decode() if words is None else words
    if body:
        fields["functionResponse"] = body
    parts = (Text(text=text), *shown)
    return call_id, name, ToolResult(id="", parts=parts, is_error=_is_error(response), extra=left_over(fields))


def _is_error(response: Json) -> bool:
    return len(response) == 1 and "error" in response


def _read_shown(value: object, at: str) -> Part:
    if type(value) is not dict:
        raise wrong(at, "an object", value)
    return read_media(value, at) or Unknown(extra={NAME: value})


def _lone_words(response: Json) -> str | None:
    if len(response) == 1:
        value = response.get("output", response.get("error"))
        return value if type(value) is str else None
    return None


def write_plain(part: Part, losses: Losses) -> Json | None:
    """A part that is neither a call nor a result. None for what the protocol does not take: empty text, or what is foreign."""
    losses.foreign(part.extra, NAME, "messages[].content[]")
    if part.cache is not None:
        losses.drop("cache")
    extra = part.extra.get(NAME, {})
    match part:
        case Text(text=text, citations=citations):
            if citations:
                losses.drop("citations")
            return {"text": text, **extra} if text or extra else None
        case Thinking():
            return _write_thought(part, extra, losses)
        case Refusal(text=text):
            losses.approximate("refusal", "text")
            return {"text": text} if text else None
        case Page(html=html):
            return {"text": html} if html else None
        case Image() | Audio() | Video() | File():
            return write_media(part, extra, losses)
        case Unknown():
            return extra or None
    return None


def _write_thought(thought: Thinking, extra: Json, losses: Losses) -> Json | None:
    """Thoughts in plain words may be given to any model; those that only another protocol's models can read may not."""
    if thought.provider not in (None, NAME):
        losses.drop("messages[].thinking")
        return None
    if not thought.text and thought.signature is None:
        return None
    fields: Json = {"text": thought.text, **{key: value for key, value in extra.items() if key != "on"}}
    if thought.text:
        fields["thought"] = True
    if thought.signature is not None and thought.provider == NAME:
        fields["thoughtSignature"] = thought.signature
    return fields


def write_call(call: ToolCall, losses: Losses) -> Json:
    """The part for a call, without a signature."""
    losses.foreign(call.extra, NAME, "messages[].tool_calls[]")
    if call.cache is not None:
        losses.drop("cache")
    extra = call.extra.get(NAME, {})
    body: Json = {"name": call.name, "args": arguments_of(call, losses)}
    if call.id:
        body["id"] = call.id
    return {**extra, "functionCall": {**body, **extra.get("functionCall", {})}}


def arguments_of(call: ToolCall, losses: Losses) -> Json:
    """The arguments as the object that they must be here; any other text is the one argument ``arguments``."""
    if not call.arguments.strip():
        return {}
    value: Any = call.arguments
    with contextlib.suppress(InvalidInput):
        value = decode(call.arguments.encode())
    if type(value) is dict:
        return value
    losses.approximate("tool_call.arguments", "an object around them")
    return {"arguments": value}


def write_result(result: ToolResult, name: str, losses: Losses) -> Json:
    """The part for what the function ``name`` gave back. Pictures and files go along inside it."""
    losses.foreign(result.extra, NAME, "messages[].tool_result")
    if result.cache is not None or any(part.cache is not None for part in result.parts):
        losses.drop("cache")
    extra = {key: value for key, value in result.extra.get(NAME, {}).items() if key != "name"}
    text = "\n".join([_words(part) for part in result.parts if isinstance(part, _WORDS)])
    body: Json = {"name": name, "response": _response(text, is_error=result.is_error)}
    if result.id:
        body["id"] = result.id
    rest = [part for part in result.parts if not isinstance(part, _WORDS)]
    shown = [written for part in rest if (written := write_plain(part, losses)) is not None]
    if shown:
        body["parts"] = shown
    return {**extra, "functionResponse": {**body, **extra.get("functionResponse", {})}}


def _words(part: Text | Refusal | Page) -> str:
    return part.html if isinstance(part, Page) else part.text


def _response(text: str, *, is_error: bool) -> Json:
    """The inverse of reading: an object that a function gave is given back as one, if it is written as ours are."""
    if text.startswith("{"):
        try:
            value = decode(text.encode())
        except InvalidInput:
            value = None
        if type(value) is dict and encode(value) == text.encode() and _lone_words(value) is None and is_error == _is_error(value):
            return value
    return {"error" if is_error else "output": text}
