"""A browser of the arena's API, in-process: it keeps every byte it was sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.types import Message, Scope

from assay.arena import Arena
from assay.arena import routes as arena_routes
from assay.core import AssayError
from assay.web import problems

Event = tuple[str, Any]
"""A server-sent event: its name and its data."""


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    json: Any


class Browser:
    """One session. ``seen`` is all that came: status lines, headers and bodies."""

    def __init__(self, arena: Arena, session: str = "one"):
        handlers = {AssayError: problems.on_assay_error, Exception: problems.on_bug}
        self._app = Starlette(routes=arena_routes.routes(arena), exception_handlers=handlers)
        self.session = session
        self.seen = bytearray()

    async def get(self, path: str) -> Reply:
        return await self._whole("GET", path, b"")

    async def post(self, path: str, body: Any) -> Reply:
        return await self._whole("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode())

    async def vote(self, battle: str, token: str, choice: str = "a") -> Reply:
        return await self.post(f"/api/v1/battles/{battle}/vote", {"choice": choice, "token": token})

    async def battle(self, prompt: str = "Why is the sky blue?") -> list[Event]:
        """Begin a battle and watch it to its end."""
        async with self.stream("/api/v1/battles", {"prompt": prompt}) as events:
            return [event async for event in events]

    async def turn(self, battle: str, prompt: str, token: str) -> list[Event]:
        """Ask one thing more and watch to the end."""
        async with self.stream(f"/api/v1/battles/{battle}/turns", {"prompt": prompt, "token": token}) as events:
            return [event async for event in events]

    @asynccontextmanager
    async def stream(self, path: str, body: Any) -> AsyncGenerator[AsyncGenerator[Event, None], None]:
        """The events of a POST as they come; leaving the ``async with`` closes the connection."""
        connection = _Connection(self._app, self._scope("POST", path), json.dumps(body).encode())
        try:
            start = await connection.next()
            self._see(start)
            assert start["status"] == 200, (start, await connection.rest())
            yield self._events(connection)
        finally:
            await connection.close()

    async def _events(self, connection: _Connection) -> AsyncGenerator[Event, None]:
        waiting = b""
        more = True
        while more:
            message = await connection.next()
            self._see(message)
            more = message.get("more_body", False)
            waiting += message["body"]
            *blocks, waiting = waiting.split(b"\n\n")
            for block in blocks:
                if not block.startswith(b":"):
                    name, data = block.split(b"\n", 1)
                    yield name.removeprefix(b"event: ").decode(), json.loads(data.removeprefix(b"data: "))

    async def _whole(self, method: str, path: str, body: bytes) -> Reply:
        connection = _Connection(self._app, self._scope(method, path), body)
        start = await connection.next()
        self._see(start)
        rest = await connection.rest()
        self.seen += rest
        await connection.close()
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return Reply(start["status"], headers, json.loads(rest) if "json" in headers["content-type"] else None)

    def _see(self, message: Message) -> None:
        for name, value in message.get("headers", []):
            self.seen += name + b": " + value + b"\n"
        self.seen += message.get("body", b"")

    def _scope(self, method: str, path: str) -> Scope:
        path, _, query = path.partition("?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"test")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {"session": self.session},
        }


class _Connection:
    def __init__(self, app: Starlette, scope: Scope, body: bytes):
        self._sent: asyncio.Queue[Message] = asyncio.Queue()
        self._received: asyncio.Queue[Message] = asyncio.Queue()
        self._received.put_nowait({"type": "http.request", "body": body, "more_body": False})
        self._task = asyncio.create_task(app(scope, self._received.get, self._sent.put))

    async def next(self) -> Message:
        return await asyncio.wait_for(self._sent.get(), 10)

    async def rest(self) -> bytes:
        body, more = b"", True
        while more:
            message = await self.next()
            body += message["body"]
            more = message.get("more_body", False)
        return body

    async def close(self) -> None:
        self._received.put_nowait({"type": "http.disconnect"})
        await asyncio.wait_for(self._task, 10)
