"""What is refused, and how it is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from assay.arena import Arena, Limits
from assay.core import Request
from assay.store import Database, Vault
from tests.arena.browser import Browser, Reply
from tests.arena.conftest import FAST
from tests.arena.scripted import CONTESTANTS, ScriptedCaller

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"prompt": ""}, 400, "battle.empty_prompt"),
        ({"prompt": " \n\t　"}, 400, "battle.empty_prompt"),
        ({"prompt": "nul\0"}, 400, "battle.nul"),
        ({"prompt": "x" * 32_001}, 413, "battle.prompt_too_long"),
        ({"prompt": "x" * 600_000}, 413, "api.body_too_large"),
        ({"prompt": 7}, 400, "api.bad_body"),
        ({"prompt": "Why?", "model": "quokka-max"}, 400, "api.bad_body"),
        ({}, 400, "api.bad_body"),
        (b'{"prompt": "Why', 400, "api.bad_body"),
        (b'{"prompt": "\xff\xfe"}', 400, "api.bad_body"),
        (b'{"prompt": "\\ud800"}', 400, "api.bad_body"),
        (b"[" * 100_000, 400, "api.bad_body"),
    ],
)
async def test_a_bad_battle_is_refused_and_asks_nobody(
    browser: Browser, caller: ScriptedCaller, body: Any, status: int, code: str
) -> None:
    reply = await browser.post("/api/v1/battles", body)
    assert (reply.status, reply.json["code"]) == (status, code)
    assert reply.json["hint"]
    assert caller.asked == []


@pytest.mark.parametrize("prompt", ["x" * 32_000, "𠀀字‮", "data: [DONE]\n\nevent: end\n\n", "line\u2028\u2029\r\n."])
async def test_any_other_text_passes_as_it_is(browser: Browser, caller: ScriptedCaller, prompt: str) -> None:
    """Also as the answer: the script repeats what it is asked, and the stream's own lines cannot be forged."""

    async def repeat(deployment: str, request: Request) -> AsyncIterator[str]:
        yield request.transcript.messages[-1].text

    caller.script = repeat
    events = await browser.battle(prompt)
    assert "".join(data["a"] for name, data in events if name == "tick") == prompt
    assert events[-1][0] == "end"


async def test_a_lone_surrogate_in_an_answer_is_replaced(browser: Browser, caller: ScriptedCaller) -> None:
    async def break_off(deployment: str, request: Request) -> AsyncIterator[str]:
        yield "Well \ud83d"

    caller.script = break_off
    events = await browser.battle()
    assert events[-2][1]["a"] == "Well ?"


async def test_an_answer_without_end_is_cut(database: Database, vault: Vault, caller: ScriptedCaller) -> None:
    async def never_end(deployment: str, request: Request) -> AsyncIterator[str]:
        while True:
            await asyncio.sleep(0)
            yield "more "

    caller.script = never_end
    browser = await browser_of(database, vault, caller, answer_chars=300)
    events = await browser.battle()
    assert events[-1][0] == "end"
    assert sum(len(data["a"]) for name, data in events if name == "tick") == 300
    assert caller.open == 0


async def test_a_session_starts_so_many_turns_a_minute(database: Database, vault: Vault, caller: ScriptedCaller) -> None:
    browser = await browser_of(database, vault, caller, starts_per_minute=2)
    await browser.battle()
    await browser.battle()
    reply = await browser.post("/api/v1/battles", {"prompt": "Why?"})
    assert (reply.status, reply.json["code"]) == (429, "arena.too_fast")
    assert 50 <= int(reply.headers["retry-after"]) <= 60
    browser.session = "another"
    assert (await browser.battle())[-1][0] == "end"


async def test_a_session_has_so_many_streams_at_once(database: Database, vault: Vault, caller: ScriptedCaller) -> None:
    async def wait(deployment: str, request: Request) -> AsyncIterator[str]:
        await asyncio.Event().wait()
        yield ""

    caller.script = wait
    browser = await browser_of(database, vault, caller, streaming_per_session=1)
    async with browser.stream("/api/v1/battles", {"prompt": "Why?"}) as events:
        await anext(events)
        reply = await browser.post("/api/v1/battles", {"prompt": "Why?"})
        assert (reply.status, reply.json["code"]) == (429, "arena.too_many_streams")


