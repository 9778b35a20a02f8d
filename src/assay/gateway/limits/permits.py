"""A limit per minute of which several processes take: each has a few permits at a time, and asks for more when they are used up.

A permit counts for a minute from when the database gave it. It is good for a quarter of a second; what is not used by then goes back.
So a minute can see more than the limit only by what was given just before it began and used just after.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from assay.core import Holder, Measure

GOOD_S = 0.25


class Lapse(NamedTuple):
    """So much is free again at ``at_s``, of the steady clock."""

    at_s: float
    amount: int


class Permits:
    """``granted`` is when the database gave what there is ``room`` for (by its clock); ``give_back`` takes what is not needed of that."""

    __slots__ = (
        "_give_back",
        "granted",
        "holder",
        "key",
        "lapses",
        "lately",
        "left",
        "limit",
        "measure",
        "room",
        "taken",
        "until_s",
    )

    def __init__(self, key: str, holder: Holder, measure: Measure, limit: int, give_back: Callable[[str, int, int], None]):
        self.key = key
        self.holder = holder
        self.measure = measure
        self.limit = limit
        self.room = 0
        self.granted = 0
        self.until_s = 0.0
        self.left = 0
        """What the database had left for anybody when it was last asked; and when there is more."""
        self.lapses: Sequence[Lapse] = ()
        self.taken = self.lately = 0
        """How much was let in since the last look, and before that: how fast it goes."""
        self._give_back = give_back

    def change(self, limit: int, holder: Holder) -> None:
        """Another limit, or another name."""
        self.limit, self.holder = limit, holder

    def has(self, need: int, at_us: int, now_s: float) -> bool:
        """Whether so much may be let in now."""
        return self.room >= need and now_s < self.until_s

    def take(self, need: int, now_s: float) -> int:
        """Let it in; when it was granted."""
        self.room -= need
        return self.granted

    def settle(self, need: int, mark: int, tokens: int) -> None:
        """What was let in turned out to be ``tokens``."""
        self._give_back(self.key, mark, need - tokens)

    def lose(self) -> None:
        """What is left is others' now."""
        self.room = 0

    def drop(self) -> None:
        """Give back what is left."""
        if self.room:
            self._give_back(self.key, self.granted, self.room)
            self.room = 0

    def wait_s(self, need: int, now_s: float) -> float | None:
        """In how many seconds so much may be let in; None: never, it is more than the limit."""
        if need > self.limit:
            return None
        over = need - self.left
        for lapse in self.lapses:
            if over <= 0:
                break
            over -= lapse.amount
            if over <= 0:
                return max(0.0, lapse.at_s - now_s)
        return 0.0
