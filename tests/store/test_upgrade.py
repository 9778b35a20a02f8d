"""From every schema that ever was, an upgrade keeps every row, and one that is broken off changes nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assay.core import new_id
from assay.store import Database, migrate, open_database, pending
from assay.store.migrate import load_migrations
from assay.web import SCHEMAS
from tests.postgres import Postgres
from tests.server import RunningAssay, start
from tests.store.states import LANDED, ROWS, columns_of, content_of, make_state
from tests.store.test_migrate import make_database

pytestmark = pytest.mark.anyio

SUMS = {"spend"}
"""What is counted from other rows: a step may add to it."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/assay.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.url(asyncio.run(make_database(server, f"up{new_id().replace('-', '')}")))


@pytest.fixture
async def db(anyio_backend: str, empty_url: str) -> AsyncIterator[Database]:
    """That database, open."""
    opened = await open_database(empty_url)
    yield opened
    await opened.close()


def test_every_step_that_is_shipped_has_its_place_in_the_list() -> None:
    """A new step is added to the end of `LANDED`; each package's own stand in their order."""
    for package in SCHEMAS:
        listed = [name for name in LANDED if name.startswith(f"{package}/")]
        assert listed == [f"{package}/{step.name}" for step in load_migrations(package)]


@pytest.mark.parametrize("steps", range(1, len(LANDED) + 1), ids=LANDED)
async def test_an_upgrade_keeps_every_row_of_every_table(db: Database, steps: int) -> None:
    await make_state(db, steps)
    columns = await columns_of(db)
    before = await content_of(db, columns)
    assert all(len(rows) == ROWS for rows in before.values())
    assert len(await migrate(db, *SCHEMAS)) == len(LANDED) - steps
    after = await content_of(db, columns)
    lost = {table: [row for row in rows if row not in after[table]] for table, rows in before.items()}
    assert lost == {table: [] for table in before}
    assert {table for table, rows in after.items() if len(rows) != ROWS} <= SUMS
    assert await pending(db, *SCHEMAS) == []


async def test_upgraded_and_new_databases_have_the_same_columns(db: Database, tmp_path: Path) -> None:
    await make_state(db, 1)
    await migrate(db, *SCHEMAS)
    new = await open_database(f"sqlite:///{tmp_path}/new.db")
    await migrate(new, *SCHEMAS)
    upgraded, fresh = await columns_of(db), await columns_of(new)
    assert {table: sorted(names) for table, names in upgraded.items()} == {table: sorted(names) for table, names in fresh.items()}
    await new.close()


def test_an_upgrade_that_is_killed_after_any_step_leaves_the_old_state(empty_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.store.killed_migration", empty_url, "1", "2"],
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * 2 >= len(LANDED) - 1


async def test_two_servers_that_start_at_once_on_an_old_database_both_come_up(db: Database, empty_url: str, tmp_path: Path) -> None:
    await make_state(db, 1, filled=False)
    with ThreadPoolExecutor(2) as threads:
        servers = list(threads.map(lambda name: up(tmp_path / name, empty_url), "ab"))
    try:
        assert [server.ask("GET", "/healthz").status for server in servers] == [200, 200]
    finally:
        assert [end(server) for server in servers] == [0, 0]
    assert await pending(db, *SCHEMAS) == []


def up(folder: Path, url: str) -> RunningAssay:
    folder.mkdir()
    key = folder.parent / "shared" / "master.key"
    return start(folder, environ={"ASSAY_DATABASE": url, "ASSAY_MASTER_KEY": str(key)})


def end(server: RunningAssay) -> int:
    if server.process.stdout is not None:
        server.process.stdout.close()
    return server.stop()
