"""What was spent, kept with the calls and shown: the book that writes the sums, and their shapes for people and for machines."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from assay.gateway.recorder import Settled
from assay.store.database import Write
from assay.store.spend import DAY_US, By, Spent, SpentOn, write_spend

CSV_COLUMNS = (
    "day", "provider", "model", "purpose", "key", "key_name", "user", "user_name", "team", "team_name", "calls", "failed", "unpriced",
    "estimated", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "currency", "cost_nano", "low_nano", "high_nano",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Names = Mapping[tuple[str, str], str]
"""Of keys, users and teams, by kind and id."""


class SpendBook:
    """Adds every call to the sums, in the commit that records it. Implements `assay.gateway.recorder.Book`."""

    def entries(self, settled: Sequence[Settled]) -> Sequence[Write]:
        return write_spend(one.call for one in settled)

    def committed(self, settled: Sequence[Settled]) -> None:
        """Nothing of it is kept in memory."""


class SpentMoney(msgspec.Struct, frozen=True):
    """An amount, and where it holds estimates, the bounds between which the true one lies."""

    nano: int
    currency: str
    low: int
    high: int


class SpendRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one key, user, team, model, provider or day came to; ``name`` is what people call it. ``what`` is "" where there is none."""

    what: str
    name: str
    calls: int
    failed: int
    unpriced: int
    estimated: int
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    costs: list[SpentMoney]


class SpendLine(SpentOn, kw_only=True):
    """One line of an export: the finest sums there are. ``day`` is a date."""

    day: str  # type: ignore[assignment]  # told otherwise than it is kept
    key_name: str
    user_name: str
    team_name: str


def show_spend(sums: Mapping[tuple[str | int, str], Spent], by: By, names: Names) -> list[SpendRow]:
    """``sums`` by what they are of: days the newest first, the rest by what they cost."""
    whole: dict[str | int, tuple[Spent, list[SpentMoney]]] = {}
    for (what, currency), spent in sums.items():
        together, costs = whole.setdefault(what, (Spent(), []))
        together.add(spent)
        if currency:
            costs.append(SpentMoney(spent.cost_nano, currency, spent.low_nano, spent.high_nano))
    rows = [_row(what, by, names, *found) for what, found in whole.items()]
    if by == "day":
        return sorted(rows, key=lambda row: row.what, reverse=True)
    return sorted(rows, key=lambda row: (-sum(cost.nano for cost in row.costs), -row.calls, row.what))


def _row(what: str | int, by: By, names: Names, spent: Spent, costs: list[SpentMoney]) -> SpendRow:
    told = date_of(what) if isinstance(what, int) else what
    name = names.get((by, told), told)
    if by == "key":
        name = _KEY_NAMES.get(told, name)
    counts = {field: getattr(spent, field) for field in SpendRow.__struct_fields__ if field not in ("what", "name", "costs")}
    return SpendRow(what=told, name=name, costs=costs, **counts)


_KEY_NAMES = {"": "Assay itself", "local": "the local door"}


def date_of(day: int) -> str:
    """A day as people write it."""
    return datetime.fromtimestamp(day * DAY_US / 1_000_000, UTC).strftime("%Y-%m-%d")


async def as_csv(sums: AsyncIterator[SpentOn], names: Names) -> AsyncIterator[str]:
    """The sums as lines of CSV, a heading first. A cell that a spreadsheet would take for a formula is led by an apostrophe
    (OWASP, CSV Injection)."""
    yield _csv_line(CSV_COLUMNS)
    async for one in sums:
        line = _line(one, names)
        told = {**msgspec.structs.asdict(line), "key": line.key_id, "user": line.user_id, "team": line.team_id}
        yield _csv_line([told[column] for column in CSV_COLUMNS])


async def as_jsonl(sums: AsyncIterator[SpentOn], names: Names) -> AsyncIterator[str]:
    """The sums as JSON, one a line."""
    async for one in sums:
        yield msgspec.json.encode(_line(one, names)).decode() + "\n"


def _line(one: SpentOn, names: Names) -> SpendLine:
    told: dict[str, Any] = msgspec.structs.asdict(one) | {"day": date_of(one.day)}
    for kind in ("key", "user", "team"):
        told[f"{kind}_name"] = names.get((kind, told[f"{kind}_id"]), "")
    return SpendLine(**told)


def _csv_line(cells: Sequence[str | int]) -> str:
    """A line as RFC 4180 has it: with its line end, a cell that holds either sign of one is quoted."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_safe(cell) for cell in cells])
    return out.getvalue()


def _safe(cell: str | int) -> str | int:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
