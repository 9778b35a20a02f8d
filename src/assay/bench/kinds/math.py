"""Questions of mathematics whose answer is a short expression: right where it has the value of the target
(`assay.bench.extract.mathematics`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from assay.bench.extract import boxed, latex, marked, mathematics
from assay.bench.judgement import found_in
from assay.bench.outcome import Scored, right, wrong
from assay.bench.task import Context, Sample, Scorer, Task
from assay.bench.template import as_words
from assay.core import Answer

VERSIONS = {
    "math": 1,
    "extract.boxed": boxed.VERSION,
    "extract.latex": latex.VERSION,
    "extract.marked": marked.VERSION,
    "extract.mathematics": mathematics.VERSION,
}


class _Mathematics:
    async def score(self, sample: Sample, answer: Answer) -> Scored:
        found = found_in(answer, mathematics.find_answer)
        if isinstance(found, Scored):
            return found
        return (right if mathematics.same_answer(found, as_words(sample.target)) else wrong)(found)


@asynccontextmanager
async def scorer(task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
    """Compares values."""
    yield _Mathematics()
