"""Scorers that ask a model: paid from the run's budget, at the judge's own pace, and never the run's undoing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from assay.bench.outcome import Scored, right
from assay.bench.task import Context, Sample, Scorer, Task
from assay.core import Answer, CallFailed, InvalidInput, Request, Transcript, complete, user
from assay.store.queries import latest_measurements
from tests.bench.run.quiz import COST, JUDGE, QUIZ, Quiz, School, refusal, spec_of

pytestmark = pytest.mark.anyio


class Judged(Quiz):
    """A quiz whose answers a model judges, by saying the number once more."""

    @asynccontextmanager
    async def scorer(self, task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
        self.context = context
        yield self

    async def score(self, sample: Sample, answer: Answer) -> Scored:
        assert self.context.caller is not None
        assert self.context.judge == JUDGE.id
        request = Request(model=JUDGE.id, transcript=Transcript((user(str(1000 + int(answer.message.text))),)))
        said = await complete(self.context.caller, request, JUDGE.id, "bench")
        assert said.call is not None
        return right(said.message.text, calls=(said.call.id,))


@pytest.fixture
def judged(school: School) -> School:
    school.quiz = Judged(20)
    school.task = msgspec.structs.replace(QUIZ, needs_judge=True)
    return school


async def test_the_judge_is_paid_by_the_run_and_its_calls_are_with_the_score(judged: School) -> None:
    report = await judged.run(judge="judge")
    assert report.outcomes == {"right": 20}
    assert report.cost is not None
    assert report.cost.nano == 40 * COST.nano
    page = await judged.runs.results(report.id)
    assert all(one.scored is not None and len(one.scored.calls) == 1 for one in page.results)
    assert all(one.cost == COST for one in page.results), "a sample's cost is the model's"


async def test_who_judged_and_by_which_options_stands_with_the_number(judged: School) -> None:
    await judged.run(judge="judge", options={"rubric": "Be kind."})
    (measurement,) = await latest_measurements(judged.db, "quiz")
    assert (measurement.conditions["judge"], measurement.conditions["options"]) == ("judge", {"rubric": "Be kind."})


async def test_the_budget_holds_for_both(judged: School) -> None:
    budget = 30 * COST.nano
    report = await judged.run(judge="judge", budget={"nano": budget}, sampling={"max_tokens": 100})
    assert report.state == "interrupted"
    assert judged.pupil.paid <= budget


async def test_a_judge_that_is_busy_for_a_moment_is_asked_again(judged: School) -> None:
    def script(number: int, before: int) -> str | CallFailed:
        return refusal(429) if number >= 1000 and before == 0 else str(number)

    assert (await judged.run(script, judge="judge")).outcomes == {"right": 20}


async def test_a_judge_that_is_down_interrupts_the_run_and_the_answers_stay(judged: School) -> None:
    report = await judged.run(lambda number, before: refusal(500) if number >= 1000 else str(number), judge="judge")
    assert report.state == "interrupted"
    assert report.trouble is not None
    assert report.trouble.startswith("bench.scorer_down")
    assert report.counts.answered


async def test_a_task_that_needs_a_judge_is_not_run_without(judged: School) -> None:
    await judged.open()
    with pytest.raises(InvalidInput) as raised:
        await judged.runs.begin(spec_of())
    assert raised.value.code == "bench.no_judge"
