"""Asking a real provider, with the user's own key, what the strict stand-in of the tests is asked.

That is what turns *wire-true* into *live* for one deployment, or names what differs. Every protocol that the provider's row claims is
asked on its own; the outcome is published as a fact, and every question is a call on record.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from assay.core import Answer, AssayError, CallFailed, InvalidInput, Measurement, fold, new_id, now_us
from assay.gateway.attempt import Attempt
from assay.gateway.client import Client
from assay.gateway.connection import Fault, Timeouts
from assay.gateway.control.questions import (
    PLAIN,
    STREAM,
    THINKING,
    TOOLS,
    WHOLE,
    Question,
    Verdict,
    after_the_call,
    judge_usage,
)
from assay.gateway.dialect import Asked, read_fields
from assay.gateway.recorder import Recorder
from assay.gateway.registry import Entry
from assay.gateway.snapshot import Route, Snapshot
from assay.gateway.translate import write_for
from assay.gateway.upstream import Operation, Way
from assay.store.database import Database
from assay.store.queries import publish_measurements
from assay.wire.codecs import UPSTREAM_CODECS, UPSTREAM_COUNTERS
from assay.wire.errors import StreamFailed

LIVE = "provider.live"
_PATIENCE = Timeouts(connect_s=10, first_byte_s=60, idle_s=30, total_s=120)
_MOST_BYTES = 16 * 1024 * 1024
_NOBODY = "assay-asks-for-no-such-model"
_HOPELESS = frozenset(("upstream.unauthorized", "upstream.forbidden", "upstream.not_found", "upstream.unreachable"))
"""After one of these no further question is worth its price."""


class Check(msgspec.Struct, frozen=True):
    """One question in one protocol. ``lost`` is what of it the protocol or the provider's dialect could not say."""

    name: str
    ok: bool
    detail: str
    protocol: str = ""
    lost: tuple[str, ...] = ()


class Verified(msgspec.Struct, frozen=True):
    """A live check of one deployment."""

    deployment: str
    ok: bool
    checks: tuple[Check, ...]


async def verify_provider(
    db: Database, client: Client, recorder: Recorder, snapshot: Snapshot, entry: Entry, model: str | None
) -> Verified:
    """Ask all questions in every protocol that the provider speaks, and publish what came of them as a `live` fact.

    Raises:
        InvalidInput: ``provider.no_model``: none is known and none was named. Unavailable: no key, or a parameter is missing.
    """
    name = model or next(iter((*(m.name for m in entry.provider.models), *entry.models)), None)
    if name is None:
        raise InvalidInput(
            "provider.no_model",
            f"No model of {entry.provider.name!r} is known.",
            hint="Name one, or test the provider first.",
            param="model",
        )
    route = snapshot.find(f"{entry.provider.name}/{name}")
    checks = [check for way in route.upstream.ways.values() for check in await _Examiner(client, recorder, route, way).examine()]
    outcome = Verified(route.deployment.id, all(check.ok for check in checks), tuple(checks))
    await publish_measurements(db, [_fact(outcome)], series=outcome.deployment)
    return outcome


def _fact(outcome: Verified) -> Measurement:
    failed = [check for check in outcome.checks if not check.ok]
    return Measurement(
        kind="fact",
        subject=outcome.deployment,
        metric=LIVE,
        at=now_us(),
        method="short questions in every protocol that the provider speaks, judged by the form of the answers",
        source="measured",
        value="live" if outcome.ok else None,
        reason=None if outcome.ok else "; ".join(f"{check.protocol} {check.name}: {check.detail}" for check in failed)[:2000],
        n=len(outcome.checks),
        conditions={f"{check.protocol} {check.name}": check.ok for check in outcome.checks},
        rows="/api/v1/calls?purpose=test",
    )


