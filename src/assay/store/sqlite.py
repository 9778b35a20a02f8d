"""SQLite: one writer thread, a few reader threads, WAL with a sync at every commit.

Batches that wait for the writer at the same time are committed together, each inside its own savepoint, so that they share
one sync and yet fail alone. See https://www.sqlite.org/wal.html and https://www.sqlite.org/rescode.html (read 2026-11).
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from assay.core.errors import AssayError, Conflict, InvalidInput, Unavailable
from assay.store.database import Dialect, Row, Rows, Write
from assay.store.sql import Sql, Statement

READERS = 2
BUSY_TIMEOUT_S = 10
_OLDEST = (3, 35, 0)
"""RETURNING and the upsert forms that the store's SQL uses."""

_PRAGMAS = (
    "synchronous = FULL",
    "foreign_keys = ON",
    "temp_store = MEMORY",
    "wal_autocheckpoint = 4000",  # 16 MB: an index page that many commits touch is copied to the database file once for all
    "journal_size_limit = 67108864",
)

_T = TypeVar("_T")
_Waiting: TypeAlias = tuple[Sequence[Write], "asyncio.Future[None]"]

_BROKEN = {
    sqlite3.SQLITE_BUSY: ("store.busy", "is locked by another process"),
    sqlite3.SQLITE_LOCKED: ("store.busy", "is locked by another process"),
    sqlite3.SQLITE_CANTOPEN: ("store.unavailable", "cannot be opened"),
    sqlite3.SQLITE_PERM: ("store.unavailable", "may not be opened"),
    sqlite3.SQLITE_NOTADB: ("store.unavailable", "is not a SQLite database"),
    sqlite3.SQLITE_CORRUPT: ("store.corrupt", "is damaged"),
    sqlite3.SQLITE_FULL: ("store.write_failed", "could not be written: the disk is full"),
    sqlite3.SQLITE_IOERR: ("store.write_failed", "could not be written or read: the disk reported an error"),
    sqlite3.SQLITE_READONLY: ("store.write_failed", "could not be written: it is read-only"),
    sqlite3.SQLITE_NOMEM: ("store.write_failed", "could not be written: out of memory"),
    sqlite3.SQLITE_PROTOCOL: ("store.busy", "is locked by another process"),
    sqlite3.SQLITE_INTERRUPT: ("store.write_failed", "could not be written: the statement was interrupted"),
    sqlite3.SQLITE_AUTH: ("store.write_failed", "could not be written: the statement was refused"),
}


