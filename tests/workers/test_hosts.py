"""Two hosts on one PostgreSQL, with the same master key and data folders of their own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack

import asyncpg  # type: ignore[import-untyped]  # asyncpg ships no types
import pytest

from assay.core import new_id
from tests.postgres import Postgres
from tests.server import RunningAssay
from tests.upstream import ScriptedUpstream
from tests.workers.rig import WAIT_S, chat, models, serving, upstream

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedUpstream]:
    with upstream() as server:
        yield server


@pytest.fixture(scope="module")
def hosts(
    postgres: Postgres, provider: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunningAssay, RunningAssay]]:
    """One without workers and one with two."""
    folder = tmp_path_factory.mktemp("hosts")
    name = f"hosts_{new_id().replace('-', '')}"
    asyncio.run(on_server(postgres, f"CREATE DATABASE {name}"))
    with ExitStack() as stack:
        first = stack.enter_context(serving(folder / "a", provider, 0, "--database", postgres.url(name)))
        (folder / "b" / "secret").mkdir(parents=True, mode=0o700)
        shutil.copy(folder / "a" / "secret" / "master.key", folder / "b" / "secret" / "master.key")
        yield first, stack.enter_context(serving(folder / "b", provider, 2, "--database", postgres.url(name)))
    asyncio.run(on_server(postgres, f"DROP DATABASE {name} WITH (FORCE)"))


async def on_server(server: Postgres, statement: str) -> None:
    connection = await asyncpg.connect(server.url())
    await connection.execute(statement)
    await connection.close()


async def eventually(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await is_so():  # noqa: ASYNC110  # what is waited for is at another host
            await asyncio.sleep(0.2)  # a key that is not known yet is a guess, and many guesses are slowed down


async def test_a_key_made_at_one_host_works_at_the_other_until_it_is_revoked(hosts: tuple[RunningAssay, RunningAssay]) -> None:
    here, there = hosts
    made = here.ask("POST", "/api/v1/keys", {"name": "shared"}).json

    async def works() -> bool:
        for _ in range(8):
            if await models(there.url, made["key"]) != 200:
                return False
        return True

    async def is_refused() -> bool:
        return await models(here.url, made["key"]) != 200

    await eventually(works)
    assert there.ask("DELETE", f"/api/v1/keys/{made['id']}").status == 200
    assert await models(there.url, made["key"]) == 401
    await eventually(is_refused)


async def test_what_one_host_answered_is_on_record_at_the_other(hosts: tuple[RunningAssay, RunningAssay]) -> None:
    here, there = hosts
    reply = await chat(there.url, here.gateway_key, "scripted/fast")
    assert reply.status == 200

    async def is_shown() -> bool:
        return here.ask("GET", f"/api/v1/calls/{reply.headers['x-request-id']}").status == 200

    await eventually(is_shown)


async def test_a_provider_added_at_one_host_can_be_called_at_the_other(
    hosts: tuple[RunningAssay, RunningAssay], provider: ScriptedUpstream
) -> None:
    here, there = hosts
    added = here.ask("POST", "/api/v1/providers", {"name": "late", "base_url": provider.url, "key": "sk-upstream"})
    assert added.status == 201

    async def answers() -> bool:
        return (await chat(there.url, here.gateway_key, "late/fast")).status == 200

    await eventually(answers)
