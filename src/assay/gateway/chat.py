"""``POST /v1/chat/completions``: the same protocol on both sides, passed through as bytes.

One `Exchange` is one client's request. It runs in the task of the ASGI server. A watch beside all of them (`Watch`) looks at
each a few times a second: it notices clients that went away, and sends a heartbeat where an upstream is slow; a request that
is answered at once never pays for either.

There are no retries: what an upstream answers is the answer. Once a stream has begun, an error is an event in the stream, and
the stream ends without ``[DONE]``.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec

from assay.core import AssayError, CallFailed
from assay.gateway.asgi import (
    EVENT_STREAM,
    JSON,
    Headers,
    Receive,
    Send,
    passable,
    send_answer,
    send_error,
)
from assay.gateway.attempt import Attempt, Refusal
from assay.gateway.client import Client
from assay.gateway.connection import Fault, Response, Timeouts
from assay.gateway.dialect import Asked
from assay.gateway.recorder import Recorder
from assay.gateway.snapshot import Route
from assay.gateway.stream import HEARTBEAT, EventPipe, is_finished
from assay.wire import openai_chat

MAX_ANSWER_BYTES = 64 * 1024 * 1024
HEARTBEAT_S = 10
LOOK_S = 0.1
_PASSED_ON = (b"retry-after", b"retry-after-ms", b"x-should-retry")
WATCH_AFTER_S = 0.2
"""A request older than this has its client watched. Leaving costs the upstream at most this, a look, and the way to it."""


class Exchange:
    """One request and its answer."""

    __slots__ = (
        "_attempt",
        "_headers",
        "_receive",
        "_request_id",
        "_send",
        "_since_ns",
        "_streaming",
        "_task",
        "_watcher",
        "has_left",
    )

    def __init__(self, receive: Receive, send: Send, request_id: str, loop: asyncio.AbstractEventLoop):
        self._receive = receive
        self._send = send
        self._request_id = request_id.encode()
        self._headers: Headers = [(b"x-request-id", self._request_id)]
        self._since_ns = time.monotonic_ns()
        self._task = asyncio.current_task(loop)
        self._watcher: asyncio.Task[None] | None = None
        self._attempt: Attempt | None = None
        self._streaming = False
        self.has_left = False

    async def run(self, attempt: Attempt, asked: Asked, client: Client, timeouts: Timeouts) -> None:
        """Ask the upstream and pass its answer on. Whatever happens, the attempt has ended afterwards."""
        self._attempt = attempt
        route = attempt.route
        try:
            written = route.upstream.dialect.write(asked, route.deployment.upstream_model)
            attempt.losses = written.losses
            if written.losses:
                self._headers.append((b"x-assay-losses", ", ".join(written.losses).encode("ascii", "replace")))
            response = await attempt.send(client, written.body, timeouts)
            while not await response.begin():
                await self._beat(asked.stream)
            attempt.begun()
            if response.status != 200:
                await self._refuse(await attempt.refused(response))
            elif asked.stream:
                await self._pass_stream(attempt, response, EventPipe(hides_usage=written.hides_usage))
            else:
                await self._pass_whole(attempt, response)
        except Fault as fault:
            await self._fail(attempt.fail(fault))
        except CallFailed as error:
            await self._fail(error)
        except asyncio.CancelledError:
            attempt.end("cancelled", "client.left" if self.has_left else "gateway.stopped")
            if not self.has_left:
                raise
            if self._task is not None:
                self._task.uncancel()
        finally:
            attempt.end("error", "gateway.bug")
            if self._watcher is not None:
                self._watcher.cancel()

    def look(self, now_ns: int) -> None:
        """Called by the watch a few times a second."""
        if self._watcher is None:
            if now_ns - self._since_ns > WATCH_AFTER_S * 1e9:
                self._watcher = asyncio.create_task(self._wait_for_leaving(), name="client watcher")
            return
        response = self._attempt.response if self._attempt is not None else None
        if response is not None and self._attempt is not None and self._attempt.stream:
            response.nudge_if_quiet(now_ns, HEARTBEAT_S)

    async def _wait_for_leaving(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._attempt is not None and self._attempt.outcome is None and self._task is not None:
            self.has_left = True
            self._task.cancel()

    async def _pass_whole(self, attempt: Attempt, response: Response) -> None:
        body = await response.read_all(MAX_ANSWER_BYTES)
        attempt.keep(body)
        if (kind := _kind_of(body)) != "answer":
            if kind == "error":
                await self._refuse(attempt.refuse(_status_in(body), body, response))
                return
            raise Fault("upstream.garbled", "The answer is not a JSON object.")
        attempt.end("ok")
        content_type = passable(response.header(b"content-type")) or JSON[1]
        await send_answer(self._send, 200, [(b"content-type", content_type), *self._headers], attempt.route.upstream.redact(body))

    async def _pass_stream(self, attempt: Attempt, response: Response, pipe: EventPipe) -> None:
        if (response.header(b"content-type") or b"").startswith(b"application/json"):
            body = await response.read_all(MAX_ANSWER_BYTES)
            attempt.keep(body)
            if _kind_of(body) == "error":
                await self._refuse(attempt.refuse(_status_in(body), body, response))
                return
            raise Fault("upstream.garbled", "A stream was asked for, and one JSON document came.")
        await self._begin_stream()
        send, feed, redact = self._send, pipe.feed, attempt.route.upstream.redact
        while (data := await response.read()) is not None:
            if not data:
                await self._beat(True)
                continue
            attempt.keep(data)
            if attempt.size > MAX_ANSWER_BYTES:
                raise Fault("upstream.too_large", f"The answer is larger than {MAX_ANSWER_BYTES} bytes.")
            if events := feed(data):
                await send({"type": "http.response.body", "body": redact(events), "more_body": True})
        # The last three reads: finish reason, usage and end may have come apart.
        if pipe.rest.strip() or not is_finished(b"".join([piece for _, piece in attempt.pieces[-3:]])):
            raise Fault("upstream.broke_off", "The stream ended before the answer did.")
        attempt.end("ok")
        await send({"type": "http.response.body", "body": b""})

    async def _begin_stream(self) -> None:
        if not self._streaming:
            self._streaming = True
            await self._send({"type": "http.response.start", "status": 200, "headers": EVENT_STREAM + self._headers})

    async def _beat(self, stream: bool) -> None:
        if stream:
            await self._begin_stream()
            await self._send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})

    async def _refuse(self, refusal: Refusal) -> None:
        if self._streaming or refusal.body is None:
            await self._fail(refusal.error, refusal.status)
            return
        headers = [JSON, *self._headers]
        response = self._attempt.response if self._attempt is not None else None
        if response is not None:
            headers += [(name, value) for name in _PASSED_ON if (value := passable(response.header(name))) is not None]
        await send_answer(self._send, refusal.status, headers, refusal.body)

    async def _fail(self, error: AssayError, status: int | None = None) -> None:
        if self._streaming:
            await self._send({"type": "http.response.body", "body": openai_chat.write_stream_error(error)})
        else:
            await send_error(self._send, error, self._request_id, status)


class Watch:
    """Looks at all running exchanges with one timer."""

    def __init__(self) -> None:
        self._exchanges: set[Exchange] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, exchange: Exchange) -> None:
        self._exchanges.add(exchange)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def remove(self, exchange: Exchange) -> None:
        self._exchanges.discard(exchange)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        now_ns = time.monotonic_ns()
        for exchange in self._exchanges:
            exchange.look(now_ns)
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look) if self._exchanges else None


class Chat:
    """Answers chat completions by the routes of the snapshot it is given."""

    def __init__(self, client: Client, recorder: Recorder, timeouts: Timeouts):
        self._client = client
        self._recorder = recorder
        self._timeouts = timeouts
        self._loop = asyncio.get_running_loop()
        self._watch = Watch()

    async def answer(
        self, asked: Asked, body: bytes, route: Route, key: str | None, receive: Receive, send: Send, request_id: str
    ) -> None:
        """Run one exchange and hand its attempt to the recorder."""
        # There is one attempt at each request, so the request's id serves the call as well.
        attempt = Attempt(
            route,
            asked=asked.model,
            purpose="traffic",
            stream=asked.stream,
            request_id=request_id,
            id=request_id,
            body=body,
            key=key,
        )
        exchange = Exchange(receive, send, request_id, self._loop)
        self._watch.add(exchange)
        try:
            await exchange.run(attempt, asked, self._client, self._timeouts)
        finally:
            self._watch.remove(exchange)
            attempt.response = None
            self._recorder.record(attempt)

    def close(self) -> None:
        self._watch.close()


class _Answer(msgspec.Struct):
    choices: list[msgspec.Raw] | None = None
    error: Any = None


_answer = msgspec.json.Decoder(_Answer)


def _kind_of(body: bytes) -> str:
    """``answer``, ``error`` (some providers send failures with status 200), or ``garbage``."""
    try:
        answer = _answer.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "garbage"
    return "error" if answer.choices is None and answer.error is not None else "answer"


def _status_in(body: bytes) -> int:
    """The status that an error inside a 200 answer claims, else 502."""
    error = _answer.decode(body).error
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 502
