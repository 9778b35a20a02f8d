"""One client's request and its answer, in any protocol.

An `Exchange` runs in the task of the ASGI server. A watch beside all of them (`Watch`) looks at each a few times a second: it
notices clients that went away, and sends a heartbeat where an upstream is slow; a request that is answered at once never pays
for either. How bytes become other bytes is the business of `Passed` and `Translated`.

There are no retries: what an upstream answers is the answer. Once a stream has begun, an error is an event in the stream, in
the client's own protocol, and nothing pretends that the answer was whole.
"""

from __future__ import annotations

import asyncio
import math
import time
from typing import TypeAlias

from assay.core import AssayError, UpstreamBroken, fold
from assay.gateway.asgi import EVENT_STREAM, JSON, Direct, Headers, Receive, Send, passable, send_answer, send_error
from assay.gateway.attempt import Attempt, Refusal
from assay.gateway.client import Client
from assay.gateway.connection import Fault, Response, Timeouts
from assay.gateway.dialect import Headers as Forwarded
from assay.gateway.memory import Answered, Memory
from assay.gateway.passing import Passed, check_document
from assay.gateway.recorder import Recorder
from assay.gateway.translate import Translated
from assay.wire.codec import Codec
from assay.wire.document import encode
from assay.wire.errors import StreamError, StreamFailed, UpstreamSaid
from assay.wire.losses import HEADER, header_of

Answering: TypeAlias = Passed | Translated

MAX_ANSWER_BYTES = 64 * 1024 * 1024
HEARTBEAT_S = 10
LOOK_S = 0.1
WATCH_AFTER_S = 0.2
"""A request older than this has its client watched. Leaving costs the upstream at most this, a look, and the way to it."""

_PASSED_ON = (b"retry-after", b"retry-after-ms", b"x-should-retry")


