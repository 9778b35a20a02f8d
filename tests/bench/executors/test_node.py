"""What a worker on a node works with, and who may bring workers at all."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path

import pytest

from assay.bench.executors.ray import work_here
from assay.bench.queries import load_run
from assay.core import InvalidInput, Settings
from assay.store import open_database
from assay.web.node import ENTRY, opened
from tests.bench.run.quiz import School, spec_of

pytestmark = pytest.mark.anyio


async def test_a_node_opens_the_same_database_and_knows_the_same_tasks(database_url: str, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", master_key=tmp_path / "secret" / "master.key", database=database_url)
    async with opened(settings) as means:
        assert means.tasks.find("gsm8k").id == "gsm8k"
        assert await load_run(means.db, "nobody") is None


async def test_its_name_can_travel() -> None:
    module, _, name = ENTRY.partition(":")
    assert getattr(importlib.import_module(module), name) is opened


async def test_a_process_that_comes_too_late_has_nothing_to_do(database_url: str, tmp_path: Path) -> None:
    options = {"url": database_url, "port": 9, "folder": str(tmp_path), "questions": 1}
    assert await asyncio.to_thread(work_here, "tests.bench.run.program:opened", options, "nobody") is None


async def test_an_executor_that_is_not_there_is_named(database_url: str, tmp_path: Path) -> None:
    db = await open_database(database_url)
    school = School(db, tmp_path)
    await school.open()
    with pytest.raises(InvalidInput) as raised:
        await school.runs.begin(spec_of(executor="ray"))
    await school.close()
    await db.close()
    assert raised.value.code == "bench.no_executor"
