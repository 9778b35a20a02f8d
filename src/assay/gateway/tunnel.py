"""TLS through an HTTP proxy: ``CONNECT host:port`` (RFC 9110, section 9.3.6), then the handshake inside."""

from __future__ import annotations

import asyncio
import ssl
from typing import cast

from assay.gateway.connection import Connection, Fault
from assay.gateway.origin import Origin

_MAX_HEAD_BYTES = 16 * 1024


class _Handshake(asyncio.Protocol):
    """Waits for the proxy's answer to CONNECT."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._head = b""

    def data_received(self, data: bytes) -> None:
        self._head += data
        if self.answer.done():
            return
        if b"\r\n\r\n" in self._head:
            self.answer.set_result(self._head)
        elif len(self._head) > _MAX_HEAD_BYTES:
            self.answer.set_exception(Fault("upstream.unreachable", "The proxy's answer to CONNECT is too long."))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answer.done():
            self.answer.set_exception(Fault("upstream.unreachable", "The proxy closed the connection."))


async def open_tunnel(proxy: Origin, origin: Origin, connection: Connection, tls: ssl.SSLContext) -> None:
    """Connect ``connection`` to ``origin`` through ``proxy``.

    Raises:
        OSError: the proxy cannot be reached.
        Fault: it refused.
    """
    loop = asyncio.get_running_loop()
    transport, handshake = await loop.create_connection(_Handshake, proxy.host, proxy.port)
    try:
        target = f"{origin.host}:{origin.port}" if ":" not in origin.host else f"[{origin.host}]:{origin.port}"
        transport.write(f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n".encode("ascii"))
        status_line, _, _ = (await handshake.answer).partition(b"\r\n")
        words = status_line.split(b" ", 2)
        if len(words) < 2 or words[1] != b"200":
            said = status_line.decode("latin-1", "replace")[:100]
            raise Fault("upstream.unreachable", f"The proxy {proxy} refused to connect to {target}: {said!r}.")
        secured = await loop.start_tls(transport, connection, tls, server_hostname=origin.host)
    except BaseException:
        transport.abort()
        raise
    connection.connection_made(cast(asyncio.Transport, secured))