class Exchange:
    """``codec`` is the client's protocol; ``as_list`` where it wants a stream as one JSON array."""

    __slots__ = (
        "_answering",
        "_as_list",
        "_attempt",
        "_codec",
        "_headers",
        "_memory",
        "_receive",
        "_request_id",
        "_send",
        "_since_ns",
        "_streaming",
        "_task",
        "_watcher",
        "has_left",
    )

    def __init__(
        self,
        codec: Codec,
        receive: Receive,
        send: Send,
        request_id: str,
        loop: asyncio.AbstractEventLoop,
        *,
        as_list: bool = False,
    ):
        self._codec = codec
        self._as_list = as_list
        self._receive = receive
        self._send = send
        self._request_id = request_id
        told = request_id.encode()
        self._headers: Headers = [(b"x-request-id", told)]
        if codec.NAME == "anthropic":
            self._headers.append((b"request-id", told))
        self._since_ns = time.monotonic_ns()
        self._task = asyncio.current_task(loop)
        self._watcher: asyncio.Task[None] | None = None
        self._attempt: Attempt | None = None
        self._answering: Answering | None = None
        self._streaming = False
        self.has_left = False

    async def run(
        self, attempt: Attempt, answering: Answering, forwarded: Forwarded, client: Client, timeouts: Timeouts, memory: Memory
    ) -> None:
        """Ask the upstream and give its answer to the client. Whatever happens, the attempt has ended afterwards."""
        self._attempt = attempt
        self._answering = answering
        self._memory = memory
        attempt.losses = answering.losses
        if answering.losses:
            self._headers.append(header_of(answering.losses))
        try:
            response = await attempt.send(client, answering.body, timeouts, forwarded)
            while not await response.begin():
                await self._beat(attempt.stream)
            attempt.begun()
            if response.status != 200:
                await self._refuse(await attempt.refused(response), passes=isinstance(answering, Passed))
            elif attempt.stream:
                await self._stream(attempt, response, answering)
            else:
                await self._whole(attempt, response, answering)
        except Fault as fault:
            await self._fail(attempt.fail(fault))
        except StreamFailed as failed:
            await self._break_off(attempt, failed)
        except AssayError as error:
            attempt.end("error", error.code)
            await self._fail(error)
        except asyncio.CancelledError:
            attempt.end("cancelled", "client.left" if self.has_left else "gateway.stopped")
            if not self.has_left:
                raise
            if self._task is not None:
                self._task.uncancel()
        finally:
            attempt.end("error", "gateway.bug")
            if isinstance(answering, Translated):
                attempt.request, attempt.events = answering.request, answering.events
                attempt.losses = tuple(dict.fromkeys((*attempt.losses, *answering.answer_losses)))
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

    async def _whole(self, attempt: Attempt, response: Response, answering: Answering) -> None:
        body = await response.read_all(MAX_ANSWER_BYTES)
        attempt.keep(body)
        answer = attempt.route.upstream.redact(answering.whole(body))
        attempt.end("ok")
        self._note(attempt, answering)
        content_type = JSON[1]
        if isinstance(answering, Passed):
            content_type = passable(response.header(b"content-type")) or content_type
        elif answering.answer_losses:
            self._headers = [header for header in self._headers if header[0] != HEADER]
            self._headers.append(header_of(dict.fromkeys((*answering.losses, *answering.answer_losses))))
        await send_answer(self._send, 200, [(b"content-type", content_type), *self._headers], answer)

    async def _stream(self, attempt: Attempt, response: Response, answering: Answering) -> None:
        if (response.header(b"content-type") or b"").startswith(b"application/json"):
            await self._refuse_document(attempt, response)
            return
        send, redact = self._send, attempt.route.upstream.redact
        push = send.push if isinstance(send, Direct) else None
        waiting = b""

        def take(data: bytes) -> bool:
            """Runs where the bytes arrive. What cannot be written at once waits for the exchange's own task."""
            nonlocal waiting
            attempt.keep(data)
            if attempt.size > MAX_ANSWER_BYTES:
                raise Fault("upstream.too_large", f"The answer is larger than {MAX_ANSWER_BYTES} bytes.")
            events = redact(answering.feed(data, response.arrived_ns))
            if events and self._streaming and push is not None:
                return push(events) and answering.failed is None
            waiting = events
            return not events and answering.failed is None

        while (poured := await response.pour(take)) != "ended":
            if poured == "quiet":
                await self._beat(True)
                continue
            if waiting:
                await self._begin_stream()
            if self._streaming:
                # Awaited even with nothing to say, so that a client that takes less than is written holds the upstream back.
                await send({"type": "http.response.body", "body": waiting, "more_body": True})
                waiting = b""
            if isinstance(answering, Translated) and answering.failed is not None:
                raise answering.failed
        last = answering.finish()
        if answering.failed is None:
            attempt.end("ok")
            self._note(attempt, answering)
        else:
            attempt.end("error", answering.failed.code)
        await self._begin_stream()
        await send({"type": "http.response.body", "body": redact(last)})

    def _note(self, attempt: Attempt, answering: Answering) -> None:
        """Remember what the client will refer to, before it can."""
        if isinstance(answering, Translated) and answering.kept:
            self._memory.keep(attempt.key, answering.kept)
        if answering.response_id is not None:
            answered = Answered(answering.request, fold(answering.events).message) if isinstance(answering, Translated) else None
            size = len(answering.body) + attempt.size
            self._memory.remember(attempt.key, answering.response_id, attempt.request_id, answered, size)

    async def _refuse_document(self, attempt: Attempt, response: Response) -> None:
        """A stream was asked for, and one JSON document comes: an error, or nothing that can be used."""
        body = await response.read_all(MAX_ANSWER_BYTES)
        attempt.keep(body)
        try:
            check_document(body)
        except StreamError as error:
            await self._refuse(attempt.refuse(_status_of(error), body, response), passes=False)
            return
        raise Fault("upstream.garbled", "A stream was asked for, and one JSON document came.")

    async def _break_off(self, attempt: Attempt, failed: StreamFailed) -> None:
        """An answer that did not come whole. Where nothing was sent yet, it is told with a status of its own."""
        attempt.end("error", failed.code)
        response = attempt.response
        if isinstance(failed, StreamError) and not self._streaming and response is not None:
            await self._refuse(attempt.refuse(_status_of(failed), _document_of(failed.said), response), passes=False)
            return
        upstream = attempt.route.upstream
        message = upstream.redact_words(f"{upstream.provider.title}: {failed.message}")
        await self._fail(UpstreamBroken(failed.code, message, call=attempt.call(), hint=failed.hint))

    async def _begin_stream(self) -> None:
        if not self._streaming:
            self._streaming = True
            kind = [JSON] if self._as_list else EVENT_STREAM
            await self._send({"type": "http.response.start", "status": 200, "headers": kind + self._headers})

    async def _beat(self, stream: bool) -> None:
        if stream and self._codec.HEARTBEAT:
            await self._begin_stream()
            await self._send({"type": "http.response.body", "body": self._codec.HEARTBEAT, "more_body": True})

    async def _refuse(self, refusal: Refusal, *, passes: bool) -> None:
        """Pass on an upstream's refusal: its very words where it speaks the client's protocol."""
        if self._streaming or refusal.body is None or not passes:
            await self._fail(refusal.error, refusal.status)
            return
        passed_on = self._passed_on()
        wait_s = refusal.error.retry_after_s
        if wait_s is not None and all(name != b"retry-after" for name, _ in passed_on):
            passed_on.append((b"retry-after", b"%d" % max(1, math.ceil(wait_s))))
        await send_answer(self._send, refusal.status, [JSON, *self._headers, *passed_on], refusal.body)

    def _passed_on(self) -> Headers:
        response = self._attempt.response if self._attempt is not None else None
        if response is None:
            return []
        return [(name, value) for name in _PASSED_ON if (value := passable(response.header(name))) is not None]

    async def _fail(self, error: AssayError, status: int | None = None) -> None:
        if self._streaming:
            await self._send({"type": "http.response.body", "body": self._write_error_event(error)})
        else:
            await send_error(self._send, self._codec, error, self._request_id, status, (*self._headers, *self._passed_on()))

    def _write_error_event(self, error: AssayError) -> bytes:
        if self._answering is None:
            return self._codec.write_stream_error(error, self._request_id)
        return self._answering.fail(error, self._request_id)


