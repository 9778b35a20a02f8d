"""One client's request, and what it is told: the answer of whoever is asked for it, in the client's protocol.

An `Exchange` runs in the task of the ASGI server. A watch beside all of them looks at each a few times a second: it
notices clients that went away, and sends a heartbeat where an upstream is slow; a request that is answered at once never pays
for either. How bytes become other bytes is the business of `Passed` and `Translated`; who is asked, and who next, is that of
`Generation`.

Once anything of an answer was told, an error is an event in the stream, in the client's own protocol, and nothing pretends that
the answer was whole.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from assay.core import AssayError, UpstreamBroken, fold
from assay.gateway.asgi import EVENT_STREAM, JSON, Direct, Headers, Receive, Send, passable, send_answer, send_error
from assay.gateway.attempt import Attempt, Refusal
from assay.gateway.client import Client
from assay.gateway.connection import Fault, Response, Timeouts
from assay.gateway.dialect import Headers as Forwarded
from assay.gateway.inband import document_of, status_of
from assay.gateway.memory import Answered, Memory
from assay.gateway.passing import Passed, check_document
from assay.gateway.translate import Translated
from assay.wire.codec import Codec
from assay.wire.errors import StreamError, StreamFailed
from assay.wire.losses import HEADER, header_of

Answering: TypeAlias = Passed | Translated

MAX_ANSWER_BYTES = 64 * 1024 * 1024
HEARTBEAT_S = 10
WATCH_AFTER_S = 0.2
"""A request older than this has its client watched. Leaving costs the upstream at most this, a look, and the way to it."""

_PASSED_ON = (b"retry-after", b"retry-after-ms", b"x-should-retry")


class Failed(NamedTuple):
    """How an attempt failed: the error, the status to tell it under, and the upstream's own words where the client's protocol is
    theirs. ``passed_on`` are headers of the upstream's that say when to try again.
    """

    error: AssayError
    status: int | None = None
    body: bytes | None = None
    passed_on: tuple[tuple[bytes, bytes], ...] = ()


class Exchange:
    """``codec`` is the client's protocol; ``as_list`` where it wants a stream as one JSON array. ``has_choice``: somebody else may
    answer in the end than who is asked first.
    """

    __slots__ = (
        "_answering",
        "_as_list",
        "_attempt",
        "_codec",
        "_has_choice",
        "_headers",
        "_is_over",
        "_memory",
        "_on_told",
        "_own_headers",
        "_receive",
        "_request_id",
        "_send",
        "_since_ns",
        "_streaming",
        "_task",
        "_watcher",
        "has_left",
        "has_told",
    )

    def __init__(
        self,
        codec: Codec,
        receive: Receive,
        send: Send,
        request_id: str,
        memory: Memory,
        *,
        as_list: bool = False,
        has_choice: bool = False,
    ):
        self._codec = codec
        self._as_list = as_list
        self._has_choice = has_choice
        self._receive = receive
        self._send = send
        self._request_id = request_id
        self._memory = memory
        told = request_id.encode()
        self._own_headers: Headers = [(b"x-request-id", told)]
        if codec.NAME == "anthropic":
            self._own_headers.append((b"request-id", told))
        self._headers = self._own_headers
        self._since_ns = time.monotonic_ns()
        self._task = asyncio.current_task()
        self._watcher: asyncio.Task[None] | None = None
        self._attempt: Attempt | None = None
        self._answering: Answering | None = None
        self._on_told: Callable[[], None] | None = None
        self._streaming = False
        self._is_over = False
        self.has_told = False
        self.has_left = False

    async def run(
        self,
        attempt: Attempt,
        answering: Answering,
        forwarded: Forwarded,
        client: Client,
        timeouts: Timeouts,
        *,
        number: int = 1,
        on_told: Callable[[], None] | None = None,
    ) -> Failed | None:
        """Ask an upstream, for the ``number``-th time, and give its answer to the client; the attempt has ended afterwards.

        ``on_told`` is called when the first of a streamed answer came.

        What went wrong is given back and not told, since another attempt may go better: unless `has_told`, for then it cannot.
        """
        self._attempt = attempt
        self._answering = answering
        self._on_told = on_told
        attempt.losses = answering.losses
        self._headers = [*self._own_headers, *attempt.told(number)]
        if answering.losses:
            self._headers.append(header_of(answering.losses))
        try:
            return await self._ask(attempt, answering, forwarded, client, timeouts)
        except Fault as fault:
            return Failed(attempt.fail(fault))
        except StreamFailed as failed:
            return self._broken_off(attempt, failed)
        except AssayError as error:
            attempt.end("error", error.code)
            return Failed(error)
        except asyncio.CancelledError:
            attempt.end("cancelled", "client.left" if self.has_left else "gateway.stopped")
            raise
        finally:
            attempt.end("error", "gateway.bug")
            if isinstance(answering, Translated):
                attempt.request, attempt.events = answering.request, answering.events
                attempt.losses = tuple(dict.fromkeys((*attempt.losses, *answering.answer_losses)))

    async def tell(self, failed: Failed) -> None:
        """Tell the client what went wrong: in the upstream's very words where it speaks the client's protocol."""
        if self._streaming:
            await self._send({"type": "http.response.body", "body": self._write_error_event(failed.error)})
        elif failed.body is None or failed.status is None:
            headers = (*self._headers, *failed.passed_on)
            await send_error(self._send, self._codec, failed.error, self._request_id, failed.status, headers)
        else:
            passed_on = list(failed.passed_on)
            wait_s = failed.error.retry_after_s
            if wait_s is not None and all(name != b"retry-after" for name, _ in passed_on):
                passed_on.append((b"retry-after", b"%d" % max(1, math.ceil(wait_s))))
            await send_answer(self._send, failed.status, [JSON, *self._headers, *passed_on], failed.body)

    def over(self) -> None:
        """Nothing more happens for the client."""
        self._is_over = True
        if self._watcher is not None:
            self._watcher.cancel()

    def forgive(self) -> None:
        """The task was cancelled only since the client left, and goes on."""
        if self._task is not None:
            self._task.uncancel()

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
        if self._task is not None and not self._is_over:
            self.has_left = True
            self._task.cancel()

    async def _ask(
        self, attempt: Attempt, answering: Answering, forwarded: Forwarded, client: Client, timeouts: Timeouts
    ) -> Failed | None:
        response = await attempt.send(client, answering.body, timeouts, forwarded)
        while not await response.begin():
            await self._beat(attempt.stream)
        attempt.begun()
        if response.status != 200:
            return self._failed(await attempt.refused(response), passes=isinstance(answering, Passed))
        if attempt.stream:
            return await self._stream(attempt, response, answering)
        await self._whole(attempt, response, answering)
        return None

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
        self.has_told = True
        await send_answer(self._send, 200, [(b"content-type", content_type), *self._headers], answer)

    async def _stream(self, attempt: Attempt, response: Response, answering: Answering) -> Failed | None:
        if (response.header(b"content-type") or b"").startswith(b"application/json"):
            return await self._refused_document(attempt, response)
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
            if events and self.has_told and push is not None:
                return push(events) and answering.failed is None
            waiting = events
            return not events and answering.failed is None

        while (poured := await response.pour(take)) != "ended":
            if poured == "quiet":
                await self._beat(True)
                continue
            if waiting:
                await self._begin_answer()
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
        await self._begin_answer()
        await send({"type": "http.response.body", "body": redact(last)})
        return None

    def _note(self, attempt: Attempt, answering: Answering) -> None:
        """Remember what the client will refer to, before it can."""
        if isinstance(answering, Translated) and answering.kept:
            self._memory.keep(attempt.key, answering.kept)
        if answering.response_id is not None:
            answered = Answered(answering.request, fold(answering.events).message) if isinstance(answering, Translated) else None
            size = len(answering.body) + attempt.size
            self._memory.remember(attempt.key, answering.response_id, attempt.request_id, answered, size)

    async def _refused_document(self, attempt: Attempt, response: Response) -> Failed:
        """A stream was asked for, and one JSON document comes: an error, or nothing that can be used."""
        body = await response.read_all(MAX_ANSWER_BYTES)
        attempt.keep(body)
        try:
            check_document(body)
        except StreamError as error:
            return self._failed(attempt.refuse(status_of(error), body, response), passes=False)
        raise Fault("upstream.garbled", "A stream was asked for, and one JSON document came.")

    def _broken_off(self, attempt: Attempt, failed: StreamFailed) -> Failed:
        """An answer that did not come whole. Where nothing was told of it yet, it can have a status of its own."""
        attempt.end("error", failed.code)
        response = attempt.response
        if isinstance(failed, StreamError) and not self.has_told and response is not None:
            return self._failed(attempt.refuse(status_of(failed), document_of(failed.said), response), passes=False)
        upstream = attempt.route.upstream
        message = upstream.redact_words(f"{upstream.provider.title}: {failed.message}")
        return Failed(UpstreamBroken(failed.code, message, call=attempt.call(), hint=failed.hint))

    def _failed(self, refusal: Refusal, *, passes: bool) -> Failed:
        response = self._attempt.response if self._attempt is not None else None
        passed_on: tuple[tuple[bytes, bytes], ...] = ()
        if response is not None:
            passed_on = tuple((name, value) for name in _PASSED_ON if (value := passable(response.header(name))) is not None)
        return Failed(refusal.error, refusal.status, refusal.body if passes else None, passed_on)

    async def _begin_answer(self) -> None:
        """From here on, this answer is the one."""
        self.has_told = True
        if self._on_told is not None:
            self._on_told()
        await self._begin_stream(self._headers)

    async def _begin_stream(self, headers: Headers) -> None:
        if not self._streaming:
            self._streaming = True
            kind = [JSON] if self._as_list else EVENT_STREAM
            await self._send({"type": "http.response.start", "status": 200, "headers": kind + headers})

    async def _beat(self, stream: bool) -> None:
        if stream and self._codec.HEARTBEAT:
            await self._begin_stream(self._own_headers if self._has_choice else self._headers)
            await self._send({"type": "http.response.body", "body": self._codec.HEARTBEAT, "more_body": True})

    def _write_error_event(self, error: AssayError) -> bytes:
        if self._answering is None:
            return self._codec.write_stream_error(error, self._request_id)
        return self._answering.fail(error, self._request_id)
