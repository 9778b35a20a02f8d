"""The HTTP server, over real sockets: what it reads, what it writes, and when a connection ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from assay.core import Settings
from assay.gateway.asgi import AnswerBroken, Message, Receive, Scope, Send
from assay.gateway.front import MAX_HEAD_BYTES, Front, Patience
from assay.web.serve import listening
from tests.gateway.rig import read_reply, until

pytestmark = pytest.mark.anyio
BODY = {"type": "http.response.body"}


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


async def whole_body(receive: Receive) -> bytes:
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"left"
        pieces.append(message["body"])
        if not message["more_body"]:
            return b"".join(pieces)


async def mirror(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what it was asked."""
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "raw": scope["raw_path"].decode(),
        "query": scope["query_string"].decode(),
        "headers": [[name.decode(), value.decode()] for name, value in scope["headers"]],
        "body": (await whole_body(receive)).decode(),
    }
    data = json.dumps(seen).encode()
    await send(start(200, (b"content-length", b"%d" % len(data))))
    await send(BODY | {"body": data})


class Talk:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.reader = reader
        self.writer = writer

    async def ask(self, data: bytes) -> Any:
        self.writer.write(data)
        return await read_reply(self.reader)

    async def is_closed(self) -> bool:
        """With nothing more to read. A reset is an end too: something was left unread on the other side."""
        try:
            return await asyncio.wait_for(self.reader.read(), 5) == b""
        except ConnectionResetError:
            return True


@asynccontextmanager
async def talking(app: Any, folder: Path) -> AsyncIterator[Talk]:
    settings = Settings(data=folder, master_key=folder / "keys" / "master", port=0)
    async with listening(app, settings) as url:
        port = urlsplit(url).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield Talk(reader, writer)
        finally:
            writer.close()


async def at_rest(value: Callable[[], int]) -> None:
    """Wait until a number has been the same for a while."""
    seen: list[int] = []

    def is_steady() -> bool:
        seen.append(value())
        return len(seen) > 30 and len(set(seen[-30:])) == 1

    await until(is_steady)


def get(path: bytes = b"/", *lines: bytes, version: bytes = b"1.1", method: bytes = b"GET") -> bytes:
    return b"%b %b HTTP/%b\r\nhost: x\r\n%b\r\n" % (method, path, version, b"".join(line + b"\r\n" for line in lines))


async def test_a_request_arrives_as_it_was_written(tmp_path: Path) -> None:
    async with talking(mirror, tmp_path) as talk:
        reply = await talk.ask(get(b"/a%20b/c?d=e%20f", b"X-Mixed: Case", b"content-length: 3", method=b"POST") + b"abc")
        seen = json.loads(reply.body)
        assert (seen["method"], seen["path"], seen["raw"]) == ("POST", "/a b/c", "/a%20b/c")
        assert (seen["query"], seen["body"]) == ("d=e%20f", "abc")
        assert ["x-mixed", "Case"] in seen["headers"]
        assert reply.headers["date"]
        again = json.loads((await talk.ask(get(b"http://other/path?q"))).body)
        assert (again["path"], again["query"]) == ("/path", "q")


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_requests_arrive_whole_in_pieces_of_any_size(tmp_path: Path, size: int) -> None:
    """Two, with a chunked body and one of announced length, sent without waiting for an answer."""
    chunked = get(b"/1", b"transfer-encoding: chunked", method=b"POST") + b"3\r\nabc\r\n4\r\ndefg\r\n0\r\ntrailer: x\r\n\r\n"
    data = chunked + get(b"/2", b"content-length: 5", method=b"PUT") + b"12345"
    async with talking(mirror, tmp_path) as talk:
        for at in range(0, len(data), size):
            talk.writer.write(data[at : at + size])
            await asyncio.sleep(0)
        first, second = json.loads((await read_reply(talk.reader)).body), json.loads((await read_reply(talk.reader)).body)
        assert (first["path"], first["body"], second["path"], second["body"]) == ("/1", "abcdefg", "/2", "12345")
        assert not any(name == "trailer" for name, _ in first["headers"])


async def test_answers_to_requests_in_a_row_keep_their_order(tmp_path: Path) -> None:
    """Even when the second could be answered first."""
    gate = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            await gate.wait()
        await mirror(scope, receive, send)

    async with talking(app, tmp_path) as talk:
        talk.writer.write(get(b"/slow") + get(b"/fast") + get(b"/last"))
        await talk.writer.drain()
        gate.set()
        paths = [json.loads((await read_reply(talk.reader)).body)["path"] for _ in range(3)]
        assert paths == ["/slow", "/fast", "/last"]


