"""What was measured of both contestants beside their answers' worth: money, time, failures, form and length.

Each number is of the same items for both, wherever both are known, so that the difference is the difference of the two. All
intervals are 95 % and by cluster (`assay.stats.spread`, `assay.stats.paired`), and do not allow for looking early: they are read
at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.challenge.item import Item
from assay.challenge.report import Estimate, Metric
from assay.challenge.spec import SIDES, Side
from assay.challenge.trial import Ending, Trial
from assay.judge import is_refusal, schema_valid
from assay.stats import Interval, paired_mean, paired_quantile, paired_share, quantile, share
from assay.stats import mean as mean_of

_NANO = 1e9
_THOUSAND = 1000
_US_PER_MS = 1000


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """What one trial comes to in numbers; None where it is not known or does not apply. ``cost`` in units of ``currency``."""

    ending: Ending
    cost: float | None = None
    currency: str | None = None
    ttft_ms: float | None = None
    total_ms: float | None = None
    refused: float | None = None
    truncated: float | None = None
    schema_valid: float | None = None
    length: float | None = None
    output_tokens: float | None = None
    failed: float
    diverged: float


Facts: TypeAlias = Mapping[int, Mapping[Side, Fact]]
"""By item number and side."""
Known: TypeAlias = MutableMapping[tuple[int, Side], tuple[Trial, Fact]]
"""What trials came to, kept from one report of a challenge to the next."""
_Floats: TypeAlias = NDArray[np.float64]
_Of: TypeAlias = Callable[[Fact], float | None]


def fact_of(item: Item, trial: Trial) -> Fact:
    """The numbers of one trial. A failed trial has none but that it failed: a failure is never an answer."""
    failed, diverged = float(trial.ending == "failed"), float(trial.ending == "diverged")
    if trial.ending != "answered":
        return Fact(ending=trial.ending, failed=failed, diverged=diverged)
    answer, cost = trial.answer, trial.cost
    valid = schema_valid(item.request, answer)
    return Fact(
        ending=trial.ending,
        failed=failed,
        diverged=diverged,
        cost=None if cost is None else cost.nano / _NANO,
        currency=None if cost is None else cost.currency,
        ttft_ms=None if trial.ttft_us is None else trial.ttft_us / _US_PER_MS,
        total_ms=None if trial.duration_us is None else trial.duration_us / _US_PER_MS,
        refused=float(is_refusal(answer, trial.stop)),
        truncated=float(trial.stop == "length"),
        schema_valid=None if valid is None else float(valid),
        length=float(len(answer.text)),
        output_tokens=None if trial.usage is None else float(trial.usage.total_output),
    )


def measure(facts: Facts, clusters: Sequence[str]) -> tuple[Metric, ...]:
    """All metrics. ``clusters[n - 1]`` is the cluster of item n."""
    return tuple(_metrics(facts, clusters))


def _metrics(facts: Facts, clusters: Sequence[str]) -> Iterator[Metric]:
    currencies = _currencies(facts)
    currency = currencies[0] if currencies else None
    missing = "other_currency" if len(currencies) > 1 else "no_price"
    columns = _Columns(facts, clusters)
    yield columns.mean("cost_per_1000", currency or "", _cost_in(currency), better="lower", times=_THOUSAND, nothing=missing)
    for name, of in (("ttft", _ttft), ("total", _total)):
        for label, q in (("p50", 0.5), ("p95", 0.95)):
            yield columns.quantile(f"{name}_{label}", of, q)
    yield columns.rate("failure_rate", lambda fact: fact.failed, better="lower")
    yield columns.rate("refusal_rate", lambda fact: fact.refused, better=None)
    yield columns.rate("truncation_rate", lambda fact: fact.truncated, better="lower")
    yield columns.rate("schema_valid_rate", lambda fact: fact.schema_valid, better="higher", nothing="no_json_asked")
    yield columns.rate("divergence_rate", lambda fact: fact.diverged, better=None)
    yield columns.mean("length", "characters", lambda fact: fact.length)
    yield columns.mean("output_tokens", "tokens", lambda fact: fact.output_tokens)


class _Columns:
    """Picks one number of each trial, and makes a metric of it."""

    def __init__(self, facts: Facts, clusters: Sequence[str]):
        codes = {name: code for code, name in enumerate(dict.fromkeys(clusters))}
        self._codes = np.array([codes[name] for name in clusters], np.int64)
        self._both = {n: sides for n, sides in facts.items() if len(sides) == len(SIDES)}
        self._facts = facts

    def mean(
        self,
        name: str,
        unit: str,
        of: _Of,
        *,
        better: Literal["lower"] | None = None,
        times: float = 1,
        nothing: str | None = None,
    ) -> Metric:
        x, y, codes = self._pairs(of)
        if x.size:
            difference = _estimate(paired_mean(x * times, y * times, codes))
            return _metric(
                name, unit, _estimate(mean_of(x * times, codes)), _estimate(mean_of(y * times, codes)), difference, better
            )
        own, others = (mean_of(values * times, codes) for values, codes in (self._alone(of, side) for side in SIDES))
        return _metric(name, unit, _estimate(own, nothing), _estimate(others, nothing), _not_both(own, others, nothing), better)

    def quantile(self, name: str, of: _Of, q: float) -> Metric:
        x, y, codes = self._pairs(of)
        if not x.size:
            own, others = (quantile(values, q, codes) for values, codes in (self._alone(of, side) for side in SIDES))
            return _metric(name, "ms", _estimate(own), _estimate(others), _not_both(own, others), "lower")
        challenger, incumbent = quantile(x, q, codes), quantile(y, q, codes)
        difference = _estimate(paired_quantile(x, y, q, codes))
        return _metric(name, "ms", _estimate(challenger), _estimate(incumbent), difference, "lower")

    def rate(self, name: str, of: _Of, *, better: Literal["lower", "higher"] | None, nothing: str | None = None) -> Metric:
        x, y, codes = self._pairs(of)
        if not x.size:
            missing = Estimate(reason=nothing if nothing and self._both else "no_data")
            return _metric(name, "share", missing, missing, missing, better)
        challenger, incumbent = share(x, x.size, codes), share(y, y.size, codes)
        difference = _estimate(paired_share(x, y, codes))
        return _metric(name, "share", _estimate(challenger), _estimate(incumbent), difference, better)

    def _pairs(self, of: _Of) -> tuple[_Floats, _Floats, NDArray[np.int64]]:
        """The number of both, for the items where both have one, with the items' clusters."""
        found = [
            (x, y, number - 1)
            for number, sides in self._both.items()
            if (x := of(sides["challenger"])) is not None and (y := of(sides["incumbent"])) is not None
        ]
        at = np.array([number for _, _, number in found], np.int64)
        return np.array([x for x, _, _ in found]), np.array([y for _, y, _ in found]), self._codes[at]

    def _alone(self, of: _Of, side: Side) -> tuple[_Floats, NDArray[np.int64]]:
        """The number of one side, for all items where it has one."""
        found = [(x, number - 1) for number, sides in self._facts.items() if side in sides and (x := of(sides[side])) is not None]
        return np.array([x for x, _ in found]), self._codes[np.array([number for _, number in found], np.int64)]


