"""``assay spend``: what was spent, by whom and on what; as a table, as a file, and beside what providers report."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import Any, BinaryIO
from urllib.parse import urlencode

import click

from assay.cli.configure import Configured
from assay.cli.exits import FAILED, OK
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say, table
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


@spend.command()
@click.argument("file", type=click.File("rb"))
@click.option("--provider", required=True, metavar="NAME", help="Whose report it is.")
@click.option("--since", metavar="DAY", help="From this day of UTC on.")
@click.option("--until", metavar="DAY", help="Up to before this day.")
@click.option("--calls", is_flag=True, help="Also lay the bills that came with single calls beside the price list.")
@click.option(
    "--gate", type=float, metavar="PERCENT", help="Exit with 1 where both differ by more than estimates explain, and this."
)
@as_json
@configured()
async def reconcile(
    configured: Configured,
    file: BinaryIO,
    provider: str,
    since: str | None,
    until: str | None,
    calls: bool,
    gate: float | None,
    as_json: bool,
) -> int:
    """Lay what provider NAME reports (FILE; - reads standard input) beside what is on record here, by day and model."""
    given = {"provider": provider, "since": since, "until": until, "calls": "true" if calls else None}
    query = urlencode({name: value for name, value in given.items() if value is not None})
    body = file.read()
    async with any_server(configured.settings) as server:
        found = await server.post(f"/api/v1/spend/reconcile?{query}", body)
    report = found["report"]
    shown = table([_line_in_words(line) for line in report["lines"]], _LINES)
    if found["bills"] is not None:
        shown += "\n\n" + table([_bills_in_words(bills) for bills in found["bills"]], _BILLS)
    emit(found, as_json, shown)
    _tell(report)
    beyond = report["beyond"]
    return FAILED if gate is not None and (beyond is None or beyond * 100 > gate) else OK


_LINES = {
    "day": "day",
    "model": "model",
    "ours": "ours",
    "between": "between",
    "theirs": "theirs",
    "apart": "apart",
    "part": "%",
    "reason": "why",
}
_BILLS = {"model": "model", "calls": "calls", "differing": "differing", "reported": "their bills", "listed": "price list"}
_REASONS = {
    "equal": "equal",
    "within_estimates": "within the bounds of our estimates",
    "missing_here": "did not go through here",
    "missing_there": "the report does not know it",
    "unpriced": "we have no price for it",
    "tokens": "other counts",
    "price": "the same tokens at another price",
    "unknown": "the report tells no tokens",
}


def _line_in_words(line: dict[str, Any]) -> dict[str, Any]:
    ours, theirs = line["ours"] or {}, line["theirs"] or {}
    is_doubtful = ours.get("low") != ours.get("high")
    return {
        "day": line["day"],
        "model": line["model"] or "all",
        "ours": _amount(ours),
        "between": f"{money(ours['low'])} and {money(ours['high'])}" if is_doubtful else "",
        "theirs": _amount(theirs),
        "apart": "-" if line["drift_nano"] is None else money(line["drift_nano"]),
        "part": "-" if line["drift"] is None else f"{line['drift'] * 100:+.1f}",
        "reason": _REASONS[line["reason"]] + (f": {line['bucket'].replace('_', ' ')}" if line["bucket"] else ""),
    }


def _amount(side: dict[str, Any]) -> str:
    if side.get("nano") is not None:
        return money(side["nano"])
    return "-" if side.get("tokens") is None else f"{side['tokens']} tokens"


def _bills_in_words(bills: dict[str, Any]) -> dict[str, Any]:
    return bills | {"reported": money(bills["reported_nano"]), "listed": money(bills["listed_nano"])}


def _tell(report: dict[str, Any]) -> None:
    part = "" if report["drift"] is None else f" ({report['drift'] * 100:+.2f} %)"
    theirs = "tokens only" if report["theirs_nano"] is None else f"{money(report['theirs_nano'])} {report['currency']}"
    say(
        f"Ours {money(report['ours_nano'])} {report['currency']}, theirs {theirs}{part}, {report['since']} up to before {report['until']}."
    )
    for days, what in ((report["missing_here"], "Nothing on record here"), (report["missing_there"], "Nothing in the report")):
        if days:
            say(f"{what}: {', '.join(days[:10])}{' and more' if len(days) > 10 else ''}.")
    if report["unpriced"]:
        say(f"Without a price here: {', '.join(report['unpriced'])}.")


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
