"""The HTTP client against upstreams that behave, misbehave, stall and lie."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from assay.core import InvalidInput
from assay.gateway.client import Client
from assay.gateway.connection import HIGH_WATER, Fault, Response, Timeouts
from assay.gateway.origin import Origin, read_url, write_head
from tests.gateway.certificates import certificate_for, trusting
from tests.gateway.rig import ToldUpstream, Wire, told, until

pytestmark = pytest.mark.anyio
SHORT = Timeouts(connect_s=1, first_byte_s=1, idle_s=1, total_s=5)
LIMIT = 1_000_000


@asynccontextmanager
async def client(**options: object) -> AsyncIterator[Client]:
    made = Client(environ={}, **options)  # type: ignore[arg-type]  # whatever a test wants to set
    try:
        yield made
    finally:
        await made.close()
        assert made.open_connections == made.in_flight == 0


async def send(sender: Client, upstream: ToldUpstream | Origin, body: bytes = b"{}", timeouts: Timeouts = SHORT) -> Response:
    origin = upstream if isinstance(upstream, Origin) else Origin("127.0.0.1", upstream.port, private=True)
    return await sender.send(origin, write_head("POST", origin, "/v1/x", {}), body, timeouts)


async def fetch(sender: Client, upstream: ToldUpstream | Origin, body: bytes = b"{}", timeouts: Timeouts = SHORT) -> bytes:
    response = await send(sender, upstream, body, timeouts)
    await response.begin()
    return await response.read_all(LIMIT)


def always(*pieces: bytes) -> Callable[[Wire], Awaitable[None]]:
    """An upstream that answers every request with the same bytes, and then waits for the next."""

    async def converse(wire: Wire) -> None:
        while True:
            await wire.request()
            await wire.send(*pieces)

    return converse


def once(*pieces: bytes) -> Callable[[Wire], Awaitable[None]]:
    """An upstream that closes the connection after the first answer."""

    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.send(*pieces)

    return converse


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"], b"hello"),
        (
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\nhel\r\n", b"2;x=y\r\nlo\r\n0\r\nt: v\r\n\r\n"],
            b"hello",
        ),
        ([b"HTTP/1.1 200 OK\r\n\r\nhello"], b"hello"),
        ([b"HTTP/1.0 200 OK\r\n\r\nhello"], b"hello"),
        (
            [
                b"HTTP/1.1 100 Continue\r\n\r\n",
                b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            ],
            b"hello",
        ),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], b""),
    ],
)
async def test_every_way_to_end_a_body_is_understood(pieces: list[bytes], expected: bytes) -> None:
    async with told(once(*pieces)) as upstream, client() as sender:
        assert await fetch(sender, upstream) == expected


@pytest.mark.parametrize("chunked", [True, False])
async def test_an_answer_in_single_bytes_is_the_same_answer(chunked: bool) -> None:
    words = b"hello, world"
    body = b"5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n" if chunked else words
    how = b"transfer-encoding: chunked" if chunked else b"content-length: 12"
    answer = b"HTTP/1.1 200 OK\r\n" + how + b"\r\n\r\n" + body
    async with told(once(*(bytes([byte]) for byte in answer))) as upstream, client() as sender:
        assert await fetch(sender, upstream) == words


@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        ([], "upstream.broke_off"),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello"], "upstream.broke_off"),
        ([b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"], "upstream.broke_off"),
        ([b"HTTP/1.1 200 OK\r\ncontent-le"], "upstream.broke_off"),
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], "upstream.garbled"),
        ([b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\nhello\r\n"], "upstream.garbled"),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!"], "upstream.garbled"),
        ([b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n"], "upstream.garbled"),
        ([b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n"], "upstream.garbled"),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n" + b"x" * 2_000_000], "upstream.too_large"),
    ],
)
async def test_what_is_no_proper_answer_is_a_fault(pieces: list[bytes], code: str) -> None:
    async with told(once(*pieces)) as upstream, client() as sender:
        with pytest.raises(Fault) as raised:
            await fetch(sender, upstream)
        assert raised.value.code == code


async def test_bytes_beyond_the_announced_length_spoil_the_connection_not_the_answer() -> None:
    """A second answer that nobody asked for must not be taken for the answer to the next request."""
    poisoned = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison"
    async with told(always(poisoned)) as upstream, client() as sender:
        assert [await fetch(sender, upstream) for _ in range(3)] == [b"hello"] * 3
        assert upstream.connections == 3


async def test_a_reset_in_the_middle_gives_what_came_and_then_the_fault() -> None:
    heard = asyncio.Event()

    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello")
        await heard.wait()
        wire.reset()

    async with told(converse) as upstream, client() as sender:
        response = await send(sender, upstream)
        await response.begin()
        assert await response.read() == b"hello"
        heard.set()
        with pytest.raises(Fault, match="middle of its answer"):
            await response.read()


async def test_a_refused_connection_is_named_with_its_address() -> None:
    async with told(always()) as upstream:
        port = upstream.port
    async with client() as sender:
        with pytest.raises(Fault, match=f"Cannot reach 127.0.0.1:{port}"):
            await fetch(sender, Origin("127.0.0.1", port, private=True))


@pytest.mark.parametrize(
    ("pieces", "timeouts", "said"),
    [
        ([], Timeouts(first_byte_s=0.2), "No answer began within 0.2 s"),
        ([b"HTTP/1.1 200 OK\r\ncontent-"], Timeouts(first_byte_s=0.2), "No answer began"),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel"], Timeouts(idle_s=0.2), "nothing came for 0.2 s"),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel"], Timeouts(total_s=0.2), "longer than 0.2 s in all"),
    ],
)
async def test_silence_ends_by_the_limit_that_it_breaks(pieces: list[bytes], timeouts: Timeouts, said: str) -> None:
    """And the upstream sees the connection go."""

    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.send(*pieces)
        await wire.until_closed()

    async with told(converse) as upstream, client() as sender:
        with pytest.raises(Fault, match=said) as raised:
            await fetch(sender, upstream, timeouts=timeouts)
        assert raised.value.code == "upstream.timeout"
        await until(lambda: upstream.left == 1)


async def test_connections_are_used_again_one_after_another() -> None:
    async with told(always(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")) as upstream, client() as sender:
        for _ in range(20):
            assert await fetch(sender, upstream) == b"ok"
        assert upstream.connections == 1


async def test_many_at_once_each_get_their_own_body() -> None:
    """64 at a time over shared connections: a body that was put back too early would be another's."""

    async def converse(wire: Wire) -> None:
        while True:
            body = await wire.request()
            answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(body), body)
            await wire.send(answer[:40], answer[40:], b"0\r\n\r\n")

    async def ask(number: int) -> None:
        body = b"%d " % number * (1 + number % 50)
        response = await send(sender, upstream, body)
        await response.begin()
        got = b""
        while (piece := await response.read()) is not None:
            await asyncio.sleep(0)
            got += piece
        assert got == body

    async with told(converse) as upstream, client() as sender:
        for _ in range(10):
            await asyncio.gather(*(ask(number) for number in range(64)))
        assert upstream.connections <= 64


