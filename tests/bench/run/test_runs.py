"""A run from beginning to end, and cut off in the middle."""

from __future__ import annotations

import pytest

from assay.core import CallFailed, Conflict
from assay.store.queries import latest_measurements
from tests.bench.run.quiz import COST, MODEL, School, knows, knows_even, refusal, spec_of

pytestmark = pytest.mark.anyio


async def test_every_question_is_asked_once_and_scored(school: School) -> None:
    report = await school.run(knows_even)
    assert report.state == "ended", report.trouble
    assert sorted(school.pupil.asked) == list(range(40))
    assert report.outcomes == {"right": 20, "wrong": 20}
    assert report.summary is not None
    assert report.summary.score.value == 0.5
    assert report.cost is not None
    assert report.cost.nano == 40 * COST.nano


async def test_what_was_answered_is_not_asked_again_when_a_run_goes_on(school: School) -> None:
    await school.open(lambda number, before: knows(number, before) if number < 25 else None)
    id = await school.runs.begin(spec_of())
    await school.pupil.until(29)
    await school.close()
    await school.open(knows)
    assert (await school.runs.report(id)).state == "interrupted"
    await school.runs.resume(id)
    report = await school.see_through(id)
    assert report.outcomes == {"right": 40}
    assert sorted(school.pupil.asked) == list(range(25, 40))


async def test_a_sample_that_fails_once_is_asked_again_and_one_that_always_fails_ends_nothing(school: School) -> None:
    def script(number: int, before: int) -> str | CallFailed:
        return refusal(500) if number == 7 or (number == 9 and before == 0) else str(number)

    report = await school.run(script)
    assert report.state == "ended"
    assert report.outcomes == {"right": 39, "error": 1}
    assert school.pupil.asked.count(9) == 2
    result = await school.runs.result(report.id, "q7")
    assert result.scored is not None
    assert result.scored.error == "upstream.failed"


async def test_its_score_is_published(school: School) -> None:
    report = await school.run(knows_even)
    (measurement,) = await latest_measurements(school.db, "quiz")
    assert (measurement.subject, measurement.value, measurement.rows) == (MODEL.id, 0.5, f"/bench/{report.id}")


async def test_a_run_that_has_ended_stands(school: School) -> None:
    report = await school.run()
    with pytest.raises(Conflict):
        await school.runs.resume(report.id)
