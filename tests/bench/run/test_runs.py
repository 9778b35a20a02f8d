"""A run from beginning to end, and cut off in the middle."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from assay.bench.shown import show_run
from assay.core import CallFailed, Conflict
from assay.store.queries import latest_measurements
from tests.bench.run.quiz import COST, MODEL, QUIZ, Quiz, School, knows, knows_even, refusal, spec_of

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


async def test_the_score_of_a_balanced_task_is_the_mean_over_categories_wherever_it_is_shown(school: School) -> None:
    school.task, school.quiz = msgspec.structs.replace(QUIZ, balanced=True), Quiz(41)
    report = await school.run(knows_even)
    assert report.summary is not None
    assert (report.summary.score.value, report.summary.interval) == (0.5, "categories")
    shown = show_run(report)
    assert shown.score == report.summary.score
    assert "macro" not in {metric.name for metric in shown.metrics}
    (measurement,) = await latest_measurements(school.db, "quiz")
    assert measurement.value == 0.5
    assert "mean of the categories' means" in measurement.method


async def test_a_run_that_has_ended_stands(school: School) -> None:
    report = await school.run()
    with pytest.raises(Conflict):
        await school.runs.resume(report.id)


async def test_a_question_may_be_asked_several_times_each_time_with_the_next_seed(school: School) -> None:
    report = await school.run(limit=5, samples=3, sampling={"seed": 7})
    assert report.counts.planned == 15
    assert set(Counter(school.pupil.asked).values()) == {3}
    assert {request.sampling.seed for request in school.pupil.requests} == {7, 8, 9}


async def test_the_same_seed_draws_the_same_questions(school: School) -> None:
    await school.run(limit=5, seed=3)
    first = set(school.pupil.asked)
    await school.close()
    await school.run(limit=5, seed=3)
    assert set(school.pupil.asked) == first
    await school.close()
    await school.run(limit=5, seed=4)
    assert set(school.pupil.asked) != first


async def test_a_conversation_is_one_sample_and_all_its_calls_are_on_record(school: School) -> None:
    school.quiz.turns = 3
    report = await school.run(limit=4)
    assert len(school.pupil.asked) == 12
    assert report.cost is not None
    assert report.cost.nano == 12 * COST.nano
    page = await school.runs.results(report.id)
    for one in page.results:
        assert len(set(one.calls)) == 3
        assert one.cost is not None
        assert one.cost.nano == 3 * COST.nano


async def test_answers_come_from_the_cache_only_where_that_was_asked_for(school: School) -> None:
    await school.run(use_cache=True)
    await school.close()
    await school.run()
    assert len(school.pupil.asked) == 40
    await school.close()
    report = await school.run(use_cache=True)
    assert not school.pupil.asked
    assert report.cached == 40
    assert report.cost is None
    page = await school.runs.results(report.id, limit=1)
    assert page.results[0].cached
    await school.close()
    await school.run(use_cache=True, sampling={"temperature": 1.0})
    assert len(school.pupil.asked) == 40, "another request"


async def test_a_stopped_run_rests_until_it_is_resumed(school: School) -> None:
    await school.open(lambda number, before: knows(number, before) if number < 20 else None)
    id = await school.runs.begin(spec_of())
    await school.pupil.until(24)
    await school.runs.stop(id)
    assert (await school.runs.report(id)).state == "stopped"
    assert school.pupil.open == 0
    school.pupil.script = knows
    await school.runs.resume(id)
    assert (await school.see_through(id)).outcomes == {"right": 40}


async def test_another_recipe_is_another_run(school: School) -> None:
    await school.open(lambda number, before: None)
    id = await school.runs.begin(spec_of())
    await school.close()
    school.task = msgspec.structs.replace(school.task, version=2)
    await school.open()
    with pytest.raises(Conflict) as raised:
        await school.runs.resume(id)
    assert raised.value.code == "bench.recipe_changed"
    assert "version" in raised.value.message


async def test_whoever_follows_sees_it_grow(school: School) -> None:
    school.quiz.count = 200
    await school.open(seconds=0.01)
    id = await school.runs.begin(spec_of())
    seen = [await school.runs.report(id) async for _ in school.runs.watch(id)]
    assert len(seen) > 2
    assert [one.counts.answered for one in seen] == sorted(one.counts.answered for one in seen)
    assert any(one.rate_per_s and one.left_s and one.workers == 1 for one in seen)


async def test_samples_are_paged_filtered_and_searched(school: School) -> None:
    report = await school.run(knows_even)
    page = await school.runs.results(report.id, limit=15)
    following = await school.runs.results(report.id, after=page.next, limit=50)
    assert [one.sample for one in (*page.results, *following.results)] == [f"q{number}" for number in range(40)]
    assert following.next is None
    wrong = await school.runs.results(report.id, outcome="wrong", limit=3)
    assert [one.sample for one in wrong.results] == ["q1", "q3", "q5"]
    found = await school.runs.results(report.id, search="Q1")
    assert [one.sample for one in found.results] == ["q1", *(f"q{number}" for number in range(10, 20))]
    assert not (await school.runs.results(report.id, search="%")).results
    whole = await school.runs.result(report.id, "q8")
    assert whole.message is not None
    assert whole.message.text == "8"
    assert whole.transcript is not None
    assert whole.transcript.messages[-1].text == "8"
