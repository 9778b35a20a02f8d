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
    """So much was let in, until ``last`` (seconds, steady)."""

    __slots__ = ("amount", "last")

    def __init__(self, amount: int, last: float):
        self.amount = amount
        self.last = last


class Minute:
    """A limit of requests or tokens, of a process that is alone."""

    __slots__ = ("_portions", "_span_s", "_total", "holder", "key", "limit", "measure")

    def __init__(self, key: str, holder: Holder, measure: Measure, limit: int, span_s: float = SPAN_S):
        self.key = key
        self.holder = holder
        self.measure = measure
        self.limit = limit
        self._span_s = span_s
        self._portions: deque[Portion] = deque()
        self._total = 0

    def has(self, need: int, at_us: int, now_s: float) -> bool:
        """Whether so much may be let in now."""
        portions = self._portions
        while portions and portions[0].last <= now_s - self._span_s:
            self._total -= portions.popleft().amount
        return self._total + need <= self.limit

    def take(self, need: int, now_s: float) -> Portion:
        """Let it in."""
        self._total += need
        portions = self._portions
        if portions and (portions[-1].amount + need) * _PORTIONS <= self.limit:
            portion = portions[-1]
            portion.amount += need
            portion.last = now_s
        else:
            portion = Portion(need, now_s)
            portions.append(portion)
        return portion

    def expect(self, need: int) -> None:
        """A rate counts what was let in, whatever becomes of it."""

    def settle(self, need: int, mark: Portion, tokens: int) -> None:
        """What was let in turned out to be ``tokens``."""
        if self.measure != "tokens":
            return
        mark.amount += tokens - need
        if self._portions and mark.last >= self._portions[0].last:
            self._total += tokens - need

    def wait_s(self, need: int, now_s: float) -> float | None:
        """In how many seconds so much may be let in; None: never, it is more than the limit."""
        if need > self.limit:
            return None
        over = self._total + need - self.limit
        for portion in self._portions:
            over -= portion.amount
            if over <= 0:
                return max(0.0, portion.last + self._span_s - now_s)
        return 0.0