class SqliteDatabase:
    """A database in one file. Open it with `open_database`."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path, writer: sqlite3.Connection, threads: ThreadPoolExecutor):
        self.path = path
        self._writer = writer
        self._threads = threads
        """One thread: the only one that ever touches ``_writer``."""
        self._readers = ThreadPoolExecutor(READERS, "assay-sqlite-read")
        self._local = threading.local()
        self._reading: list[sqlite3.Connection] = []
        self._lock = asyncio.Lock()
        self._waiting: list[_Waiting] = []
        self._committing: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    async def open(cls, path: Path) -> SqliteDatabase:
        """Open or make the file.

        Raises:
            Unavailable: ``store.unavailable``, with the path.
        """
        if sqlite3.sqlite_version_info < _OLDEST:
            raise Unavailable(
                "store.unavailable",
                f"SQLite {sqlite3.sqlite_version} is too old; {'.'.join(map(str, _OLDEST))} or newer is needed.",
                hint="Use a newer Python, or PostgreSQL with --database.",
            )
        threads = ThreadPoolExecutor(1, "assay-sqlite-write")
        try:
            writer = await asyncio.get_running_loop().run_in_executor(threads, _open_writer, path)
        except BaseException:
            threads.shutdown(wait=False)
            raise
        return cls(path, writer, threads)

    async def read(self, sql: Sql, **params: Any) -> list[Row]:
        self._require_open()
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, sql, params)

    async def write(self, batch: Sequence[Write]) -> None:
        self._require_open()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, done))
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_waiting())
        await done

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqliteTransaction]:
        async with self._turn():
            self._require_open()
            try:
                await self._on_writer(self._begin)
                yield SqliteTransaction(self)
                await self._on_writer(self._commit)
            except BaseException:
                await asyncio.shield(self._on_writer(self._roll_back))
                raise

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        while self._committing is not None:
            await self._committing
        async with self._lock:
            await self._on_writer(self._writer.close)
        for threads in (self._threads, self._readers):
            await asyncio.to_thread(threads.shutdown)
        for connection in self._reading:
            connection.close()

    def _require_open(self) -> None:
        if self._closed:
            raise Unavailable("store.unavailable", f"The database {self.path} is closed.")

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """The writer to oneself. The wait is bounded, so that a transaction that hangs cannot hang all others."""
        try:
            async with asyncio.timeout(BUSY_TIMEOUT_S):
                await self._lock.acquire()
        except TimeoutError as error:
            raise _failed(self.path, "store.busy", "is held by another transaction") from error
        try:
            yield
        finally:
            self._lock.release()

    async def _on_writer(self, work: Callable[..., _T], *args: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)

    async def _commit_waiting(self) -> None:
        """Commit batches until none waits; those that came during one commit share the next."""
        try:
            while self._waiting:
                group, results = await self._commit_group()
                for (_, done), error in zip(group, results, strict=True):
                    if done.done():  # the asker went away; what it asked for was still done
                        continue
                    if error is None:
                        done.set_result(None)
                    else:
                        done.set_exception(error)
        finally:
            self._committing = None

    async def _commit_group(self) -> tuple[list[_Waiting], list[Exception | None]]:
        """Commit all that wait when the writer is free; they, and what each came to."""
        try:
            async with self._turn():
                group, self._waiting = self._waiting, []
                return group, await self._on_writer(self._write_group, [batch for batch, _ in group])
        except Unavailable as error:
            group, self._waiting = self._waiting, []
            return group, [error] * len(group)

    def _write_group(self, batches: Sequence[Sequence[Write]]) -> list[Exception | None]:
        """One transaction for all; what each batch came to, None being success."""
        if len(batches) == 1:
            return [self._attempt(self._write_alone, batches[0])]
        error = self._attempt(self._begin)
        if error is not None:
            return [error] * len(batches)
        results = [self._attempt(self._write_nested, batch) for batch in batches]
        error = self._attempt(self._commit)
        return [result or error for result in results]

    def _attempt(self, work: Callable[..., None], *args: Any) -> Exception | None:
        try:
            work(*args)
        except Exception as error:  # noqa: BLE001 - handed to the task that asked, which raises it
            return error
        return None

    def _write_alone(self, batch: Sequence[Write]) -> None:
        self._begin()
        try:
            self._run(batch)
        except BaseException:
            self._roll_back()
            raise
        self._commit()

    def _write_nested(self, batch: Sequence[Write]) -> None:
        """One batch of a group. A storage error may have ended the whole transaction; then later savepoints must not begin one."""
        with self._errors():
            if not self._writer.in_transaction:
                raise _failed(self.path, "store.write_failed", "could not be written")
            self._writer.execute("SAVEPOINT batch")
            try:
                self._run(batch)
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK TO batch")
                    self._writer.execute("RELEASE batch")
                raise
            self._writer.execute("RELEASE batch")

    def _run(self, batch: Sequence[Write]) -> None:
        for sql, rows in batch:
            self._execute(sql, rows)

    def _execute(self, sql: Sql, rows: Rows) -> int:
        statement = sql.sqlite
        with self._errors():
            if isinstance(rows, Sequence):
                return self._execute_rows(statement, [statement.bind(row, lists_as_json=True) for row in rows])
            return self._writer.execute(statement.text, statement.bind(rows, lists_as_json=True)).rowcount

    def _execute_rows(self, statement: Statement, bound: list[tuple[Any, ...]]) -> int:
        """Many rows. Inserts go in blocks: sqlite3 lets go of the interpreter's lock at every step of a statement, and while the
        event loop is busy, getting it back costs more than the row."""
        touched = 0
        for size, text in statement.many:
            while len(bound) >= size:
                block, bound = bound[:size], bound[size:]
                touched += self._writer.execute(text, [value for row in block for value in row]).rowcount
        if bound:
            touched += self._writer.executemany(statement.text, bound).rowcount
        return touched

    def _query(self, sql: Sql, params: dict[str, Any]) -> list[Row]:
        return self._fetch(self._writer, sql, params)

    def _read(self, sql: Sql, params: dict[str, Any]) -> list[Row]:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with self._errors():
                connection = _connect(self.path)
                connection.execute("PRAGMA query_only = ON")
            self._local.connection = connection
            self._reading.append(connection)
        return self._fetch(connection, sql, params)

    def _fetch(self, connection: sqlite3.Connection, sql: Sql, params: dict[str, Any]) -> list[Row]:
        statement = sql.sqlite
        with self._errors():
            return connection.execute(statement.text, statement.bind(params, lists_as_json=True)).fetchall()

    def _script(self, text: str) -> None:
        with self._errors():
            for statement in split_script(text):
                self._writer.execute(statement)

    def _begin(self) -> None:
        with self._errors():
            if self._writer.in_transaction:  # whoever began it went away while it was beginning
                self._writer.execute("ROLLBACK")
            self._writer.execute("BEGIN IMMEDIATE")

    def _commit(self) -> None:
        with self._errors():
            if not self._writer.in_transaction:  # a storage error rolled everything back; a COMMIT of nothing would look well
                raise _failed(self.path, "store.write_failed", "could not be written")
            try:
                self._writer.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        if not self._writer.in_transaction:
            return
        with self._errors():
            self._writer.execute("ROLLBACK")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Say what SQLite said in the store's own errors."""
        try:
            yield
        except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
            raise _typed(error, self.path) from error


