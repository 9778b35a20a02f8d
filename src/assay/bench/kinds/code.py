"""Questions whose answer is a program: right where the function asked for gives what the canonical solution gives, on every input.

Options: ``shapes``, the types of arguments that the data do not tell (`assay.bench.code.shapes`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from assay.bench.code import expected
from assay.bench.code.judge import CodeJudge
from assay.bench.code.outcome import scored_as
from assay.bench.code.problem import Problems
from assay.bench.extract import code
from assay.bench.judgement import found_in
from assay.bench.outcome import Scored
from assay.bench.task import Context, Sample, Scorer, Task
from assay.core import Answer

VERSIONS = {"code": 1, "expected": expected.VERSION, "extract.code": code.VERSION}


def read(task: Task, files: Mapping[str, Path]) -> list[Sample]:
    """The problems: what a template may use of them is ``prompt`` and ``entry``."""
    problems = Problems(files[task.data[0].name])
    return [
        Sample(id=id, fields={"prompt": question.prompt, "entry": question.entry_point})
        for id, question in problems.questions.items()
    ]


class _Programs:
    def __init__(self, judge: CodeJudge):
        self._judge = judge

    async def score(self, sample: Sample, answer: Answer) -> Scored:
        prompt, entry = sample.fields["prompt"], sample.fields["entry"]
        program = found_in(answer, lambda text, is_whole: code.find_program(text, prompt, entry, is_whole))
        if isinstance(program, Scored):
            return program
        return scored_as(await self._judge.examine(sample.id, program), program)


@asynccontextmanager
async def scorer(task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
    """Runs programs in as many processes as there are workers."""
    folder = context.folder / "expected"
    async with CodeJudge.open(task, files, workers=context.workers, folder=folder, accept_unsafe=context.accept_unsafe) as judge:
        yield _Programs(judge)
