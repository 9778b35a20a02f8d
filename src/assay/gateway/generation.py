"""One client's request for an answer, from the one who is asked first to the one who answers.

Every attempt is on record as a call of its own under the one request id. What a client is told comes from one attempt only: the
next one is made only while nothing of an answer was told, and where all failed it hears of one error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from assay.core import Asker, AssayError, UpstreamBroken, UpstreamRefused
from assay.gateway.addresses import FORBIDDEN
from assay.gateway.asgi import Receive, Send
from assay.gateway.attempt import Attempt
from assay.gateway.cached import Repeatable
from assay.gateway.client import Client
from assay.gateway.connection import Timeouts
from assay.gateway.dialect import Asked, Headers
from assay.gateway.exchange import Answering, Exchange, Failed
from assay.gateway.faces import Asking
from assay.gateway.ledger import Ledger
from assay.gateway.memory import Memory
from assay.gateway.prepare import prepare
from assay.gateway.recorder import Recorder
from assay.gateway.router import Router, fate_of
from assay.gateway.snapshot import Pool
from assay.gateway.watch import Watch

_MOST_NAMED = 4
_OURS = frozenset((401, 402, 403))
"""Statuses by which a provider refuses our key; a client would take them for a refusal of its own."""


_NEVER_SENT = frozenset(("upstream.unreachable", FORBIDDEN))
"""Codes of attempts that cannot have cost anything; nor has one whose answer was an error."""


class Question(msgspec.Struct, frozen=True):
    """What a client asks. ``forwarded`` are the headers of its own that a provider of the same protocol is to see, ``trace`` is its
    ``traceparent`` where spans are made, ``repeatable`` is set where the answer may be given again."""

    asking: Asking
    asked: Asked
    body: bytes
    asker: Asker
    forwarded: Headers
    request_id: str
    trace: bytes | None = None
    repeatable: Repeatable | None = None


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
            generation.end()
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
    """One request on its way through the candidates."""

    __slots__ = ("_attempt", "_candidate", "_exchange", "_is_judged", "_last", "_names", "_plan", "_pool", "_question", "_service")

    def __init__(self, service: Generations, question: Question, pool: Pool, exchange: Exchange):
        self._service = service
        self._question = question
        self._pool = pool
        self._exchange = exchange
        self._plan = service.router.plan(pool)
        self._candidate = self._plan.first()
        self._is_judged = False  # whether the router knows what came of the candidate
        self._attempt: Attempt | None = None  # the one that is not on record yet
        self._last: Attempt | None = None
        self._names: list[str] = []  # the deployments that were asked, in order

    async def begin(self) -> Answering:
        """Get ready to ask the first who can be asked.

        Raises:
            AssayError: nobody can: the request cannot be read, its asker may not, or all are busy.
        """
        first: AssayError | None = None
        while True:
            try:
                return await self._take_up()
            except AssayError as error:
                first = first or error
                if not await self._move_on(error):
                    raise first from None

    async def go_through(self, answering: Answering) -> None:
        """Ask one after the other, until one has answered or nobody is left; then tell the client."""
        failures: list[Failed] = []
        following: Answering | None = answering
        while following is not None:
            failed = await self._ask(following)
            if failed is None:
                self._is_judged = True
                self._succeed()
                return
            failures.append(failed)
            following = None
            while following is None and await self._move_on(failed.error):
                self._hand_over(failed.error)
                try:
                    following = await self._take_up()
                except AssayError as error:
                    failed = Failed(error)
                    failures.append(failed)
        await self._tell(failures)

    def end(self) -> None:
        """Nobody is asked any longer."""
        if not self._is_judged:
            self._service.router.left(self._candidate)
        self._record()

    async def _take_up(self) -> Answering:
        """Prepare to ask the candidate, and set aside what that may use.

        Raises:
            AssayError: it cannot be asked; nothing is left of the attempt.
        """
        question, service = self._question, self._service
        # The first attempt's call has the request's id, by which its client may ask for the record.
        attempt = self._make_attempt(question.request_id if self._last is None else None)
        is_shared = len(self._pool.routes) > 1
        answering = await prepare(
            question.asking, question.asked, question.body, attempt, self._shown(attempt), service.memory, is_shared=is_shared
        )
        attempt.hold = await service.ledger.reserve(
            question.asker, attempt.route.deployment, question.asked, question.body, again=self._last is not None
        )
        self._attempt = self._last = attempt
        self._names.append(attempt.route.deployment.id)
        return answering

    async def _ask(self, answering: Answering) -> Failed | None:
        service, attempt = self._service, self._attempt
        assert attempt is not None, "asked before it was taken up"
        shown, number = self._shown(attempt), len(self._names)
        # Others wait for what comes of a probe: that its answer begins is enough.
        on_told = self._succeed if self._candidate.is_probe else None
        return await self._exchange.run(attempt, answering, shown, service.client, service.timeouts, number=number, on_told=on_told)

    def _succeed(self) -> None:
        self._service.router.succeeded(self._candidate)

    async def _move_on(self, error: AssayError) -> bool:
        """Whether somebody else is to be asked, when it is time."""
        fate = self._service.router.failed(self._candidate, error)
        self._is_judged = True
        following = None if self._exchange.has_told else self._plan.next(self._candidate, error, fate)
        if following is None:
            return False
        self._candidate, pause_s = following
        self._is_judged = False
        if pause_s:
            await asyncio.sleep(pause_s)
        return True

    def _hand_over(self, error: AssayError) -> None:
        """Put a failed attempt on record. What it surely did not use is free for the next one."""
        if self._attempt is not None:
            free_unused(self._attempt, error)
            self._record()

    async def _tell(self, failures: Sequence[Failed]) -> None:
        last = failures[-1]
        is_own = self._exchange.has_told or len(failures) == 1 or fate_of(last.error) == "answered"
        assert self._last is not None, "failed before it was asked"
        await self._exchange.tell(last if is_own else one_of(failures, self._last, self._names))

    def _make_attempt(self, id: str | None) -> Attempt:
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
        attempt.trace, attempt.repeatable = question.trace, question.repeatable
        return attempt

    def _shown(self, attempt: Attempt) -> Headers:
        """Versions and betas mean nothing to a provider of another protocol."""
        question = self._question
        return question.forwarded if attempt.way.protocol == question.asking.protocol else ()

    def _record(self) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.response = None
            self._service.recorder.record(attempt)


def free_unused(attempt: Attempt, error: AssayError) -> None:
    """Give back what was set aside for an attempt that surely cost nothing, before it is on record, since the next one needs it."""
    if attempt.hold is not None and (isinstance(error, UpstreamRefused) or error.code in _NEVER_SENT):
        attempt.hold.unused()


def one_of(failures: Sequence[Failed], attempt: Attempt, tried: Sequence[str]) -> Failed:
    """What a client is told when all attempts failed: the only failure as it came, else one error about all of them.

    ``tried`` are the deployments that were asked, ``attempt`` is the last of the attempts.
    """
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
