"""The two databases behind one small port: SQLite by default, PostgreSQL for teams.

What both promise: `Database.write` and the exit of `Database.transaction` return after the commit is on disk, or raise. A
failure of the storage is always `Unavailable` (nothing of the batch is saved, or it cannot be known after a lost
connection), a broken constraint is `Conflict`, a value that no column can hold is `InvalidInput`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias
from urllib.parse import unquote, urlsplit

from assay.core.errors import InvalidInput
from assay.store.sql import Parameters, Sql

Dialect: TypeAlias = Literal["sqlite", "postgresql"]
Rows: TypeAlias = Parameters | Sequence[Parameters]
"""The parameters of one row, or of many."""
Write: TypeAlias = tuple[Sql, Rows]


class Row(Protocol):
    """One row of an answer, by column name or index."""

    def __getitem__(self, key: Any, /) -> Any: ...


class Transaction(Protocol):
    """Statements that take effect together. It holds the write lock (SQLite) or what it has locked FOR UPDATE (PostgreSQL)."""

    dialect: Dialect

    async def read(self, sql: Sql, **params: Any) -> list[Row]:
        """All rows of the answer, as this transaction sees them."""
        ...

    async def write(self, sql: Sql, rows: Rows) -> int:
        """Run ``sql`` for each row; how many rows it touched."""
        ...

    async def script(self, text: str) -> None:
        """Run several statements without parameters: a migration."""
        ...


class Database(Protocol):
    """A place where rows live. Safe to use from many tasks of one event loop."""

    dialect: Dialect

    async def read(self, sql: Sql, **params: Any) -> list[Row]:
        """All rows of the answer, as of the last commit."""
        ...

    async def write(self, batch: Sequence[Write]) -> None:
        """Save the whole batch or nothing of it; returns after the commit."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Several steps that depend on each other: commits at exit, rolls back on any exception."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of files and connections."""
        ...


async def open_database(url: str) -> Database:
    """Open ``sqlite:///absolute/path.db`` (made when missing, 0600) or ``postgresql://...``.

    Raises:
        InvalidInput: ``store.bad_url``.
        Unavailable: ``store.unavailable``, the file cannot be opened or the server does not answer.
    """
    if is_postgresql(url):
        from assay.store.postgresql import PostgresqlDatabase  # asyncpg costs 30 ms and 8 MB that SQLite users need not pay

        return await PostgresqlDatabase.open(url)
    from assay.store.sqlite import SqliteDatabase

    return await SqliteDatabase.open(sqlite_path(url))


def is_postgresql(url: str) -> bool:
    """Whether ``url`` names a PostgreSQL server."""
    return url.startswith(("postgresql://", "postgres://"))


def sqlite_path(url: str) -> Path:
    """The file that a ``sqlite:///`` URL names.

    Raises:
        InvalidInput: ``store.bad_url``; the message leaves the URL out, since it may hold a password.
    """
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.scheme != "sqlite" or parts.netloc or not path.startswith("/") or path.endswith("/"):
        raise InvalidInput(
            "store.bad_url",
            f"The database URL with scheme {parts.scheme!r} is neither a SQLite file nor a PostgreSQL server.",
            hint="Write sqlite:///absolute/path.db or postgresql://user@host/name.",
            param="database",
        )
    return Path("/" + path.lstrip("/"))
