"""Calls as they come on record, for those who watch: the table is asked once a second for all of them, so that calls of other
workers and hosts are seen as well. While nobody watches, nothing is asked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection

from assay.core import AssayError, Call, now_us
from assay.store.calls import calls_that_ended
from assay.store.database import Database

POLL_S = 1.0
_OVERLAP_US = 15_000_000
"""A call comes on record a moment after its end, and the clocks of hosts differ: each look goes back so far."""

_WAITING = 30
"""How many lots a listener may leave lying before it is let go."""

_log = logging.getLogger(__name__)

Lot = list[Call]


class LiveCalls:
    """Tells its listeners of calls. ``hidden`` gives the request ids of calls that nobody may see yet."""

    def __init__(self, db: Database, hidden: Callable[[], Awaitable[Collection[str]]]):
        self._db = db
        self._hidden = hidden
        self._listeners: set[asyncio.Queue[Lot | None]] = set()
        self._polling: asyncio.Task[None] | None = None

    async def listen(self) -> AsyncGenerator[Lot, None]:
        """Calls that ended a moment ago, then those that come on record, each lot in the order in which they began; an empty lot says
        that there were none for a second. Ends for a listener that cannot keep up."""
        queue: asyncio.Queue[Lot | None] = asyncio.Queue(_WAITING)
        self._listeners.add(queue)
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll(), name="live calls")
        try:
            yield await self._recent()
            while (lot := await queue.get()) is not None:
                yield lot
        finally:
            self._listeners.discard(queue)
            if not self._listeners and self._polling is not None:
                self._polling.cancel()
                self._polling = None

    async def _poll(self) -> None:
        told: set[str] = set()
        while True:
            try:
                recent = await self._recent()
            except AssayError as error:
                _log.warning("new calls cannot be told code=%s", error.code)
            else:
                lot = [call for call in recent if call.id not in told]
                told = {call.id for call in recent}
                for queue in tuple(self._listeners):
                    self._tell(queue, lot)
            await asyncio.sleep(POLL_S)

    async def _recent(self) -> list[Call]:
        now = now_us()
        return await calls_that_ended(self._db, now - _OVERLAP_US, now, await self._hidden())

    def _tell(self, queue: asyncio.Queue[Lot | None], lot: Lot) -> None:
        if queue.qsize() < _WAITING - 1:
            queue.put_nowait(lot)
        elif not queue.full():
            queue.put_nowait(None)
            self._listeners.discard(queue)
