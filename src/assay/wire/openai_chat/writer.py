"""Events as the answer that a client of this protocol expects, streamed or in one document.

A stream has the order that clients rely on: the role alone first; a tool call's id and name in its first fragment only; one
chunk with the finish reason for each choice; then, if it was asked for, one with the usage and no choices; then ``[DONE]``.
"""

from __future__ import annotations

from typing import Any

from assay.core import (
    Event,
    Part,
    PartClosed,
    PartGrew,
    PartOpened,
    Refusal,
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
from assay.wire.document import encode
from assay.wire.errors import StreamBroken
from assay.wire.fields import Json
from assay.wire.openai_chat.fields import NAME
from assay.wire.openai_chat.message import write_message, write_tool_call
from assay.wire.openai_chat.reader import STOP_REASONS
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
_OPEN = b',"finish_reason":null}]}\n\n'


class EventWriter:
    """Give it events in order; it returns the bytes that each is worth to the client, and at last those of the end.

    ``id`` and ``model`` are what the client is told, ``created`` (seconds since 1970) unless the upstream gave its own.
    """

    def __init__(self, *, stream: bool, include_usage: bool, model: str, id: str, created: int = 0):
        self._stream = stream
        self._include_usage = include_usage
        self._about: Json = {"id": id, "object": "", "created": created, "model": model}
        self._head = b""
        self._events: list[Event] = []
        self._spoke: set[int] = set()
        self._stopped: set[int] = set()
        self._refused: set[int] = set()
        self._tools: dict[int, int] = {}
        self._around: dict[tuple[int, int], tuple[bytes, bytes]] = {}
        self._slots: dict[tuple[int, int], int] = {}
        self._usage: Usage | None = None

    def write(self, event: Event) -> bytes:
        """The bytes for ``event``, perhaps none."""
        if type(event) is PartGrew and self._stream:
            around = self._around.get((event.choice, event.index))
            return around[0] + escape_separators(encode(event.text)) + around[1] if around is not None else b""
        if type(event) is UsageReported:
            self._usage = event.usage
            return b""
        if type(event) is Stopped:
            self._stopped.add(event.choice)
        elif type(event) is PartOpened and type(event.part) is Refusal:
            self._refused.add(event.choice)
        elif type(event) is Started:
            self._start(event)
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
            case PartClosed(index=index, choice=choice, extra=extra) if NAME in extra:
                late = extra[NAME]
                slot = self._slots.get((choice, index))
                return self._chunk(choice, late if slot is None else {"tool_calls": [{"index": slot, **late}]})
            case Stopped(choice=choice):
                return self._role(choice) + self._stop(event)
        return b""

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
                return b""
        self._around[choice, index] = (start + b'{"%s":' % field.encode(), b"}" + _OPEN)
        return self._chunk(choice, {field: text}) if text else b""

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
        events = [event for event in self._events if getattr(event, "choice", None) == number]
        stopped = next(event for event in reversed(events) if type(event) is Stopped)
        extra = {**stopped.extra.get(NAME, {})}
        message = {**_write_answer(fold(events).message), **extra.pop("message", {})}
        return {"index": number, "message": message, **extra, "finish_reason": self._finish_reason(stopped)}


def _write_answer(message: Message) -> Json:
    """A message as an answer: its content is one string or null, however many parts it came in."""
    others = tuple(part for part in message.parts if not isinstance(part, Text))
    text = (Text(text=message.text),) if message.text else ()
    [fields] = write_message(Message(role="assistant", parts=text + others))
    fields.setdefault("refusal", None)
    return fields
