"""How many calls may be under way at one deployment at once: as many as it takes.

The limit is a sliding window: where one call ends, the next begins. It grows by one for as many answers as it has places, and only
while all places are taken; it is halved, once for all calls that were under way together, when the deployment says that it is busy
(additive increase, multiplicative decrease: Chiu and Jain, Computer Networks and ISDN Systems 17, 1989). Where it says for how
long, nothing is begun before. All runs of a process that ask the same deployment share one window.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from assay.core import AssayError, CallFailed, RateLimited

FEWEST = 1
BUSY = frozenset((429, 503, 529))
"""With these an upstream says that it has too much to do."""


def is_busy(error: AssayError) -> bool:
    """Whether an upstream, or the gateway before it, only has too much to do."""
    return isinstance(error, RateLimited) or (isinstance(error, CallFailed) and error.upstream_status in BUSY)


class Window:
    """The places at one deployment. Use `join` for as long as a run lasts, and `place` around each call."""

    def __init__(self) -> None:
        self.limit = float(FEWEST)
        self.under_way = 0
        self._most: dict[object, int] = {}
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._rests_until = 0.0
        self._halved_at = 0.0
        self._alarm: asyncio.TimerHandle | None = None

    @contextmanager
    def join(self, most: int) -> Generator[None, None, None]:
        """Take part, with up to ``most`` calls at once. The limit begins there, or stays where the deployment has brought it down to; it
        never exceeds the largest of those who take part."""
        member = object()
        if self.limit >= max(self._most.values(), default=FEWEST):
            self.limit = max(self.limit, float(most))
        self._most[member] = most
        try:
            yield
        finally:
            del self._most[member]
            self.limit = min(self.limit, float(max(self._most.values(), default=FEWEST)))

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None, None]:
        """Wait for a place and hold it; what is raised inside tells whether the deployment is busy."""
        await self._take()
        began = time.monotonic()
        try:
            yield
        except AssayError as error:
            if is_busy(error):
                self._shrink(began, error.retry_after_s)
            raise
        else:
            self._grow()
        finally:
            self.under_way -= 1
            self._let_in()

    async def _take(self) -> None:
        if not self._waiting and self._has_place():
            self.under_way += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was let in at the very moment in which it went away
                self.under_way -= 1
                self._let_in()
            raise

    def _has_place(self) -> bool:
        return self.under_way < int(self.limit) and time.monotonic() >= self._rests_until

    def _let_in(self) -> None:
        while self._waiting and self._has_place():
            turn = self._waiting.popleft()
            if not turn.done():
                self.under_way += 1
                turn.set_result(None)
        rest_s = self._rests_until - time.monotonic()
        if self._waiting and rest_s > 0 and self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(rest_s, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        self._let_in()

    def _grow(self) -> None:
        if self.under_way >= int(self.limit):
            self.limit = min(self.limit + 1 / self.limit, float(max(self._most.values(), default=FEWEST)))

    def _shrink(self, began: float, rest_s: float | None) -> None:
        now = time.monotonic()
        if began >= self._halved_at:
            self.limit = max(float(FEWEST), self.limit / 2)
            self._halved_at = now
        if rest_s is not None:
            self._rests_until = max(self._rests_until, now + rest_s)


class Windows:
    """The windows of a process, by deployment."""

    def __init__(self) -> None:
        self._windows: dict[str, Window] = {}

    def of(self, deployment: str) -> Window:
        """The one for ``deployment``."""
        return self._windows.setdefault(deployment, Window())