def _document_of(said: UpstreamSaid) -> bytes:
    """What an upstream said inside of a 200 answer, as the body of an error."""
    fields = {"message": said.message, "type": said.type, "code": said.code, "param": said.param}
    delay = {} if said.retry_after_s is None else {"details": [{"retryDelay": f"{said.retry_after_s}s"}]}
    return encode({"error": fields | delay})


def _status_of(error: StreamError) -> int:
    """The status that an error inside a 200 answer claims by its code or type, else 502."""
    code = error.said.code or ""
    if code.isdigit() and 400 <= int(code) < 600:
        return int(code)
    return _STATUSES.get(error.said.type or "") or _STATUSES.get(code, 502)


_STATUSES = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "invalid_request_error": 400,
    "request_too_large": 413,
    "api_error": 500,
    "server_error": 500,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "context_length_exceeded": 400,
    "invalid_prompt": 400,
}


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


class Exchanges:
    """Runs exchanges, and hands their attempts to the recorder."""

    def __init__(self, client: Client, recorder: Recorder, memory: Memory, timeouts: Timeouts):
        self._client = client
        self._recorder = recorder
        self._memory = memory
        self._timeouts = timeouts
        self._watch = Watch()

    async def run(self, exchange: Exchange, attempt: Attempt, answering: Answering, forwarded: Forwarded = ()) -> None:
        """Run one exchange to its end."""
        self._watch.add(exchange)
        try:
            await exchange.run(attempt, answering, forwarded, self._client, self._timeouts, self._memory)
        finally:
            self._watch.remove(exchange)
            attempt.response = None
            self._recorder.record(attempt)

    def close(self) -> None:
        self._watch.close()
