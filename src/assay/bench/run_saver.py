"""What was learnt, on disk: everything that comes while one commit is under way shares the next."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, TypeAlias

from assay.bench.run_halt import StorageFailed
from assay.core import Unavailable
from assay.store import Database, Sql

PAUSES_S = (0.1, 0.5, 2.0)
"""How long to wait before each further attempt to commit."""

Line: TypeAlias = tuple[Sql, Mapping[str, Any]]


class Saver:
    """Every statement must come to the same when it is run twice: a commit whose answer was lost is tried again."""

    def __init__(self, db: Database, pauses_s: tuple[float, ...] = PAUSES_S):
        self._db = db
        self._pauses_s = pauses_s
        self._lines: list[Line] = []
        self._notes: dict[object, Line] = {}
        self._saved: asyncio.Future[None] | None = None
        self._saving: asyncio.Task[None] | None = None

    async def save(self, *lines: Line) -> None:
        """Returns once they are committed. Whoever is cancelled meanwhile goes away; what they gave is saved all the same.

        Raises:
            StorageFailed: they are not, after several attempts.
        """
        self._lines += lines
        if self._saved is None:
            self._saved = asyncio.get_running_loop().create_future()
        saved = self._saved
        if self._saving is None:
            self._saving = asyncio.create_task(self._save_all())
        await asyncio.shield(saved)

    def note(self, key: object, line: Line) -> None:
        """To be saved with what is saved next, unless something newer is noted under the same key before."""
        self._notes[key] = line

    async def close(self) -> None:
        """Save all that is left."""
        if self._notes:
            await self.save()
        while self._saving is not None:
            await asyncio.wait([self._saving])

    async def _save_all(self) -> None:
        while self._saved is not None:
            saved, self._saved = self._saved, None
            batch: dict[Sql, list[Mapping[str, Any]]] = {}
            for sql, row in (*self._lines, *self._notes.values()):
                batch.setdefault(sql, []).append(row)
            self._lines, self._notes = [], {}
            try:
                await self._commit(batch)
            except Exception as error:  # noqa: BLE001  # handed to those who wait, who raise it
                saved.set_exception(error)
                saved.exception()  # nobody may be waiting any more
            else:
                saved.set_result(None)
        self._saving = None

    async def _commit(self, batch: Mapping[Sql, list[Mapping[str, Any]]]) -> None:
        for pause_s in (*self._pauses_s, None):
            try:
                return await self._db.write(list(batch.items()))
            except Unavailable as error:
                if pause_s is None:
                    raise StorageFailed(error) from error
                await asyncio.sleep(pause_s)
        return None
