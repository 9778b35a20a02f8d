"""An upstream's whole answer at once, for a reader who was not there when it came.

Most answers are plain text, and theirs are typed here so narrowly that msgspec reads all chunks of a stream in one go, at a
fraction of the cost of events. Whatever has a field that is not known here (tools, thoughts, several choices, an error) is
read event by event instead, to the same result.
"""

from __future__ import annotations

from typing import Any

import msgspec

from assay.core import Answer, Message, Started, Text, fold
from assay.wire.openai_chat.choice import STOP_REASONS
from assay.wire.openai_chat.fields import NAME
from assay.wire.openai_chat.reader import read_events
from assay.wire.openai_chat.usage import read_usage

_MANY = 64 * 1024 * 1024
_BETWEEN = b"\n\ndata: "
_DONE = b"\n\ndata: [DONE]\n\n"


class _Words(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A delta or a message of text."""

    role: str | None = None
    content: str | None = None
    refusal: None = None
    tool_calls: None = None
    annotations: list[None] | None = None
    """Empty, where it is there at all."""


class _Choice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    index: int = 0
    delta: _Words | None = None
    message: _Words | None = None
    finish_reason: str | None = None
    logprobs: None = None


class _Chunk(msgspec.Struct, forbid_unknown_fields=True):
    """A chunk of a stream, or a whole document."""

    choices: list[_Choice]
    id: str | None = None
    object: str | None = None
    created: int | None = None
    model: str | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    usage: dict[str, Any] | None = None


_document = msgspec.json.Decoder(_Chunk)
_stream = msgspec.json.Decoder(list[_Chunk])


def read_answer(body: bytes, *, stream: bool) -> Answer:
    """What `fold` makes of the events of ``body``, which ended well.

    Raises:
        StreamBroken, StreamError: as `EventReader` does.
    """
    chunks = _read_plain(body, stream=stream)
    answer = _join(chunks) if chunks else None
    return answer if answer is not None else fold(read_events([body], stream=stream))


def _read_plain(body: bytes, *, stream: bool) -> list[_Chunk] | None:
    """The chunks, if each is one line of plain text and nothing is left over."""
    if len(body) > _MANY:
        return None
    try:
        if not stream:
            return [_document.decode(body)]
        if not body.startswith(b"data: {") or not body.endswith(_DONE):
            return None
        # A line feed inside JSON text is always escaped, so this is a boundary wherever it stands.
        return _stream.decode(b"[%b]" % body[6 : -len(_DONE)].replace(_BETWEEN, b","))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _join(chunks: list[_Chunk]) -> Answer | None:
    """None where the events would tell more than the words do."""
    first = chunks[0]
    words: list[str] = []
    reason: str | None = None
    usage: dict[str, Any] | None = None
    for chunk in chunks:
        if chunk.usage is not None:
            usage = chunk.usage
        if not chunk.choices:
            continue
        choice = chunk.choices[0]
        if len(chunk.choices) > 1 or choice.index or reason is not None:
            return None
        said = choice.delta or choice.message
        if said is not None:
            if said.annotations:
                return None
            if said.content:
                words.append(said.content)
        reason = choice.finish_reason
    if reason is None or reason == "error" or not (first.id or first.choices):
        return None
    extra = {
        name: value
        for name, value in (("system_fingerprint", first.system_fingerprint), ("service_tier", first.service_tier))
        if value is not None
    }
    text = "".join(words)
    return Answer(
        messages=(Message(role="assistant", parts=(Text(text=text),)),) if text else (),
        stop=STOP_REASONS.get(reason, "other"),
        usage=read_usage(usage) if usage is not None else None,
        started=Started(
            id=first.id or None, model=first.model or None, created=first.created, extra={NAME: extra} if extra else {}
        ),
    )
