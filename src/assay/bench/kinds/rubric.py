"""Open answers that a judge grades from 1 to 5 by a rubric of one's own.

Options: ``rubric``, what to weigh, in your own words. The target, where there is one, is shown to the judge as notes that the answer
is not shown: what a good answer must say, or must not. A grade g counts as (g - 1) / 4.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from assay.bench import grader
from assay.bench.judgement import final_words, no_answer
from assay.bench.outcome import Scored
from assay.bench.task import Context, Sample, Scorer, Task
from assay.bench.template import as_words, render
from assay.core import Answer, InvalidInput

VERSIONS = {"rubric": 1, "grader": grader.VERSION}
_GRADES = ("5", "4", "3", "2", "1")
_SCALE = """\
You grade one answer by the standard below.

{rubric}

5: nothing to mend. 4: good, with a small fault. 3: usable, with a fault that matters. 2: of little use. 1: of no use, or harmful. \
Length, layout and tone are no merits in themselves. Where there are notes, they decide what is right."""


class _Rubric:
    def __init__(self, task: Task, context: Context):
        if not str(task.options.get("rubric", "")).strip():
            raise InvalidInput("task.invalid", f"Task {task.id!r} has no `rubric` among its options.", hint="Say what to weigh.")
        self._task = task
        self._grader = grader.Grader(context, _SCALE.format(rubric=task.options["rubric"].strip()), _GRADES)

    async def score(self, sample: Sample, answer: Answer) -> Scored:
        text = final_words(answer)
        if isinstance(text, Scored):
            return text
        if not text.strip():
            return no_answer(answer)
        sections = {"the request": render(self._task.prompt, sample.fields)}
        if notes := as_words(sample.target):
            sections["notes"] = notes
        grade = await self._grader.grade({**sections, "the answer": text})
        if isinstance(grade, Scored):
            return grade
        value = (int(grade.verdict) - 1) / 4
        return Scored(outcome="graded", value=value, extracted=grade.verdict, detail=grade.reason, calls=grade.calls)


@asynccontextmanager
async def scorer(task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
    """Asks the judge."""
    yield _Rubric(task, context)
