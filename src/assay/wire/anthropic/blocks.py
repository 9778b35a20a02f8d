"""Parts as content blocks, in requests and in whole answers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

import msgspec

from assay.core import (
    Audio,
    Citation,
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
from assay.wire.anthropic.citation import write_citation
from assay.wire.anthropic.draft import Draft
from assay.wire.anthropic.fields import NAME, NOTHING
from assay.wire.document import decode
from assay.wire.fields import Json
from assay.wire.losses import Losses

_PICTURES = frozenset(("image/jpeg", "image/png", "image/gif", "image/webp"))
_BEGINNINGS = {"/9j/": "image/jpeg", "iVBORw0KGgo": "image/png", "R0lGOD": "image/gif", "UklGR": "image/webp"}
_PDF = "application/pdf"
_WORDS = {Audio: "audio", Video: "video"}


def write_blocks(parts: Iterable[Part], draft: Draft, *, role: str) -> list[Json]:
    """The blocks of one message. Blank texts are left out: the server refuses them."""
    return [block for part in parts if (block := write_block(part, draft, role=role)) is not None]


def write_content(blocks: list[Json]) -> str | list[Json]:
    """A plain string where that says it all."""
    if len(blocks) == 1 and len(blocks[0]) == 2 and blocks[0]["type"] == "text":
        return str(blocks[0]["text"])
    return blocks


def write_block(part: Part, draft: Draft, *, role: str) -> Json | None:
    """None for what this protocol cannot say; the draft's losses name it."""
    losses = draft.losses
    fields: Json | None
    match part:
        case Text() | Refusal() | Page():
            fields = _write_words(part, draft, role)
        case ToolCall():
            fields = _write_call(part, draft)
        case ToolResult():
            fields = _write_result(part, draft)
        case Image():
            fields = _write_image(part, draft)
        case File():
            fields = _write_file(part, draft, role)
        case Thinking():
            return _write_thinking(part, role, losses)
        case Unknown():
            return _write_unknown(part, draft)
        case Audio() | Video():
            losses.drop(_WORDS[type(part)])
            return None
    if fields is None:
        return None
    if part.extra:
        losses.foreign(part.extra, NAME, at="messages[]")
        fields.update(part.extra.get(NAME, ()))
    return draft.mark(fields, part.cache)


def _write_unknown(part: Unknown, draft: Draft) -> Json | None:
    fields = part.extra.get(NAME)
    if fields is None:
        for foreign in part.extra.values():
            kind = foreign.get("type")
            draft.losses.drop(f"messages[].{kind if type(kind) is str else 'part'}")
        return None
    return draft.mark({**fields}, part.cache)


def _write_thinking(part: Thinking, role: str, losses: Losses) -> Json | None:
    """Thoughts go back only to the protocol that made them; some servers of it sign none."""
    if part.provider != NAME or role != "assistant":
        losses.drop("messages[].thinking")
        return None
    extra = part.extra.get(NAME, {})
    if part.redacted is not None:
        return {"type": "redacted_thinking", "data": part.redacted, **extra}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature or "", **extra}


def _write_call(call: ToolCall, draft: Draft) -> Json:
    if call.signature is not None:
        draft.losses.drop("tool_call.signature")
    fields: Json = {"type": "tool_use", "id": draft.call_id(call.id), "name": draft.name(call.name)}
    return {**fields, "input": write_input(call.arguments, draft.losses)}


def write_input(arguments: str, losses: Losses) -> object:
    """The arguments as the object that they must be; a text that is none goes into the one field ``input``."""
    text = arguments.strip()
    if not text:
        return {}
    try:
        if type(decode(text.encode())) is dict:
            return msgspec.Raw(text.encode())
    except (InvalidInput, UnicodeEncodeError):
        pass
    losses.approximate("tool_call.arguments", "input")
    return {"input": arguments}


def _write_result(result: ToolResult, draft: Draft) -> Json:
    fields: Json = {"type": "tool_result", "tool_use_id": draft.result_id(result.id)}
    if len(result.parts) == 1 and type(result.parts[0]) is Text and not result.parts[0].extra and result.parts[0].cache is None:
        content: str | list[Json] = result.parts[0].text
    else:
        content = write_content(write_blocks(result.parts, draft, role="tool"))
    if content or result.is_error:
        fields["content"] = content or NOTHING
    if result.is_error:
        fields["is_error"] = True
    return fields


def _write_words(part: Text | Refusal | Page, draft: Draft, role: str) -> Json | None:
    text = part.html if isinstance(part, Page) else part.text
    if isinstance(part, Refusal):
        draft.losses.approximate("refusal", "text")
    if not text.strip():
        return None
    fields: Json = {"type": "text", "text": text}
    if isinstance(part, Text) and part.citations:
        cited = [written for one in part.citations if (written := _cite(one, draft, role)) is not None]
        if cited:
            fields["citations"] = cited
    return fields


def _cite(citation: Citation, draft: Draft, role: str) -> Json | None:
    """Only an answer's own sources are taken back: others would need an index into documents of this request."""
    if role != "assistant" or NAME not in citation.extra:
        draft.losses.drop("citations")
        return None
    return write_citation(citation, draft.losses)


def _write_image(image: Image, draft: Draft) -> Json | None:
    losses = draft.losses
    if image.detail not in (None, "auto"):
        losses.drop("image.detail")
    if image.data is not None:
        media_type = image.media_type or _guess(image.data)
        media_type = "image/jpeg" if media_type == "image/jpg" else media_type
        if media_type in _PICTURES:
            return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": _plain(image.data, draft)}}
    elif image.url is not None and image.url.startswith(("https://", "http://")):
        return {"type": "image", "source": {"type": "url", "url": image.url}}
    losses.drop("image")
    return None


def _plain(data: str, draft: Draft) -> str:
    """Base64 in the common alphabet: some clients write that of URLs."""
    if draft.own:
        return data
    if "-" in data or "_" in data:
        data = data.replace("-", "+").replace("_", "/")
    return data + "=" * (-len(data) % 4) if "=" not in data else data


def _guess(data: str) -> str | None:
    """The kind of a picture by its first bytes."""
    return next((media_type for beginning, media_type in _BEGINNINGS.items() if data.startswith(beginning)), None)


def _write_file(file: File, draft: Draft, role: str) -> Json | None:
    source = _write_source(file, draft) if role != "assistant" else None
    if source is None:
        draft.losses.drop("file" if file.file_id is None else "file.file_id")
        return None
    fields: Json = {"type": "document", "source": source}
    if file.name is not None:
        fields["title"] = file.name
    return fields


def _write_source(file: File, draft: Draft) -> Json | None:
    """PDF by value or by address, and plain text: the documents that the server reads. A file's id is known to its maker only."""
    if file.file_id is not None:
        return {"type": "file", "file_id": file.file_id} if draft.own else None
    if file.url is not None:
        return {"type": "url", "url": file.url} if file.url.startswith(("https://", "http://")) else None
    if file.data is None:
        return None
    media_type = file.media_type or (_PDF if file.data.startswith("JVBER") or (file.name or "").endswith(".pdf") else None)
    if media_type == _PDF:
        return {"type": "base64", "media_type": _PDF, "data": _plain(file.data, draft)}
    if media_type is not None and (media_type.startswith("text/") or media_type == "application/json"):
        try:
            words = base64.b64decode(file.data, validate=True).decode()
        except (binascii.Error, ValueError):
            return None
        return {"type": "text", "media_type": "text/plain", "data": words}
    return {"type": "base64", "media_type": media_type, "data": file.data} if draft.own else None
