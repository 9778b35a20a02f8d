"""What askers may still use: budgets over windows, and limits at a time. Set aside before a call, settled after it."""

from __future__ import annotations

from collections.abc import Sequence

from assay.core import Asker, Deployment
from assay.gateway.dialect import Asked
from assay.gateway.hold import Hold
from assay.gateway.recorder import Settled
from assay.store.database import Database, Write


class Ledger:
    """Implements `assay.gateway.recorder.Book`."""

    def __init__(self, db: Database):
        self._db = db

    async def refresh(self) -> None:
        """Read budgets anew."""

    async def reserve(self, asker: Asker, deployment: Deployment, asked: Asked, body: bytes) -> Hold | None:
        """Set aside what a request may use at most; None where nothing bounds it."""
        return None

    def entries(self, settled: Sequence[Settled]) -> Sequence[Write]:
        """What was used, for the commit that records these calls."""
        return ()

    def committed(self, settled: Sequence[Settled]) -> None:
        """They are on disk: what was set aside and not used is free again."""

    async def close(self) -> None:
        """Give back what is left."""
