"""The record of calls, searched: by who asked, what was asked and what came of it, over any span of time.

Calls are looked at in the order of their ids, that is of when they began, the newest first. No search has an index of its own: an
index costs every call, and few searches would use it. Instead each search looks at a bounded number of calls and says where it
stopped, so that each question takes a bounded time however many calls there are, and a rare call is found by going on.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal, TypeAlias

import msgspec

from assay.core.call import Call, Outcome, Purpose
from assay.core.money import Money
from assay.store.database import Database, Row
from assay.store.queries import SHOWN_POSTGRESQL, SHOWN_SQLITE, read_call
from assay.store.sql import Sql

LOOK = 50_000
"""How many calls one search looks at."""

COUNT = 100_000
"""How many calls are looked at for sums."""

BARS = 72
"""At most so many columns has a picture of calls over time."""

_RECENT = 20_000
_RECENT_US = 600_000_000
_STEPS_S = (1, 5, 15, 60, 300, 900, 3600, 10_800, 21_600, 86_400, 604_800)
_FIRST, _LAST = "", "zz"
"""Below and above every id, however a database sorts text."""

ChosenOutcome: TypeAlias = Outcome | Literal["failed"]
"""``failed`` is an error or a timeout."""

_COLUMNS = """
    id, request_id, at, purpose, outcome, asked, deployment, provider, model, protocol, stream, duration_us, ttft_us, key_id, status,
    error, stop, usage, cost_nano, cost_currency, request, reply, upstream_id, losses, client_protocol, operation, NULL AS timeline,
    user_id, team_id, provider_key, low_nano, high_nano, cached
"""
_CHOSEN = """
    id < :before AND id >= :floor
      AND (CAST(:since AS BIGINT) IS NULL OR at >= :since)
      AND (CAST(:until AS BIGINT) IS NULL OR at < :until)
      AND (CAST(:purpose AS TEXT) IS NULL OR purpose = :purpose)
      AND (CAST(:outcome AS TEXT) IS NULL OR outcome = :outcome OR (:outcome = 'failed' AND outcome IN ('error', 'timeout')))
      AND (CAST(:error AS TEXT) IS NULL OR error = :error)
      AND (CAST(:provider AS TEXT) IS NULL OR provider = :provider)
      AND (CAST(:model AS TEXT) IS NULL OR model = :model OR asked = :model OR deployment = :model)
      AND (CAST(:text AS TEXT) IS NULL OR LOWER(asked) LIKE :text ESCAPE '!' OR LOWER(deployment) LIKE :text ESCAPE '!')
      AND (CAST(:key AS TEXT) IS NULL OR key_id = :key)
      AND (CAST(:user AS TEXT) IS NULL OR user_id = :user)
      AND (CAST(:team AS TEXT) IS NULL OR team_id = :team)
      AND {shown}
"""


def _both(text: str) -> Sql:
    return Sql(sqlite=text.format(shown=SHOWN_SQLITE), postgresql=text.format(shown=SHOWN_POSTGRESQL))


SELECT_FOUND = _both(f"SELECT {_COLUMNS} FROM calls WHERE {_CHOSEN} ORDER BY id DESC LIMIT :limit")  # noqa: S608 - constants
SELECT_FLOOR = Sql("SELECT id, at FROM calls WHERE id < :before AND id >= :floor ORDER BY id DESC LIMIT 1 OFFSET :look")
SELECT_ENDS = Sql("""
    SELECT MIN(at) AS oldest, MAX(at) AS newest FROM (
        SELECT at FROM (SELECT at FROM calls WHERE id < :before AND id >= :floor ORDER BY id LIMIT 1) AS first
        UNION ALL
        SELECT at FROM (SELECT at FROM calls WHERE id < :before AND id >= :floor ORDER BY id DESC LIMIT 1) AS last
    ) AS ends
