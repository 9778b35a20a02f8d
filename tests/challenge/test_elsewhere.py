"""Two servers on one PostgreSQL: each leaves the other's challenges alone, hears what is said there, and takes over what is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from assay.challenge.challenges import Challenges
from assay.challenge.check import LOCAL
from assay.challenge.elsewhere import Elsewhere
from assay.challenge.queries import CHAIN
from assay.challenge.report import State
from assay.challenge.spec import HUMAN
from assay.core import Conflict
from assay.store import Database
from assay.store.chain import append_verdicts
from tests.challenge.scripted import ScriptedCaller, contest, find, questions, spec_of
from tests.challenge.stage import FAST, mixed, vote

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]


@pytest.fixture
async def start(database: Database) -> AsyncIterator[Callable[[str, ScriptedCaller], Awaitable[Challenges]]]:
    begun: list[Challenges] = []

    async def begin(owner: str, caller: ScriptedCaller) -> Challenges:
        begun.append(await Challenges.start(database, caller, find, limits=FAST, owner=owner))
        return begun[-1]

    yield begin
    for challenges in begun:
        await challenges.close()


Start = Callable[[str, ScriptedCaller], Awaitable[Challenges]]


async def eventually(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(40):
        while not await is_so():  # noqa: ASYNC110  # what is waited for is in the database
            await asyncio.sleep(0.05)


async def until(challenges: Challenges, id: str, state: State) -> None:
    async def is_so() -> bool:
        return (await challenges.report(id)).state == state

    await eventually(is_so)


async def let_go(caller: ScriptedCaller) -> None:
    async def is_so() -> bool:
        return caller.open == 0

    await eventually(is_so)


async def test_a_server_that_starts_leaves_the_run_of_another_alone_and_can_stop_it(start: Start) -> None:
    caller = ScriptedCaller(lambda *_: None)
    here = await start("here", caller)
    id = await here.begin(spec_of(questions(5)), LOCAL)
    await caller.until(10)
    there = await start("there", ScriptedCaller(contest(mixed)))
    assert (await there.report(id)).state == "running"
    with pytest.raises(Conflict):
        await there.resume(id)
    await there.stop(id)
    await until(here, id, "stopped")
    await let_go(caller)
    await there.resume(id)
    await until(here, id, "ended")


async def test_a_server_that_is_killed_and_starts_again_finds_its_own_interrupted(start: Start) -> None:
    caller = ScriptedCaller(lambda *_: None)
    here = await start("here", caller)
    id = await here.begin(spec_of(questions(5)), LOCAL)
    await caller.until(10)
    again = await start("here", ScriptedCaller(contest(mixed)))
    assert (await again.report(id)).state == "interrupted"


async def test_what_a_server_that_is_gone_ran_is_interrupted_and_taken_over(start: Start, database: Database) -> None:
    caller = ScriptedCaller(lambda *_: None)
    gone = await start("gone", caller)
    id = await gone.begin(spec_of(questions(5)), LOCAL)
    await caller.until(10)
    looking = Elsewhere(database, "there", lost_s=0)
    there = await start("there", ScriptedCaller(contest(mixed)))
    async with asyncio.timeout(40):
        while (await there.report(id)).state != "interrupted":
            await looking.look([])
    await there.resume(id)
    await until(there, id, "ended")
    await let_go(caller)  # by the one that was only out of touch, which overwrites nothing
    assert (await gone.report(id)).state == "ended"


async def test_a_vote_given_at_another_server_is_heard(start: Start, database: Database) -> None:
    here = await start("here", ScriptedCaller(contest(mixed)))
    id = await here.begin(spec_of(questions(5), (HUMAN,)), LOCAL)

    async def is_answered() -> bool:
        return len((await here.item(id, 1)).trials) == 2

    async def is_heard() -> bool:
        return (await here.report(id)).tally.judged == 1

    await eventually(is_answered)
    looked = await here.item(id, 1)
    async with database.transaction() as tx:
        await append_verdicts(tx, [vote(id, 1, "a", looked.item.id)], CHAIN)
    await eventually(is_heard)
