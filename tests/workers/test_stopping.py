"""Stopping, replacing and reading again under load: nobody who was let in is cut off, and nobody is refused without need."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.command import command
from tests.gateway.rig import Reply
from tests.server import RunningAssay
from tests.upstream import ScriptedUpstream
from tests.workers.rig import WAIT_S, chat, children_of, eventually, line, serving, upstream, write_config

pytestmark = pytest.mark.anyio
DONE = b"data: [DONE]\n\n"


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedUpstream]:
    with upstream() as server:
        yield server


@asynccontextmanager
async def streams(
    assay: RunningAssay, provider: ScriptedUpstream, count: int, model: str = "slow"
) -> AsyncIterator[list[asyncio.Task[Reply]]]:
    """So many streams under way."""
    before = len(provider.requests)
    tasks = [asyncio.create_task(chat(assay.url, assay.gateway_key, f"scripted/{model}", stream=True)) for _ in range(count)]
    await eventually(lambda: len(provider.requests) >= before + count)
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def whole(reply: Reply | BaseException) -> bool:
    """Whether a stream came to its end."""
    return isinstance(reply, Reply) and reply.complete and reply.body.endswith(DONE)


def recorded(folder: Path) -> list[tuple[str, int]]:
    """How many calls ended how."""
    with contextlib.closing(sqlite3.connect(folder / "data" / "assay.db")) as database:
        return database.execute("SELECT outcome, count(*) FROM calls GROUP BY outcome").fetchall()


async def wait(assay: RunningAssay) -> int:
    return await asyncio.to_thread(assay.process.wait, WAIT_S)


def accepts(assay: RunningAssay) -> bool:
    """Whether a new connection is taken."""
    at = urlsplit(assay.url)
    with socket.socket() as probe:
        return probe.connect_ex((at.hostname, at.port)) == 0


@pytest.mark.parametrize("workers", [0, 4])
async def test_sigterm_lets_a_hundred_streams_end(provider: ScriptedUpstream, tmp_path: Path, workers: int) -> None:
    with serving(tmp_path / "a", provider, workers) as assay:
        async with streams(assay, provider, 100) as tasks:
            assay.process.send_signal(signal.SIGTERM)
            replies = await asyncio.gather(*tasks)
            assert [whole(reply) for reply in replies] == [True] * 100
        assert await wait(assay) == 0, assay.stderr
        assert recorded(assay.folder) == [("ok", 100)]


@pytest.mark.parametrize("workers", [0, 2])
async def test_while_it_stops_what_is_new_is_refused_with_a_time_to_come_back(
    provider: ScriptedUpstream, tmp_path: Path, workers: int
) -> None:
    with serving(tmp_path / "a", provider, workers) as assay:
        async with line(assay.url) as kept, streams(assay, provider, 20) as tasks:
            assert (await kept.chat(assay.gateway_key, "scripted/fast")).status == 200
            assay.process.send_signal(signal.SIGTERM)
            await eventually(lambda: not accepts(assay))
            refused = await kept.chat(assay.gateway_key, "scripted/fast")
            assert (refused.status, refused.headers["connection"]) == (503, "close")
            assert int(refused.headers["retry-after"]) > 0
            assert all(whole(reply) for reply in await asyncio.gather(*tasks))
        assert await wait(assay) == 0


@pytest.mark.parametrize("workers", [0, 2])
async def test_a_second_signal_cuts(provider: ScriptedUpstream, tmp_path: Path, workers: int) -> None:
    with serving(tmp_path / "a", provider, workers) as assay:
        async with streams(assay, provider, 5, "endless") as tasks:
            assay.process.send_signal(signal.SIGTERM)
            await eventually(lambda: b"Stopping" in assay.stderr)
            assay.process.send_signal(signal.SIGTERM)
            assert await wait(assay) == 130
            assert not any(whole(reply) for reply in await asyncio.gather(*tasks, return_exceptions=True))
            assert b"Traceback" not in assay.stderr


async def test_what_takes_longer_than_it_may_is_cut(provider: ScriptedUpstream, tmp_path: Path) -> None:
    with serving(tmp_path / "a", provider, 2, more="drain_s = 0.5") as assay:
        async with streams(assay, provider, 5, "endless") as tasks:
            assay.process.send_signal(signal.SIGTERM)
            assert not any(whole(reply) for reply in await asyncio.gather(*tasks, return_exceptions=True))
            assert await wait(assay) == 0
    assert {outcome for outcome, _ in recorded(tmp_path / "a")} != {"ok"}


async def ask_on(assay: RunningAssay, model: str, replies: list[Reply]) -> None:
    """Ask again and again, on a kept connection until it is closed with an answer, then on another."""
    while True:
        async with line(assay.url) as kept:
            while True:
                replies.append(reply := await kept.chat(assay.gateway_key, model, stream=model.endswith("slow")))
                if reply.headers.get("connection") == "close":
                    break


async def test_workers_are_replaced_under_load_and_nobody_notices(provider: ScriptedUpstream, tmp_path: Path) -> None:
    with serving(tmp_path / "a", provider, 2) as assay:
        before = set(children_of(assay.process.pid))
        replies: list[Reply] = []
        asking = [asyncio.create_task(ask_on(assay, "scripted/fast", replies)) for _ in range(8)]
        async with streams(assay, provider, 20) as tasks:
            assay.process.send_signal(signal.SIGHUP)
            await eventually(lambda: not before & set(children_of(assay.process.pid)))
            assert all(whole(reply) for reply in await asyncio.gather(*tasks))
        seen = len(replies)
        await eventually(lambda: len(replies) > seen + 50)
        for task in asking:
            assert not task.done(), task.exception()
            task.cancel()
        await asyncio.wait(asking)
        assert {(reply.status, reply.complete) for reply in replies} == {(200, True)}
        assert len(children_of(assay.process.pid)) == 2


async def test_the_command_restarts_and_says_what_it_did(provider: ScriptedUpstream, tmp_path: Path) -> None:
    with serving(tmp_path / "a", provider, 2) as assay:
        before = set(children_of(assay.process.pid))
        write_config(assay.folder, provider, "port = 1\n")
        done = await asyncio.to_thread(command, assay.folder, "restart")
        assert (done.code, "2 workers were replaced" in done.out) == (0, True), done
        await eventually(lambda: not before & set(children_of(assay.process.pid)))
        assert (await chat(assay.url, assay.gateway_key, "scripted/fast")).status == 200


@pytest.mark.parametrize("workers", [0, 2])
async def test_a_provider_that_goes_in_the_middle_of_a_stream_lets_it_end(
    provider: ScriptedUpstream, tmp_path: Path, workers: int
) -> None:
    with serving(tmp_path / "a", provider, workers) as assay:
        async with streams(assay, provider, 10) as tasks:
            (assay.folder / "assay.toml").write_text("")
            await eventually(lambda: b"scripted" not in assay.ask("GET", "/api/v1/providers").body)
            while (await chat(assay.url, assay.gateway_key, "scripted/fast")).status != 404:  # noqa: ASYNC110  # at a worker
                await asyncio.sleep(0.05)
            assert all(whole(reply) for reply in await asyncio.gather(*tasks))
