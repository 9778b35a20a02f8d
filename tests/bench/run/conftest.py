"""What tests of runs share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assay.store import Database
from tests.bench.run.quiz import School


@pytest.fixture
async def school(database: Database, tmp_path: Path) -> AsyncIterator[School]:
    school = School(database, tmp_path)
    yield school
    await school.close()
