"""Calls are searched and summed, on both databases, however many there are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from assay.core import Call, Money, Usage, new_id
from assay.store import Database
from assay.store.calls import Chosen, calls_that_ended, find_calls, id_at, sum_calls
from assay.store.queries import record_calls

pytestmark = pytest.mark.anyio
NOON = 1_795_341_600_000_000
MINUTE = 60_000_000


def call(at: int, **fields: Any) -> Call:
    """A call that began at ``at``, its id made then."""
    bare = Call(
        id=id_at(at) + new_id()[13:],
        request_id=new_id(),
        at=at,
        purpose="traffic",
        outcome="ok",
        asked="fast",
        deployment="foundry/cupel",
        provider="foundry",
        model="cupel",
        protocol="openai_chat",
        stream=False,
        duration_us=1_000_000,
    )
    return msgspec.structs.replace(bare, **fields)


def days_of_work(count: int, step: int) -> Iterator[Call]:
    """Calls ``step`` apart, every tenth failed, one in a thousand by the key "rare"."""
    for number in range(count):
        failed = number % 10 == 9
        yield call(
            NOON + number * step,
            outcome="error" if failed else "ok",
            error="upstream.failed" if failed else None,
            key="rare" if number % 1000 == 500 else "often",
            usage=None if failed else Usage(input=100, output=10),
            cost=None if failed else Money(1000, "USD"),
            timeline=((1000, 10), (2000, 20)),
        )


FIELDS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"purpose": "judge"}, {"purpose": "judge"}),
    ({"outcome": "timeout"}, {"outcome": "timeout"}),
    ({"outcome": "error", "error": "upstream.failed"}, {"error": "upstream.failed"}),
    ({"provider": "crucible"}, {"provider": "crucible"}),
    ({"asked": "slow"}, {"model": "slow"}),
    ({"deployment": "x/y"}, {"model": "x/y"}),
    ({"model": "y"}, {"model": "y"}),
    ({"asked": "Electrum-70B"}, {"text": "rum-70b"}),
    ({"asked": "100%_!"}, {"text": "0%_!"}),
    ({"key": "k"}, {"key": "k"}),
    ({"user": "u"}, {"user": "u"}),
    ({"team": "t"}, {"team": "t"}),
    ({"outcome": "timeout"}, {"outcome": "failed"}),
]


@pytest.mark.parametrize(("fields", "chosen"), FIELDS, ids=lambda one: ",".join(one))
async def test_calls_are_chosen_by_each_thing_known_of_them(
    database: Database, fields: dict[str, Any], chosen: dict[str, Any]
) -> None:
    wanted = call(NOON, **fields)
    await record_calls(database, [call(NOON - 1), wanted, call(NOON + 1)], [])
    found = await find_calls(database, 10, Chosen(**chosen))
    assert (found.calls, found.next) == ([wanted], None)


async def test_a_span_begins_with_its_first_moment_and_ends_before_its_last(database: Database) -> None:
    calls = [call(NOON + number * MINUTE) for number in range(4)]
    await record_calls(database, calls, [])
    found = await find_calls(database, 10, Chosen(since=NOON + MINUTE, until=NOON + 3 * MINUTE))
    assert found.calls == [calls[2], calls[1]]


async def test_pages_go_on_where_the_one_before_ended_and_leave_hidden_requests_out(database: Database) -> None:
    calls = [call(NOON + number * 1000) for number in range(5)]
    await record_calls(database, calls, [])
    hidden = {calls[3].request_id}
    first = await find_calls(database, 2, Chosen(), hidden=hidden)
    assert (first.calls, first.next) == ([calls[4], calls[2]], calls[2].id)
    rest = await find_calls(database, 3, Chosen(), first.next, hidden)
    assert (rest.calls, rest.next) == ([calls[1], calls[0]], None)


async def test_a_search_looks_at_so_many_calls_and_says_where_it_stopped(database: Database) -> None:
    calls = [call(NOON + number * 1000, key="k" if number in {0, 9} else None) for number in range(12)]
    await record_calls(database, calls, [])
    pages: list[list[int]] = []
    before = None
    while not pages or before is not None:
        found = await find_calls(database, 10, Chosen(key="k"), before, look=4)
        pages.append([(one.at - NOON) // 1000 for one in found.calls])
        before = found.next
    assert pages == [[9], [], [0], []]


async def test_sums_say_what_they_counted(database: Database) -> None:
    await record_calls(database, list(days_of_work(40, MINUTE)), [])
    sums = await sum_calls(database, Chosen())
    assert sums is not None
    assert (sums.calls, sums.failed, sums.unpriced, sums.estimated, sums.whole) == (40, 4, 0, 0, True)
    assert (sums.input_tokens, sums.output_tokens, sums.costs) == (3600, 360, [Money(36_000, "USD")])
    assert (sums.step_s, sums.since) == (60, NOON)
    assert sum(bar.calls for bar in sums.bars) == 40
    assert [(bar.at - NOON) // MINUTE for bar in sums.bars if bar.failed] == [9, 19, 29, 39]


async def test_sums_of_too_many_calls_are_of_the_newest(database: Database) -> None:
    await record_calls(database, list(days_of_work(40, MINUTE)), [])
    sums = await sum_calls(database, Chosen(outcome="failed"), look=15)
    assert sums is not None
    assert (sums.calls, sums.whole, (sums.since - NOON) // MINUTE) == (2, False, 25)


async def test_sums_of_an_empty_span_are_none_and_of_nothing_found_are_naught(database: Database) -> None:
    assert await sum_calls(database, Chosen()) is None
    await record_calls(database, [call(NOON)], [])
    sums = await sum_calls(database, Chosen(key="nobody"))
    assert sums is not None
    assert (sums.calls, sums.costs, sums.bars) == (0, [], [])


async def test_a_call_is_told_when_it_has_ended_however_long_ago_it_began(database: Database) -> None:
    long, short = call(NOON, duration_us=5 * MINUTE), call(NOON + MINUTE, duration_us=1)
    await record_calls(database, [long, short], [])
    assert await calls_that_ended(database, NOON + 4 * MINUTE, NOON + 5 * MINUTE) == [long]
    assert await calls_that_ended(database, NOON, NOON + 5 * MINUTE) == [long, short]
    assert await calls_that_ended(database, NOON, NOON + 5 * MINUTE, {short.request_id}) == [long]


MANY = [30_000, pytest.param(1_000_000, marks=[pytest.mark.prove, pytest.mark.timeout(900)])]


@pytest.mark.parametrize("count", MANY)
async def test_many_calls_are_searched_and_summed_in_bounded_time(database: Database, count: int) -> None:
    """The bounds are far above what it takes, so that only a search that looks at all calls breaks them."""
    batch = []
    for one in days_of_work(count, MINUTE // 10):
        batch.append(one)
        if len(batch) == 5000:
            await record_calls(database, batch, [])
            batch = []
    began = time.monotonic()
    assert len((await find_calls(database, 1000, Chosen())).calls) == 1000
    deep = await find_calls(database, 50, Chosen(), id_at(NOON + 10 * MINUTE))
    assert len(deep.calls) == 50
    sums = await sum_calls(database, Chosen())
    assert sums is not None
    assert (sums.calls, sums.failed, sums.whole) == (min(count, 100_000), min(count, 100_000) // 10, count < 100_000)
    assert time.monotonic() - began < 20
    found: list[Call] = []
    before, longest = None, 0.0
    while not found or before is not None:
        began = time.monotonic()
        page = await find_calls(database, 200, Chosen(key="rare"), before)
        longest = max(longest, time.monotonic() - began)
        found += page.calls
        before = page.next
    print(f"{count} calls, {database.dialect}: the longest of the searches took {longest * 1000:.0f} ms")
    assert (len(found), longest < 10) == (count // 1000, True)
