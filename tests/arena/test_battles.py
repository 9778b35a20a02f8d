"""Battles from the draw to the reveal, over HTTP, on both databases."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from assay.arena import Arena
from assay.arena.rating import rate_tally, tally_verdicts
from assay.core import Deployment, Request, Transcript, Verdict
from assay.store import Database, Sql, Vault
from assay.store.chain import read_verdicts, verify_chain
from assay.store.queries import get_body
from tests.arena.browser import Browser, Event
from tests.arena.conftest import FAST
from tests.arena.scripted import CONTESTANTS, ScriptedCaller, refusal

pytestmark = pytest.mark.anyio


async def test_a_battle_is_shown_voted_and_revealed(browser: Browser, database: Database) -> None:
    events = await browser.battle("Why?")
    names = [name for name, _ in events]
    assert names[:2] == ["battle", "begun"]
    assert names[-1] == "end"
    assert set(names[2:-1]) == {"tick"}
    assert said(events) == ("You asked: Why?", "You asked: Why?")
    assert (events[-2][1]["a_done"], events[-2][1]["b_done"]) == (True, True)

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
    assert (verdict.id, verdict.choice, verdict.flags) == (battle["id"], "b", ())
    assert verdict.by.startswith("v1:")
    assert browser.session not in verdict.by
    assert verdict.subjects[0].deployment == side["deployment"]
    assert verdict.subjects[0].calls == tuple(side["calls"])
    assert verdict.propensity == pytest.approx(1 / 3)
    assert (await verify_chain(database)).ok
    assert (await browser.get("/api/v1/arena/verify")).json["length"] == 1


async def test_the_transcripts_of_a_verdict_can_be_looked_up(browser: Browser, database: Database) -> None:
    events = await browser.battle("Why?")
    await browser.vote(events[0][1]["id"], events[-1][1]["token"])
    [verdict] = await read_verdicts(database)
    for transcript in await transcripts(database, verdict):
        assert [message.text for message in transcript.messages] == ["Why?", "You asked: Why?"]


async def test_models_whose_names_a_language_sorts_otherwise_can_meet(database: Database, vault: Vault) -> None:
    """For Python ``Qwen`` comes before ``deepseek``; for a database of people's words after it."""
    models = tuple(Deployment(id=f"p/{name}", provider="p", model=name, upstream_model=name) for name in ("Qwen", "deepseek"))
    arena = await Arena.start(database, vault, ScriptedCaller(), lambda: models, limits=FAST)
    browser = Browser(arena)
    events = await browser.battle()
    assert (await browser.vote(events[0][1]["id"], events[-1][1]["token"])).status == 200
    await arena.close()


async def test_each_side_hears_only_its_own_earlier_answers(browser: Browser, caller: ScriptedCaller, database: Database) -> None:
    async def say_who(deployment: str, request: Request) -> AsyncIterator[str]:
        yield f"answer {len(request.transcript.messages)} {deployment[::-1]}"

    caller.script = say_who
    first = await browser.battle("one")
    second = await browser.turn(first[0][1]["id"], "two", first[-1][1]["token"])
    assert second[0][1]["turn"] == 2
    for deployment, request, _ in caller.asked[2:]:
        assert [message.text for message in request.transcript.messages] == ["one", f"answer 1 {deployment[::-1]}", "two"]
    reply = await browser.vote(first[0][1]["id"], second[-1][1]["token"])
    assert [turn["prompt"] for turn in reply.json["battle"]["turns"]] == ["one", "two"]
    assert reply.json["battle"]["sides"]["a"]["total_ms"] == 240
    [verdict] = await read_verdicts(database)
    assert len(verdict.subjects[0].calls) == 2
    assert [len(one.messages) for one in await transcripts(database, verdict)] == [4, 4]


async def test_a_vote_may_come_before_the_answers_end(browser: Browser, caller: ScriptedCaller, database: Database) -> None:
    """Both streams are let go then, and what was shown is what was judged."""
    caller.script = say_and_wait
    async with browser.stream("/api/v1/battles", {"prompt": "Why?"}) as events:
        opened = (await anext(events))[1]
        while (await anext(events))[0] != "tick":
            pass
        reply = await browser.vote(opened["id"], opened["token"])
        assert reply.status == 200
        await asyncio.wait_for(caller.all_closed.wait(), 1)
        assert [name async for name, _ in events if name != "tick"] == []
    [verdict] = await read_verdicts(database)
    assert verdict.flags == ("early",)
    assert [one.messages[-1].text for one in await transcripts(database, verdict)] == ["So far", "So far"]
    side = reply.json["battle"]["sides"]["a"]
    assert (side["total_ms"], side["output_tokens"], side["cost"], side["calls"]) == (None, None, None, [])


