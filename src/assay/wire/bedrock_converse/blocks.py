"""Parts as content blocks. Everything that is bytes is base64 in the JSON of this protocol."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

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
from assay.wire.bedrock_converse.fields import NAME, NOTHING, Draft
from assay.wire.document import decode
from assay.wire.fields import Json

_PICTURES = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_DOCUMENTS = frozenset(("pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"))
_FILMS = {
    "video/x-matroska": "mkv",
    "video/quicktime": "mov",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/x-flv": "flv",
    "video/mpeg": "mpeg",
    "video/x-ms-wmv": "wmv",
    "video/3gpp": "three_gp",
}
_SOUNDS = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/flac": "flac",
    "audio/aac": "aac",
}
_SOUNDS |= {"audio/ogg": "ogg", "audio/opus": "opus", "audio/mp4": "m4a", "audio/webm": "webm"}
_OFFICE = "application/vnd.openxmlformats-officedocument"
_KINDS = {
    "application/pdf": "pdf",
    "application/msword": "doc",
    f"{_OFFICE}.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
    "application/json": "txt",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "md",
    "text/plain": "txt",
}
_BEGINNINGS = {"/9j/": "jpeg", "iVBORw0KGgo": "png", "R0lGOD": "gif", "UklGR": "webp"}


def write_blocks(parts: Iterable[Part], draft: Draft, *, role: str) -> list[Json]:
    """The blocks of one message, each followed by its cache point. Blank texts are left out: the server refuses them."""
    blocks: list[Json] = []
    for part in parts:
        if not isinstance(part, Unknown):
            draft.losses.foreign(part.extra, NAME, at="messages[]")
        block = _write(part, draft, role)
        if block is not None:
            blocks += [block, *draft.marks(part.cache)]
    return blocks


def _write(part: Part, draft: Draft, role: str) -> Json | None:
    """None for what this protocol cannot say; the draft's losses name it."""
    match part:
        case Text(text=text) | Refusal(text=text) | Page(html=text):
            return _write_words(part, text, draft)
        case Thinking():
            return _write_thinking(part, role, draft)
        case ToolCall():
            return _write_call(part, draft)
        case ToolResult():
            return _write_result(part, draft)
        case Unknown():
            return _write_unknown(part, draft)
        case _:
            return _write_medium(part, draft, role)


def _write_words(part: Part, text: str, draft: Draft) -> Json | None:
    if isinstance(part, Refusal):
        draft.losses.approximate("refusal", "text")
    if isinstance(part, Text) and part.citations:
        draft.losses.drop("citations")
    return {"text": text} if text.strip() else None


def _write_thinking(part: Thinking, role: str, draft: Draft) -> Json | None:
    """Thoughts go back only to the protocol that made them."""
    if part.provider != NAME or role != "assistant":
        draft.losses.drop("messages[].thinking")
        return None
    if part.redacted is not None:
        return {"reasoningContent": {"redactedContent": part.redacted}}
    words: Json = {"text": part.text}
    if part.signature is not None:
        words["signature"] = part.signature
    return {"reasoningContent": {"reasoningText": words}}


def _write_call(call: ToolCall, draft: Draft) -> Json:
    if call.signature is not None:
        draft.losses.drop("tool_call.signature")
    return {"toolUse": {"toolUseId": draft.call_id(call.id), "name": call.name, "input": _write_input(call.arguments, draft)}}


def _write_input(arguments: str, draft: Draft) -> object:
    """The arguments as the object that they must be; a text that is none goes into the one field ``input``."""
    text = arguments.strip()
    if not text:
        return {}
    try:
        if type(decode(text.encode())) is dict:
            return msgspec.Raw(text.encode())
    except (InvalidInput, UnicodeEncodeError):
        pass
    draft.losses.approximate("tool_call.arguments", "input")
    return {"input": arguments}


def _write_result(result: ToolResult, draft: Draft) -> Json:
    content = [block for block in write_blocks(result.parts, draft, role="tool") if "cachePoint" not in block]
    written: Json = {"toolUseId": draft.call_id(result.id), "content": content or [{"text": NOTHING}]}
    if result.is_error:
        written["status"] = "error"
    return {"toolResult": written}


def _write_unknown(part: Unknown, draft: Draft) -> Json | None:
    own = part.extra.get(NAME)
    if own is None:
        for foreign in part.extra.values():
            kind = foreign.get("type")
            draft.losses.drop(f"messages[].{kind if type(kind) is str else 'part'}")
    return None if own is None else {**own}


def _write_medium(part: Part, draft: Draft, role: str) -> Json | None:
    """Pictures, documents, films and sound by value: the server fetches no address."""
    match part:
        case Image():
            if part.detail not in (None, "auto"):
                draft.losses.drop("image.detail")
            word, kind = "image", _PICTURES.get(part.media_type or "") or _picture(part.data)
        case File():
            word, kind = "file", _document(part)
        case Video():
            word, kind = "video", _FILMS.get(part.media_type or "")
        case Audio():
            word, kind = "audio", _SOUNDS.get(part.media_type or "")
        case _:
            return None
    if part.data is None or kind is None or role == "assistant":
        draft.losses.drop("file.file_id" if isinstance(part, File) and part.file_id is not None else word)
        return None
    written: Json = {"format": kind, "source": {"bytes": part.data}}
    if isinstance(part, File):
        written["name"] = draft.document_name(part.name)
    return {"document" if word == "file" else word: written}


def _picture(data: str | None) -> str | None:
    """The kind of a picture by its first bytes."""
    return next((kind for beginning, kind in _BEGINNINGS.items() if (data or "").startswith(beginning)), None)


def _document(file: File) -> str | None:
    """The kind of a document: by what it is said to be, else by its name, else by its first bytes."""
    media_type = (file.media_type or "").partition(";")[0]
    named = (file.name or "").rpartition(".")[2].lower()
    kind = next((kind for kind in (_KINDS.get(media_type), named) if kind in _DOCUMENTS), None)
    if kind is None and media_type.startswith("text/"):
        return "txt"
    return kind or ("pdf" if (file.data or "").startswith("JVBER") else None)
