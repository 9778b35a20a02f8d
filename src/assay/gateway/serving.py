"""One request on a client's connection and its answer: the two ends of ASGI that the application is given."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import Any, Protocol

from assay.gateway.asgi import AnswerBroken, Direct, Headers, Message, Scope

_LEFT: Message = {"type": "http.disconnect"}
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_FAILED = b"Internal Server Error"
_NO_BODY = frozenset({204, 304})
_SPECIAL = frozenset({b"content-length", b"transfer-encoding", b"connection"})

_log = logging.getLogger(__name__)


def status_line(status: int) -> bytes:
    """The first line of an answer."""
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


class Line(Protocol):
    """What serving a request needs of its connection."""

    transport: asyncio.Transport

    @property
    def is_clogged(self) -> bool:
        """Whether the client takes less than is written."""
        ...

    async def drain(self) -> None:
        """Wait until it has taken enough."""
        ...

    def resume_reading(self) -> None:
        """What was read of the request's body has been taken."""
        ...

    def default_lines(self) -> bytes:
        """The headers that go with every answer."""
        ...

    def answered(self, serving: Serving) -> None:
        """The answer is whole."""
        ...

    def ended(self, serving: Serving) -> None:
        """The application has returned."""
        ...


class Serving(Direct):
    """One request and its answer: the two ends of ASGI."""

    __slots__ = (
        "_body",
        "_chunked",
        "_has_begun",
        "_has_left",
        "_has_no_body",
        "_head",
        "_is_answered",
        "_is_read",
        "_is_whole",
        "_left_to_write",
        "_line",
        "_loop",
        "_news",
        "_scope",
        "_size",
        "_waits_to_continue",
        "is_watch",
        "keeps_alive",
        "task",
    )

    def __init__(self, line: Line, scope: Scope, keeps_alive: bool, loop: asyncio.AbstractEventLoop):
        self.keeps_alive = keeps_alive
        self.is_watch = False
        """Whether the client only listens to what happens, and asks again by itself when it is cut off, as an EventSource does."""
        self.task: asyncio.Task[None] | None = None
        self._line = line
        self._scope = scope
        self._loop = loop
        self._body: list[bytes] = []
        self._size = 0
        self._is_whole = self._is_read = False
        self._has_begun = self._is_answered = self._has_left = False
        self._head = b""
        self._chunked = self._has_no_body = False
        self._left_to_write: int | None = None
        self._news: asyncio.Event | None = None
        self._waits_to_continue = any(name == b"expect" and value.lower() == b"100-continue" for name, value in scope["headers"])

    async def run(self, app: Any) -> None:
        """Let the application answer; what it fails to say is said for it."""
        try:
            await app(self._scope, self.receive, self)
            if not self._is_answered and not self._has_left and not self._is_stopped:
                raise RuntimeError("the application returned without a whole answer")
        except AnswerBroken:
            self.keeps_alive = False
        except Exception:  # noqa: BLE001  # a task boundary: whatever the application raised, the client is told
            _log.exception("an answer failed method=%s", self._scope["method"])
            if not self._has_left:
                self._fail()
        finally:
            if not self._is_answered:
                self._line.transport.close()
            self._line.ended(self)

    @property
    def _is_stopped(self) -> bool:
        """Whether the server could wait no longer for the application, which may have said so already."""
        return self.task is not None and self.task.cancelling() > 0

    def _fail(self) -> None:
        """Answer 500 where nothing was written yet; else cut the connection, since a clean end would be a lie."""
        if self._is_answered or (self._has_begun and not self._head):
            return
        self._has_begun, self._head, self.keeps_alive = False, b"", False
        self._send_head(500, [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(_FAILED))])
        self._send_body(_FAILED, False)

    # From the connection

    def take(self, body: bytes) -> int:
        """A piece of the request's body; how many bytes wait to be read."""
        if self._is_answered:
            return 0
        self._body.append(body)
        self._size += len(body)
        self._tell()
        return self._size

    def take_end(self) -> None:
        self._is_whole = True
        self._tell()

    def leave(self) -> None:
        """The client is gone."""
        self._has_left = True
        self._tell()

    @property
    def is_starved(self) -> bool:
        """Whether the application waits for more of the request's body."""
        return not self._is_whole and not self._body and self._news is not None and not self._news.is_set()

    def _tell(self) -> None:
        if self._news is not None:
            self._news.set()

    # ASGI

    async def receive(self) -> Message:
        while not self._has_left and not self._is_answered:
            if self._body or (self._is_whole and not self._is_read):
                body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
                self._body.clear()
                self._size = 0
                self._is_read = self._is_whole
                self._line.resume_reading()
                return {"type": "http.request", "body": body, "more_body": not self._is_whole}
            if self._waits_to_continue and not self._is_whole:
                self._waits_to_continue = False
                self._line.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if self._news is None:
                self._news = asyncio.Event()
            self._news.clear()
            await self._news.wait()
        return _LEFT

    async def __call__(self, message: Message) -> None:
        """ASGI's ``send``."""
        line = self._line
        if line.is_clogged and not self._has_left:
            await line.drain()
        if self._has_left:
            return
        if message["type"] == "http.response.body" and self._has_begun and not self._is_answered:
            self._send_body(message.get("body", b""), message.get("more_body", False))
        elif message["type"] == "http.response.start" and not self._has_begun:
            self._send_head(message["status"], message.get("headers", ()))
        else:
            raise RuntimeError(f"{message['type']} does not come next in an answer")

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        if self._has_begun:
            raise RuntimeError("a whole answer cannot follow the beginning of another")
        if self._line.is_clogged and not self._has_left:
            await self._line.drain()
        if not self._has_left:
            self._send_head(status, [*headers, (b"content-length", b"%d" % len(body))])
            self._send_body(body, False)

    def push(self, body: bytes) -> bool:
        if not self._has_left:
            self._send_body(body, True)
        return not self._line.is_clogged

    def _send_head(self, status: int, headers: Headers) -> None:
        length: int | None = None
        lines = []
        for name, value in headers:
            if name in _SPECIAL or (name := name.lower()) in _SPECIAL:
                if name == b"content-length":
                    length = int(value)
                elif name == b"connection" and b"close" in value.lower():
                    self.keeps_alive = False
                continue
            lines.append(b"%b: %b\r\n" % (name, value))
            if name == b"content-type" and self._scope["method"] == "GET":
                self.is_watch = value.startswith(b"text/event-stream")
        given = b"".join(lines)
        if given.count(b"\n") != len(lines) or given.count(b"\r") != len(lines) or b"\0" in given:
            raise RuntimeError("a header of an answer holds a line break")
        self._has_begun = True
        self._head = b"%b%b%b%b\r\n" % (
            status_line(status),
            self._line.default_lines(),
            given,
            self._framing(status, length),
        )
        if length is None:
            self._loop.call_soon(self._flush)

    def _framing(self, status: int, length: int | None) -> bytes:
        """The headers that say where the answer ends."""
        if self._waits_to_continue and not self._is_whole:
            # Whether the client will send its body after all cannot be known, so nothing can follow on this connection.
            self.keeps_alive = False
        self._has_no_body = self._scope["method"] == "HEAD" or status in _NO_BODY
        self._left_to_write = length
        written = b"" if length is None else b"content-length: %d\r\n" % length
        if length is None and not self._has_no_body:
            if self._scope["http_version"] == "1.0":  # such a client reads until the end of the connection
                self.keeps_alive = False
            else:
                self._chunked = True
                written = b"transfer-encoding: chunked\r\n"
        return written if self.keeps_alive else written + b"connection: close\r\n"

    def _send_body(self, body: bytes, more: bool) -> None:
        head, self._head = self._head, b""
        if self._has_no_body:
            data = head
        elif self._chunked:
            data = b"%b%x\r\n%b\r\n" % (head, len(body), body) if body else head
            if not more:
                data += b"0\r\n\r\n"
        else:
            data = head + body if head else body
            if self._left_to_write is not None:
                self._left_to_write -= len(body)
                if self._left_to_write < 0 or (self._left_to_write and not more):
                    self._head = head
                    raise RuntimeError("the body of an answer has another length than was announced")
        if data:
            self._line.transport.write(data)
        if not more:
            self._is_answered = True
            self._tell()
            self._line.answered(self)

    def _flush(self) -> None:
        """Write a head whose body has not come within a turn of the event loop."""
        if self._head and not self._has_left:
            head, self._head = self._head, b""
            self._line.transport.write(head)
