"""Questions whose answer is a number: right where the number found is the target, whatever its unit, commas or currency.

Options: ``tolerance``, how far off a right answer may be (0), relative to the target. ``after``: the mark in the data's target behind
which the number stands (GSM8K: ``####``); where there is none, the target is the number.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from assay.bench.extract import boxed, marked, numbers
from assay.bench.judgement import found_in
from assay.bench.outcome import Scored, right, wrong
from assay.bench.task import Context, Sample, Scorer, Task
from assay.core import Answer, InvalidInput
from assay.judge.numbers import last_number

VERSIONS = {"numbers": 1, "extract.boxed": boxed.VERSION, "extract.marked": marked.VERSION, "extract.numbers": numbers.VERSION}
_NOISE = 1e-9
"""Relative: what decimal fractions lose in binary."""


class _Numbers:
    def __init__(self, after: str | None, tolerance: float):
        self._after = after
        self._tolerance = max(tolerance, _NOISE)

    async def score(self, sample: Sample, answer: Answer) -> Scored:
        found = found_in(answer, numbers.find_number)
        if isinstance(found, Scored):
            return found
        target = self.target(sample)
        is_right = math.isclose(found, target, rel_tol=self._tolerance, abs_tol=_NOISE)
        return (right if is_right else wrong)(f"{found:.15g}")

    def target(self, sample: Sample) -> float:
        if isinstance(sample.target, int | float):
            return float(sample.target)
        words = str(sample.target)
        number = last_number(words.rsplit(self._after, 1)[-1] if self._after else words)
        if number is None:
            raise InvalidInput("task.data_invalid", f"Question {sample.id!r} has no number for a target: {words[-80:]!r}.")
        return number


@asynccontextmanager
async def scorer(task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
    """Compares with the target."""
    yield _Numbers(task.options.get("after"), float(task.options.get("tolerance", 0)))