async def test_a_stream_is_chunked_and_each_piece_leaves_at_once(tmp_path: Path) -> None:
    goes_on = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(BODY | {"body": b"one", "more_body": True})
        await goes_on.wait()
        await send(BODY | {"body": b"two", "more_body": True})
        await send(BODY)

    async with talking(app, tmp_path) as talk:
        talk.writer.write(get())
        head = await talk.reader.readuntil(b"\r\n\r\n")
        assert b"transfer-encoding: chunked" in head
        assert await talk.reader.readexactly(8) == b"3\r\none\r\n"
        goes_on.set()
        assert await talk.reader.readexactly(13) == b"3\r\ntwo\r\n0\r\n\r\n"


async def test_the_head_of_a_stream_does_not_wait_for_its_body(tmp_path: Path) -> None:
    goes_on = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await goes_on.wait()
        await send(BODY)

    async with talking(app, tmp_path) as talk:
        talk.writer.write(get())
        assert (await talk.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        goes_on.set()
        assert await talk.reader.readexactly(5) == b"0\r\n\r\n"


async def test_an_http_1_0_client_reads_until_the_connection_ends(tmp_path: Path) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(BODY | {"body": b"all", "more_body": True})
        await send(BODY)

    async with talking(app, tmp_path) as talk:
        talk.writer.write(get(version=b"1.0"))
        answer = await asyncio.wait_for(talk.reader.read(), 5)
        assert b"transfer-encoding" not in answer
        assert answer.endswith(b"\r\n\r\nall")


@pytest.mark.parametrize(("method", "status"), [(b"HEAD", 200), (b"GET", 204), (b"GET", 304)])
async def test_an_answer_without_a_body_has_none(tmp_path: Path, method: bytes, status: int) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(status))
        await send(BODY | {"body": b"never"})

    async with talking(app, tmp_path) as talk:
        for _ in range(2):
            talk.writer.write(get(method=method))
            head = await talk.reader.readuntil(b"\r\n\r\n")
            assert b"%d" % status in head
            assert b"chunked" not in head
        talk.writer.write(get(b"/", b"connection: close", method=method))
        assert b"connection: close" in await talk.reader.readuntil(b"\r\n\r\n")
        assert await talk.is_closed()


async def test_a_client_that_waits_to_be_told_to_continue_is_told(tmp_path: Path) -> None:
    async with talking(mirror, tmp_path) as talk:
        talk.writer.write(get(b"/", b"expect: 100-continue", b"content-length: 2", method=b"POST"))
        assert await talk.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert json.loads((await talk.ask(b"ok")).body)["body"] == "ok"
        assert json.loads((await talk.ask(get(b"/next"))).body)["path"] == "/next"


async def test_a_body_that_was_not_asked_for_is_not_taken_for_the_next_request(tmp_path: Path) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(413, (b"content-length", b"0")))
        await send(BODY)

    async with talking(app, tmp_path) as talk:
        reply = await talk.ask(get(b"/", b"expect: 100-continue", b"content-length: 9", method=b"POST"))
        assert (reply.status, reply.headers["connection"]) == (413, "close")
        assert await talk.is_closed()


async def test_a_body_larger_than_is_read_waits_in_the_socket(tmp_path: Path) -> None:
    goes_on = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await goes_on.wait()
        size = len(await whole_body(receive))
        await send(start(200, (b"content-length", b"8")))
        await send(BODY | {"body": b"%08d" % size})

    size = 30_000_000
    async with talking(app, tmp_path) as talk:
        talk.writer.write(get(b"/", b"content-length: %d" % size, method=b"POST") + bytes(size))
        await at_rest(talk.writer.transport.get_write_buffer_size)
        assert talk.writer.transport.get_write_buffer_size() > size // 2
        goes_on.set()
        assert (await read_reply(talk.reader)).body == b"%08d" % size


async def test_an_answer_that_is_not_read_stops_its_application(tmp_path: Path) -> None:
    sent = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await send(start())
        while sent < 2000:
            await send(BODY | {"body": bytes(65536), "more_body": True})
            sent += 1
        await send(BODY)

    async with talking(app, tmp_path) as talk:
        talk.writer.write(get())
        await talk.reader.readuntil(b"\r\n\r\n")
        await at_rest(lambda: sent)
        assert sent < 2000
        while sent < 2000:
            await talk.reader.read(1 << 20)


