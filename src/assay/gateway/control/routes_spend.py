"""What was spent, in the API: by whom and on what, and as a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import UTC, date, datetime
from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from assay.api import Endpoint
from assay.core import InvalidInput
from assay.gateway.control.reconcile import ModelBills, Reconciliation, compare_bills, reconcile
from assay.gateway.control.reports import read_report
from assay.gateway.gateway import Gateway
from assay.gateway.spend import SpendRow, as_csv, as_jsonl, date_of, show_spend
from assay.store.spend import By, Chosen, each_billed, each_spend, spenders, sum_spend

HiddenRequests = Callable[[], Awaitable[Collection[str]]]

_EPOCH = date(1970, 1, 1).toordinal()
LARGEST_REPORT = 64 * 1024 * 1024
_FIRST_YEAR, _LAST_YEAR = 1970, 2242
_CHUNK = 64 * 1024
_MEDIA = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


class WhichSpend(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls, by ids and names. ``since`` and ``until`` are days of UTC, such as 2026-11-22, or moments on them; the day of
    ``until`` is counted unless it is a midnight."""

    since: str | None = None
    until: str | None = None
    key: str | None = None
    user: str | None = None
    team: str | None = None
    model: str | None = None
    provider: str | None = None
    purpose: str | None = None


class SpendBy(WhichSpend, frozen=True, kw_only=True):
    """By what the sums are."""

    by: By = "day"


class SpendAs(WhichSpend, frozen=True, kw_only=True):
    """In which format."""

    format: Literal["csv", "jsonl"] = "csv"


class Spend(msgspec.Struct, frozen=True):
    """Sums of calls. ``since`` and ``until`` are the days that were asked for; None: as far as the record goes."""

    rows: list[SpendRow]
    since: str | None
    until: str | None


class Against(msgspec.Struct, frozen=True, kw_only=True):
    """Whose report it is; only the days from ``since`` to ``until`` count. ``calls``: also lay the bills that came with single calls beside
    the price list."""

    provider: str
    since: str | None = None
    until: str | None = None
    calls: bool = False


class Reconciled(msgspec.Struct, frozen=True):
    """The report beside our record; ``bills`` are those of single calls, where they were asked for."""

    report: Reconciliation
    bills: list[ModelBills] | None


class Accounts:
    """The routes' handlers. ``hidden`` names the requests of open battles, whose sums would tell who stands in them."""

    def __init__(self, gateway: Gateway, hidden: HiddenRequests):
        self._gateway = gateway
        self._hidden = hidden

    async def show(self, request: Request, query: SpendBy) -> Spend:
        """What was spent, by key, user, team, model, provider or day."""
        db, chosen = self._gateway.db, _chosen(query)
        sums = await sum_spend(db, query.by, chosen, await self._hidden())
        rows = show_spend(sums, query.by, await spenders(db))
        return Spend(rows, *(None if day is None else date_of(day) for day in (chosen.since, chosen.until)))

    async def export(self, request: Request, query: SpendAs) -> Response:
        """The finest sums there are, a line for each: by day, provider, model, purpose, key and currency."""
        db, chosen = self._gateway.db, _chosen(query)
        sums = each_spend(db, chosen, await self._hidden())
        write = as_csv if query.format == "csv" else as_jsonl
        headers = {"content-disposition": f'attachment; filename="spend.{query.format}"', "cache-control": "no-store"}
        return StreamingResponse(_in_chunks(write(sums, await spenders(db))), media_type=_MEDIA[query.format], headers=headers)

    async def reconcile(self, request: Request, query: Against, body: bytes) -> Reconciled:
        """What a provider reports, whose file is the body, beside what is on record here."""
        db, provider = self._gateway.db, query.provider
        theirs = await asyncio.to_thread(read_report, body)
        since = None if query.since is None else _day(query.since, "since")[0]
        until = None if query.until is None else sum(_day(query.until, "until"))
        theirs = [one for one in theirs if (since is None or one.day >= since) and (until is None or one.day < until)]
        if not theirs:
            raise InvalidInput(
                "reconcile.no_days",
                "The report has no day within the days that were asked for.",
                hint="Ask for other days, or for none, or give a report of these.",
            )
        first, last = min(one.day for one in theirs), max(one.day for one in theirs)
        hidden = await self._hidden()
        ours = [one async for one in each_spend(db, Chosen(provider=provider, since=first, until=last + 1), hidden)]
        prices = {
            model.name: model.price for model in self._gateway.registry.get(provider).provider.models if model.price is not None
        }
        found = reconcile(provider, theirs, ours, prices)
        bills = await compare_bills(each_billed(db, provider, first, last + 1, hidden), prices) if query.calls else None
        return Reconciled(report=found, bills=bills)


def spend_routes(gateway: Gateway, hidden: HiddenRequests) -> list[Endpoint]:
    """The routes; ``hidden`` gives the request ids of open battles."""
    accounts = Accounts(gateway, hidden)
    return [
        Endpoint("GET", "/api/v1/spend", accounts.show),
        Endpoint("GET", "/api/v1/spend/export", accounts.export, gives=str, media="text/csv"),
        Endpoint("POST", "/api/v1/spend/reconcile", accounts.reconcile, largest=LARGEST_REPORT, role="viewer", on_record=False),
    ]


async def _in_chunks(lines: AsyncIterator[str]) -> AsyncIterator[bytes]:
    waiting: list[str] = []
    size = 0
    async for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= _CHUNK:
            yield "".join(waiting).encode()
            waiting, size = [], 0
    yield "".join(waiting).encode()


def _chosen(query: WhichSpend) -> Chosen:
    return Chosen(
        since=None if query.since is None else _day(query.since, "since")[0],
        until=None if query.until is None else sum(_day(query.until, "until")),
        key=query.key,
        user=query.user,
        team=query.team,
        model=query.model,
        provider=query.provider,
        purpose=query.purpose,
    )


def _day(text: str, name: str) -> tuple[int, int]:
    """A day, and 1 where something of it had passed.

    Raises:
        InvalidInput: ``spend.bad_day``.
    """
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo is not None else moment
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise ValueError(text)
    except (ValueError, OverflowError):
        raise InvalidInput(
            "spend.bad_day", f"{name}: {text[:40]!r} is no day.", hint="Write it like 2026-11-22.", param=name
        ) from None
    return moment.toordinal() - _EPOCH, int(moment.time() != datetime.min.time())
