"""The items of an answer on their way: what of each has been told already, and what its later forms still add."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from assay.core import (
    Event,
    Image,
    Part,
    PartClosed,
    PartGrew,
    PartOpened,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    Unknown,
)
from assay.wire.document import encode
from assay.wire.errors import StreamBroken
from assay.wire.fields import Json
from assay.wire.openai_responses.citation import read_citations
from assay.wire.openai_responses.fields import NAME, as_item, left_over, take_id
from assay.wire.openai_responses.items import BETWEEN, read_thought
from assay.wire.openai_responses.names import INPUT, flat_name

MAX_PARTS = 10_000
_CUSTOM_OPENS, _CUSTOM_CLOSES = f'{{"{INPUT}":"', '"}'


class Delta(msgspec.Struct, gc=False):
    """An event that adds to an item. Which of the places it names depends on its ``type``."""

    type: str
    delta: str
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0


class Slot:
    """An open part: its index among all parts, and how much text it has."""

    __slots__ = ("closed", "index", "size")

    def __init__(self, index: int):
        self.index = index
        self.size = 0
        self.closed = False


class Parts:
    """Writes the events of parts, numbered in the order in which they were begun."""

    def __init__(self, seed: str) -> None:
        self.events: list[Event] = []
        self.at_ns = 0
        self.called = False
        self.refused = False
        self._seed = seed[-20:]
        self._count = 0

    def begin(self, at_ns: int) -> list[Event]:
        """The list that the next events are added to, all stamped with ``at_ns``."""
        self.events, self.at_ns = [], at_ns
        return self.events

    def open(self, part: Part) -> Slot:
        index = self._count
        if index >= MAX_PARTS:
            raise StreamBroken("wire.too_many_parts", f"The upstream's answer has more than {MAX_PARTS} parts.")
        self._count += 1
        self.called = self.called or type(part) is ToolCall
        self.refused = self.refused or type(part) is Refusal
        self.events.append(PartOpened(index=index, part=part, at_ns=self.at_ns))
        return Slot(index)

    def grow(self, slot: Slot, text: str) -> None:
        slot.size += len(text)
        if text:
            self.events.append(PartGrew(index=slot.index, text=text, at_ns=self.at_ns))

    def complete(self, slot: Slot, text: str) -> None:
        """Add what ``text``, the whole of it, has beyond what came in pieces."""
        self.grow(slot, text[slot.size :])

    def close(self, slot: Slot, **what: Any) -> None:
        if not slot.closed:
            slot.closed = True
            self.events.append(PartClosed(index=slot.index, at_ns=self.at_ns, **what))

    def made_call_id(self) -> str:
        """An id for a call that came without one."""
        return f"call_{self._seed}_{self._count}"


class MessageItem:
    """A message: texts and refusals."""

    def __init__(self, added: Json) -> None:
        self._handles = _message_handles(added)
        self._slots: dict[int, Slot] = {}
        self._sources: dict[int, list[Any]] = {}

    def delta(self, delta: Delta, parts: Parts) -> Slot:
        slot = self._slots.get(delta.content_index)
        if slot is None:
            slot = self._open(delta.content_index, Refusal if delta.type == "response.refusal.delta" else Text, parts)
        parts.grow(slot, delta.delta)
        return slot

    def cite(self, content_index: int, annotation: object) -> None:
        self._sources.setdefault(content_index, []).append(annotation)

    def part_done(self, content_index: int, part: Json, parts: Parts) -> None:
        """One part is whole."""
        slot = self._slots.get(content_index)
        if slot is not None and slot.closed:
            return
        refusal = part.get("type") == "refusal"
        words = part.get("refusal" if refusal else "text")
        annotations = part.get("annotations") or self._sources.pop(content_index, None)
        if slot is None:
            if not words and not annotations:
                return
            slot = self._open(content_index, Refusal if refusal else Text, parts)
        if type(words) is str:
            parts.complete(slot, words)
        extra = {key: value for key, value in part.items() if key not in _OF_PART and value}
        parts.close(slot, citations=() if refusal else read_citations(annotations), extra=left_over(extra))

    def finish(self, item: Json, parts: Parts) -> None:
        """The item is whole."""
        content = item.pop("content", None)
        if not self._slots:
            self._handles = _message_handles(item) or self._handles
        for place, part in enumerate(content if type(content) is list else ()):
            if type(part) is dict:
                self.part_done(place, part, parts)
        for place, slot in self._slots.items():
            if not slot.closed:
                parts.close(slot, citations=read_citations(self._sources.get(place)))

    def _open(self, content_index: int, kind: type[Text | Refusal], parts: Parts) -> Slot:
        handles, self._handles = self._handles, {}
        slot = self._slots[content_index] = parts.open(kind(text="", extra=left_over(handles)))
        return slot


_OF_PART = frozenset(("type", "text", "refusal", "annotations"))
_OF_MESSAGE = frozenset(("type", "id", "status", "role", "content"))


def _message_handles(item: Json) -> Json:
    """What the item has beside its content."""
    return as_item({key: value for key, value in item.items() if key not in _OF_MESSAGE and value is not None})


class ThoughtItem:
    """Thoughts. Of summary and full text, whichever comes first is the text; the other is kept in ``extra``."""

    def __init__(self, added: Json) -> None:
        self._handles = take_id({"id": added.get("id")})
        self._signed = bool(added.get("encrypted_content"))
        self._slot: Slot | None = None
        self._kind = ""
        self._place = 0

    def delta(self, delta: Delta, parts: Parts) -> Slot | None:
        summary = delta.type == "response.reasoning_summary_text.delta"
        if self._slot is None:
            plain = not summary and not self._signed
            self._kind = delta.type
            self._slot = parts.open(Thinking(provider=None if plain else NAME, extra=left_over(self._handles)))
            self._signed = not plain
            self._place = delta.summary_index if summary else delta.content_index
        elif delta.type != self._kind:
            return None
        place = delta.summary_index if summary else delta.content_index
        if place != self._place:
            self._place = place
            parts.grow(self._slot, BETWEEN)
        parts.grow(self._slot, delta.delta)
        return self._slot

    def finish(self, item: Json, parts: Parts) -> None:
        signature = item.pop("encrypted_content", None)
        signature = signature if type(signature) is str and signature else None
        item = {key: value for key, value in item.items() if key not in ("type", "status") and value is not None}
        thought = read_thought(item, signature)
        kept = thought.extra.get(NAME, {})
        slot = self._slot
        handles = {} if slot is not None and not self._handles else {key: kept.pop(key) for key in ("item.id",) if key in kept}
        if slot is None:
            if not thought.text and signature is None:
                return
            slot = self._slot = parts.open(Thinking(provider=thought.provider, extra=left_over(handles or self._handles)))
            self._signed = thought.provider is not None
        if not self._kind or (self._kind == "response.reasoning_text.delta") == (kept.get("content") is True):
            parts.complete(slot, thought.text)
        parts.close(slot, signature=signature if self._signed else None, extra=left_over(kept))
        if signature is not None and not self._signed:
            parts.close(parts.open(Thinking(provider=NAME, signature=signature)))


class CallItem:
    """A call of a function, or of a custom tool, whose text becomes the only argument of a function."""

    def __init__(self, added: Json, parts: Parts) -> None:
        self.custom = added.get("type") == "custom_tool_call"
        name, namespace, call_id = added.get("name"), added.get("namespace"), added.get("call_id")
        call = ToolCall(
            id=call_id if type(call_id) is str and call_id else parts.made_call_id(),
            name=flat_name(namespace if type(namespace) is str else None, name if type(name) is str else ""),
        )
        self._size = 0
        self.slot = parts.open(call)
        if self.custom:
            parts.grow(self.slot, _CUSTOM_OPENS)
        self._complete(added, parts)

    def delta(self, delta: Delta, parts: Parts) -> Slot | None:
        """None where the text of the next piece is not simply added."""
        if self.slot.closed:
            return None
        if not self.custom:
            parts.grow(self.slot, delta.delta)
            return self.slot
        self._grow_text(delta.delta, parts)
        return None

    def finish(self, item: Json, parts: Parts) -> None:
        if self.slot.closed:
            return
        self._complete(item, parts)
        if self.custom:
            parts.grow(self.slot, _CUSTOM_CLOSES)
        extra = {key: value for key, value in item.items() if key not in _OF_CALL and value is not None}
        parts.close(self.slot, extra=left_over(extra))

    def _complete(self, item: Json, parts: Parts) -> None:
        words = item.get("input" if self.custom else "arguments")
        if type(words) is not str:
            return
        if self.custom:
            self._grow_text(words[self._size :], parts)
        else:
            parts.complete(self.slot, words)

    def _grow_text(self, text: str, parts: Parts) -> None:
        self._size += len(text)
        parts.grow(self.slot, encode(text)[1:-1].decode())


_OF_CALL = frozenset(("type", "id", "status", "call_id", "name", "namespace", "arguments", "input"))


class OtherItem:
    """What a provider did by itself, told only when it is whole: a picture, or what only this protocol knows."""

    def __init__(self) -> None:
        self._told = False

    def delta(self, delta: Delta, parts: Parts) -> None:
        """Its pieces are told with the rest."""

    def finish(self, item: Json, parts: Parts) -> None:
        kind = item.get("type")
        if self._told or type(kind) is not str:
            return
        self._told = True
        picture = item.get("result")
        if kind == "image_generation_call" and type(picture) is str and picture:
            form = item.get("output_format")
            media_type = f"image/{form}" if type(form) is str else "image/png"
            parts.close(parts.open(Image(data=picture, media_type=media_type)))
            return
        parts.close(parts.open(Unknown(extra=left_over(as_item({kind: item})))))


Item: TypeAlias = MessageItem | ThoughtItem | CallItem | OtherItem


def new_item(added: Json, parts: Parts) -> Item:
    """The item that ``added`` announces."""
    match added.get("type"):
        case "message":
            return MessageItem(added)
        case "reasoning":
            return ThoughtItem(added)
        case "function_call" | "custom_tool_call":
            return CallItem(added, parts)
        case _:
            return OtherItem()
