"""What was spent here beside what a provider says it was: by day and model, how far apart they are, and what explains it."""

from __future__ import annotations

import heapq
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from assay.core import Call, Money, Price, Usage, iso
from assay.gateway.control.reports import Reported
from assay.gateway.spend import date_of
from assay.store.spend import SpentOn

DriftReason: TypeAlias = Literal[
    "equal", "within_estimates", "missing_here", "missing_there", "unpriced", "tokens", "price", "unknown"
]
"""``within_estimates``: calls without a count are among ours, and the difference is within their bounds. ``missing_here``: nothing of
it went through this gateway. ``missing_there``: the report does not know it, or not yet. ``tokens``: they count others than we do, most in
``bucket``; ``price``: the same tokens cost another amount. ``unknown``: the report does not tell tokens."""
TokenBucket: TypeAlias = Literal["input", "cache_read", "cache_write", "output"]

_BUCKETS: tuple[TokenBucket, ...] = ("input", "cache_read", "cache_write", "output")
_USUAL = {"input": 1.0, "cache_read": 0.1, "cache_write": 1.25, "output": 5.0}
"""What tokens cost beside each other where no price is known: by Anthropic's list, 2026-11."""

_EQUAL_PART = 0.001
_EQUAL_NANO = 1_000_000
"""Reports are rounded: a tenth of a cent is nothing."""

_WORST = 20
_DATED = re.compile(r"[-@](?:\d{4}-\d{2}-\d{2}|\d{8})$")


class Counted(msgspec.Struct, kw_only=True):
    """What one side counts; None where it does not say. ``low`` and ``high`` bound the cost, where estimates are in it."""

    calls: int | None = None
    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    output: int | None = None
    tokens: int | None = None
    nano: int | None = None
    low: int | None = None
    high: int | None = None
    estimated: int = 0
    unpriced: int = 0


class DriftLine(msgspec.Struct, frozen=True, kw_only=True):
    """One model on one day (None: all models). ``drift_nano`` is ours less theirs, ``drift`` its part of theirs; where a report
    has no costs, ``drift`` is of tokens."""

    day: str
    model: str | None
    currency: str
    ours: Counted | None
    theirs: Counted | None
    drift_nano: int | None
    drift: float | None
    reason: DriftReason
    bucket: TokenBucket | None


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """All lines, and their sums. ``beyond`` is how far their sum lies outside of our bounds, as a part of it: what no estimate explains."""

    provider: str
    since: str
    until: str
    lines: list[DriftLine]
    currency: str
    ours_nano: int
    low_nano: int
    high_nano: int
    theirs_nano: int | None
    drift: float | None
    beyond: float | None
    missing_here: list[str]
    missing_there: list[str]
    unpriced: list[str]


Key: TypeAlias = tuple[int, str | None]


def reconcile(provider: str, theirs: Sequence[Reported], ours: Iterable[SpentOn], prices: Mapping[str, Price]) -> Reconciliation:
    """Lay both beside each other. Days outside of the report's first and last are left out; ``prices`` are today's, by model."""
    first, last = min(one.day for one in theirs), max(one.day for one in theirs)
    within = [one for one in ours if first <= one.day <= last]
    by_model = any(one.model is not None for one in theirs)
    known = {one.model for one in within}
    currency = next((one.cost.currency for one in theirs if one.cost is not None), "USD")
    here: dict[Key, Counted] = {}
    for spent in within:
        _add_ours(here.setdefault((spent.day, spent.model if by_model else None), Counted()), spent, currency)
    there: dict[Key, Counted] = {}
    for reported in theirs:
        _add_theirs(there.setdefault((reported.day, match(reported.model, known)), Counted()), reported, currency)
    keys = sorted(here.keys() | there.keys(), key=lambda key: (key[0], key[1] or ""))
    lines = [_line(key, here.get(key), there.get(key), currency, prices) for key in keys]
    return _summed(provider, first, last, lines, currency)


