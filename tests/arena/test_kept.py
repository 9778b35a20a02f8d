"""What stays of a battle is what the setting ``bodies`` allows, once the battle does not need it any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec
import pytest

from assay.arena import Arena
from assay.core import Bodies
from assay.store import Database, Sql, Vault
from assay.store.chain import read_verdicts, verify_chain
from tests.arena.browser import Browser
from tests.arena.conftest import FAST
from tests.arena.scripted import CONTESTANTS, ScriptedCaller

pytestmark = pytest.mark.anyio

TURNS = Sql("SELECT body FROM arena_turns")
TRANSCRIPTS = Sql("SELECT content FROM transcripts")
PROMPT = "Why is the canary yellow?"


@asynccontextmanager
async def arena_that_keeps(bodies: Bodies, database: Database, vault: Vault, life_s: float = 60) -> AsyncGenerator[Browser, None]:
    limits = msgspec.structs.replace(FAST, life_s=life_s)
    arena = await Arena.start(database, vault, ScriptedCaller(), lambda: CONTESTANTS, limits=limits, bodies=bodies)
    yield Browser(arena)
    await arena.close()


async def words_kept(database: Database) -> bool:
    rows = [*await database.read(TURNS), *await database.read(TRANSCRIPTS)]
    return any("canary" in (row[0] if isinstance(row[0], str) else bytes(row[0]).decode()) for row in rows)


@pytest.mark.parametrize(("bodies", "hashes"), [("hashed", True), ("off", False)])
async def test_words_are_forgotten_with_the_vote(bodies: Bodies, hashes: bool, database: Database, vault: Vault) -> None:
    async with arena_that_keeps(bodies, database, vault) as browser:
        first = await browser.battle(PROMPT)
        id = first[0][1]["id"]
        second = await browser.turn(id, "And the other canary?", first[-1][1]["token"])
        assert (await browser.get(f"/api/v1/battles/{id}")).json["turns"][0]["prompt"] == PROMPT
        revealed = (await browser.vote(id, second[-1][1]["token"])).json["battle"]
        assert [turn["a"] for turn in revealed["turns"]] == [f"You asked: {PROMPT}", "You asked: And the other canary?"]
        assert not await words_kept(database)
        later = (await browser.get(f"/api/v1/battles/{id}")).json
        assert (later["turns"], later["sides"], later["choice"]) == ([], revealed["sides"], "a")
    [verdict] = await read_verdicts(database)
    assert [subject.transcript is not None for subject in verdict.subjects] == [hashes, hashes]
    assert (verdict.prompt is not None) == hashes
    assert (await verify_chain(database)).ok


async def test_by_default_the_evidence_of_a_vote_stays(database: Database, vault: Vault) -> None:
    async with arena_that_keeps("full", database, vault) as browser:
        events = await browser.battle(PROMPT)
        id = events[0][1]["id"]
        await browser.vote(id, events[-1][1]["token"])
        assert [turn["prompt"] for turn in (await browser.get(f"/api/v1/battles/{id}")).json["turns"]] == [PROMPT]
        assert await words_kept(database)


async def test_what_can_get_no_vote_any_more_is_forgotten_too(database: Database, vault: Vault) -> None:
    async with arena_that_keeps("off", database, vault) as browser:
        waiting = await browser.battle(PROMPT)
    async with arena_that_keeps("off", database, vault, life_s=0) as browser:
        await browser.battle("Too late for this canary?")
    assert len(await database.read(TURNS)) == 2
    async with arena_that_keeps("off", database, vault) as browser:
        deadline = time.monotonic() + 10
        while len(await database.read(TURNS)) == 2:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        assert (await browser.vote(waiting[0][1]["id"], waiting[-1][1]["token"])).status == 200
