"""How fast our own side is: the same way of asking and timing, with answers made up in this process.

What it tells is what the event loop and the watch add. What the gateway adds on top is measured in ``benchmarks/`` and stands in
``docs/performance.md``; the network is no part of either.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

import numpy as np

from assay.bench.speed.timing import ask_timed
from assay.core import Budget, Event, PartGrew, PartOpened, Purpose, Request, Text, Transcript, user

_EVENTS = 40_000
_PACED_PIECES = 20
_PACE_S = 0.01
_NO_BUDGET = Budget()
_REQUEST = Request(model="stub", transcript=Transcript((user("?"),)), stream=True)


async def own_limit(at_once: int) -> tuple[float, list[float]]:
    """Events a second, and by how many milliseconds each event was seen late when so many answers came at once."""
    begin = time.perf_counter()
    pieces = _EVENTS // at_once
    await asyncio.gather(*(_ask(_Flood(pieces)) for _ in range(at_once)))
    events_per_s = at_once * pieces / (time.perf_counter() - begin)
    paced = [_Paced(offset / at_once * _PACE_S) for offset in range(at_once)]
    await asyncio.gather(*map(_ask, paced))
    return events_per_s, [late_ms for one in paced for late_ms in one.late_ms]


def quantiles(late_ms: list[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    p50, p99 = np.quantile(late_ms, (0.5, 0.99)).tolist()
    return p50, p99


async def _ask(caller: _Flood | _Paced) -> None:
    await ask_timed(caller, _REQUEST, "stub", time.monotonic_ns(), _NO_BUDGET)


class _Flood:
    """Says as much as can be taken, letting others have their turn now and then."""

    def __init__(self, pieces: int):
        self._pieces = pieces

    async def stream(
        self, request: Request, deployment: str, purpose: Purpose, budget: Budget | None = None, *, request_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        yield PartOpened(index=0, part=Text(text=""), at_ns=time.monotonic_ns())
        for number in range(self._pieces):
            if number % 10 == 0:
                await asyncio.sleep(0)
            yield PartGrew(index=0, text="word ", at_ns=time.monotonic_ns())


class _Paced:
    """Says a piece at set times, and notes how late it got to it."""

    def __init__(self, after_s: float):
        self._after_s = after_s
        self.late_ms: list[float] = []

    async def stream(
        self, request: Request, deployment: str, purpose: Purpose, budget: Budget | None = None, *, request_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        yield PartOpened(index=0, part=Text(text=""), at_ns=time.monotonic_ns())
        begin = time.perf_counter() + self._after_s
        for number in range(_PACED_PIECES):
            due = begin + number * _PACE_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            self.late_ms.append(1000 * (time.perf_counter() - due))
            yield PartGrew(index=0, text="word ", at_ns=time.monotonic_ns())
