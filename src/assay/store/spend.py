"""What calls came to, day by day: sums that are written in the commit of the calls, and always equal to those of the calls.

A day is one of UTC, by when the call began, and counted from 1970-01-01. Sums of bounds are bounds of the sum, and wider than they
need be: that all estimates err to one side is rarer than that one does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from assay.core.call import Call
from assay.store.database import Database, Row, Write
from assay.store.queries import read_call, storable
from assay.store.sql import Sql

By: TypeAlias = Literal["day", "key", "user", "team", "model", "provider"]

DAY_US = 86_400_000_000
_KEY = ("day", "key_id", "user_id", "team_id", "provider", "model", "purpose", "currency")
_SUMS = (
    "calls", "failed", "unpriced", "estimated", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens",
    "cost_nano", "low_nano", "high_nano",
)  # fmt: skip
_COLUMNS: Mapping[By, str] = {
    "day": "day",
    "key": "key_id",
    "user": "user_id",
    "team": "team_id",
    "model": "model",
    "provider": "provider",
}
_MILLIS = 13
"""Of a call's id, and of its request's, the characters that say the millisecond."""

_AT_ONCE = 1000


class Spent(msgspec.Struct, kw_only=True):
    """What some calls came to. ``failed`` by the upstream's doing; ``unpriced`` were answered and have no cost; ``estimated`` have an
    estimate, whose bounds are ``low_nano`` and ``high_nano``; elsewhere both are the cost. Tokens are in disjoint buckets."""

    calls: int = 0
    failed: int = 0
    unpriced: int = 0
    estimated: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    cost_nano: int = 0
    low_nano: int = 0
    high_nano: int = 0

    def add(self, other: Spent, times: int = 1) -> None:
        """Add ``other``; with -1 for ``times``, take it away."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + times * getattr(other, name))


class SpentOn(Spent, kw_only=True):
    """What was spent on one day by one key at one model, in one currency ("" where nothing was priced)."""

    day: int
    key_id: str
    user_id: str
    team_id: str
    provider: str
    model: str
    purpose: str
    currency: str


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """Which sums: of the days from ``since`` up to before ``until``, and of these; None means all."""

    since: int | None = None
    until: int | None = None
    key: str | None = None
    user: str | None = None
    team: str | None = None
    model: str | None = None
    provider: str | None = None
    purpose: str | None = None


_ALL = ", ".join((*_KEY, *_SUMS))
_WHERE = """
    (CAST(:since AS BIGINT) IS NULL OR day >= :since) AND (CAST(:until AS BIGINT) IS NULL OR day < :until)
    AND (CAST(:key AS TEXT) IS NULL OR key_id = :key) AND (CAST(:user AS TEXT) IS NULL OR user_id = :user)
    AND (CAST(:team AS TEXT) IS NULL OR team_id = :team) AND (CAST(:model AS TEXT) IS NULL OR model = :model)
    AND (CAST(:provider AS TEXT) IS NULL OR provider = :provider) AND (CAST(:purpose AS TEXT) IS NULL OR purpose = :purpose)
"""
# The statements are made of the constants above; every value is bound.
UPSERT_SPEND = Sql(f"""
    INSERT INTO spend ({_ALL}) VALUES ({", ".join(f":{name}" for name in (*_KEY, *_SUMS))})
    ON CONFLICT ({", ".join(_KEY)}) DO UPDATE SET {", ".join(f"{name} = spend.{name} + excluded.{name}" for name in _SUMS)}
""")  # noqa: S608
_SELECT_BY = {
    by: Sql(f"""
        SELECT {column} AS what, currency, {", ".join(f"CAST(SUM({name}) AS BIGINT) AS {name}" for name in _SUMS)}
        FROM spend WHERE {_WHERE} GROUP BY {column}, currency ORDER BY {column}, currency
    """)  # noqa: S608
    for by, column in _COLUMNS.items()
}
_SELECT_PAGE = Sql(f"""
    SELECT {_ALL} FROM spend WHERE {_WHERE}
      AND ({", ".join(_KEY)}) > (CAST(:after_day AS BIGINT), {", ".join(f"CAST(:after_{name} AS TEXT)" for name in _KEY[1:])})
    ORDER BY {", ".join(_KEY)} LIMIT :limit
""")  # noqa: S608
_HIDDEN = "SELECT * FROM calls WHERE id >= :since AND request_id {among}"
SELECT_HIDDEN = Sql(
    sqlite=_HIDDEN.format(among="IN (SELECT value FROM json_each(:hidden))"),
    postgresql=_HIDDEN.format(among="= ANY(CAST(:hidden AS TEXT[]))"),
)
SELECT_BILLED = Sql("""
    SELECT * FROM calls WHERE id > :after AND provider = :provider AND usage LIKE '%"reported":%'
      AND at >= :since AND at < :until
    ORDER BY id LIMIT :limit
""")
SELECT_NAMES = Sql(
    "SELECT 'key' AS kind, id, name FROM keys UNION ALL SELECT 'user', id, name FROM users UNION ALL SELECT 'team', id, name FROM teams"
)


