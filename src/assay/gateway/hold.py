"""What was set aside of budgets and limits for one attempt at a request, until it is on record what it used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

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

    def over(self, need: int) -> None:
        """Nothing runs any longer that it was set aside for."""
        ...

    def settle(self, need: int, mark: Mark, tokens: int) -> None:
        """It is on record what was used of it."""
        ...


Need: TypeAlias = tuple[Any, int]
"""A `Meter`, and how much of it."""


class Hold:
    """``Ledger.reserve`` makes it, for one attempt at a request."""

    __slots__ = ("_is_over", "_marks", "_needs")

    def __init__(self, needs: Sequence[Need], now_s: float):
        self._needs = needs
        self._marks = [meter.take(need, now_s) for meter, need in needs]
        self._is_over = False

    def over(self) -> None:
        """The attempt runs no longer. What it used is told when its call is settled."""
        if not self._is_over:
            self._is_over = True
            for meter, need in self._needs:
                meter.over(need)

    def settle(self, tokens: int) -> None:
        """What the attempt used is on record, so many tokens; or it surely used nothing."""
        self.over()
        for (meter, need), mark in zip(self._needs, self._marks, strict=True):
            meter.settle(need, mark, tokens)
        self._needs, self._marks = (), []
