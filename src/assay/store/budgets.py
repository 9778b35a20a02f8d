"""Budgets: how much money, how many tokens or requests a key, a user, a team or a provider may use in each window."""

from __future__ import annotations

from typing import Any

import msgspec

from assay.core.errors import Conflict, InvalidInput, NotFound
from assay.core.holder import HolderKind, Measure, Per
from assay.core.ids import new_id
from assay.core.rates import Rates
from assay.core.window import window_of
from assay.store.database import Database, Row
from assay.store.meters import INSERT_METER, count_used
from assay.store.sql import Sql

NEAR = 0.8
MOST = 1 << 62

INSERT_BUDGET = Sql("""
    INSERT INTO budgets (id, holder_kind, holder, measure, amount, currency, per, near, created)
    VALUES (:id, :holder_kind, :holder, :measure, :amount, :currency, :per, :near, :created)
""")
_BUDGETS = """
    SELECT budgets.*, COALESCE(keys.name, users.name, teams.name, budgets.holder) AS holder_name FROM budgets
    LEFT JOIN keys ON holder_kind = 'key' AND keys.id = holder
    LEFT JOIN users ON holder_kind = 'user' AND users.id = holder
    LEFT JOIN teams ON holder_kind = 'team' AND teams.id = holder
"""
SELECT_BUDGETS = Sql(f"{_BUDGETS} ORDER BY budgets.created, budgets.id")
SELECT_BUDGET = Sql(f"{_BUDGETS} WHERE budgets.id = :id")
UPDATE_BUDGET = Sql("UPDATE budgets SET amount = :amount, near = :near WHERE id = :id")
DELETE_BUDGET = Sql("DELETE FROM budgets WHERE id = :id")
DELETE_METERS = Sql("DELETE FROM meters WHERE meter = :id")
DELETE_LEASES = Sql("DELETE FROM leases WHERE meter = :id")
SET_METER = Sql("UPDATE meters SET used = :used WHERE meter = :meter AND starts = :starts")
_LOCKED = "SELECT used FROM meters WHERE meter = :meter AND starts = :starts"
LOCK_METER = Sql(sqlite=_LOCKED, postgresql=f"{_LOCKED} FOR UPDATE")


class BudgetRow(msgspec.Struct, frozen=True, kw_only=True):
    """``amount`` is in nano-units of ``currency`` where ``measure`` is money, else a count. ``near`` is the share of it at which it is
    time to say so. ``created`` in microseconds UTC."""

    id: str
    holder_kind: HolderKind
    holder: str
    measure: Measure
    amount: int
    currency: str = ""
    per: Per
    near: float = NEAR
    created: int
    holder_name: str = ""


async def create_budget(
    db: Database,
    at: int,
    *,
    holder_kind: HolderKind,
    holder: str,
    measure: Measure,
    amount: int,
    per: Per,
    currency: str = "",
    near: float = NEAR,
    rates: Rates | None = None,
) -> BudgetRow:
    """Make a budget. What its holder has used in the window of ``at`` (of `core.clock.STEADY`) counts.

    Raises:
        InvalidInput: ``budget.bad_amount``, ``budget.bad_near``, ``budget.bad_currency``.
        Conflict: ``budget.exists``: there is one of this holder, measure and window.
    """
    currency = currency.upper()
    if (measure == "money") != bool(currency):
        raise InvalidInput(
            "budget.bad_currency",
            f"A budget of {measure} {'needs a currency' if measure == 'money' else 'has no currency'}.",
            hint="Write the three letters of ISO 4217, such as USD, with money, and nothing with tokens and requests.",
            param="currency",
        )
    budget = BudgetRow(
        id=new_id(), holder_kind=holder_kind, holder=holder, measure=measure, amount=_amount(amount), currency=currency, per=per,
        near=_near(near), created=at,
    )  # fmt: skip
    window = window_of(per, at)
    try:
        async with db.transaction() as tx:
            await tx.write(INSERT_BUDGET, msgspec.structs.asdict(budget))
            used = await count_used(tx, holder_kind, holder, measure, window, currency, rates or Rates())
            await tx.write(INSERT_METER, {"meter": budget.id, "starts": window[0], "used": used})
    except Conflict:
        raise Conflict(
            "budget.exists",
            f"This {holder_kind} has a budget of {measure} per {per} already.",
            hint="Change its amount, or take another window.",
            param="per",
        ) from None
    return await get_budget(db, budget.id)


async def change_budget(db: Database, id: str, *, amount: int | None = None, near: float | None = None) -> BudgetRow:
    """Change how much it is, or when it is near its end; the budget as it is then.

    Raises:
        InvalidInput: as `create_budget`. NotFound: ``budget.not_found``.
    """
    budget = await get_budget(db, id)
    changed = msgspec.structs.replace(
        budget,
        amount=budget.amount if amount is None else _amount(amount),
        near=budget.near if near is None else _near(near),
    )
    await db.write([(UPDATE_BUDGET, msgspec.structs.asdict(changed))])
    return changed


async def delete_budget(db: Database, id: str) -> BudgetRow:
    """Take a budget away, and what was counted of it; the budget that was.

    Raises:
        NotFound: ``budget.not_found``.
    """
    budget = await get_budget(db, id)
    await db.write([(DELETE_BUDGET, {"id": id}), (DELETE_METERS, {"id": id}), (DELETE_LEASES, {"id": id})])
    return budget


async def list_budgets(db: Database) -> list[BudgetRow]:
    """All budgets, the oldest first."""
    return [_budget(row) for row in await db.read(SELECT_BUDGETS)]


async def get_budget(db: Database, id: str) -> BudgetRow:
    """The budget of that id.

    Raises:
        NotFound: ``budget.not_found``.
    """
    rows = await db.read(SELECT_BUDGET, id=id)
    if not rows:
        raise NotFound(
            "budget.not_found", f"There is no budget {id[:64]!r}.", hint="`assay budget list` shows them all.", param="id"
        )
    return _budget(rows[0])


async def recount(db: Database, budget: BudgetRow, at: int, rates: Rates) -> int:
    """Count a budget's window anew over the rows of its calls, where some were written by a process that did not know of the
    budget yet; how much was missing."""
    starts, ends = window_of(budget.per, at)
    place = {"meter": budget.id, "starts": starts}
    async with db.transaction() as tx:
        await tx.write(INSERT_METER, {**place, "used": 0})
        shown = int((await tx.read(LOCK_METER, **place))[0]["used"])
        used = await count_used(tx, budget.holder_kind, budget.holder, budget.measure, (starts, ends), budget.currency, rates)
        if used != shown:
            await tx.write(SET_METER, {**place, "used": used})
    return used - shown


def _budget(row: Row) -> BudgetRow:
    fields: dict[str, Any] = {name: row[name] for name in BudgetRow.__struct_fields__}
    return BudgetRow(**fields)


def _amount(amount: int) -> int:
    if 0 <= amount < MOST:
        return amount
    raise InvalidInput("budget.bad_amount", f"A budget of {amount} cannot be kept.", hint="Write 0 or more.", param="amount")


def _near(near: float) -> float:
    if 0 < near <= 1:
        return near
    raise InvalidInput(
        "budget.bad_near",
        f"A budget is near its end at a share of it, not at {near}.",
        hint="Write a number above 0 and up to 1, such as 0.8.",
        param="near",
    )
