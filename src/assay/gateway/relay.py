"""A worker answers the gateway's clients itself and passes everything else on: pages, API and invitations are answered by the
process that started it, over a Unix socket which only this user can open.

The request goes on as it came, and its client's address with it, in a header that counts on that socket only. Bodies stream both
ways. An end that leaves takes the other one with it.
"""

from __future__ import annotations

import asyncio

import msgspec

from assay.core import Unavailable, problem_of
from assay.gateway.asgi import Message, Receive, Scope, Send, send_answer
from assay.gateway.client import Client
from assay.gateway.connection import Fault, Response, Timeouts
from assay.gateway.origin import Origin

CLIENT = b"x-assay-client"
"""Host and port of the client that a worker speaks for."""

_OURS = frozenset({CLIENT, b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"te", b"trailer", b"expect"})
"""What belongs to one connection only, and what nobody but a worker may say."""

_DAY_S = 24 * 3600
_TIMEOUTS = Timeouts(connect_s=5, first_byte_s=_DAY_S, idle_s=_DAY_S, total_s=30 * _DAY_S)
"""Whoever answers sets the limits; this end only waits."""


def take_client(scope: Scope) -> None:
    """Make the client that a worker named the client of ``scope``."""
    named = next((value for name, value in scope["headers"] if name == CLIENT), b"")
    host, _, port = named.decode("latin-1").rpartition(" ")
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name != CLIENT]
    scope["client"] = (host, int(port)) if host else None


class Relay:
    """An ASGI callable that passes requests on to the socket at ``path``."""

    def __init__(self, path: str):
        self._origin = Origin("localhost", 80, socket=path)
        self._client = Client(environ={})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._client.open(self._origin, _head(scope), _TIMEOUTS)
        except Fault:
            await _say_away(send)
            return
        telling = asyncio.create_task(_pass_body(scope, receive, response), name="request passed on")
        try:
            await _pass_answer(scope, response, send)
        finally:
            telling.cancel()
            await asyncio.wait([telling])
            response.close()

    async def close(self) -> None:
        """Cut what is passed on."""
        await self._client.close()


def _head(scope: Scope) -> bytes:
    query = scope["query_string"]
    target = scope["raw_path"] + (b"?" + query if query else b"")
    lines = [b"%b %b HTTP/1.1" % (scope["method"].encode("ascii"), target)]
    lines += [b"%b: %b" % (name, value) for name, value in scope["headers"] if name not in _OURS]
    if scope["client"] is not None:
        host, port = scope["client"]
        lines.append(b"%b: %b %d" % (CLIENT, host.encode("latin-1"), port))
    if _is_chunked(scope):
        lines.append(b"transfer-encoding: chunked")
    return b"\r\n".join((*lines, b"\r\n"))


def _is_chunked(scope: Scope) -> bool:
    names = {name for name, _ in scope["headers"]}
    return b"transfer-encoding" in names and b"content-length" not in names


async def _pass_body(scope: Scope, receive: Receive, response: Response) -> None:
    """Pass the request's body on, then wait for the client to leave; with it goes the answer."""
    is_chunked = _is_chunked(scope)
    while (message := await receive())["type"] == "http.request":
        body, more = message.get("body", b""), message.get("more_body", False)
        if is_chunked:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"" if more else b"0\r\n\r\n")
        await response.write(body, more=more)
    response.fail(Fault("relay.left", "The client left."))


async def _pass_answer(scope: Scope, response: Response, send: Send) -> None:
    try:
        await response.begin()
    except Fault as fault:
        if fault.code != "relay.left":
            await _say_away(send)
        return
    headers = [(name.lower(), value) for name, value in response.headers if name.lower() not in _OURS]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    end: Message = {"type": "http.response.body", "body": b"", "more_body": False}
    if scope["method"] == "HEAD":
        await send(end)
        return
    try:
        while (piece := await response.read()) is not None:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except Fault:
        return  # our server cuts an answer that has no end, as this one was cut
    await send(end)


async def _say_away(send: Send) -> None:
    error = Unavailable(
        "up.no_control",
        "The process with the pages does not answer.",
        hint="Try again; if it lasts, look at the log.",
        retry_after_s=1,
    )
    headers = [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store"), (b"retry-after", b"1")]
    await send_answer(send, error.status, headers, msgspec.json.encode(problem_of(error)))
