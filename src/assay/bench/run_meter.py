"""How fast a run goes, whoever works on it: from how many samples stood scored when."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

WINDOW_S = 30.0
"""What is told is the rate of the last so many seconds."""


class Meter:
    """Tell it how many are scored, as often as you like: programs are answered faster than they run."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def see(self, scored: int) -> None:
        """So many are scored now."""
        now = self._clock()
        while len(self._seen) > 1 and self._seen[1][0] <= now - WINDOW_S:
            self._seen.popleft()
        self._seen.append((now, scored))

    @property
    def rate_per_s(self) -> float | None:
        """Samples a second; None until there have been some."""
        if not self._seen:
            return None
        (began, before), (now, after) = self._seen[0], self._seen[-1]
        return (after - before) / (now - began) if now > began and after > before else None

    def left_s(self, left: int) -> float | None:
        """How long ``left`` more will take."""
        rate = self.rate_per_s
        return left / rate if rate else None
