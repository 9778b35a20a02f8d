"""An upstream's answer, whole or in pieces, as events.

Covered: text, reasoning in its three fields, refusals, parallel tool calls, the older ``function_call``, several choices,
usage wherever a provider puts it, errors inside a stream. Fields that Assay does not know are gathered: those of the
document in `Started.extra`, those of a tool call or of reasoning in `PartClosed.extra`, those of a choice in
`Stopped.extra` with the message's own under ``"message"``. Text is joined, lists are joined, other values replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from assay.core import Event, InvalidInput, Started, Usage, UsageReported
from assay.wire.document import decode
from assay.wire.errors import StreamBroken, StreamError, StreamFailed
from assay.wire.fields import Json
from assay.wire.openai_chat.choice import MAX_PARTS, Choice, bad, gather
from assay.wire.openai_chat.fields import left_over
from assay.wire.openai_chat.usage import read_usage
from assay.wire.said import read_error_value
from assay.wire.sse import SseEvent, SseSplitter

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
MAX_STREAM_BYTES = 512 * 1024 * 1024

_OF_DOCUMENT = frozenset(("id", "object", "created", "model", "choices", "usage", "error", "obfuscation"))
_OF_CHOICE = frozenset(("index", "delta", "message", "finish_reason", "usage"))
_FINISHED = re.compile(rb'"finish_reason"\s*:\s*"')


class _Words(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    content: str
    role: str | None = None


class _Grown(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    delta: _Words
    index: int = 0
    finish_reason: None = None
    logprobs: None = None


class _Delta(msgspec.Struct):
    """By far the most chunks: one piece of the text of one choice."""

    choices: tuple[_Grown]
    usage: None = None
    error: None = None


_decode_delta = msgspec.json.Decoder(_Delta).decode


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
        self._choices: dict[int, Choice] = {}
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
                if self._started and not one.event and self._grow(one.data, events, at_ns):
                    continue
                if one.data != b"[DONE]" and not (one.event and _is_foreign(one)):
                    self._document_read(_parse(one), events, at_ns)
        except StreamFailed as error:
            error.events = events
            raise
        return events

    def _grow(self, data: bytes, events: list[Event], at_ns: int) -> bool:
        """Read one piece of the text that is open. False: it is more than that, and has not been read."""
        try:
            if not data.isascii():
                data.decode()  # what is passed over must be text, too
            delta = _decode_delta(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return False
        grown = delta.choices[0]
        choice = self._choices.get(grown.index)
        return choice is not None and choice.grow(grown.delta.content, events, at_ns)

    def _document_read(self, document: Json, events: list[Event], at_ns: int) -> None:
        """One chunk of a stream, or the whole document: they differ only in ``delta`` and ``message``."""
        choices = document.get("choices")
        if not self._started:
            self._start(document, events, at_ns)
        if choices:
            if type(choices) is not list:
                raise bad("choices", "a list")
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
            raise bad("choices", "a list of objects")
        fields: Json = value
        number = fields.get("index", 0)
        choice = self._choices.get(number) if type(number) is int else None
        if choice is None:
            if type(number) is not int or not 0 <= number < MAX_PARTS:
                raise bad("choices[].index", "a small whole number")
            choice = self._choices[number] = Choice(number, self._seed)
        for key in fields:
            if key not in _OF_CHOICE and fields[key] is not None:
                gather(choice.extra, key, fields[key])
        delta = fields.get("delta") or fields.get("message")
        if delta is not None:
            if type(delta) is not dict:
                raise bad("choices[].delta", "an object")
            choice.read(delta, events, at_ns)
        reason = fields.get("finish_reason")
        if reason is not None:
            choice.stop(reason, events, at_ns)
        usage = fields.get("usage")
        if usage is not None:
            self._usage_read(usage, events, at_ns)

    def _usage_read(self, value: object, events: list[Event], at_ns: int) -> None:
        if type(value) is not dict:
            raise bad("usage", "an object")
        usage = read_usage(value)
        if usage != self._usage:
            self._usage = usage
            events.append(UsageReported(usage=usage, at_ns=at_ns))


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
        raise bad("the event", "an object")
    if event.event == b"error" or document.get("error"):
        raise StreamError(read_error_value(document))
    return document


def read_events(chunks: Iterable[bytes], *, stream: bool, seed: str = "") -> list[Event]:
    """All events of an answer that is already here. Raises as `EventReader` does."""
    reader = EventReader(stream=stream, seed=seed)
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return events + reader.close()


def is_finished(last: bytes) -> bool:
    """Whether an answer came to its end, by the last bytes of its stream: ``[DONE]``, or a finish reason."""
    return b"[DONE]" in last or _FINISHED.search(last) is not None
