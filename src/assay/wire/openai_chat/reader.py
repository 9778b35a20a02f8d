"""An upstream's answer, whole or in pieces, as events.

Covered: text, reasoning in its three fields, refusals, parallel tool calls, the older ``function_call``, several choices,
usage wherever a provider puts it, errors inside a stream. Fields that Assay does not know are gathered: those of the
document in `Started.extra`, those of a tool call or of reasoning in `PartClosed.extra`, those of a choice in
`Stopped.extra` with the message's own under ``"message"``. Text is joined, lists are joined, other values replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from assay.core import (
    Citation,
    Event,
    Extra,
    InvalidInput,
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
)
from assay.wire.document import decode
from assay.wire.errors import StreamBroken, StreamError, StreamFailed
from assay.wire.fields import Json
from assay.wire.openai_chat.citation import read_citation
from assay.wire.openai_chat.fields import NAME, left_over
from assay.wire.openai_chat.message import details_text, read_thinking
from assay.wire.openai_chat.usage import read_usage
from assay.wire.said import read_error_value
from assay.wire.sse import SseEvent, SseSplitter

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
MAX_STREAM_BYTES = 512 * 1024 * 1024
MAX_PARTS = 10_000

STOP_REASONS: dict[str, StopReason] = {
    "stop": "end",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
}
_OF_DOCUMENT = frozenset(("id", "object", "created", "model", "choices", "usage", "error", "obfuscation"))
_OF_CHOICE = frozenset(("index", "delta", "message", "finish_reason", "usage"))
_FINISHED = re.compile(rb'"finish_reason"\s*:\s*"')
_REASONING = ("reasoning_content", "reasoning", "reasoning_details")


class EventReader:
    """Feed it bytes, and it gives the events that they complete; then close it, and it says whether the answer was whole.

    Some servers give no ids to tool calls; theirs are made of ``seed``, where there is one.
    """

    def __init__(self, *, stream: bool, seed: str = ""):
        self._seed = seed
        self._splitter = SseSplitter() if stream else None
        self._document = bytearray()
        self._most = MAX_STREAM_BYTES if stream else MAX_DOCUMENT_BYTES
        self._size = 0
        self._started = False
        self._early: Json = {}
        self._choices: dict[int, _Choice] = {}
        self._usage: Usage | None = None

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
        last = self._splitter.close() if self._splitter is not None else [SseEvent(bytes(self._document))]
        events = self._read(last, at_ns)
        unfinished = [number for number, choice in self._choices.items() if not choice.stopped]
        if unfinished or not self._choices:
            error = StreamBroken("wire.stream_broken", "The upstream's answer ended without a finish reason.")
            error.events = events
            raise error
        return events

    def _read(self, incoming: list[SseEvent], at_ns: int) -> list[Event]:
        events: list[Event] = []
        try:
            for one in incoming:
                if one.data != b"[DONE]" and not (one.event and _is_foreign(one)):
                    self._document_read(_parse(one), events, at_ns)
        except StreamFailed as error:
            error.events = events
            raise
        return events

    def _document_read(self, document: Json, events: list[Event], at_ns: int) -> None:
        """One chunk of a stream, or the whole document: they differ only in ``delta`` and ``message``."""
        choices = document.get("choices")
        if not self._started:
            self._start(document, events, at_ns)
        if choices:
            if type(choices) is not list:
                raise _bad("choices", "a list")
            for choice in choices:
                self._choice_read(choice, events, at_ns)
        usage = document.get("usage")
        if usage is not None:
            self._usage_read(usage, events, at_ns)

    def _start(self, document: Json, events: list[Event], at_ns: int) -> None:
        """Some servers send a chunk about the prompt first, without an id; its fields are kept for the one that has."""
        for key, value in document.items():
            if key not in _OF_DOCUMENT and value is not None:
                self._early[key] = value
        upstream_id, model, created = document.get("id"), document.get("model"), document.get("created")
        if upstream_id or document.get("choices"):
            self._started = True
            started = Started(
                id=upstream_id if type(upstream_id) is str and upstream_id else None,
                model=model if type(model) is str and model else None,
                created=created if type(created) is int else None,
                extra=left_over(self._early),
                at_ns=at_ns,
            )
            events.append(started)

    def _choice_read(self, value: object, events: list[Event], at_ns: int) -> None:
        if type(value) is not dict:
            raise _bad("choices", "a list of objects")
        fields: Json = value
        number = fields.get("index", 0)
        choice = self._choices.get(number) if type(number) is int else None
        if choice is None:
            if type(number) is not int or not 0 <= number < MAX_PARTS:
                raise _bad("choices[].index", "a small whole number")
            choice = self._choices[number] = _Choice(number, self._seed)
        for key in fields:
            if key not in _OF_CHOICE and fields[key] is not None:
                _gather(choice.extra, key, fields[key])
        delta = fields.get("delta") or fields.get("message")
        if delta is not None:
            if type(delta) is not dict:
                raise _bad("choices[].delta", "an object")
            choice.read(delta, events, at_ns)
        reason = fields.get("finish_reason")
        if reason is not None:
            choice.stop(reason, events, at_ns)
        usage = fields.get("usage")
        if usage is not None:
            self._usage_read(usage, events, at_ns)

    def _usage_read(self, value: object, events: list[Event], at_ns: int) -> None:
        if type(value) is not dict:
            raise _bad("usage", "an object")
        usage = read_usage(value)
        if usage != self._usage:
            self._usage = usage
            events.append(UsageReported(usage=usage, at_ns=at_ns))


class _Choice:
    """One alternative answer on its way: which parts are open, and what nobody knew how to read."""

    def __init__(self, number: int, seed: str):
        self.number = number
        self._seed = seed
        self._cited: list[Citation] = []
        self.extra: Json = {}
        self.stopped = False
        self._parts = 0
        self._open: tuple[type[Part], int] | None = None
        self._tools: dict[int, int] = {}
        self._tool_ids: dict[int, tuple[str, str]] = {}
        self._late: dict[int, Json] = {}
        self._thought_plainly = False
        self._refused = False
        self._legacy: int | None = None

    def read(self, delta: Json, events: list[Event], at_ns: int) -> None:
        """One ``delta``, or a whole ``message``."""
        content = delta.get("content")
        if content and type(content) is str and len(delta) == 1 and self._open is not None and self._open[0] is Text:
            events.append(PartGrew(index=self._open[1], text=content, choice=self.number, at_ns=at_ns))
            return
        for key in _REASONING:
            if key in delta:
                self._think(delta, events, at_ns)
                break
        for key, value in delta.items():
            if value is None or key == "role":
                continue
            if key == "content":
                self._say(value, events, at_ns)
            elif key == "refusal":
                self._grow(Refusal, Refusal(text=""), value, events, at_ns)
                self._refused = True
            elif key == "tool_calls":
                self._call(value, events, at_ns)
            elif key == "function_call":
                self._call_function(value, events, at_ns)
            elif key == "annotations" and self._open is not None and self._open[0] is Text:
                self._cite(value)
            else:
                _gather(self.extra.setdefault("message", {}), key, value)

    def _say(self, content: object, events: list[Event], at_ns: int) -> None:
        """Text; or, as some servers send it, a list of parts, of which those that are text or (Mistral) thoughts are read."""
        if type(content) is list:
            for part in content:
                if type(part) is dict and type(part.get("text")) is str:
                    self._grow(Text, Text(text=""), part["text"], events, at_ns)
                elif type(part) is dict and part.get("type") == "thinking" and (thought := details_text(part.get("thinking"))):
                    self._grow(Thinking, Thinking(), thought, events, at_ns)
                else:
                    _gather(self.extra.setdefault("message", {}), "content", [part])
            return
        self._grow(Text, Text(text=""), content, events, at_ns)

    def _cite(self, annotations: object) -> None:
        """Sources of the open text; what is no ``url_citation`` is kept as it came."""
        for annotation in annotations if type(annotations) is list else [annotations]:
            citation = read_citation(annotation)
            if citation is not None:
                self._cited.append(citation)
            elif annotation:
                _gather(self.extra.setdefault("message", {}), "annotations", [annotation])

    def _think(self, delta: Json, events: list[Event], at_ns: int) -> None:
        thought = read_thinking(delta)
        if thought is None:
            return
        extra = thought.extra.get(NAME, {})
        details = extra.pop("reasoning_details", None)
        text = thought.text
        if details is None or extra:
            self._thought_plainly = True
        elif self._thought_plainly:
            text = ""  # the details repeat it
        index = self._grow(Thinking, Thinking(extra=left_over(extra)), text, events, at_ns, even_empty=True)
        if details is not None:
            _gather(self._late.setdefault(index, {}), "reasoning_details", details)

    def _grow(
        self, kind: type[Part], opening: Part, text: object, events: list[Event], at_ns: int, *, even_empty: bool = False
    ) -> int:
        """Add to the open part if it is of this kind, or else begin one. An empty piece begins nothing."""
        if type(text) is not str:
            raise _bad(f"choices[].delta.{kind.__name__.lower()}", "a string")
        if self._open is not None and self._open[0] is kind:
            index = self._open[1]
        elif text or even_empty:
            self._close_open(events, at_ns)
            index = self._begin(opening, events, at_ns)
            self._open = (kind, index)
        else:
            return -1
        if text:
            events.append(PartGrew(index=index, text=text, choice=self.number, at_ns=at_ns))
        return index

    def _begin(self, part: Part, events: list[Event], at_ns: int) -> int:
        index = self._parts
        if index >= MAX_PARTS:
            raise StreamBroken("wire.too_many_parts", f"The upstream's answer has more than {MAX_PARTS} parts.")
        self._parts += 1
        events.append(PartOpened(index=index, part=part, choice=self.number, at_ns=at_ns))
        return index

    def _close_open(self, events: list[Event], at_ns: int) -> None:
        if self._open is not None:
            self._close(self._open[1], events, at_ns)
            self._open = None

    def _close(self, index: int, events: list[Event], at_ns: int) -> None:
        extra = left_over(self._late.pop(index, {}))
        cited = tuple(self._cited) if self._open == (Text, index) else ()
        if cited:
            self._cited = []
        events.append(PartClosed(index=index, choice=self.number, citations=cited, extra=extra, at_ns=at_ns))

    def _call(self, fragments: object, events: list[Event], at_ns: int) -> None:
        if type(fragments) is not list:
            raise _bad("choices[].delta.tool_calls", "a list")
        for place, fragment in enumerate(fragments):
            if type(fragment) is not dict:
                raise _bad("choices[].delta.tool_calls", "a list of objects")
            self._call_fragment(fragment, place, events, at_ns)

    def _call_fragment(self, fragment: Json, place: int, events: list[Event], at_ns: int) -> None:
        """The first fragment of a call names it; later ones, told by ``index``, add to its arguments.

        A new id under an old index is a new call: some servers number every call 0, others send no index at all.
        """
        slot = fragment.pop("index", None)
        call_id = fragment.pop("id", None)
        if type(slot) is not int:
            slot = place
        known_id, known_kind = self._tool_ids.get(slot, ("", "function"))
        kind = fragment.pop("type", None) or known_kind
        if type(kind) is not str:
            raise _bad("choices[].delta.tool_calls[].type", "a string")
        body = fragment.pop(kind, None)
        if body is None:
            body = {}
        if type(body) is not dict or (call_id is not None and type(call_id) is not str):
            raise _bad("choices[].delta.tool_calls[]", "an object with an id and a function")
        name, words = body.pop("name", None), body.pop("arguments" if kind == "function" else "input", None)
        if body:
            fragment[kind] = body
        index = self._tools.get(slot)
        if index is None or (call_id and known_id not in ("", call_id)):
            self._close_open(events, at_ns)
            if kind != "function":
                fragment["type"] = kind
            call = ToolCall(id=call_id or self._make_id(), name=name if type(name) is str else "", extra=left_over(fragment))
            if index is not None:
                self._close(index, events, at_ns)
            index = self._tools[slot] = self._begin(call, events, at_ns)
            self._tool_ids[slot] = (call_id or "", kind)
        else:
            for key, value in fragment.items():
                if value is not None:
                    _gather(self._late.setdefault(index, {}), key, value)
        self._add_arguments(index, words, events, at_ns)

    def _make_id(self) -> str:
        return f"call_{self._seed[-20:]}_{self._parts}" if self._seed else ""

    def _call_function(self, value: object, events: list[Event], at_ns: int) -> None:
        if type(value) is not dict:
            raise _bad("choices[].delta.function_call", "an object")
        if self._legacy is None:
            self._close_open(events, at_ns)
            name = value.get("name")
            call = ToolCall(id="", name=name if type(name) is str else "", extra={NAME: {"type": "function_call"}})
            self._legacy = self._begin(call, events, at_ns)
        self._add_arguments(self._legacy, value.get("arguments"), events, at_ns)

    def _add_arguments(self, index: int, words: object, events: list[Event], at_ns: int) -> None:
        if words is None or words == "":
            return
        if type(words) is not str:
            raise _bad("choices[].delta.tool_calls[].function.arguments", "a string")
        events.append(PartGrew(index=index, text=words, choice=self.number, at_ns=at_ns))

    def stop(self, reason: object, events: list[Event], at_ns: int) -> None:
        """The finish reason. Only the first counts: some servers repeat it."""
        if self.stopped:
            return
        if type(reason) is not str:
            raise _bad("choices[].finish_reason", "a string")
        if reason == "error":
            raise StreamError(read_error_value({"error": "the finish reason is 'error'"}))
        self._close_open(events, at_ns)
        for index in sorted(self._tools.values()):
            self._close(index, events, at_ns)
        if self._legacy is not None:
            self._close(self._legacy, events, at_ns)
        self.stopped = True
        meaning = STOP_REASONS.get(reason, "other")
        if meaning == "end" and self._refused:
            meaning = "refusal"
        extra: Extra = left_over(self.extra)
        events.append(Stopped(reason=meaning, raw=reason, choice=self.number, extra=extra, at_ns=at_ns))


def _is_foreign(event: SseEvent) -> bool:
    """Whether an event with a name, which none of this protocol's but errors has, is a sign of life of some proxy's."""
    if event.event == b"error":
        return False
    try:
        document = decode(event.data)
    except InvalidInput:
        return True
    return type(document) is not dict or not ("choices" in document or document.get("error"))


def _parse(event: SseEvent) -> Json:
    try:
        document = decode(event.data)
    except InvalidInput as error:
        raise StreamBroken(error.code, f"The upstream sent what cannot be read. {error.message}") from None
    if type(document) is not dict:
        if event.event == b"error":
            raise StreamError(read_error_value(document))
        raise _bad("the event", "an object")
    if event.event == b"error" or document.get("error"):
        raise StreamError(read_error_value(document))
    return document


def _gather(into: Json, key: str, value: Any) -> None:
    """Add one piece of a field that comes in pieces."""
    before = into.get(key)
    if type(before) is list and type(value) is list:
        before.extend(value)
    elif type(before) is dict and type(value) is dict:
        for inner, piece in value.items():
            _gather(before, inner, piece)
    elif type(before) is str and type(value) is str and key in _GROWING:
        into[key] = before + value
    else:
        into[key] = value


_GROWING = frozenset(("data", "transcript"))
"""The texts of a spoken answer (``delta.audio``). An id or a signature that comes twice is not twice as long."""


def _bad(where: str, expected: str) -> StreamBroken:
    return StreamBroken("wire.bad_chunk", f"The upstream's answer is not what the protocol says: {where} should be {expected}.")


def read_events(chunks: Iterable[bytes], *, stream: bool, seed: str = "") -> list[Event]:
    """All events of an answer that is already here. Raises as `EventReader` does."""
    reader = EventReader(stream=stream, seed=seed)
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return events + reader.close()


def is_finished(last: bytes) -> bool:
    """Whether an answer came to its end, by the last bytes of its stream: ``[DONE]``, or a finish reason."""
    return b"[DONE]" in last or _FINISHED.search(last) is not None
