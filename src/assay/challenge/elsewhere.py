"""Several servers on one database: each says again and again which challenges it runs, and each looks whether the others still do.

A count that goes up is compared with one's own steady clock, so it does not matter what time the others believe it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from assay.challenge.owner_queries import Beat, beat, interrupt_lost, load_beats
from assay.store import Database

BEAT_S = 2.0
LOST_S = 30.0
"""A server that has not been heard of for so long is gone, and what it ran is interrupted."""


class Elsewhere:
    """What runs at other servers than ``owner``."""

    def __init__(self, db: Database, owner: str, *, lost_s: float = LOST_S):
        self._db = db
        self._owner = owner
        self._lost_s = lost_s
        self._heard: dict[str, tuple[Beat, float]] = {}

    async def look(self, here: Iterable[str]) -> list[str]:
        """Say that the challenges ``here`` run, and interrupt those of servers that are gone. Returns which of ours do not run any
        more: they were stopped through another server, or taken for lost.

        Raises:
            Unavailable: the storage failed.
        """
        here = list(here)
        if here:
            await beat(self._db, self._owner)
        running = await load_beats(self._db)
        await self._presume(running)
        return [id for id in here if id not in running or running[id].owner != self._owner]

    async def _presume(self, running: dict[str, Beat]) -> None:
        now = time.monotonic()
        others = {id: last for id, last in running.items() if last.owner != self._owner}
        self._heard = {
            id: heard if (heard := self._heard.get(id)) is not None and heard[0] == last else (last, now)
            for id, last in others.items()
        }
        for id, (last, since) in self._heard.items():
            if now - since > self._lost_s:
                await interrupt_lost(self._db, id, last)
