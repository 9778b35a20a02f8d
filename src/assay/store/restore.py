"""A copy of the database, put back in the place of what is there. What `backup` wrote is read; nobody may use the database meanwhile."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from assay.core.errors import Conflict, InvalidInput, Unavailable
from assay.store.database import Database, is_postgresql, open_database, sqlite_path
from assay.store.migrate import check_steps
from assay.store.pg_programs import ProgramFailed, run_program
from assay.store.rotation import needed_key
from assay.store.sql import Sql

_SQLITE_MAGIC = b"SQLite format 3\0"
_ARCHIVE_MAGIC = b"PGDMP"
_BESIDE = ("-wal", "-shm")

SELECT_TABLES = Sql(
    sqlite="SELECT name FROM sqlite_master WHERE type = 'table'",
    postgresql="SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()",
)
SELECT_FUNCTIONS = Sql(
    sqlite="SELECT name FROM sqlite_master WHERE 1 = 0",
    postgresql="SELECT CAST(oid AS regprocedure)::text AS name FROM pg_proc WHERE pronamespace = current_schema()::regnamespace",
)
SELECT_OTHERS = Sql(
    sqlite="SELECT 0 AS others",
    postgresql="""
        SELECT COUNT(*) AS others FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'assay' AND pid <> pg_backend_pid()
    """,
)


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What was put back. ``master_key`` is the fingerprint of the key that it needs, if it holds anything that is locked; ``kept_at``
    is the file of the SQLite database that was there before."""

    source: str
    master_key: str | None
    kept_at: str | None


async def restore(db_url: str, source: Path, packages: tuple[str, ...], *, replace: bool = False) -> Restored:
    """Put the copy ``source`` in the place of the database at ``db_url``, whole or not at all.

    Raises:
        InvalidInput: ``store.not_a_backup``, it is no copy of an Assay database of this kind, or a damaged one.
        Conflict: ``store.restore_exists``, there is a database and ``replace`` was not given; ``store.not_ours``, it is another
            program's; ``store.in_use``, a server is connected to it.
        Unavailable: ``store.newer_schema``, a newer Assay made the copy; ``store.restore_failed``; ``store.no_pg_program``.
    """
    put_back = _restore_postgresql if is_postgresql(db_url) else _restore_sqlite
    try:
        kept_at = await put_back(db_url, source, packages, replace)
    except OSError as error:
        raise _failed(f"{error.filename}: {error.strerror}") from error
    database = await open_database(db_url)
    try:
        needed = await needed_key(database)
    finally:
        await database.close()
    return Restored(source=str(source), master_key=needed, kept_at=str(kept_at) if kept_at is not None else None)


async def _restore_sqlite(db_url: str, source: Path, packages: tuple[str, ...], replace: bool) -> Path | None:
    target = sqlite_path(db_url)
    if target.exists() and not replace:
        raise _exists(str(target))
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        await asyncio.to_thread(_copy_checked, source, draft, packages)
        return await asyncio.to_thread(_put_in_place, draft, target)
    finally:
        for file in (draft, *(draft.with_name(draft.name + end) for end in _BESIDE)):
            file.unlink(missing_ok=True)


def _copy_checked(source: Path, draft: Path, packages: tuple[str, ...]) -> None:
    _check_magic(source, _SQLITE_MAGIC, "a SQLite database")
    draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    shutil.copyfile(source, draft)
    try:
        connection = sqlite3.connect(draft)
        try:
            said = connection.execute("PRAGMA integrity_check").fetchone()[0]
            if said != "ok":
                raise _not_a_backup(source, f"it is damaged: {said}")
            applied = connection.execute("SELECT package, name, checksum FROM migrations").fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise _not_a_backup(source, str(error)) from error
    check_steps([(package, name, checksum) for package, name, checksum in applied], packages)


def _put_in_place(draft: Path, target: Path) -> Path | None:
    """What was there is kept under another name, with all that its write-ahead log still held."""
    _sync(draft)
    kept_at = None
    if target.exists():
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        kept_at = target.with_name(f"{target.name}.before-{stamp}")
        _fold_log(target)
        os.link(target, kept_at)
    # A log of another database would be read as part of this one.
    for end in _BESIDE:
        left = target.with_name(target.name + end)
        if left.exists():
            left.replace(target.with_name(f"{(kept_at or target).name}{end}.left"))
    draft.replace(target)
    _sync(target.parent)
    return kept_at