async def test_a_turn_that_a_defect_cuts_short_lets_its_watcher_go(
    browser: Browser, caller: ScriptedCaller, database: Database
) -> None:
    """Here its place on record is taken, which never happens."""
    go_on = asyncio.Event()

    async def say_and_go_on(deployment: str, request: Request) -> AsyncIterator[str]:
        yield "So far"
        await go_on.wait()

    caller.script = say_and_go_on
    async with browser.stream("/api/v1/battles", {"prompt": "Why?"}) as events:
        opened = (await anext(events))[1]
        await database.write([(Sql("INSERT INTO arena_turns (battle, turn, body) VALUES (:id, 1, '{}')"), {"id": opened["id"]})])
        go_on.set()
        assert {name async for name, _ in events} <= {"begun", "tick"}


async def test_a_vote_needs_both_sides_to_have_begun(browser: Browser, caller: ScriptedCaller, database: Database) -> None:
    caller.script = only_one_begins
    async with browser.stream("/api/v1/battles", {"prompt": "Why?"}) as events:
        opened = (await anext(events))[1]
        reply = await browser.vote(opened["id"], opened["token"])
        assert (reply.status, reply.json["code"]) == (409, "vote.not_begun")
    assert await read_verdicts(database) == []


async def test_an_early_vote_needs_a_moment_of_reading(database: Database, vault: Vault, caller: ScriptedCaller) -> None:
    caller.script = say_and_wait
    arena = await Arena.start(database, vault, caller, lambda: CONTESTANTS, limits=msgspec.structs.replace(FAST, reading_s=60))
    browser = Browser(arena)
    async with browser.stream("/api/v1/battles", {"prompt": "Why?"}) as events:
        opened = (await anext(events))[1]
        assert await next_name(events) == "begun"
        reply = await browser.vote(opened["id"], opened["token"])
        assert (reply.status, reply.json["code"]) == (409, "vote.too_soon")
        assert 50 <= int(reply.headers["retry-after"]) <= 60
    await arena.close()
    assert await read_verdicts(database) == []


async def test_nothing_is_shown_until_both_have_begun(browser: Browser, caller: ScriptedCaller) -> None:
    begin = asyncio.Event()
    asked: list[str] = []

    async def second_waits(deployment: str, request: Request) -> AsyncIterator[str]:
        asked.append(deployment)
        if len(asked) == 2:
            await begin.wait()
        yield "Here."

    caller.script = second_waits
    async with browser.stream("/api/v1/battles", {"prompt": "Why?"}) as events:
        await anext(events)
        pending = asyncio.create_task(next_name(events))
        done, _ = await asyncio.wait([pending], timeout=0.1)
        assert not done
        begin.set()
        assert await pending == "begun"
        assert (await anext(events))[1] == {"a": "Here.", "b": "Here.", "a_done": True, "b_done": True}


async def test_a_head_start_does_not_show_in_the_first_tick(browser: Browser, caller: ScriptedCaller) -> None:
    """Both columns grow by at most the same number of characters, whatever has come by then."""

    async def long_and_short(deployment: str, request: Request) -> AsyncIterator[str]:
        yield "x" * (1_000 if deployment == caller.asked[0][0] else 130)

    caller.script = long_and_short
    ticks = [data for name, data in await browser.battle() if name == "tick"]
    assert [(len(tick["a"]), len(tick["b"])) for tick in ticks[:2]] == [(60, 60), (60, 60)]


async def test_a_client_that_goes_away_cancels_both_sides(browser: Browser, caller: ScriptedCaller) -> None:
    """Within a second; what was shown can still be read and voted on."""
    caller.script = say_and_wait
    async with browser.stream("/api/v1/battles", {"prompt": "Why?"}) as events:
        opened = (await anext(events))[1]
        while (await anext(events))[0] != "tick":
            pass
        assert caller.open == 2
    await asyncio.wait_for(caller.all_closed.wait(), 1)
    assert caller.open == 0
    battle = await turns_of(browser, opened["id"])
    assert battle["turns"] == [{"prompt": "Why?", "a": "So far", "b": "So far"}]
    reply = await browser.vote(opened["id"], battle["token"])
    assert reply.status == 200


