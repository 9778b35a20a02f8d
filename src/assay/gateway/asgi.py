"""The few words of ASGI that the data plane speaks: read a body, send an answer, notice that the client went away."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from typing import Any, TypeAlias, TypeVar

from assay.core import AssayError, InvalidInput, TooLarge
from assay.wire.codec import Codec

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
T = TypeVar("T")
Headers: TypeAlias = list[tuple[bytes, bytes]]


class Direct:
    """A ``send`` that can also be told what to write without messages: they would cost more than all else about a short answer,
    and a step of a task for each piece of a stream."""

    __slots__ = ()

    async def __call__(self, message: Message) -> None:
        """ASGI's ``send``."""
        raise NotImplementedError

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer: status, headers without a length, and the body."""
        raise NotImplementedError

    def push(self, body: bytes) -> bool:
        """More of a body that has begun and will go on. False: the client takes less than is written; await a message next."""
        raise NotImplementedError


JSON = (b"content-type", b"application/json")
_HOPELESS = frozenset((400, 401, 402, 403, 404, 413, 422, 503))
"""Nothing will change by itself within the few retries of a client; Claude Code tries a revoked key for a minute otherwise."""

_PLAIN_VALUE = re.compile(rb"[\t\x20-\x7e]{1,200}")

EVENT_STREAM: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    # nginx buffers a proxied answer unless told otherwise, which would hold back the stream.
    (b"x-accel-buffering", b"no"),
]


class ClientLeft(Exception):
    """The client closed the connection; nobody is there to answer."""


class AnswerBroken(Exception):
    """An answer that has begun cannot be finished, nor an error be told in it: the server cuts the connection, so that nobody
    takes what came for the whole."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The request body; refused before it is read where its length is announced.

    Raises:
        TooLarge: ``request.too_large``. InvalidInput: ``request.encoding``, a compressed body. ClientLeft: it never came whole.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > limit:
            raise _too_large(limit)
        if name == b"content-encoding" and value.lower() != b"identity":
            raise InvalidInput(
                "request.encoding", f"A body in {value.decode('latin-1')!r} is not read here.", hint="Send it uncompressed."
            )
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        return body
    pieces = []
    size = 0
    while True:
        if message["type"] != "http.request":
            raise ClientLeft
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return b"".join(pieces)
        message = await receive()


async def unless_left(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """What ``work`` gives; it is cancelled when the client leaves before. The body must have been read.

    Raises:
        ClientLeft: it left.
    """
    watcher = asyncio.create_task(_until_left(receive), name="client watcher")
    working = asyncio.create_task(work, name="work for a client")
    try:
        await asyncio.wait((watcher, working), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientLeft
    finally:
        watcher.cancel()
        if working.cancel():
            await asyncio.wait((working,))


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _too_large(limit: int) -> TooLarge:
    return TooLarge("request.too_large", f"The body is larger than {limit} bytes.", hint="Send less, or raise 'max_body_bytes'.")


async def send_answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """A whole answer at once: in one step where our own server stands behind ``send``."""
    if isinstance(send, Direct):
        await send.answer(status, headers, body)
        return
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, (b"content-length", b"%d" % len(body))],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def send_error(
    send: Send,
    codec: Codec,
    error: AssayError,
    request_id: str,
    status: int | None = None,
    more: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """An error in the client's own protocol, under its own status unless another is given; ``more`` headers may say when to retry."""
    status = status or error.status
    told = request_id.encode()
    headers = dict(((b"x-request-id", told), JSON, *more))
    if codec.NAME == "anthropic":
        headers[b"request-id"] = told
    if error.retry_after_s is not None:
        headers.setdefault(b"retry-after", b"%d" % max(1, round(error.retry_after_s)))
    elif status in _HOPELESS:
        headers.setdefault(b"x-should-retry", b"false")
    if status == 401:
        headers[b"www-authenticate"] = b"Bearer"
    await send_answer(send, status, list(headers.items()), codec.write_error(error, request_id))


def passable(value: bytes | None) -> bytes | None:
    """An upstream's header value, if it is plain enough to be passed on."""
    return value if value is not None and _PLAIN_VALUE.fullmatch(value) else None
