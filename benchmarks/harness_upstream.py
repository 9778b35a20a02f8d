"""The model of the harness benchmark: answers every chat completion after a fixed time, and tells when it was asked.

``python -m benchmarks.harness_upstream LATENCY_S`` prints its port. ``GET /told`` answers with what came since the last such request:
how many requests, when the first one came and when the last answer left (seconds since 1970), and how many were under way on
average between the two.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import cast

import httptools
import uvloop

_NUMBER = re.compile(rb"number (\d+)")
_STREAMING = (b'"stream":true', b'"stream": true')
_USAGE = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}


class Told:
    """What came since it was last asked for."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin to count anew."""
        self.requests = 0
        self.first_at = self.last_at = 0.0
        self.busy_s = 0.0

    def as_json(self) -> bytes:
        span_s = self.last_at - self.first_at
        in_flight = self.busy_s / span_s if span_s else 0.0
        told = {"requests": self.requests, "first_at": self.first_at, "last_at": self.last_at, "in_flight": round(in_flight, 1)}
        return json.dumps(told).encode()


class Upstream(asyncio.Protocol):
    """One connection."""

    def __init__(self, latency_s: float, told: Told):
        self._latency_s = latency_s
        self._told = told
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        body, self._body = self._body, b""
        if self._parser.get_method() != b"POST":
            self._write(b"application/json", self._told.as_json())
            self._told.clear()
            return
        began = time.time()
        self._told.first_at = self._told.first_at or began
        self._told.requests += 1
        asyncio.get_running_loop().call_later(self._latency_s, self._answer, body, began)

    def _answer(self, body: bytes, began: float) -> None:
        if self._transport.is_closing():
            return
        found = _NUMBER.search(body)
        text = f"#### {found[1].decode() if found else 0}"
        if any(flag in body for flag in _STREAMING):
            self._write(b"text/event-stream", _events(text))
        else:
            self._write(b"application/json", _document(text))
        self._told.last_at = time.time()
        self._told.busy_s += self._told.last_at - began

    def _write(self, kind: bytes, body: bytes) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (kind, len(body), body))


def _document(text: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    said = {"id": "c-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": _USAGE}
    return json.dumps(said).encode()


def _events(text: str) -> bytes:
    about = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks: list[dict[str, object]] = [
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": _USAGE},
    ]
    lines = [f"data: {json.dumps(about | chunk)}\n\n" for chunk in chunks]
    return "".join([*lines, "data: [DONE]\n\n"]).encode()


async def _serve(latency_s: float) -> None:
    told = Told()
    server = await asyncio.get_running_loop().create_server(lambda: Upstream(latency_s, told), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(float(sys.argv[1])))