def _fold_log(target: Path) -> None:
    try:
        connection = sqlite3.connect(target)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
    except sqlite3.Error:
        return  # a damaged one is replaced for that very reason; its log is kept beside it


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


async def _restore_postgresql(db_url: str, source: Path, packages: tuple[str, ...], replace: bool) -> None:
    await asyncio.to_thread(_check_magic, source, _ARCHIVE_MAGIC, "a copy of a PostgreSQL database")
    try:
        applied = await run_program("pg_restore", None, "--data-only", "--table=migrations", "--file=-", str(source))
    except ProgramFailed as failed:
        raise _not_a_backup(source, str(failed)) from failed
    steps = _read_steps(applied.decode())
    if not steps:
        raise _not_a_backup(source, "it has no migrations of Assay's")
    check_steps(steps, packages)
    database = await open_database(db_url)
    try:
        dropped = await _what_is_there(database, replace)
    finally:
        await database.close()
    with tempfile.TemporaryDirectory(prefix="assay-restore-") as folder:
        drop, script = _written(Path(folder, "drop.sql"), dropped), Path(folder, "restore.sql")
        try:
            # Written out whole before anything is dropped: that reads, and so checks, every block of the copy.
            await run_program("pg_restore", None, "--no-owner", "--no-privileges", f"--file={script}", str(source))
            flags = (
                "--single-transaction",
                "--set=ON_ERROR_STOP=1",
                "--quiet",
                "--no-psqlrc",
                f"--file={drop}",
                f"--file={script}",
            )
            await run_program("psql", db_url, *flags)
        except ProgramFailed as failed:
            raise _failed(str(failed)) from failed


def _written(file: Path, text: str) -> Path:
    file.write_text(text, "utf-8")
    return file


async def _what_is_there(database: Database, replace: bool) -> str:
    """The statements that take away what the database holds. A newer Assay's tables go too, so all of the schema's do."""
    tables = [str(row["name"]) for row in await database.read(SELECT_TABLES)]
    functions = [str(row["name"]) for row in await database.read(SELECT_FUNCTIONS)]
    if tables and "migrations" not in tables:
        raise Conflict("store.not_ours", "The database holds tables of another program.", hint="Give Assay a database of its own.")
    if tables and not replace:
        raise _exists("The database")
    if (await database.read(SELECT_OTHERS))[0]["others"]:
        raise Conflict("store.in_use", "A server is connected to this database.", hint="Stop every Assay that uses it first.")
    return "".join(
        (
            *(f'DROP TABLE "{name}" CASCADE;\n' for name in tables),
            *(f"DROP FUNCTION {name} CASCADE;\n" for name in functions),
        )
    )


def _read_steps(script: str) -> list[tuple[str, str, str]]:
    """The rows that pg_restore writes for COPY: fields between tabs, up to a line of ``\\.``."""
    found = []
    lines = iter(script.splitlines())
    for line in lines:
        if line.startswith("COPY ") and "(package, name, checksum, at)" in line:
            for row in lines:
                if row == "\\.":
                    break
                package, name, checksum, _ = row.split("\t")
                found.append((package, name, checksum))
    return found


def _check_magic(source: Path, magic: bytes, what: str) -> None:
    with source.open("rb") as file:
        if file.read(len(magic)) != magic:
            raise _not_a_backup(source, f"it is not {what}")


def _not_a_backup(source: Path, reason: str) -> InvalidInput:
    return InvalidInput(
        "store.not_a_backup",
        f"{str(source)!r} cannot be put back: {reason}.",
        hint="Give a file that `assay db backup` wrote.",
        param="file",
    )


def _exists(what: str) -> Conflict:
    return Conflict("store.restore_exists", f"{what} is there already.", hint="Say --replace to put the copy in its place.")


def _failed(reason: str) -> Unavailable:
    return Unavailable("store.restore_failed", f"Nothing was put back: {reason}.")
