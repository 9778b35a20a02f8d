"""An upstream's answer, whole or in pieces, as events.

Covered: text with citations, thoughts with signatures, redacted thoughts, calls of tools, usage in its two reports, errors inside
a stream, streams that leave out ``content_block_stop``, ``message_delta`` or ``message_stop`` (but not both of the last two).
Blocks that core has no part for (server tools and their results) become `Unknown`, their pieces gathered in `PartClosed.extra`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from assay.core import (
    Citation,
    Event,
    InvalidInput,
    PartClosed,
    PartGrew,
    PartOpened,
    Started,
    Stopped,
    StopReason,
    Text,
    Thinking,
    ToolCall,
    Usage,
    UsageReported,
)
from assay.wire.anthropic.citation import read_citation
from assay.wire.anthropic.content import read_block
from assay.wire.anthropic.fields import left_over
from assay.wire.anthropic.names import read_name
from assay.wire.anthropic.usage import join_usage, read_usage
from assay.wire.document import decode
from assay.wire.errors import StreamBroken, StreamError, StreamFailed
from assay.wire.fields import Json
from assay.wire.said import read_error_value
from assay.wire.sse import SseEvent, SseSplitter

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
MAX_STREAM_BYTES = 512 * 1024 * 1024
MAX_PARTS = 10_000

STOP_REASONS: dict[str, StopReason] = {
    "end_turn": "end",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}
_OF_MESSAGE = frozenset(
    ("id", "type", "role", "content", "model", "stop_reason", "stop_sequence", "stop_details", "usage", "error")
)
_OF_STOP = ("stop_sequence", "stop_details", "container")
_GROWING = {"text": "text_delta", "thinking": "thinking_delta", "tool_use": "input_json_delta"}


class _Piece(msgspec.Struct, gc=False):
    type: str
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None


class _Delta(msgspec.Struct, gc=False):
    """The event that nearly every event is, read without making dictionaries."""

    type: str
    index: int
    delta: _Piece


_decode_delta = msgspec.json.Decoder(_Delta).decode


class EventReader:
    """Feed it bytes, and it gives the events that they complete; then close it, and it says whether the answer was whole."""

    def __init__(self, *, stream: bool, seed: str = ""):
        self._splitter = SseSplitter() if stream else None
        self._document = bytearray()
        self._most = MAX_STREAM_BYTES if stream else MAX_DOCUMENT_BYTES
        self._size = 0
        self._seed = seed
        self._started = False
        self._stopped = False
        self._ended = False
        self._parts = 0
        self._blocks: dict[int, _Block] = {}
        self._usage: Json = {}

    def feed(self, data: bytes, at_ns: int = 0) -> list[Event]:
        """The events that ``data`` completes, all stamped with ``at_ns``.

        Raises:
            StreamError: the upstream reported an error. ``events`` of either holds what came before it.
            StreamBroken: these bytes are not the protocol's.
        """
        self._size += len(data)
        if self._size > self._most:
            raise StreamBroken("wire.answer_too_large", f"The upstream's answer has more than {self._most} bytes.")
        if self._splitter is not None:
            return self._read(self._splitter.feed(data), at_ns)
        self._document += data
        return []

    def close(self, at_ns: int = 0) -> list[Event]:
        """The last events.

        Raises:
            StreamBroken: ``wire.stream_broken``: the answer ended without saying that it had.
            StreamError: as by ``feed``.
        """
        if self._splitter is not None:
            events = self._read(self._splitter.close(), at_ns)
        else:
            events = self._read([SseEvent(bytes(self._document), b"message")], at_ns)
        if not self._stopped:
            error = StreamBroken("wire.stream_broken", "The upstream's answer ended without a stop reason.")
            error.events = events
            raise error
        return events

    def _read(self, incoming: list[SseEvent], at_ns: int) -> list[Event]:
        events: list[Event] = []
        try:
            for one in incoming:
                if one.event == b"content_block_delta" and self._grow_fast(one.data, events, at_ns):
                    continue
                self._read_event(_parse(one), events, at_ns)
        except InvalidInput as error:
            broken = _bad(error.message)
            broken.events = events
            raise broken from None
        except StreamFailed as error:
            error.events = events
            raise
        return events

    def _grow_fast(self, data: bytes, events: list[Event], at_ns: int) -> bool:
        """Whether it was a plain piece of an open block, and is dealt with."""
        try:
            delta = _decode_delta(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return False
        block = self._blocks.get(delta.index)
        piece = delta.delta
        if block is None or block.grows_by != piece.type or delta.type != "content_block_delta":
            return False
        text = piece.text if block.kind == "text" else piece.thinking if block.kind == "thinking" else piece.partial_json
        if text is None:
            return False
        if text:
            block.length += len(text)
            events.append(PartGrew(index=block.index, text=text, at_ns=at_ns))
        return True

    def _read_event(self, fields: Json, events: list[Event], at_ns: int) -> None:
        match fields.get("type"):
            case "message_start":
                self._start(_object(fields, "message"), events, at_ns)
            case "content_block_start":
                self._open(_number(fields), _object(fields, "content_block"), events, at_ns)
            case "content_block_delta":
                self._grow(_number(fields), _object(fields, "delta"), events, at_ns)
            case "content_block_stop":
                self._close(_number(fields), events, at_ns)
            case "message_delta":
                self._report(fields.get("usage"), events, at_ns)
                delta = _object(fields, "delta")
                if delta.get("stop_reason") is not None:
                    self._stop(delta, events, at_ns)
            case "message_stop":
                self._stop({}, events, at_ns)
            case "message":
                self._read_whole(fields, events, at_ns)

    def _read_whole(self, message: Json, events: list[Event], at_ns: int) -> None:
        content = message.get("content")
        if type(content) is not list:
            raise _bad("content: expected a list.")
        self._start(message, events, at_ns)
        for number, block in enumerate(content):
            if type(block) is not dict:
                raise _bad(f"content[{number}]: expected an object.")
            self._open(number, block, events, at_ns, whole=True)
            self._close(number, events, at_ns)
        if message.get("stop_reason") is not None:
            self._stop(message, events, at_ns)

    def _start(self, message: Json, events: list[Event], at_ns: int) -> None:
        if self._started:
            return
        self._started = True
        upstream_id, model = message.get("id"), message.get("model")
        extra = {key: value for key, value in message.items() if key not in _OF_MESSAGE and value is not None}
        events.append(
            Started(
                id=upstream_id if type(upstream_id) is str and upstream_id else None,
                model=model if type(model) is str and model else None,
                extra=left_over(extra),
                at_ns=at_ns,
            )
        )
        self._report(message.get("usage"), events, at_ns)

    def _report(self, usage: object, events: list[Event], at_ns: int) -> None:
        if usage is None:
            return
        if type(usage) is not dict:
            raise _bad("usage: expected an object.")
        joined = join_usage(self._usage, usage)
        if joined != self._usage:
            self._usage = joined
            counted = read_usage(joined)
            if counted != Usage():  # only zeros: some servers do not know at the start
                events.append(UsageReported(usage=counted, at_ns=at_ns))

    def _open(self, number: int, fields: Json, events: list[Event], at_ns: int, *, whole: bool = False) -> None:
        if number in self._blocks or self._stopped or not self._started:
            raise _bad(f"content_block_start: block {number} has begun already, or the message has not.")
        if self._parts >= MAX_PARTS:
            raise StreamBroken("wire.too_many_parts", f"The upstream's answer has more than {MAX_PARTS} parts.")
        kind = fields.get("type")
        part = read_block(fields, f"content[{number}]")
        block = self._blocks[number] = _Block(self._parts, kind if type(kind) is str else "")
        self._parts += 1
        if isinstance(part, ToolCall):
            if not whole:
                block.input = part.arguments
                part = msgspec.structs.replace(part, arguments="")
            else:
                block.length = len(part.arguments)
            part = msgspec.structs.replace(part, name=read_name(part.name), id=part.id or f"call_{self._seed[-20:]}_{block.index}")
        elif isinstance(part, Text):
            block.length = len(part.text)
        elif isinstance(part, Thinking) and not part.signature and part.redacted is None:
            part = msgspec.structs.replace(part, signature=None)
            block.signature = ""  # servers that sign nothing want their thoughts back all the same
        events.append(PartOpened(index=block.index, part=part, at_ns=at_ns))

    def _grow(self, number: int, delta: Json, events: list[Event], at_ns: int) -> None:
        block = self._blocks.get(number)
        if block is None:
            raise _bad(f"content_block_delta: block {number} is not open.")
        kind = delta.get("type")
        if kind == "signature_delta" and block.kind == "thinking":
            signature = delta.get("signature")
            if type(signature) is str:
                block.signature = signature
        elif kind == "citations_delta" and block.kind == "text":
            block.citations.append(delta.get("citation"))
        elif kind == "input_json_delta" and block.kind != "tool_use":
            block.pieces.append(delta.get("partial_json"))
        elif block.grows_by is not None and block.grows_by == kind:
            name = _OF_DELTA[block.grows_by]
            text = delta.get(name)
            if type(text) is not str:
                raise _bad(f"content_block_delta: {name} should be a string.")
            if text:
                block.length += len(text)
                events.append(PartGrew(index=block.index, text=text, at_ns=at_ns))
        else:
            block.late.setdefault("deltas", []).append(delta)

    def _close(self, number: int, events: list[Event], at_ns: int) -> None:
        block = self._blocks.get(number)
        if block is None or block.is_closed:
            return
        block.is_closed = True
        if block.kind == "tool_use" and not block.length:
            events.append(PartGrew(index=block.index, text=block.input, at_ns=at_ns))
        events.append(block.closed(at_ns))

    def _stop(self, fields: Json, events: list[Event], at_ns: int) -> None:
        """The reason to stop; an end without one is at least an end. Only the first counts."""
        if self._stopped or not self._started:
            return
        for number in self._blocks:
            self._close(number, events, at_ns)
        self._stopped = True
        raw = fields.get("stop_reason")
        if raw is not None and type(raw) is not str:
            raise _bad("stop_reason: expected a string.")
        extra = {key: fields[key] for key in _OF_STOP if fields.get(key) is not None}
        reason = STOP_REASONS.get(raw, "other") if raw is not None else "other"
        events.append(Stopped(reason=reason, raw=raw, extra=left_over(extra), at_ns=at_ns))


_OF_DELTA = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


class _Block:
    """A content block on its way: ``index`` is that of its part, ``length`` counts the code points it has so far."""

    __slots__ = ("citations", "grows_by", "index", "input", "is_closed", "kind", "late", "length", "pieces", "signature")

    def __init__(self, index: int, kind: str):
        self.index = index
        self.kind = kind
        self.grows_by = _GROWING.get(kind)
        self.length = 0
        self.input = ""
        self.is_closed = False
        self.signature: str | None = None
        self.citations: list[Any] = []
        self.pieces: list[Any] = []
        self.late: Json = {}

    def closed(self, at_ns: int) -> PartClosed:
        """The end of its part, with all that comes only then."""
        if self.pieces:
            self.late["input"] = _join(self.pieces)
        citations: list[Citation] = [read_citation(one, "citation", self.length) for one in self.citations]
        return PartClosed(
            index=self.index,
            signature=self.signature,
            citations=tuple(citations),
            extra=left_over(self.late),
            at_ns=at_ns,
        )


def _join(pieces: list[Any]) -> Any:
    """The input of a server's tool, out of its pieces; as text where they make no object."""
    text = "".join(piece for piece in pieces if type(piece) is str)
    try:
        return decode(text.encode()) if text else {}
    except (InvalidInput, UnicodeEncodeError):
        return text


def _parse(event: SseEvent) -> Json:
    try:
        document = decode(event.data)
    except InvalidInput as error:
        raise StreamBroken(error.code, f"The upstream sent what cannot be read. {error.message}") from None
    if type(document) is not dict:
        if event.event == b"error":
            raise StreamError(read_error_value(document))
        raise _bad("the event: expected an object.")
    if event.event == b"error" or document.get("type") == "error" or document.get("error"):
        raise StreamError(read_error_value(document))
    document.setdefault("type", event.event.decode("utf-8", "replace"))
    return document


def _object(fields: Json, key: str) -> Json:
    value = fields.get(key)
    if type(value) is not dict:
        raise _bad(f"{key}: expected an object.")
    return value


def _number(fields: Json) -> int:
    value = fields.get("index")
    if type(value) is not int:
        raise _bad("index: expected a whole number.")
    return value


def _bad(what: str) -> StreamBroken:
    return StreamBroken("wire.bad_chunk", f"The upstream's answer is not what the protocol says: {what}")


def read_events(chunks: Iterable[bytes], *, stream: bool, seed: str = "") -> list[Event]:
    """All events of an answer that is already here. Raises as `EventReader` does."""
    reader = EventReader(stream=stream, seed=seed)
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return events + reader.close()
