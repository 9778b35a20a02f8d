"""A measurement of speed: repeats of one schedule, on one deployment or on two in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from assay.bench.speed.figures import paired, side_of
from assay.bench.speed.own_limit import own_limit, quantiles
from assay.bench.speed.questions import question
from assay.bench.speed.report import OwnLimit, Side, SpeedReport
from assay.bench.speed.schedule import poisson, run_closed, run_open
from assay.bench.speed.spec import SpeedSpec
from assay.bench.speed.timing import Timed, ask_timed
from assay.bench.summary import MOST_ERRORS
from assay.core import Budget, Caller, now_us

Noted = Callable[[Timed], None]
_MUCH = 0.5
_LATE_MS = 5.0


async def measure(
    caller: Caller, spec: SpeedSpec, model: str, against: str | None = None, *, noted: Noted = lambda timed: None
) -> SpeedReport:
    """Ask as ``spec`` says. ``model`` and ``against`` are deployments; ``noted`` hears of each answer that counts, as it ends.

    Which of two goes first alternates, so that neither always meets the colder server or the busier minute.
    """
    at, begin = now_us(), time.monotonic()
    events_per_s, late_ms = await own_limit(_at_once(spec))
    taken: dict[str, list[list[Timed]]] = {"A": [], "B": []}
    order = []
    for repeat in range(spec.repeats):
        turns = "A" if against is None else ("AB", "BA")[repeat % 2]
        order.append(turns)
        for side in turns:
            deployment = model if side == "A" or against is None else against
            taken[side].append(await _repeat(caller, spec, deployment, repeat, side, noted))
    p50, p99 = quantiles(late_ms)
    repeats = [*taken["A"], *taken["B"]]
    own = OwnLimit(events_per_s=events_per_s, late_p50_ms=p50, late_p99_ms=p99, used=_busiest(repeats) / events_per_s)
    a = side_of(model, taken["A"], spec.slo)
    b = side_of(against, taken["B"], spec.slo) if against is not None else None
    sides = (a,) if b is None else (a, b)
    return SpeedReport(
        spec=spec,
        at=at,
        took_s=time.monotonic() - begin,
        order=" ".join(order),
        a=a,
        b=b,
        paired=paired(taken["A"], taken["B"], spec.slo, complete=_complete(sides)) if b is not None else (),
        own=own,
        notes=tuple(notes_of(own, sides)),
    )


async def _repeat(caller: Caller, spec: SpeedSpec, deployment: str, repeat: int, side: str, noted: Noted) -> list[Timed]:
    """The warm-up, one after another, then the questions that count, by the schedule."""
    budget = Budget(timeout_s=spec.timeout_s)

    async def ask(number: int, due_ns: int) -> Timed:
        return await ask_timed(caller, question(spec, deployment, side, repeat, number), deployment, due_ns, budget)

    async def ask_counted(number: int, due_ns: int) -> Timed:
        timed = await ask(spec.warmup + number, due_ns)
        noted(timed)
        return timed

    for number in range(spec.warmup):
        await ask(number, time.monotonic_ns())
    if spec.schedule == "open":
        return await run_open(ask_counted, poisson(spec.requests, spec.rate_per_s, spec.seed + repeat))
    return await run_closed(ask_counted, spec.requests, spec.concurrency)


def _at_once(spec: SpeedSpec) -> int:
    """How many answers the self-test takes at once: as many as there are askers, or questions a second."""
    return max(1, min(512, spec.concurrency if spec.schedule == "closed" else round(spec.rate_per_s)))


def _busiest(repeats: Sequence[Sequence[Timed]]) -> float:
    """Arrivals a second in the repeat that had most."""
    return max(
        sum(1 + len(one.pauses_ns) for one in repeat)
        / max(1e-3, (max(one.last_ns or one.asked_ns for one in repeat) - min(one.due_ns for one in repeat)) / 1e9)
        for repeat in repeats
    )


def notes_of(own: OwnLimit, sides: Sequence[Side]) -> list[str]:
    """What speaks against the result, by the keys of `assay.bench.speed.text.NOTES`."""
    notes = []
    if not _complete(sides):
        notes.append("errors")
    if own.used > _MUCH:
        notes.append("own_limit")
    if any(side.late_ms > _LATE_MS for side in sides):
        notes.append("late")
    if any(side.tokens_unknown for side in sides):
        notes.append("tokens_unknown")
    return notes


def _complete(sides: Sequence[Side]) -> bool:
    """Whether so few questions failed that the times of the others stand for all."""
    return all(side.asked - side.answered < MOST_ERRORS * side.asked for side in sides)
