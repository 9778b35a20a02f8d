"""The upstream of the gateway's benchmark: as little work an answer as a Python process can do, in any of the four protocols.

``python -m benchmarks.gateway_upstream PACE_S`` prints its port. Streams send one event every PACE_S seconds, each alone.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import httptools
import uvloop

from benchmarks.gateway_traffic import answer, events, nonce_in

_HEALTH = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_STREAMING = (b'"stream":true', b'"stream": true')


class Upstream(asyncio.Protocol):
    """One connection."""

    def __init__(self, pace_s: float):
        self._pace_s = pace_s
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._url = self._body = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            # sglang-router first tries HTTP/2 and gRPC on its upstream.
            self._transport.close()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        url, body = self._url, self._body
        self._url = self._body = b""
        if self._parser.get_method() != b"POST":
            self._transport.write(_HEALTH)
            return
        protocol = protocol_of(url)
        if b":streamGenerateContent" in url or any(flag in body for flag in _STREAMING):
            self._transport.write(_STREAM)
            told = events(protocol, nonce_in(body), usage=b"include_usage" in body)
            self._send(iter(told), self._loop.time())
        else:
            said = answer(protocol, nonce_in(body))
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(said), said)
            )

    def _send(self, events: object, due: float) -> None:
        """One event, and the next when it is due; the last goes with the end of the body."""
        if self._transport.is_closing():
            return
        event = next(events, None)  # type: ignore[call-overload]  # an iterator of bytes
        if event is None:
            self._transport.write(b"0\r\n\r\n")
            return
        self._transport.write(b"%x\r\n%b\r\n" % (len(event), event))
        due += self._pace_s
        self._loop.call_at(due, self._send, events, due)


def protocol_of(url: bytes) -> str:
    """What is spoken at a path."""
    if b"enerateContent" in url:
        return "gemini"
    path = url.partition(b"?")[0]
    return "anthropic" if path.endswith(b"/messages") else "openai_responses" if path.endswith(b"/responses") else "openai_chat"


async def main() -> None:
    pace_s = float(sys.argv[1])
    server = await asyncio.get_running_loop().create_server(lambda: Upstream(pace_s), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
