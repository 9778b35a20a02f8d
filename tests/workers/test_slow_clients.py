"""Clients that hardly read and clients that hardly send: they cost little memory, are cut off in time, and hold up nobody."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.gateway.rig import ToldUpstream, Wire, told
from tests.server import RunningAssay
from tests.upstream import ScriptedUpstream
from tests.workers.measure import held_by
from tests.workers.rig import chat, line, question, serving, upstream

pytestmark = pytest.mark.anyio
SLOW_READERS = pytest.param(200, marks=[pytest.mark.prove, pytest.mark.timeout(600)])


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedUpstream]:
    with upstream() as server:
        yield server


@pytest.fixture
def assay(provider: ScriptedUpstream, tmp_path: Path) -> Iterator[RunningAssay]:
    with serving(tmp_path / "a", provider, 0) as running:
        yield running


@asynccontextmanager
async def connections(assay: RunningAssay, count: int, first: bytes) -> AsyncIterator[list[socket.socket]]:
    """So many connections with small windows, on each of which ``first`` was sent."""
    at = urlsplit(assay.url)
    loop = asyncio.get_running_loop()
    with ExitStack() as opened:
        made = [opened.enter_context(socket.socket()) for _ in range(count)]
        for one in made:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.setblocking(False)
            await loop.sock_connect(one, (at.hostname, at.port))
            await loop.sock_sendall(one, first)
        yield made


async def p99_of(assay: RunningAssay, count: int = 200) -> float:
    """Of so many plain answers, in seconds."""
    took = []
    async with line(assay.url) as kept:
        for _ in range(count):
            began = time.monotonic()
            assert (await kept.chat(assay.gateway_key, "scripted/fast")).status == 200
            took.append(time.monotonic() - began)
    return sorted(took)[int(count * 0.99)]


async def pour(wire: Wire) -> None:
    """A stream of eight megabytes, as fast as it is taken."""
    piece = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": {"content": "x" * 16_000}}]}  # fmt: skip
    await wire.request()
    await wire.begin_stream()
    for _ in range(500):
        await wire.event(piece)
    await wire.event(b"data: [DONE]\n\n")
    await wire.end_stream()


@pytest.mark.parametrize("count", [60, SLOW_READERS])
async def test_slow_readers_cost_little_and_hold_up_nobody(provider: ScriptedUpstream, tmp_path: Path, count: int) -> None:
    async with told(pour) as fast:
        row = f'[providers.fast]\nbase_url = "{fast.url}"\nauth = "none"\n'
        # In a thread: the upstream that pours lives in our event loop.
        with ExitStack() as stack:
            assay = await asyncio.to_thread(stack.enter_context, serving(tmp_path / "a", provider, 0, after=row))
            await read_slowly(assay, fast, count)
            await asyncio.to_thread(stack.close)


async def read_slowly(assay: RunningAssay, fast: ToldUpstream, count: int) -> None:
    alone = await p99_of(assay)
    body = question("fast/m", stream=True)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {assay.gateway_key}\r\n"
    before = held_by(assay.process.pid).resident
    async with connections(assay, count, f"{head}content-length: {len(body)}\r\n\r\n".encode() + body) as readers:
        async with asyncio.timeout(60):
            while len(fast.requests) < count:  # noqa: ASYNC110  # what is waited for has no event to set
                await asyncio.sleep(0.05)
        loop = asyncio.get_running_loop()
        most = 0
        for _ in range(3):  # a byte a second each
            await asyncio.gather(*(loop.sock_recv(reader, 1) for reader in readers))
            most = max(most, held_by(assay.process.pid).resident)
            beside = await p99_of(assay)
        print(
            f"{count} slow readers: {(most - before) / count / 1024:.0f} KiB each; p99 {1e3 * alone:.1f} ms, then {1e3 * beside:.1f}"
        )
        assert (most - before) / count < 256 * 1024


@pytest.mark.prove
@pytest.mark.timeout(600)
@pytest.mark.parametrize("ends", ["in its head", "in its body"])
async def test_a_thousand_that_never_end_their_request_are_cut_off(assay: RunningAssay, ends: str) -> None:
    alone = await p99_of(assay)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {assay.gateway_key}\r\n"
    begun = (head + ("x-never-ends: " if ends == "in its head" else "content-length: 9999\r\n\r\n{")).encode()
    began = time.monotonic()
    async with connections(assay, 1000, begun) as senders:
        print(f"p99 {1e3 * alone:.1f} ms, beside a thousand {1e3 * await p99_of(assay):.1f}")
        loop = asyncio.get_running_loop()

        async def until_cut(one: socket.socket) -> None:
            try:
                while await loop.sock_recv(one, 4096):
                    pass
            except ConnectionError:
                pass

        async with asyncio.timeout(60):
            await asyncio.gather(*(until_cut(one) for one in senders))
        print(f"all were cut off after {time.monotonic() - began:.0f} s")
    assert (await chat(assay.url, assay.gateway_key, "scripted/fast")).status == 200
