"""uvicorn's HTTP/1.1 protocol with fewer writes: the head of an answer leaves together with the first bytes of its body.

ASGI sends an answer's head and body as two messages, and uvloop writes each to the socket at once. Held back until the body
follows, the head costs no system call and no packet of its own. If no body has come when the event loop turns, it is written
alone, so nothing waits for a stream that is slow to begin.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD = b"HTTP/1.1 "


class _JoiningTransport:
    """A transport that holds back the head of an answer. Everything else goes straight through."""

    __slots__ = ("_held", "_loop", "_transport", "_write")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop):
        self._transport = transport
        self._write = transport.write
        self._loop = loop
        self._held = b""

    def write(self, data: bytes) -> None:
        if self._held:
            data = self._held + data
            self._held = b""
        elif data.startswith(_HEAD):
            self._held = data
            self._loop.call_soon(self._flush)
            return
        self._write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._write(held)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Front(HttpToolsProtocol):
    """Give it to uvicorn as ``http``."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(_JoiningTransport(transport, self.loop))  # type: ignore[arg-type]  # a transport in all that is used
