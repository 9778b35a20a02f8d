"""What one currency costs in another, as somebody stated it on a day: budgets in one count what was paid in others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import msgspec

_MICRO = 1_000_000


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one unit of a currency cost in US dollars on ``date``, as ``source`` says."""

    in_usd: Annotated[float, msgspec.Meta(gt=0, lt=1e6)]
    date: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d$")]
    source: Annotated[str, msgspec.Meta(min_length=1)]


class Ratio(NamedTuple):
    """Whole numbers, so that the database converts exactly as we do."""

    over: int
    under: int

    def convert(self, nano: int) -> int:
        """``nano`` of the one currency in the other, rounded half up."""
        return (nano * self.over + self.under // 2) // self.under


SAME = Ratio(1, 1)


class Rates:
    """Converts by the table ``[rates]`` of the settings, kept to a millionth of a dollar."""

    def __init__(self, rates: Mapping[str, Rate] | None = None):
        self._micro = {"USD": _MICRO} | {name: max(1, round(rate.in_usd * _MICRO)) for name, rate in (rates or {}).items()}

    @property
    def currencies(self) -> tuple[str, ...]:
        """Those that can be converted."""
        return tuple(sorted(self._micro))

    def ratio(self, source: str, target: str) -> Ratio | None:
        """How to convert from ``source`` to ``target``; None where no rate is known."""
        if source == target:
            return SAME
        over, under = self._micro.get(source), self._micro.get(target)
        return None if over is None or under is None else Ratio(over, under)
