"""What was used of budgets, and what processes have leased of budgets and limits.

The sum over the rows of `calls` is what a meter shows, always: it is written in their commit (`SPEND`), counted over them where a
budget is new (`count_used`), and put right by them where a process did not know of a new budget yet (`recount`).

Who leases locks the meter's row first, then reads all leases of it; whoever changes several rows takes them in the order of their
windows, and of their names within one, meters before leases. So no two wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec

from assay.core.call import Call
from assay.core.holder import HolderKind, Measure
from assay.core.rates import Rates
from assay.store.database import Database, Transaction, Write
from assay.store.sql import Sql

SPEND = Sql(
    sqlite="""
    INSERT INTO meters (meter, starts, used)
    SELECT key, :starts, value FROM json_each(:used) AS given WHERE EXISTS (SELECT 1 FROM budgets WHERE id = given.key)
    ON CONFLICT (meter, starts) DO UPDATE SET used = meters.used + excluded.used
    """,
    postgresql="""
    INSERT INTO meters (meter, starts, used)
    SELECT id, CAST(:starts AS BIGINT), CAST(given.value AS BIGINT)
    FROM jsonb_each_text(CAST(:used AS JSONB)) AS given JOIN budgets ON id = given.key ORDER BY id COLLATE "C"
    ON CONFLICT (meter, starts) DO UPDATE SET used = meters.used + excluded.used
    """,
)
"""Of a budget that was deleted meanwhile, nothing. What was used of all meters in one window is one document: with a row for each, SQLite's
thread would wait for the interpreter's lock as often."""
SPEND_LEASE = Sql("""
    UPDATE leases SET amount = CASE WHEN amount > :used THEN amount - :used ELSE 0 END
    WHERE meter = :meter AND starts = :starts AND process = :process
""")
INSERT_METER = Sql(
    "INSERT INTO meters (meter, starts, used) VALUES (:meter, :starts, :used) ON CONFLICT (meter, starts) DO NOTHING"
)
_METERS = "SELECT meter, starts, used FROM meters WHERE {meters} AND {starts}"
_AMONG_SQLITE = {
    "meters": "meter IN (SELECT value FROM json_each(:meters))",
    "starts": "starts IN (SELECT value FROM json_each(:starts))",
}
_AMONG_POSTGRESQL = {"meters": "meter = ANY(CAST(:meters AS TEXT[]))", "starts": "starts = ANY(CAST(:starts AS BIGINT[]))"}
SELECT_METERS = Sql(sqlite=_METERS.format(**_AMONG_SQLITE), postgresql=_METERS.format(**_AMONG_POSTGRESQL))
LOCK_METERS = Sql(
    sqlite=_METERS.format(**_AMONG_SQLITE) + " ORDER BY starts, meter",
    postgresql=_METERS.format(**_AMONG_POSTGRESQL) + ' ORDER BY starts, meter COLLATE "C" FOR UPDATE',
)
_OWN = "SELECT meter FROM leases WHERE process = :process AND {meters} AND {starts} ORDER BY starts, meter"
LOCK_LEASES = Sql(sqlite=_OWN.format(**_AMONG_SQLITE), postgresql=_OWN.format(**_AMONG_POSTGRESQL) + ' COLLATE "C" FOR UPDATE')
TELL_METER = Sql("UPDATE meters SET told = :told WHERE meter = :meter AND starts = :starts AND told < :told")
_LEASES = "SELECT process, meter, starts, amount FROM leases WHERE {meters}"
SELECT_LEASES = Sql(sqlite=_LEASES.format(**_AMONG_SQLITE), postgresql=_LEASES.format(**_AMONG_POSTGRESQL))
_STATE = _LEASES + " UNION ALL SELECT process, '', 0, beat FROM lessees UNION ALL SELECT '', '', 0, {now}"  # noqa: S608 - a constant
SELECT_STATE = Sql(
    sqlite=_STATE.format(**_AMONG_SQLITE, now="CAST(:host_us AS INTEGER)"),
    postgresql=_STATE.format(**_AMONG_POSTGRESQL, now="CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"),
)
"""Leases of meters; the beats of processes, under no meter; and, of nobody, the time by the one clock of all who lease: that of the host,
which all processes with a SQLite file share, or that of the PostgreSQL server. In one statement, since every one costs a round trip."""
UPSERT_LEASE = Sql("""
    INSERT INTO leases (process, meter, starts, amount) VALUES (:process, :meter, :starts, :amount)
    ON CONFLICT (meter, starts, process) DO UPDATE SET amount = leases.amount + excluded.amount
""")
RETURN_LEASE = Sql("UPDATE leases SET amount = amount - :amount WHERE meter = :meter AND starts = :starts AND process = :process")
DELETE_LEASE = Sql("DELETE FROM leases WHERE meter = :meter AND starts = :starts AND process = :process")
DELETE_USED_UP = Sql("DELETE FROM leases WHERE meter = :meter AND starts = :starts AND process = :process AND amount <= 0")
DELETE_LAPSED = Sql("DELETE FROM leases WHERE meter = :meter AND starts = :starts")
RATE = "rate:"
"""How the meters of limits per minute begin: what was let in counts to the end of its minute, even if the process ends before."""
DELETE_LEASES_OF = Sql("DELETE FROM leases WHERE process = :process AND meter NOT LIKE 'rate:%'")
DELETE_OLD_RATES = Sql("DELETE FROM leases WHERE meter LIKE 'rate:%' AND starts <= :before")
ENTER_LESSEE = Sql("INSERT INTO lessees (process, beat) VALUES (:process, 0)")
BEAT = Sql("UPDATE lessees SET beat = beat + 1 WHERE process = :process")
SELECT_LESSEES = Sql("SELECT process, beat FROM lessees ORDER BY process")
DELETE_LESSEE = Sql("DELETE FROM lessees WHERE process = :process")

