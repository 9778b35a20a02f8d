"""One connection of the HTTP/1.1 server in front of everything: ASGI on httptools. `assay.gateway.server` opens the sockets.

It costs half of what uvicorn's protocol does for a short answer. The head of an answer leaves together with the first bytes of its
body, in one system call. One timer serves a connection for as long as it lives. A request whose head is not whole in time is cut off.

Covered: keep-alive, pipelining, chunked and announced bodies, 100-continue, back-pressure both ways, HEAD, HTTP/1.0.
Not covered: upgrades (answered as if they had not been asked for, and the connection closes after), trailers (ignored).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any, Protocol, cast
from urllib.parse import unquote

import httptools
import msgspec

from assay.gateway.asgi import Scope
from assay.gateway.serving import Serving, status_line

MAX_HEAD_BYTES = 64 * 1024
"""Request line and headers may not be larger."""

HIGH_WATER = 64 * 1024
"""Unread body bytes at which a connection stops reading until the application catches up."""

UNWRITTEN = 16 * 1024
"""Bytes of an answer that wait for the client before its application has to wait, too."""


class Patience(msgspec.Struct, frozen=True):
    """How long a client may take, in seconds; ``body_rate`` is in bytes a second, once ``body_s`` are over."""

    head_s: float = 10
    body_s: float = 10
    body_rate: float = 240
    taking_s: float = 60
    """For any of the bytes that wait to be written."""
    look_s: float = 1
    """How often a connection is looked at."""
    idle_s: float = 75
    """Between an answer and the next request."""


class Host(Protocol):
    """What a connection needs of the server that accepted it."""

    app: Any
    connections: set[Front]
    tasks: set[asyncio.Task[None]]
    is_leaving: bool

    def default_lines(self) -> bytes:
        """The headers that go with every answer."""
        ...


_ASGI = {"version": "3.0", "spec_version": "2.3"}

_log = logging.getLogger(__name__)


class Front(asyncio.Protocol):
    """One client's connection."""

    patience = Patience()

    __slots__ = (
        "_body_bytes",
        "_client",
        "_current",
        "_head_bytes",
        "_headers",
        "_host",
        "_idle_since",
        "_is_tls",
        "_loop",
        "_message_since",
        "_parser",
        "_queue",
        "_reading_paused",
        "_server",
        "_timer",
        "_unasked",
        "_untaken",
        "_url",
        "_writable",
        "transport",
    )

    def __init__(self, host: Host):
        self._loop = asyncio.get_running_loop()
        self._host = host
        self._idle_since = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._message_since = 0.0  # when the head or body that is being read began
        self._body_bytes = 0
        self._untaken = (0, 0.0)  # bytes that waited to be written, and since when as many
        self._unasked = b""  # the head of a request without its upgrade, to be read again
        self._parser = self._new_parser()
        self._current: Serving | None = None
        self._queue: deque[Serving] = deque()
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._reading_paused = False
        self._writable: asyncio.Event | None = None
        self.transport: asyncio.Transport

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(UNWRITTEN)
        self._host.connections.add(self)
        self._client = _address(transport.get_extra_info("peername"))
        self._server = _address(transport.get_extra_info("sockname"))
        self._is_tls = transport.get_extra_info("sslcontext") is not None
        self._timer = self._loop.call_later(self.patience.look_s, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        self._queue.clear()
        if self._current is not None:
            self._current.leave()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        if self._head_bytes >= 0:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            head, self._unasked = self._unasked, b""
            if head:
                self._parser, self._head_bytes = self._new_parser(), 0
                self.data_received(head + data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(400, "Invalid HTTP request received.")
            return
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(400, "The request's head is too large.")

    def eof_received(self) -> None:
        """The client sends no more: the transport closes."""

    def pause_writing(self) -> None:
        if self._writable is None:
            self._writable = asyncio.Event()

    def resume_writing(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None:
            writable.set()

    # For the server

    def end_soon(self) -> None:
        """The next answer, or the one under way, is the last."""
        if self._current is not None:
            self._current.keeps_alive = False

    def end_watch(self) -> None:
        """Tell the application that a client who only watches is gone."""
        if self._current is not None and self._current.is_watch:
            self._current.leave()

    def close_if_idle(self) -> None:
        """Close, unless a request is under way or has begun to come."""
        if self._current is None and not self._message_since:
            self.transport.close()

    def cut_soon(self) -> None:
        """Close as soon as the application, which was told to stop, has let go."""
        if self._current is None:
            self.transport.abort()

    # httptools

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = []
        self._message_since = self._loop.time()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_bytes >= 0:  # else it is a trailer
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        method, version = parser.get_method(), parser.get_http_version()
        if parser.should_upgrade() and method != b"CONNECT" and any(name in _ANNOUNCING for name, _ in self._headers):
            # The parser would take the body for another protocol's bytes. Java's client asks for HTTP/2 like this.
            self._unasked = self._head_without_upgrade(method, version)
            return
        self._head_bytes = -1
        self._message_since, self._body_bytes = self._loop.time(), 0
        keeps_alive = version != "1.0" and parser.should_keep_alive() and not parser.should_upgrade()
        keeps_alive = keeps_alive and not self._host.is_leaving
        serving = Serving(self, self._scope(method, version), keeps_alive, self._loop)
        if self._current is None:
            self._start(serving)
        else:
            self._queue.append(serving)
            self.pause_reading()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        serving = self._queue[-1] if self._queue else self._current
        if serving is not None and serving.take(body) > HIGH_WATER:
            self.pause_reading()

    def on_message_complete(self) -> None:
        if self._unasked:
            return
        self._head_bytes = 0
        self._message_since = 0.0
        serving = self._queue[-1] if self._queue else self._current
        if serving is not None:
            serving.take_end()

    # For the answer

    def pause_reading(self) -> None:
        if not self._reading_paused and not self.transport.is_closing():
            self._reading_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if self._reading_paused and not self._queue and not self.transport.is_closing():
            self._reading_paused = False
            self.transport.resume_reading()

    async def drain(self) -> None:
        """Wait until the client has taken enough of what was written."""
        while self._writable is not None:
            await self._writable.wait()

    @property
    def is_clogged(self) -> bool:
        """Whether the client takes less than is written."""
        return self._writable is not None

    def default_lines(self) -> bytes:
        """The headers that go with every answer."""
        return self._host.default_lines()

    def answered(self, serving: Serving) -> None:
        """An answer is whole: the next request may be served."""
        self._current = None
        if not serving.keeps_alive:
            self.transport.close()
            return
        self._idle_since = self._loop.time()
        if self._queue:
            self._start(self._queue.popleft())
        self.resume_reading()

    def ended(self, serving: Serving) -> None:
        """The application has returned. What it left unanswered cannot be mended any more."""
        self._host.tasks.discard(cast("asyncio.Task[None]", serving.task))

    def _start(self, serving: Serving) -> None:
        self._current = serving
        serving.task = self._loop.create_task(serving.run(self._host.app))
        self._host.tasks.add(serving.task)

    def _scope(self, method: bytes, version: str) -> Scope:
        url = self._url
        if url[:1] == b"/" and b"#" not in url:
            raw_path, _, query = url.partition(b"?")
        else:  # the absolute form that is meant for proxies, and OPTIONS *
            parsed = httptools.parse_url(url)
            raw_path, query = parsed.path or b"/", parsed.query or b""
        path = raw_path.decode("ascii")
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "server": self._server,
            "client": self._client,
            "scheme": "https" if self._is_tls else "http",
            "method": method.decode("ascii"),
            "root_path": "",
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self._headers,
        }

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        # A request that came before our "connection: close" did is no offence.
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    def _head_without_upgrade(self, method: bytes, version: str) -> bytes:
        lines = [b"%b %b HTTP/%b" % (method, self._url, version.encode("ascii"))]
        for name, value in self._headers:
            if name == b"connection":
                value = b"close" if b"close" in value.lower() else b"keep-alive"
            if name != b"upgrade":
                lines.append(b"%b: %b" % (name, value))
        return b"\r\n".join((*lines, b"\r\n"))

    def _refuse(self, status: int, reason: str) -> None:
        """Answer with an error and close; where an answer is under way, it is cut short instead of being mixed with another."""
        if self.transport.is_closing():
            return
        if self._current is None:
            _log.debug("refused a request reason=%s", reason)
            self.transport.write(
                b"%b%bcontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
                % (status_line(status), self.default_lines(), len(reason), reason.encode("ascii"))
            )
        self.transport.close()

    def _look(self) -> None:
        """End a connection whose client takes too long with its part."""
        now = self._loop.time()
        self._timer = self._loop.call_later(self.patience.look_s, self._look)
        if self._takes_nothing(now):
            self.transport.abort()
        elif self._current is not None:
            self._look_at_body(self._current, now)
        elif self._message_since and self._head_bytes >= 0 and now - self._message_since > self.patience.head_s:
            self._refuse(408, "The request's head did not come in time.")
        elif now - self._idle_since > self.patience.idle_s:
            self.transport.close()

    def _takes_nothing(self, now: float) -> bool:
        waiting = self.transport.get_write_buffer_size()
        if not waiting or waiting != self._untaken[0]:
            self._untaken = waiting, now
        return now - self._untaken[1] > self.patience.taking_s

    def _look_at_body(self, serving: Serving, now: float) -> None:
        """Time counts against a client only while the application waits for nothing but the body."""
        if not self._message_since:
            return
        if not serving.is_starved:
            self._message_since, self._body_bytes = now, 0
        elif now - self._message_since > self.patience.body_s + self._body_bytes / self.patience.body_rate:
            self.transport.close()


_ANNOUNCING = frozenset((b"content-length", b"transfer-encoding"))


def _address(name: object) -> tuple[str, int] | None:
    """Host and port; None for a Unix socket."""
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) else None
