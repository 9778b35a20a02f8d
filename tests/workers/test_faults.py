"""The database goes away under load and comes back: known keys are served meanwhile, and every answer ends on record, once."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # asyncpg ships no types
import pytest

from tests.cli.command import command
from tests.gateway.rig import Reply
from tests.postgres import Postgres, running_postgres
from tests.server import RunningAssay
from tests.upstream import ScriptedUpstream
from tests.workers.rig import chat, children_of, eventually, line, serving, upstream

pytestmark = pytest.mark.anyio
AWAY_S = float(os.environ.get("ASSAY_AWAY_S", "600"))


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedUpstream]:
    with upstream() as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server that may be killed."""
    with running_postgres(own=True) as server:
        yield server


@pytest.fixture(params=[0, 2])
def assay(
    request: pytest.FixtureRequest, own_postgres: Postgres, provider: ScriptedUpstream, tmp_path: Path
) -> Iterator[RunningAssay]:
    with serving(tmp_path / "a", provider, request.param, "--database", own_postgres.url()) as running:
        yield running


@asynccontextmanager
async def load(assay: RunningAssay, replies: list[Reply]) -> AsyncIterator[None]:
    """Four clients that ask again and again."""

    async def ask() -> None:
        while True:
            async with line(assay.url) as kept:
                for _ in range(20):
                    replies.append(await kept.chat(assay.gateway_key, "scripted/fast"))
                    await asyncio.sleep(0.02)

    asking = [asyncio.create_task(ask()) for _ in range(4)]
    yield
    for task in asking:
        assert not task.done(), task.exception()
        task.cancel()
    await asyncio.wait(asking)


async def rows(server: Postgres, sql: str) -> list[str]:
    connection = await asyncpg.connect(server.url())
    try:
        return [row[0] for row in await connection.fetch(sql)]
    finally:
        await connection.close()


def shown(assay: RunningAssay) -> set[str]:
    return {call["id"] for call in assay.ask("GET", "/api/v1/calls?limit=500").json["calls"]}


async def past_an_outage(assay: RunningAssay, server: Postgres, away_s: float) -> None:
    replies: list[Reply] = []
    async with load(assay, replies):
        await eventually(lambda: len(replies) > 50)
        before = await asyncio.to_thread(shown, assay)
        server.kill()
        served = len(replies)
        await asyncio.sleep(away_s)
        await eventually(lambda: len(replies) > served + 50)
        server.start()
        back = len(replies)
        await eventually(lambda: len(replies) > back + 50)
    # One that was cut off at the end of the load may be on record without its answer among the replies.
    assert {reply.status for reply in replies} <= {200, 503}
    assert Counter(reply.status for reply in replies)[200] > 100
    answered = {reply.headers["x-request-id"] for reply in replies if reply.status == 200}

    async def missing() -> set[str]:
        return answered - set(await rows(server, "SELECT request_id FROM calls WHERE outcome = 'ok'"))

    async with asyncio.timeout(40):
        while await missing():  # noqa: ASYNC110  # what is waited for is in the database
            await asyncio.sleep(0.1)
    requests = await rows(server, "SELECT request_id FROM calls")
    assert len(requests) == len(set(requests)), "an answer is on record twice"
    assert before <= set(await rows(server, "SELECT id FROM calls")), "what was shown is gone"


async def test_known_keys_work_while_the_database_is_killed_and_started_again(assay: RunningAssay, own_postgres: Postgres) -> None:
    await past_an_outage(assay, own_postgres, 2)
    assert b"Traceback" not in assay.stderr


@pytest.mark.prove
@pytest.mark.timeout(3600)
async def test_known_keys_work_for_ten_minutes_without_the_database(assay: RunningAssay, own_postgres: Postgres) -> None:
    await past_an_outage(assay, own_postgres, AWAY_S)


@pytest.mark.parametrize("assay", [2], indirect=True)
async def test_no_worker_is_given_up_for_one_that_cannot_start(assay: RunningAssay, own_postgres: Postgres) -> None:
    before = children_of(assay.process.pid)
    own_postgres.kill()
    try:
        done = await asyncio.to_thread(command, assay.folder, "restart")
        assert done.code == 3, done
        assert children_of(assay.process.pid) == before
        assert (await chat(assay.url, assay.gateway_key, "scripted/fast")).status == 200
    finally:
        own_postgres.start()


@pytest.mark.parametrize("assay", [2], indirect=True)
async def test_a_lock_of_five_seconds_holds_up_no_client(assay: RunningAssay, own_postgres: Postgres) -> None:
    """More than the pool holds wait for the locked tables; clients of the gateway are answered as ever."""
    connection = await asyncpg.connect(own_postgres.url())
    replies: list[Reply] = []
    async with load(assay, replies):
        async with connection.transaction():
            await connection.execute("LOCK TABLE calls, settings, keys IN ACCESS EXCLUSIVE MODE")
            waiting = [asyncio.create_task(asyncio.to_thread(assay.ask, "GET", "/api/v1/calls")) for _ in range(20)]
            await asyncio.sleep(5)
            assert len(replies) > 50
        assert {(await task).status for task in waiting} <= {200, 503}
    await connection.close()
    assert {reply.status for reply in replies} == {200}
