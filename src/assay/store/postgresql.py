"""PostgreSQL by asyncpg: a small pool, bounded waits, a synchronous commit whatever the server's own default is.

A server that goes away makes each call fail at once as `Unavailable`; the pool connects again by itself when it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # asyncpg ships no types

from assay.core.errors import AssayError, Conflict, InvalidInput, Unavailable
from assay.store.database import Dialect, Row, Rows, Write
from assay.store.sql import Sql

POOL = 8
CONNECT_TIMEOUT_S = 5
WAIT_TIMEOUT_S = 10
"""How long a call waits for a free connection, and for another's lock."""
STATEMENT_TIMEOUT_S = 60
_OLDEST = 15


class PostgresqlDatabase:
    """A database on a server. Open it with `open_database`."""

    dialect: Dialect = "postgresql"

    def __init__(self, pool: asyncpg.Pool):
        self._pool = pool

    @classmethod
    async def open(cls, url: str) -> PostgresqlDatabase:
        """Connect once, to learn at once whether the server answers.

        Raises:
            InvalidInput: ``store.bad_url``.
            Unavailable: ``store.unavailable``.
        """
        pool = asyncpg.create_pool(
            url,
            min_size=1,
            max_size=POOL,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=STATEMENT_TIMEOUT_S,
            reset=_leave,
            server_settings={
                "application_name": "assay",
                "synchronous_commit": "on",
                "lock_timeout": f"{WAIT_TIMEOUT_S}s",
                "timezone": "UTC",
            },
        )
        with _errors():
            try:
                await pool
            except (asyncpg.ClientConfigurationError, ValueError) as error:
                raise _bad_url() from error
            async with pool.acquire() as connection:
                version: int = connection.get_server_version().major
        if version < _OLDEST:
            await pool.close()
            raise Unavailable("store.unavailable", f"PostgreSQL {version} is too old; {_OLDEST} or newer is needed.")
        return cls(pool)

    async def read(self, sql: Sql, **params: Any) -> list[Row]:
        statement = sql.postgresql
        values = statement.bind(params, lists_as_json=False)
        with _errors():
            async with self._pool.acquire(timeout=WAIT_TIMEOUT_S) as connection:
                rows: list[Row] = await connection.fetch(statement.text, *values)
                return rows

    async def write(self, batch: Sequence[Write]) -> None:
        with _errors():
            async with self._pool.acquire(timeout=WAIT_TIMEOUT_S) as connection, connection.transaction():
                for sql, rows in batch:
                    statement = sql.postgresql
                    if isinstance(rows, Sequence):
                        bound = [statement.bind(row, lists_as_json=False) for row in rows]
                        await connection.executemany(statement.text, bound)
                    else:
                        await connection.execute(statement.text, *statement.bind(rows, lists_as_json=False))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresqlTransaction]:
        with _errors():
            connection = await self._pool.acquire(timeout=WAIT_TIMEOUT_S)
        try:
            transaction = connection.transaction()
            with _errors():
                await transaction.start()
            try:
                yield PostgresqlTransaction(connection)
            except BaseException:
                with suppress(asyncpg.PostgresError, *_LOST):  # a lost connection rolls back by itself
                    await transaction.rollback()
                raise
            with _errors():
                await transaction.commit()
        finally:
            await self._pool.release(connection)

    async def close(self) -> None:
        try:
            await asyncio.wait_for(self._pool.close(), WAIT_TIMEOUT_S)
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._pool.terminate()


class PostgresqlTransaction:
    """One connection, between BEGIN and COMMIT (READ COMMITTED; what must not move is read FOR UPDATE)."""

    dialect: Dialect = "postgresql"

    def __init__(self, connection: Any):
        self._connection = connection

    async def read(self, sql: Sql, **params: Any) -> list[Row]:
        statement = sql.postgresql
        with _errors():
            rows: list[Row] = await self._connection.fetch(statement.text, *statement.bind(params, lists_as_json=False))
            return rows

    async def write(self, sql: Sql, rows: Rows) -> int:
        statement = sql.postgresql
        with _errors():
            if isinstance(rows, Sequence):
                bound = [statement.bind(row, lists_as_json=False) for row in rows]
                return len(await self._connection.fetchmany(sql.counted, bound)) if bound else 0
            status: str = await self._connection.execute(statement.text, *statement.bind(rows, lists_as_json=False))
            return int(status.rpartition(" ")[2])

    async def script(self, text: str) -> None:
        with _errors():
            await self._connection.execute(text)


@contextmanager
def _errors() -> Iterator[None]:
    """Say what PostgreSQL said in the store's own errors."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError) as error:
        raise _typed(error) from error


_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that the server ended while idle, used before its end was noticed
    OSError,
    TimeoutError,
)


def _typed(error: Exception) -> AssayError | Exception:
    if isinstance(error, asyncpg.PostgresError):
        error.detail = None  # it quotes the row: prompts, names of models; and what is chained here may be logged
    if isinstance(error, asyncpg.IntegrityConstraintViolationError | asyncpg.RaiseError):
        return Conflict("store.conflict", f"The database refused a row: {error}.")
    if isinstance(error, asyncpg.DataError):
        if isinstance(error.__cause__, UnicodeEncodeError):
            return InvalidInput("store.bad_text", "Text with a lone surrogate is not valid Unicode and cannot be stored.")
        return InvalidInput("store.out_of_range", "A number beyond 64 bits or a value that is too long cannot be stored.")
    if isinstance(error, asyncpg.LockNotAvailableError | asyncpg.DeadlockDetectedError | asyncpg.SerializationError):
        return Unavailable("store.busy", "The database is locked by another process.", retry_after_s=1)
    if isinstance(error, asyncpg.InsufficientResourcesError | asyncpg.PostgresSystemError | asyncpg.ReadOnlySQLTransactionError):
        return Unavailable("store.write_failed", f"PostgreSQL could not write: {error}.", retry_after_s=1)
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError | asyncpg.InvalidCatalogNameError):
        return Unavailable("store.unavailable", f"PostgreSQL refused the connection: {error}.")
    if isinstance(error, _LOST):
        return Unavailable(
            "store.unavailable",
            "PostgreSQL does not answer.",
            hint="It goes on by itself when the server is back.",
            retry_after_s=1,
        )
    return error


async def _leave(connection: Any) -> None:
    """Nothing to reset when a connection goes back to the pool: all we do is in transactions. Saves a round trip each."""


def _bad_url() -> InvalidInput:
    return InvalidInput(
        "store.bad_url",
        "The PostgreSQL URL cannot be read.",
        hint="Write postgresql://user@host:5432/name.",
        param="database",
    )
