"""A copy is put back whole or not at all, never over what is there unless asked, and never from a newer Assay."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from assay.core import AssayError, new_id
from assay.store import Database, Sql, backup, migrate, open_database
from assay.store.chain import append_verdicts, verify_chain
from assay.store.restore import restore
from assay.web import SCHEMAS
from tests.postgres import Postgres
from tests.store.dumps import use_programs
from tests.store.test_chain import vote
from tests.store.test_migrate import make_database

pytestmark = pytest.mark.anyio

NEWER = Sql("INSERT INTO migrations (package, name, checksum, at) VALUES ('assay.store', '9999_later', 'x', 1)")


@pytest.fixture
def copy(database_url: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a copy may be written; with the programs that fit the server."""
    if not database_url.startswith("sqlite"):
        use_programs(request.getfixturevalue("postgres"), monkeypatch)
    return tmp_path / "a copy"


@pytest.fixture
async def elsewhere(anyio_backend: str, database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of the same kind."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path}/elsewhere/assay.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.url(await make_database(server, f"else{new_id().replace('-', '')}"))


async def fill(url: str, votes: int) -> None:
    database = await open_database(url)
    for number in range(votes):
        async with database.transaction() as tx:
            await append_verdicts(tx, [vote(number)])
    await database.close()


async def length(url: str) -> int:
    """How many votes stand in the chain, which is whole."""
    database = await open_database(url)
    report = await verify_chain(database)
    await database.close()
    assert report.ok
    return report.length


async def test_a_copy_put_back_elsewhere_or_in_place_is_what_was_copied(database_url: str, copy: Path, elsewhere: str) -> None:
    await fill(database_url, 3)
    await backup(database_url, copy)
    await fill(database_url, 2)
    done = await restore(elsewhere, copy, SCHEMAS)
    assert (done.kept_at, await length(elsewhere)) == (None, 3)
    with pytest.raises(AssayError) as refused:
        await restore(database_url, copy, SCHEMAS)
    assert (refused.value.code, await length(database_url)) == ("store.restore_exists", 5)
    done = await restore(database_url, copy, SCHEMAS, replace=True)
    assert await length(database_url) == 3
    if done.kept_at is not None:
        assert await length(f"sqlite:///{done.kept_at}") == 5
    database = await open_database(database_url)
    assert await migrate(database, *SCHEMAS) == []
    with pytest.raises(AssayError):
        await database.write([(Sql("DELETE FROM verdicts"), {})])  # the triggers came back too
    await database.close()


async def test_a_copy_of_a_newer_schema_is_refused_and_replaces_one(
    database: Database, database_url: str, copy: Path, elsewhere: str
) -> None:
    await backup(database_url, copy)
    await database.write([(NEWER, {})])
    async with database.transaction() as tx:
        await tx.script("CREATE TABLE later (a BIGINT);")
    newer = copy.with_name("newer copy")
    await backup(database_url, newer)
    with pytest.raises(AssayError) as refused:
        await restore(elsewhere, newer, SCHEMAS)
    assert refused.value.code == "store.newer_schema"
    await database.close()
    await restore(database_url, copy, SCHEMAS, replace=True)
    again = await open_database(database_url)
    assert await migrate(again, *SCHEMAS) == []
    with pytest.raises(Exception, match="later"):
        await again.read(Sql("SELECT a FROM later"))
    await again.close()


@pytest.mark.parametrize("spoil", ["cut short", "bytes changed", "of another kind", "of another program"])
async def test_what_is_no_whole_copy_changes_nothing(database_url: str, copy: Path, spoil: str) -> None:
    await fill(database_url, 20)
    await backup(database_url, copy)
    spoil_file(copy, spoil)
    with pytest.raises(AssayError) as refused:
        await restore(database_url, copy, SCHEMAS, replace=True)
    assert refused.value.code in ("store.not_a_backup", "store.restore_failed")
    assert await length(database_url) == 20
    assert [entry for entry in copy.parent.iterdir() if entry.name.startswith(".")] == []


def spoil_file(copy: Path, spoil: str) -> None:
    content = bytearray(copy.read_bytes())
    match spoil:
        case "cut short":
            copy.write_bytes(content[: len(content) // 2])
        case "bytes changed":
            for place in range(len(content) // 3, len(content), 97):
                content[place] ^= 0x55
            copy.write_bytes(content)
        case "of another kind":
            copy.write_text("not a database")
        case _:
            copy.unlink()
            with sqlite3.connect(copy) as other:
                other.execute("CREATE TABLE notes (a)")
            other.close()


async def test_a_postgresql_database_in_use_or_of_another_program_is_left_alone(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_programs(postgres, monkeypatch)
    url, other = [postgres.url(await make_database(postgres, f"use{new_id().replace('-', '')}")) for _ in range(2)]
    serving = await open_database(url)
    await migrate(serving, *SCHEMAS)
    copy = tmp_path / "copy.dump"
    await backup(url, copy)
    with pytest.raises(AssayError) as refused:
        await restore(url, copy, SCHEMAS, replace=True)
    assert refused.value.code == "store.in_use"
    await serving.close()
    theirs = await open_database(other)
    async with theirs.transaction() as tx:
        await tx.script("CREATE TABLE notes (a BIGINT);")
    await theirs.close()
    with pytest.raises(AssayError) as refused:
        await restore(other, copy, SCHEMAS, replace=True)
    assert refused.value.code == "store.not_ours"


async def test_a_log_that_was_left_behind_never_becomes_part_of_the_copy(tmp_path: Path) -> None:
    """A killed server leaves its write-ahead log; read with another database it would spoil it."""
    url = f"sqlite:///{tmp_path}/assay.db"
    database = await open_database(url)
    await migrate(database, *SCHEMAS)
    await fill(url, 4)
    await backup(url, tmp_path / "copy")
    await fill(url, 3)
    await asyncio.to_thread(keep_log_of, tmp_path)
    await database.close()
    await asyncio.to_thread(put_log_back, tmp_path)
    await restore(url, tmp_path / "copy", SCHEMAS, replace=True)
    assert await length(url) == 4


def keep_log_of(folder: Path) -> None:
    for name in ("assay.db", "assay.db-wal"):
        (folder / f"{name}.kept").write_bytes((folder / name).read_bytes())


def put_log_back(folder: Path) -> None:
    for name in ("assay.db", "assay.db-wal"):
        (folder / f"{name}.kept").rename(folder / name)
