"""One answer with a watch: when it was due, when each piece of it arrived, and how much it was.

Arrivals are those of the bytes, as the events of a `Caller` carry them. Pieces that came in one read arrived together.
"""

from __future__ import annotations

import time
from contextlib import aclosing
from itertools import pairwise

import msgspec

from assay.core import (
    AssayError,
    Budget,
    Caller,
    CallFailed,
    Event,
    Finished,
    Money,
    PartGrew,
    PartOpened,
    Request,
    Usage,
    UsageReported,
)


class Timed(msgspec.Struct, frozen=True, kw_only=True):
    """Nanoseconds of the monotonic clock. ``first_ns`` is None where nothing came; ``error`` is a code where it failed.

    ``pauses_ns`` lie between arrivals of pieces. ``characters`` and ``bytes`` (UTF-8) are all that was sent, thoughts
    included; ``*_after_first`` leave out what arrived first. ``tokens`` is what the provider counted, None where it did not.
    """

    due_ns: int
    asked_ns: int
    first_ns: int | None = None
    last_ns: int | None = None
    pauses_ns: tuple[int, ...] = ()
    characters: int = 0
    bytes: int = 0
    characters_after_first: int = 0
    bytes_after_first: int = 0
    tokens: int | None = None
    cost: Money | None = None
    error: str | None = None


class Watch:
    """Takes note of the events of one answer."""

    def __init__(self, due_ns: int):
        self.due_ns = due_ns
        self.asked_ns = time.monotonic_ns()
        self._arrivals: list[int] = []
        self._first: list[str] = []
        self._rest: list[str] = []
        self._usage: Usage | None = None
        self._last_ns: int | None = None
        self._cost: Money | None = None

    def note(self, event: Event) -> None:
        """Whatever comes, as it comes."""
        at_ns = event.at_ns or time.monotonic_ns()
        if isinstance(event, PartGrew | PartOpened):
            words = event.text if isinstance(event, PartGrew) else getattr(event.part, "text", "")
            if words:
                self._heard(words, at_ns)
        elif isinstance(event, UsageReported):
            self._usage = event.usage
        if isinstance(event, Finished):
            self._usage = event.call.usage or self._usage
            self._cost = event.call.cost
        else:
            self._last_ns = at_ns

    def read(self, error: str | None = None) -> Timed:
        """What was seen."""
        first, rest = "".join(self._first), "".join(self._rest)
        bytes_first, bytes_rest = len(first.encode(errors="replace")), len(rest.encode(errors="replace"))
        usage = self._usage
        return Timed(
            due_ns=self.due_ns,
            asked_ns=self.asked_ns,
            first_ns=self._arrivals[0] if self._arrivals else None,
            last_ns=self._last_ns,
            pauses_ns=tuple(later - earlier for earlier, later in pairwise(self._arrivals)),
            characters=len(first) + len(rest),
            bytes=bytes_first + bytes_rest,
            characters_after_first=len(rest),
            bytes_after_first=bytes_rest,
            tokens=None if usage is None or usage.estimated else usage.total_output,
            cost=self._cost,
            error=error,
        )

    def _heard(self, words: str, at_ns: int) -> None:
        if not self._arrivals or at_ns > self._arrivals[-1]:
            self._arrivals.append(at_ns)
        (self._first if len(self._arrivals) == 1 else self._rest).append(words)


async def ask_timed(caller: Caller, request: Request, deployment: str, due_ns: int, budget: Budget) -> Timed:
    """Ask, and take the times. A question that fails is timed, too: it says ``error``."""
    watch = Watch(due_ns)
    try:
        async with aclosing(caller.stream(request, deployment, "bench", budget)) as events:
            async for event in events:
                watch.note(event)
    except CallFailed as failed:
        return msgspec.structs.replace(watch.read(failed.code), cost=failed.call.cost)
    except AssayError as error:
        return watch.read(error.code)
    return watch.read()
