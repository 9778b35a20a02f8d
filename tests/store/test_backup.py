"""A copy is whole, private, and never replaces anything."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from assay.core import Conflict, Unavailable
from assay.store import Database, backup, migrate, open_database
from assay.store.chain import append_verdicts, verify_chain
from tests.store.test_chain import vote

pytestmark = pytest.mark.anyio

FAKE = """#!/bin/sh
for flag; do case $flag in --file=*) out=${flag#--file=};; esac; done
echo "$@" > "$out"
echo "$PGPASSWORD" > "$0.password"
case "$*" in *mismatch*) echo "server version mismatch" >&2; exit 1;; esac
"""


@pytest.fixture
def pg_dump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name that writes down how it was called."""
    program = tmp_path / "bin" / "pg_dump"
    program.parent.mkdir()
    program.write_text(FAKE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return program


async def test_a_copy_made_while_votes_come_in_is_whole(tmp_path: Path, database_file: str) -> None:
    database = await open_database(database_file)
    target = tmp_path / "copy.db"

    async def cast() -> None:
        for number in range(30):
            async with database.transaction() as tx:
                await append_verdicts(tx, [vote(number)])

    voting = asyncio.create_task(cast())
    size = await backup(database_file, target)
    await voting
    await database.close()
    assert size == target.stat().st_size > 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    copy = await open_database(f"sqlite:///{target}")
    report = await verify_chain(copy)
    assert report.ok
    assert report.length <= 30
    await copy.close()


@pytest.fixture
async def database_file(anyio_backend: str, tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/assay.db"
    database: Database = await open_database(url)
    await migrate(database, "assay.store")
    await database.close()
    return url


async def test_nothing_is_overwritten_and_no_draft_stays(tmp_path: Path, database_file: str) -> None:
    target = tmp_path / "copies" / "copy.db"
    target.parent.mkdir()
    target.write_text("precious")
    with pytest.raises(Conflict, match=r"copy\.db") as refused:
        await backup(database_file, target)
    assert refused.value.code == "store.backup_exists"
    assert target.read_text() == "precious"
    for source, said in (("sqlite:////nowhere/x.db", "no database"), (database_file, "No such file")):
        with pytest.raises(Unavailable, match=said):
            await backup(source, target.parent / ("a" if "nowhere" in source else "missing/b"))
    assert [entry.name for entry in target.parent.iterdir()] == ["copy.db"]


async def test_a_file_that_is_no_database_gives_no_copy(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("not a database" * 100)
    with pytest.raises(Unavailable, match="not a database"):
        await backup(f"sqlite:///{tmp_path}/notes", tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


async def test_postgresql_is_copied_by_pg_dump_with_the_password_out_of_sight(tmp_path: Path, pg_dump: Path) -> None:
    target = tmp_path / "copy.dump"
    await backup("postgresql://me:hunter%202@db:5433/assay?sslmode=require", target)
    called = target.read_text()
    assert "--dbname=postgresql://me@db:5433/assay?sslmode=require" in called
    assert "hunter" not in called
    assert pg_dump.with_name("pg_dump.password").read_text() == "hunter 2\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.usefixtures("pg_dump")
async def test_what_pg_dump_complains_of_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="server version mismatch") as refused:
        await backup("postgresql://me@db/mismatch", tmp_path / "copy.dump")
    assert refused.value.code == "store.backup_failed"
    assert not (tmp_path / "copy.dump").exists()


async def test_without_pg_dump_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="pg_dump") as refused:
        await backup("postgresql://me@db/assay", tmp_path / "copy.dump")
    assert refused.value.code == "store.no_pg_program"
    assert not (tmp_path / "copy.dump").exists()
