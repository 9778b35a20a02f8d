"""One timer that looks at all requests under way, so that none of them needs timers of its own."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

LOOK_S = 0.1


class Watched(Protocol):
    """A request under way."""

    def look(self, now_ns: int) -> None:
        """Called a few times a second."""
        ...


class Watch:
    """Looks at all that were added, until they are removed."""

    def __init__(self) -> None:
        self._watched: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, watched: Watched) -> None:
        """Look at it from now on."""
        self._watched.add(watched)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def remove(self, watched: Watched) -> None:
        """It is over."""
        self._watched.discard(watched)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        now_ns = time.monotonic_ns()
        for watched in self._watched:
            watched.look(now_ns)
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look) if self._watched else None
