"""The port by which arena, bench and judges ask a model: in-process, over the same way as any client's request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import msgspec

from assay.core import AssayError, Budget, Event, Finished, Purpose, Request, UpstreamBroken, new_id
from assay.gateway.attempt import Attempt
from assay.gateway.client import Client
from assay.gateway.connection import Fault, Timeouts
from assay.gateway.dialect import Asked, read_fields
from assay.gateway.ledger import Ledger
from assay.gateway.recorder import Recorder
from assay.gateway.router import Candidate, Router
from assay.gateway.snapshot import Snapshot
from assay.gateway.translate import write_for
from assay.wire.codecs import UPSTREAM_CODECS
from assay.wire.errors import StreamFailed


class GatewayCaller:
    """Implements `assay.core.Caller`. Always streams, so that times are known and leaving stops the upstream."""

    def __init__(
        self,
        client: Client,
        recorder: Recorder,
        ledger: Ledger,
        router: Router,
        timeouts: Timeouts,
        snapshot: Callable[[], Snapshot],
    ):
        self._client = client
        self._recorder = recorder
        self._ledger = ledger
        self._timeouts = timeouts
        self._router = router
        self._snapshot = snapshot

    async def stream(
        self, request: Request, deployment: str, purpose: Purpose, budget: Budget | None = None, *, request_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """The answer's events; the last is `Finished`. Closing the generator cancels the upstream.

        Where one of the provider's keys is refused, the next is used; until the first event came.

        Raises:
            NotFound: no such deployment. Unavailable: its provider has no key.
            CallFailed: the attempt failed; the error carries its `Call`.
        """
        plan = self._router.plan(self._snapshot().deployment(deployment))
        candidate = plan.first()
        request_id = request_id or new_id()
        while True:
            attempt = Attempt(
                candidate.route,
                asked=deployment,
                purpose=purpose,
                stream=True,
                access=candidate.access,
                request_id=request_id,
                request=request,
                keeps_bodies=budget is None or budget.keep_bodies,
            )
            try:
                async with aclosing(self._answer(attempt, candidate, request, budget)) as coming:
                    async for event in coming:
                        yield event
                return
            except AssayError as error:
                fate = self._router.failed(candidate, error)
                following = None if attempt.events else plan.next(candidate, error, fate)
                if following is None:
                    raise
            candidate, pause_s = following
            await asyncio.sleep(pause_s)

    async def _answer(
        self, attempt: Attempt, candidate: Candidate, request: Request, budget: Budget | None
    ) -> AsyncGenerator[Event, None]:
        """One attempt, on record whatever comes of it."""
        events: list[Event] = []
        try:
            async with aclosing(self._events(attempt, request, self._limits(budget))) as coming:
                async for event in coming:
                    events.append(event)
                    yield event
            attempt.end("ok")
            self._router.succeeded(candidate)
        except Fault as fault:
            raise attempt.fail(fault) from None
        except StreamFailed as failed:
            attempt.end("error", failed.code)
            message = attempt.route.upstream.redact_words(failed.message)
            raise UpstreamBroken(
                failed.code, message, call=attempt.call(), upstream_status=attempt.status, hint=failed.hint
            ) from None
        except AssayError as error:
            attempt.end("error", error.code)
            raise
        finally:
            if attempt.outcome is None:
                self._router.left(candidate)
            attempt.end("cancelled", "client.left")
            attempt.events = events
            call = self._recorder.settle(attempt)
        yield Finished(call=call)

    def _limits(self, budget: Budget | None) -> Timeouts:
        if budget is None or budget.timeout_s is None:
            return self._timeouts
        return msgspec.structs.replace(self._timeouts, total_s=min(budget.timeout_s, self._timeouts.total_s))

    async def _events(self, attempt: Attempt, request: Request, timeouts: Timeouts) -> AsyncGenerator[Event, None]:
        route = attempt.route
        asked, deployment = msgspec.structs.replace(request, stream=True), route.deployment
        written = write_for(attempt.way, asked, deployment.upstream_model, deployment.max_output)
        attempt.losses = written.losses
        asking = Asked(read_fields(written.body), deployment.upstream_model, True)
        attempt.hold = await self._ledger.reserve(None, deployment, asking, written.body)
        response = await attempt.send(self._client, written.body, timeouts)
        await response.begin()
        attempt.begun()
        if response.status != 200:
            raise (await attempt.refused(response)).error
        is_document = (response.header(b"content-type") or b"").startswith(b"application/json")
        reader = UPSTREAM_CODECS[attempt.way.protocol].EventReader(stream=not is_document, seed=attempt.id.replace("-", ""))
        unframe = None if is_document else attempt.way.unframe()
        try:
            while (data := await response.read()) is not None:
                attempt.size += len(data)
                if unframe is not None:
                    data = unframe(data)
                for event in reader.feed(data, response.arrived_ns):
                    yield event
            for event in reader.close(response.arrived_ns):
                yield event
        except StreamFailed as failed:
            # What came before the fault came: the asker sees it, then the fault.
            for event in failed.events:
                yield event
            raise
