"""Open questions, each answer of which a judge compares with a baseline's, in both orders, in five steps (Arena-Hard).

The baseline is another deployment of the run. It is asked each question once, with the task's sampling; its answers are kept in the
run's folder. The judge says who is much better, better, or that both are alike. As in the original, a strong verdict counts three times
(``strong = 3``), and the value of a question is the mean over the verdicts in both orders, each counted so often; the score is the
mean over questions, where the original pools all verdicts.

Parts: ``win``, ``tie`` and ``loss`` (shares of the two orders), ``consistent`` (both orders see the same winner).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from assay.bench import grader
from assay.bench.judgement import final_words, no_answer
from assay.bench.kind import question
from assay.bench.outcome import Scored
from assay.bench.task import Context, Sample, Scorer, Task
from assay.bench.template import render
from assay.core import Answer, Budget, Caller, CallFailed, InvalidInput, Request, Sampling, complete, content_hash, user

VERSIONS = {"pairwise": 1, "grader": grader.VERSION}
RUBRIC = """\
You compare two assistants' answers, A and B, to one request.

Where the request has a right answer or can be worked out, work it out yourself first, before you look at what they say. Then weigh: is \
it correct, and is what it claims true; does it do all that was asked, in the form that was asked for; does it help, and stay with the \
matter; is it no longer than it needs to be; where invention is wanted, is it fresh. Find mistakes and name them. Where the request can \
be read in several ways, a question back is better than a guess. The order of the two, their length, their layout and their tone are no \
merits.

A>>B: A is much better. A>B: A is somewhat better. A=B: about alike. B>A: B is somewhat better. B>>A: B is much better."""
_FOR_A = {"A>>B": 2, "A>B": 1, "A=B": 0, "B>A": -1, "B>>A": -2}
_TIMEOUT_S = 600.0


class _Pairwise:
    def __init__(self, task: Task, context: Context, baseline: _Baseline):
        self._task = task
        self._grader = grader.Grader(context, RUBRIC, tuple(_FOR_A))
        self._baseline = baseline
        self._strong = int(task.options.get("strong", 3))

    async def score(self, sample: Sample, answer: Answer) -> Scored:
        text = final_words(answer)
        if isinstance(text, Scored):
            return text
        if not text.strip():
            return no_answer(answer)
        other = await self._baseline.answer(sample)
        if isinstance(other, Scored):
            return other
        asked = render(self._task.prompt, sample.fields)
        grades = await asyncio.gather(self._compare(asked, other, text), self._compare(asked, text, other))
        if isinstance(grades[0], Scored) or isinstance(grades[1], Scored):
            return next(grade for grade in grades if isinstance(grade, Scored))
        return self._value(-_FOR_A[grades[0].verdict], _FOR_A[grades[1].verdict], (grades[0], grades[1]))

    async def _compare(self, asked: str, a: str, b: str) -> grader.Grade | Scored:
        return await self._grader.grade({"the request": asked, "answer A": a, "answer B": b})

    def _value(self, first: int, second: int, grades: tuple[grader.Grade, grader.Grade]) -> Scored:
        """``first`` and ``second``: how much better the model is than the baseline, -2 to 2, in each order."""
        steps = (first, second)
        weights = [self._strong if abs(step) == 2 else 1 for step in steps]
        worth = [1.0 if step > 0 else 0.0 if step < 0 else 0.5 for step in steps]
        return Scored(
            outcome="graded",
            value=sum(w * value for w, value in zip(weights, worth, strict=True)) / sum(weights),
            extracted=f"{grades[0].verdict}, {grades[1].verdict}",
            parts={
                "win": worth.count(1.0) / 2,
                "tie": worth.count(0.5) / 2,
                "loss": worth.count(0.0) / 2,
                "consistent": float(worth[0] == worth[1]),
            },
            detail=f"As B: {grades[0].reason}\nAs A: {grades[1].reason}",
            calls=(*grades[0].calls, *grades[1].calls),
        )


class _Kept(msgspec.Struct, frozen=True):
    text: str
    call: str | None


class _Baseline:
    """The baseline's answers, each asked once and kept in a file."""

    def __init__(self, task: Task, caller: Caller, deployment: str, folder: Path):
        self._task = task
        self._caller = caller
        self._deployment = deployment
        self._folder = folder / "baseline"
        self._locks: dict[str, asyncio.Lock] = {}

    async def answer(self, sample: Sample) -> str | Scored:
        """What it said, or the error that the sample becomes."""
        request = question(self._task, (user(render(self._task.prompt, sample.fields)),), self._deployment, Sampling())
        key = content_hash((request, self._deployment))
        async with self._locks.setdefault(key, asyncio.Lock()):
            path = self._folder / f"{key}.json"
            if await asyncio.to_thread(path.is_file):
                return msgspec.json.decode(await asyncio.to_thread(path.read_bytes), type=_Kept).text
            return await self._ask(request, path)

    async def _ask(self, request: Request, path: Path) -> str | Scored:
        try:
            answer = await complete(self._caller, request, self._deployment, "bench", Budget(timeout_s=_TIMEOUT_S))
        except CallFailed as failed:
            detail = f"The baseline did not answer: {failed.message}"
            return Scored(outcome="error", value=None, detail=detail, error=failed.code, calls=(failed.call.id,))
        text = final_words(answer)
        if isinstance(text, Scored) or not text.strip():
            return Scored(outcome="error", value=None, detail="The baseline said nothing.", error="task.baseline_silent")
        await asyncio.to_thread(_keep, path, _Kept(text, answer.call.id if answer.call else None))
        return text


def _keep(path: Path, kept: _Kept) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(kept))
    part.replace(path)


@asynccontextmanager
async def scorer(task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
    """Asks the baseline once a question, and the judge twice an answer."""
    if context.caller is None or context.baseline is None:
        raise InvalidInput("task.baseline_missing", f"Task {task.id!r} compares with a baseline.", hint="Say `--baseline MODEL`.")
    yield _Pairwise(task, context, _Baseline(task, context.caller, context.baseline, context.folder))