def match(model: str | None, known: Iterable[str]) -> str | None:
    """The name by which we know a model that a provider reports: its own, or without the maker before it and the date behind it."""
    names = set(known)
    if model is None or model in names:
        return model
    bare = _DATED.sub("", model.rpartition("/")[2])
    same = [name for name in sorted(names) if _DATED.sub("", name.rpartition("/")[2]) == bare]
    return same[0] if same else model


def _add_ours(side: Counted, spent: SpentOn, currency: str) -> None:
    counts = {"calls": spent.calls, "input": spent.input_tokens, "cache_read": spent.cache_read_tokens}
    counts |= {"cache_write": spent.cache_write_tokens, "output": spent.output_tokens}
    _add(side, counts)
    side.tokens = (side.tokens or 0) + sum(count for name, count in counts.items() if name != "calls")
    side.estimated += spent.estimated
    side.unpriced += spent.unpriced
    if spent.currency in (currency, ""):
        _add(side, {"nano": spent.cost_nano, "low": spent.low_nano, "high": spent.high_nano})


def _add_theirs(side: Counted, reported: Reported, currency: str) -> None:
    counts: dict[str, int | None] = {name: getattr(reported, name) for name in _BUCKETS}
    told = [count for count in counts.values() if count is not None]
    counts["calls"] = reported.requests
    counts["tokens"] = sum(told) if told else reported.tokens
    if reported.cost is not None and reported.cost.currency == currency:
        counts["nano"] = reported.cost.nano
    _add(side, counts)


def _add(side: Counted, counts: Mapping[str, int | None]) -> None:
    for name, count in counts.items():
        if count is not None:
            setattr(side, name, (getattr(side, name) or 0) + count)


def _line(key: Key, ours: Counted | None, theirs: Counted | None, currency: str, prices: Mapping[str, Price]) -> DriftLine:
    drift_nano: int | None = None
    drift: float | None = None
    if ours is not None and theirs is not None:
        if theirs.nano is not None:
            drift_nano = (ours.nano or 0) - theirs.nano
            drift = drift_nano / theirs.nano if theirs.nano else None
        elif theirs.tokens:
            drift = ((ours.tokens or 0) - theirs.tokens) / theirs.tokens
    reason, bucket = _explain(ours, theirs, drift_nano, drift, prices.get(key[1] or ""))
    day, model = date_of(key[0]), key[1]
    return DriftLine(
        day=day, model=model, currency=currency, ours=ours, theirs=theirs, drift_nano=drift_nano, drift=drift, reason=reason, bucket=bucket
    )  # fmt: skip


def _explain(
    ours: Counted | None, theirs: Counted | None, drift_nano: int | None, drift: float | None, price: Price | None
) -> tuple[DriftReason, TokenBucket | None]:
    if ours is None:
        return "missing_here", None
    if theirs is None:
        return "missing_there", None
    if drift_nano is None:
        equal = drift is not None and abs(drift) <= _EQUAL_PART
        return ("equal", None) if equal else _explain_tokens(ours, theirs, price)
    if abs(drift_nano) <= _EQUAL_NANO or (drift is not None and abs(drift) <= _EQUAL_PART):
        return "equal", None
    if ours.estimated and (ours.low or 0) <= (theirs.nano or 0) <= (ours.high or 0):
        return "within_estimates", None
    if ours.unpriced:
        return "unpriced", None
    return _explain_tokens(ours, theirs, price)


def _explain_tokens(ours: Counted, theirs: Counted, price: Price | None) -> tuple[DriftReason, TokenBucket | None]:
    """Which bucket differs by the most money."""
    apart: dict[TokenBucket, float] = {}
    for bucket in _BUCKETS:
        count = getattr(theirs, bucket)
        if count is not None:
            apart[bucket] = abs((getattr(ours, bucket) or 0) - count) * _weight(bucket, price)
    if not apart:
        return ("unknown" if theirs.tokens is None else "price" if theirs.tokens == ours.tokens else "tokens"), None
    worst = max(apart, key=lambda bucket: apart[bucket])
    return ("tokens", worst) if apart[worst] > 0 else ("price", None)


