"""Limits per minute: within 5 % in any minute, whenever it begins, of one process and of four."""

from __future__ import annotations

import random
from collections import deque

import pytest

from assay.core import Limits, RateLimited
from assay.core.holder import Holder
from assay.gateway.ledger import Ledger
from assay.gateway.limits.minute import Minute
from assay.store import Database
from tests.gateway.bookkeeping import Hands, asker, reserve, settled, write_down

pytestmark = pytest.mark.anyio
STEP_S = 0.05


async def let_in(ledgers: list[Ledger], hands: Hands, limits: Limits, per_step: float, for_s: float) -> list[float]:
    """When requests are let in, of so many in each step of time, at whichever process."""
    who, times, due = asker(key_limits=limits), [], 0.0
    refusals: list[RateLimited] = []
    chance = random.Random(7)
    while hands.steady_ns < 1_000_000_000_000 + for_s * 1e9:
        due += per_step
        while due >= 1:
            due -= 1
            try:
                await reserve(chance.choice(ledgers), who)
                times.append(hands.clock.steady_s())
            except RateLimited as refused:
                refusals.append(refused)
        hands.pass_s(STEP_S)
    assert {refused.code for refused in refusals} == {"limit.requests"}
    assert all(0 <= (refused.retry_after_s or 0) <= 61 for refused in refusals)
    return times


@pytest.mark.parametrize(("processes", "per_step"), [(1, 0.3), (1, 4), (4, 0.3), (4, 4)])
async def test_any_minute_sees_the_limit_and_no_more(db: Database, processes: int, per_step: float) -> None:
    """With demand a little above the limit, and far above it."""
    hands, limit = Hands(), 300
    ledgers = [Ledger(db, sole=processes == 1, clock=hands.clock) for _ in range(processes)]
    for ledger in ledgers:
        await ledger.refresh()
    times = await let_in(ledgers, hands, Limits(requests_per_minute=limit), per_step, 140)
    counts = [sum(begin <= at < begin + 60 for at in times) for begin in range(1000, 1080)]
    assert limit * 0.95 <= min(counts)
    assert max(counts) <= limit * 1.05
    for ledger in ledgers:
        await ledger.close()


async def test_the_wait_that_is_told_is_enough(db: Database) -> None:
    """And a second less would not be."""
    hands = Hands()
    ledger = Ledger(db, clock=hands.clock)
    await ledger.refresh()
    who = asker(key_limits=Limits(requests_per_minute=3))
    for _ in range(3):
        await reserve(ledger, who)
        hands.pass_s(10)
    with pytest.raises(RateLimited, match="may use 3 requests per minute") as refused:
        await reserve(ledger, who)
    assert refused.value.retry_after_s == pytest.approx(30)
    hands.pass_s(29)
    with pytest.raises(RateLimited):
        await reserve(ledger, who)
    hands.pass_s(1)
    assert await reserve(ledger, who)


@pytest.mark.parametrize("sole", [True, False])
async def test_tokens_that_were_not_used_can_be_used_by_others(db: Database, sole: bool) -> None:
    hands = Hands()
    ledger = Ledger(db, sole=sole, clock=hands.clock)
    await ledger.refresh()
    who = asker(key_limits=Limits(tokens_per_minute=2000))
    with pytest.raises(RateLimited, match="this request alone may need") as refused:
        await reserve(ledger, who, 4000)
    assert refused.value.retry_after_s is None
    hold = await reserve(ledger, who, 1500)
    with pytest.raises(RateLimited, match="tokens per minute"):
        await reserve(ledger, who, 1500)
    await write_down(db, ledger, settled(who, hold, 100, hands.clock.now_us()))
    hands.pass_s(1)
    assert await reserve(ledger, who, 1500)
    with pytest.raises(RateLimited):
        await reserve(ledger, who, 1500)
    await ledger.close()


def test_a_minute_agrees_with_a_slow_list() -> None:
    """Never more than a list of all would let in, and at most a hundredth of the limit less."""
    chance = random.Random(5)
    for limit in (1, 7, 250, 5000):
        minute, all_of_them, now_s = Minute("m", Holder("key", "k"), "tokens", limit), deque[tuple[float, int]](), 0.0
        for _ in range(3000):
            now_s += chance.choice((0, 0.01, 0.5, 20)) * chance.random()
            while all_of_them and all_of_them[0][0] <= now_s - 60:
                all_of_them.popleft()
            need, used = chance.randint(1, max(1, limit // 20)), sum(amount for _, amount in all_of_them)
            if minute.has(need, 0, now_s):
                assert used + need <= limit
                minute.take(need, now_s)
                all_of_them.append((now_s, need))
            else:
                assert used + need > limit * 0.99
                wait_s = minute.wait_s(need, now_s)
                assert wait_s is not None
                assert minute.has(need, 0, now_s + wait_s + 1e-6)
                all_of_them = deque((at, amount) for at, amount in all_of_them if at > now_s + wait_s - 60)
                now_s += wait_s + 1e-6