_OF_HOLDER: dict[HolderKind, str] = {"key": "key_id", "user": "user_id", "team": "team_id", "provider": "provider"}
_SUM = "SELECT CAST(COALESCE(SUM({what}), 0) AS BIGINT) AS used FROM calls WHERE {column} = :holder AND at >= :starts AND at < :ends AND id >= :id"
_ASKED = {"provider": "CASE WHEN cached IS NULL THEN 1 ELSE 0 END"}
_TOKENS = "CASE WHEN cached IS NULL THEN COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0) ELSE 0 END"
_MONEY = (
    "CASE WHEN cost_currency = :currency THEN"
    " (cost_nano * CAST(:over AS BIGINT) + CAST(:half AS BIGINT)) / CAST(:under AS BIGINT) ELSE 0 END"
)
_SUMS = {
    (kind, measure): Sql(_SUM.format(column=column, what=what))
    for kind, column in _OF_HOLDER.items()
    for measure, what in (
        ("requests", _ASKED.get(kind, "CASE WHEN id = request_id THEN 1 ELSE 0 END")),
        ("tokens", _TOKENS),
        ("money", _MONEY),
    )
}
_JUMP_US = 40 * 86_400_000_000
"""Ids are by a clock that may have been set; so far from the time of their call they are looked at."""


Reading: TypeAlias = tuple[str, int, int]
"""A meter, when its window starts, and how much more was used in it."""


def requests_of(call: Call, kind: HolderKind) -> int:
    """The requests that a call counts for a holder, by its row alone: a request counts once, with its first attempt, whichever targets are
    asked after it; of a provider every attempt counts that reached it."""
    return int(call.cached is None) if kind == "provider" else int(call.id == call.request_id)


def tokens_of(call: Call) -> int:
    """The tokens that a call counts. What came from the cache is a request, no more."""
    usage = call.usage
    return 0 if usage is None or call.cached is not None else usage.total_input + usage.total_output


async def count_used(
    tx: Transaction, kind: HolderKind, holder: str, measure: Measure, window: tuple[int, int], currency: str, rates: Rates
) -> int:
    """The sum over the calls of a holder that began in ``window``."""
    starts, ends = window
    bounds = {"holder": holder, "starts": starts, "ends": ends, "id": _first_id(starts)}
    sql = _SUMS[kind, measure]
    if measure != "money":
        return int((await tx.read(sql, **bounds))[0]["used"])
    total = 0
    for paid in {*rates.currencies, currency}:
        ratio = rates.ratio(paid, currency)
        if ratio is not None:
            found = await tx.read(sql, **bounds, currency=paid, over=ratio.over, under=ratio.under, half=ratio.under // 2)
            total += int(found[0]["used"])
    return total


async def load_used(db: Database, meters: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """What was used, by meter and window; those without a row are left out."""
    wanted = set(meters)
    if not wanted:
        return {}
    rows = await db.read(SELECT_METERS, meters=[meter for meter, _ in wanted], starts=sorted({starts for _, starts in wanted}))
    return {(row["meter"], row["starts"]): row["used"] for row in rows if (row["meter"], row["starts"]) in wanted}


async def load_leased(db: Database, meters: Sequence[str]) -> dict[tuple[str, int], int]:
    """What all processes have leased together, by meter and window."""
    leased: dict[tuple[str, int], int] = {}
    for row in await db.read(SELECT_LEASES, meters=list(meters)):
        place = (row["meter"], row["starts"])
        leased[place] = leased.get(place, 0) + row["amount"]
    return leased


def spend(used: Sequence[Reading], process: str | None) -> list[Write]:
    """The writes that count ``used``; of a process with leases, they are used up by it."""
    if not used:
        return []
    windows: dict[int, dict[str, int]] = {}
    for meter, starts, amount in used:
        amounts = windows.setdefault(starts, {})
        amounts[meter] = amounts.get(meter, 0) + amount
    writes: list[Write] = [
        (SPEND, [{"starts": starts, "used": msgspec.json.encode(windows[starts]).decode()} for starts in sorted(windows)])
    ]
    if process is not None:
        places = sorted((starts, meter) for starts, amounts in windows.items() for meter in amounts)
        writes.append(
            (
                SPEND_LEASE,
                [
                    {"meter": meter, "starts": starts, "used": windows[starts][meter], "process": process}
                    for starts, meter in places
                ],
            )
        )
    return writes


async def tell_once(db: Database, meter: str, starts: int, told: int) -> bool:
    """Whether it is for us to tell: nobody has told of this meter and window before."""
    async with db.transaction() as tx:
        return await tx.write(TELL_METER, {"meter": meter, "starts": starts, "told": told}) == 1


def _first_id(starts: int) -> str:
    """An id before those of all calls that began at ``starts`` or later."""
    return f"{max(0, starts - _JUMP_US) // 1000:012x}"[:8]