async def test_an_unread_answer_keeps_its_connection() -> None:
    async with told(always(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")) as upstream, client() as sender:
        first = await send(sender, upstream)
        await first.begin()
        assert await fetch(sender, upstream) == b"ok"
        assert upstream.connections == 2
        assert await first.read_all(LIMIT) == b"ok"


async def test_a_connection_that_the_upstream_closed_is_replaced_before_anything_is_sent() -> None:
    """Even when the event loop has not yet heard the goodbye: it is looked for in the socket."""
    answered, close = threading.Event(), threading.Event()

    def serve(listener: socket.socket) -> None:
        for wait in (True, False):
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            if wait:
                close.wait(5)
            connection.close()
            answered.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        origin = Origin("127.0.0.1", listener.getsockname()[1], private=True)
        async with client() as sender:
            assert await fetch(sender, origin) == b"ok"
            close.set()
            # The loop is held up on purpose until the goodbye is there.
            assert answered.wait(5)
            hold_until_readable(sender)
            assert await fetch(sender, origin) == b"ok"
        thread.join()


def hold_until_readable(sender: Client) -> None:
    """Block until the one idle connection is out of its time of trust and has something to say."""
    (connection,) = sender._connections
    deadline = time.monotonic() + 5
    while connection.is_fresh():
        assert time.monotonic() < deadline


async def test_a_request_that_was_sent_is_never_sent_again() -> None:
    """The upstream may have begun to work on it, and to bill it."""

    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await wire.request()
        wire.reset()

    async with told(converse) as upstream, client() as sender:
        assert await fetch(sender, upstream) == b"ok"
        with pytest.raises(Fault, match="before it answered"):
            await fetch(sender, upstream)
        assert len(upstream.requests) == 2


async def test_idle_connections_expire() -> None:
    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await wire.until_closed()

    async with told(converse) as upstream, client(idle_expiry_s=0.1) as sender:
        assert await fetch(sender, upstream) == b"ok"
        await until(lambda: upstream.left == 1)
        assert sender.open_connections == 0


async def test_requests_beyond_the_limit_wait_for_a_connection() -> None:
    async with told(always(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")) as upstream, client(max_connections=2) as sender:
        assert await asyncio.gather(*(fetch(sender, upstream) for _ in range(20))) == [b"ok"] * 20
        assert upstream.connections == 2


async def test_a_slow_reader_holds_the_upstream_back() -> None:
    """What is read ahead of the reader stays within bounds, however much the upstream has to say."""
    size = 64 * 1024 * 1024
    written = 0

    async def converse(wire: Wire) -> None:
        nonlocal written
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        while written < size:
            await wire.send(bytes(65536))
            written += 65536

    async with told(converse) as upstream, client() as sender:
        response = await send(sender, upstream)
        await response.begin()
        before = -1
        while written != before:
            before = written
            await asyncio.sleep(0.1)
        assert written < size // 2
        got = 0
        while (piece := await response.read()) is not None:
            assert len(piece) < HIGH_WATER + 1024 * 1024
            got += len(piece)
        assert got == size


async def test_leaving_an_answer_stops_the_upstream() -> None:
    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n")
        await wire.until_closed()

    async with told(converse) as upstream, client() as sender:
        response = await send(sender, upstream)
        await response.begin()
        response.close()
        await until(lambda: upstream.left == 1, timeout_s=1)


async def test_an_answer_before_the_request_is_whole_is_taken_and_the_connection_dropped() -> None:
    """As with 413: the rest of the request must not run into the next exchange."""

    async def converse(wire: Wire) -> None:
        await wire.reader.readuntil(b"\r\n\r\n")
        await wire.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await wire.until_closed()

    async with told(converse) as upstream, client() as sender:
        response = await send(sender, upstream, bytes(32 * 1024 * 1024))
        await response.begin()
        assert (response.status, await response.read_all(LIMIT)) == (413, b"big")
        await until(lambda: sender.open_connections == 0)


async def test_a_unix_socket_is_an_origin(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    async with told(always(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), path=path) as upstream, client() as sender:
        assert await fetch(sender, Origin("localhost", 80, socket=path)) == b"ok"
        assert b"host: localhost\r\n" in upstream.requests[0][0]


async def test_tls_is_spoken_and_checked(tmp_path: Path) -> None:
    """With a certificate that is trusted, and not with one that is not."""
    server = certificate_for("localhost", tmp_path)
    async with told(always(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), ssl=server) as upstream:
        origin = Origin("localhost", upstream.port, tls=True, private=True)
        async with client(tls=trusting(tmp_path)) as sender:
            assert [await fetch(sender, origin) for _ in range(3)] == [b"ok"] * 3
            assert upstream.connections == 1
        async with client(tls=ssl.create_default_context()) as sender:
            with pytest.raises(Fault, match="cannot be trusted"):
                await fetch(sender, origin)


async def test_https_goes_through_a_proxy_by_connect(tmp_path: Path) -> None:
    """The proxy sees where to, and nothing of what is said."""
    server = certificate_for("localhost", tmp_path)

    async def proxy(wire: Wire) -> None:
        wire.head = await wire.reader.readuntil(b"\r\n\r\n")
        wire.upstream.requests.append((wire.head, b""))
        target = wire.head.split(b" ")[1].decode()
        if target.startswith("refused"):
            await wire.send(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            return
        reader, writer = await asyncio.open_connection("127.0.0.1", int(target.rpartition(":")[2]))
        await wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(_pump(wire.reader, writer), _pump(reader, wire.writer))
        finally:
            writer.close()

    async with told(always(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), ssl=server) as upstream, told(proxy) as middle:
        sender = Client(
            environ={"HTTPS_PROXY": f"http://127.0.0.1:{middle.port}", "NO_PROXY": "direct.test"}, tls=trusting(tmp_path)
        )
        assert await fetch(sender, Origin("localhost", upstream.port, tls=True, private=True)) == b"ok"
        assert middle.requests[0][0].startswith(f"CONNECT localhost:{upstream.port} HTTP/1.1\r\n".encode())
        with pytest.raises(Fault, match="refused to connect"):
            await fetch(sender, Origin("refused.test", 443, tls=True))
        await sender.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/x", {"authorization": "Bearer sk\r\nx-evil: 1"}),
        ("/v1/x", {"x": "a\nb"}),
        ("/v1/x", {"x": "nul\0"}),
        ("/v1/x", {"bad name": "v"}),
        ("/v1/x", {"": "v"}),
        ("/v1/x\r\nx-evil: 1", {}),
        ("/v1/x y", {}),
    ],
)
def test_nothing_can_break_out_of_its_line(path: str, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as raised:
        write_head("POST", Origin("h", 80), path, headers)
    assert "sk" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("https://api.example.com/v1/", Origin("api.example.com", 443, tls=True), "/v1"),
        ("http://[::1]:8000", Origin("::1", 8000, private=True), ""),
        ("http+unix://%2Frun%2Fassay.sock/v1", Origin("localhost", 80, socket="/run/assay.sock"), "/v1"),
    ],
)
def test_base_urls_are_read(url: str, origin: Origin, path: str) -> None:
    assert read_url(url) == (origin, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com",
        "ftp://x/v1",
        "file:///etc/passwd",
        "https://user:pw@x/v1",
        "https://x/v1?k=1",
        "http://x:99999/",
        "http://x/a b",
    ],
)
def test_what_is_no_base_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_url(url)
    assert raised.value.code == "provider.base_url"
    assert "pw" not in str(raised.value)


def in_steps(goes_on: asyncio.Event, *pieces: bytes) -> Callable[[Wire], Awaitable[None]]:
    """An upstream that sends the next piece of its stream each time it is told to."""

    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for piece in pieces:
            await goes_on.wait()
            goes_on.clear()
            await wire.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await goes_on.wait()
        await wire.send(b"0\r\n\r\n")

    return converse


async def test_pieces_are_poured_in_the_moment_they_come() -> None:
    """Whatever came before is poured first, and the connection serves again after the end."""
    goes_on, got = asyncio.Event(), list[bytes]()

    def take(piece: bytes) -> bool:
        got.append(piece)
        goes_on.set()
        return True

    async with told(in_steps(goes_on, b"one", b"two", b"three")) as upstream, client() as sender:
        response = await send(sender, upstream)
        await response.begin()
        goes_on.set()
        assert await response.pour(take) == "ended"
        assert got == [b"one", b"two", b"three"]
        assert await response.pour(take) == "ended"
        assert sender.in_flight == 0


async def test_a_taker_that_has_enough_stops_the_pouring_and_loses_nothing() -> None:
    goes_on, got = asyncio.Event(), list[bytes]()

    def take(piece: bytes) -> bool:
        got.append(piece)
        goes_on.set()
        return len(got) != 2

    async with told(in_steps(goes_on, b"one", b"two", b"three")) as upstream, client() as sender:
        response = await send(sender, upstream)
        await response.begin()
        goes_on.set()
        assert await response.pour(take) == "stopped"
        assert got == [b"one", b"two"]
        assert await response.read() == b"three"
        goes_on.set()
        assert await response.pour(take) == "ended"


async def test_what_a_taker_raises_is_raised_where_it_is_poured() -> None:
    def take(piece: bytes) -> bool:
        raise Fault("upstream.too_large", piece.decode())

    goes_on = asyncio.Event()
    async with told(in_steps(goes_on, b"one")) as upstream, client() as sender:
        response = await send(sender, upstream)
        await response.begin()
        goes_on.set()
        with pytest.raises(Fault, match="one"):
            await response.pour(take)
        response.close()


async def test_a_quiet_upstream_and_a_broken_one_are_told_while_pouring() -> None:
    got: list[bytes] = []

    def take(piece: bytes) -> bool:
        got.append(piece)
        return True

    goes_on = asyncio.Event()

    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n")
        await goes_on.wait()
        await wire.send(b"half")

    async with told(converse) as upstream, client() as sender:
        response = await send(sender, upstream)
        await response.begin()
        pouring = asyncio.create_task(response.pour(take))
        await asyncio.sleep(0)
        response.nudge_if_quiet(time.monotonic_ns() + 20_000_000_000, 10)
        assert await pouring == "quiet"
        goes_on.set()
        with pytest.raises(Fault, match="middle of its answer"):
            await response.pour(take)
        assert got == [b"half"]
