"""The load of the gateway's benchmark. ``python -m benchmarks.gateway_load -`` reads a `Load` as JSON and prints a document.

Each connection sends its next request when it has the whole answer to the last. Every answer is checked: one that is passed
through equals, byte for byte, what the upstream must have sent; of one that is translated, all words, the end and the tokens.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any, cast

import httptools
import msgspec
import uvloop

from benchmarks.gateway_traffic import INPUT_TOKENS, NONCE_DIGITS, OUTPUT_TOKENS, answer, events, heard, request, words


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """``requests`` in all over ``connections``; ``keys`` are used in turn; ``spread_s`` is the time in which they begin.

    ``protocol`` is what the clients speak. ``exact``: answers must be the upstream's own bytes.
    """

    port: int
    protocol: str
    exact: bool
    model: str
    requests: int
    connections: int
    stream: bool
    keys: list[str]
    first_nonce: int
    headers: dict[str, str] = {}
    spread_s: float = 0


class _Client(asyncio.Protocol):
    """One connection; it takes requests from the shared counter until none is left."""

    def __init__(self, run: _Run):
        self._run = run
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._sent_ns = self._first_ns = 0
        self._nonce = 0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def next(self) -> None:
        nonce = self._run.take()
        if nonce is None:
            self._transport.close()
            return
        self._nonce = nonce
        self._first_ns = 0
        load = self._run.load
        asked = request(load.protocol, load.model, load.keys[nonce % len(load.keys)], nonce, stream=load.stream)
        lines = "".join(f"{name}: {value}\r\n" for name, value in (asked.headers | load.headers).items())
        head = f"POST {asked.path} HTTP/1.1\r\nhost: bench\r\n{lines}content-length: {len(asked.body)}\r\n\r\n"
        self._sent_ns = time.perf_counter_ns()
        self._transport.write(head.encode() + asked.body)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        if not self._first_ns:
            self._first_ns = time.perf_counter_ns()
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        got, self._pieces = b"".join(self._pieces), []
        self._run.got(self._nonce, self._parser.get_status_code(), got, self._sent_ns, self._first_ns)
        self.next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._run.lost()


class _Run:
    def __init__(self, load: Load):
        self.load = load
        self.done = asyncio.Event()
        self._left = load.requests
        self._connections = load.connections
        self._total_us: list[float] = []
        self._first_us: list[float] = []
        self._wrong: list[str] = []

    def take(self) -> int | None:
        if not self._left:
            return None
        self._left -= 1
        return self.load.first_nonce + self._left

    def got(self, nonce: int, status: int, body: bytes, sent_ns: int, first_ns: int) -> None:
        now = time.perf_counter_ns()
        self._total_us.append((now - sent_ns) / 1000)
        self._first_us.append((first_ns - sent_ns) / 1000)
        if (wrong := self._wrong_with(f"{nonce:0{NONCE_DIGITS}d}".encode(), status, body)) is not None:
            self._wrong.append(f"{wrong}: {body[:300]!r}")

    def _wrong_with(self, nonce: bytes, status: int, body: bytes) -> str | None:
        load = self.load
        if status != 200:
            return f"status {status}"
        if load.exact:
            sent = b"".join(events(load.protocol, nonce, usage=False)) if load.stream else answer(load.protocol, nonce)
            return None if body == sent else "other bytes"
        try:
            told = heard(load.protocol, body, stream=load.stream)
        except (ValueError, LookupError, TypeError) as error:
            return f"unreadable, {error!r}"
        if told.text != words(nonce, stream=load.stream):
            return "other words"
        if not told.ended:
            return "no end"
        return None if told.tokens in (None, (INPUT_TOKENS, OUTPUT_TOKENS)) else f"tokens {told.tokens}"

    def lost(self) -> None:
        self._connections -= 1
        if not self._connections:
            self.done.set()

    def report(self, wall_s: float) -> dict[str, Any]:
        total, first = sorted(self._total_us), sorted(self._first_us)

        def at(values: list[float], share: float) -> float:
            return round(values[min(len(values) - 1, int(len(values) * share))], 1) if values else 0.0

        return {
            "answers": len(total),
            "wrong": len(self._wrong),
            "examples": self._wrong[:3],
            "wall_s": round(wall_s, 3),
            "p50_us": at(total, 0.5),
            "p99_us": at(total, 0.99),
            "ttft_p50_us": at(first, 0.5),
        }


async def main() -> None:
    load = msgspec.json.decode(sys.stdin.buffer.read(), type=Load)
    run = _Run(load)
    loop = asyncio.get_running_loop()
    clients = [(await loop.create_connection(lambda: _Client(run), "127.0.0.1", load.port))[1] for _ in range(load.connections)]
    began = time.perf_counter()
    for number, client in enumerate(clients):
        loop.call_later(load.spread_s * number / len(clients), client.next)
    await run.done.wait()
    print(json.dumps(run.report(time.perf_counter() - began)))


if __name__ == "__main__":
    uvloop.run(main())
