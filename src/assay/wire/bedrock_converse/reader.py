"""An upstream's answer, whole or in pieces, as events.

Covered: text with citations, thoughts with signatures, redacted thoughts, calls of tools, usage (which comes after the stop and is
told before it), exceptions inside a stream. Blocks that core has no part for (server tools and their results) become `Unknown`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from assay.core import (
    Citation,
    Event,
    Image,
    InvalidInput,
    Part,
    PartClosed,
    PartGrew,
    PartOpened,
    Started,
    Stopped,
    StopReason,
    Text,
    Thinking,
    ToolCall,
    Unknown,
    UsageReported,
)
from assay.wire.bedrock_converse.fields import NAME
from assay.wire.bedrock_converse.usage import read_usage
from assay.wire.document import decode, encode
from assay.wire.errors import StreamBroken, StreamError, StreamFailed
from assay.wire.fields import Json
from assay.wire.said import read_error_value
from assay.wire.sse import SseEvent, SseSplitter

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
MAX_STREAM_BYTES = 512 * 1024 * 1024
MAX_PARTS = 10_000

STOP_REASONS: dict[str, StopReason] = {
    "end_turn": "end",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "stop_sequence",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}


class _Words(msgspec.Struct, gc=False):
    text: str | None = None


class _Delta(msgspec.Struct, gc=False):
    """The event that nearly every event is, read without making dictionaries."""

    contentBlockIndex: int  # noqa: N815  # the protocol's own name
    delta: _Words


_decode_delta = msgspec.json.Decoder(_Delta).decode


class EventReader:
    """Feed it bytes, and it gives the events that they complete; then close it, and it says whether the answer was whole."""

    def __init__(self, *, stream: bool, seed: str = ""):
        self._splitter = SseSplitter() if stream else None
        self._document = bytearray()
        self._most = MAX_STREAM_BYTES if stream else MAX_DOCUMENT_BYTES
        self._size = 0
        self._parts = 0
        self._blocks: dict[int, _Block] = {}
        self._stopped: Stopped | None = None
        self._told_stop = False

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
            events = self._read([SseEvent(bytes(self._document), b"answer")], at_ns)
        if self._stopped is None:
            error = StreamBroken("wire.stream_broken", "The upstream's answer ended without a stop reason.")
            error.events = events
            raise error
        self._tell_stop(events)
        return events

    def _read(self, incoming: list[SseEvent], at_ns: int) -> list[Event]:
        events: list[Event] = []
        try:
            for one in incoming:
                if one.event != b"contentBlockDelta" or not self._grow_fast(one.data, events, at_ns):
                    self._read_event(one.event, _parse(one), events, at_ns)
        except InvalidInput as error:
            broken = _bad(error.message)
            broken.events = events
            raise broken from None
        except StreamFailed as error:
            error.events = events
            raise
        return events

    def _grow_fast(self, data: bytes, events: list[Event], at_ns: int) -> bool:
        """Whether it was a plain piece of an open text, and is dealt with."""
        try:
            delta = _decode_delta(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return False
        block = self._blocks.get(delta.contentBlockIndex)
        text = delta.delta.text
        if text is None or block is None or block.kind != "text" or block.is_closed:
            return False
        block.grow(text, events, at_ns)
        return True

    def _read_event(self, name: bytes, fields: Json, events: list[Event], at_ns: int) -> None:
        match name:
            case b"messageStart":
                events.append(Started(at_ns=at_ns))
            case b"contentBlockStart":
                self._start(_number(fields), _object(fields, "start"), events, at_ns)
            case b"contentBlockDelta":
                self._grow(_number(fields), _object(fields, "delta"), events, at_ns)
            case b"contentBlockStop":
                if (block := self._blocks.get(_number(fields))) is not None:
                    block.close(events, at_ns)
            case b"messageStop":
                self._stop(fields, events, at_ns)
            case b"metadata":
                self._report(fields, events, at_ns)
            case b"answer":
                self._read_whole(fields, events, at_ns)

    def _read_whole(self, fields: Json, events: list[Event], at_ns: int) -> None:
        content = _object(_object(fields, "output"), "message").get("content")
        if type(content) is not list:
            raise _bad("content: expected a list.")
        events.append(Started(at_ns=at_ns))
        for number, block in enumerate(content):
            if type(block) is not dict:
                raise _bad(f"content[{number}]: expected an object.")
            self._read_block(number, block, events, at_ns)
        self._stop(fields, events, at_ns)
        self._report(fields, events, at_ns)

    def _read_block(self, number: int, fields: Json, events: list[Event], at_ns: int) -> None:
        match fields:
            case {"text": str(text)}:
                self._open(number, "text", Text(text=""), events, at_ns).grow(text, events, at_ns)
            case {"toolUse": {"toolUseId": str(id), "name": str(name), **rest}} if "type" not in rest:
                block = self._open(number, "toolUse", ToolCall(id=id, name=name), events, at_ns)
                block.grow(encode(rest.get("input", {})).decode(), events, at_ns)
            case {"reasoningContent": dict(thought)}:
                words = thought.get("reasoningText")
                self._think(number, words if type(words) is dict else thought, events, at_ns)
            case {"citationsContent": {"content": list(pieces), **rest}}:
                block = self._open(number, "text", Text(text=""), events, at_ns)
                block.grow(
                    "".join(one["text"] for one in pieces if type(one) is dict and type(one.get("text")) is str), events, at_ns
                )
                cited = rest.get("citations")
                block.citations += cited if type(cited) is list else []
            case {"image": {"format": str(kind), "source": {"bytes": str(data)}}}:
                self._open(number, "image", Image(data=data, media_type=f"image/{kind}"), events, at_ns)
            case _:
                self._open(number, "", Unknown(extra={NAME: fields}), events, at_ns)
        self._blocks[number].close(events, at_ns)

    def _open(self, number: int, kind: str, part: Part, events: list[Event], at_ns: int) -> _Block:
        if number in self._blocks or self._stopped is not None:
            raise _bad(f"contentBlockIndex: block {number} has begun already, or the message has ended.")
        if self._parts >= MAX_PARTS:
            raise StreamBroken("wire.too_many_parts", f"The upstream's answer has more than {MAX_PARTS} parts.")
        block = self._blocks[number] = _Block(self._parts, kind)
        self._parts += 1
        events.append(PartOpened(index=block.index, part=part, at_ns=at_ns))
        return block

    def _start(self, number: int, start: Json, events: list[Event], at_ns: int) -> None:
        match start:
            case {"toolUse": {"toolUseId": str(id), "name": str(name), **rest}} if "type" not in rest:
                self._open(number, "toolUse", ToolCall(id=id, name=name), events, at_ns)
            case _:
                self._open(number, "", Unknown(extra={NAME: start}), events, at_ns)

    def _grow(self, number: int, delta: Json, events: list[Event], at_ns: int) -> None:
        """A piece of a block. Only calls of tools are announced; text and thoughts begin with their first piece."""
        block = self._blocks.get(number)
        match delta:
            case {"text": str(text)}:
                block = block or self._open(number, "text", Text(text=""), events, at_ns)
                block.grow(text, events, at_ns)
            case {"toolUse": {"input": str(text)}} if block is not None and block.kind == "toolUse":
                block.grow(text, events, at_ns)
            case {"reasoningContent": dict(thought)}:
                self._think(number, thought, events, at_ns)
            case {"citation": dict(citation)}:
                block = block or self._open(number, "text", Text(text=""), events, at_ns)
                block.citations.append(citation)
            case _:
                block = block or self._open(number, "", Unknown(extra={NAME: {}}), events, at_ns)
                block.late.append(delta)

    def _think(self, number: int, thought: Json, events: list[Event], at_ns: int) -> None:
        block = self._blocks.get(number)
        redacted = thought.get("redactedContent")
        if block is None:
            part = Thinking(redacted=redacted if type(redacted) is str else None, provider=NAME)
            block = self._open(number, "reasoningContent", part, events, at_ns)
        if type(text := thought.get("text")) is str:
            block.grow(text, events, at_ns)
        if type(signature := thought.get("signature")) is str:
            block.signature = signature

    def _report(self, fields: Json, events: list[Event], at_ns: int) -> None:
        usage = fields.get("usage")
        if type(usage) is dict:
            events.append(UsageReported(usage=read_usage(usage), at_ns=at_ns))
        if self._stopped is not None:
            self._tell_stop(events)

    def _stop(self, fields: Json, events: list[Event], at_ns: int) -> None:
        """Kept until the usage has come, which is the last event, or until the end."""
        raw = fields.get("stopReason")
        if type(raw) is not str:
            raise _bad("stopReason: expected a string.")
        for block in self._blocks.values():
            block.close(events, at_ns)
        more = fields.get("additionalModelResponseFields")
        extra = {NAME: {"additionalModelResponseFields": more}} if more is not None else {}
        self._stopped = self._stopped or Stopped(reason=STOP_REASONS.get(raw, "other"), raw=raw, extra=extra, at_ns=at_ns)

    def _tell_stop(self, events: list[Event]) -> None:
        if self._stopped is not None and not self._told_stop:
            self._told_stop = True
            events.append(self._stopped)


class _Block:
    """A content block on its way; ``index`` is that of its part."""

    __slots__ = ("citations", "index", "is_closed", "kind", "late", "length", "signature")

    def __init__(self, index: int, kind: str):
        self.index = index
        self.kind = kind
        self.length = 0
        self.is_closed = False
        self.signature: str | None = None
        self.citations: list[Any] = []
        self.late: list[Json] = []

    def grow(self, text: str, events: list[Event], at_ns: int) -> None:
        if self.is_closed or self.kind not in ("text", "toolUse", "reasoningContent"):
            raise _bad("delta: its block does not grow by words, or has ended.")
        if text:
            self.length += len(text)
            events.append(PartGrew(index=self.index, text=text, at_ns=at_ns))

    def close(self, events: list[Event], at_ns: int) -> None:
        if self.is_closed:
            return
        if self.kind == "toolUse" and not self.length:
            self.grow("{}", events, at_ns)
        self.is_closed = True
        events.append(
            PartClosed(
                index=self.index,
                signature=self.signature,
                citations=tuple(_citation(one, self.length) for one in self.citations if type(one) is dict),
                extra={NAME: {"deltas": self.late}} if self.late else {},
                at_ns=at_ns,
            )
        )


def _citation(fields: Json, length: int) -> Citation:
    """A source; it stands for all words of its block."""
    sources = fields.get("sourceContent")
    quote = "".join(
        one["text"] for one in (sources if type(sources) is list else ()) if type(one) is dict and type(one.get("text")) is str
    )
    location = fields.get("location")
    web = location.get("web") if type(location) is dict else None
    url = web.get("url") if type(web) is dict else None
    title = fields.get("title")
    return Citation(
        url=url if type(url) is str else None,
        title=title if type(title) is str else None,
        quote=quote or None,
        start=0,
        end=length,
        extra={NAME: {"location": location}} if location is not None and url is None else {},
    )


def _parse(event: SseEvent) -> Json:
    document = decode(event.data)
    if event.event == b"exception":
        raise StreamError(read_error_value(document))
    if type(document) is not dict:
        raise _bad("the event: expected an object.")
    return document


def _object(fields: Json, key: str) -> Json:
    value = fields.get(key)
    if type(value) is not dict:
        raise _bad(f"{key}: expected an object.")
    return value


def _number(fields: Json) -> int:
    value = fields.get("contentBlockIndex")
    if type(value) is not int:
        raise _bad("contentBlockIndex: expected a whole number.")
    return value


def _bad(what: str) -> StreamBroken:
    return StreamBroken("wire.bad_chunk", f"The upstream's answer is not what the protocol says: {what}")


def read_events(chunks: Iterable[bytes], *, stream: bool, seed: str = "") -> list[Event]:
    """All events of an answer that is already here. Raises as `EventReader` does."""
    reader = EventReader(stream=stream, seed=seed)
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return events + reader.close()
