"""What only a server can do: not be there, go away in the middle, and come back."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from assay.core import AssayError, Unavailable, new_id
from assay.store import Database, Sql, migrate, open_database, postgresql
from assay.store.chain import append_verdicts, read_verdicts, verify_chain
from tests.postgres import Postgres, running_postgres
from tests.store.test_chain import vote

pytestmark = pytest.mark.anyio

ONE = Sql("SELECT 1 AS one")
SHOW = Sql("SELECT current_setting('synchronous_commit') AS value")
DEADLINE_S = 30


@pytest.fixture(scope="module")
def own_server() -> Iterator[Postgres]:
    """A server that may be killed."""
    with running_postgres(own=True, durable=True) as server:
        yield server


async def test_every_commit_waits_for_the_servers_disk(postgres: Postgres) -> None:
    database = await open_database(postgres.url())
    assert (await database.read(SHOW))[0]["value"] == "on"
    await database.close()


@pytest.mark.parametrize("url", ["postgresql://u:hunter2@127.0.0.1:1/d", "postgresql:///d?host=/nowhere&user=u"])
async def test_a_server_that_is_not_there_is_unavailable_at_once(url: str) -> None:
    with pytest.raises(Unavailable, match="does not answer") as refused:
        await open_database(url)
    assert refused.value.code == "store.unavailable"
    assert "hunter2" not in str(refused.value)


async def test_a_database_or_user_that_does_not_exist_is_named(postgres: Postgres) -> None:
    with pytest.raises(Unavailable, match='"no_such_database" does not exist'):
        await open_database(postgres.url("no_such_database"))


async def test_a_server_that_accepts_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "CONNECT_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(Unavailable, match="does not answer"):
            await open_database(f"postgresql://u@127.0.0.1:{port}/d")


async def test_a_pool_in_use_is_waited_for_and_then_given_up(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "POOL", 1)
    monkeypatch.setattr(postgresql, "WAIT_TIMEOUT_S", 0.2)
    database = await open_database(postgres.url())
    async with database.transaction():
        with pytest.raises(Unavailable):
            await database.read(ONE)
    assert (await database.read(ONE))[0]["one"] == 1
    await database.close()


async def test_votes_survive_a_server_killed_under_eight_voters(own_server: Postgres) -> None:
    """Whatever was acknowledged is there, failures are typed and quick, and the same `Database` goes on when the server is back."""
    database = await open_database(own_server.url())
    await migrate(database, "assay.store")
    acknowledged: list[str] = []
    failures: list[AssayError] = []
    over = asyncio.Event()

    async def voter() -> None:
        while not over.is_set():
            ballot = vote()
            try:
                async with database.transaction() as tx:
                    await append_verdicts(tx, [ballot])
            except AssayError as error:
                failures.append(error)
                await asyncio.sleep(0.01)
            else:
                acknowledged.append(ballot.id)

    voters = [asyncio.create_task(voter()) for _ in range(8)]
    await until(lambda: len(acknowledged) > 100)
    own_server.kill()
    await until(lambda: len(failures) > 20)
    start = time.monotonic()
    with pytest.raises(Unavailable):
        await database.read(ONE)
    assert time.monotonic() - start < postgresql.CONNECT_TIMEOUT_S
    await asyncio.to_thread(own_server.start, durable=True)
    before = len(acknowledged)
    await until(lambda: len(acknowledged) > before + 100)
    over.set()
    await asyncio.gather(*voters)
    assert {error.code for error in failures} == {"store.unavailable"}
    stored = [verdict.id for verdict in await read_verdicts(database)]
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored))
    assert (await verify_chain(database)).ok
    await database.close()


async def test_a_connection_that_the_server_ended_is_replaced(own_server: Postgres) -> None:
    name = f"db_{new_id().replace('-', '')}"
    database = await open_database(own_server.url())
    await database.read(Sql(f'CREATE DATABASE "{name}"'))
    other = await open_database(own_server.url(name))
    await database.read(Sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"), name=name)
    deadline = time.monotonic() + DEADLINE_S
    while not await reads(other):
        assert time.monotonic() < deadline
    for one in (database, other):
        await one.close()


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def reads(database: Database) -> bool:
    try:
        await database.read(ONE)
    except Unavailable:
        return False
    return True
