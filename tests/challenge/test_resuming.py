"""Challenges that are stopped, cut off or in trouble go on later, and nothing is asked twice."""

from __future__ import annotations

import asyncio

import pytest

from assay.challenge.challenges import Challenges
from assay.challenge.check import LOCAL
from assay.challenge.queries import CHAIN, set_state
from assay.challenge.runner import AHEAD, DOWN_AFTER
from assay.core import (
    CallFailed,
    Conflict,
    Message,
    NotFound,
    Request,
    Unavailable,
)
from assay.store import Database
from assay.store.chain import verify_chain
from tests.challenge.scripted import (
    JUDGE,
    NEW,
    OLD,
    Script,
    contest,
    find,
    number_asked,
    questions,
    read_pair,
    refusal,
    spec_of,
)
from tests.challenge.stage import Stage, cast, mixed, word

pytestmark = pytest.mark.anyio


async def test_a_run_that_is_cut_off_goes_on_without_asking_anything_twice(stage: Stage) -> None:
    """Cut off three times, it comes to the same as an unbroken run, and only what was being said is asked again."""
    spec = spec_of(questions(60), confidence=0.9999, concurrency=4)
    whole = await stage.run(spec, contest(mixed))
    order = [number_asked(request) for deployment, request, _ in stage.caller.asked if deployment == NEW.id]
    answered: list[object] = []

    def until(stop: int) -> Script:
        """Says nothing to items from ``stop`` on."""
        script, silent = contest(mixed), set(order[stop:])

        def remember(deployment: str, request: Request) -> Message | CallFailed | None:
            number, is_judge = number_asked(request), deployment == JUDGE.id
            if not is_judge and number in silent:
                return None
            answered.append((deployment, number, read_pair(request) if is_judge else None))
            return script(deployment, request)

        return remember

    await stage.open(until(7))
    id = await stage.challenges.begin(spec, LOCAL)
    for stop, next_stop in ((7, 20), (20, 33), (33, 60)):
        await stage.until(id, stop)
        await stage.close()
        await stage.open(until(next_stop))
        await stage.challenges.resume(id)
    report = await stage.see_through(id)
    assert (word(report), report.win_rate, report.evidence) == (word(whole), whole.win_rate, whole.evidence)
    assert len(answered) == len(set(answered)) == 60 * 4
    assert (await verify_chain(stage.db, CHAIN)).ok


async def test_a_server_that_was_killed_leaves_its_runs_interrupted(stage: Stage, database: Database) -> None:
    challenges = await stage.open(lambda deployment, request: None)
    id = await challenges.begin(spec_of(questions(5)), LOCAL)
    await stage.caller.until(10)
    other = await Challenges.start(database, stage.caller, find)
    report = await other.report(id)
    assert (report.state, report.trouble) == ("interrupted", None)
    await other.close()


async def test_a_run_cut_off_between_its_answer_and_its_end_asks_nobody_when_it_goes_on(stage: Stage) -> None:
    report = await stage.run(spec_of(questions(200)), contest(lambda number: 0.9))
    await set_state(stage.db, report.id, "interrupted")
    challenges = await stage.open(contest(mixed))
    await challenges.resume(report.id)
    after = await stage.see_through(report.id)
    assert (after.state, word(after), after.evidence) == ("ended", "switch", report.evidence)
    assert stage.caller.asked == []


async def test_a_person_can_stop_it_and_let_it_go_on(stage: Stage) -> None:
    def script(deployment: str, request: Request) -> Message | CallFailed | None:
        return None if deployment == OLD.id and number_asked(request) == 5 else contest(mixed)(deployment, request)

    challenges = await stage.open(script)
    id = await challenges.begin(spec_of(questions(20)), LOCAL)
    await stage.caller.until(40)
    await challenges.stop(id)
    assert stage.caller.open == 0
    report = await challenges.report(id)
    assert (report.state, report.trouble) == ("stopped", None)
    await challenges.stop(id)
    stage.caller.script = contest(mixed)
    await challenges.resume(id)
    report = await stage.see_through(id)
    assert (report.state, report.tally.judged) == ("ended", 20)


async def test_the_report_of_a_run_that_rests_is_put_together_once(stage: Stage) -> None:
    """The list of all challenges asks for it again and again."""
    challenges = await stage.open(contest(mixed))
    id = await challenges.begin(spec_of(questions(60)), LOCAL)
    await stage.until(id, 3)
    await challenges.stop(id)
    first = await challenges.report(id)
    assert await challenges.report(id) is first
    await cast(stage, id, 1, "a")
    checked = await challenges.report(id)
    assert (checked.agreements[0].pairs, checked.tally) == (1, first.tally)
    await challenges.resume(id)
    report = await stage.see_through(id)
    assert (report.state, report.tally.judged) == ("ended", 60)


async def test_whoever_stops_it_twice_does_not_undo_the_first_time(stage: Stage) -> None:
    challenges = await stage.open(lambda deployment, request: None)
    id = await challenges.begin(spec_of(questions(20)), LOCAL)
    await stage.caller.until(16)
    stage.db.may_save.clear()
    once = asyncio.create_task(challenges.stop(id))
    await asyncio.wait_for(stage.db.held.wait(), 20)
    again = asyncio.create_task(challenges.stop(id))
    await challenges.item(id, 1)  # takes longer than to look up what is to be stopped
    stage.db.may_save.set()
    await asyncio.gather(once, again)
    assert (await challenges.report(id)).state == "stopped"


