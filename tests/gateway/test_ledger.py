"""Budgets and limits: set aside before, settled after, and nobody gets more than there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from assay.core import Forbidden, Limits, RateLimited, Spent, Unavailable
from assay.gateway.ledger import Ledger, Standing
from assay.store import Database
from assay.store.budgets import change_budget, create_budget, delete_budget
from assay.store.database import Row, Transaction, Write
from assay.store.meters import DELETE_LEASES_OF, DELETE_LESSEE
from assay.store.sql import Sql
from tests.gateway.bookkeeping import (
    DAY_US,
    DEPLOYMENT,
    NANO,
    NOON_US,
    PROVIDER,
    Hands,
    asker,
    asking,
    budget,
    check_books,
    reserve,
    settled,
    write_down,
)

pytestmark = pytest.mark.anyio
CENT = NANO // 100


@pytest.fixture
def hands() -> Hands:
    """The time that the ledger believes."""
    return Hands()


@pytest.fixture(params=["sole", "shared"])
async def ledger(request: pytest.FixtureRequest, database: Database, hands: Hands) -> AsyncIterator[Ledger]:
    """A ledger alone with its database, and one that leases."""
    made = Ledger(database, sole=request.param == "sole", clock=hands.clock)
    await made.refresh([(PROVIDER, Limits())])
    yield made
    await made.close()


async def test_nothing_is_set_aside_where_nothing_bounds(ledger: Ledger) -> None:
    assert await reserve(ledger, asker()) is None
    assert await reserve(ledger, None) is None


async def test_a_budget_is_used_up_to_its_last_token_and_no_further(ledger: Ledger, database: Database) -> None:
    """What is set aside and not used is free again; what is used is not."""
    await budget(database, measure="money", amount=10 * 100_000)
    await ledger.refresh()
    who = asker()
    holds = [await reserve(ledger, who, 100) for _ in range(10)]
    with pytest.raises(Spent):
        await reserve(ledger, who, 1)
    await write_down(database, ledger, *(settled(who, hold, 50, NOON_US) for hold in holds))
    more = [await reserve(ledger, who, 100) for _ in range(5)]
    with pytest.raises(Spent) as refused:
        await reserve(ledger, who, 1)
    assert refused.value.code == "budget.spent"
    await write_down(database, ledger, *(settled(who, hold, 100, NOON_US) for hold in more))
    (sums,) = (await check_books(database)).values()
    assert sum(sums.values()) == 10 * 100_000
    with pytest.raises(Spent, match="all of it is used"):
        await reserve(ledger, who, 1)


async def test_the_words_say_whose_budget_how_much_and_what_to_do(ledger: Ledger, database: Database) -> None:
    await budget(database, kind="team", holder="t1", amount=CENT, per="hour")
    await ledger.refresh()
    who = asker(team="t1")
    hold = await reserve(ledger, who, 1000)
    await write_down(database, ledger, settled(who, hold, 9000, NOON_US))
    with pytest.raises(Spent) as refused:
        await reserve(ledger, who, 2000)
    assert refused.value.message == (
        "The budget of the team 't1' is 0.01 USD per hour: 0.009 USD are used, and this request may need up to 0.002 USD."
    )
    assert refused.value.hint is not None
    assert "2026-11-22T13:00:00" in refused.value.hint
    assert "smaller max_tokens" in refused.value.hint


async def test_a_request_takes_from_all_or_from_none(ledger: Ledger, database: Database) -> None:
    """Refused by the team, it has used nothing of the key's."""
    await budget(database, amount=10 * CENT)
    await budget(database, kind="team", holder="t1", measure="requests", amount=1)
    await ledger.refresh()
    who = asker(team="t1")
    assert await reserve(ledger, who, 1000)
    for _ in range(5):
        with pytest.raises(Spent, match="requests per day"):
            await reserve(ledger, who, 10_000)
    alone = asker()
    assert await reserve(ledger, alone, 90_000)


async def test_places_at_a_time_are_free_when_a_request_is_over(ledger: Ledger) -> None:
    who = asker(user="u1", user_limits=Limits(concurrent=2))
    first, second = await reserve(ledger, who), await reserve(ledger, who)
    assert first is not None
    assert second is not None
    with pytest.raises(RateLimited) as refused:
        await reserve(ledger, who)
    assert (refused.value.code, refused.value.retry_after_s) == ("limit.concurrent", 1)
    first.over()
    first.over()
    assert await reserve(ledger, who)
    with pytest.raises(RateLimited):
        await reserve(ledger, who)


