"""The audit log: who changed what, from where. Every change through the API is on it, and every sign-in, right or wrong."""

from __future__ import annotations

import logging
import time
from collections import deque

from assay.api import Actor, Change, Recording
from assay.store import Database
from assay.store.audit import append_entry

MOST_FAILED_PER_MINUTE = 60
"""Of wrong sign-ins, so many at most are put on record in a minute: nobody shall fill the disk by guessing. All are logged."""

log = logging.getLogger(__name__)


class AuditLog:
    """Puts changes on record."""

    def __init__(self, db: Database):
        self._db = db
        self._failed: deque[float] = deque(maxlen=MOST_FAILED_PER_MINUTE)

    def of(self, actor: Actor | None, address: str) -> Recording:
        """What notes the changes of one request."""

        async def note(change: Change) -> None:
            await self.note(actor, address, change)

        return note

    async def note(self, actor: Actor | None, address: str, change: Change) -> None:
        """Put one change on record; returns after the commit."""
        await append_entry(
            self._db,
            actor=actor.id if actor is not None else "",
            actor_name=actor.name if actor is not None else "",
            address=address,
            action=change.action,
            target=change.target,
            detail=change.detail,
        )

    async def signed_in(self, actor: Actor, address: str, way: str) -> None:
        """Somebody signed in, by a link, a password or an issuer."""
        await self.note(actor, address, Change(action="sign in", target=actor.id, detail={"by": way}))

    async def refused(self, address: str, way: str, code: str) -> None:
        """Somebody did not get in. What they gave is not kept: it may be another's secret, or all but right."""
        log.warning("sign-in refused address=%s by=%s code=%s", address, way, code)
        now = time.monotonic()
        if len(self._failed) < MOST_FAILED_PER_MINUTE or self._failed[0] < now - 60:
            self._failed.append(now)
            await self.note(None, address, Change(action="sign in refused", target="", detail={"by": way, "code": code}))
