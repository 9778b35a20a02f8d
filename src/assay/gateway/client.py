"""Our own HTTP/1.1 client: pooled connections over TCP, TLS and Unix sockets, with every wait limited.

A request is written once. It is never sent again: a pooled connection that the upstream has closed is noticed before anything
is written to it, and another one is taken. What fails after that is the caller's to judge, since the upstream may already be
at work on it.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections import deque
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from assay.gateway.addresses import Network, check_written, resolve
from assay.gateway.connection import Connection, Fault, Response, Timeouts
from assay.gateway.origin import Origin, read_url
from assay.gateway.tunnel import open_tunnel

TICK_S = 0.1
"""How often time limits are looked at: one timer for all exchanges instead of several for each."""

IDLE_EXPIRY_S = 15
MAX_CONNECTIONS = 2048
"""Open connections to one origin; further requests wait in line for ``connect_s``."""


class _Pool:
    """The connections to one origin: the idle ones, latest used last, and who waits for one."""

    __slots__ = ("idle", "open", "waiters")

    def __init__(self) -> None:
        self.idle: deque[Connection] = deque()
        self.open = 0
        self.waiters: deque[asyncio.Future[None]] = deque()

    def freed(self) -> None:
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return


class Client:
    """Sends requests to any origin, from the event loop that it was made in.

    ``environ`` is where a proxy for https origins is named (HTTPS_PROXY, NO_PROXY). ``networks`` are private networks that may be
    reached by names, too (see `assay.gateway.addresses`).
    """

    def __init__(
        self,
        *,
        environ: Mapping[str, str] = os.environ,
        tls: ssl.SSLContext | None = None,
        idle_expiry_s: float = IDLE_EXPIRY_S,
        max_connections: int = MAX_CONNECTIONS,
        networks: Sequence[Network] = (),
    ):
        self.networks = networks
        self._proxy = _read_proxy(environ)
        self._no_proxy = _read_no_proxy(environ)
        self._tls = tls
        self._idle_expiry_ns = int(idle_expiry_s * 1e9)
        self._max_connections = max_connections
        self._pools: dict[Origin, _Pool] = {}
        self._connections: dict[Connection, _Pool] = {}
        self._in_flight: set[Response] = set()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._emptied: asyncio.Future[None] | None = None

    async def send(self, origin: Origin, head: bytes, body: bytes, timeouts: Timeouts) -> Response:
        """Write ``head`` (request line and headers, without the empty line) and ``body``; the response has yet to begin.

        Raises:
            Fault: no connection could be had (``upstream.unreachable``, ``upstream.timeout``).
        """
        whole = b"%bcontent-length: %d\r\n\r\n" % (head, len(body))
        return await self._start(origin, whole, body, timeouts, more=False)

    async def open(self, origin: Origin, head: bytes, timeouts: Timeouts) -> Response:
        """Write ``head``, which is whole and says how the body is framed; the body follows by `Response.write`.

        Raises:
            Fault: as `send` does.
        """
        return await self._start(origin, head, b"", timeouts, more=True)

    async def _start(self, origin: Origin, head: bytes, body: bytes, timeouts: Timeouts, *, more: bool) -> Response:
        connection = await self._acquire(origin, timeouts.connect_s)
        response = Response(connection, timeouts, self._release, self._loop)
        self._in_flight.add(response)
        connection.start(response, head, body, more=more)
        return response

    async def close(self) -> None:
        """Cut everything and wait until the sockets are gone."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for response in list(self._in_flight):
            response.fail(Fault("upstream.broke_off", "The gateway is shutting down."))
        for connection in list(self._connections):
            connection.abort()
        if self._connections:
            self._emptied = self._loop.create_future()
            await self._emptied

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    async def _acquire(self, origin: Origin, connect_s: float) -> Connection:
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = _Pool()
        while pool.idle:
            connection = pool.idle.pop()
            if connection.is_fresh():
                return connection
            connection.abort()
        self._arm()
        try:
            async with asyncio.timeout(connect_s):
                while pool.open >= self._max_connections:
                    waiter = self._loop.create_future()
                    pool.waiters.append(waiter)
                    await waiter
                    if pool.idle and (connection := pool.idle.pop()).is_fresh():
                        return connection
                return await self._connect(origin, pool)
        except TimeoutError:
            raise Fault("upstream.timeout", f"No connection to {origin} within {connect_s:g} s.") from None
        except ssl.SSLCertVerificationError as error:
            raise Fault("upstream.unreachable", f"The certificate of {origin} cannot be trusted: {error.verify_message}.") from None
        except OSError as error:
            raise Fault("upstream.unreachable", f"Cannot reach {origin}: {error.strerror or error}.") from None

    async def _connect(self, origin: Origin, pool: _Pool) -> Connection:
        loop = self._loop
        connection = Connection(self._lost)
        pool.open += 1
        self._connections[connection] = pool
        try:
            if origin.socket is not None:
                await loop.create_unix_connection(lambda: connection, origin.socket)
            elif origin.tls and self._proxy is not None and not self._bypasses_proxy(origin.host):
                check_written(origin.host, private=origin.private, networks=self.networks)
                await open_tunnel(self._proxy, origin, connection, self._tls_context())
            else:
                await self._open(origin, connection)
        except BaseException:
            self._lost(connection)
            raise
        return connection

    async def _open(self, origin: Origin, connection: Connection) -> None:
        """Connect to one of the addresses that the host was found to have, and to no other."""
        tls, name = (self._tls_context(), origin.host) if origin.tls else (None, None)
        *before, last = await resolve(origin.host, origin.port, private=origin.private, networks=self.networks)
        for address in before:
            try:
                await self._loop.create_connection(lambda: connection, address, origin.port, ssl=tls, server_hostname=name)
                return
            except ssl.SSLError:
                raise
            except OSError:
                continue
        await self._loop.create_connection(lambda: connection, last, origin.port, ssl=tls, server_hostname=name)

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls

    def _bypasses_proxy(self, host: str) -> bool:
        return any(rule == "*" or host == rule or host.endswith("." + rule) for rule in self._no_proxy)

    def _release(self, connection: Connection, response: Response) -> None:
        self._in_flight.discard(response)
        if connection.release() and not self._closed:
            connection.idle_since_ns = time.monotonic_ns()
            pool = self._connections[connection]
            pool.idle.append(connection)
            pool.freed()
        elif not connection.is_lost:
            connection.abort()

    def _lost(self, connection: Connection) -> None:
        pool = self._connections.pop(connection, None)
        if pool is None:
            return
        pool.open -= 1
        if connection in pool.idle:
            pool.idle.remove(connection)
        pool.freed()
        if self._emptied is not None and not self._connections and not self._emptied.done():
            self._emptied.set_result(None)

    def _arm(self) -> None:
        if self._timer is None and not self._closed:
            self._timer = self._loop.call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        now_ns = time.monotonic_ns()
        for response in list(self._in_flight):
            response.check_time(now_ns)
        for pool in self._pools.values():
            while pool.idle and now_ns - pool.idle[0].idle_since_ns > self._idle_expiry_ns:
                pool.idle.popleft().abort()
        self._timer = None
        if self._connections:
            self._arm()


def _read_proxy(environ: Mapping[str, str]) -> Origin | None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        url = environ.get(name)
        if url:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            # Only plain CONNECT proxies are spoken to; SOCKS and TLS to the proxy itself are not.
            return read_url(f"http://{parts.netloc}")[0] if parts.scheme == "http" and "@" not in parts.netloc else None
    return None


def _read_no_proxy(environ: Mapping[str, str]) -> tuple[str, ...]:
    value = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    return tuple(rule.strip().lstrip(".") for rule in value.split(",") if rule.strip())