class _Examiner:
    """Asks in one protocol. ``lost`` are the losses of the question asked last."""

    def __init__(self, client: Client, recorder: Recorder, route: Route, way: Way):
        self._client = client
        self._recorder = recorder
        self._route = route
        self._way = way
        self._checks: list[Check] = []
        self._lost: tuple[str, ...] = ()
        self._is_hopeless = False

    async def examine(self) -> Sequence[Check]:
        """Every question that the row allows; only the first where the provider cannot be asked at all."""
        for question in (WHOLE, STREAM):
            answer = await self._ask(question)
            if answer is None and self._is_hopeless:
                return self._checks
            self._note(f"{question.name} usage", judge_usage(answer.usage) if answer else Verdict(False, "there was no answer"))
        for question in PLAIN:
            await self._ask(question)
        called = await self._ask(TOOLS)
        if called is not None and self._checks[-1].ok:
            await self._ask(after_the_call(called))
        if self._way.offer.reasoning is not None:
            await self._ask(THINKING)
        if self._way.offers("count_tokens"):
            await self._count()
        await self._ask_nobody()
        return self._checks

    async def _ask(self, question: Question) -> Answer | None:
        """None, and a check that names the reason, where there was no answer."""
        self._is_hopeless = False
        try:
            answer = await self._answer(question)
        except AssayError as error:
            self._is_hopeless = error.code in _HOPELESS
            self._note(question.name, Verdict(False, str(error)))
            return None
        self._note(question.name, question.judge(answer))
        return answer

    async def _answer(self, question: Question) -> Answer:
        """Raises `CallFailed`, `StreamFailed`, or what keeps a request from being sent."""
        request = msgspec.structs.replace(question.request, stream=question.stream)
        written = write_for(self._way, request, self._route.deployment.upstream_model)
        self._lost = written.losses
        attempt = self._attempt(self._route, stream=question.stream)
        attempt.request, attempt.losses = request, written.losses
        body = await self._send(attempt, written.body)
        is_stream = question.stream and not body.lstrip().startswith(b"{")
        unframe = self._way.unframe() if is_stream else None
        reader = UPSTREAM_CODECS[self._way.protocol].EventReader(stream=is_stream, seed=attempt.id.replace("-", ""))
        events = reader.feed(unframe(body) if unframe is not None else body)
        return fold([*events, *reader.close()])

    def _attempt(self, route: Route, *, stream: bool) -> Attempt:
        return Attempt(route, asked=route.deployment.id, purpose="test", stream=stream, way=self._way, request_id=new_id())

    async def _send(self, attempt: Attempt, body: bytes, operation: Operation = "generate") -> bytes:
        """The bytes of an answer with status 200; the attempt is on record afterwards."""
        try:
            response = await attempt.send(self._client, body, _PATIENCE, operation=operation)
            await response.begin()
            attempt.begun()
            if response.status != 200:
                raise (await attempt.refused(response)).error
            answer = await response.read_all(_MOST_BYTES)
            attempt.keep(answer)
            attempt.end("ok")
        except Fault as fault:
            raise attempt.fail(fault) from None
        finally:
            attempt.end("cancelled", "gateway.stopped")
            self._recorder.record(attempt)
        return answer

    async def _count(self) -> None:
        """Tokens of a question, counted before it is asked."""
        counter = UPSTREAM_COUNTERS[self._way.protocol]
        model = self._route.deployment.upstream_model
        written = counter.write_count_request(msgspec.structs.replace(WHOLE.request, model=model))
        asked = Asked(read_fields(written.body), model, False)
        body = self._way.dialect.write(asked, model, operation="count_tokens").body
        self._lost = written.losses
        try:
            count = counter.read_count(await self._send(self._attempt(self._route, stream=False), body, "count_tokens"))
        except (CallFailed, StreamFailed, InvalidInput) as error:
            self._note("count", Verdict(False, str(error)))
            return
        self._note("count", Verdict(count > 0, f"{count} tokens were counted"))

    async def _ask_nobody(self) -> None:
        """A model that there is not: the refusal must have a status and words."""
        deployment = msgspec.structs.replace(self._route.deployment, upstream_model=_NOBODY)
        written = write_for(self._way, WHOLE.request, _NOBODY)
        self._lost = ()
        try:
            await self._send(self._attempt(Route(deployment, self._route.upstream), stream=False), written.body)
        except CallFailed as error:
            status = error.upstream_status
            told = status is not None and 400 <= status < 500
            self._note("error", Verdict(told, f"a model that there is not: {error.message}"))
            return
        self._note("error", Verdict(True, "any model's name is answered here, so its errors were not seen"))

    def _note(self, name: str, verdict: Verdict) -> None:
        detail = self._route.upstream.redact_words(verdict.detail)[:300]
        self._checks.append(Check(name, verdict.ok, detail, self._way.protocol, self._lost))