async def test_an_application_learns_that_its_client_left(tmp_path: Path) -> None:
    told: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await whole_body(receive)
        told.append((await receive())["type"])
        await send(start())
        await send(BODY | {"body": b"to nobody"})

    async with talking(app, tmp_path) as talk:
        talk.writer.write(get())
        await talk.writer.drain()
        talk.writer.close()
        await until(lambda: told == ["http.disconnect"])


async def test_an_application_that_fails_is_answered_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With a 500 while nothing was written, else with a cut connection, which nobody can take for a whole answer."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/early":
            await send(start(200, (b"content-length", b"6")))
        if scope["path"] == "/late":
            await send(BODY | {"body": b"abc", "more_body": True})
        raise ValueError("a bug")

    for path, status in ((b"/early", b"500"), (b"/head", b"500"), (b"/late", b"200")):
        async with talking(app, tmp_path) as talk:
            talk.writer.write(get(path))
            answer = await asyncio.wait_for(talk.reader.read(), 5)
            assert answer.startswith(b"HTTP/1.1 " + status)
            assert answer.endswith(b"abc" if path == b"/late" else b"Internal Server Error")
    assert "a bug" in caplog.text


@pytest.mark.parametrize("headers", [[(b"x", b"a\r\nset-cookie: b")], [(b"x\n", b"a")], [(b"x", b"a\0")], [(b"x", b"a\rb")]])
async def test_a_header_cannot_break_out_of_its_line(
    tmp_path: Path, headers: list[tuple[bytes, bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, *headers))

    async with talking(app, tmp_path) as talk:
        assert (await talk.ask(get())).status == 500
    assert "line break" in caplog.text


@pytest.mark.parametrize("length", [2, 9])
async def test_a_body_of_another_length_than_announced_never_looks_whole(
    tmp_path: Path, length: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, (b"content-length", b"%d" % length)))
        await send(BODY | {"body": b"abcdef"})

    async with talking(app, tmp_path) as talk:
        assert (await talk.ask(get())).status == 500
    assert "another length" in caplog.text


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET /\x80 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 5, 5\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: +5\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length : 5\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding:\r\n chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: \x0bchunked\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n",
        b"GET / HTTP/1.1\nhost: x\n\n",
        b"GET / HTTP/1.1\r\nx: a\rcontent-length: 5\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: a\r\n folded\r\n\r\n",
        b"CONNECT x:443 HTTP/1.1\r\ncontent-length: 5\r\n\r\nabcde",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"x: " + b"y" * MAX_HEAD_BYTES,
        b"GET /" + b"y" * 2 * MAX_HEAD_BYTES,
    ],
)
async def test_what_is_no_request_is_refused_and_cut(tmp_path: Path, data: bytes) -> None:
    async with talking(mirror, tmp_path) as talk:
        reply = await talk.ask(data)
        assert (reply.status, reply.headers["connection"]) == (400, "close")
        assert await talk.is_closed()


async def test_nonsense_after_a_request_never_mixes_with_its_answer(tmp_path: Path) -> None:
    goes_on = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(BODY | {"body": b"half", "more_body": True})
        await goes_on.wait()

    async with talking(app, tmp_path) as talk:
        talk.writer.write(get() + b"\0\0nonsense\r\n\r\n")
        answer = await asyncio.wait_for(talk.reader.read(), 5)
        assert b"400" not in answer
        assert not answer.endswith(b"0\r\n\r\n")
        goes_on.set()


async def test_an_upgrade_is_not_made_and_the_connection_ends_with_the_answer(tmp_path: Path) -> None:
    async with talking(mirror, tmp_path) as talk:
        reply = await talk.ask(get(b"/", b"connection: upgrade", b"upgrade: websocket"))
        assert (reply.status, reply.headers["connection"]) == (200, "close")
        assert await talk.is_closed()