def spend_of(calls: Iterable[Call]) -> list[SpentOn]:
    """What ``calls`` came to, in the order of their keys."""
    found: dict[tuple[Any, ...], SpentOn] = {}
    for call in calls:
        currency = "" if call.cost is None else call.cost.currency
        key = (
            call.at // DAY_US,
            call.key or "",
            call.user or "",
            call.team or "",
            call.provider,
            call.model,
            call.purpose,
            currency,
        )
        of = found.get(key)
        if of is None:
            named: dict[str, Any] = dict(zip(_KEY, key, strict=True))
            of = found[key] = SpentOn(**named)
        of.add(_spent(call))
    return [found[key] for key in sorted(found)]


def write_spend(calls: Iterable[Call]) -> list[Write]:
    """What adds ``calls`` to the sums, for the commit that records them. Always in one order, so that writers never deadlock."""
    rows = [storable(msgspec.structs.asdict(one)) for one in spend_of(calls)]
    return [(UPSERT_SPEND, rows)] if rows else []


async def sum_spend(db: Database, by: By, chosen: Chosen, hidden: Collection[str] = ()) -> dict[tuple[str | int, str], Spent]:
    """What was spent, by the id, name or day and the currency. The calls of requests in ``hidden`` are left out."""
    left_out = await _hidden(db, hidden)
    rows = await db.read(_SELECT_BY[by], **msgspec.structs.asdict(chosen))
    found = {(row["what"], row["currency"]): Spent(**{name: row[name] for name in _SUMS}) for row in rows}
    for one in left_out.values():
        if _is_chosen(one, chosen) and (spent := found.get((getattr(one, _COLUMNS[by]), one.currency))) is not None:
            spent.add(one, -1)
    return {key: spent for key, spent in found.items() if spent.calls > 0}


async def each_spend(db: Database, chosen: Chosen, hidden: Collection[str] = ()) -> AsyncIterator[SpentOn]:
    """Every sum there is, in the order of their keys, a thousand at a time."""
    left_out = await _hidden(db, hidden)
    after: dict[str, Any] = {"after_day": -1, **{f"after_{name}": "" for name in _KEY[1:]}}
    while True:
        rows = await db.read(_SELECT_PAGE, **msgspec.structs.asdict(chosen), **after, limit=_AT_ONCE)
        for row in rows:
            one = _read(row)
            if (hide := left_out.get(_key(one))) is not None:
                one.add(hide, -1)
            if one.calls > 0:
                yield one
        if len(rows) < _AT_ONCE:
            return
        after = {f"after_{name}": rows[-1][name] for name in _KEY}


async def each_billed(db: Database, provider: str, since: int, until: int, hidden: Collection[str] = ()) -> AsyncIterator[Call]:
    """The calls that a provider sent a bill of its own with, of the days from ``since`` up to before ``until``; those of requests in
    ``hidden`` are left out."""
    after = ""
    while rows := await db.read(
        SELECT_BILLED, provider=provider, after=after, since=since * DAY_US, until=until * DAY_US, limit=_AT_ONCE
    ):
        for row in rows:
            if row["request_id"] not in hidden:
                yield read_call(row)
        after = rows[-1]["id"]


async def spenders(db: Database) -> dict[tuple[str, str], str]:
    """The names of keys, users and teams, by kind and id."""
    return {(row["kind"], row["id"]): row["name"] for row in await db.read(SELECT_NAMES)}


def _spent(call: Call) -> Spent:
    usage = call.usage
    cost = 0 if call.cost is None else call.cost.nano
    low, high = call.cost_between or (cost, cost)
    spent = Spent(
        calls=1,
        failed=int(call.outcome in ("error", "timeout")),
        unpriced=int(call.outcome == "ok" and call.cost is None),
        estimated=int(call.cost_between is not None),
        cost_nano=cost,
        low_nano=low,
        high_nano=high,
    )
    if usage is not None:
        spent.cache_read_tokens = usage.cache_read
        spent.cache_write_tokens = usage.cache_write_5m + usage.cache_write_1h
        spent.input_tokens = usage.total_input - spent.cache_read_tokens - spent.cache_write_tokens
        spent.output_tokens = usage.total_output
    return spent


async def _hidden(db: Database, hidden: Collection[str]) -> dict[tuple[Any, ...], SpentOn]:
    if not hidden:
        return {}
    rows = await db.read(SELECT_HIDDEN, hidden=list(hidden), since=min(hidden)[:_MILLIS])
    return {_key(one): one for one in spend_of(read_call(row) for row in rows)}


def _key(one: SpentOn) -> tuple[Any, ...]:
    return tuple(getattr(one, name) for name in _KEY)


def _is_chosen(one: SpentOn, chosen: Chosen) -> bool:
    if (chosen.since is not None and one.day < chosen.since) or (chosen.until is not None and one.day >= chosen.until):
        return False
    named = {"key": one.key_id, "user": one.user_id, "team": one.team_id, "model": one.model}
    named |= {"provider": one.provider, "purpose": one.purpose}
    return all((wanted := getattr(chosen, name)) is None or wanted == value for name, value in named.items())


def _read(row: Row) -> SpentOn:
    return SpentOn(**{name: row[name] for name in (*_KEY, *_SUMS)})
