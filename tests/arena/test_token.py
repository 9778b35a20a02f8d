"""The battle token lets one voter vote once on one battle; everything else is refused, and one row is kept."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.arena import Arena
from assay.arena.token import Signer
from assay.core import Forbidden
from assay.store import Database, Vault
from assay.store.chain import read_verdicts, verify_chain
from tests.arena.browser import Browser
from tests.arena.conftest import FAST
from tests.arena.scripted import CONTESTANTS, ScriptedCaller

pytestmark = pytest.mark.anyio

SIGNER = Signer(b"k" * 32)
SIDES = ("p/one", "q/two")


def change_turn(token: str) -> str:
    body, _, signature = token.partition(".")
    payload = json.loads(base64.urlsafe_b64decode(body + "=="))
    payload["turn"] += 1
    return base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=") + "." + signature


def foreign_key(token: str) -> str:
    return Signer(b"x" * 32).sign(battle="b", turn=1, expires=1 << 60, session="one", sides=SIDES)


FORGERIES: list[Callable[[str], str]] = [
    change_turn,
    foreign_key,
    lambda token: "",
    lambda token: ".",
    lambda token: token.partition(".")[0] + ".",
    lambda token: token[::-1],
    lambda token: token + "A" * 5000,
    lambda token: "投票",
    lambda token: token.replace(".", "\0"),
]


@pytest.mark.parametrize("forge", FORGERIES)
async def test_a_forged_token_is_refused(browser: Browser, database: Database, forge: Callable[[str], str]) -> None:
    events = await browser.battle()
    reply = await browser.vote(events[0][1]["id"], forge(events[-1][1]["token"]))
    assert (reply.status, reply.json["code"]) == (403, "vote.forged_token")
    assert await read_verdicts(database) == []


async def test_a_token_is_good_for_its_own_battle_and_voter_only(browser: Browser, arena: Arena, database: Database) -> None:
    mine, another = await browser.battle(), await browser.battle()
    reply = await browser.vote(mine[0][1]["id"], another[-1][1]["token"])
    assert (reply.status, reply.json["code"]) == (403, "vote.other_battle")
    reply = await Browser(arena, "thief").vote(mine[0][1]["id"], mine[-1][1]["token"])
    assert (reply.status, reply.json["code"]) == (403, "vote.not_yours")
    reply = await browser.vote("no-such-battle", mine[-1][1]["token"])
    assert (reply.status, reply.json["code"]) == (404, "battle.not_found")
    assert await read_verdicts(database) == []


async def test_a_token_of_an_earlier_turn_is_spent(browser: Browser, database: Database) -> None:
    first = await browser.battle()
    id, old = first[0][1]["id"], first[-1][1]["token"]
    second = await browser.turn(id, "And then?", old)
    for reply in (
        await browser.vote(id, old),
        await browser.post(f"/api/v1/battles/{id}/turns", {"prompt": "Again?", "token": old}),
    ):
        assert (reply.status, reply.json["code"]) == (403, "vote.stale_token")
    assert (await browser.vote(id, second[-1][1]["token"])).status == 200
    assert len(await read_verdicts(database)) == 1


async def test_a_late_vote_is_refused(database: Database, vault: Vault) -> None:
    arena = await Arena.start(
        database, vault, ScriptedCaller(), lambda: CONTESTANTS, limits=msgspec.structs.replace(FAST, life_s=0.0)
    )
    browser = Browser(arena)
    events = await browser.battle()
    id, token = events[0][1]["id"], events[-1][1]["token"]
    for reply in (
        await browser.vote(id, token),
        await browser.post(f"/api/v1/battles/{id}/turns", {"prompt": "Still there?", "token": token}),
    ):
        assert (reply.status, reply.json["code"]) == (403, "vote.expired_token")
    shown = (await browser.get(f"/api/v1/battles/{id}")).json
    assert (shown["state"], shown["expired"], shown["token"]) == ("open", True, None)
    assert await read_verdicts(database) == []


async def test_a_second_vote_is_a_conflict_and_the_first_stands(browser: Browser, database: Database) -> None:
    events = await browser.battle()
    id, token = events[0][1]["id"], events[-1][1]["token"]
    assert (await browser.vote(id, token, "a")).status == 200
    reply = await browser.vote(id, token, "b")
    assert (reply.status, reply.json["code"]) == (409, "vote.already_cast")
    reply = await browser.post(f"/api/v1/battles/{id}/turns", {"prompt": "More?", "token": token})
    assert (reply.status, reply.json["code"]) == (409, "battle.over")
    assert [verdict.choice for verdict in await read_verdicts(database)] == ["a"]
    assert (await browser.get(f"/api/v1/battles/{id}")).json["choice"] == "a"


async def test_of_many_votes_at_once_one_counts(browser: Browser, database: Database) -> None:
    events = await browser.battle()
    id, token = events[0][1]["id"], events[-1][1]["token"]
    replies = await asyncio.gather(*(browser.vote(id, token, choice) for choice in ["a", "b", "tie", "both_bad"] * 5))
    assert sorted(reply.status for reply in replies) == [200] + [409] * 19
    [verdict] = await read_verdicts(database)
    [won] = [reply.json["battle"]["choice"] for reply in replies if reply.status == 200]
    assert verdict.choice == won


async def test_votes_of_two_servers_at_once_on_one_battle_make_one_row(database: Database, vault: Vault) -> None:
    """Two arenas over one database share nothing in memory; the database decides."""
    arenas = [await Arena.start(database, vault, ScriptedCaller(), lambda: CONTESTANTS, limits=FAST) for _ in range(2)]
    browsers = [Browser(arena) for arena in arenas]
    for _ in range(5):
        events = await browsers[0].battle()
        id, token = events[0][1]["id"], events[-1][1]["token"]
        replies = await asyncio.gather(*(browser.vote(id, token) for browser in browsers * 4))
        assert sorted(reply.status for reply in replies) == [200] + [409] * 7
    assert len(await read_verdicts(database)) == 5
    assert (await verify_chain(database)).ok


@given(st.text())
def test_no_text_at_all_passes_for_a_token(token: str) -> None:
    with pytest.raises(Forbidden):
        SIGNER.check(token, battle="b", session="s", sides=SIDES, now=0)


@given(st.data())
def test_no_single_change_of_a_character_passes(data: st.DataObject) -> None:
    """Except in bits that base64 pads with, which change nothing of what was signed."""
    token = SIGNER.sign(battle="b", turn=3, expires=10, session="s", sides=SIDES)
    assert SIGNER.check(token, battle="b", session="s", sides=SIDES, now=9) == 3
    at = data.draw(st.integers(0, len(token) - 2).filter(lambda at: token[at + 1] != "."))
    other = data.draw(st.sampled_from("ABCxyz019-_.").filter(lambda char: char != token[at]))
    with pytest.raises(Forbidden):
        SIGNER.check(token[:at] + other + token[at + 1 :], battle="b", session="s", sides=SIDES, now=9)


def test_a_token_tells_nothing_of_the_sides() -> None:
    """The same battle with other sides has another commitment, which nobody can compute without the key."""
    tokens = [SIGNER.sign(battle="b", turn=1, expires=10, session="s", sides=sides) for sides in (SIDES, SIDES[::-1])]
    payloads: list[Any] = [json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "==")) for token in tokens]
    assert payloads[0]["sides"] != payloads[1]["sides"]
    assert {**payloads[0], "sides": ""} == {**payloads[1], "sides": ""}