async def test_what_runs_cannot_be_resumed_and_what_is_over_neither(stage: Stage) -> None:
    challenges = await stage.open(lambda deployment, request: None)
    id = await challenges.begin(spec_of(questions(5)), LOCAL)
    with pytest.raises(Conflict) as raised:
        await challenges.resume(id)
    assert raised.value.code == "challenge.running"
    report = await stage.run(spec_of(questions(2)), contest(mixed))
    with pytest.raises(Conflict) as raised:
        await stage.challenges.resume(report.id)
    assert raised.value.code == "challenge.over"
    with pytest.raises(NotFound):
        await stage.challenges.resume("nothing")
    await challenges.close()


async def test_it_stops_asking_the_moment_the_answer_stands(stage: Stage) -> None:
    """What is under way then is let go: half of the items hang, behind those that decide."""
    script = contest(lambda number: 0.9)
    order = await _order_of(stage)
    hanging = set(order[40:])

    def slow(deployment: str, request: Request) -> Message | CallFailed | None:
        return None if deployment != JUDGE.id and number_asked(request) in hanging else script(deployment, request)

    report = await stage.run(spec_of(questions(80)), slow)
    assert word(report) == "switch"
    assert stage.caller.open == 0


async def _order_of(stage: Stage) -> list[int]:
    await stage.run(spec_of(questions(80), concurrency=1, confidence=0.999999), contest(mixed))
    return [number_asked(request) for deployment, request, _ in stage.caller.asked if deployment == NEW.id]


async def test_it_never_runs_far_ahead_of_the_evidence(stage: Stage) -> None:
    """The first item hangs: nothing counts, and no more is asked than a few times what is asked at once."""
    script = contest(mixed)
    first = (await _order_of(stage))[0]

    def hang(deployment: str, request: Request) -> Message | CallFailed | None:
        return None if deployment == OLD.id and number_asked(request) == first else script(deployment, request)

    challenges = await stage.open(hang)
    id = await challenges.begin(spec_of(questions(80), concurrency=2), LOCAL)
    most = AHEAD * 2
    await stage.caller.until(2 * most + 2 * (most - 1))
    report = await challenges.report(id)
    assert (report.tally.asked, report.decision) == (most, None)
    await challenges.stop(id)
    assert stage.caller.count(NEW) == most


async def test_a_contestant_that_fails_on_everything_ends_the_run_early_and_is_asked_again_later(stage: Stage) -> None:
    def down(deployment: str, request: Request) -> Message | CallFailed | None:
        return refusal(NEW.id, 401) if deployment == NEW.id else contest(mixed)(deployment, request)

    report = await stage.run(spec_of(questions(100)), down)
    assert report.state == "interrupted"
    assert report.trouble is not None
    assert report.trouble.startswith(f"challenge.contestant_down: {NEW.id} failed on")
    assert DOWN_AFTER <= stage.caller.count(NEW) <= DOWN_AFTER + 8
    stage.caller.script = contest(lambda number: 0.9)
    await stage.challenges.resume(report.id)
    report = await stage.see_through(report.id)
    assert (word(report), report.tally.failed, report.trouble) == ("switch", 0, None)


async def test_items_that_fail_now_and_then_score_nothing_and_are_shown(stage: Stage) -> None:
    def flaky(deployment: str, request: Request) -> Message | CallFailed | None:
        if deployment == NEW.id and number_asked(request) % 4 == 0:
            return refusal(NEW.id, 400)
        return contest(mixed)(deployment, request)

    report = await stage.run(spec_of(questions(20)), flaky)
    assert (report.tally.failed, report.tally.judged, report.tally.lost) == (5, 15, 5)


async def test_storage_that_fails_for_a_moment_is_waited_for(stage: Stage) -> None:
    await stage.open(contest(mixed))
    id = await stage.challenges.begin(spec_of(questions(10)), LOCAL)
    stage.db.refusals = 2
    report = await stage.see_through(id)
    assert (report.state, report.tally.judged) == ("ended", 10)
    assert stage.caller.count(NEW) == 10


async def test_storage_that_fails_interrupts_the_run_and_nothing_is_invented(stage: Stage) -> None:
    challenges = await stage.open(contest(mixed))
    id = await challenges.begin(spec_of(questions(60), confidence=0.9999), LOCAL)
    await stage.until(id, 10)
    stage.db.broken = True
    report = await stage.see_through(id)
    assert report.state == "interrupted"
    assert report.trouble is not None
    assert report.trouble.startswith("store.write_failed")
    with pytest.raises(Unavailable):
        await challenges.resume(id)
    stage.db.broken = False
    stage.db.refusals = 0
    await challenges.resume(id)
    report = await stage.see_through(id)
    assert (report.state, report.tally.judged, report.trouble) == ("ended", 60, None)
    assert stage.caller.count(NEW) <= 60 + 8 + 1
    assert (await verify_chain(stage.db, CHAIN)).ok


async def test_a_storage_that_fails_at_the_beginning_asks_nobody(stage: Stage) -> None:
    challenges = await stage.open(contest(mixed))
    stage.db.broken = True
    with pytest.raises(Unavailable):
        await challenges.begin(spec_of(questions(5)), LOCAL)
    assert stage.caller.asked == []
