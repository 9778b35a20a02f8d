"""The server itself: it speaks HTTP by hand, so that it can do what a decent server never does.

It cuts a socket inside an event, sends a byte at a time, falls silent, and notices the moment when a client goes away.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.upstream.places import Place, place_of
from tests.upstream.provider import Provider
from tests.upstream.script import Answer, Event, Script, Status
from tests.upstream.speech.sse import document

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


@dataclass
class Received:
    """A request as it came over the wire; ``place`` is what its path means, None for a path that is not served."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    place: Place | None = field(default=None)

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def protocol(self) -> str:
        """The protocol that the path belongs to."""
        return self.place.protocol if self.place is not None else ""


class _Left(Exception):
    """The client closed its connection before the answer was whole."""


class ScriptedUpstream:
    """Enter it with ``with`` or ``async with``; ``url`` is a base URL, as a row of OpenAI's has it, ``root`` the same without path.

    ``key`` is the only key that it takes; None takes any and none. ``started``, ``finished`` and ``aborted`` count answers;
    an aborted one is one whose client went away first. ``complaints`` are the rules that requests broke.
    """

    def __init__(self, *, key: str | None = "sk-upstream", scripts: dict[str, Script] | None = None):
        self.key = key
        self.scripts = dict(scripts or {})
        self.requests: list[Received] = []
        self.complaints: list[str] = []
        self.provider = Provider(self.scripts, self.complaints)
        self.started = self.finished = self.aborted = 0
        self.url = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="scripted upstream", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()
        self._thread.join(10)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *error: Any) -> None:
        self._stop()
        await asyncio.to_thread(self._thread.join, 10)

    def _stop(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stopping.set)

    @property
    def last(self) -> Received:
        """The latest question; the lists of models that were asked for do not count."""
        return next(one for one in reversed(self.requests) if one.method == "POST")

    @property
    def root(self) -> str:
        """The address without a path."""
        return self.url.removesuffix("/v1")

    async def until(self, condition: Callable[[ScriptedUpstream], bool], timeout_s: float = 5) -> None:
        """Wait for something to become true of this upstream, such as ``lambda upstream: upstream.aborted == 1``."""
        deadline = time.monotonic() + timeout_s
        while not condition(self):
            assert time.monotonic() < deadline, f"not within {timeout_s} s: {self.started=} {self.finished=} {self.aborted=}"
            await asyncio.sleep(0.005)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        tasks: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._converse(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        await self._stopping.wait()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: requests one after another, until either side closes it."""
        early = b""
        try:
            while (request := await _read_request(reader, early)) is not None:
                self.requests.append(request)
                early = await self._respond(request, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, _Left):
            return
        finally:
            writer.close()

    async def _respond(self, request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """Answer, and watch for the end of the connection. Returns what came early of the next request."""
        self.started += 1
        leaving = asyncio.ensure_future(reader.read(1))
        working = asyncio.ensure_future(self._answer(request, writer))
        try:
            await asyncio.wait({leaving, working}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done() and not leaving.result():
                raise _Left
            await working
            self.finished += 1
            return leaving.result() if leaving.done() else b""
        except (ConnectionError, _Left):
            self.aborted += 1
            raise
        finally:
            for task in (leaving, working):
                task.cancel()
            await asyncio.gather(leaving, working, return_exceptions=True)

    async def _answer(self, request: Received, writer: asyncio.StreamWriter) -> None:
        said = self.provider.answer(request.place, request.method, request.path, request.headers, request.body, self.key)
        if isinstance(said, Status):
            assert said.body is not None
            headers = {"content-type": "application/json", **said.headers}
            await _send(writer, _head(said.status, {**headers, "content-length": str(len(said.body))}) + said.body)
            return
        await asyncio.sleep(said.answer.headers_after_s)
        if isinstance(said.sent, list):
            await _stream(writer, said.sent, said.failure, said.answer, said.headers)
        elif said.answer.fault in ("cut", "cut-utf8", "error", "error-event"):
            await _send(writer, _head(200, {**said.headers, "content-length": "1000"}) + b'{"id":')
            writer.close()
        elif said.answer.fault == "stall":
            await asyncio.Event().wait()
        else:
            whole = document(said.sent)
            await _send(writer, _head(200, {**said.headers, "content-length": str(len(whole))}) + whole)


async def _read_request(reader: asyncio.StreamReader, early: bytes) -> Received | None:
    """The next request of a connection; None when the client is done."""
    try:
        head = early + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    line, *fields = head.decode("latin-1").split("\r\n")[:-2]
    method, path, _ = line.split(" ")
    headers = [(name.lower(), value.strip()) for name, _, value in (one.partition(":") for one in fields)]
    length = next((int(value) for name, value in headers if name == "content-length"), 0)
    return Received(method, path, headers, await reader.readexactly(length), place_of(path))


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def _stream(
    writer: asyncio.StreamWriter, events: list[Event], failure: bytes, answer: Answer, headers: dict[str, str]
) -> None:
    await _send(writer, _head(200, {**headers, "transfer-encoding": "chunked"}))
    if answer.fault in ("", "unfinished"):
        await _send_pieces(writer, _paced([event.data for event in events], answer), answer.pace_s)
        await _send(writer, b"0\r\n\r\n")
        return
    before, after = _until_fault(events, answer.fault_after)
    await _send_pieces(writer, _paced(before, answer), answer.pace_s)
    if answer.fault == "stall":
        await asyncio.Event().wait()
    if answer.fault in ("error", "error-event"):
        await _send_pieces(writer, [failure], 0)
        await _send(writer, b"0\r\n\r\n")
        return
    await _send_pieces(writer, [after[: _cut_at(after, answer.fault)]], 0)
    writer.transport.abort()


def _until_fault(events: list[Event], pieces: int) -> tuple[list[bytes], bytes]:
    """The events up to and with so many pieces of the answer, and the one after them."""
    count = 0
    for number, event in enumerate(events):
        count += event.piece
        comes_next = number + 1 < len(events) and events[number + 1].piece
        if (event.piece and count == pieces) or (comes_next and not pieces):
            return [event.data for event in events[: number + 1]], events[number + 1].data
    return [event.data for event in events[:-1]], events[-1].data


def _cut_at(event: bytes, fault: str) -> int:
    """Where to cut an event: in its first line, or inside of a character of more than one byte."""
    inside = next((at for at, byte in enumerate(event) if byte >= 0xC0), None)
    return 9 if fault == "cut" or inside is None else inside + 1


def _paced(events: list[bytes], answer: Answer) -> list[bytes]:
    if answer.pacing == "burst":
        return [b"".join(events)]
    if answer.pacing == "bytes":
        return [bytes([byte]) for byte in b"".join(events)]
    return events


async def _send_pieces(writer: asyncio.StreamWriter, pieces: list[bytes], pace_s: float) -> None:
    for piece in pieces:
        await _send(writer, b"%x\r\n%b\r\n" % (len(piece), piece))
        if pace_s:
            await asyncio.sleep(pace_s)
