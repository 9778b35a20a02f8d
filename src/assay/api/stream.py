"""Server-sent events as an answer: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from assay.api.endpoint import Events

EVENT_STREAM = "text/event-stream"
_HEARTBEAT = b": still here\n\n"


class EventStream(Response):
    """What ``happenings`` gives, as it comes, each under the name that ``events`` has for its type; None only says that the
    connection lives. When the client goes away, ``leave`` is called and ``happenings`` is closed, wherever it was.
    """

    media_type = EVENT_STREAM

    def __init__(
        self, happenings: AsyncGenerator[msgspec.Struct | None, None], events: Events, *, leave: Callable[[], None] = lambda: None
    ):
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._happenings = happenings
        self._names = {kind: name for name, kind in events.items()}
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._leave()
            for task in (sending, leaving):
                task.cancel()
            await asyncio.wait((sending, leaving))
        if not sending.cancelled():
            sending.result()

    async def _send(self, send: Send) -> None:
        async with aclosing(self._happenings) as happenings:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for one in happenings:
                await send({"type": "http.response.body", "body": self._event(one), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _event(self, one: msgspec.Struct | None) -> bytes:
        if one is None:
            return _HEARTBEAT
        return b"event: " + self._names[type(one)].encode() + b"\ndata: " + msgspec.json.encode(one) + b"\n\n"


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
