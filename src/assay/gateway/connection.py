"""One HTTP/1.1 connection to an upstream, and the answer that is being read from it.

A connection carries one exchange at a time. What arrives is kept by the `Response`, never by the connection, and the
connection goes back to its pool only when the response's reader has seen the end: so a later exchange can neither overwrite
an unread body nor be mixed up with it.

Covered: Content-Length, chunked and read-until-close bodies, interim 1xx answers, back-pressure, header and idle limits.
Not covered: trailers (ignored), upgrades (refused), compression (never asked for).
"""

from __future__ import annotations

import asyncio
import select
import time
from collections.abc import Callable
from typing import Literal, TypeAlias, cast

import httptools
import msgspec

from assay.core import Patience

MAX_HEAD_BYTES = 64 * 1024
"""Status line and headers may not be larger; the largest seen in the wild are about 16 KiB."""

HIGH_WATER = 16 * 1024
"""Unread body bytes at which a connection stops reading from its socket until the reader catches up."""

_PIECE = memoryview(bytearray(16 * 1024))
"""What is read at once, by whichever connection reads just now: much larger pieces, as event loops read by themselves, would be
kept three times over for a client that takes them slowly."""

_TRUSTED_NS = 50_000_000
"""An idle connection is looked at before it is used again, unless it was used this short a time ago."""

Poured: TypeAlias = Literal["ended", "quiet", "stopped"]
"""Why `Response.pour` returned: the answer is whole, `nudge_if_quiet` woke it, or its taker wants no more for now."""

_NO_BODY_MEANS_END = (b"content-length", b"transfer-encoding")


class Fault(Exception):
    """An exchange that failed below HTTP's own meaning. ``code`` is stable; ``during`` says how far it had come."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.message = message


class Timeouts(msgspec.Struct):
    """Seconds. ``first_byte_s`` runs from the request to the head of the answer, ``idle_s`` between two reads that bring data.

    Not frozen: those of the settings are one value that all share, and change with them.
    """

    connect_s: float = 10
    first_byte_s: float = 300
    idle_s: float = 60
    total_s: float = 1800

    def but(self, patience: Patience) -> Timeouts:
        """The same, but for what a provider's row says."""
        own = {name: value for name, value in msgspec.structs.asdict(patience).items() if value is not None}
        own["total_s"] = min(own.get("total_s", self.total_s), self.total_s)
        return msgspec.structs.replace(self, **own)


