"""Several workers on one run: none asks what another has, and what a lost one had falls back."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from assay.bench import queries_shards
from assay.bench.outcome import right, wrong
from assay.bench.queries_results import Body, Figures, answered, load_results, scored
from assay.bench.run_saver import Saver
from assay.bench.runs import Runs
from assay.core import Transcript, assistant, user
from tests.bench.run.quiz import FAST, Pupil, QuizTasks, School, find, knows, spec_of
from tests.challenge.faulty import FaultyDatabase

pytestmark = pytest.mark.anyio


async def test_two_processes_share_a_run_and_ask_nothing_twice(school: School) -> None:
    school.quiz.count = 300
    await school.open(seconds=0.005)
    pupil = Pupil(knows, 0.005)
    other = await Runs.start(school.db, pupil, find, QuizTasks(school.quiz), folder=school.folder, owner="other", limits=FAST)
    id = await school.runs.begin(spec_of())
    helping = asyncio.create_task(other.help(id))
    report = await school.see_through(id)
    await helping
    await other.close()
    assert report.outcomes == {"right": 300}
    assert school.pupil.asked
    assert pupil.asked
    assert sorted(school.pupil.asked + pupil.asked) == list(range(300))


async def test_what_a_lost_worker_had_falls_back_to_the_others(school: School) -> None:
    school.quiz.count = 100
    await school.open(seconds=0.005, limits=msgspec.structs.replace(FAST, lost_s=0.5))
    id = await school.runs.begin(spec_of())
    await queries_shards.enter(school.db, id, "lost", "elsewhere")
    leased = await queries_shards.lease(school.db, id, "lost", 2)
    report = await school.see_through(id)
    assert leased
    assert report.outcomes == {"right": 100}
    assert sorted(school.pupil.asked) == list(range(100))


async def test_one_that_was_taken_for_lost_and_is_not_goes_on_anew(school: School) -> None:
    await school.open(seconds=0.05)
    id = await school.runs.begin(spec_of())
    await school.pupil.until(4)
    for worker, beat in (await queries_shards.load_workers(school.db, id)).items():
        await queries_shards.presume_lost(school.db, id, worker, beat)
    report = await school.see_through(id)
    assert report.state == "ended", report.trouble
    assert report.outcomes == {"right": 40}


async def test_of_two_answers_to_one_sample_the_first_stands_and_only_its_score_counts(school: School) -> None:
    await school.open(lambda number, before: None)
    id = await school.runs.begin(spec_of(limit=1))
    saver = Saver(school.db)
    for worker in ("first", "second"):
        body = Body(transcript=Transcript((user("?"),)), message=assistant(f"from the {worker}"))
        await saver.save(*answered(id, 0, worker, Figures(), body))
    for worker, worth in (("second", wrong()), ("first", right()), ("first", wrong())):
        await saver.save(scored(id, 0, worker, worth))
    (result,) = await load_results(school.db, id, bodies=True)
    assert result.message == assistant("from the first")
    assert result.scored == right()


async def test_scoring_never_holds_up_asking(school: School) -> None:
    school.quiz.may_score.clear()
    await school.open()
    id = await school.runs.begin(spec_of())
    await school.pupil.until(40)
    report = await school.runs.report(id)
    assert report.counts.scored == 0
    school.quiz.may_score.set()
    assert (await school.see_through(id)).outcomes == {"right": 40}


async def test_a_storage_that_fails_for_a_moment_loses_nothing(school: School) -> None:
    db = FaultyDatabase(school.db)
    school.db = db
    await school.open(seconds=0.001)
    id = await school.runs.begin(spec_of())
    await school.pupil.until(10)
    db.refusals = 2
    report = await school.see_through(id)
    assert report.outcomes == {"right": 40}, report.trouble


async def test_a_storage_that_stays_away_interrupts_the_run_and_nothing_more_is_asked(school: School) -> None:
    db = FaultyDatabase(school.db)
    school.db = db
    await school.open(seconds=0.001)
    id = await school.runs.begin(spec_of())
    await school.pupil.until(10)
    db.broken = True
    report = await school.see_through(id)
    assert report.state == "interrupted"
    assert report.trouble is not None
    assert len(school.pupil.asked) < 40
    db.broken = False
    db.refusals = 0
    await school.runs.resume(id)
    assert (await school.see_through(id)).outcomes == {"right": 40}


async def test_a_run_whose_server_is_lost_is_interrupted_by_another(school: School) -> None:
    limits = msgspec.structs.replace(FAST, beat_s=0.05, lost_s=0.5)
    await school.open(lambda number, before: None, owner="first", limits=msgspec.structs.replace(limits, beat_s=30.0))
    id = await school.runs.begin(spec_of())
    other = await Runs.start(
        school.db, Pupil(knows), find, QuizTasks(school.quiz), folder=school.folder, owner="other", limits=limits
    )
    async with asyncio.timeout(20):
        async for _ in other.watch(id):
            pass
    assert (await other.report(id)).state == "interrupted"
    await other.close()


async def test_one_is_stopped_through_another_server(school: School) -> None:
    await school.open(lambda number, before: None, owner="first")
    id = await school.runs.begin(spec_of())
    other = await Runs.start(
        school.db, Pupil(knows), find, QuizTasks(school.quiz), folder=school.folder, owner="other", limits=FAST
    )
    await other.stop(id)
    report = await school.see_through(id)
    await other.close()
    assert report.state == "stopped"
