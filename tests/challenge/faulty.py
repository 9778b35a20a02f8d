"""A real database whose storage can be taken away or held up, and given back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from assay.core import Unavailable
from assay.store import Database, Row, Sql, Transaction, Write
from assay.store.database import Dialect


class FaultyDatabase:
    """Passes everything on to ``db``, but refuses to save while ``broken``, and ``refusals`` more times. Batches wait while they
    may not be saved; ``held`` is set when the first does."""

    def __init__(self, db: Database):
        self._db = db
        self.dialect: Dialect = db.dialect
        self.broken = False
        self.refusals = 0
        self.held = asyncio.Event()
        self.may_save = asyncio.Event()
        self.may_save.set()

    async def read(self, sql: Sql, **params: Any) -> list[Row]:
        return await self._db.read(sql, **params)

    async def write(self, batch: Sequence[Write]) -> None:
        self._check()
        if not self.may_save.is_set():
            self.held.set()
        await self.may_save.wait()
        await self._db.write(batch)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        self._check()
        async with self._db.transaction() as tx:
            yield tx

    async def close(self) -> None:
        await self._db.close()

    def _check(self) -> None:
        if self.broken or self.refusals > 0:
            self.refusals -= 1
            raise Unavailable("store.write_failed", "The database could not be written: the disk is full.")
