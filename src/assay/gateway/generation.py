"""One client's request for an answer, from the one who is asked first to the one who answers.

Every attempt is on record as a call of its own under the one request id. What a client is told comes from one attempt only: the
next one is made only while nothing of an answer was told, and where all failed it hears of one error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from assay.core import Asker, AssayError, UpstreamBroken, UpstreamRefused
from assay.gateway.asgi import Receive, Send
from assay.gateway.attempt import Attempt
from assay.gateway.client import Client
from assay.gateway.connection import Timeouts
from assay.gateway.dialect import Asked, Headers
from assay.gateway.exchange import Answering, Exchange, Failed
from assay.gateway.faces import Asking
from assay.gateway.ledger import Ledger
from assay.gateway.memory import Memory
from assay.gateway.prepare import prepare
from assay.gateway.recorder import Recorder
from assay.gateway.router import Router
from assay.gateway.snapshot import Pool
from assay.gateway.watch import Watch

_MOST_NAMED = 4
_OURS = frozenset((401, 402, 403))
"""Statuses by which a provider refuses our key; a client would take them for a refusal of its own."""


class Question(msgspec.Struct, frozen=True):
    """What a client asks. ``forwarded`` are the headers of its own that a provider of the same protocol is to see, ``trace`` is its
    ``traceparent`` where spans are made."""

    asking: Asking
    asked: Asked
    body: bytes
    asker: Asker
    forwarded: Headers
    request_id: str
    trace: bytes | None = None


class Generations:
    """Answers requests, and hands every attempt to the recorder."""

    def __init__(self, client: Client, recorder: Recorder, memory: Memory, ledger: Ledger, router: Router, timeouts: Timeouts):
        self.client = client
        self.recorder = recorder
        self.memory = memory
        self.ledger = ledger
        self.router = router
        self.timeouts = timeouts
        self._watch = Watch()

    def close(self) -> None:
        """Look after no request any more."""
        self._watch.close()

    async def answer(self, question: Question, pool: Pool, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            AssayError: nobody was asked, since the request cannot be read or its asker may not.
        """
        asking = question.asking
        exchange = Exchange(
            asking.codec, receive, send, question.request_id, self.memory, as_list=asking.as_list, has_choice=pool.has_choice
        )
        generation = Generation(self, question, pool, exchange)
        try:
            answering = await generation.begin()
        except BaseException:
            generation.give_up()
            raise
        self._watch.add(exchange)
        try:
            await generation.go_through(answering)
        except asyncio.CancelledError:
            if not exchange.has_left:
                raise
            exchange.forgive()
        finally:
            self._watch.remove(exchange)
            exchange.over()
            generation.end()


class Generation:
    """One request on its way through the candidates; ``attempt`` is the one under way."""

    __slots__ = ("_candidate", "_exchange", "_is_told", "_plan", "_pool", "_question", "_service", "attempt")

    def __init__(self, service: Generations, question: Question, pool: Pool, exchange: Exchange):
        self._service = service
        self._question = question
        self._pool = pool
        self._exchange = exchange
        self._plan = service.router.plan(pool)
        self._candidate = self._plan.first()
        self._is_told = False  # the router, of what came of the candidate
        self.attempt: Attempt

    async def begin(self) -> Answering:
        """Prepare the first attempt, and set aside what it may use.

        Raises:
            AssayError: the request cannot be read, or its asker may not.
        """
        question = self._question
        # The first attempt's call has the request's id, by which its client may ask for the record.
        self.attempt = self._make_attempt(id=question.request_id)
        answering = await self._prepare()
        ledger, deployment = self._service.ledger, self.attempt.route.deployment
        self.attempt.hold = await ledger.reserve(question.asker, deployment, question.asked, question.body)
        return answering

    async def go_through(self, answering: Answering | Failed) -> None:
        """Ask one after the other, until one has answered or nobody is left; then tell the client."""
        failures: list[Failed] = []
        while True:
            failed = answering if isinstance(answering, Failed) else await self._ask(answering)
            if failed is None:
                self._is_told = True
                self._service.router.succeeded(self._candidate)
                return
            failures.append(failed)
            self._is_told = True
            fate = self._service.router.failed(self._candidate, failed.error)
            following = None if self._exchange.has_told else self._plan.next(self._candidate, failed.error, fate)
            if following is None:
                is_own = self._exchange.has_told or fate == "answered"
                await self._exchange.tell(failed if is_own else one_of(failures, self.attempt, self._plan.tried))
                return
            self._candidate, pause_s = following
            self._is_told = False
            if pause_s:
                await asyncio.sleep(pause_s)
            answering = await self._take_up()

    def give_up(self) -> None:
        """Nobody was asked."""
        self._service.router.left(self._candidate)

    def end(self) -> None:
        """Hand the last attempt over."""
        if not self._is_told:
            self._service.router.left(self._candidate)
        self._record()

    async def _ask(self, answering: Answering) -> Failed | None:
        service, attempt, number = self._service, self.attempt, len(self._plan.tried)
        return await self._exchange.run(attempt, answering, self._shown, service.client, service.timeouts, number=number)

    async def _take_up(self) -> Answering | Failed:
        """Begin the next attempt; what was set aside for the request goes with it."""
        before = self.attempt
        attempt = self._make_attempt()
        attempt.hold, before.hold = before.hold, None
        self._record()
        self.attempt = attempt
        try:
            return await self._prepare()
        except AssayError as error:
            attempt.end("error", error.code)
            return Failed(error)

    def _make_attempt(self, id: str | None = None) -> Attempt:
        question, candidate = self._question, self._candidate
        attempt = Attempt(
            candidate.route,
            asked=question.asked.model,
            purpose="traffic",
            stream=question.asked.stream,
            client_protocol=question.asking.protocol,
            access=candidate.access,
            request_id=question.request_id,
            id=id,
            body=question.body,
            asker=question.asker,
        )
        attempt.trace = question.trace
        return attempt

    @property
    def _shown(self) -> Headers:
        """Versions and betas mean nothing to a provider of another protocol."""
        question = self._question
        return question.forwarded if self.attempt.way.protocol == question.asking.protocol else ()

    async def _prepare(self) -> Answering:
        question = self._question
        return await prepare(
            question.asking,
            question.asked,
            question.body,
            self.attempt,
            self._shown,
            self._service.memory,
            is_shared=len(self._pool.routes) > 1,
        )

    def _record(self) -> None:
        self.attempt.response = None
        self._service.recorder.record(self.attempt)


def one_of(failures: Sequence[Failed], attempt: Attempt, tried: Sequence[str]) -> Failed:
    """What a client is told when all attempts failed: the only failure as it came, else one error about all of them."""
    last = failures[-1]
    if len(failures) == 1:
        return last
    names = list(dict.fromkeys(tried))
    shown = ", ".join(names[:_MOST_NAMED]) + (f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else "")
    message = f"All {len(failures)} attempts at {shown} failed. The last: {last.error.message}"
    statuses = [failed.status or failed.error.status for failed in failures]
    if set(statuses) == {429}:
        waits = [failed.error.retry_after_s for failed in failures if failed.error.retry_after_s is not None]
        wait_s = min(waits, default=None)
        code, status = last.error.code, 429
    else:
        # That a provider refuses our key is nothing that a client can mend by another key of its own.
        status = next((status for status in reversed(statuses) if status not in _OURS), UpstreamBroken.status)
        code, wait_s = last.error.code, last.error.retry_after_s
    error = UpstreamRefused(code, message, call=attempt.call(), upstream_status=status, hint=last.error.hint, retry_after_s=wait_s)
    return Failed(error, status)
