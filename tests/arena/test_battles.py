"""Battles from the draw to the reveal, over HTTP, on both databases."""

from __future__ import annotations

import asyncio

import pytest

from assay.arena import Arena
from assay.core import Transcript, Verdict
from assay.store import Database
from assay.store.chain import read_verdicts, verify_chain
from assay.store.queries import get_body
from tests.arena.browser import Browser
from tests.arena.scripted import CONTESTANTS, ScriptedCaller

pytestmark = pytest.mark.anyio


async def test_a_battle_is_shown_voted_and_revealed(browser: Browser, database: Database) -> None:
    events = await browser.battle("Why?")
    names = [name for name, _ in events]
    assert names[:2] == ["battle", "begun"]
    assert names[-1] == "end"
    assert set(names[2:-1]) == {"tick"}
    assert "".join(data["a"] for name, data in events if name == "tick") == "You asked: Why?"
    assert events[-2][1]["a_done"]
    assert events[-2][1]["b_done"]

    reply = await browser.vote(events[0][1]["id"], events[-1][1]["token"], "b")
    assert reply.status == 200
    battle = reply.json["battle"]
    assert battle["state"] == "voted"
    assert battle["choice"] == "b"
    assert {battle["sides"][side]["deployment"] for side in "ab"} <= {one.id for one in CONTESTANTS}
    assert battle["sides"]["a"]["model"] != battle["sides"]["b"]["model"]
    side = battle["sides"]["a"]
    assert (side["ttft_ms"], side["total_ms"], side["input_tokens"], side["output_tokens"]) == (20, 120, 10, 5)
    assert side["cost"] == {"nano": 1500, "currency": "USD"}

    [verdict] = await read_verdicts(database)
    assert verdict.id == battle["id"]
    assert verdict.choice == "b"
    assert verdict.by.startswith("v1:")
    assert verdict.subjects[0].deployment == side["deployment"]
    assert verdict.subjects[0].calls == tuple(side["calls"])
    assert verdict.flags == ()
    assert (await verify_chain(database)).ok


async def test_the_transcripts_of_a_verdict_can_be_looked_up(browser: Browser, database: Database) -> None:
    events = await browser.battle("Why?")
    await browser.vote(events[0][1]["id"], events[-1][1]["token"])
    [verdict] = await read_verdicts(database)
    for transcript in await transcripts(database, verdict):
        assert [message.text for message in transcript.messages] == ["Why?", "You asked: Why?"]


async def transcripts(database: Database, verdict: Verdict) -> list[Transcript]:
    import msgspec

    found = [await get_body(database, subject.transcript or "") for subject in verdict.subjects]
    return [msgspec.json.decode(body or b"", type=Transcript) for body in found]
