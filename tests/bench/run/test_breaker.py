"""A model that is away does not use up the samples."""

from __future__ import annotations

import pytest

from assay.bench.run_breaker import DOWN_AFTER
from assay.core import CallFailed
from tests.bench.run.quiz import FAST, School, knows, refusal, spec_of

pytestmark = pytest.mark.anyio


async def test_a_model_that_is_down_interrupts_the_run_and_no_sample_is_lost(school: School) -> None:
    report = await school.run(lambda number, before: refusal(500))
    assert report.state == "interrupted"
    assert report.trouble is not None
    assert report.trouble.startswith("bench.endpoint_down")
    assert report.counts.scored == 0
    assert len(school.pupil.asked) <= DOWN_AFTER + 4 + len(FAST.probes_s), "it was asked on and on"
    await school.close()
    await school.open(knows)
    await school.runs.resume(report.id)
    assert (await school.see_through(report.id)).outcomes == {"right": 40}


async def test_refusals_for_good_in_a_row_are_no_errors_of_the_samples(school: School) -> None:
    report = await school.run(lambda number, before: refusal(401))
    assert report.state == "interrupted"
    assert report.counts.scored == 0
    assert len(school.pupil.asked) <= DOWN_AFTER + 4, "a wrong key is not waited for"


async def test_a_model_that_comes_back_goes_on_where_it_was(school: School) -> None:
    calls = 0

    def script(number: int, before: int) -> str | CallFailed:
        nonlocal calls
        calls += 1
        return refusal(503) if 10 <= calls < 22 else str(number)

    report = await school.run(script)
    assert report.state == "ended", report.trouble
    assert report.outcomes == {"right": 40}


async def test_one_that_is_only_busy_is_asked_until_it_answers(school: School) -> None:
    report = await school.run(lambda number, before: refusal(429, retry_after_s=0.01) if before < 1 else str(number), limit=8)
    assert report.state == "ended", report.trouble
    assert report.outcomes == {"right": 8}


async def test_one_that_asks_to_be_left_alone_for_an_hour_is_down(school: School) -> None:
    report = await school.run(lambda number, before: refusal(429, retry_after_s=3600.0))
    assert report.state == "interrupted"
    assert report.trouble is not None
    assert report.trouble.startswith("bench.endpoint_down")


async def test_a_scorer_that_breaks_on_one_answer_ends_nothing(school: School) -> None:
    school.quiz.breaks = lambda sample: ZeroDivisionError() if sample.id == "q3" else None
    report = await school.run()
    assert report.outcomes == {"right": 39, "error": 1}
    school.quiz.breaks = lambda sample: None
    asked = len(school.pupil.asked)
    await school.runs.resume(report.id)
    assert (await school.see_through(report.id)).outcomes == {"right": 40}
    assert len(school.pupil.asked) == asked, "its answer was there"


async def test_a_scorer_that_breaks_on_all_interrupts_the_run_and_keeps_the_answers(school: School) -> None:
    school.quiz.breaks = lambda sample: ZeroDivisionError()
    report = await school.run()
    assert report.state == "interrupted"
    assert report.trouble is not None
    assert report.trouble.startswith("bench.scorer_down")
    school.quiz.breaks = lambda sample: None
    answered = report.counts.answered
    asked = len(school.pupil.asked)
    await school.runs.resume(report.id)
    assert (await school.see_through(report.id)).outcomes == {"right": 40}
    assert len(school.pupil.asked) - asked == 40 - answered


async def test_the_specs_concurrency_is_never_exceeded(school: School) -> None:
    await school.open(seconds=0.002)
    await school.see_through(await school.runs.begin(spec_of(concurrency=6)))
    assert school.pupil.most_open == 6


async def test_a_task_whose_own_code_breaks_on_everything_uses_up_no_samples(school: School) -> None:
    school.quiz.template_error = LookupError("no such column")
    report = await school.run()
    assert report.state == "interrupted"
    assert report.trouble is not None
    assert report.trouble.startswith("bench.task_broke")
    assert report.counts.scored == 0
