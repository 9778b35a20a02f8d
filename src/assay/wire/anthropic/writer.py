"""Events as the answer that a client of this protocol expects, streamed or in one document.

A stream has the order that clients rely on: ``message_start``, a ``ping``, then block after block, each with its start, its pieces
and its stop, numbered 0, 1, 2...; at last one ``message_delta`` with the stop reason and the usage, and ``message_stop``. Parts
that came mixed are put one after the other. Thoughts of another protocol travel sealed in the signature of their block, and
the signature of a call in a ``redacted_thinking`` block before it (see `assay.wire.carry`).
"""

from __future__ import annotations

import msgspec

from assay.core import (
    Citation,
    Event,
    InvalidInput,
    Page,
    Part,
    PartClosed,
    PartGrew,
    PartOpened,
    Refusal,
    Request,
    Started,
    Stopped,
    StopReason,
    Text,
    Thinking,
    ToolCall,
    Unknown,
    Usage,
    UsageReported,
    fold,
)
from assay.wire.anthropic.blocks import write_input
from assay.wire.anthropic.citation import write_citation
from assay.wire.anthropic.fields import NAME
from assay.wire.anthropic.reader import STOP_REASONS
from assay.wire.anthropic.usage import write_usage
from assay.wire.carry import needs_carrying, seal
from assay.wire.document import decode, encode
from assay.wire.errors import StreamBroken
from assay.wire.fields import Json
from assay.wire.losses import Losses
from assay.wire.sse import escape_separators

_WORDS: dict[StopReason, str] = {
    "end": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "refusal": "refusal",
    "content_filter": "refusal",
    "other": "end_turn",
}
_PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%s","%s":'
_GROWS = {Text: (b"text_delta", b"text"), Refusal: (b"text_delta", b"text"), ToolCall: (b"input_json_delta", b"partial_json")}
_END = b"}}\n\n"


