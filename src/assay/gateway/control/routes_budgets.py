"""Budgets in the API: how much money, how many tokens or requests somebody may use in each hour, day, week or month.

Everybody who is signed in sees them, an admin changes them. A changed budget counts for the next request.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request

from assay.api import Endpoint
from assay.core import HolderKind, InvalidInput, Measure, Money, Per, iso
from assay.core.clock import STEADY
from assay.core.rates import Rates
from assay.gateway.gateway import Gateway
from assay.gateway.ledger import Standing
from assay.store import budgets, keys, teams, users
from assay.store.budgets import BudgetRow
from assay.store.spend import spenders

_Near = Annotated[float, msgspec.Meta(gt=0, le=1)]
_TELLS = ("holder_kind", "holder", "measure", "amount", "currency", "per", "near")


class ShownBudget(msgspec.Struct, frozen=True, kw_only=True):
    """A budget and how it stands now. Amounts are nano-units of ``currency`` where ``measure`` is money, else counts.

    ``reserved`` is set aside for requests under way; ``left`` is what new ones may use. The window runs from ``starts`` until
    ``resets``, null where it never does. ``near`` is the share at which it is said that it comes to its end.
    """

    id: str
    holder_kind: HolderKind
    holder: str
    holder_name: str
    measure: Measure
    amount: int
    currency: str
    per: Per
    near: float
    used: int
    reserved: int
    left: int
    starts: str
    resets: str | None
    created: str


class BudgetList(msgspec.Struct, frozen=True):
    """All budgets."""

    budgets: list[ShownBudget]


class NewBudget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A budget of a key, a user, a team (by id) or a provider (by name). ``amount`` is text such as "12.50" for money, else a whole
    number."""

    holder_kind: HolderKind
    holder: str
    measure: Measure
    amount: str | int
    per: Per
    currency: str = "USD"
    near: _Near = budgets.NEAR


class BudgetChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change of a budget; what was used stays."""

    amount: str | int | UnsetType = UNSET
    near: _Near | UnsetType = UNSET


class _Budgets:
    """The handlers."""

    def __init__(self, gateway: Gateway):
        self._gateway = gateway
        self._db = gateway.db

    async def list_all(self, request: Request) -> BudgetList:
        """Budgets, the oldest first, and how they stand."""
        names = await spenders(self._db)
        return BudgetList([_show(standing, names) for standing in await self._gateway.ledger.standing()])

    async def create(self, request: Request, body: NewBudget) -> ShownBudget:
        """Make a budget. What its holder has used in this window counts."""
        await self._check_holder(body.holder_kind, body.holder)
        made = await budgets.create_budget(
            self._db,
            STEADY.now_us(),
            holder_kind=body.holder_kind,
            holder=body.holder,
            measure=body.measure,
            amount=read_amount(body.measure, body.amount),
            currency=body.currency if body.measure == "money" else "",
            per=body.per,
            near=body.near,
            rates=Rates(self._gateway.settings.rates),
        )
        return await self._changed(made)

    async def change(self, request: Request, body: BudgetChanges) -> ShownBudget:
        """Raise or lower a budget, or change when it is said that it comes to its end."""
        id = str(request.path_params["id"])
        measure = (await budgets.get_budget(self._db, id)).measure
        amount = None if body.amount is UNSET else read_amount(measure, body.amount)
        near = None if body.near is UNSET else body.near
        return await self._changed(await budgets.change_budget(self._db, id, amount=amount, near=near))

    async def remove(self, request: Request) -> None:
        """Take a budget away: nothing bounds its holder in this way any more."""
        await budgets.delete_budget(self._db, str(request.path_params["id"]))
        await self._gateway.changed()

    async def _changed(self, budget: BudgetRow) -> ShownBudget:
        await self._gateway.changed()
        names = await spenders(self._db)
        return next(_show(found, names) for found in await self._gateway.ledger.standing() if found.budget.id == budget.id)

    async def _check_holder(self, kind: HolderKind, holder: str) -> None:
        match kind:
            case "key":
                await keys.get_key(self._db, holder)
            case "user":
                await users.get_user(self._db, holder)
            case "team":
                await teams.get_team(self._db, holder)
            case "provider":
                self._gateway.registry.get(holder)


def budget_routes(gateway: Gateway) -> list[Endpoint]:
    """The routes."""
    plane = _Budgets(gateway)
    return [
        Endpoint("GET", "/api/v1/budgets", plane.list_all),
        Endpoint("POST", "/api/v1/budgets", plane.create, status=HTTPStatus.CREATED, role="admin", tells=_TELLS),
        Endpoint("PATCH", "/api/v1/budgets/{id}", plane.change, role="admin", tells=_TELLS),
        Endpoint("DELETE", "/api/v1/budgets/{id}", plane.remove, role="admin"),
    ]


def read_amount(measure: Measure, amount: str | int) -> int:
    """Nano-units of money, or a count.

    Raises:
        InvalidInput: ``budget.bad_amount``.
    """
    try:
        if measure != "money":
            return int(amount)
        units = Decimal(amount)
        if units.is_finite() and abs(units) < 10**9:
            return Money.of(units).nano
    except (ValueError, InvalidOperation):
        pass
    raise InvalidInput(
        "budget.bad_amount",
        f"A budget of {str(amount)[:40]!r} cannot be kept.",
        hint='Write money as "12.50", below a thousand million; tokens and requests as a whole number.',
        param="amount",
    )


def _show(standing: Standing, names: dict[tuple[str, str], str]) -> ShownBudget:
    row = standing.budget
    return ShownBudget(
        id=row.id,
        holder_kind=row.holder_kind,
        holder=row.holder,
        holder_name=names.get((row.holder_kind, row.holder), row.holder),
        measure=row.measure,
        amount=row.amount,
        currency=row.currency,
        per=row.per,
        near=row.near,
        used=standing.used,
        reserved=standing.reserved,
        left=standing.left,
        starts=iso(standing.starts),
        resets=None if standing.resets is None else iso(standing.resets),
        created=iso(row.created),
    )
