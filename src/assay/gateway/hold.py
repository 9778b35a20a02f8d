"""What was set aside of budgets and limits for one attempt at a request, until it is on record what it used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

Mark: TypeAlias = Any
"""What a meter gives to know again, later, what it gave."""


class Meter(Protocol):
    """Something of which a request takes a part: a budget, a rate, places at a time. None of it waits."""

    def has(self, need: int, at_us: int, now_s: float) -> bool:
        """Whether so much can be set aside, at a time of the steady clock (microseconds UTC, seconds)."""
        ...

    def take(self, need: int, now_s: float) -> Mark:
        """Set it aside."""
        ...

    def expect(self, need: int) -> None:
        """So much of what is set aside will be settled within moments; below zero: it is."""
        ...

    def settle(self, need: int, mark: Mark, tokens: int) -> None:
        """What is used of it is known, and counted elsewhere: the rest is free."""
        ...


Need: TypeAlias = tuple[Any, int]
"""A `Meter`, and how much of it."""


class Wanted(NamedTuple):
    """What an attempt needs: one of each of ``singles``, among them ``places`` at a time and budgets of ``requests``; and so much of each of
    ``counted``."""

    places: tuple[Meter, ...]
    requests: tuple[Meter, ...]
    singles: tuple[Meter, ...]
    counted: Sequence[Need]

    @property
    def all(self) -> list[Need]:
        """One after the other."""
        return [*((meter, 1) for meter in self.singles), *self.counted]


class Hold:
    """``Ledger.reserve`` makes it, for one attempt at a request."""

    __slots__ = ("_counted", "_is_over", "_places", "_requests")

    def __init__(self, wanted: Wanted, now_s: float):
        for meter in wanted.singles:
            meter.take(1, now_s)
        self._is_over = False
        self._places = wanted.places
        self._requests = wanted.requests
        self._counted = [(meter, need, meter.take(need, now_s)) for meter, need in wanted.counted]

    def over(self) -> None:
        """The attempt runs no longer: its places are free. What it used is told when its call is settled."""
        for place in self._places:
            place.settle(1, None, 0)
        self._places = ()
        if not self._is_over:
            self._is_over = True
            for meter, need, _ in self._counted:
                meter.expect(need)

    def unused(self) -> None:
        """The attempt surely used nothing, beyond being a request."""
        self._settle_tokens(0)

    def settle(self, tokens: int) -> None:
        """The attempt's call is on record, with so many tokens."""
        self._settle_tokens(tokens)
        for budget in self._requests:
            budget.settle(1, None, 0)
        self._requests = ()

    def _settle_tokens(self, tokens: int) -> None:
        """It is known how many tokens were used; what else was set aside is free."""
        self.over()
        for meter, need, mark in self._counted:
            meter.expect(-need)
            meter.settle(need, mark, tokens)
        self._counted = []
