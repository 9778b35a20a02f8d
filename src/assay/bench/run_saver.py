"""What was learnt, on disk: everything that comes while one commit is under way shares the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from assay.bench.run_halt import StorageFailed
from assay.core import Unavailable
from assay.store import Database, Sql

PAUSES_S = (0.1, 0.5, 2.0)
"""How long to wait before each further attempt to commit."""
LINGER_S = 0.05

T = TypeVar("T")
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
        self._lingering: asyncio.TimerHandle | None = None
        self._is_due = False
        """Whether something waits that is not patient."""

    async def save(self, *lines: Line, patient: bool = False) -> None:
        """Returns once they are committed. Whoever is cancelled meanwhile goes away; what they gave is saved all the same.
        ``patient``: they go with what others save within `LINGER_S`, and alone only if nothing comes.

        Raises:
            StorageFailed: they are not, after several attempts.
        """
        self._lines += lines
        saved = self._linger()
        if not patient:
            self._begin()
        await asyncio.shield(saved)

    def note(self, key: object, line: Line) -> None:
        """To be saved with what is saved within `LINGER_S`, unless something newer is noted under the same key before."""
        self._notes[key] = line
        self._linger()

    async def close(self) -> None:
        """Save all that is left."""
        if self._saved is not None:
            await self.save()
        while self._saving is not None:
            await asyncio.wait([self._saving])

    def _linger(self) -> asyncio.Future[None]:
        """See to it that what waits is saved in a while; resolved when it is."""
        if self._saved is None:
            self._saved = asyncio.get_running_loop().create_future()
        if self._lingering is None:
            self._lingering = asyncio.get_running_loop().call_later(LINGER_S, self._begin)
        return self._saved

    def _begin(self) -> None:
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        self._is_due = True
        if self._saving is None and self._saved is not None:
            self._saving = asyncio.create_task(self._save_all())

    async def _save_all(self) -> None:
        while self._saved is not None and self._is_due:
            self._is_due = False
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
        await insist(lambda: self._db.write(list(batch.items())), self._pauses_s)


async def insist(do: Callable[[], Awaitable[T]], pauses_s: tuple[float, ...]) -> T:
    """What ``do`` returns, tried again after each pause while the storage fails.

    Raises:
        StorageFailed: it failed each time.
    """
    for pause_s in pauses_s:
        try:
            return await do()
        except Unavailable:
            await asyncio.sleep(pause_s)
    try:
        return await do()
    except Unavailable as error:
        raise StorageFailed(error) from error
