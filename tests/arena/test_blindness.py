"""No model identity reaches the browser before the vote: every byte that is sent by then is searched."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assay.arena import Arena
from assay.core import Request
from assay.store import Database, Vault
from assay.store.chain import read_verdicts
from tests import chat_scripts
from tests.arena.browser import Browser
from tests.arena.conftest import FAST
from tests.arena.scripted import CONTESTANTS, ScriptedCaller, refusal
from tests.server import running
from tests.upstream import ScriptedUpstream

NAMES = sorted(
    {
        name.encode().lower()
        for one in CONTESTANTS
        for name in (one.id, one.provider, one.model, one.upstream_model, str(one.title), str(one.organization), one.id[:7])
    }
    | {b"chatcmpl", b"tool_of", b"must not tell"}
)


async def answer_at_random(deployment: str, request: Request) -> AsyncIterator[str]:
    """Pieces of any size, an empty answer, or a failure that names itself, before or after the first word."""
    await asyncio.sleep(0)
    for step in range(random.choice([0, 1, 3, 10])):
        if random.random() < 0.05:
            raise refusal(deployment)
        yield "word " * random.choice([1, 1, 50]) + str(step)


@pytest.mark.anyio
async def test_no_byte_before_the_vote_names_a_model(browser: Browser, caller: ScriptedCaller) -> None:
    """Over streams, headers, errors, lists and battles shown again, in many battles that go many ways."""
    caller.script = answer_at_random
    voids = 0
    for _ in range(60):
        events = await browser.battle()
        opened, last = events[0][1], events[-1]
        if last[0] == "end" and random.random() < 0.5:
            last = (await browser.turn(opened["id"], "And then?", last[1]["token"]))[-1]
        voids += last[0] == "void"
        await browser.get(f"/api/v1/battles/{opened['id']}")
        await browser.vote(opened["id"], opened["token"] + "x")
        await browser.vote(opened["id"], opened["token"], "c")
        await browser.post(f"/api/v1/battles/{opened['id']}/turns", {"prompt": "", "token": opened["token"]})
        await browser.post("/api/v1/battles", b"{")
    await browser.get("/api/v1/battles?limit=200")
    assert voids > 0
    found = [name for name in NAMES if name in bytes(browser.seen).lower()]
    assert found == []


@pytest.mark.anyio
async def test_the_search_does_find_names_after_the_vote(browser: Browser) -> None:
    """Or else the test above would prove nothing."""
    events = await browser.battle()
    before = len(browser.seen)
    await browser.vote(events[0][1]["id"], events[-1][1]["token"])
    after = bytes(browser.seen[before:]).lower()
    assert [name for name in NAMES if name in after]


@pytest.mark.anyio
async def test_a_battle_of_another_voter_is_closed_until_the_vote(browser: Browser, arena: Arena) -> None:
    events = await browser.battle()
    other = Browser(arena, "another")
    reply = await other.get(f"/api/v1/battles/{events[0][1]['id']}")
    assert (reply.status, reply.json["code"]) == (403, "battle.not_yours")
    await browser.vote(events[0][1]["id"], events[-1][1]["token"])
    reply = await other.get(f"/api/v1/battles/{events[0][1]['id']}")
    assert reply.json["sides"] is not None


@pytest.mark.parametrize(
    ("answer", "flags"),
    [
        ("The sky scatters blue light.", ()),
        ("As Zebrafinch-7B, I can say it scatters.", ("identity_leak",)),
        ("I am ChatGPT, made by OpenAI.", ("identity_leak",)),
        ("我是通义千问，很高兴见到你。", ("identity_leak",)),
        ("Claude Monet painted it.", ()),
        ("I am happy to help. OpenAI is a company.", ()),
    ],
)
@pytest.mark.anyio
async def test_an_answer_that_names_itself_sets_a_flag(
    database: Database, vault: Vault, answer: str, flags: tuple[str, ...]
) -> None:
    async def say(deployment: str, request: Request) -> AsyncIterator[str]:
        yield answer if deployment == CONTESTANTS[0].id else "It scatters."

    arena = await Arena.start(database, vault, ScriptedCaller(say), lambda: CONTESTANTS[:2], limits=FAST)
    events = await Browser(arena).battle()
    await Browser(arena).vote(events[0][1]["id"], events[-1][1]["token"])
    [verdict] = await read_verdicts(database)
    assert verdict.flags == flags
    await arena.close()


MODELS = ("zebrafinch-7b", "quokka-max", "axolotl-2")
ASKED_WHILE_OPEN = ("/api/v1/calls", "/api/v1/board", "/api/v1/battles", "/api/v1/keys", "/api/v1/votes", "/api/v1/arena/verify")


def test_a_real_server_names_no_model_while_a_battle_is_open(tmp_path: Path) -> None:
    """The whole product: the battle's own bytes, and whatever else a curious voter asks for meanwhile."""
    with ScriptedUpstream(key=None, scripts=dict.fromkeys(MODELS, chat_scripts.text)) as upstream:
        config = tmp_path / "assay.toml"
        models = ", ".join(f'{{name = "{name}", organization = "Ornithon"}}' for name in MODELS)
        config.write_text(f'[providers.hostwerk]\nbase_url = "{upstream.url}"\nauth = "none"\nmodels = [{models}]\n')
        with running(tmp_path / "server", environ={"ASSAY_CONFIG": str(config)}) as assay:
            assay.sign_in()
            for _ in range(5):
                battle = assay.ask("POST", "/api/v1/battles", {"prompt": "Why?"})
                assert b"event: end" in battle.body
                id = battle.body.decode().partition('"id":"')[2].partition('"')[0]
                paths = (f"/api/v1/battles/{id}", *ASKED_WHILE_OPEN)
                for reply in (battle, *(assay.ask("GET", path) for path in paths)):
                    assert reply.status == 200
                    said = (str(reply.headers).encode() + reply.body).lower()
                    assert [name for name in (*MODELS, "hostwerk", "ornithon") if name.encode() in said] == []
