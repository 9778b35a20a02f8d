"""What was set aside of budgets and limits for one request, until it is on record what it used."""

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
    """``Ledger.reserve`` makes it, for a deployment; it goes with the last attempt at a request. ``own`` is of the asker's meters,
    ``theirs`` of the provider's."""

    __slots__ = ("_own", "_theirs", "deployment")

    def __init__(self, deployment: str, own: Sequence[Need], theirs: Sequence[Need], now_s: float):
        self.deployment = deployment
        self._own = [_Taken(meter, need, meter.take(need, now_s)) for meter, need in own]
        self._theirs = [_Taken(meter, need, meter.take(need, now_s)) for meter, need in theirs]

    def over(self) -> None:
        """Nothing runs for the request any longer. What it used is told when its last call is settled."""
        for taken in (*self._own, *self._theirs):
            taken.over()

    def settle(self, tokens: int) -> None:
        """Its last call is on record, with so many tokens."""
        for taken in (*self._own, *self._theirs):
            taken.over()
            taken.meter.settle(taken.need, taken.mark, tokens)
        self._own, self._theirs = [], []

    def leave(self) -> None:
        """Its provider failed, and another one is asked."""
        for taken in self._theirs:
            taken.over()
            taken.meter.settle(taken.need, taken.mark, 0)
        self._theirs = []
        self.deployment = ""

    def beyond(self, own: Sequence[Need]) -> list[Need]:
        """What is needed of the asker's budgets beyond what is set aside."""
        held: dict[Any, int] = {}
        for taken in self._own:
            held[taken.meter] = held.get(taken.meter, 0) + taken.need
        return [(meter, need - held[meter]) for meter, need in own if meter in held and need > held[meter]]

    def join(self, other: Hold) -> None:
        """Go on with what ``other`` holds, too."""
        self._own += other._own
        self._theirs += other._theirs
        self.deployment = other.deployment


class _Taken:
    """So much of a meter."""

    __slots__ = ("is_over", "mark", "meter", "need")

    def __init__(self, meter: Meter, need: int, mark: Mark):
        self.meter = meter
        self.need = need
        self.mark = mark
        self.is_over = False

    def over(self) -> None:
        if not self.is_over:
            self.is_over = True
            self.meter.over(self.need)