async def test_a_client_that_goes_away_before_both_begin_leaves_no_turn(browser: Browser, caller: ScriptedCaller) -> None:
    caller.script = only_one_begins
    async with browser.stream("/api/v1/battles", {"prompt": "Why?"}) as events:
        opened = (await anext(events))[1]
    await asyncio.wait_for(caller.all_closed.wait(), 1)
    reply = await browser.vote(opened["id"], opened["token"])
    assert (reply.status, reply.json["code"]) == (409, "vote.not_begun")


async def test_a_failed_side_voids_the_battle(browser: Browser, caller: ScriptedCaller, database: Database) -> None:
    """There is never a verdict, and nothing says which side it was."""

    async def one_fails(deployment: str, request: Request) -> AsyncIterator[str]:
        yield "Well"
        if deployment == caller.asked[0][0]:
            raise refusal(deployment)
        yield ", here."

    caller.script = one_fails
    events = await browser.battle()
    assert events[-1][0] == "void"
    assert events[-1][1]["problem"]["code"] == "battle.side_failed"
    opened = events[0][1]
    reply = await browser.vote(opened["id"], opened["token"])
    assert (reply.status, reply.json["code"]) == (409, "vote.battle_void")
    shown = (await browser.get(f"/api/v1/battles/{opened['id']}")).json
    assert (shown["state"], shown["sides"], shown["token"]) == ("void", None, None)
    assert await read_verdicts(database) == []


async def test_a_stream_without_its_call_is_a_failure(browser: Browser, caller: ScriptedCaller) -> None:
    """A defect of the caller, or an end without the last event, is never taken for an answer."""

    async def breaks(deployment: str, request: Request) -> AsyncIterator[str]:
        yield "Well"
        raise ZeroDivisionError

    caller.script = breaks
    assert (await browser.battle())[-1][0] == "void"


async def test_a_deployment_that_failed_is_not_drawn_for_a_while(browser: Browser, caller: ScriptedCaller) -> None:
    async def quokka_fails(deployment: str, request: Request) -> AsyncIterator[str]:
        if "quokka" in deployment:
            raise refusal(deployment)
        yield "Here."

    caller.script = quokka_fails
    while (await browser.battle())[-1][0] != "void":
        pass
    caller.asked.clear()
    for _ in range(20):
        assert (await browser.battle())[-1][0] == "end"


async def test_a_battle_outlives_a_restart(database: Database, vault: Vault, caller: ScriptedCaller) -> None:
    """After it, the token that the browser holds is still good for the next turn and for the vote."""
    arena = await Arena.start(database, vault, caller, lambda: CONTESTANTS, limits=FAST)
    first = await Browser(arena).battle("one")
    await arena.close()

    arena = await Arena.start(database, vault, caller, lambda: CONTESTANTS, limits=FAST)
    browser = Browser(arena)
    shown = (await browser.get(f"/api/v1/battles/{first[0][1]['id']}")).json
    assert [turn["prompt"] for turn in shown["turns"]] == ["one"]
    second = await browser.turn(shown["id"], "two", first[-1][1]["token"])
    await arena.close()

    arena = await Arena.start(database, vault, caller, lambda: CONTESTANTS, limits=FAST)
    reply = await Browser(arena).vote(shown["id"], second[-1][1]["token"])
    assert reply.status == 200
    assert len(reply.json["battle"]["turns"]) == 2
    await arena.close()


async def test_a_turn_lost_in_a_crash_can_be_asked_again(database: Database, vault: Vault, caller: ScriptedCaller) -> None:
    """The battle event's token of the lost turn is the newest, and what was there before it can be voted on."""
    arena = await Arena.start(database, vault, caller, lambda: CONTESTANTS, limits=FAST)
    browser = Browser(arena)
    first = await browser.battle("one")
    caller.script = only_one_begins
    async with browser.stream(
        f"/api/v1/battles/{first[0][1]['id']}/turns", {"prompt": "two", "token": first[-1][1]["token"]}
    ) as events:
        lost = (await anext(events))[1]
    await arena.close()

    caller.script = ScriptedCaller().script
    arena = await Arena.start(database, vault, caller, lambda: CONTESTANTS, limits=FAST)
    browser = Browser(arena)
    again = await browser.turn(lost["id"], "two again", lost["token"])
    assert again[0][1]["turn"] == 3
    reply = await browser.vote(lost["id"], again[-1][1]["token"])
    assert [turn["prompt"] for turn in reply.json["battle"]["turns"]] == ["one", "two again"]
    await arena.close()


