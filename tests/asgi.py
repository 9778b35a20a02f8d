"""Endpoints asked in-process, without a socket: every message they send can be looked at, and a client can go away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.api import Actor
from assay.core import AssayError
from assay.web import problems

ADMIN = Actor(id="admin", name="admin", role="admin")
Event = tuple[str, Any]
"""A server-sent event: its name and its data."""


class Reply(NamedTuple):
    """An answer; ``json`` is None where its body is none."""

    status: int
    headers: dict[str, str]
    json: Any
    body: bytes


class Session:
    """Somebody with a session. ``seen`` is all that came: headers and bodies."""

    def __init__(self, routes: Sequence[BaseRoute], session: str = "one", actor: Actor = ADMIN):
        handlers = {AssayError: problems.on_assay_error, Exception: problems.on_bug}
        self._app = Starlette(routes=routes, exception_handlers=handlers)
        self.session = session
        self.actor = actor
        self.seen = bytearray()

    async def get(self, path: str) -> Reply:
        """Ask for something."""
        return await self.ask("GET", path)

    async def post(self, path: str, body: Any = None) -> Reply:
        """Send ``body``: bytes as they are, all else as JSON."""
        return await self.ask("POST", path, body)

    async def ask(self, method: str, path: str, body: Any = None) -> Reply:
        """A request and its whole answer."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        connection = Connection(self._app, self._scope(method, path), data)
        start = await connection.next()
        self._see(start)
        rest = await connection.rest()
        self.seen += rest
        await connection.close()
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return Reply(
            start["status"],
            headers,
            json.loads(rest) if headers.get("content-type", "").split(";")[0].endswith("json") else None,
            rest,
        )

    @asynccontextmanager
    async def stream(self, path: str, body: Any = None, method: str = "POST") -> AsyncGenerator[AsyncGenerator[Event, None], None]:
        """The events of an answer as they come; leaving the ``async with`` closes the connection."""
        connection = Connection(self._app, self._scope(method, path), b"" if body is None else json.dumps(body).encode())
        try:
            start = await connection.next()
            self._see(start)
            assert start["status"] == 200, (start, await connection.rest())
            yield self._events(connection)
        finally:
            await connection.close()

    async def _events(self, connection: Connection) -> AsyncGenerator[Event, None]:
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
            "state": {"session": self.session, "actor": self.actor},
        }


def signed_in(app: ASGIApp, actor: Actor = ADMIN) -> ASGIApp:
    """``app`` for somebody who is signed in."""

    async def marked(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["actor"] = actor
        await app(scope, receive, send)

    return marked


class Connection:
    """One request under way."""

    def __init__(self, app: Starlette, scope: Scope, body: bytes):
        self._sent: asyncio.Queue[Message] = asyncio.Queue()
        self._received: asyncio.Queue[Message] = asyncio.Queue()
        self._received.put_nowait({"type": "http.request", "body": body, "more_body": False})
        self._task = asyncio.create_task(app(scope, self._received.get, self._sent.put))

    async def next(self) -> Message:
        """The next message of the answer."""
        return await asyncio.wait_for(self._sent.get(), 20)

    async def rest(self) -> bytes:
        """All of the body that is still to come."""
        body, more = b"", True
        while more:
            message = await self.next()
            body += message["body"]
            more = message.get("more_body", False)
        return body

    async def close(self) -> None:
        """The client goes away."""
        self._received.put_nowait({"type": "http.disconnect"})
        await asyncio.wait_for(self._task, 20)
