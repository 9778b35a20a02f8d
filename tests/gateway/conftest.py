"""One database for tests that are not about databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assay.store import Database, migrate, open_database


@pytest.fixture
async def db(anyio_backend: str, tmp_path: Path) -> AsyncIterator[Database]:
    """A fresh SQLite database."""
    database = await open_database(f"sqlite:///{tmp_path / 'assay.db'}")
    await migrate(database, "assay.store")
    yield database
    await database.close()
