"""How often one session may start something: so many times within any minute."""

from __future__ import annotations

import time
from collections import deque

WINDOW_S = 60.0


class Pace:
    """Counts the starts of each session over the last minute of the monotonic clock."""

    def __init__(self, per_minute: int):
        self._per_minute = per_minute
        self._starts: dict[str, deque[float]] = {}

    def take(self, session: str) -> float:
        """Count a start and return 0, or count nothing and return the seconds to wait."""
        now = time.monotonic()
        for other in [key for key, starts in self._starts.items() if starts[-1] <= now - WINDOW_S]:
            del self._starts[other]
        starts = self._starts.setdefault(session, deque())
        while starts and starts[0] <= now - WINDOW_S:
            starts.popleft()
        if len(starts) >= self._per_minute:
            return starts[0] + WINDOW_S - now
        starts.append(now)
        return 0.0
