"""How much was let in lately: a limit per minute holds in any 60 seconds, whenever they begin.

What is let in is remembered in portions of at most a hundredth of the limit, each until 60 seconds after its last part. So at most 200
portions are kept, no 60 seconds see more than the limit, and none in which more is wanted sees less than 99 % of it: only the
portion across its beginning can be missing. (A bucket that is refilled steadily would let in twice the limit in its first minute.)
"""

from __future__ import annotations

from collections import deque

from assay.core import Holder, Measure

SPAN_S = 60.0
_PORTIONS = 100


class Portion:
    """So much was let in, until ``last`` (seconds, steady). ``counts`` until it has lapsed."""

    __slots__ = ("amount", "counts", "last")

    def __init__(self, amount: int, last: float):
        self.amount = amount
        self.last = last
        self.counts = True


class Minute:
    """A limit of requests or tokens, of a process that is alone. There is ``room`` for this much, and for what has lapsed since."""

    __slots__ = ("_most", "_newest", "_portions", "_span_s", "holder", "key", "limit", "measure", "room")

    def __init__(self, key: str, holder: Holder, measure: Measure, limit: int, span_s: float = SPAN_S):
        self.key = key
        self.measure = measure
        self._span_s = span_s
        self._portions: deque[Portion] = deque()
        self.limit = self.room = 0
        self.change(limit, holder)
        self._newest = Portion(limit, 0.0)  # a full one: the first to come begins another

    def change(self, limit: int, holder: Holder) -> None:
        """Another limit, or another name."""
        self.room += limit - self.limit
        self.limit, self.holder = limit, holder
        self._most = limit // _PORTIONS

    def has(self, need: int, at_us: int, now_s: float) -> bool:
        """Whether so much may be let in now."""
        portions = self._portions
        while portions and portions[0].last <= now_s - self._span_s:
            lapsed = portions.popleft()
            lapsed.counts = False
            self.room += lapsed.amount
        return self.room >= need

    def take(self, need: int, now_s: float) -> Portion:
        """Let it in."""
        self.room -= need
        newest = self._newest
        amount = newest.amount + need
        if amount <= self._most and newest.counts:
            newest.amount = amount
            newest.last = now_s
            return newest
        self._newest = newest = Portion(need, now_s)
        self._portions.append(newest)
        return newest

    def settle(self, need: int, mark: Portion, tokens: int) -> None:
        """What was let in turned out to be ``tokens``."""
        mark.amount += tokens - need
        if mark.counts:
            self.room += need - tokens

    def wait_s(self, need: int, now_s: float) -> float | None:
        """In how many seconds so much may be let in; None: never, it is more than the limit."""
        if need > self.limit:
            return None
        over = need - self.room
        for portion in self._portions:
            over -= portion.amount
            if over <= 0:
                return max(0.0, portion.last + self._span_s - now_s)
        return 0.0
