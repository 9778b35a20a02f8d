"""What came of a file of one's own work: items, and every line that is none, by number and reason."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from assay.challenge.item import Item
from assay.core import InvalidInput, TooLarge

LARGEST_FILE = 64 * 1024 * 1024
MOST_ITEMS = 100_000
MOST_BYTES = 512 * 1024 * 1024
"""Of all items together: each turn of a conversation repeats what went before it."""
MOST_NAMED = 10_000
"""Bad lines that are named one by one; of more than these, the number is told."""


class BadLine(msgspec.Struct, frozen=True):
    """A line (from 1) that no item came of, and why."""

    line: int
    reason: str


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """What a file held. ``format`` is the kind of file it was taken for; ``notes`` say what else one should know of it."""

    format: str
    items: tuple[Item, ...]
    bad: tuple[BadLine, ...] = ()
    notes: tuple[str, ...] = ()


class Unreadable(Exception):
    """This record is no item; the message says why, in one line."""


class Gathering:
    """Items and bad lines of one file, as they are found, within bounds."""

    def __init__(self, name: str):
        self.name = name
        self.items: list[Item] = []
        self.bad: list[BadLine] = []
        self._notes: dict[str, None] = {}
        self._unnamed = 0
        self._bytes = 0

    def add(self, items: Iterable[Item], size: int) -> None:
        """Take ``items``, which are ``size`` bytes of JSON together.

        Raises:
            TooLarge: ``work.too_much``.
        """
        self.items.extend(items)
        self._bytes += size
        if len(self.items) > MOST_ITEMS or self._bytes > MOST_BYTES:
            raise TooLarge(
                "work.too_much",
                f"{self.name!r} makes more than {MOST_ITEMS} items or {MOST_BYTES >> 20} MiB of them.",
                hint="Bring it in parts, each under a name of its own.",
            )

    def refuse(self, line: int, reason: str) -> None:
        """Name a line that no item came of."""
        if len(self.bad) < MOST_NAMED:
            self.bad.append(BadLine(line, reason))
        else:
            self._unnamed += 1

    def note(self, text: str) -> None:
        """Say something of the whole file; the same is said once."""
        self._notes[text] = None

    def finish(self, format: str) -> Brought:
        """All of it.

        Raises:
            InvalidInput: ``work.no_items``.
        """
        if not self.items:
            shown = "; ".join(f"line {bad.line}: {bad.reason}" for bad in self.bad[:3])
            raise InvalidInput(
                "work.no_items",
                f"{self.name!r} (read as {format}) holds nothing to ask a model{': ' + shown if shown else ''}.",
                hint="Bring lines of text, JSON Lines with prompt, messages or request, batch files, logs or sessions.",
            )
        if self._unnamed:
            self.note(f"{self._unnamed} further lines could not be read.")
        return Brought(format=format, items=tuple(self.items), bad=tuple(self.bad), notes=tuple(self._notes))
