"""The other workers of a run: who of them is not heard of any more, and when something of theirs falls back."""

from __future__ import annotations

import asyncio
import time

from assay.bench import queries_shards as queries
from assay.store import Database

POLL_S = 0.25


class Others:
    """Watches those who work on ``run`` beside ``worker``, where there is one. A count that goes up is compared with one's own steady
    clock."""

    def __init__(self, db: Database, run: str, lost_s: float, worker: str = ""):
        self._db = db
        self._run = run
        self._worker = worker
        self._lost_s = lost_s
        self._heard: dict[str, tuple[int, float]] = {}

    async def wait(self) -> bool:
        """Wait until there is something to lease (True), or others have nothing left either (False).

        Raises:
            Unavailable: the storage failed.
        """
        while True:
            free, others = await queries.count_left(self._db, self._run, self._worker)
            if free or not others:
                return free > 0
            await self.look()
            await asyncio.sleep(POLL_S)

    async def look(self) -> None:
        """See who is still there; what the lost ones had falls back.

        Raises:
            Unavailable: the storage failed.
        """
        now = time.monotonic()
        beats = await queries.load_workers(self._db, self._run)
        beats.pop(self._worker, None)
        self._heard = {
            worker: heard if (heard := self._heard.get(worker)) is not None and heard[0] == beat else (beat, now)
            for worker, beat in beats.items()
        }
        for worker, (beat, since) in self._heard.items():
            if now - since > self._lost_s:
                await queries.presume_lost(self._db, self._run, worker, beat)
