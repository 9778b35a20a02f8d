"""Budgets and limits across real processes that share a database: together they give out what there is, and no more."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import msgspec
import pytest

from assay.core import Limits, Spent
from assay.core.clock import STEADY
from assay.gateway.ledger import Ledger
from assay.store import Database
from assay.store.sql import Sql
from tests.gateway.bookkeeping import asker, budget, check_books, reserve
from tests.gateway.spender import Came, Order

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]


async def start(order: Order) -> asyncio.subprocess.Process:
    """A process that spends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.gateway.spender", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(order))
    process.stdin.close()
    return process


async def spend(order: Order, processes: int) -> list[Came]:
    """What came of so many processes that spend at the same time."""
    started = [await start(order) for _ in range(processes)]
    ended = [await process.communicate() for process in started]
    assert [process.returncode for process in started] == [0] * processes
    return [msgspec.json.decode(out, type=Came) for out, _ in ended]


@pytest.mark.parametrize("processes", [1, 4])
async def test_at_the_last_cent_nothing_is_overspent(database: Database, database_url: str, processes: int) -> None:
    """200 requests at once, on a budget of money of each of three holders; one of them ends first."""
    now = STEADY.now_us()
    amount = 1_000_000
    await budget(database, now, amount=amount, per="month")
    await budget(database, now, kind="user", holder="u1", amount=3 * amount, per="week")
    await budget(database, now, kind="team", holder="t1", amount=2 * amount, per="total")
    came = await spend(Order(url=database_url, requests=200 // processes), processes)
    spent = sum(one.tokens for one in came) * 1000
    shown = await check_books(database)
    assert [sum(windows.values()) for windows in shown.values()] == [spent] * 3
    assert amount // 2 <= spent <= amount
    codes = {code for one in came for code in one.codes}
    assert codes == {"budget.spent"}
    assert sum(len(one.let_in) + sum(one.codes.values()) for one in came) == 200
    assert await database.read(Sql("SELECT * FROM leases")) == []


async def test_the_largest_limit_can_be_leased_of_and_others_are_let_in_beside_it(database: Database) -> None:
    """All that is asked for at a time is leased in one transaction."""
    most = (1 << 62) - 1
    ledger = Ledger(database, sole=False)
    await ledger.refresh()
    large = asker(key="k1", key_limits=Limits(tokens_per_minute=most, concurrent=most))
    small = asker(key="k2", key_limits=Limits(requests_per_minute=1))
    assert None not in await asyncio.gather(reserve(ledger, large, most // 2), reserve(ledger, small))
    await ledger.close()
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"tokens_per_minute": most + 1}, Limits)


async def test_a_rate_holds_across_processes(database: Database, database_url: str) -> None:
    """In any window; scaled down, since a minute is long for a test. How near the limit it comes is proved elsewhere, on a free machine."""
    limit, span_s, for_s, processes = 200, 2, 5, 4
    order = Order(
        url=database_url, for_s=for_s, takes_s=0.001, span_s=span_s, limits=Limits(requests_per_minute=limit), tasks=16 // processes
    )
    came = await spend(order, processes)
    times = sorted(at for one in came for at in one.let_in)
    assert most_in(times, span_s) <= limit * 1.05
    assert len(times) > limit * 1.05
    assert {code for one in came for code in one.codes} == {"limit.requests"}


@pytest.mark.prove
async def test_a_rate_is_used_to_the_full_across_processes(database: Database, database_url: str) -> None:
    """Of four processes, over two minutes, with twice as much wanted as there is."""
    limit, span_s, processes = 1000, 60, 4
    order = Order(url=database_url, for_s=130, takes_s=0.001, pause_s=0.5, limits=Limits(requests_per_minute=limit), tasks=4)
    came = await spend(order, processes)
    times = sorted(at for one in came for at in one.let_in)
    assert most_in(times, span_s) <= limit * 1.05
    assert least_in(times, span_s) >= limit * 0.95


async def test_places_are_shared(database: Database, database_url: str) -> None:
    """Never more than there are, and each is used again."""
    order = Order(url=database_url, for_s=2, takes_s=0.02, tasks=4, limits=Limits(concurrent=3))
    came = await spend(order, 3)
    assert sum(len(one.let_in) for one in came) > 3
    assert {code for one in came for code in one.codes} <= {"limit.concurrent"}


async def test_leases_of_a_killed_process_fall_back(database: Database, database_url: str) -> None:
    """What its requests had set aside is free after a while; the books are right all along."""
    now = STEADY.now_us()
    await budget(database, now, measure="tokens", amount=400, per="total")
    doomed = await start(Order(url=database_url, requests=2, most=100, dies=True))
    assert doomed.stdout is not None
    for _ in range(2):
        assert await doomed.stdout.readline() == b"running\n"
    os.kill(doomed.pid, signal.SIGKILL)
    await doomed.wait()
    ledger = Ledger(database, sole=False)
    await ledger.refresh()
    who = asker(user="u1", team="t1")
    with pytest.raises(Spent):
        await reserve(ledger, who, 300)
    async with asyncio.timeout(50):
        while True:
            try:
                assert await reserve(ledger, who, 300)
                break
            except Spent:
                await asyncio.sleep(0.2)
    await ledger.close()
    assert await check_books(database)
    assert await database.read(Sql("SELECT * FROM lessees")) == []


def most_in(times: list[int], span_s: float) -> int:
    """The most that were let in in any window."""
    span_ns = int(span_s * 1e9)
    begin = most = 0
    for end, at in enumerate(times):
        while times[begin] <= at - span_ns:
            begin += 1
        most = max(most, end - begin + 1)
    return most


def least_in(times: list[int], span_s: float) -> int:
    """The fewest that were let in in any window from the first to the last: those that begin right after one was let in."""
    span_ns = int(span_s * 1e9)
    end, least = 0, len(times)
    for begin, at in enumerate(times):
        if at + span_ns > times[-1]:
            break
        while end < len(times) and times[end] <= at + span_ns:
            end += 1
        least = min(least, end - begin - 1)
    return least