class SqliteTransaction:
    """The writer, between BEGIN IMMEDIATE and COMMIT."""

    dialect: Dialect = "sqlite"

    def __init__(self, database: SqliteDatabase):
        self._database = database

    async def read(self, sql: Sql, **params: Any) -> list[Row]:
        return await self._database._on_writer(self._database._query, sql, params)

    async def write(self, sql: Sql, rows: Rows) -> int:
        return await self._database._on_writer(self._database._execute, sql, rows)

    async def script(self, text: str) -> None:
        await self._database._on_writer(self._database._script, text)


def split_script(text: str) -> Iterator[str]:
    """The statements of a script, where a trigger's body is one statement with several semicolons."""
    statement = ""
    for piece in text.split(";"):
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip("; \n"):
        yield statement


_SPACE = "Nothing was saved. Make room or mend the disk; then it goes on by itself."


def _typed(error: Exception, path: Path) -> AssayError | Exception:
    if isinstance(error, OverflowError | sqlite3.DataError):
        return InvalidInput("store.out_of_range", "A number beyond 64 bits or a value that is too long cannot be stored.")
    if isinstance(error, UnicodeEncodeError):
        return InvalidInput("store.bad_text", "Text with a lone surrogate is not valid Unicode and cannot be stored.")
    if isinstance(error, sqlite3.IntegrityError):
        return Conflict("store.conflict", f"The database refused a row: {error}.")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code not in _BROKEN:
        return error
    return _failed(path, *_BROKEN[code])


def _failed(path: Path, code: str, said: str) -> Unavailable:
    hint = _SPACE if code == "store.write_failed" else None
    return Unavailable(code, f"The database {path} {said}.", hint=hint, retry_after_s=1)


def _open_writer(path: Path) -> sqlite3.Connection:
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = _connect(path)
        _use_wal(connection)
    except sqlite3.Error as error:
        raise _typed(error, path) from error
    except OSError as error:
        raise Unavailable("store.unavailable", f"The database {path} cannot be opened: {error.strerror}.") from error
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turn WAL on. SQLite does not wait here when another process does the same at the same time, so we do."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.row_factory = sqlite3.Row
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection
