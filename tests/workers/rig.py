"""Real processes with workers, and clients that keep their connections and notice every one that is cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.gateway.rig import Reply, read_reply
from tests.server import RunningAssay, running
from tests.upstream import ScriptedUpstream
from tests.upstream.script import Script, says

WORDS = " ".join(f"word{n}" for n in range(30))
WAIT_S = 40


@contextmanager
def upstream() -> Iterator[ScriptedUpstream]:
    """An upstream whose ``slow`` takes a few seconds, whose ``endless`` minutes, and whose ``fast`` answers at once."""
    scripts: dict[str, Script] = {
        "slow": lambda asked: says(WORDS, pace_s=0.1),
        "endless": lambda asked: says(WORDS * 100, pace_s=0.1),
        "fast": lambda asked: says("Done."),
        "long": lambda asked: says(WORDS * 4000),
    }
    with ScriptedUpstream(scripts=scripts) as server:
        yield server


def write_config(folder: Path, server: ScriptedUpstream, more: str = "", after: str = "") -> Path:
    """An ``assay.toml`` with the upstream as the provider ``scripted``; ``more`` goes before it, ``after`` after it."""
    path = folder / "assay.toml"
    path.write_text(f'{more}\n[providers.scripted]\nbase_url = "{server.url}"\n{after}')
    return path


@contextmanager
def serving(
    folder: Path, server: ScriptedUpstream, workers: int, *flags: str, more: str = "", after: str = ""
) -> Iterator[RunningAssay]:
    """`assay up` with so many workers before the upstream, and one signed in."""
    folder.mkdir(exist_ok=True)
    write_config(folder, server, more, after)
    with running(folder, "--demo", "--workers", str(workers), *flags, environ={"SCRIPTED_API_KEY": "sk-upstream"}) as assay:
        assay.sign_in()
        yield assay


def children_of(pid: int) -> list[int]:
    """The processes that ``pid`` has started and that run."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def question(model: str, *, stream: bool = False) -> bytes:
    """The body of a chat completion."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "x"}], "stream": stream}).encode()


class Line:
    """One kept connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.reader = reader
        self.writer = writer

    def send(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Send a request."""
        named = {"host": "localhost", "content-length": str(len(body))} | dict(headers or {})
        lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        self.writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)

    async def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        """One request and its answer."""
        self.send(method, path, body, headers)
        async with asyncio.timeout(WAIT_S):
            return await read_reply(self.reader)

    async def ask_in_pieces(self, method: str, path: str, pieces: list[bytes], headers: Mapping[str, str]) -> Reply:
        """One request whose body comes chunked, with pauses, and its answer."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.writer.write(f"{method} {path} HTTP/1.1\r\nhost: localhost\r\n{lines}transfer-encoding: chunked\r\n\r\n".encode())
        for piece in (*pieces, b""):
            await asyncio.sleep(0.01)
            self.writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        async with asyncio.timeout(WAIT_S):
            return await read_reply(self.reader)

    async def chat(self, key: str, model: str, *, stream: bool = False) -> Reply:
        """A chat completion."""
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        return await self.ask("POST", "/v1/chat/completions", question(model, stream=stream), headers)


@asynccontextmanager
async def line(url: str) -> AsyncIterator[Line]:
    """A connection of one's own."""
    at = urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()


async def chat(url: str, key: str, model: str, *, stream: bool = False) -> Reply:
    """A chat completion on a connection of its own."""
    async with line(url) as one:
        return await one.chat(key, model, stream=stream)


async def models(url: str, key: str) -> int:
    """The status with which the list of models is answered, on a connection of its own."""
    async with line(url) as one:
        return (await one.ask("GET", "/v1/models", headers={"authorization": f"Bearer {key}"})).status


async def eventually(condition: Callable[[], Any], timeout_s: float = WAIT_S) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  # what is waited for is in another process
            await asyncio.sleep(0.02)
