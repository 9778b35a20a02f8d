"""``assay spend``: what was spent, by whom and on what; as a table, as a file, and beside what providers report."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import click

from assay.cli.configure import Configured
from assay.cli.options import as_json, configured
from assay.cli.output import emit, table
from assay.cli.remote import Server, any_server
from assay.core.money import NANO

_CHOICES = ("key", "user", "team", "model", "provider", "purpose")


class _ShowsByDefault(click.Group):
    """``assay spend --by key`` is ``assay spend show --by key``."""

    default = "show"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = [self.default, *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ShowsByDefault)
def spend() -> None:
    """What was spent, and whether providers say the same."""


@spend.command()
@click.option(
    "--by",
    type=click.Choice(["day", "key", "user", "team", "model", "provider"]),
    default="day",
    show_default=True,
    help="By what.",
)
@click.option("--since", metavar="DAY", help="From this day of UTC on, such as 2026-11-22.")
@click.option("--until", metavar="DAY", help="Up to before this day.")
@click.option("--key", metavar="ID", help="Of one gateway key.")
@click.option("--user", metavar="ID", help="Of one user.")
@click.option("--team", metavar="ID", help="Of one team.")
@click.option("--model", metavar="NAME", help="On one model.")
@click.option("--provider", metavar="NAME", help="At one provider.")
@click.option("--purpose", metavar="PURPOSE", help="For one purpose: traffic, battle, judge, bench, challenge or test.")
@click.option("--csv", "as_csv", is_flag=True, help="Every sum there is as CSV, for a spreadsheet.")
@as_json
@configured()
async def show(
    configured: Configured, by: str, since: str | None, until: str | None, as_csv: bool, as_json: bool, **chosen: Any
) -> None:
    """What was spent, by day, key, user, team, model or provider; estimates between their bounds."""
    query = {"since": since, "until": until, **{name: chosen[name] for name in _CHOICES}}
    given = {name: value for name, value in query.items() if value is not None}
    async with any_server(configured.settings) as server:
        if as_csv:
            await _write(server, f"/api/v1/spend/export?{urlencode(given)}")
            return
        found = await server.get(f"/api/v1/spend?{urlencode({'by': by, **given})}")
    emit(found, as_json, table([_in_words(row) for row in found["rows"]], _HEADINGS | {"name": by}))


_HEADINGS = {
    "name": "",
    "calls": "calls",
    "failed": "failed",
    "unpriced": "no price",
    "estimated": "estimated",
    "input": "input",
    "cached": "from cache",
    "output_tokens": "output",
    "cost": "cost",
    "between": "between",
}


async def _write(server: Server, path: str) -> None:
    response = await server.open("GET", path)
    while (piece := await response.read()) is not None:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _in_words(row: dict[str, Any]) -> dict[str, Any]:
    costs = row["costs"]
    doubtful = [cost for cost in costs if cost["low"] != cost["high"]]
    return row | {
        "name": row["name"] or "-",
        "input": row["input_tokens"] + row["cache_read_tokens"] + row["cache_write_tokens"],
        "cached": row["cache_read_tokens"],
        "cost": ", ".join(f"{money(cost['nano'])} {cost['currency']}" for cost in costs) or "-",
        "between": ", ".join(f"{money(cost['low'])} and {money(cost['high'])}" for cost in doubtful),
    }


def money(nano: int) -> str:
    """An amount for people: to the cent, finer where it is less than one."""
    amount = Decimal(nano) / NANO
    return f"{amount:.2f}" if abs(amount) >= 1 or not nano else f"{amount:.6f}".rstrip("0")
