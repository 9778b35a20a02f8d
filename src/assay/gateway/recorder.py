"""Every attempt becomes a `Call` in the database, a moment after the client has its answer.

Attempts wait in a queue; a single task reads their bodies into core values, prices them and writes them in batches, so that
none of that is on a request's way. The queue is bounded: when too many bytes wait, bodies are dropped first; when too many
rows wait, new requests are refused (`is_full`). The row of a request that was let in is never dropped, however long the
database is away.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from assay.core import AssayError, Bodies, Call, InvalidInput, now_us
from assay.gateway.attempt import Attempt
from assay.gateway.estimate import Estimator
from assay.gateway.settle import settle
from assay.store.database import Database, Write
from assay.store.keys import touch_keys
from assay.store.queries import Body, get_call, record_calls

BATCH_S = 0.08
"""How long a batch gathers. With the commit it stays within the 200 ms that a SIGKILL may cost."""

MAX_ROWS = 20_000
MAX_BODY_BYTES = 64 * 1024 * 1024
_MOST_AT_ONCE = 256
"""In one commit. A larger one would take memory for all of its rows at once, and a process keeps what it has ever taken."""

_SLICE_NS = 2_000_000
"""Reading bodies gives the event loop back at least this often."""

_LARGE_BYTES = 256 * 1024
"""Larger bodies are read in a thread: they would hold up the event loop for longer than a slice."""

_TOUCH_NS = 5_000_000_000
_RETRY_S = (0.1, 0.5, 1, 2, 5)
_DAY_US = 86_400_000_000

_log = logging.getLogger(__name__)


class Settled(NamedTuple):
    """An attempt that has ended, and its record."""

    attempt: Attempt
    call: Call


class Book(Protocol):
    """Somebody who takes note of every call, such as the ledger of budgets. Nothing of it may wait or fail."""

    def entries(self, settled: Sequence[Settled]) -> Sequence[Write]:
        """What to write in the very commit that records these calls."""
        ...

    def committed(self, settled: Sequence[Settled]) -> None:
        """They are on disk."""
        ...


class Recorder:
    """``books`` take note of every call. ``bodies`` says what is kept of requests and replies: all of them for ``days``, their hashes only, or nothing."""

    def __init__(
        self,
        db: Database,
        *,
        bodies: Bodies = "full",
        days: int = 30,
        max_rows: int = MAX_ROWS,
        max_bytes: int = MAX_BODY_BYTES,
        books: Sequence[Book] = (),
    ):
        self._db = db
        self._books = books
        self._policy = bodies
        self._days = days
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._waiting: deque[Attempt] = deque()
        self._bytes = 0
        self._stirred = asyncio.Event()
        self._taken = self._done = 0  # attempts, since the beginning
        self._flushing: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._closing = False
        self._task = asyncio.create_task(self._run(), name="call recorder")
        self._settled_bodies: list[Body] = []
        self.estimator = Estimator()
        self._used: dict[str, int] = {}
        self._touch_ns = 0
        self.bodies_dropped = 0

    @property
    def is_full(self) -> bool:
        """Whether new requests must be refused until the database has caught up."""
        return len(self._waiting) >= self._max_rows

    @property
    def waiting(self) -> int:
        """How many calls are not yet on their way to the database."""
        return len(self._waiting)

    def keep(self, bodies: Bodies, days: int) -> None:
        """From now on, keep this of requests and replies."""
        self._policy = bodies
        self._days = days

    def record(self, attempt: Attempt) -> None:
        """Take an attempt that has ended."""
        if attempt.hold is not None:
            attempt.hold.over()
        size = len(attempt.body) + attempt.size
        if self._bytes + size > self._max_bytes:
            self.bodies_dropped += 1
            attempt.drop_bodies()
            size = 0
        self._bytes += size
        self._waiting.append(attempt)
        self._taken += 1
        self._stirred.set()

    def settle(self, attempt: Attempt) -> Call:
        """Take an attempt that has ended, and read it now: for an asker who wants its record."""
        call = attempt.settled = self._settle(attempt, self._settled_bodies, self._kept_until())
        attempt.drop_bodies()
        self.record(attempt)
        return call

    async def flush(self) -> None:
        """Wait until everything that was recorded before is committed, however much comes after it."""
        if self._done < self._taken:
            committed = asyncio.get_running_loop().create_future()
            self._flushing.append((self._taken, committed))
            await committed

    async def close(self) -> None:
        """Commit what waits, and stop."""
        self._closing = True
        self._stirred.set()
        await self._task

    async def _run(self) -> None:
        while True:
            await self._stirred.wait()
            if not self._closing:
                await asyncio.sleep(BATCH_S)
            self._stirred.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_AT_ONCE))]
                self._bytes -= sum(len(attempt.body) + attempt.size for attempt in batch)
                await self._commit(batch)
                self._done += len(batch)
                self._tell_flushing()
            await self._note_use()
            if self._closing and not self._stirred.is_set():
                return

    def _tell_flushing(self) -> None:
        while self._flushing and self._flushing[0][0] <= self._done:
            committed = self._flushing.popleft()[1]
            if not committed.done():
                committed.set_result(None)

    async def _commit(self, batch: list[Attempt]) -> None:
        settled: list[Settled] = []
        bodies, self._settled_bodies = self._settled_bodies, []
        kept_until = self._kept_until()
        slice_ends = time.monotonic_ns() + _SLICE_NS
        for attempt in batch:
            if len(attempt.body) + attempt.size > _LARGE_BYTES:
                call = await asyncio.to_thread(self._settle, attempt, bodies, kept_until)
            else:
                call = self._settle(attempt, bodies, kept_until)
            settled.append(Settled(attempt, call))
            if time.monotonic_ns() > slice_ends:
                await asyncio.sleep(0)
                slice_ends = time.monotonic_ns() + _SLICE_NS
        calls = [one.call for one in settled]
        await self._write(calls, bodies, [write for book in self._books for write in book.entries(settled)])
        for book in self._books:
            book.committed(settled)
        self._used.update({call.key: call.at for call in calls if call.key is not None})

    async def _note_use(self) -> None:
        """Write down when keys were last used, every few seconds: nobody needs it to the millisecond."""
        if not self._used or (time.monotonic_ns() < self._touch_ns and not self._closing):
            return
        try:
            await touch_keys(self._db, self._used)
        except AssayError as error:
            _log.warning("when keys were last used is not noted code=%s", error.code)
            return
        self._used = {}
        self._touch_ns = time.monotonic_ns() + _TOUCH_NS

    def _kept_until(self) -> int:
        return now_us() + self._days * _DAY_US

    def _settle(self, attempt: Attempt, bodies: list[Body], kept_until: int) -> Call:
        return attempt.settled or settle(attempt, self._policy, kept_until, bodies, self.estimator)

    async def _write(self, calls: list[Call], bodies: list[Body], also: Sequence[Write]) -> None:
        """Write until it is written; while closing, a few times only. What the database refuses to hold is left out of the rows."""
        tries = 0
        while True:
            try:
                # A commit whose answer was lost is found again by its calls: nothing is counted twice.
                if tries and await get_call(self._db, calls[0].id) is not None:
                    return
                await record_calls(self._db, calls, bodies, also)
                _log.debug("recorded calls=%d bodies=%d", len(calls), len(bodies))
                return
            except InvalidInput as error:
                _log.error("bodies cannot be stored and are dropped code=%s calls=%d", error.code, len(calls))
                bodies = []
                calls = [msgspec.structs.replace(call, request=None, reply=None) for call in calls]
            except AssayError as error:
                wait_s = _RETRY_S[min(tries, len(_RETRY_S) - 1)]
                tries += 1
                if self._closing and tries > len(_RETRY_S):
                    _log.error("calls are lost: the database did not come back code=%s calls=%d", error.code, len(calls))
                    return
                _log.warning("calls wait for the database code=%s calls=%d retry_in_s=%g", error.code, len(calls), wait_s)
                await asyncio.sleep(wait_s)
