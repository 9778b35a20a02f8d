"""A copy of the database while it is in use."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

from assay.core.errors import Conflict, Unavailable
from assay.store.database import is_postgresql, sqlite_path
from assay.store.pg_programs import ProgramFailed, run_program


async def backup(db_url: str, target: Path) -> int:
    """Copy the database at ``db_url`` to the file ``target`` (0600), whole and consistent; its size in bytes.

    SQLite is copied page by page (https://www.sqlite.org/backup.html), PostgreSQL by ``pg_dump --format=custom``.

    Raises:
        Conflict: ``store.backup_exists``, nothing is overwritten.
        Unavailable: ``store.backup_failed`` with the reason, ``store.no_pg_program``.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        await asyncio.to_thread(_begin, draft, target)
        if is_postgresql(db_url):
            await _dump(db_url, draft)
        else:
            await asyncio.to_thread(_copy, sqlite_path(db_url), draft)
        return await asyncio.to_thread(_publish, draft, target)
    except OSError as error:
        raise _failed(f"{target}: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def _begin(draft: Path, target: Path) -> None:
    if target.exists():
        raise Conflict("store.backup_exists", f"{target} is there already.", hint="Give another name.", param="target")
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _publish(draft: Path, target: Path) -> int:
    """Give the whole copy its name; a copy that broke off never has it."""
    file = os.open(draft, os.O_RDWR)
    try:
        os.fsync(file)
    finally:
        os.close(file)
    draft.replace(target)
    return target.stat().st_size


def _copy(source: Path, draft: Path) -> None:
    if not source.exists():
        raise _failed(f"there is no database {source}")
    try:
        reading = sqlite3.connect(source, timeout=10)
        writing = sqlite3.connect(draft)
        try:
            reading.backup(writing)
        finally:
            writing.close()
            reading.close()
    except sqlite3.Error as error:
        raise _failed(f"{source}: {error}") from error


async def _dump(url: str, draft: Path) -> None:
    try:
        await run_program("pg_dump", url, "--format=custom", f"--file={draft}")
    except ProgramFailed as failed:
        raise _failed(str(failed)) from failed


def _failed(reason: str) -> Unavailable:
    return Unavailable("store.backup_failed", f"The copy was not made: {reason}.")
