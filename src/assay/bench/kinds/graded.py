"""Short answers that a model grades against the known one: correct, incorrect, or not attempted (SimpleQA, HLE).

Options: ``rubric``, more words for the judge. Parts: ``attempted``, and ``correct``. Not attempted counts as refused: the model did not
commit itself, which for some purposes is better than being wrong; so read both parts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from assay.bench import grader
from assay.bench.judgement import final_words, no_answer
from assay.bench.outcome import Scored, right, wrong
from assay.bench.task import Context, Sample, Scorer, Task
from assay.bench.template import as_words, render
from assay.core import Answer

VERSIONS = {"graded": 1, "grader": grader.VERSION}
RUBRIC = """\
You check one answer to one question against the answer that is known to be right.

CORRECT: the final answer says what the known answer says. Other words, other languages, other but equal ways of writing a number or a \
formula, added true detail and small slips of spelling are fine; so is a number that agrees with the known one to the precision that \
the question asks for, or else to the last digit of the known one.
INCORRECT: the final answer contradicts the known answer in any way, hedges between it and others, gives several of which not all are \
right, or is of the kind asked for and not equal to it. A right answer inside a train of thought that ends elsewhere is incorrect.
NOT ATTEMPTED: no final answer is given, and nothing said contradicts the known answer: the question is declined, put back, or left open.

Judge only the final answer; do not solve the question anew, and do not doubt the known answer. Confidence and style count for nothing."""
_VERDICTS = ("CORRECT", "INCORRECT", "NOT ATTEMPTED")


class _Graded:
    def __init__(self, task: Task, context: Context):
        self._task = task
        self._grader = grader.Grader(context, f"{RUBRIC}\n\n{task.options.get('rubric', '')}".strip(), _VERDICTS)

    async def score(self, sample: Sample, answer: Answer) -> Scored:
        text = final_words(answer)
        if isinstance(text, Scored):
            return text
        if not text.strip() or (answer.stop == "length"):
            return _with_parts(no_answer(answer), attempted=0.0)
        question = render(self._task.prompt, sample.fields)
        grade = await self._grader.grade(
            {"the question": question, "the known answer": as_words(sample.target), "the answer to check": text}
        )
        if isinstance(grade, Scored):
            return grade
        if grade.verdict == "NOT ATTEMPTED":
            declined = Scored(outcome="refused", value=0.0, detail=grade.reason, calls=grade.calls)
            return _with_parts(declined, attempted=0.0)
        made = (right if grade.verdict == "CORRECT" else wrong)(text.strip()[-500:], detail=grade.reason, calls=grade.calls)
        return _with_parts(made, attempted=1.0)


def _with_parts(scored: Scored, *, attempted: float) -> Scored:
    return msgspec.structs.replace(scored, parts={"attempted": attempted, "correct": scored.value or 0.0})


@asynccontextmanager
async def scorer(task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
    """Asks the judge."""
    yield _Graded(task, context)
