"""The sums of what was spent: always those of the calls, on both databases."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from assay.core import Call, Money, Usage, new_id
from assay.store import Database
from assay.store.database import Row
from assay.store.migrate import load_migrations
from assay.store.queries import record_calls
from assay.store.spend import DAY_US, Chosen, SpentOn, each_spend, spend_of, spenders, sum_spend, write_spend
from assay.store.sql import Sql

pytestmark = pytest.mark.anyio
DAY = 20_000
COUNT_SPEND = Sql("SELECT * FROM spend ORDER BY day, key_id, user_id, team_id, provider, model, purpose, currency")
DELETE_SPEND = Sql("DELETE FROM spend")


def call(**known: object) -> Call:
    """A call of the day 20,000 that cost 30 nano-dollars."""
    usual = Call(
        request_id=new_id(),
        id=new_id(),
        at=DAY * DAY_US + 5,
        purpose="traffic",
        outcome="ok",
        asked="m",
        deployment="up/m",
        provider="up",
        model="m",
        protocol="openai_chat",
        stream=False,
        duration_us=1,
        key="k1",
        team="t1",
        usage=Usage(input=10, cache_read=5, cache_write_1h=3, audio_input=1, output=4, reasoning=2),
        cost=Money(30),
    )
    return msgspec.structs.replace(usual, **known)


VARIED = (
    call(),
    call(),
    call(at=(DAY + 1) * DAY_US - 1, key="k2", team=None),
    call(at=(DAY + 1) * DAY_US, outcome="cancelled", usage=Usage(input=7, output=1, estimated=True), cost_between=(20, 45)),
    call(outcome="error", usage=None, cost=None),
    call(model="free", cost=None),
    call(cost=Money(5, "CNY"), purpose="battle"),
    call(key=None, team=None, user="u"),
    call(cached="another", usage=None, cost=Money(0)),
)


async def save(db: Database, *calls: Call) -> None:
    await record_calls(db, calls, (), write_spend(calls))


def plain(row: Row) -> dict[str, object]:
    return {name: row[name] for name in SpentOn.__struct_fields__}


async def test_the_sums_are_those_of_the_calls_however_they_were_written(database: Database) -> None:
    """In one commit, in many, or filled in from the calls when the table came to be: the rows are the same."""
    await save(database, *VARIED)
    together = [plain(row) for row in await database.read(COUNT_SPEND)]
    assert together == [msgspec.structs.asdict(one) for one in spend_of(VARIED)]

    await database.write([(DELETE_SPEND, {})])
    for one in VARIED:
        await database.write(write_spend([one]))
    assert [plain(row) for row in await database.read(COUNT_SPEND)] == together

    await database.write([(DELETE_SPEND, {})])
    (fill,) = [step for step in load_migrations("assay.store") if step.name.endswith("spend_of_calls")]
    async with database.transaction() as tx:
        await tx.script(fill.sql(tx.dialect))
    assert [plain(row) for row in await database.read(COUNT_SPEND)] == together


async def test_tokens_are_in_disjoint_buckets(database: Database) -> None:
    """Cached tokens are told apart from those that were read anew, and none is counted twice."""
    await save(database, call())
    spent = (await sum_spend(database, "key", Chosen()))["k1", "USD"]
    assert (spent.input_tokens, spent.cache_read_tokens, spent.cache_write_tokens, spent.output_tokens) == (11, 5, 3, 6)


async def test_an_estimate_has_bounds_and_what_is_known_has_none(database: Database) -> None:
    await save(database, call(), call(cost=Money(100), cost_between=(60, 170)))
    spent = (await sum_spend(database, "model", Chosen()))["m", "USD"]
    assert (spent.estimated, spent.low_nano, spent.cost_nano, spent.high_nano) == (1, 90, 130, 200)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("day", {DAY: 8, DAY + 1: 1}),
        ("key", {"k1": 7, "k2": 1, "": 1}),
        ("user", {"": 8, "u": 1}),
        ("team", {"t1": 7, "": 2}),
        ("model", {"m": 8, "free": 1}),
        ("provider", {"up": 9}),
    ],
)
async def test_sums_can_be_had_by_anything(database: Database, by: str, expected: dict[str | int, int]) -> None:
    await save(database, *VARIED)
    calls: dict[str | int, int] = {}
    for (what, _), spent in (await sum_spend(database, by, Chosen())).items():  # type: ignore[arg-type]  # one of the words
        calls[what] = calls.get(what, 0) + spent.calls
    assert calls == expected


async def test_only_what_was_chosen_is_summed(database: Database) -> None:
    await save(database, *VARIED)
    assert {what for what, _ in await sum_spend(database, "key", Chosen(since=DAY + 1))} == {"k1"}
    assert sum(spent.calls for spent in (await sum_spend(database, "day", Chosen(until=DAY + 1))).values()) == 8
    assert {what for what, _ in await sum_spend(database, "model", Chosen(team="t1", purpose="battle"))} == {"m"}
    assert await sum_spend(database, "day", Chosen(provider="another")) == {}


async def test_what_an_open_battle_spends_is_not_told(database: Database) -> None:
    """Sums that grow would tell who stands in it."""
    secret = call(purpose="battle", key=None, team=None, model="hush")
    await save(database, *VARIED, secret)
    hidden = [secret.request_id]
    assert ("hush", "USD") in await sum_spend(database, "model", Chosen())
    assert ("hush", "USD") not in await sum_spend(database, "model", Chosen(), hidden)
    assert [one async for one in each_spend(database, Chosen(), hidden)] == spend_of(VARIED)


async def test_an_export_goes_through_more_sums_than_one_page_holds(database: Database) -> None:
    many = [call(key=f"k{number:04}", model=f"m{number % 7}") for number in range(2500)]
    await save(database, *many)
    assert [one async for one in each_spend(database, Chosen())] == spend_of(many)
    assert len([one async for one in each_spend(database, Chosen(model="m3"))]) == len([one for one in many if one.model == "m3"])


async def test_names_that_no_database_holds_do_not_keep_the_sums_from_being_written(database: Database) -> None:
    """A model's name is what a client wrote."""
    odd = call(model="nul\0and\ud800", asked="x")
    await save(database, odd)
    ((what, _),) = await sum_spend(database, "model", Chosen())
    assert what == "nul␀and?"
    assert await spenders(database) == {}


async def test_many_writers_at_once_add_up_and_never_wait_for_each_other_in_a_circle(database: Database) -> None:
    """Each writes the same sums, in whatever order its calls came."""
    batches = [[call(key=f"k{(number + shift) % 12}") for number in range(12)] for shift in range(30)]
    await asyncio.gather(*[save(database, *batch) for batch in batches])
    assert [one async for one in each_spend(database, Chosen())] == spend_of([one for batch in batches for one in batch])
