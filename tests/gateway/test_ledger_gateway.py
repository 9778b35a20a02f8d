"""Budgets and limits as clients meet them: at a real gateway, with a real upstream behind it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from assay.core import Call, CallFailed, Limits, Request, Spent, Transcript, user
from assay.core.clock import STEADY
from assay.store import Database
from assay.store.budgets import change_budget, create_budget
from assay.store.keys import change_key, list_keys
from tests.gateway.bookkeeping import check_books
from tests.gateway.rig import Running, Wire, answering, running, told

pytestmark = pytest.mark.anyio
COST = 18_000
"""Nano-dollars of the upstream's answer: ten tokens in at 1,000, four out at 2,000."""


async def key_of(gate: Running) -> str:
    """The id of the only key."""
    (key,) = await list_keys(gate.db)
    return key.id


async def test_two_hundred_calls_at_the_last_cent_overspend_nothing(database: Database, tmp_path: Path) -> None:
    """Some are answered, the others hear why not; what was paid is what the budget says, and no more than it holds."""
    async with told(answering) as upstream, running(database, tmp_path, upstream.url) as gate:
        key, now = await key_of(gate), STEADY.now_us()
        amount = 4_000_000
        row = await create_budget(
            database, now, holder_kind="key", holder=key, measure="money", amount=amount, per="month", currency="USD"
        )
        await create_budget(database, now, holder_kind="provider", holder="up", measure="requests", amount=500, per="day")
        await gate.gateway.changed()
        replies = await asyncio.gather(*(gate.chat(max_tokens=50) for _ in range(200)))
        assert {reply.status for reply in replies} == {200, 402}, replies[0].body
        refused = next(reply for reply in replies if reply.status == 402)
        assert refused.error["code"] == "budget.spent"
        assert "The budget of the key 'tests' is 0.004 USD per month" in refused.error["message"]
        # What was set aside is free a moment after the answer, when the call is on record.
        calls = await gate.calls()
        while any(reply.status == 200 for reply in [await gate.chat(max_tokens=50) for _ in range(5)]):
            calls = await gate.calls()
        spent = sum(call.cost.nano for call in calls if call.cost is not None)
        shown = await check_books(database)
        assert list(shown[row.id].values()) == [spent] == [COST * len(calls)]
        assert amount - 300_000 < spent <= amount
        await change_budget(database, row.id, amount=2 * amount)
        await gate.gateway.changed()
        assert (await gate.chat(max_tokens=50)).status == 200


async def test_whoever_asks_one_thing_after_the_other_is_not_refused_for_what_waits_to_be_recorded(
    database: Database, tmp_path: Path
) -> None:
    """Each request may need a third of the budget, and uses next to nothing of it."""
    async with told(answering) as upstream, running(database, tmp_path, upstream.url) as gate:
        key, now = await key_of(gate), STEADY.now_us()
        amount = 13_000_000
        await create_budget(
            database, now, holder_kind="key", holder=key, measure="money", amount=amount, per="month", currency="USD"
        )
        await gate.gateway.changed()
        assert [(await gate.chat(max_tokens=2000)).status for _ in range(12)] == [200] * 12
        assert (await gate.chat(max_tokens=7000)).status == 402


async def test_a_limit_says_when_to_come_again(database: Database, tmp_path: Path) -> None:
    async with told(answering) as upstream, running(database, tmp_path, upstream.url) as gate:
        await change_key(database, await key_of(gate), limits=Limits(requests_per_minute=2))
        await gate.gateway.changed()
        replies = [await gate.chat() for _ in range(3)]
        assert [reply.status for reply in replies] == [200, 200, 429]
        assert replies[2].error["code"] == "limit.requests"
        assert 50 <= int(replies[2].headers["retry-after"]) <= 60
        assert len(await gate.calls()) == 2


async def test_a_place_is_free_again_when_its_client_has_left(database: Database, tmp_path: Path) -> None:
    busy = asyncio.Event()

    async def slow(wire: Wire) -> None:
        await wire.request()
        busy.set()
        await wire.until_closed()

    async with told(slow) as upstream, running(database, tmp_path, upstream.url) as gate:
        await change_key(database, await key_of(gate), limits=Limits(concurrent=1))
        await gate.gateway.changed()
        leaves = asyncio.create_task(gate.chat())
        await busy.wait()
        assert (await gate.chat()).error["code"] == "limit.concurrent"
        leaves.cancel()
        await asyncio.wait([leaves])
        busy.clear()
        async with asyncio.timeout(30):
            again = asyncio.create_task(gate.chat())
            while not busy.is_set():
                if again.done():
                    assert again.result().status == 429
                    again = asyncio.create_task(gate.chat())
                await asyncio.sleep(0.02)
        again.cancel()
        await asyncio.wait([again])


async def test_embeddings_and_what_assay_asks_itself_count_too(db: Database, tmp_path: Path) -> None:
    """Embeddings count for their key; what a battle asks counts for the provider alone."""
    async with told(answering) as upstream, running(db, tmp_path, upstream.url) as gate:
        key, now = await key_of(gate), STEADY.now_us()
        for kind, holder, amount in (("key", key, 1), ("provider", "up", 2)):
            await create_budget(db, now, holder_kind=kind, holder=holder, measure="requests", amount=amount, per="total")  # type: ignore[arg-type]  # from a list
        await gate.gateway.changed()
        body, bearer = b'{"model": "up/m", "input": "words"}', f"Bearer {gate.key}"
        assert (await gate.ask("POST", "/v1/embeddings", body, authorization=bearer)).status == 200
        refused = await gate.ask("POST", "/v1/embeddings", body, authorization=bearer)
        assert (refused.status, refused.error["code"]) == (402, "budget.spent")
        asked = Request(model="up/m", transcript=Transcript((user("Say something."),)))
        assert [event async for event in gate.gateway.caller.stream(asked, "up/m", "battle")]
        with pytest.raises((Spent, CallFailed), match="The budget of the provider 'up' is 2 requests in all"):
            assert [event async for event in gate.gateway.caller.stream(asked, "up/m", "battle")]
        calls: list[Call] = await gate.calls()
        assert sum(call.outcome == "ok" for call in calls) == 2
        await check_books(db)
