"""``assay budget``: how much a key, a user, a team or a provider may use."""

from decimal import Decimal
from typing import Any
from urllib.parse import quote

import click

from assay.cli.configure import Configured
from assay.cli.holders import find_key, find_team, find_user, given_of
from assay.cli.options import as_json, configured
from assay.cli.output import emit, table
from assay.cli.remote import Server, any_server
from assay.core import InvalidInput
from assay.core.money import NANO

_FIND = {"key": find_key, "user": find_user, "team": find_team}


@click.group()
def budget() -> None:
    """Budgets: list, set, remove."""


@budget.command("list")
@as_json
@configured()
async def list_budgets(configured: Configured, as_json: bool) -> None:
    """List the budgets, and how they stand."""
    async with any_server(configured.settings) as server:
        budgets = (await server.get("/api/v1/budgets"))["budgets"]
    emit(budgets, as_json, _table(budgets))


@budget.command("set")
@click.argument("holder", metavar="HOLDER")
@click.argument("amount")
@click.option(
    "--per",
    type=click.Choice(["hour", "day", "week", "month", "total"]),
    default="month",
    show_default=True,
    help="The window, by the calendar in UTC.",
)
@click.option(
    "--of",
    "measure",
    type=click.Choice(["money", "tokens", "requests"]),
    default="money",
    show_default=True,
    help="What is counted.",
)
@click.option("--currency", help="Of money.  [default: USD]")
@click.option("--near", type=float, help="The share at which it is said that it comes to its end.  [default: 0.8]")
@as_json
@configured()
async def set_budget(
    configured: Configured,
    holder: str,
    amount: str,
    per: str,
    measure: str,
    currency: str | None,
    near: float | None,
    as_json: bool,
) -> None:
    """Let HOLDER (key:ID, user:EMAIL, team:NAME or provider:NAME) use AMOUNT in each window; a budget of that kind is changed."""
    async with any_server(configured.settings) as server:
        kind, who = await _find(server, holder)
        same = {"holder_kind": kind, "holder": who, "measure": measure, "per": per}
        budgets = (await server.get("/api/v1/budgets"))["budgets"]
        before = next((row for row in budgets if all(row[name] == value for name, value in same.items())), None)
        if before is None:
            row = await server.post("/api/v1/budgets", {**same, "amount": amount, **given_of(currency=currency, near=near)})
        elif currency is not None and currency.upper() != before["currency"]:
            raise InvalidInput(
                "budget.bad_currency",
                f"This budget is in {before['currency'] or measure}, not in {currency!r}.",
                hint=f"Remove it first: `assay budget remove {before['id']}`.",
            )
        else:
            row = await server.patch(f"/api/v1/budgets/{before['id']}", {"amount": amount, **given_of(near=near)})
    emit(row, as_json, _table([row]))


@budget.command()
@click.argument("budget_id", metavar="ID")
@as_json
@configured()
async def remove(configured: Configured, budget_id: str, as_json: bool) -> None:
    """Take the budget with this ID away."""
    async with any_server(configured.settings) as server:
        await server.delete(f"/api/v1/budgets/{quote(budget_id, safe='')}")
    emit({"id": budget_id}, as_json, f"Removed {budget_id}.")


async def _find(server: Server, said: str) -> tuple[str, str]:
    """The kind of a holder, and its id."""
    kind, colon, name = said.partition(":")
    if not colon or kind not in (*_FIND, "provider"):
        raise InvalidInput(
            "budget.bad_holder",
            f"{said!r} is nobody who can have a budget.",
            hint="Write key:ID, user:EMAIL, team:NAME or provider:NAME.",
        )
    return kind, name if kind == "provider" else (await _FIND[kind](server, name))["id"]


def _table(budgets: list[dict[str, Any]]) -> str:
    rows = [
        row
        | {"holder": f"{row['holder_kind']}:{row['holder_name']}", "of": row["currency"] or row["measure"]}
        | {name: _amount(row, name) for name in ("amount", "used", "reserved", "left")}
        for row in budgets
    ]
    columns = {
        "id": "id", "holder": "holder", "amount": "amount", "of": "of", "per": "per", "used": "used", "reserved": "reserved",
        "left": "left", "resets": "begins anew",
    }  # fmt: skip
    return table(rows, columns)


def _amount(row: dict[str, Any], name: str) -> str:
    """A number as people write it."""
    return f"{Decimal(row[name]) / NANO:.2f}" if row["measure"] == "money" else f"{row[name]}"
