"""An answer as it comes: opened parts, pieces that grow them, usage, a stop, and at last the `Call`.

``at_ns`` is the monotonic clock when the bytes arrived; the codecs are pure, so whoever read the socket passes it in.
``choice`` counts alternatives when a client asked for several; ``index`` counts the parts of one choice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from assay.core.call import Call
from assay.core.money import Usage
from assay.core.transcript import Citation, Extra, Message, Part, Refusal, Text, Thinking, ToolCall

StopReason: TypeAlias = Literal["end", "length", "tool_calls", "stop_sequence", "refusal", "content_filter", "other"]


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", omit_defaults=True):
    at_ns: int = 0


class Started(_Event, frozen=True, kw_only=True, tag="started"):
    """The upstream began to answer, under its own ``id`` and ``model`` name."""

    id: str | None = None
    model: str | None = None
    created: int | None = None
    extra: Extra = {}


class PartOpened(_Event, frozen=True, kw_only=True, tag="part_opened"):
    """Part ``index`` begins; ``part`` holds what is known of it so far (often only its kind)."""

    index: int
    part: Part
    choice: int = 0


class PartGrew(_Event, frozen=True, kw_only=True, tag="part_grew"):
    """More of part ``index``: text, thought, refusal, or a tool call's argument text."""

    index: int
    text: str
    choice: int = 0


class PartClosed(_Event, frozen=True, kw_only=True, tag="part_closed"):
    """Part ``index`` is whole; its signature, its citations, and what is kept in ``extra`` beside it may come only now."""

    index: int
    choice: int = 0
    signature: str | None = None
    citations: tuple[Citation, ...] = ()
    extra: Extra = {}


class UsageReported(_Event, frozen=True, kw_only=True, tag="usage_reported"):
    """Tokens as the provider counts them; a later report replaces an earlier one."""

    usage: Usage


class Stopped(_Event, frozen=True, kw_only=True, tag="stopped"):
    """Why the answer ended; ``raw`` is the provider's own word for it, ``extra`` what else it said about this choice."""

    reason: StopReason
    raw: str | None = None
    choice: int = 0
    extra: Extra = {}


class Finished(_Event, frozen=True, kw_only=True, tag="finished"):
    """The last event of every stream that did not fail: the attempt, on record."""

    call: Call


Event: TypeAlias = Started | PartOpened | PartGrew | PartClosed | UsageReported | Stopped | Finished


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A stream folded into one value. ``messages`` has one message per choice."""

    messages: tuple[Message, ...]
    stop: StopReason | None
    usage: Usage | None
    started: Started | None
    call: Call | None = None

    @property
    def message(self) -> Message:
        """The first choice: the answer, where only one was asked for."""
        return self.messages[0] if self.messages else Message(role="assistant")


def fold(events: Iterable[Event]) -> Answer:
    """Put the pieces together again. Works on the events of a broken stream too: what came is kept."""
    parts: dict[tuple[int, int], Part] = {}
    pieces: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    started: Started | None = None
    stop: StopReason | None = None
    usage: Usage | None = None
    call: Call | None = None
    for event in events:
        if isinstance(event, PartGrew):
            pieces[event.choice, event.index].append(event.text)
        elif isinstance(event, PartOpened):
            parts[event.choice, event.index] = event.part
        elif isinstance(event, PartClosed):
            if event.signature is not None or event.citations or event.extra:
                parts[event.choice, event.index] = _closed(parts[event.choice, event.index], event)
        elif isinstance(event, Stopped):
            stop = event.reason if event.choice == 0 else stop
        elif isinstance(event, UsageReported):
            usage = event.usage
        elif isinstance(event, Started):
            started = event
        else:
            call = event.call
    said: dict[int, list[Part]] = {}
    for key in sorted(parts):
        grown = _grown(parts[key], "".join(pieces[key])) if key in pieces else parts[key]
        said.setdefault(key[0], []).append(grown)
    messages = tuple([Message(role="assistant", parts=tuple(of_choice)) for of_choice in said.values()])
    return Answer(messages=messages, stop=stop, usage=usage, started=started, call=call)


def _closed(part: Part, event: PartClosed) -> Part:
    extra = {of: {**part.extra.get(of, {}), **event.extra.get(of, {})} for of in part.extra.keys() | event.extra.keys()}
    if event.citations and isinstance(part, Text):
        return msgspec.structs.replace(part, citations=part.citations + event.citations, extra=extra)
    if event.signature is not None and isinstance(part, Thinking | ToolCall):
        return msgspec.structs.replace(part, signature=event.signature, extra=extra)
    return msgspec.structs.replace(part, extra=extra)


_WORDED = Text | Thinking | Refusal
"""Made once: a union of types is made anew wherever it is written."""


def _grown(part: Part, more: str) -> Part:
    if not more:
        return part
    if isinstance(part, _WORDED):
        return msgspec.structs.replace(part, text=part.text + more)
    if isinstance(part, ToolCall):
        return msgspec.structs.replace(part, arguments=part.arguments + more)
    raise TypeError(f"a {type(part).__name__} part does not grow")
