"""What tests of several packages share: the event loop they run on, and a fresh database on each of the two kinds."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # asyncpg ships no types
import pytest
from hypothesis import settings

from assay.core import new_id
from assay.store import Database, migrate, open_database
from assay.web import SCHEMAS
from tests.postgres import Postgres, running_postgres
from tests.scratch import SCRATCH

pytest_plugins = ["tests.marks", "tests.order"]
signal.signal(signal.SIGINT, signal.default_int_handler)  # programs under test can be interrupted, even if we run in the background
if SCRATCH is not None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", SCRATCH)  # pytest's own name for where `tmp_path` lies
TEMPLATE = f"assay_template_{os.getpid()}"

# Cores are shared and slow at times: how long one example takes says nothing. The timeout of the whole test stands.
settings.register_profile("assay", deadline=None)
settings.load_profile("assay")


@pytest.fixture
def anyio_backend() -> str:
    """Assay runs on asyncio (and uvloop), not on trio."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server with a migrated template database, started when the first test asks."""
    with running_postgres() as server:
        asyncio.run(_make_template(server))
        yield server
        asyncio.run(_on_server(server, f"DROP DATABASE {TEMPLATE}"))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database in a file, to be copied."""
    file = tmp_path_factory.mktemp("template") / "assay.db"
    asyncio.run(_migrate(f"sqlite:///{file}"))
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copyfile(template, tmp_path / "assay.db")
        yield f"sqlite:///{tmp_path}/assay.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = f"test_{new_id().replace('-', '')}"
    asyncio.run(_on_server(server, f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE} STRATEGY FILE_COPY'))
    yield server.url(name)
    asyncio.run(_on_server(server, f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture
async def database(anyio_backend: str, database_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated database, open."""
    db = await open_database(database_url)
    yield db
    await db.close()


async def _make_template(server: Postgres) -> None:
    await _on_server(server, f"CREATE DATABASE {TEMPLATE}")
    await _migrate(server.url(TEMPLATE))


async def _migrate(url: str) -> None:
    db = await open_database(url)
    await migrate(db, *SCHEMAS)
    await db.close()


async def _on_server(server: Postgres, statement: str) -> None:
    connection = await asyncpg.connect(server.url())
    await connection.execute(statement)
    await connection.close()
