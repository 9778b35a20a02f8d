"""An upstream's answer, whole or in pieces, as events.

Covered: messages of text and refusals with their sources, thoughts as summaries or in full, calls of functions (in namespaces
or not) and of custom tools, pictures, what the provider ran itself (kept whole, as unknown parts), usage, failures. Servers
that leave out deltas, announcements or the final list lose nothing by it: whatever comes first is taken, and each later
form of the same item adds only what is missing. Events of kinds that we do not know are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from assay.core import Event, InvalidInput, PartGrew, Started, Stopped, StopReason, UsageReported
from assay.wire.document import decode
from assay.wire.errors import StreamBroken, StreamError, StreamFailed
from assay.wire.fields import Json
from assay.wire.openai_responses.answer_items import CallItem, Delta, Item, MessageItem, Parts, Slot, ThoughtItem, new_item
from assay.wire.openai_responses.fields import left_over
from assay.wire.openai_responses.usage import read_usage
from assay.wire.said import read_error_value
from assay.wire.sse import SseEvent, SseSplitter

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
MAX_STREAM_BYTES = 512 * 1024 * 1024

_INCOMPLETE: dict[str, StopReason] = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "length": "length",
    "content_filter": "content_filter",
}
_FAILED = frozenset(("failed", "cancelled"))
_LAST = (b'"response.completed"', b'"response.incomplete"', b'"response.failed"', b'"output_tokens_details":')
_decode_delta = msgspec.json.Decoder(Delta).decode


def is_finished(last: bytes) -> bool:
    """Whether a stream came to its end, by its last bytes: the event that ends it, or the usage that only that one has."""
    return any(mark in last for mark in _LAST)


class EventReader:
    """Feed it bytes, and it gives the events that they complete; then close it, and it says whether the answer was whole."""

    def __init__(self, *, stream: bool, seed: str = ""):
        self._splitter = SseSplitter() if stream else None
        self._document = bytearray()
        self._most = MAX_STREAM_BYTES if stream else MAX_DOCUMENT_BYTES
        self._size = 0
        self._started = False
        self._ended = False
        self._parts = Parts(seed)
        self._items: dict[int, Item] = {}
        self._finished: set[int] = set()
        self._growing: dict[tuple[str, int, int, int], Slot] = {}

    def feed(self, data: bytes, at_ns: int = 0) -> list[Event]:
        """The events that ``data`` completes, all stamped with ``at_ns``.

        Raises:
            StreamError: the upstream reported an error. ``events`` of either holds what came before it.
            StreamBroken: these bytes are not the protocol's.
        """
        self._size += len(data)
        if self._size > self._most:
            raise StreamBroken("wire.answer_too_large", f"The upstream's answer has more than {self._most} bytes.")
        if self._splitter is None:
            self._document += data
            return []
        events = self._parts.begin(at_ns)
        try:
            self._read(self._splitter.feed(data))
        except StreamFailed as error:
            error.events = events
            raise
        return events

    def close(self, at_ns: int = 0) -> list[Event]:
        """The last events.

        Raises:
            StreamBroken: ``wire.stream_broken``: the answer ended without saying that it had.
            StreamError: as by ``feed``.
        """
        events = self._parts.begin(at_ns)
        try:
            self._close()
        except StreamFailed as error:
            error.events = events
            raise
        return events

    def _close(self) -> None:
        if self._splitter is not None:
            self._read(self._splitter.close())
        else:
            document = _parse(SseEvent(bytes(self._document)))
            if document.get("error"):
                raise StreamError(read_error_value(document))
            if type(document.get("output")) is not list:
                raise _bad("output", "a list")
            self._end(document)
        if not self._ended:
            raise StreamBroken("wire.stream_broken", "The upstream's answer ended without saying that it was complete.")

    def _read(self, incoming: list[SseEvent]) -> None:
        parts, growing = self._parts, self._growing
        for one in incoming:
            if self._ended:
                return
            data = one.data
            if one.event[-6:] == b".delta" or (not one.event and data.find(b'.delta"', 0, 400) >= 0):
                try:
                    delta = _decode_delta(data)
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                    pass
                else:
                    slot = growing.get((delta.type, delta.output_index, delta.content_index, delta.summary_index))
                    if slot is not None and not slot.closed:
                        slot.size += len(delta.delta)
                        parts.events.append(PartGrew(index=slot.index, text=delta.delta, at_ns=parts.at_ns))
                    else:
                        self._grow(delta)
                    continue
            if data != b"[DONE]":
                self._read_event(_parse(one), one.event)

    def _grow(self, delta: Delta) -> None:
        """The first piece of a part, or one that is not simply added. Arguments of a call that nobody announced come later."""
        kind = _KINDS.get(delta.type)
        if kind is None:
            return
        item = self._items.get(delta.output_index)
        if item is None:
            if kind == "function_call":
                return
            item = self._add(delta.output_index, {"type": kind})
        if not isinstance(item, _CLASSES[kind]) or delta.output_index in self._finished:
            return
        self._start({})
        slot = item.delta(delta, self._parts)
        if slot is not None:
            self._growing[delta.type, delta.output_index, delta.content_index, delta.summary_index] = slot

    def _read_event(self, fields: Json, name: bytes) -> None:
        kind = fields.get("type")
        if type(kind) is not str:
            kind = name.decode("utf-8", "replace")
        if kind == "error" or (kind == "" and fields.get("error")):
            raise StreamError(read_error_value({key: value for key, value in fields.items() if key != "type"}))
        reader = _EVENT_READERS.get(kind)
        if reader is not None:
            reader(self, fields, kind)

    def _read_started(self, fields: Json, _kind: str) -> None:
        self._start(_object(fields, "response"))

    def _start(self, response: Json) -> None:
        if self._started:
            return
        self._started = True
        upstream_id, model, created = response.get("id"), response.get("model"), response.get("created_at")
        tier = response.get("service_tier")
        started = Started(
            id=upstream_id if type(upstream_id) is str and upstream_id else None,
            model=model if type(model) is str and model else None,
            created=int(created) if isinstance(created, int | float) and 0 <= created < 1 << 40 else None,
            extra=left_over({} if tier is None else {"service_tier": tier}),
            at_ns=self._parts.at_ns,
        )
        self._parts.events.append(started)

    def _read_added(self, fields: Json, _kind: str) -> None:
        place = _place(fields, "output_index")
        if place not in self._items:
            self._start({})
            self._add(place, _object(fields, "item"))

    def _add(self, place: int, added: Json) -> Item:
        self._start({})
        item = self._items[place] = new_item(added, self._parts)
        return item

    def _read_part_done(self, fields: Json, _kind: str) -> None:
        item = self._items.get(_place(fields, "output_index"))
        if isinstance(item, MessageItem):
            item.part_done(_place(fields, "content_index"), _object(fields, "part"), self._parts)

    def _read_annotation(self, fields: Json, _kind: str) -> None:
        item = self._items.get(_place(fields, "output_index"))
        if isinstance(item, MessageItem):
            item.cite(_place(fields, "content_index"), fields.get("annotation"))

    def _read_done(self, fields: Json, _kind: str) -> None:
        self._finish(_place(fields, "output_index"), _object(fields, "item"))

    def _finish(self, place: int, whole: Json) -> None:
        if place in self._finished:
            return
        self._finished.add(place)
        item = self._items.get(place)
        if item is None:
            item = self._add(place, whole)
        item.finish(whole, self._parts)

    def _read_end(self, fields: Json, kind: str) -> None:
        self._end(_object(fields, "response"), kind.rpartition(".")[2])

    def _end(self, response: Json, event: str = "") -> None:
        """The response as a whole: items that were not told, the usage, and why it ended."""
        status = response.get("status")
        if type(status) is not str:
            status = event or "completed"
        self._start(response)
        output = response.get("output")
        for place, whole in enumerate(output if type(output) is list else ()):
            if type(whole) is not dict:
                raise _bad("output", "a list of objects")
            self._finish(place, whole)
        for place, item in self._items.items():
            if place not in self._finished:
                item.finish({}, self._parts)
        usage = response.get("usage")
        if type(usage) is dict:
            self._parts.events.append(UsageReported(usage=read_usage(usage), at_ns=self._parts.at_ns))
        if status in _FAILED or event == "failed":
            raise StreamError(read_error_value({"error": response.get("error") or f"The response has the status {status}."}))
        self._stop(response, status)
        self._ended = True

    def _stop(self, response: Json, status: str) -> None:
        reason: StopReason
        raw = status
        if status == "incomplete":
            why = _object(response, "incomplete_details").get("reason")
            raw = why if type(why) is str else status
            reason = _INCOMPLETE.get(raw, "other")
        elif status != "completed":
            raise StreamBroken("wire.stream_broken", f"The upstream's answer ended with the status {status[:40]!r}.")
        else:
            reason = "tool_calls" if self._parts.called else "refusal" if self._parts.refused else "end"
        self._parts.events.append(Stopped(reason=reason, raw=raw, at_ns=self._parts.at_ns))


_KINDS = {
    "response.output_text.delta": "message",
    "response.refusal.delta": "message",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.reasoning_text.delta": "reasoning",
    "response.function_call_arguments.delta": "function_call",
    "response.custom_tool_call_input.delta": "function_call",
}
_CLASSES: dict[str, type[MessageItem | ThoughtItem | CallItem]] = {
    "message": MessageItem,
    "reasoning": ThoughtItem,
    "function_call": CallItem,
}
_EVENT_READERS: dict[str, Callable[[EventReader, Json, str], None]] = {
    "response.created": EventReader._read_started,
    "response.in_progress": EventReader._read_started,
    "response.output_item.added": EventReader._read_added,
    "response.content_part.done": EventReader._read_part_done,
    "response.output_text.annotation.added": EventReader._read_annotation,
    "response.output_item.done": EventReader._read_done,
    "response.completed": EventReader._read_end,
    "response.incomplete": EventReader._read_end,
    "response.failed": EventReader._read_end,
}


def _parse(event: SseEvent) -> Json:
    try:
        document = decode(event.data)
    except InvalidInput as error:
        raise StreamBroken(error.code, f"The upstream sent what cannot be read. {error.message}") from None
    if type(document) is not dict:
        if event.event == b"error":
            raise StreamError(read_error_value(document))
        raise _bad("the event", "an object")
    return document


def _object(fields: Json, key: str) -> Json:
    value = fields.get(key)
    if value is None:
        return {}
    if type(value) is not dict:
        raise _bad(key, "an object")
    return value


def _place(fields: Json, key: str) -> int:
    value = fields.get(key, 0)
    if type(value) is not int or not 0 <= value < 1 << 31:
        raise _bad(key, "a small whole number")
    return value


def _bad(where: str, expected: str) -> StreamBroken:
    return StreamBroken("wire.bad_chunk", f"The upstream's answer is not what the protocol says: {where} should be {expected}.")


def read_events(chunks: Iterable[bytes], *, stream: bool, seed: str = "") -> list[Event]:
    """All events of an answer that is already here. Raises as `EventReader` does."""
    reader = EventReader(stream=stream, seed=seed)
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return events + reader.close()
