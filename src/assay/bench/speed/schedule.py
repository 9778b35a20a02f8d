"""When questions are due, and who sees to it that they are asked then.

In an open schedule a question is due whether or not the answers before it have come, and its times count from then: if whatever
asks falls behind, the wait is the answer's, as it would be a person's. Times that count from the sending instead leave out the very waits
that a slow answer causes (coordinated omission; Tene, How NOT to Measure Latency, 2013).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from itertools import accumulate
from typing import Any

from assay.bench.speed.timing import Timed

Ask = Callable[[int, int], Coroutine[Any, Any, Timed]]
"""Ask the question of that number, due at that time of the monotonic clock (nanoseconds)."""

_AHEAD_S = 0.02
"""The first question is due so long after the start, so that it is not late by what the start takes."""


def poisson(requests: int, rate_per_s: float, seed: int) -> list[float]:
    """When each question is due, in seconds from the first on: so many a second on average, independent of each other."""
    draws = random.Random(seed)  # noqa: S311  # arrivals, no secret
    return [0.0, *accumulate(draws.expovariate(rate_per_s) for _ in range(requests - 1))]


async def run_open(ask: Ask, due_s: Sequence[float]) -> list[Timed]:
    """Ask each question when it is due."""
    begin_ns = time.monotonic_ns() + round(_AHEAD_S * 1e9)
    asked = []
    async with asyncio.TaskGroup() as group:
        for number, after_s in enumerate(due_s):
            due_ns = begin_ns + round(after_s * 1e9)
            await asyncio.sleep(max(0.0, (due_ns - time.monotonic_ns()) / 1e9))
            asked.append(group.create_task(ask(number, due_ns)))
    return [task.result() for task in asked]


async def run_closed(ask: Ask, requests: int, concurrency: int) -> list[Timed]:
    """Ask the next question when an answer has come: so many at once. A question is due when whoever asks it is free."""
    numbers = iter(range(requests))
    timed: dict[int, Timed] = {}

    async def asker() -> None:
        for number in numbers:
            timed[number] = await ask(number, time.monotonic_ns())

    async with asyncio.TaskGroup() as group:
        for _ in range(min(concurrency, requests)):
            group.create_task(asker())
    return [timed[number] for number in range(requests)]
