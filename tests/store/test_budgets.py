"""Budgets are kept, checked and taken away, with what was counted of them."""

from __future__ import annotations

import pytest

from assay.core import Conflict, InvalidInput, Limits, NotFound
from assay.core.rates import Rates
from assay.store import Database
from assay.store.budgets import change_budget, create_budget, delete_budget, get_budget, list_budgets, recount
from assay.store.meters import load_used
from assay.store.sql import Sql
from assay.store.teams import create_team

pytestmark = pytest.mark.anyio
NOON_US = 1_795_348_800_000_000


async def test_a_budget_is_kept_with_the_name_of_its_holder(database: Database) -> None:
    team = await create_team(database, "Research", Limits())
    made = await create_budget(
        database, NOON_US, holder_kind="team", holder=team.id, measure="money", amount=5, per="month", currency="eur", near=0.5
    )
    assert (made.holder_name, made.currency, made.near, made.created) == ("Research", "EUR", 0.5, NOON_US)
    unknown = await create_budget(
        database, NOON_US + 1, holder_kind="provider", holder="up", measure="tokens", amount=5, per="total"
    )
    assert unknown.holder_name == "up"
    assert await list_budgets(database) == [made, unknown]
    assert await get_budget(database, made.id) == made


async def test_there_is_one_budget_of_each_kind(database: Database) -> None:
    for per in ("hour", "total"):
        await create_budget(database, NOON_US, holder_kind="key", holder="k1", measure="tokens", amount=1, per=per)
    with pytest.raises(Conflict) as refused:
        await create_budget(database, NOON_US, holder_kind="key", holder="k1", measure="tokens", amount=2, per="hour")
    assert refused.value.code == "budget.exists"
    assert len(await list_budgets(database)) == 2


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"amount": -1}, "budget.bad_amount"),
        ({"amount": 1 << 63}, "budget.bad_amount"),
        ({"near": 0.0}, "budget.bad_near"),
        ({"near": 1.5}, "budget.bad_near"),
        ({"currency": "USD"}, "budget.bad_currency"),
        ({"measure": "money"}, "budget.bad_currency"),
    ],
)
async def test_what_cannot_be_counted_is_refused(database: Database, fields: dict[str, object], code: str) -> None:
    given = {"holder_kind": "key", "holder": "k1", "measure": "tokens", "amount": 1, "per": "day"} | fields
    with pytest.raises(InvalidInput) as refused:
        await create_budget(database, NOON_US, **given)  # type: ignore[arg-type]  # wrong on purpose
    assert refused.value.code == code


async def test_a_budget_is_changed_and_taken_away(database: Database) -> None:
    made = await create_budget(database, NOON_US, holder_kind="key", holder="k1", measure="tokens", amount=1, per="day")
    changed = await change_budget(database, made.id, amount=9, near=1)
    assert (changed.amount, changed.near) == (9, 1)
    assert await change_budget(database, made.id) == changed
    assert await delete_budget(database, made.id) == changed
    assert await database.read(Sql("SELECT * FROM meters")) == []
    with pytest.raises(NotFound) as missing:
        await change_budget(database, made.id, amount=1)
    assert missing.value.code == "budget.not_found"


async def test_a_recount_says_what_was_missing(database: Database) -> None:
    made = await create_budget(database, NOON_US, holder_kind="key", holder="k1", measure="tokens", amount=1, per="day")
    await database.write([(Sql("UPDATE meters SET used = 7"), {})])
    assert await recount(database, made, NOON_US, Rates()) == -7
    assert set((await load_used(database, [(made.id, NOON_US - 43_200_000_000)])).values()) == {0}
