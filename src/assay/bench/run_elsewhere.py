"""Several servers on one database: each says again and again which runs it sees to, and each looks whether the others still do."""

from __future__ import annotations

import time
from collections.abc import Iterable

from assay.bench.queries import Beat, beat, interrupt_lost, load_beats
from assay.store import Database


class Elsewhere:
    """Runs at other servers than ``owner``. A count that goes up is compared with one's own steady clock."""

    def __init__(self, db: Database, owner: str, lost_s: float):
        self._db = db
        self._owner = owner
        self._lost_s = lost_s
        self._heard: dict[str, tuple[Beat, float]] = {}

    async def look(self, here: Iterable[str]) -> list[str]:
        """Say that the runs ``here`` go on, and interrupt those of servers that are gone. Returns which of ours do not run any more:
        they were stopped through another server, or taken for lost.

        Raises:
            Unavailable: the storage failed.
        """
        here = list(here)
        if here:
            await beat(self._db, self._owner)
        running = await load_beats(self._db)
        now = time.monotonic()
        self._heard = {
            id: heard if (heard := self._heard.get(id)) is not None and heard[0] == last else (last, now)
            for id, last in running.items()
            if last.owner != self._owner
        }
        for id, (last, since) in self._heard.items():
            if now - since > self._lost_s:
                await interrupt_lost(self._db, id, last)
        return [id for id in here if id not in running or running[id].owner != self._owner]
