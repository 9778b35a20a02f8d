"""A scripted upstream whose streams are spoiled on their way: a test says what becomes of their events."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from tests.upstream import ScriptedUpstream
from tests.upstream.provider import Provider, Said
from tests.upstream.script import Event, Status

Spoil: TypeAlias = Callable[[list[bytes]], list[bytes]]


class _Spoiling(Provider):
    spoil: Spoil | None = None
    cuts = False

    def answer(self, *asked: Any) -> Said | Status:
        said = super().answer(*asked)
        if self.spoil is None or not isinstance(said, Said) or not isinstance(said.sent, list):
            return said
        events = [Event(data, piece=True) for data in self.spoil([event.data for event in said.sent])]
        if not self.cuts:
            return replace(said, sent=events)
        # The server cuts nine bytes into the event after the fault, which is the last byte alone.
        return replace(said, sent=events, answer=replace(said.answer, fault="cut", fault_after=len(events) - 1))


class SpoiledUpstream(ScriptedUpstream):
    """``spoil`` is given the events of each stream and returns the bytes to send, a write each; None leaves them alone."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.provider: _Spoiling = _Spoiling(self.scripts, self.complaints)

    @property
    def spoil(self) -> Spoil | None:
        return self.provider.spoil

    @spoil.setter
    def spoil(self, spoil: Spoil | None) -> None:
        self.provider.spoil, self.provider.cuts = spoil, False

    def cut_after(self, size: int, chunk: int | None = None) -> None:
        """From now on reset each stream after so many bytes, at least one, sent in pieces of ``chunk``."""

        def spoil(events: list[bytes]) -> list[bytes]:
            data = b"".join(events)[:size]
            return [*chunked(data[:-1], chunk or size), data[-1:]]

        self.provider.spoil, self.provider.cuts = spoil, True


def chunked(data: bytes, size: int) -> list[bytes]:
    """``data`` in pieces of so many bytes."""
    return [data[at : at + size] for at in range(0, len(data), size)]


def with_ends(events: list[bytes], ends: list[bytes]) -> list[bytes]:
    """The events with other line ends, each line the next of ``ends``; but a CR and an LF that would make one end stay apart."""
    written: list[bytes] = []
    for number, line in enumerate(re.split(rb"\r\n|\n", b"".join(events))[:-1]):
        end = ends[number % len(ends)]
        is_torn = not line and end == b"\n" and bool(written) and written[-1].endswith(b"\r")
        written.append(line + (b"\r" if is_torn else end))
    return written
