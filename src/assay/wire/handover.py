"""An answer on its way from an upstream of one protocol to a client of another: what no codec can know for itself.

A reader does not know whom the answer goes to, a writer not who made it. Between them stands this: it tells the client's writer
whose calls they are, fills in arguments that were left empty, and names what of the answer only its own protocol has a word for.
"""

from __future__ import annotations

import msgspec

from assay.core import Event, Extra, PartClosed, PartGrew, PartOpened, Started, Stopped, Text, Thinking, ToolCall
from assay.wire.losses import Losses

_NO_ARGUMENTS = "{}"
"""What clients are told where a server left the arguments of a call empty: they read them as JSON."""

_OF_PROTOCOL = frozenset(("system_fingerprint", "createTime", "type", "lengths", "content", "on"))
"""Fields by which a protocol numbers and spells; nothing is lost with them. So are those of an item (``item.id``)."""


class Handover:
    """Takes the events of one answer, in order. ``losses`` are those of the client's writer."""

    def __init__(self, made_in: str, told_in: str, losses: Losses):
        self._made_in = made_in
        self._told_in = told_in
        self._losses = losses
        self._wordless: set[tuple[int, int]] = set()
        self._thoughts: set[tuple[int, int]] = set()

    def pass_on(self, events: list[Event]) -> list[Event]:
        """What the client's writer is to write."""
        if len(events) == 1 and type(events[0]) is PartGrew and not self._wordless:
            return events
        passed: list[Event] = []
        for event in events:
            if isinstance(event, PartGrew):
                self._wordless.discard((event.choice, event.index))
            elif isinstance(event, PartOpened):
                event = self._open(event)
            elif isinstance(event, PartClosed):
                if self._wordless:
                    passed += self._fill(event.choice, event.index)
                if event.extra and (event.choice, event.index) not in self._thoughts:
                    self._note(event.extra)
            elif isinstance(event, Stopped):
                for choice, index in sorted(self._wordless):
                    passed += self._fill(choice, index) if choice == event.choice else ()
                self._note(event.extra)
            elif isinstance(event, Started):
                self._note(event.extra)
            passed.append(event)
        return passed

    def _open(self, event: PartOpened) -> PartOpened:
        """Calls without a signature say who made them, too: not every model takes unsigned ones back."""
        part, key = event.part, (event.choice, event.index)
        if isinstance(part, Thinking):
            self._thoughts.add(key)  # what they hold beside their words is sealed with them
        elif isinstance(part, Text):
            self._note(part.extra)
        elif isinstance(part, ToolCall):
            if not part.arguments:
                self._wordless.add(key)
            self._note(part.extra)
            if part.provider is None and self._made_in != self._told_in:
                return msgspec.structs.replace(event, part=msgspec.structs.replace(part, provider=self._made_in))
        return event

    def _fill(self, choice: int, index: int) -> list[Event]:
        if (choice, index) not in self._wordless:
            return []
        self._wordless.discard((choice, index))
        return [PartGrew(index=index, text=_NO_ARGUMENTS, choice=choice)]

    def _note(self, extra: Extra) -> None:
        for protocol, fields in extra.items():
            if protocol == self._told_in:
                continue
            inner = fields.get("message")
            if inner is not None:
                besides = {name: value for name, value in fields.items() if name != "message"}
                fields = {**besides, **inner} if type(inner) is dict else besides
            for name, value in fields.items():
                if name not in _OF_PROTOCOL and not name.startswith("item.") and value not in (None, [], {}):
                    self._losses.drop(f"answer.{name}")
