"""Results as a run leaves them, made of a few words."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from assay.bench.outcome import Outcome, Scored
from assay.bench.result import Result
from assay.core import Money, Usage

VALUES: dict[str, float | None] = {"right": 1.0, "error": None}


def result(
    sample: str,
    outcome: Outcome = "right",
    *,
    epoch: int = 0,
    value: float | None = None,
    parts: dict[str, float] | None = None,
    cluster: str | None = None,
    category: str | None = None,
    cost: Money | None = None,
    latency_us: int | None = None,
    usage: Usage | None = None,
    cached: bool = False,
) -> Result:
    """A result that was scored."""
    scored = Scored(outcome=outcome, value=value if outcome == "graded" else VALUES.get(outcome, 0.0), parts=parts or {})
    return Result(
        sample=sample,
        epoch=epoch,
        state="scored",
        cluster=cluster,
        category=category,
        scored=scored,
        cost=cost,
        latency_us=latency_us,
        ttft_us=latency_us,
        usage=usage,
        cached=cached,
    )


def marks(rights: Iterable[int], epoch: int = 0) -> list[Result]:
    """One result for each 1 or 0: right or wrong, to the questions q0, q1 and so on."""
    return [result(f"q{at}", "right" if right else "wrong", epoch=epoch) for at, right in enumerate(rights)]


def answered(skills: Iterable[float], rng: np.random.Generator, samples: int = 1) -> list[Result]:
    """What a model says that gets question i right with the chance ``skills[i]``."""
    return [
        result(f"q{at}", "right" if rng.random() < skill else "wrong", epoch=epoch)
        for at, skill in enumerate(skills)
        for epoch in range(samples)
    ]
