"""Challenges that people judge: asked only a little ahead of the votes, and heard of as they come."""

from __future__ import annotations

import asyncio

import pytest

from assay.challenge.check import LOCAL
from assay.challenge.people import People
from assay.challenge.runner import AHEAD_OF_PEOPLE
from assay.challenge.spec import HUMAN
from assay.core import (
    CallFailed,
    Message,
    Request,
)
from tests.challenge.scripted import (
    NEW,
    contest,
    questions,
    refusal,
    spec_of,
)
from tests.challenge.stage import Stage, cast, mixed, word

pytestmark = pytest.mark.anyio


async def test_a_few_pairs_wait_for_people_and_their_votes_decide(stage: Stage) -> None:
    challenges = await stage.open(contest(mixed))
    id = await challenges.begin(spec_of(questions(100), (HUMAN,)), LOCAL)
    await stage.caller.until(2 * AHEAD_OF_PEOPLE)
    assert len(await challenges.hidden_requests()) == 200
    for number in range(1, 100):
        await cast(stage, id, number, "a")
        if word(await challenges.report(id)) == "switch":
            break
        await stage.caller.until(2 * min(AHEAD_OF_PEOPLE + number, 100))
        assert stage.caller.count(NEW) <= AHEAD_OF_PEOPLE + number
    report = await stage.see_through(id)
    assert (report.state, word(report)) == ("ended", "switch")
    assert number < 20
    assert await challenges.hidden_requests() == []


async def test_people_still_judge_what_the_budget_paid_for(stage: Stage) -> None:
    """One question may cost 0.033 dollars and costs 0.0004: the budget is spent with some pairs answered, and none judged yet."""
    challenges = await stage.open(contest(mixed))
    spec = spec_of(questions(40), (HUMAN,), budget={"nano": 40_000_000})
    id = await challenges.begin(spec, LOCAL)
    asked = await _asked_no_more(stage, id)
    assert 0 < asked < AHEAD_OF_PEOPLE
    await cast(stage, id, 1, "a")
    await stage.close()
    challenges = await stage.open(contest(mixed))
    await challenges.resume(id)
    for number in range(2, asked + 1):
        assert (await challenges.report(id)).state == "running"
        await cast(stage, id, number, "b")
    report = await stage.see_through(id)
    assert (report.state, word(report), report.tally.judged, report.waiting_for_people) == ("ended", "budget_spent", asked, 0)
    assert report.tally.lost == asked - 1
    assert stage.caller.asked == []


async def _asked_no_more(stage: Stage, id: str) -> int:
    """How many pairs wait once the purse lets nobody ask any more, and what was being asked then has been answered."""
    async with asyncio.timeout(40):
        while True:
            runner = stage.challenges._live[id].runner
            if runner is not None and runner._is_budget_spent:
                waiting = (await stage.challenges.report(id)).waiting_for_people
                if waiting == len(runner._open):
                    return waiting
            await asyncio.sleep(0.01)


async def test_what_was_read_with_its_names_is_not_asked_again_for_people(stage: Stage) -> None:
    """Whoever read that it failed could not judge it, and if nobody else can, all after it would wait for ever."""
    is_down = True

    def script(deployment: str, request: Request) -> Message | CallFailed | None:
        if stage.caller.count(NEW) == 9:
            stage.db.may_save.clear()
        return refusal(deployment) if is_down and deployment == NEW.id else contest(mixed)(deployment, request)

    challenges = await stage.open(script)
    people = People(stage.db, challenges.hear, challenges.pass_over)
    id = await challenges.begin(spec_of(questions(12), (HUMAN,), concurrency=1), LOCAL)
    async with asyncio.timeout(20):
        async for _ in challenges.watch(id):
            if (await challenges.report(id)).tally.failed >= 2:
                break
    await people.read(id, "one", 1)
    stage.db.may_save.set()
    await stage.see_through(id)
    is_down = False
    await challenges.resume(id)
    async with asyncio.timeout(30):
        while (await challenges.report(id)).state == "running":
            if (pair := await people.next_pair(id, "one")) is not None:
                await people.vote(id, pair.number, "one", "tie")
            await asyncio.sleep(0)
    tally = (await challenges.report(id)).tally
    assert (tally.failed, tally.judged) == (1, 11)


async def test_a_pair_that_nobody_will_judge_does_not_hold_up_the_rest(stage: Stage) -> None:
    challenges = await stage.open(contest(mixed))
    id = await challenges.begin(spec_of(questions(3), (HUMAN,)), LOCAL)
    await stage.caller.until(6)
    await cast(stage, id, 2, "a")
    await cast(stage, id, 3, "tie")
    challenges.pass_over(id, 1)
    async with asyncio.timeout(20):
        async for _ in challenges.watch(id):
            pass


async def test_votes_of_before_a_restart_count(stage: Stage) -> None:
    challenges = await stage.open(contest(mixed))
    id = await challenges.begin(spec_of(questions(3), (HUMAN,)), LOCAL)
    await stage.caller.until(6)
    while len((await challenges.item(id, 2)).trials) < 2:
        await asyncio.wait_for(anext(aiter(challenges.watch(id))), 20)
    await cast(stage, id, 1, "a")
    await stage.close()
    await cast(stage, id, 2, "b")
    challenges = await stage.open(contest(mixed))
    await challenges.resume(id)
    await cast(stage, id, 3, "a")
    report = await stage.see_through(id)
    assert (report.state, report.tally.won, report.tally.lost) == ("ended", 2, 1)


async def test_a_vote_that_only_checks_the_judge_is_in_the_report_even_after_the_end(stage: Stage) -> None:
    report = await stage.run(spec_of(questions(3)), contest(mixed))
    assert report.agreements == ()
    await cast(stage, report.id, 2, "a")
    after = await stage.challenges.report(report.id)
    assert (after.agreements[0].pairs, after.decision, after.win_rate) == (1, report.decision, report.win_rate)
    assert await stage.challenges.report(report.id) == after