def _metric(
    name: str,
    unit: str,
    challenger: Estimate,
    incumbent: Estimate,
    difference: Estimate,
    better: Literal["lower", "higher"] | None,
) -> Metric:
    return Metric(name=name, unit=unit, challenger=challenger, incumbent=incumbent, difference=difference, better=better)


def _estimate(found: Interval, nothing: str | None = None) -> Estimate:
    """``nothing`` is the reason where there was nothing to measure and more than that is known."""
    reason = nothing if nothing is not None and found.reason == "no_data" else found.reason
    return Estimate(value=found.value, low=found.low, high=found.high, n=found.n, reason=reason)


def _not_both(own: Interval, others: Interval, nothing: str | None = None) -> Estimate:
    """There is no difference where not both are known of any one item."""
    missing = own.value is None and others.value is None
    return Estimate(reason=(nothing or "no_data") if missing else "not_both_known")


def _currencies(facts: Facts) -> list[str]:
    """The currencies of all costs, the commonest first. Costs in another than that are not compared with those in it."""
    seen = Counter(fact.currency for sides in facts.values() for fact in sides.values() if fact.currency is not None)
    return sorted(seen, key=lambda currency: (-seen[currency], currency))


def _cost_in(currency: str | None) -> _Of:
    return lambda fact: fact.cost if fact.currency == currency else None


def _ttft(fact: Fact) -> float | None:
    return fact.ttft_ms


def _total(fact: Fact) -> float | None:
    return fact.total_ms
