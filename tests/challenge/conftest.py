"""What tests of the whole engine share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from assay.store import Database
from tests.challenge.stage import Stage


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    stage = Stage(database)
    yield stage
    await stage.close()