""")
SELECT_SUMS = _both(f"""
    SELECT (at - :start) / :step AS bar, cost_currency AS currency, COUNT(*) AS calls,
      CAST(SUM(CASE WHEN outcome IN ('error', 'timeout') THEN 1 ELSE 0 END) AS BIGINT) AS failed,
      CAST(SUM(CASE WHEN outcome = 'ok' AND cost_nano IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS unpriced,
      CAST(SUM(CASE WHEN low_nano IS NULL THEN 0 ELSE 1 END) AS BIGINT) AS estimated,
      CAST(SUM(COALESCE(input_tokens, 0)) AS BIGINT) AS input_tokens,
      CAST(SUM(COALESCE(output_tokens, 0)) AS BIGINT) AS output_tokens,
      CAST(SUM(COALESCE(cost_nano, 0)) AS BIGINT) AS cost_nano
    FROM calls WHERE {_CHOSEN} GROUP BY 1, 2
""")  # noqa: S608 - constants
_RECENTLY = f"""
    SELECT * FROM (SELECT {_COLUMNS} FROM calls WHERE id >= :floor ORDER BY id DESC LIMIT :look) AS recent
    WHERE at + duration_us >= :ended AND {{shown}} ORDER BY id
"""  # noqa: S608 - constants
SELECT_RECENT = _both(_RECENTLY)


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls: None leaves a thing open. ``model`` is the name asked for, the deployment's or its model's; ``text`` is a part of
    the first two; ``since`` up to before ``until`` are microseconds UTC."""

    purpose: Purpose | None = None
    outcome: ChosenOutcome | None = None
    error: str | None = None
    provider: str | None = None
    model: str | None = None
    text: str | None = None
    key: str | None = None
    user: str | None = None
    team: str | None = None
    since: int | None = None
    until: int | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether some calls of the span are left out."""
        return any(getattr(self, name) is not None for name in self.__struct_fields__ if name not in {"since", "until"})


class Found(msgspec.Struct, frozen=True):
    """Some calls, the newest first, without their timelines. ``next`` is the ``before`` with which to go on; None at the end."""

    calls: list[Call]
    next: str | None


class Bar(msgspec.Struct, frozen=True):
    """Calls that began within one step, from ``at`` (microseconds UTC)."""

    at: int
    calls: int
    failed: int


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """What calls come to. ``since`` to ``until`` (microseconds UTC) is the span that was counted; ``whole`` is false where older
    calls of the span asked for were not looked at. ``unpriced`` were answered and have no cost, ``estimated`` have an estimate."""

    since: int
    until: int
    step_s: int
    whole: bool
    calls: int
    failed: int
    unpriced: int
    estimated: int
    input_tokens: int
    output_tokens: int
    costs: list[Money]
    bars: list[Bar]


async def find_calls(
    db: Database, limit: int, chosen: Chosen, before: str | None = None, hidden: Collection[str] = (), look: int = LOOK
) -> Found:
    """The newest of the calls that are ``chosen``, before the call id ``before``; those whose ``request_id`` is in ``hidden`` are
    left out. ``look`` bounds how many are looked at; then fewer than ``limit`` may be found though there are more.
    """
    span = _span(chosen, before)
    stop = await _floor(db, span, look) if chosen.is_narrow else None
    if stop is not None:
        span["floor"] = stop["id"]
    rows = await db.read(SELECT_FOUND, **span, **_params(chosen, hidden), limit=limit)
    if len(rows) == limit:
        return Found([read_call(row) for row in rows], rows[-1]["id"])
    return Found([read_call(row) for row in rows], None if stop is None else stop["id"])


async def sum_calls(db: Database, chosen: Chosen, hidden: Collection[str] = (), look: int = COUNT) -> Sums | None:
    """What the calls that are ``chosen`` come to, among the newest ``look`` of their span; None where the span has no call."""
    span = _span(chosen, None)
    stop = await _floor(db, span, look)
    if stop is not None:
        span["floor"] = stop["id"]
    (ends,) = await db.read(SELECT_ENDS, **span)
    if ends["oldest"] is None:
        return None
    since = ends["oldest"] if stop is not None or chosen.since is None else chosen.since
    until = chosen.until or max(ends["newest"], since) + 1
    step = _step_us(until - since)
    start = since - since % step
    rows = await db.read(SELECT_SUMS, **span, **_params(chosen, hidden), start=start, step=step)
    return _sums(rows, start, until, step, whole=stop is None)


async def calls_that_ended(db: Database, ended: int, now: int, hidden: Collection[str] = ()) -> list[Call]:
    """Calls that ended at ``ended`` (microseconds UTC) or later, in the order in which they began; those whose ``request_id`` is in
    ``hidden`` are left out. A call is on record when it has ended, so it may be older than many others: the newest 20,000 of the
    ten minutes before ``now`` are looked at.
    """
    rows = await db.read(SELECT_RECENT, floor=id_at(now - _RECENT_US), look=_RECENT, ended=ended, hidden=list(hidden))
    return [read_call(row) for row in rows]


def id_at(at: int) -> str:
    """What the ids of calls that began at ``at`` (microseconds UTC) or later are not below."""
    millis = f"{max(at, 0) // 1000:012x}"
    return f"{millis[:8]}-{millis[8:]}"


def _span(chosen: Chosen, before: str | None) -> dict[str, Any]:
    """By ids, a second wider than the times: an id is made a moment before its call's time is taken."""
    floor = _FIRST if chosen.since is None else id_at(chosen.since - 1_000_000)
    end = _LAST if chosen.until is None else id_at(chosen.until + 1_000_000)
    return {"floor": floor, "before": end if before is None else min(before, end)}


async def _floor(db: Database, span: dict[str, Any], look: int) -> Row | None:
    """The last of the ``look`` calls to be looked at, where there are more."""
    rows = await db.read(SELECT_FLOOR, **span, look=look - 1)
    return rows[0] if rows else None


def _params(chosen: Chosen, hidden: Collection[str]) -> dict[str, Any]:
    return msgspec.structs.asdict(chosen) | {"text": _like(chosen.text), "hidden": list(hidden)}


def _like(text: str | None) -> str | None:
    if text is None:
        return None
    plain = text.lower()
    for special in "!%_":
        plain = plain.replace(special, f"!{special}")
    return f"%{plain}%"


def _step_us(span: int) -> int:
    return next((step for step in _STEPS_S if span // (step * 1_000_000) < BARS - 1), _STEPS_S[-1]) * 1_000_000


def _sums(rows: list[Row], start: int, until: int, step: int, *, whole: bool) -> Sums:
    def total(name: str) -> int:
        return sum(row[name] for row in rows)

    costs: dict[str, int] = {}
    bars: dict[int, list[int]] = {}
    for row in rows:
        if row["currency"] is not None:
            costs[row["currency"]] = costs.get(row["currency"], 0) + row["cost_nano"]
        bar = bars.setdefault(row["bar"], [0, 0])
        bar[0] += row["calls"]
        bar[1] += row["failed"]
    return Sums(
        since=start,
        until=until,
        step_s=step // 1_000_000,
        whole=whole,
        calls=total("calls"),
        failed=total("failed"),
        unpriced=total("unpriced"),
        estimated=total("estimated"),
        input_tokens=total("input_tokens"),
        output_tokens=total("output_tokens"),
        costs=[Money(nano, currency) for currency, nano in sorted(costs.items())],
        bars=[Bar(start + at * step, calls, failed) for at, (calls, failed) in sorted(bars.items())],
    )