async def test_starts_that_come_at_once_cannot_pass_together(database: Database, vault: Vault, caller: ScriptedCaller) -> None:
    browser = await browser_of(database, vault, caller, streaming_per_session=2)
    statuses = await asyncio.gather(*(start_and_leave(browser) for _ in range(6)))
    assert sorted(statuses) == [200, 200, 429, 429, 429, 429]


async def test_a_session_has_so_many_battles_without_a_vote(database: Database, vault: Vault, caller: ScriptedCaller) -> None:
    browser = await browser_of(database, vault, caller, open_per_session=2)
    events = await browser.battle()
    await browser.battle()
    reply = await browser.post("/api/v1/battles", {"prompt": "Why?"})
    assert (reply.status, reply.json["code"]) == (429, "arena.too_many_open")
    await browser.vote(events[0][1]["id"], events[-1][1]["token"])
    assert (await browser.battle())[-1][0] == "end"


async def test_a_battle_has_so_many_turns(database: Database, vault: Vault, caller: ScriptedCaller) -> None:
    browser = await browser_of(database, vault, caller, turns=2)
    first = await browser.battle()
    second = await browser.turn(first[0][1]["id"], "And?", first[-1][1]["token"])
    reply = await next_turn(browser, first[0][1]["id"], second[-1][1]["token"])
    assert (reply.status, reply.json["code"]) == (409, "battle.too_many_turns")
    assert (await browser.vote(first[0][1]["id"], second[-1][1]["token"])).status == 200


async def test_the_next_turn_waits_for_the_last(browser: Browser, caller: ScriptedCaller) -> None:
    async def say_and_wait(deployment: str, request: Request) -> AsyncIterator[str]:
        yield "So far"
        await asyncio.Event().wait()

    caller.script = say_and_wait
    async with browser.stream("/api/v1/battles", {"prompt": "Why?"}) as events:
        opened = (await anext(events))[1]
        reply = await next_turn(browser, opened["id"], opened["token"])
        assert (reply.status, reply.json["code"]) == (409, "battle.still_answering")


@pytest.mark.parametrize("choice", ["", "A", "left", "both bad", "a" * 1000])
async def test_an_unknown_choice_is_refused(browser: Browser, choice: str) -> None:
    events = await browser.battle()
    reply = await browser.vote(events[0][1]["id"], events[-1][1]["token"], choice)
    assert (reply.status, reply.json["code"], reply.json["param"]) == (400, "vote.bad_choice", "choice")
    assert "both_bad" in reply.json["hint"]


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "9" * 5000, "²"])
async def test_a_bad_limit_is_refused(browser: Browser, limit: str) -> None:
    reply = await browser.get(f"/api/v1/battles?limit={limit}")
    assert (reply.status, reply.json["code"], reply.json["param"]) == (400, "api.bad_query", "limit")


async def test_a_quiet_stream_has_heartbeats(database: Database, vault: Vault, caller: ScriptedCaller) -> None:
    async def wait(deployment: str, request: Request) -> AsyncIterator[str]:
        await asyncio.sleep(0.1)
        yield "Here."

    caller.script = wait
    browser = await browser_of(database, vault, caller, heartbeat_s=0.01)
    await browser.battle()
    assert b"\n\n: still here\n\n" in browser.seen


async def browser_of(database: Database, vault: Vault, caller: ScriptedCaller, **limits: Any) -> Browser:
    changed: Limits = msgspec.structs.replace(FAST, **limits)
    return Browser(await Arena.start(database, vault, caller, lambda: CONTESTANTS, limits=changed))


async def next_turn(browser: Browser, id: str, token: str) -> Reply:
    return await browser.post(f"/api/v1/battles/{id}/turns", {"prompt": "And?", "token": token})


async def start_and_leave(browser: Browser) -> int:
    try:
        async with browser.stream("/api/v1/battles", {"prompt": "Why?"}):
            return 200
    except AssertionError:
        return 429
