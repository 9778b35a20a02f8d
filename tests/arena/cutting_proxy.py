"""A proxy before PostgreSQL that cuts a connection at a chosen message: what a failing network or server looks like."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import parse_qs, urlsplit, urlunsplit

When = Literal["before", "after"]
"""Whether the server still gets the message whose connection is cut. If so, nobody hears what came of it."""


class CuttingProxy:
    """``url`` is the database as seen through it."""

    def __init__(self, url: str):
        self._target = url
        self._left = 0
        self._when: When = "before"
        self._deaf = False
        self.url = ""
        self.has_cut = False

    def cut(self, message: int, when: When) -> None:
        """Cut the connection of the ``message``-th message from now on, counted from 1."""
        self._left, self._when, self.has_cut = message, when, False

    def heal(self) -> None:
        """Cut nothing any more."""
        self._left = 0

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection, until either side closes it or it is cut."""
        there, server = await self._connect()
        answered = asyncio.Event()
        back = asyncio.create_task(self._answer(there, writer, answered))
        try:
            while data := await reader.read(1 << 20):
                self._left -= 1
                if self._left == 0:
                    self.has_cut = True
                    if self._when == "after":
                        answered.clear()
                        self._deaf = True
                        server.write(data)
                        await answered.wait()
                        self._deaf = False
                    break
                server.write(data)
                await server.drain()
        except ConnectionError:
            pass
        finally:
            self._deaf = False
            back.cancel()
            server.transport.abort()
            writer.transport.abort()
            await asyncio.wait([back])

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answered: asyncio.Event) -> None:
        try:
            while data := await reader.read(1 << 20):
                answered.set()
                if not self._deaf:
                    writer.write(data)
                    await writer.drain()
            writer.close()
        except ConnectionError:
            pass
        finally:
            answered.set()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self._target)
        if folder := parse_qs(parts.query).get("host"):
            return await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.5432")
        return await asyncio.open_connection(parts.hostname, parts.port or 5432)


@asynccontextmanager
async def cutting_proxy(url: str) -> AsyncIterator[CuttingProxy]:
    """A proxy to the database at ``url``."""
    proxy = CuttingProxy(url)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(proxy.accept(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    proxy.url = urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{port}", query=""))
    try:
        yield proxy
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
