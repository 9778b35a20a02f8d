"""What only a database in a file can go through: full disks, other processes, foreign files, loose permissions."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.core import Unavailable
from assay.store import Database, Sql, migrate, open_database, sqlite

pytestmark = pytest.mark.anyio

INSERT = Sql("INSERT INTO t (a) VALUES (:a)")
TWICE = Sql("INSERT INTO t (a) SELECT :a FROM nowhere")
COUNT = Sql("SELECT COUNT(*) AS n FROM t")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "assay.db"


async def opened(path: Path) -> Database:
    database = await open_database(f"sqlite:///{path}")
    async with database.transaction() as tx:
        await tx.script("CREATE TABLE IF NOT EXISTS t (a TEXT);")
    return database


async def test_the_file_and_its_folder_are_the_owners_alone(path: Path) -> None:
    database = await opened(path)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {entry.name for entry in path.parent.iterdir()} == {"assay.db", "assay.db-wal", "assay.db-shm"}
    assert {stat.S_IMODE(entry.stat().st_mode) for entry in path.parent.iterdir()} == {0o600}
    await database.close()


async def test_every_commit_is_synced_to_the_disk(path: Path) -> None:
    """2 is FULL, see https://www.sqlite.org/pragma.html#pragma_synchronous; the WAL is synced before a commit returns."""
    database = await opened(path)
    async with database.transaction() as tx:
        pragmas = ("journal_mode", "synchronous", "foreign_keys")
        assert [(await tx.read(Sql(f"PRAGMA {name}")))[0][0] for name in pragmas] == ["wal", 2, 1]
    await database.close()


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    """A migrated database, closed."""

    async def make() -> None:
        database = await open_database(f"sqlite:///{tmp_path}/assay.db")
        await migrate(database, "assay.store")
        await database.close()

    asyncio.run(make())
    return tmp_path / "assay.db"


def test_the_nth_write_of_a_commit_failing_is_never_a_success(database_file: Path) -> None:
    """For n = 1, 2, ... until the commit passes: every failure is typed, and what was acknowledged is all there is.

    Without opening the file anew, the first commit with room enough goes on where the last good one ended.
    """
    starved = Path(__file__).with_name("starved.py")
    ran = subprocess.run([sys.executable, "-W", "error", starved, database_file], capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    result = json.loads(ran.stdout)
    for failures in result["failures"]:
        assert set(failures) == {"store.write_failed"}
        assert len(failures) > 20
    assert result["stored"] == result["acknowledged"]
    assert result["holds"]


async def test_a_file_that_is_no_database_is_left_alone(notes: Path) -> None:
    with pytest.raises(Unavailable, match="is not a SQLite database") as refused:
        await open_database(f"sqlite:///{notes}")
    assert (refused.value.code, str(notes) in refused.value.message) == ("store.unavailable", True)


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Path]:
    """A text file that stays what it is."""
    text = "my notes, not a database, and long enough to be mistaken for one" * 20
    path = tmp_path / "notes"
    path.write_text(text)
    yield path
    assert path.read_text() == text


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match=r"file/assay\.db cannot be opened") as refused:
        await open_database(f"sqlite:///{tmp_path}/file/assay.db")
    assert refused.value.code == "store.unavailable"


async def test_another_process_that_holds_the_file_too_long_makes_a_write_fail_and_a_read_not(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.05)
    database = await opened(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writes = [database.write([(INSERT, {"a": "x"})]) for _ in range(3)]
    for result in await asyncio.gather(*writes, return_exceptions=True):
        assert isinstance(result, Unavailable)
        assert result.code == "store.busy"
    assert (await database.read(COUNT))[0]["n"] == 0
    other.execute("ROLLBACK")
    other.close()
    await database.write([(INSERT, {"a": "x"})])
    assert (await database.read(COUNT))[0]["n"] == 1
    await database.close()


async def test_a_transaction_that_hangs_does_not_hang_the_others(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = await opened(path)
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.05)
    async with database.transaction():
        for ask in (database.write([(INSERT, {"a": "x"})]), database.transaction().__aenter__()):
            with pytest.raises(Unavailable, match="held by another transaction") as refused:
                await ask
            assert refused.value.code == "store.busy"
    await database.write([(INSERT, {"a": "x"})])
    assert (await database.read(COUNT))[0]["n"] == 1
    await database.close()


async def test_a_mistake_in_a_statement_is_raised_as_it_is(path: Path) -> None:
    database = await opened(path)
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        await database.write([(TWICE, {"a": "x"})])
    good, bad = await asyncio.gather(
        database.write([(INSERT, {"a": "x"})]), database.write([(TWICE, {"a": "x"})]), return_exceptions=True
    )
    assert (good, type(bad)) == (None, sqlite3.OperationalError)
    await database.close()


async def test_closing_waits_for_what_was_accepted(path: Path) -> None:
    database = await opened(path)
    writes = [asyncio.create_task(database.write([(INSERT, {"a": str(number)})])) for number in range(50)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*writes)
    again = await opened(path)
    assert (await again.read(COUNT))[0]["n"] == 50
    await again.close()


async def test_a_writer_that_went_away_while_waiting_does_not_stop_the_others(path: Path) -> None:
    database = await opened(path)
    tasks = [asyncio.create_task(database.write([(INSERT, {"a": str(number)})])) for number in range(10)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [result is None for result in results] == [False, True] * 5
    await database.write([(INSERT, {"a": "last"})])
    await database.close()
