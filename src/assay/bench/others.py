"""The other workers of a run: who of them is not heard of any more, and when something of theirs falls back."""

from __future__ import annotations

import asyncio
import time

from assay.bench import queries_shards as queries
from assay.store import Database

POLL_S = 0.25


class Others:
    """Watches whoever works on ``run``. A count that goes up is compared with one's own steady clock."""

    def __init__(self, db: Database, run: str, lost_s: float):
        self._db = db
        self._run = run
        self._lost_s = lost_s
        self._heard: dict[str, tuple[int, float]] = {}

    async def wait(self) -> bool:
        """Wait until there is something to lease (True), or all is done (False).

        Raises:
            Unavailable: the storage failed.
        """
        while await queries.count_left(self._db, self._run):
            workers = await self.look()
            if not workers or await queries.count_free(self._db, self._run):
                return True
            await asyncio.sleep(POLL_S)
        return False

    async def look(self) -> int:
        """See who is still there; what the lost ones had falls back. How many are left.

        Raises:
            Unavailable: the storage failed.
        """
        now = time.monotonic()
        beats = await queries.load_workers(self._db, self._run)
        self._heard = {
            worker: heard if (heard := self._heard.get(worker)) is not None and heard[0] == beat else (beat, now)
            for worker, beat in beats.items()
        }
        lost = [worker for worker, (_, since) in self._heard.items() if now - since > self._lost_s]
        for worker in lost:
            await queries.presume_lost(self._db, self._run, worker, beats[worker])
        return len(beats) - len(lost)