class EventWriter:
    """Give it events in order; it returns the bytes that each is worth to the client, and at last those of the end."""

    losses: Losses

    def __init__(self, request: Request, *, id: str, created: int):
        self.losses = Losses()
        self._id = id
        self._model = request.model
        self._stream = request.stream
        self._shows_thoughts = request.sampling.show_thinking is not False
        self._asked_to_think = request.sampling.thinking is True
        self._thought = False
        self._events: list[Event] = []
        self._waiting: list[Event] = []
        self._part: Part | None = None
        self._index = -1
        self._prefix = b""
        self._pieces: list[str] = []
        self._blocks = 0
        self._started = False
        self._called = False
        self._usage: Usage | None = None
        self._stopped: Stopped | None = None

    def write(self, event: Event) -> bytes:
        """The bytes for ``event``, perhaps none."""
        if type(event) is PartGrew and event.index == self._index and self._prefix and not event.choice:
            self._pieces.append(event.text)
            return self._prefix + escape_separators(encode(event.text)) + _END
        if type(event) is UsageReported:
            self._usage = event.usage
            return b""
        if not self._stream:
            self._events.append(event)
            return b""
        return self._write_event(event)

    def close(self) -> bytes:
        """The end of a whole answer. Of a broken one there is none: `write_stream_error` says so instead.

        Raises:
            StreamBroken: ``wire.stream_broken``: no `Stopped` was written, and this writes no stop reason of its own.
        """
        if not self._stream:
            return self._document()
        if self._stopped is None:
            raise _unstopped()
        about = self._stop_fields(self._stopped)
        delta = {"type": "message_delta", "delta": about, "usage": write_usage(self._usage or Usage())}
        return _event("message_delta", delta) + _event("message_stop", {"type": "message_stop"})

    def _write_event(self, event: Event) -> bytes:
        match event:
            case Started():
                return self._start(event)
            case PartOpened(choice=0) | PartGrew(choice=0) | PartClosed(choice=0):
                return self._start(None) + self._in_order(event)
            case Stopped(choice=0):
                started, self._stopped = self._start(None), event
                return started + self._flush()
        return b""

    def _start(self, event: Started | None) -> bytes:
        if self._started:
            return b""
        self._started = True
        message = self._message(event)
        message.update(content=[], stop_reason=None, stop_sequence=None, usage=write_usage(self._usage or Usage()))
        return _event("message_start", {"type": "message_start", "message": message}) + _PING

    def _message(self, event: Started | None) -> Json:
        own = event.extra.get(NAME, {}) if event is not None else {}
        return {"id": f"msg_{self._id}", "type": "message", "role": "assistant", "model": self._model, **own}

    def _in_order(self, event: PartOpened | PartGrew | PartClosed) -> bytes:
        """One part at a time: events of another wait until the open one is closed, or is known to be whole."""
        if self._index == event.index or (self._index < 0 and not self._waiting and type(event) is PartOpened):
            written = self._write_part(event)
            return written + self._go_on() if self._index < 0 and self._waiting else written
        if self._index < 0 and not self._waiting:
            return b""  # a piece of a part that was closed early, or never opened
        self._waiting.append(event)
        if type(event) is PartOpened and self._is_whole():
            return self._close_part(PartClosed(index=self._index)) + self._go_on()
        return b""

    def _is_whole(self) -> bool:
        """Whether the open part is a call whose arguments are complete: more could only break them."""
        if type(self._part) is not ToolCall:
            return False
        try:
            return type(decode((self._part.arguments + "".join(self._pieces)).encode())) is dict
        except (InvalidInput, UnicodeEncodeError):
            return False

    def _go_on(self) -> bytes:
        """What waited, until another part is open and waits for its end."""
        written = b""
        while self._waiting and self._index < 0:
            waiting, self._waiting = self._waiting, []
            opened = next((event for event in waiting if type(event) is PartOpened), None)
            if opened is None:
                break  # pieces of a part that was closed early
            rest: list[Event] = []
            for event in waiting:
                if event.index == opened.index:  # type: ignore[union-attr]  # only events of parts wait
                    written += self._write_part(event)
                else:
                    rest.append(event)
            self._waiting = rest
        return written

    def _flush(self) -> bytes:
        """All parts that are still open, as far as they came."""
        written = b""
        while self._index >= 0 or self._waiting:
            if self._index >= 0:
                written += self._close_part(PartClosed(index=self._index))
            before = len(self._waiting)
            written += self._go_on()
            if self._index < 0 and len(self._waiting) == before:
                self._waiting = []
        return written

    def _write_part(self, event: Event) -> bytes:
        match event:
            case PartOpened(part=part, index=index):
                self._part, self._index, self._prefix, self._pieces = part, index, b"", []
                text = part.text if isinstance(part, Text | Refusal | Thinking) else ""
                if type(part) is ToolCall:
                    text = part.arguments
                    return self._open_call(part) + self._grow(text, first=True)
                if isinstance(part, Thinking) and _is_carried_as_it_is(part):
                    return b""
                return self._grow(text, first=True)
            case PartGrew(text=text):
                return self._grow(text)
            case PartClosed():
                return self._close_part(event)
        return b""

    def _grow(self, text: str, *, first: bool = False) -> bytes:
        """A piece. The block begins with its first words: an empty text would come back in the history, where none may be."""
        if not first:
            self._pieces.append(text)
        if not text:
            return b""
        begun = b""
        if not self._prefix:
            begun = self._begin()
            if not self._prefix:
                return begun
        return begun + self._prefix + escape_separators(encode(text)) + _END

    def _begin(self) -> bytes:
        """The start of the open part's block; nothing where the part is only told at its end."""
        part = self._part
        if isinstance(part, Thinking):
            if not self._shows_thoughts:
                return b""
            return self._open_block({"type": "thinking", "thinking": "", "signature": ""}, (b"thinking_delta", b"thinking"))
        if isinstance(part, Text | Refusal):
            own = part.extra.get(NAME, {})
            return self._open_block({"type": "text", "text": "", **own}, _GROWS[type(part)])
        return b""

    def _open_block(self, block: Json, grows: tuple[bytes, bytes] | None) -> bytes:
        if grows is not None:
            self._prefix = _DELTA % (self._blocks, *grows)
        start = {"type": "content_block_start", "index": self._blocks, "content_block": block}
        return _event("content_block_start", start)

    def _open_call(self, call: ToolCall) -> bytes:
        self._called = True
        carrier = self._carrier(call)
        before = b"" if carrier is None else self._whole_block(carrier)
        return before + self._open_block(self._call_fields(call, {}), _GROWS[ToolCall])

    def _call_fields(self, call: ToolCall, input: object) -> Json:
        id = call.id or f"toolu_{self._id[:20]}_{self._blocks}"
        return {"type": "tool_use", "id": id, "name": call.name, "input": input, **call.extra.get(NAME, {})}

    def _carrier(self, call: ToolCall) -> Json | None:
        """The block before a call that carries its signature.

        Who asked for thoughts and gets a call without any is given an empty seal, by which the turn is known again: Anthropic
        refuses to go on thinking after calls that no thoughts came before.
        """
        is_foreign = call.provider not in (None, NAME)
        unthought, self._thought = is_foreign and self._asked_to_think and not self._thought, True
        return {"type": "redacted_thinking", "data": seal(call=call)} if unthought or needs_carrying(call) else None

    def _whole_block(self, block: Json) -> bytes:
        written = self._open_block(block, None) + self._stop_block()
        self._prefix = b""
        return written

    def _stop_block(self) -> bytes:
        number = self._blocks
        self._blocks += 1
        return b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % number

    def _close_part(self, event: PartClosed) -> bytes:
        part, grown = self._part, "".join(self._pieces)
        written = b""
        if isinstance(part, Thinking):
            written = self._close_thinking(_closed(part, event, grown))
        elif isinstance(part, Text | Refusal):
            citations = [*part.citations, *event.citations] if isinstance(part, Text) else []
            if citations and not self._prefix:
                written = self._begin()
            for cited in self._cite(citations):
                written += self._delta({"type": "citations_delta", "citation": cited})
            written += self._stop_block() if self._prefix else b""
        elif isinstance(part, ToolCall):
            written = self._stop_block()
        elif part is not None:
            block = self._other_block(part, event)
            written = b"" if block is None else self._whole_block(block)
        self._part, self._index, self._prefix, self._pieces = None, -1, b"", []
        return written

    def _close_thinking(self, thought: Thinking) -> bytes:
        block = self._thinking_block(thought)
        if block is None:
            return b""
        if block["type"] == "redacted_thinking":
            return self._whole_block(block)
        begun = b"" if self._prefix else self._open_block({"type": "thinking", "thinking": "", "signature": ""}, None)
        signature = self._delta({"type": "signature_delta", "signature": block["signature"]})
        return begun + signature + self._stop_block()

    def _thinking_block(self, thought: Thinking) -> Json | None:
        """Its own maker's thoughts as they came; others sealed, and with their words inside where the client wants none shown."""
        own = thought.extra.get(NAME, {})
        self._thought = self._thought or bool(thought.text) or needs_carrying(thought)
        if thought.provider == NAME:
            if thought.redacted is not None:
                return {"type": "redacted_thinking", "data": thought.redacted, **own}
            shown = thought.text if self._shows_thoughts else ""
            return {"type": "thinking", "thinking": shown, "signature": thought.signature or "", **own}
        if not thought.text and not needs_carrying(thought):
            return None
        if not self._shows_thoughts:
            return {"type": "thinking", "thinking": "", "signature": seal(thought)}
        return {"type": "thinking", "thinking": thought.text, "signature": seal(msgspec.structs.replace(thought, text=""))}

    def _delta(self, delta: Json) -> bytes:
        return _event("content_block_delta", {"type": "content_block_delta", "index": self._blocks, "delta": delta})

    def _cite(self, citations: list[Citation]) -> list[Json]:
        return [cited for one in citations if (cited := write_citation(one, self.losses)) is not None]

    def _other_block(self, part: Part, event: PartClosed | None) -> Json | None:
        """A block that only this protocol knows, as it came; what only another knows is lost."""
        if isinstance(part, Page):
            return {"type": "text", "text": part.html}
        if isinstance(part, Unknown) and NAME in part.extra:
            return {**part.extra[NAME], **(event.extra.get(NAME, {}) if event is not None else {})}
        self.losses.drop(self.losses.kind_of(part))
        return None

    def _stop_fields(self, stopped: Stopped) -> Json:
        own = stopped.extra.get(NAME, {})
        return {"stop_reason": self._stop_reason(stopped), "stop_sequence": None, **own}

    def _stop_reason(self, stopped: Stopped) -> str:
        """The upstream's own word where it is one of this protocol's. Clients run tools only if told that they were called."""
        if stopped.raw is not None and STOP_REASONS.get(stopped.raw) == stopped.reason:
            return stopped.raw
        if self._called and stopped.reason in ("end", "other"):
            return "tool_use"
        if stopped.raw == "pause_turn":
            return stopped.raw
        return _WORDS[stopped.reason]

    def _document(self) -> bytes:
        answer = fold([event for event in self._events if getattr(event, "choice", 0) == 0])
        stopped = next((event for event in reversed(self._events) if type(event) is Stopped and event.choice == 0), None)
        if stopped is None:
            raise _unstopped()
        content = [block for part in answer.message.parts for block in self._blocks_of(part)]
        document = {**self._message(answer.started), "content": content, **self._stop_fields(stopped)}
        document["usage"] = write_usage(self._usage or Usage())
        return escape_separators(encode(document))

    def _blocks_of(self, part: Part) -> list[Json]:
        block: Json | None
        match part:
            case Text(text=text) | Refusal(text=text):
                block = {"type": "text", "text": text, **part.extra.get(NAME, {})} if text else None
                if block is not None and isinstance(part, Text) and part.citations:
                    block["citations"] = self._cite(list(part.citations))
            case Thinking():
                block = self._thinking_block(part)
            case ToolCall(arguments=arguments):
                self._called = True
                carrier = self._carrier(part)
                block = self._call_fields(part, write_input(arguments, self.losses))
                self._blocks += 1
                return [block] if carrier is None else [carrier, block]
            case _:
                block = self._other_block(part, None)
        return [] if block is None else [block]


def _is_carried_as_it_is(part: Thinking) -> bool:
    return part.provider == NAME and part.redacted is not None


def _closed(part: Thinking, event: PartClosed, grown: str) -> Thinking:
    """The thought as it is at its end."""
    signature = part.signature if event.signature is None else event.signature
    return msgspec.structs.replace(part, text=part.text + grown, signature=signature)


def _event(name: str, fields: Json) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + escape_separators(encode(fields)) + b"\n\n"


def _unstopped() -> StreamBroken:
    return StreamBroken("wire.stream_broken", "The answer ended without a stop reason.")