@pytest.mark.parametrize("size", [1, 9, 1000])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_after_a_wish_for_http_2_is_read(tmp_path: Path, size: int, chunked: bool) -> None:
    """Java's client asks for h2c with its first request, whose body comes in HTTP/1.1 all the same."""
    framing = b"transfer-encoding: chunked" if chunked else b"content-length: 5"
    wish = get(b"/1", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAE", framing, method=b"POST")
    data = wish + (b"5\r\nabcde\r\n0\r\n\r\n" if chunked else b"abcde") + get(b"/2")
    async with talking(mirror, tmp_path) as talk:
        for at in range(0, len(data), size):
            talk.writer.write(data[at : at + size])
            await asyncio.sleep(0)
        first, second = json.loads((await read_reply(talk.reader)).body), json.loads((await read_reply(talk.reader)).body)
        assert (first["path"], first["body"], second["path"]) == ("/1", "abcde", "/2")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server whose clients get a fraction of a second for everything."""
    monkeypatch.setattr(Front, "patience", Patience(head_s=0.2, body_s=0.2, body_rate=1000, taking_s=0.5, look_s=0.05))


@pytest.mark.usefixtures("hasty")
async def test_a_head_that_only_trickles_is_cut_off(tmp_path: Path) -> None:
    async with talking(mirror, tmp_path) as talk:
        assert (await talk.ask(get(b"/whole"))).status == 200
        talk.writer.write(b"GET / HTTP/1.1\r\n")
        trickle = asyncio.create_task(_trickle(talk.writer, b"x"))
        reply = await asyncio.wait_for(read_reply(talk.reader), 5)
        assert (reply.status, reply.headers["connection"]) == (408, "close")
        assert await talk.is_closed()
        trickle.cancel()


@pytest.mark.usefixtures("hasty")
async def test_a_body_that_only_trickles_is_cut_off(tmp_path: Path) -> None:
    left: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        left.append(await whole_body(receive))

    async with talking(app, tmp_path) as talk:
        talk.writer.write(get(b"/", b"content-length: 1000000", method=b"POST"))
        trickle = asyncio.create_task(_trickle(talk.writer, b"x"))
        assert await talk.is_closed()
        await until(lambda: left == [b"left"])
        trickle.cancel()


@pytest.mark.usefixtures("hasty")
async def test_time_that_the_application_takes_is_not_the_clients(tmp_path: Path) -> None:
    """Neither before it asks for the body nor before it answers, nor the pause between two requests."""
    looks: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _a_while()
        looks.append(len(await whole_body(receive)))
        await _a_while()
        await send(start(200, (b"content-length", b"0")))
        await send(BODY)

    async with talking(app, tmp_path) as talk:
        for _ in range(2):
            assert (await talk.ask(get(b"/", b"content-length: 3", method=b"POST") + b"abc")).status == 200
            await _a_while()
    assert looks == [3, 3]


@pytest.mark.usefixtures("hasty")
async def test_a_client_that_takes_nothing_is_cut_off(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        for _ in range(2000):
            await send(BODY | {"body": bytes(65536), "more_body": True})
        ended.set()

    async with talking(app, tmp_path) as talk:
        talk.writer.write(get())
        await talk.reader.readuntil(b"\r\n\r\n")
        await asyncio.wait_for(ended.wait(), 10)


async def test_an_answer_that_broke_is_cut_off_and_logs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(BODY | {"body": b"half", "more_body": True})
        raise AnswerBroken

    async with talking(app, tmp_path) as talk:
        talk.writer.write(get())
        answer = await asyncio.wait_for(talk.reader.read(), 5)
        assert answer.endswith(b"half\r\n")
    assert not caplog.records


async def _trickle(writer: asyncio.StreamWriter, data: bytes) -> None:
    while not writer.is_closing():
        writer.write(data)
        await asyncio.sleep(0.05)


async def _a_while() -> None:
    """Longer than a hasty server waits for anything: nothing else can show that it waits for what is not its client's."""
    await asyncio.sleep(0.4)


async def test_bytes_of_any_kind_never_hang_a_connection(tmp_path: Path) -> None:
    """What a strict parser takes for a request is answered, all else is refused; either way the connection goes on or ends."""
    pieces = [b"GET ", b"/", b" HTTP/1.1\r\n", b"\r\n", b"host: x\r\n", b"\0", b"content-length: 1\r\n", b"a", b"\xff", b": "]
    async with talking(mirror, tmp_path) as first:
        port = first.writer.get_extra_info("peername")[1]
        for seed in range(60):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"".join(pieces[(seed * 7 + step * (seed % 3 + 1)) % len(pieces)] for step in range(12)))
            writer.write_eof()
            answer = await asyncio.wait_for(reader.read(), 5)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
            writer.close()
