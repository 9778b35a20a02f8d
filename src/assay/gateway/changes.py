"""How every process learns that a key, a budget or a provider has changed: one row, looked at again and again.

Whoever changes something writes a new version there; whoever finds another version than before reads everything anew. So what
is revoked at one process is refused at all of them within `LOOK_S` and the time of one refresh, on this host and on others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from assay.core import AssayError
from assay.store.database import Database
from assay.store.version import load_version, save_version

LOOK_S = 0.4

_log = logging.getLogger(__name__)


class Changes:
    """``refresh`` reads everything anew."""

    def __init__(self, db: Database, refresh: Callable[[], Awaitable[None]]):
        self._db = db
        self._refresh = refresh
        self._seen = ""
        self._made = self._told = self._read = 0  # changes made here, and how many of them are told and read
        self._is_away = False
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read everything for the first time, and watch from then on.

        Raises:
            Unavailable: the database cannot be read.
        """
        # In this order: what changes in between is found by the next look.
        self._seen = await load_version(self._db)
        await self._refresh()
        self._watching = asyncio.create_task(self._watch(), name="watcher of changes")

    async def tell(self) -> None:
        """Something was changed here: let the others know, and read it.

        Raises:
            Unavailable: the database is away. It is told and read when it is back.
        """
        self._made += 1
        await self._tell()
        await self._read_anew()

    async def read(self) -> None:
        """Something was changed for this process alone: read everything anew.

        Raises:
            Unavailable: the database is away. It is read when it is back.
        """
        self._made += 1
        self._told += 1
        await self._read_anew()

    async def close(self) -> None:
        """Watch no longer."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])

    async def _tell(self) -> None:
        made = self._made
        self._seen = await save_version(self._db)
        self._told = max(self._told, made)

    async def _read_anew(self) -> None:
        """After `_tell`: a change of another process whose version ours has hidden is in what is read now."""
        made = self._made
        await self._refresh()
        self._read = max(self._read, made)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except AssayError as error:
                if not self._is_away:
                    _log.warning("changes cannot be seen, what was known goes on code=%s", error.code)
                self._is_away = True
                continue
            if self._is_away:
                _log.info("changes can be seen again")
            self._is_away = False

    async def look(self) -> None:
        """Read everything anew if there is another version than before.

        Raises:
            Unavailable: the database is away.
        """
        if self._told < self._made:
            await self._tell()
        version = await load_version(self._db)
        if version != self._seen or self._read < self._made:
            await self._read_anew()
            self._seen = version
