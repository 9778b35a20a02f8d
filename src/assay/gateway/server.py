"""Listens on sockets, gives each connection to a `Front`, and in the end lets what runs end.

Several processes may listen on one socket: each accepts what it can, and one that leaves takes no waiting connection with it.
"""

from __future__ import annotations

import asyncio
import socket
import time
from email.utils import formatdate
from typing import Any

from assay.gateway.front import Front

BACKLOG = 2048
LINGER_S = 5
"""How long a kept connection may still bring a request, and hear that we stop, while others wait for their answers."""

_UNSENT_BYTES = 16 * 1024
"""What the kernel takes of an answer beyond what its client has room for. Else a client that reads slowly would have megabytes wait
for it, in the kernel and in the record of its call."""

_WATCH_S = 1
"""How long whoever only watches may still be told how it ended."""

_LOOK_S = 0.02
_CUT_S = 5
"""How long applications that were cancelled may take to put away what they hold."""


class Server:
    """Serves ``app``, an ASGI callable, on the sockets that it is told to `listen` on, until it has to `leave`."""

    def __init__(self, app: Any):
        self.app = app
        self.connections: set[Front] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.is_leaving = False
        self._listening: list[asyncio.AbstractServer] = []
        self._date = (0, b"")

    async def listen(self, bound: socket.socket) -> None:
        """Accept connections on a socket that is bound."""
        loop = asyncio.get_running_loop()
        if bound.family != socket.AF_UNIX and hasattr(socket, "TCP_NOTSENT_LOWAT"):  # every accepted socket inherits it
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        make = loop.create_unix_server if bound.family == socket.AF_UNIX else loop.create_server
        self._listening.append(await make(lambda: Front(self), sock=bound, backlog=BACKLOG))

    def default_lines(self) -> bytes:
        """The headers that go with every answer: its date."""
        now = int(time.time())
        if self._date[0] != now:
            self._date = now, b"date: %b\r\n" % formatdate(now, usegmt=True).encode()
        return self._date[1]

    async def leave(self, grace_s: float, linger_s: float, *, at_least: bool = False) -> None:
        """Accept nothing more, and wait until all that runs has ended; what has not within ``grace_s`` is cut.

        A connection is closed after the answer that it waits for. One that waits for nothing may be about to bring a request:
        it is kept for ``linger_s``, and what it brings is answered; but not for longer than the answers of others take, unless
        it shall be kept ``at_least`` so long. Whoever only watches is sent away soon.
        """
        self.is_leaving = True
        for listening in self._listening:
            listening.close()
        began = time.monotonic()
        try:
            for connection in list(self.connections):
                connection.end_soon()
            while (self.connections or self.tasks) and (waited_s := time.monotonic() - began) < grace_s:
                if waited_s >= linger_s or not (self.tasks or at_least):
                    for connection in list(self.connections):
                        connection.close_if_idle()
                if waited_s >= _WATCH_S:
                    for connection in list(self.connections):
                        connection.end_watch()
                await asyncio.sleep(_LOOK_S)
        finally:
            self._cut()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=_CUT_S)

    def _cut(self) -> None:
        for task in self.tasks:
            task.cancel()
        for connection in list(self.connections):
            connection.cut_soon()
