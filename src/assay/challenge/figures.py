"""Numbers as people read them. Precision ends where the interval says: two figures of its half width, no more."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10

import msgspec

from assay.challenge.report import Estimate, Metric
from assay.core import Money

UNKNOWN = "not known"
_MS_PER_S = 1000
_MOST_DECIMALS = 6


class Scale(msgspec.Struct, frozen=True):
    """How the numbers of one row are written: times ``factor``, in ``unit``, with so many ``decimals``."""

    factor: float
    unit: str
    decimals: int
    unit_of_difference: str

    def number(self, value: float, *, signed: bool = False) -> str:
        """``value`` without its unit. A minus is a true minus sign; nothing is written as minus zero."""
        scaled = round(value * self.factor, self.decimals) + 0.0
        written = f"{abs(scaled):,.{self.decimals}f}"
        return f"{_sign(scaled, signed)}{written}"

    def value(self, estimate: Estimate, *, signed: bool = False) -> str | None:
        """The number with its unit; None where there is none."""
        if estimate.value is None:
            return None
        return f"{self.number(estimate.value, signed=signed)} {self.unit_of_difference if signed else self.unit}".rstrip()

    def interval(self, estimate: Estimate, *, signed: bool = False) -> str | None:
        """``LOW to HIGH``, or what is known of it; None where no bound is."""
        low, high = estimate.low, estimate.high
        if low is None and high is None:
            return None
        if low is None or high is None:
            known = self.number(high if low is None else low, signed=signed)  # type: ignore[arg-type]  # one of the two is there
            return f"at most {known}" if low is None else f"at least {known}"
        return f"{self.number(low, signed=signed)} to {self.number(high, signed=signed)}"


SHARES = Scale(100, "%", 1, "points")
_FINEST = 4
"""Decimals of a percentage beyond which nearness is said in words."""


def scale_of(metric: Metric) -> Scale:
    """One scale for a row, so that its numbers can be compared at a glance."""
    estimates = (metric.challenger, metric.incumbent, metric.difference)
    if metric.unit == "share":
        return SHARES
    if metric.unit == "ms":
        in_seconds = max((e.value for e in estimates if e.value is not None), default=0) >= 10 * _MS_PER_S
        factor, unit = (1 / _MS_PER_S, "s") if in_seconds else (1, "ms")
    else:
        factor, unit = 1, metric.unit
    return Scale(factor, unit, _decimals(estimates, factor), unit)


def percent(share: float) -> str:
    """``0.632`` as ``63.2 %``."""
    return f"{SHARES.number(share)} %"


def bound(share: float, margin: float) -> str:
    """The bound of a win rate in per cent, without the sign, with as many decimals as show on which side it lies of one half, and of
    one half less or plus the margin: what was shown must not be rounded away."""
    edges = (0.5 - margin, 0.5, 0.5 + margin)
    for decimals in range(SHARES.decimals, _FINEST + 1):
        rounded = round(share * 100, decimals)
        if all(_side(rounded, round(edge * 100, _FINEST)) == _side(share, edge) for edge in edges):
            return f"{rounded:.{decimals}f}"
    near = min(edges, key=lambda edge: abs(edge - share))
    return f"just {'above' if share > near else 'below'} {near * 100:.1f}"


def points(share: float) -> str:
    """A difference of shares: ``0.05`` as ``5 points``."""
    return f"{share * 100:g} points"


def level(confidence: float) -> str:
    """``0.95`` as ``95 %``."""
    return f"{confidence * 100:.6g} %"


def money(amount: Money) -> str:
    """An amount to four figures, or whole cents where that is finer; no zeros beyond the cents."""
    units = amount.nano / 1_000_000_000
    decimals = 2 if units == 0 or abs(units) >= 1 else min(9, 3 - floor(log10(abs(units))))
    whole, _, cents = f"{units:,.{decimals}f}".partition(".")
    return f"{whole}.{cents.rstrip('0').ljust(2, '0')} {amount.currency}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """``1 item``, ``2 items``, ``1,200 items``."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def listed(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else "".join(words)


def _decimals(estimates: Sequence[Estimate], factor: float) -> int:
    """Two figures of the narrowest half width; without an interval three of the largest value."""
    halves = [(e.high - e.low) / 2 * factor for e in estimates if e.low is not None and e.high is not None and e.high > e.low]
    if halves:
        return _clamped(1 - floor(log10(min(halves))))
    largest = max((abs(e.value) * factor for e in estimates if e.value), default=0)
    return _clamped(2 - floor(log10(largest))) if largest else 0


def _side(value: float, edge: float) -> int:
    return (value > edge) - (value < edge)


def _clamped(decimals: int) -> int:
    return min(_MOST_DECIMALS, max(0, decimals))


def _sign(value: float, signed: bool) -> str:
    if value < 0:
        return "−"
    return "+" if signed and value > 0 else ""
