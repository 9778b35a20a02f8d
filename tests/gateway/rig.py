"""What the gateway's tests stand on: upstreams that do what they are told byte by byte, a real server, and a plain client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import msgspec

from assay.core import Call, Model, Price, Provider
from assay.core.settings import Settings
from assay.gateway import Gateway
from assay.store import Database, Vault
from assay.store.keys import create_key
from assay.store.queries import list_calls
from assay.web.serve import listening

Converse: TypeAlias = Callable[["Wire"], Awaitable[None]]
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m-upstream",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "good day"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14},
}
MESSAGES = [{"role": "user", "content": "Say something."}]


class Wire:
    """One connection of a told upstream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: ToldUpstream):
        self.reader = reader
        self.writer = writer
        self.upstream = upstream
        self.head = b""
        self.body = b""

    async def request(self) -> bytes:
        """Read one request; its body."""
        self.head = await self.reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in self.head.split(b"\r\n")[1:] if b": " in line)
        self.body = await self.reader.readexactly(int(fields[b"content-length"]))
        self.upstream.requests.append((self.head, self.body))
        return self.body

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def answer(self, document: Any = ANSWER, status: str = "200 OK", **headers: str) -> None:
        """A whole JSON answer, in one write."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        await self.send(
            f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{named}content-length: {len(body)}\r\n\r\n".encode() + body
        )

    async def begin_stream(self) -> None:
        await self.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    async def event(self, document: Any) -> None:
        data = document if isinstance(document, bytes) else b"data: " + json.dumps(document).encode() + b"\n\n"
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def end_stream(self) -> None:
        await self.send(b"0\r\n\r\n")

    async def until_closed(self) -> None:
        """Wait until the other side goes away; it is then counted."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass
        self.upstream.left += 1

    def reset(self) -> None:
        """Cut the connection without a goodbye."""
        self.writer.transport.abort()


@dataclass
class ToldUpstream:
    """``left`` counts connections that the client closed while an answer was due."""

    port: int = 0
    connections: int = 0
    left: int = 0
    requests: list[tuple[bytes, bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@asynccontextmanager
async def told(converse: Converse, **options: Any) -> AsyncIterator[ToldUpstream]:
    """An upstream that does with each connection what ``converse`` says."""
    upstream = ToldUpstream()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream.connections += 1
        try:
            await converse(Wire(reader, writer, upstream))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    if "path" in options:
        server = await asyncio.start_unix_server(accept, **options)
    else:
        server = await asyncio.start_server(accept, "127.0.0.1", 0, **options)
        upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def answering(wire: Wire) -> None:
    """Answer every request with `ANSWER`, or with its stream."""
    while True:
        body = json.loads(await wire.request())
        if body.get("stream"):
            await wire.begin_stream()
            for document in chunks(usage=bool(body.get("stream_options", {}).get("include_usage"))):
                await wire.event(document)
            await wire.event(b"data: [DONE]\n\n")
            await wire.end_stream()
        else:
            await wire.answer()


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    """One chunk of a stream."""
    return {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def chunks(*, usage: bool) -> list[dict[str, Any]]:
    """`ANSWER` as a stream."""
    words = [chunk({"role": "assistant", "content": ""}), chunk({"content": "good "}), chunk({"content": "day"}), chunk({}, "stop")]
    return [*words, {"id": "chatcmpl-1", "choices": [], "usage": ANSWER["usage"]}] if usage else words


class Reply(msgspec.Struct):
    """An answer as a client saw it. ``complete`` says whether the server ended it properly."""

    status: int
    headers: dict[str, str]
    body: bytes
    complete: bool = True

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def events(self) -> list[Any]:
        """The documents of a stream, ``[DONE]`` and comments left out."""
        lines = [line[6:] for line in self.body.split(b"\n") if line.startswith(b"data: ")]
        return [json.loads(line) for line in lines if line != b"[DONE]"]


@dataclass
class Running:
    """A gateway behind a real port."""

    gateway: Gateway
    url: str
    key: str
    db: Database

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    async def chat(self, document: Any = None, *, key: str | None = None, **fields: Any) -> Reply:
        """POST a chat completion; ``document`` is sent as it is when it is bytes."""
        body = document if isinstance(document, bytes) else json.dumps({"model": "up/m", "messages": MESSAGES, **fields}).encode()
        return await self.ask("POST", "/v1/chat/completions", body, authorization=f"Bearer {key or self.key}")

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request(method, path, body, **headers))
            return await read_reply(reader)
        finally:
            writer.close()

    async def calls(self) -> list[Call]:
        """Every recorded call, the newest first."""
        await self.gateway.recorder.flush()
        return await list_calls(self.db, 1000)

    async def call(self) -> Call:
        """The one call there is."""
        (only,) = await self.calls()
        return only


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """A request's bytes; underscores in header names become hyphens."""
    given = {"host": "t", "content-length": str(len(body))} | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def read_reply(reader: asyncio.StreamReader) -> Reply:
    """Read one answer to its end, or to where it breaks off."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status, *lines = head.split("\r\n")[:-2]
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    reply = Reply(int(status.split()[1]), headers, b"")
    try:
        if headers.get("transfer-encoding") == "chunked":
            while size := int((await reader.readline()).strip() or b"0", 16):
                reply.body += await reader.readexactly(size)
                await reader.readexactly(2)
            await reader.readline()
        else:
            reply.body = await reader.readexactly(int(headers.get("content-length", "0")))
    except (asyncio.IncompleteReadError, ConnectionError):
        reply.complete = False
    return reply


PRICE = Price(input=1_000_000_000, output=2_000_000_000, source="https://example.org/prices", date="2026-11-22")


@asynccontextmanager
async def running(
    db: Database,
    folder: Path,
    url: str,
    *,
    environ: Mapping[str, str] | None = None,
    row: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Running]:
    """A gateway with one provider ``up`` at ``url``, whose model ``m`` has a price, and one gateway key."""
    provider = Provider(
        **{
            "name": "up",
            "title": "Up",
            "base_url": url,
            "key_env": ("UP_KEY",),
            "models": (Model(name="m", price=PRICE),),
            "origin": "file",
        }
        | dict(row or {})
    )
    chosen = Settings(data=folder, master_key=folder / "keys" / "master", port=0, providers=(provider,), **settings)
    vault = Vault.open(chosen.master_key)
    _, key = await create_key(db, vault, "tests")
    gateway = await Gateway.start(db, vault, chosen, environ={"UP_KEY": "sk-upstream"} if environ is None else environ)
    try:
        async with listening(gateway, chosen) as address:
            yield Running(gateway, address, key, db)
    finally:
        await gateway.close()


async def until(condition: Callable[[], bool], timeout_s: float = 5) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  # what is waited for has no event to set
            await asyncio.sleep(0.005)