def _weight(bucket: TokenBucket, price: Price | None) -> float:
    if price is None:
        return _USUAL[bucket]
    field = "cache_write_5m" if bucket == "cache_write" else bucket
    return float(price.cost(msgspec.structs.replace(Usage(), **{field: 1_000_000})).nano)


def _summed(provider: str, first: int, last: int, lines: list[DriftLine], currency: str) -> Reconciliation:
    ours = [line.ours for line in lines if line.ours is not None]
    nano, low, high = (sum(getattr(side, name) or 0 for side in ours) for name in ("nano", "low", "high"))
    billed = [line.theirs.nano for line in lines if line.theirs is not None and line.theirs.nano is not None]
    theirs = sum(billed) if billed else None
    if theirs is not None:
        drift = (nano - theirs) / theirs if theirs else None
        beyond = max(low - theirs, theirs - high, 0) / theirs if theirs else None
    else:
        counted = sum(line.theirs.tokens or 0 for line in lines if line.theirs is not None)
        drift = (sum(side.tokens or 0 for side in ours) - counted) / counted if counted else None
        beyond = None if drift is None else abs(drift)
    days_here = {line.day for line in lines if line.ours is not None}
    days_there = {line.day for line in lines if line.theirs is not None}
    return Reconciliation(
        provider=provider,
        since=date_of(first),
        until=date_of(last + 1),
        lines=lines,
        currency=currency,
        ours_nano=nano,
        low_nano=low,
        high_nano=high,
        theirs_nano=theirs,
        drift=drift,
        beyond=beyond,
        missing_here=sorted(days_there - days_here),
        missing_there=sorted(days_here - days_there),
        unpriced=sorted({line.model for line in lines if line.model and line.ours is not None and line.ours.unpriced}),
    )


class DifferingBill(msgspec.Struct, frozen=True, kw_only=True):
    """A call whose provider sent a bill of its own that the price list does not come to."""

    id: str
    at: str
    model: str
    reported: Money
    listed: Money


class ModelBills(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of one model that came with a bill: what those say together, and what the price list says."""

    model: str
    calls: int
    differing: int
    reported_nano: int
    listed_nano: int
    currency: str
    worst: list[DifferingBill]


async def compare_bills(calls: AsyncIterator[Call], prices: Mapping[str, Price]) -> list[ModelBills]:
    """The bills of calls beside the price list, by model; of those that differ, the twenty that differ most."""
    found: dict[tuple[str, str], _Bills] = {}
    async for call in calls:
        price, usage = prices.get(call.model), call.usage
        if usage is None or usage.reported is None or price is None or price.currency != usage.reported.currency:
            continue
        found.setdefault((call.model, price.currency), _Bills()).add(call, usage.reported, price.cost(usage))
    return [
        ModelBills(
            model=model,
            calls=bills.calls,
            differing=bills.differing,
            reported_nano=bills.reported,
            listed_nano=bills.listed,
            currency=currency,
            worst=[one for _, _, one in sorted(bills.worst, key=lambda kept: -kept[0])],
        )
        for (model, currency), bills in sorted(found.items())
    ]


class _Bills:
    def __init__(self) -> None:
        self.calls = self.differing = self.reported = self.listed = 0
        self.worst: list[tuple[int, str, DifferingBill]] = []

    def add(self, call: Call, reported: Money, listed: Money) -> None:
        self.calls += 1
        self.reported += reported.nano
        self.listed += listed.nano
        apart = abs(reported.nano - listed.nano)
        # What a provider sends in dollars is rounded, by some to a millionth.
        if apart <= max(1000, listed.nano * _EQUAL_PART):
            return
        self.differing += 1
        one = DifferingBill(id=call.id, at=iso(call.at), model=call.model, reported=reported, listed=listed)
        heapq.heappush(self.worst, (apart, call.id, one))
        if len(self.worst) > _WORST:
            heapq.heappop(self.worst)
