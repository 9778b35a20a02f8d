"""Events as the answer that a client of this protocol expects, streamed or in one document.

A stream has the order that clients rely on: the role alone first; a tool call's id and name in its first fragment only; one
chunk with the finish reason for each choice; then, if it was asked for, one with the usage and no choices; then ``[DONE]``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from assay.core import (
    Event,
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
    Usage,
    UsageReported,
    fold,
)
from assay.core.transcript import Message
from assay.wire.carry import KEPT, needs_carrying, seal
from assay.wire.document import encode
from assay.wire.errors import StreamBroken
from assay.wire.fields import Json
from assay.wire.losses import Losses
from assay.wire.openai_chat.choice import STOP_REASONS
from assay.wire.openai_chat.citation import write_citation
from assay.wire.openai_chat.fields import NAME
from assay.wire.openai_chat.message import MessageWriter, write_tool_call
from assay.wire.openai_chat.usage import write_usage
from assay.wire.sse import escape_separators

_WORDS: dict[StopReason, str] = {
    "end": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "refusal": "content_filter",
    "content_filter": "content_filter",
    "other": "stop",
}
_FINISH_REASONS = frozenset(("stop", "length", "tool_calls", "content_filter", "function_call"))
_TOLD = Text | Refusal | Thinking | ToolCall
_OPEN = b',"finish_reason":null}]}\n\n'


class EventWriter:
    """Give it events in order; it returns the bytes that each is worth to the client, and at last those of the end.

    The client is told ``request.model``, and ``created`` (seconds since 1970) unless the upstream gave its own. The protocol
    has no slot for signatures: a tool call that has one, or thoughts before it that have, gets an id of ours, and ``kept``
    holds that id with the seal which must be known again when the client answers the call.
    """

    def __init__(self, request: Request, *, id: str, created: int):
        self.losses = Losses()
        self.kept: list[tuple[str, str]] = []
        self._id = id
        self._stream = request.stream
        self._include_usage = bool(request.stream_usage)
        self._about: Json = {"id": f"chatcmpl-{id}", "object": "", "created": created, "model": request.model}
        self._thoughts: dict[tuple[int, int], Thinking] = {}
        self._head = b""
        self._events: list[Event] = []
        self._spoke: set[int] = set()
        self._stopped: dict[int, Stopped] = {}
        self._refused: set[int] = set()
        self._tools: dict[int, int] = {}
        self._around: dict[tuple[int, int], tuple[bytes, bytes]] = {}
        self._slots: dict[tuple[int, int], int] = {}
        self._usage: Usage | None = None

    def write(self, event: Event) -> bytes:
        """The bytes for ``event``, perhaps none."""
        if type(event) is PartGrew:
            key = event.choice, event.index
            if key in self._thoughts:
                thought = self._thoughts[key]
                self._thoughts[key] = msgspec.structs.replace(thought, text=thought.text + event.text)
            if self._stream:
                around = self._around.get(key)
                return around[0] + escape_separators(encode(event.text)) + around[1] if around is not None else b""
        if type(event) is UsageReported:
            self._usage = event.usage
            return b""
        event = self._noted(event)
        if not self._stream:
            self._events.append(event)
            return b""
        return self._write_chunks(event)

    def close(self) -> bytes:
        """The end of a whole answer. Of a broken one there is none: `write_stream_error` says so instead.

        Raises:
            StreamBroken: ``wire.stream_broken``: no `Stopped` was written, and this writes no finish reason of its own.
        """
        if not self._stopped:
            raise StreamBroken("wire.stream_broken", "The answer ended without a finish reason.")
        if not self._stream:
            return self._document()
        usage = b""
        if self._include_usage and self._usage is not None:
            usage = self._get_head() + b'],"usage":' + encode(write_usage(self._usage)) + b"}\n\n"
        return usage + b"data: [DONE]\n\n"

    def _noted(self, event: Event) -> Event:
        """Remember what is needed later. A call that has something to carry comes back under an id of ours."""
        if isinstance(event, PartOpened):
            part = event.part
            if isinstance(part, Refusal):
                self._refused.add(event.choice)
            elif isinstance(part, Thinking) and part.provider is not None:
                self._thoughts[event.choice, event.index] = part
            elif isinstance(part, ToolCall):
                return msgspec.structs.replace(event, part=self._carry(part, event.choice))
        elif isinstance(event, PartClosed):
            key = event.choice, event.index
            if event.signature is not None and key in self._thoughts:
                self._thoughts[key] = msgspec.structs.replace(self._thoughts[key], signature=event.signature)
        elif isinstance(event, Stopped):
            self._stopped[event.choice] = event
        elif isinstance(event, Started):
            self._start(event)
        return event

    def _carry(self, call: ToolCall, choice: int) -> ToolCall:
        """The first call after thoughts carries them; a call with a signature carries that."""
        thoughts = [self._thoughts.pop(key) for key in sorted(self._thoughts) if key[0] == choice]
        if call.signature is None and not any(needs_carrying(thought) for thought in thoughts):
            return call
        call_id = f"{KEPT}{self._id[-24:]}_{len(self.kept)}"
        self.kept.append((call_id, seal(*thoughts, call=call, call_id=call.id)))
        return msgspec.structs.replace(call, id=call_id)

    def _start(self, event: Started) -> None:
        self._about.update(event.extra.get(NAME, ()))
        if event.created is not None:
            self._about["created"] = event.created

    def _get_head(self) -> bytes:
        if not self._head:
            about = {**self._about, "object": "chat.completion.chunk"}
            self._head = b"data: " + escape_separators(encode(about))[:-1] + b',"choices":['
        return self._head

    def _write_chunks(self, event: Event) -> bytes:
        match event:
            case Started():
                return self._role(0)
            case PartOpened(part=part, index=index, choice=choice):
                return self._role(choice) + self._open(part, index, choice)
            case PartClosed():
                return self._close_part(event)
            case Stopped(choice=choice):
                return self._role(choice) + self._stop(event)
        return b""

    def _close_part(self, event: PartClosed) -> bytes:
        """What a part still has to say at its end."""
        choice, late, written = event.choice, event.extra.get(NAME), b""
        key = choice, event.index
        if event.citations:
            written += self._chunk(choice, {"annotations": [write_citation(citation) for citation in event.citations]})
        if late is not None:
            slot = self._slots.get(key)
            written += self._chunk(choice, late if slot is None else {"tool_calls": [{"index": slot, **late}]})
        return written

    def _role(self, choice: int) -> bytes:
        if choice in self._spoke:
            return b""
        self._spoke.add(choice)
        return self._chunk(choice, {"role": "assistant", "content": ""})

    def _chunk(self, choice: int, delta: Json) -> bytes:
        return self._get_head() + b'{"index":%d,"delta":' % choice + escape_separators(encode(delta)) + _OPEN

    def _open(self, part: Part, index: int, choice: int) -> bytes:
        """The part's first chunk, if it has anything to say already; and what to put around what grows it."""
        start = self._get_head() + b'{"index":%d,"delta":' % choice
        match part:
            case Text(text=text):
                field = "content"
            case Refusal(text=text):
                field = "refusal"
            case Thinking(text=text):
                extra = part.extra.get(NAME, {})
                field = next((name for name, value in extra.items() if value == ""), "reasoning_content")
            case ToolCall():
                return self._open_call(part, index, choice, start)
            case _:
                self._drop(part)
                return b""
        self._around[choice, index] = (start + b'{"%s":' % field.encode(), b"}" + _OPEN)
        return self._chunk(choice, {field: text}) if text else b""

    def _drop(self, part: Part) -> None:
        self.losses.drop(self.losses.kind_of(part))

    def _open_call(self, call: ToolCall, index: int, choice: int, start: bytes) -> bytes:
        written = write_tool_call(call)
        kind = written["type"]
        if kind == "function_call":
            self._around[choice, index] = (start + b'{"function_call":{"arguments":', b"}}" + _OPEN)
            return self._chunk(choice, {"function_call": written["function"]})
        slot = self._tools.get(choice, 0)
        self._tools[choice] = slot + 1
        self._slots[choice, index] = slot
        field = b'"function":{"arguments":' if kind == "function" else encode(kind) + b':{"input":'
        self._around[choice, index] = (start + b'{"tool_calls":[{"index":%d,' % slot + field, b"}}]}" + _OPEN)
        return self._chunk(choice, {"tool_calls": [{"index": slot, **written}]})

    def _stop(self, event: Stopped) -> bytes:
        extra = {**event.extra.get(NAME, {})}
        delta = extra.pop("message", {})
        choice = {"index": event.choice, "delta": delta, **extra, "finish_reason": self._finish_reason(event)}
        return self._get_head() + escape_separators(encode(choice)) + b"]}\n\n"

    def _finish_reason(self, event: Stopped) -> str:
        """The upstream's own word where it is one of this protocol's and means the same."""
        refused = event.reason == "refusal" and event.choice in self._refused
        if event.raw in _FINISH_REASONS and (STOP_REASONS[event.raw] == event.reason or refused):
            return event.raw
        return "stop" if refused else _WORDS[event.reason]

    def _document(self) -> bytes:
        """``object`` and the rest in the order of the API reference."""
        about = {**self._about, "object": "chat.completion"}
        choices = [self._choice(number) for number in sorted(self._stopped)]
        document: dict[str, Any] = {**about, "choices": choices}
        if self._usage is not None:
            document["usage"] = write_usage(self._usage)
        return escape_separators(encode(document))

    def _choice(self, number: int) -> Json:
        said = fold([event for event in self._events if getattr(event, "choice", None) == number]).message
        for part in said.parts:
            if not isinstance(part, _TOLD):
                self._drop(part)
        stopped = self._stopped[number]
        extra = {**stopped.extra.get(NAME, {})}
        message = {**_write_answer(said), **extra.pop("message", {})}
        return {"index": number, "message": message, **extra, "finish_reason": self._finish_reason(stopped)}


def _write_answer(message: Message) -> Json:
    """A message as an answer: its content is one string or null, however many parts it came in."""
    others = tuple(
        msgspec.structs.replace(part, provider=None) if isinstance(part, Thinking) else part
        for part in message.parts
        if not isinstance(part, Text) and not (isinstance(part, Thinking) and not part.text and part.provider is not None)
    )
    fields: Json = {"role": "assistant", "content": message.text}
    if others:
        text = (Text(text=message.text),) if message.text else ()
        [fields] = MessageWriter(Losses(), ()).write(Message(role="assistant", parts=text + others))
    if fields["content"] is None and "tool_calls" not in fields and "function_call" not in fields and "refusal" not in fields:
        fields["content"] = ""  # clients give it back, and servers take no message that says nothing at all
    fields.setdefault("refusal", None)
    cited = [write_citation(citation) for part in message.parts if isinstance(part, Text) for citation in part.citations]
    if cited:
        fields["annotations"] = cited
    return fields
