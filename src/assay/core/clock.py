"""A wall clock that does not jump: budgets count by it, and calls are dated by it.

It begins with the wall clock and goes on with the time since the machine was started, which nobody sets and which goes on while a
laptop sleeps. Where the wall clock has been set, the difference is taken over only once it has lasted a minute, so that a
jump there and back opens no window of a budget twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

LASTS_S = 60
"""For so long the wall clock must differ, by the same amount, before it is believed."""
NOTICED_NS = 500_000_000
"""Less than this is drift, and not noticed."""

_LOOK_NS = 1_000_000_000
_log = logging.getLogger(__name__)


def since_boot_ns() -> int:
    """Nanoseconds since the machine was started, the same for every process on it; with the time it slept, where the system tells."""
    return time.clock_gettime_ns(_CLOCK)


_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock:
    """``wall_ns`` may jump; ``steady_ns`` never does."""

    __slots__ = ("_ahead_ns", "_differs_since", "_look_at", "_offset_ns", "_steady_ns", "_wall_ns")

    def __init__(self, wall_ns: Callable[[], int] = time.time_ns, steady_ns: Callable[[], int] = since_boot_ns):
        self.follow(wall_ns, steady_ns)

    def follow(self, wall_ns: Callable[[], int] = time.time_ns, steady_ns: Callable[[], int] = since_boot_ns) -> None:
        """Begin anew with these sources."""
        self._wall_ns = wall_ns
        self._steady_ns = steady_ns
        steady = steady_ns()
        self._offset_ns = wall_ns() - steady
        self._look_at = steady + _LOOK_NS
        self._ahead_ns = 0
        self._differs_since: int | None = None

    def now_us(self) -> int:
        """Microseconds since 1970 UTC."""
        steady = self._steady_ns()
        if steady >= self._look_at:
            self._look(steady)
        return (self._offset_ns + steady) // 1000

    def steady_s(self) -> float:
        """Seconds of the clock that nobody sets: for what happens within a minute."""
        return self._steady_ns() / 1e9

    def _look(self, steady: int) -> None:
        """Compare with the wall clock, once a second."""
        self._look_at = steady + _LOOK_NS
        ahead = self._wall_ns() - self._offset_ns - steady
        if abs(ahead) <= NOTICED_NS:
            self._differs_since = None
        elif self._differs_since is None or abs(ahead - self._ahead_ns) > NOTICED_NS:
            self._differs_since, self._ahead_ns = steady, ahead
            _log.warning("the wall clock was set; it is believed once it has stayed so for a minute ahead_s=%.1f", ahead / 1e9)
        elif steady - self._differs_since >= LASTS_S * 1_000_000_000:
            self._offset_ns += ahead
            self._differs_since = None
            _log.warning("the wall clock stayed as it was set, and is believed now ahead_s=%.1f", ahead / 1e9)


STEADY = Clock()
"""The clock of this process."""
