"""Answers with times that are known: made up whole, or given by a caller at its own pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable

import msgspec

from assay.bench.speed.timing import Timed
from assay.core import (
    Budget,
    Event,
    Finished,
    PartGrew,
    PartOpened,
    Purpose,
    Request,
    Stopped,
    Text,
    Usage,
    UsageReported,
)
from tests.arena.scripted import call_of, refusal

MS = 1_000_000


def timed(
    due_ms: float = 0, *, ttft_ms: float = 100, pieces: int = 11, pause_ms: float = 10, tokens: int | None = 21, late_ms: float = 0
) -> Timed:
    """An answer of ``pieces`` times ``ab界`` with the same pause between any two."""
    first = round((due_ms + ttft_ms) * MS)
    return Timed(
        due_ns=round(due_ms * MS),
        asked_ns=round((due_ms + late_ms) * MS),
        first_ns=first,
        last_ns=first + round((pieces - 1) * pause_ms * MS),
        pauses_ns=(round(pause_ms * MS),) * (pieces - 1),
        characters=3 * pieces,
        bytes=5 * pieces,
        characters_after_first=3 * (pieces - 1),
        bytes_after_first=5 * (pieces - 1),
        tokens=tokens,
    )


class PacedCaller:
    """Answers after ``wait_s(number of the request)``, then three pieces ``pace_s`` apart. ``fails`` says which requests do.

    ``asked`` are the deployment, the words and the time of each request, in the order in which they came.
    """

    def __init__(
        self,
        wait_s: Callable[[int], float] = lambda number: 0.0,
        pace_s: float = 0.0,
        fails: Callable[[int], bool] = lambda number: False,
        usage: Usage | None = Usage(input=5, output=9),  # noqa: B008  # frozen
    ):
        self._wait_s = wait_s
        self._pace_s = pace_s
        self._fails = fails
        self._usage = usage
        self.asked: list[tuple[str, str, int]] = []
        self.open = self.most_open = 0

    async def stream(
        self, request: Request, deployment: str, purpose: Purpose, budget: Budget | None = None, *, request_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        assert purpose == "bench"
        number = len(self.asked)
        self.asked.append((deployment, request.transcript.messages[-1].text, time.monotonic_ns()))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            if self._fails(number):
                raise refusal(deployment)
            await asyncio.sleep(self._wait_s(number))
            yield PartOpened(index=0, part=Text(text=""), at_ns=time.monotonic_ns())
            for _ in range(3):
                yield PartGrew(index=0, text="ab界", at_ns=time.monotonic_ns())
                await asyncio.sleep(self._pace_s)
            if self._usage is not None:
                yield UsageReported(usage=self._usage, at_ns=time.monotonic_ns())
            yield Stopped(reason="end", at_ns=time.monotonic_ns())
            yield Finished(call=msgspec.structs.replace(call_of(deployment), usage=self._usage))
        finally:
            self.open -= 1