async def test_a_call_counts_in_the_window_in_which_it_began(ledger: Ledger, database: Database, hands: Hands) -> None:
    """A request that runs over midnight is set aside in both days, and counts in the first."""
    await budget(database, amount=200_000, per="day")
    await ledger.refresh()
    who = asker()
    hands.pass_s(11 * 3600 + 59 * 60 + 59)
    before = hands.clock.now_us()
    hold = await reserve(ledger, who, 150)
    hands.pass_s(2)
    assert await reserve(ledger, who, 50)
    with pytest.raises(Spent):
        await reserve(ledger, who, 1)
    await write_down(database, ledger, settled(who, hold, 150, before))
    assert await reserve(ledger, who, 150)
    assert list((await check_books(database)).values()) == [{NOON_US - DAY_US // 2: 150_000}]


@pytest.mark.parametrize("by_s", [86_400, -86_400])
async def test_a_jump_of_the_wall_clock_opens_no_window_twice(
    ledger: Ledger, database: Database, hands: Hands, by_s: int, caplog: pytest.LogCaptureFixture
) -> None:
    await budget(database, amount=100_000, per="day")
    await ledger.refresh()
    who = asker()
    await write_down(database, ledger, settled(who, await reserve(ledger, who, 100), 100, hands.clock.now_us()))
    hands.set_wall(by_s)
    for _ in range(30):
        hands.pass_s(1)
        with pytest.raises(Spent):
            await reserve(ledger, who, 1)
    hands.set_wall(-by_s)
    hands.pass_s(100)
    with pytest.raises(Spent):
        await reserve(ledger, who, 1)
    assert hands.clock.now_us() == NOON_US + 130_000_000
    assert "the wall clock was set" in caplog.text


async def test_a_wall_clock_that_stays_as_it_was_set_is_believed(
    ledger: Ledger, database: Database, hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    """A day ahead there is a budget of its own; back in the day that was used up, it still is."""
    await budget(database, amount=100_000, per="day")
    await ledger.refresh()
    who = asker()
    await write_down(database, ledger, settled(who, await reserve(ledger, who, 100), 100, hands.clock.now_us()))
    for by_s in (86_400, -86_400):
        hands.set_wall(by_s)
        for _ in range(62):
            hands.pass_s(1)
            hands.clock.now_us()
        assert caplog.text.count("is believed now") == (1 if by_s > 0 else 2)
        if by_s > 0:
            await write_down(database, ledger, settled(who, await reserve(ledger, who, 60), 60, hands.clock.now_us()))
            assert await reserve(ledger, who, 40)
        else:
            with pytest.raises(Spent):
                await reserve(ledger, who, 1)
    (sums,) = (await check_books(database)).values()
    assert sorted(sums.values()) == [60_000, 100_000]


async def test_a_raised_budget_goes_on_and_a_lowered_one_stops(ledger: Ledger, database: Database) -> None:
    row = await budget(database, measure="tokens", amount=1000)
    await ledger.refresh()
    who = asker()
    hold = await reserve(ledger, who, 800)
    with pytest.raises(Spent):
        await reserve(ledger, who, 800)
    await change_budget(database, row.id, amount=2000)
    await ledger.refresh()
    again = await reserve(ledger, who, 800)
    await write_down(database, ledger, settled(who, hold, 800, NOON_US), settled(who, again, 800, NOON_US))
    await change_budget(database, row.id, amount=1650)
    await ledger.refresh()
    with pytest.raises(Spent):
        await reserve(ledger, who, 100)
    await delete_budget(database, row.id)
    await ledger.refresh()
    assert await reserve(ledger, who, 100_000) is None


async def test_what_was_used_before_a_budget_was_made_counts(ledger: Ledger, database: Database) -> None:
    """So does what is written meanwhile by a process that has not heard of it."""
    who = asker(user="u1")
    await write_down(database, ledger, settled(who, None, 70, NOON_US), settled(who, None, 5, NOON_US - DAY_US))
    made = [
        await budget(database, kind="user", holder="u1", measure=measure, amount=amount, per=per)
        for measure, amount, per in (("money", 100_000, "day"), ("tokens", 1000, "total"), ("requests", 10, "week"))
    ]
    await write_down(database, ledger, settled(who, None, 20, NOON_US))
    await ledger.refresh()
    assert [one.used for one in await ledger.standing()] == [70_000, 75, 2]
    async with asyncio.timeout(30):
        while [one.used for one in await ledger.standing()] != [90_000, 95, 3]:  # noqa: ASYNC110  # another task counts
            await asyncio.sleep(0.05)
    await check_books(database)
    with pytest.raises(Spent):
        await reserve(ledger, who, 11)
    assert await reserve(ledger, who, 10)
    assert [one.budget.id for one in await ledger.standing()] == [row.id for row in made]


async def test_how_budgets_stand_is_told_over_all_of_them(ledger: Ledger, database: Database) -> None:
    row = await budget(database, measure="tokens", amount=1000, per="week")
    await ledger.refresh()
    who = asker()
    hold = await reserve(ledger, who, 100)
    await write_down(database, ledger, settled(who, hold, 40, NOON_US))
    await reserve(ledger, who, 200)
    (standing,) = await ledger.standing()
    assert (standing.budget, standing.used, standing.starts, standing.resets) == (
        row,
        40,
        NOON_US - 6 * DAY_US - DAY_US // 2,
        NOON_US + DAY_US // 2,
    )
    assert standing.reserved >= 200
    assert standing.left == 1000 - 40 - standing.reserved


async def test_that_a_budget_is_near_its_end_is_told_once(ledger: Ledger, database: Database) -> None:
    """Per budget and window, however many processes notice."""
    heard: list[Standing] = []
    other = Ledger(database, sole=False)
    for one in (ledger, other):
        one.near.append(heard.append)
    await budget(database, measure="tokens", amount=100)
    await ledger.refresh()
    await other.refresh()
    who = asker()
    for tokens, so_far in ((79, 0), (1, 1), (10, 1), (20, 2)):
        hold = await ledger.reserve(who, DEPLOYMENT, asking(1)[0], b"")
        await write_down(database, ledger, settled(who, hold, tokens, NOON_US))
        async with asyncio.timeout(30):
            while len(heard) < so_far:  # noqa: ASYNC110  # what is waited for has no event to set
                await asyncio.sleep(0.01)
    await write_down(database, ledger, settled(who, None, 20, NOON_US))
    await other.close()
    assert [one.used for one in heard] == [80, 110]


async def test_a_model_without_a_price_is_refused_where_money_is_counted(database: Database, hands: Hands) -> None:
    unpriced = DEPLOYMENT.__class__(id="up/free", provider="up", model="free", upstream_model="free")
    await budget(database)
    for allows, kind in ((False, "cloud"), (True, "cloud"), (False, "local"), (False, "practice")):
        ledger = Ledger(database, clock=hands.clock, allows_unpriced=allows)
        provider = PROVIDER.__class__(name="up", title="Up", base_url="http://up/v1", kind=kind)  # type: ignore[arg-type]  # from a list
        await ledger.refresh([(provider, Limits())])
        if allows or kind != "cloud":
            assert await ledger.reserve(asker(), unpriced, *asking()) is None
        else:
            with pytest.raises(Forbidden, match="No price is known of the model 'up/free'") as refused:
                await ledger.reserve(asker(), unpriced, *asking())
            assert refused.value.code == "budget.unpriced"
        await ledger.close()


async def test_money_of_another_currency_counts_by_the_rate_of_the_settings(database: Database, hands: Hands) -> None:
    from assay.core.rates import Rate, Rates

    await create_budget(
        database, NOON_US, holder_kind="key", holder="k1", measure="money", amount=100_000, per="day", currency="eur"
    )
    ledger = Ledger(database, clock=hands.clock)
    await ledger.refresh()
    with pytest.raises(Forbidden, match="is paid in USD, and the budget of the key 'k1' is in EUR") as refused:
        await reserve(ledger, asker(), 10)
    assert refused.value.code == "budget.no_rate"
    assert "[rates.EUR]" in str(refused.value.hint)
    await ledger.close()
    rates = Rates({"EUR": Rate(in_usd=1.25, date="2026-11-20", source="https://example.org/rates")})
    ledger = Ledger(database, clock=hands.clock, rates=rates)
    await ledger.refresh()
    hold = await reserve(ledger, asker(), 125)
    with pytest.raises(Spent):
        await reserve(ledger, asker(), 1)
    await write_down(database, ledger, settled(asker(), hold, 25, NOON_US))
    assert [one.used for one in await ledger.standing()] == [20_000]
    await ledger.close()


async def test_a_providers_bounds_hold_for_assay_itself_too(ledger: Ledger, database: Database) -> None:
    await budget(database, kind="provider", holder="up", measure="requests", amount=2)
    await ledger.refresh([(PROVIDER, Limits(concurrent=1))])
    first = await reserve(ledger, None)
    with pytest.raises(Unavailable) as refused:
        await reserve(ledger, asker())
    assert refused.value.code == "provider.busy"
    assert first is not None
    first.over()
    assert await reserve(ledger, asker())
    await write_down(database, ledger, settled(None, first, 5, NOON_US))
    await check_books(database)


async def test_answers_from_the_cache_and_further_attempts_are_no_further_requests(ledger: Ledger, database: Database) -> None:
    for measure in ("requests", "tokens"):
        await budget(database, measure=measure, amount=100)
        await budget(database, kind="provider", holder="up", measure=measure, amount=100)
    await ledger.refresh()
    who = asker()
    first = settled(who, None, 10, NOON_US)
    second = settled(who, None, 10, NOON_US, request_id=first.call.id)
    cached = settled(who, None, 10, NOON_US, cached=first.call.id)
    await write_down(database, ledger, first, second, cached)
    sums = [list(windows.values()) for windows in (await check_books(database)).values()]
    assert sums == [[2], [2], [20], [20]]


class Away:
    """A database that is away for as long as ``is_away``."""

    def __init__(self, db: Database):
        self._db = db
        self.dialect = db.dialect
        self.is_away = False

    def _look(self) -> Database:
        if self.is_away:
            raise Unavailable("store.unavailable", "The database is away.")
        return self._db

    async def read(self, sql: Sql, **params: Any) -> list[Row]:
        return await self._look().read(sql, **params)

    async def write(self, batch: Sequence[Write]) -> None:
        await self._look().write(batch)

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        return self._look().transaction()

    async def close(self) -> None:
        await self._db.close()


async def test_while_the_database_is_away_what_is_held_goes_on(database: Database, hands: Hands) -> None:
    """Then it is 503, with a time to come again; whom nothing bounds is never stopped."""
    away = Away(database)
    ledger = Ledger(away, sole=False, clock=hands.clock)
    await budget(database, measure="tokens", amount=1_000_000)
    await ledger.refresh()
    who, free = asker(), asker(key="k2")
    for _ in range(8):
        await reserve(ledger, who)
    away.is_away = True
    assert await reserve(ledger, who)
    codes = []
    for _ in range(40):
        try:
            await reserve(ledger, who)
        except Unavailable as error:
            codes.append((error.code, error.status, error.retry_after_s))
    assert set(codes) == {("store.unavailable", 503, 1)}
    assert len(codes) < 40
    assert await reserve(ledger, free) is None
    hands.pass_s(10)
    with pytest.raises(Unavailable):
        await reserve(ledger, who, 0)
    away.is_away = False
    assert await reserve(ledger, who)
    await ledger.close()


async def test_a_window_that_ends_while_the_database_is_away_stops_nobody_else(database: Database, hands: Hands) -> None:
    away = Away(database)
    ledger = Ledger(away, clock=hands.clock)
    await budget(database, holder="k1", per="hour")
    await budget(database, holder="k2", per="month")
    await ledger.refresh()
    hourly, monthly = asker(key="k1"), asker(key="k2")
    assert await reserve(ledger, monthly)
    away.is_away = True
    assert await reserve(ledger, hourly)
    hands.pass_s(3600)
    assert await reserve(ledger, monthly)
    with pytest.raises(Unavailable):
        await reserve(ledger, hourly)
    away.is_away = False
    assert await reserve(ledger, hourly)
    await ledger.close()


async def test_who_was_thought_dead_gives_out_nothing_that_others_have(database: Database, hands: Hands) -> None:
    """A process that slept has lost its lease, and notices before it gives anything out."""
    await budget(database, measure="tokens", amount=1000, per="total")
    ledgers = [Ledger(database, sole=False, clock=hands.clock) for _ in range(2)]
    for ledger in ledgers:
        await ledger.refresh()
    who = asker()
    sleeps, wakes = ledgers
    hold = await reserve(sleeps, who, 351)
    await database.write([(DELETE_LEASES_OF, {"process": process}) for process in await _lessees(database)])
    await database.write([(DELETE_LESSEE, {"process": process}) for process in await _lessees(database)])
    hands.pass_s(10)
    assert await reserve(wakes, who, 551)
    with pytest.raises(Spent):
        await reserve(sleeps, who, 101)
    await write_down(database, sleeps, settled(who, hold, 300, NOON_US))
    assert await reserve(sleeps, who, 0)
    for ledger in ledgers:
        await ledger.close()
    await check_books(database)


async def _lessees(database: Database) -> list[str]:
    return [row["process"] for row in await database.read(Sql("SELECT process FROM lessees"))]