async def test_calls_of_open_battles_are_known_to_be_hidden(browser: Browser, arena: Arena, caller: ScriptedCaller) -> None:
    events = await browser.battle()
    assert sorted(await arena.hidden_requests()) == sorted(str(filed) for _, _, filed in caller.asked)
    await browser.vote(events[0][1]["id"], events[-1][1]["token"])
    assert await arena.hidden_requests() == []


async def test_a_voter_sees_a_list_of_own_battles(browser: Browser, arena: Arena) -> None:
    for prompt in ("one", "two", "three"):
        await browser.battle(prompt)
    await Browser(arena, "another").battle("not mine")
    page = (await browser.get("/api/v1/battles?limit=2")).json
    assert [battle["turns"][0]["prompt"] for battle in page["battles"]] == ["three", "two"]
    rest = (await browser.get(f"/api/v1/battles?limit=2&before={page['next']}")).json
    assert [battle["turns"][0]["prompt"] for battle in rest["battles"]] == ["one"]
    assert rest["next"] is None


async def test_voters_get_new_names_under_a_new_key(browser: Browser, arena: Arena, database: Database, vault: Vault) -> None:
    """The voter still owns the battles of before, also after a restart."""
    before = await browser.battle()
    assert await arena.rotate_voter_key() == 2
    await browser.vote(before[0][1]["id"], before[-1][1]["token"])
    restarted = Browser(await Arena.start(database, vault, ScriptedCaller(), lambda: CONTESTANTS, limits=FAST))
    after = await restarted.battle()
    await restarted.vote(after[0][1]["id"], after[-1][1]["token"])
    assert [verdict.by[:3] for verdict in await read_verdicts(database)] == ["v2:", "v2:"]
    assert len((await restarted.get("/api/v1/battles")).json["battles"]) == 2


async def test_a_vote_tells_what_it_did_to_the_board(browser: Browser, database: Database) -> None:
    """Before and after are those of the board, over votes that come one by one and at once, and stay with the battle."""
    for choice in ["a", "b", "tie", "a", "b", "both_bad"] * 3:
        events = await browser.battle()
        assert (await browser.vote(events[0][1]["id"], events[-1][1]["token"], choice)).status == 200
    battles = [await browser.battle() for _ in range(4)]
    replies = await asyncio.gather(*(browser.vote(events[0][1]["id"], events[-1][1]["token"], "b") for events in battles))
    shown = {reply.json["battle"]["id"]: reply.json["battle"] for reply in replies}
    verdicts = await read_verdicts(database)
    for number, verdict in enumerate(verdicts):
        battle = shown.get(verdict.id)
        if battle is None:
            continue
        then, now = (rate_tally(tally_verdicts(verdicts[:n])) for n in (number, number + 1))
        for side, subject in zip("ab", verdict.subjects, strict=True):
            rating = {row.model: row for row in now.models}[subject.model]
            before = {row.model: row for row in then.models}[subject.model]
            assert battle["effect"][side] == {
                "before": before.rating,
                "after": rating.rating,
                "rank_before": before.rank,
                "rank_after": rating.rank,
            }
        assert (await browser.get(f"/api/v1/battles/{verdict.id}")).json["effect"] == battle["effect"]
    assert any(battle["effect"]["b"]["after"] > battle["effect"]["b"]["before"] for battle in shown.values())


async def next_name(events: AsyncIterator[Event]) -> str:
    return (await anext(events))[0]


async def say_and_wait(deployment: str, request: Request) -> AsyncIterator[str]:
    yield "So far"
    await asyncio.Event().wait()


async def only_one_begins(deployment: str, request: Request) -> AsyncIterator[str]:
    if deployment in {contestant.id for contestant in CONTESTANTS[1:]}:
        await asyncio.Event().wait()
    yield "Here."


def said(events: list[Event]) -> tuple[str, str]:
    ticks = [data for name, data in events if name == "tick"]
    return "".join(tick["a"] for tick in ticks), "".join(tick["b"] for tick in ticks)


async def transcripts(database: Database, verdict: Verdict) -> list[Transcript]:
    found = [await get_body(database, subject.transcript or "") for subject in verdict.subjects]
    return [msgspec.json.decode(body or b"", type=Transcript) for body in found]


async def turns_of(browser: Browser, id: str) -> Any:
    """The battle as it is shown once it has a turn."""
    deadline = time.monotonic() + 5
    while not (shown := (await browser.get(f"/api/v1/battles/{id}")).json)["turns"]:
        assert time.monotonic() < deadline, shown
    return shown
