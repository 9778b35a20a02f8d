"""How many tokens a request has, before it is sent: the provider counts, where it can; else it is estimated, and called that."""

from __future__ import annotations

import msgspec

from assay.core import Asker, Request, UpstreamRefused
from assay.gateway.asgi import JSON, Receive, Send, send_answer, send_error, unless_left
from assay.gateway.attempt import Attempt
from assay.gateway.client import Client
from assay.gateway.connection import Fault, Timeouts
from assay.gateway.dialect import Asked, Headers, read_asked, read_fields
from assay.gateway.estimate import Estimator, weigh_request
from assay.gateway.faces import Asking
from assay.gateway.memory import Memory, continue_from
from assay.gateway.prepare import has_seals, said_before
from assay.gateway.router import Router
from assay.gateway.snapshot import Snapshot
from assay.wire.codec import Counter
from assay.wire.codecs import COUNTERS, UPSTREAM_COUNTERS
from assay.wire.losses import header_of

_MOST_BYTES = 1024 * 1024
ESTIMATED = "approximated:token_count=an estimate"


class Counting:
    """Answers the requests for token counts of all protocols that have them. Counts are no calls: nothing is recorded."""

    def __init__(self, client: Client, timeouts: Timeouts, memory: Memory, estimator: Estimator, router: Router):
        self._client = client
        self._router = router
        self._estimator = estimator
        self._timeouts = timeouts
        self._memory = memory

    async def answer(
        self,
        asking: Asking,
        body: bytes,
        snapshot: Snapshot,
        asker: Asker,
        forwarded: Headers,
        receive: Receive,
        send: Send,
        request_id: str,
    ) -> None:
        """Count, and say so in the client's protocol; or say what the provider refused, under its own status.

        Raises:
            AssayError: the body cannot be read, there is no such model, or the provider failed. ClientLeft: nobody waits for it.
        """
        asked = read_asked(body, model=asking.model, stream=False)
        route = snapshot.pool_for(asker, asked.model).first
        attempt = Attempt(
            route,
            asked=asked.model,
            purpose="traffic",
            stream=False,
            client_protocol=asking.protocol,
            access=self._router.access(route),
            request_id=request_id,
            asker=asker,
        )
        try:
            count, losses = await unless_left(receive, self._count(attempt, asking, asked, body, forwarded))
        except UpstreamRefused as error:
            status = error.upstream_status or error.status
            await send_error(send, asking.codec, error, request_id, status if 400 <= status < 600 else error.status)
            return
        told = request_id.encode()
        headers = [JSON, (b"x-request-id", told), *([(b"request-id", told)] if asking.protocol == "anthropic" else ())]
        if losses:
            headers.append(header_of(losses))
        await send_answer(send, 200, headers, count)

    async def _count(
        self, attempt: Attempt, asking: Asking, asked: Asked, body: bytes, forwarded: Headers
    ) -> tuple[bytes, tuple[str, ...]]:
        """The answer for the client, and what of it is not exact."""
        codec, way = COUNTERS[asking.protocol], attempt.way
        before = await said_before(asking, asked, attempt, self._memory)
        counts = way.offers("count_tokens")
        if counts and way.protocol == asking.protocol and before is None and not has_seals(body):
            model = attempt.route.deployment.upstream_model
            bent = way.dialect.write(asked, model, forwarded, operation="count_tokens")
            return await self._ask(attempt, bent.body, forwarded), bent.losses
        request = codec.read_count_request(body, model=asking.model)
        if before is not None:
            request = continue_from(before, request)
        if not counts:
            counted = self._estimator.input(attempt.route.deployment.model, weigh_request(request))
            return codec.write_count(counted.tokens), (ESTIMATED,)
        return await self._translate(attempt, codec, request)

    async def _translate(self, attempt: Attempt, codec: Counter, request: Request) -> tuple[bytes, tuple[str, ...]]:
        """Have a provider of another protocol count; and what it was not given to count."""
        way, model = attempt.way, attempt.route.deployment.upstream_model
        counter = UPSTREAM_COUNTERS[way.protocol]
        written = counter.write_count_request(msgspec.structs.replace(request, model=model))
        bent = way.dialect.write(Asked(read_fields(written.body), model, False), model, operation="count_tokens")
        count = counter.read_count(await self._ask(attempt, bent.body, ()))
        return codec.write_count(count), tuple(dict.fromkeys((*written.losses, *bent.losses)))

    async def _ask(self, attempt: Attempt, body: bytes, forwarded: Headers) -> bytes:
        """What the provider answers."""
        try:
            response = await attempt.send(self._client, body, self._timeouts, forwarded, operation="count_tokens")
            await response.begin()
            attempt.begun()
            if response.status != 200:
                raise (await attempt.refused(response)).error
            answer = await response.read_all(_MOST_BYTES)
        except Fault as fault:
            raise attempt.fail(fault) from None
        finally:
            attempt.end("ok")
        return attempt.route.upstream.redact(answer)