class Response:
    """An answer while it comes. One reader; `close` may be called at any time and ends the exchange if it is not over."""

    __slots__ = (
        "_chunks",
        "_complete",
        "_connection",
        "_fault",
        "_loop",
        "_nudged",
        "_nudged_ns",
        "_release",
        "_size",
        "_stopped",
        "_take",
        "_timeouts",
        "_waiter",
        "_waits_since_ns",
        "arrived_ns",
        "headers",
        "sent_ns",
        "status",
    )

    def __init__(
        self,
        connection: Connection,
        timeouts: Timeouts,
        release: Callable[[Connection, Response], None],
        loop: asyncio.AbstractEventLoop,
    ):
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.sent_ns = self.arrived_ns = self._waits_since_ns = time.monotonic_ns()
        self._connection: Connection | None = connection
        self._loop = loop
        self._timeouts = timeouts
        self._release = release
        self._chunks: list[bytes] = []
        self._size = 0
        self._complete = False
        self._nudged = False
        self._nudged_ns = 0
        self._take: Callable[[bytes], bool] | None = None
        self._stopped = False
        self._fault: Fault | None = None
        self._waiter: asyncio.Future[None] | None = None

    def header(self, name: bytes) -> bytes | None:
        """The first header of this lower-case name."""
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return None

    async def write(self, data: bytes, *, more: bool) -> None:
        """Send another piece of the request's body, as the head framed it; waits while the other side takes nothing."""
        if self._connection is not None:
            await self._connection.write(data, more=more)

    async def begin(self) -> bool:
        """Wait for the head. False: woken by `nudge_if_quiet` before it came; ask again.

        Raises:
            Fault: the exchange failed.
        """
        while not self.status:
            if self._fault is not None:
                raise self._fault
            if self._nudged:
                self._nudged = False
                return False
            await self._wait()
        return True

    async def read(self) -> bytes | None:
        """What has come since the last read, joined; ``b""`` when woken by `nudge_if_quiet`; None at the end.

        Raises:
            Fault: the exchange failed, after all that came before the failure has been read.
        """
        while not self._chunks:
            if self._fault is not None:
                raise self._fault
            if self._complete:
                self._finish()
                return None
            if self._nudged:
                self._nudged = False
                return b""
            await self._wait()
        return self._taken()

    async def pour(self, take: Callable[[bytes], bool]) -> Poured:
        """Give every piece to ``take`` in the moment that it comes, until it returns False or the answer ends.

        `read` costs a turn of the event loop and a step of the reader's task for each piece; this costs neither, which is a
        third of all that a piece of a stream costs. ``take`` must not block; what it raises is raised here.

        Raises:
            Fault: as `read` does.
        """
        while True:
            if self._chunks:
                if not take(self._taken()):
                    return "stopped"
            elif self._fault is not None:
                raise self._fault
            elif self._complete:
                self._finish()
                return "ended"
            elif self._nudged:
                self._nudged = False
                return "quiet"
            else:
                self._take = take
                try:
                    await self._wait()
                finally:
                    self._take = None
                if self._stopped:
                    self._stopped = False
                    return "stopped"

    def _taken(self) -> bytes:
        """All that is here, joined; the connection may go on to read."""
        chunks, self._chunks = self._chunks, []
        if self._size > HIGH_WATER and self._connection is not None:
            self._connection.resume()
        self._size = 0
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def read_all(self, limit: int) -> bytes:
        """The whole body.

        Raises:
            Fault: the exchange failed, or the body is larger than ``limit`` bytes.
        """
        pieces: list[bytes] = []
        size = 0
        while (piece := await self.read()) is not None:
            size += len(piece)
            if size > limit:
                self.close()
                raise Fault("upstream.too_large", f"The answer is larger than {limit} bytes.")
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def nudge_if_quiet(self, now_ns: int, quiet_s: float) -> None:
        """Wake a reader that has waited for ``quiet_s`` since the last bytes or the last nudge, with nothing."""
        if self._waiter is not None and now_ns - max(self._waits_since_ns, self._nudged_ns) > quiet_s * 1e9:
            self._nudged = True
            self._nudged_ns = now_ns
            self._wake()

    def close(self) -> None:
        """Drop the rest. A connection with an unfinished answer is cut, so that the upstream stops working on it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.drop(self)
            self._release(connection, self)

    def check_time(self, now_ns: int) -> None:
        """Fail the exchange if it is over one of its time limits. Time in which nobody reads is not the upstream's."""
        if (now_ns - self.sent_ns) / 1e9 > self._timeouts.total_s:
            self._expire(f"The answer took longer than {self._timeouts.total_s:g} s in all.")
            return
        if self._waiter is None and not self._nudged:  # who was nudged just now has not been able to wait again
            self._waits_since_ns = now_ns
            return
        waited_s = (now_ns - self._waits_since_ns) / 1e9
        if not self.status and waited_s > self._timeouts.first_byte_s:
            self._expire(f"No answer began within {self._timeouts.first_byte_s:g} s.")
        elif self.status and waited_s > self._timeouts.idle_s:
            self._expire(f"The answer stalled: nothing came for {self._timeouts.idle_s:g} s.")

    # Called by the connection.

    def begun(self, status: int) -> None:
        self.status = status

    def grew(self, data: bytes) -> None:
        self._chunks.append(data)
        self._size += len(data)
        if self._size > HIGH_WATER and self._connection is not None:
            self._connection.pause()

    def completed(self) -> None:
        self._complete = True

    def fail(self, fault: Fault) -> None:
        """End the exchange with an error that the reader gets once it has read what came before."""
        if not self._complete and self._fault is None:
            self._fault = fault
            self._wake()
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.drop(self)
                self._release(connection, self)

    def wake(self, now_ns: int) -> None:
        """Bytes arrived at ``now_ns``."""
        self.arrived_ns = self._waits_since_ns = now_ns
        waiter = self._waiter
        if self._take is not None and self._chunks and waiter is not None and not waiter.done():
            try:
                self._stopped = not self._take(self._taken())
            except Exception as error:  # noqa: BLE001  # it belongs to the reader, which is told
                self._waiter = None
                waiter.set_exception(error)
                return
            if not self._stopped and not self._complete:
                return
        if waiter is not None and (self._chunks or self._complete or self.status):
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    @property
    def is_complete(self) -> bool:
        return self._complete

    def _wait(self) -> asyncio.Future[None]:
        """Await it to be woken."""
        self._waiter = self._loop.create_future()
        return self._waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _expire(self, message: str) -> None:
        self.fail(Fault("upstream.timeout", message))

    def _finish(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._release(connection, self)


class Connection(asyncio.BufferedProtocol):
    """A socket with a parser. ``on_lost`` tells the pool when it is gone."""

    __slots__ = (
        "_head_bytes",
        "_interim",
        "_is_asking",
        "_keeps_alive",
        "_on_lost",
        "_parser",
        "_paused",
        "_poll",
        "_response",
        "_transport",
        "_writable",
        "idle_since_ns",
        "is_lost",
    )

    def __init__(self, on_lost: Callable[[Connection], None]):
        self.is_lost = False
        self.idle_since_ns = 0
        self._on_lost = on_lost
        self._response: Response | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._head_bytes = 0
        self._interim = False
        self._keeps_alive = True
        self._paused = False
        self._is_asking = False  # the request is not whole yet
        self._writable: asyncio.Event | None = None
        self._poll: select.poll | None = None

    async def write(self, data: bytes, *, more: bool) -> None:
        """A piece of the request's body."""
        if data and not self.is_lost:
            self._transport.write(data)
            if self._writable is not None:
                await self._writable.wait()
        self._is_asking = more

    def start(self, response: Response, request: bytes, body: bytes, *, more: bool = False) -> None:
        """Write a request, or its beginning. The response gets everything that arrives until it is complete."""
        self._response = response
        self._is_asking = more
        self._head_bytes = 0
        if len(body) < 65_536:
            self._transport.write(request + body)
        else:
            self._transport.writelines((request, body))

    def release(self) -> bool:
        """Part from a response that was read to its end. True: the connection may carry another exchange."""
        self._response = None
        is_usable = self._keeps_alive and not self.is_lost and not self._transport.is_closing()
        return is_usable and not self._is_asking and not self._is_writing()

    def is_fresh(self) -> bool:
        """Whether nothing has arrived while idle: an upstream's goodbye may be waiting in the socket unseen by the loop."""
        if self.is_lost or self._transport.is_closing():
            return False
        if self._poll is None or time.monotonic_ns() - self.idle_since_ns < _TRUSTED_NS:
            return True
        return not self._poll.poll(0)

    def drop(self, response: Response) -> None:
        """Cut the connection under an unfinished answer."""
        if self._response is response and not (response.is_complete and self._keeps_alive):
            self._response = None
            self.abort()

    def abort(self) -> None:
        self._keeps_alive = False
        self._transport.abort()

    def pause(self) -> None:
        if not self._paused and not self.is_lost:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused and not self.is_lost:
            self._paused = False
            self._transport.resume_reading()

    def _is_writing(self) -> bool:
        # An upstream may answer before it has read the request (413); the rest must not run into the next exchange.
        return self._transport.get_write_buffer_size() > 0

    # asyncio.BufferedProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        socket = transport.get_extra_info("socket")
        if socket is not None and hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(socket.fileno(), select.POLLIN)

    def get_buffer(self, sizehint: int) -> memoryview:
        return _PIECE

    def buffer_updated(self, nbytes: int) -> None:
        self._received(bytes(_PIECE[:nbytes]))

    def _received(self, data: bytes) -> None:
        response = self._response
        if response is None:
            self.abort()
            return
        self._head_bytes = 0 if response.status else self._head_bytes + len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail("upstream.garbled", "The upstream wants to switch to another protocol.")
        except httptools.HttpParserError as error:
            self._keeps_alive = False
            self._fail("upstream.garbled", f"The upstream does not speak HTTP properly: {error}.")
        if self._head_bytes > MAX_HEAD_BYTES and (not response.status or _size(response.headers) > MAX_HEAD_BYTES):
            self._fail("upstream.garbled", f"The head of the answer is larger than {MAX_HEAD_BYTES} bytes.")
        response.wake(time.monotonic_ns())

    def pause_writing(self) -> None:
        self._writable = asyncio.Event()

    def resume_writing(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None:
            writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        self.resume_writing()
        response, self._response = self._response, None
        if response is not None and not response.is_complete:
            if exc is None and response.status and self._ends_at_close(response):
                response.completed()
                response.wake(time.monotonic_ns())
            else:
                reason = f" ({exc})" if exc else ""
                when = "in the middle of its answer" if response.status else "before it answered"
                response.fail(Fault("upstream.broke_off", f"The upstream closed the connection {when}{reason}."))
        self._on_lost(self)

    @staticmethod
    def _ends_at_close(response: Response) -> bool:
        return not any(name.lower() in _NO_BODY_MEANS_END for name, _ in response.headers)

    def _fail(self, code: str, message: str) -> None:
        if self._response is not None:
            self._response.fail(Fault(code, message))

    # httptools callbacks

    def on_message_begin(self) -> None:
        response = self._response
        if response is None or response.is_complete:
            # A second answer to one request: whatever it is, nothing after it can be trusted.
            self._keeps_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        response = self._response
        if response is not None and not response.status:
            response.headers.append((name, value))

    def on_headers_complete(self) -> None:
        response = self._response
        if response is None or response.is_complete:
            return
        status = self._parser.get_status_code()
        if status < 200:
            self._interim = True
            response.headers.clear()
        else:
            response.begun(status)

    def on_body(self, body: bytes) -> None:
        response = self._response
        if response is not None and not response.is_complete:
            response.grew(body)

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
            return
        response = self._response
        if response is not None:
            self._keeps_alive = self._keeps_alive and self._parser.should_keep_alive()
            response.completed()


def _size(headers: list[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) for name, value in headers)
