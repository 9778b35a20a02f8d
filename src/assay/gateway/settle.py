"""From an attempt's bytes to its record: what was asked and answered, how many tokens, what it cost, when content began."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from typing import Any, Literal

from assay.core import (
    Answer,
    Bodies,
    Call,
    Event,
    InvalidInput,
    PartGrew,
    PartOpened,
    Request,
    ToolCall,
    Transcript,
    canonical,
    fold,
)
from assay.gateway.attempt import Attempt
from assay.gateway.billing import Came, bill, is_counted, teach
from assay.gateway.estimate import Estimator
from assay.store.queries import Body
from assay.wire import openai_chat
from assay.wire.codecs import CODECS, UPSTREAM_CODECS
from assay.wire.errors import StreamFailed

MAX_POINTS = 200
"""Of a call's timeline."""

_log = logging.getLogger(__name__)


def settle(attempt: Attempt, policy: Bodies, kept_until: int, bodies: list[Body], estimator: Estimator) -> Call:
    """The record of an attempt that has ended; what ``policy`` keeps of its bodies is added to ``bodies``.

    ``estimator`` says what no provider has counted, and learns from what one has.
    """
    try:
        return _settle(attempt, policy if attempt.keeps_bodies else "off", kept_until, bodies, estimator)
    except Exception:  # noqa: BLE001  # a task boundary: whatever reading a hostile body raised, the usage row is written
        _log.exception("a call's bodies could not be read call=%s", attempt.id)
        return attempt.call()


def _settle(attempt: Attempt, policy: Bodies, kept_until: int, bodies: list[Body], estimator: Estimator) -> Call:
    came, ttft_us, error = _read_reply(attempt)
    if error is not None and attempt.outcome == "ok":
        attempt.outcome, attempt.error = "error", error
    is_known = is_counted(attempt, came)
    teaches = (
        is_known and attempt.outcome == "ok" and attempt.cached is None and estimator.is_curious(attempt.route.deployment.model)
    )
    request = _read_request(attempt) if policy != "off" or teaches or not is_known else None
    billed = bill(attempt, came, request, estimator)
    if came is not None and teaches:
        teach(estimator, attempt, came, request)
    known: dict[str, Any] = {"usage": billed.usage, "cost": billed.cost, "cost_between": billed.between}
    answer = came.answer if came is not None else None
    if answer is not None:
        known["stop"] = answer.stop
        known["ttft_us"] = ttft_us
        if answer.started is not None and answer.started.id:
            known["upstream_id"] = answer.started.id[:200]
    if attempt.stream and attempt.pieces:
        known["timeline"] = _timeline(attempt)
    if policy != "off":
        keep = bodies if policy == "full" else None
        if request is not None:
            known["request"] = _keep("request", canonical(request), kept_until, keep)
        if answer is not None and answer.messages:
            # A translated answer was not redacted before it was read.
            known["reply"] = _keep("reply", attempt.route.upstream.redact(canonical(Transcript(answer.messages))), kept_until, keep)
    return attempt.call(**known)


def read_said(attempt: Attempt) -> tuple[Request | None, Answer | None]:
    """What was asked and what was answered, as far as it came, for whoever shows it elsewhere."""
    came, _, _ = _read_reply(attempt)
    return _read_request(attempt), came.answer if came is not None else None


def read_events(attempt: Attempt) -> list[Event]:
    """What came of the answer, as events."""
    if attempt.events is not None:
        return attempt.events
    return _read_events(attempt, attempt.route.upstream.redact(_joined(attempt)))[0]


def _keep(kind: Literal["request", "reply"], content: bytes, kept_until: int, bodies: list[Body] | None) -> str:
    digest = hashlib.sha256(content).hexdigest()
    if bodies is not None:
        bodies.append(Body(hash=digest, kind=kind, content=content, kept_until=kept_until))
    return digest


def _read_request(attempt: Attempt) -> Request | None:
    if attempt.request is not None or not attempt.body:
        return attempt.request
    try:
        codec = CODECS[attempt.client_protocol or attempt.way.protocol]
        if codec.NAME == "gemini":  # where the address says both
            return codec.read_request(attempt.body, model=attempt.asked, stream=attempt.stream)
        return codec.read_request(attempt.body)
    except InvalidInput:
        # The upstream may take what we cannot read; then there is nothing to replay, but the call counts.
        return None


def _read_reply(attempt: Attempt) -> tuple[Came | None, int | None, str | None]:
    """What came back as far as it came, when its content began, and what was wrong with it."""
    if attempt.events is not None:
        return _came(attempt.events), first_content_us(attempt.events, attempt.started_ns), None
    if not attempt.pieces or attempt.status != 200:
        return None, None, None
    ttft_us = _content_began_us(attempt) if attempt.stream else None
    body = attempt.route.upstream.redact(_joined(attempt))
    try:
        if attempt.way.protocol == openai_chat.NAME:
            return Came(openai_chat.read_answer(body, stream=attempt.stream)), ttft_us, None
        events, error = _read_events(attempt, body)
    except StreamFailed:
        events, error = _read_events(attempt, body)
    return _came(events), ttft_us, error


def _came(events: list[Event]) -> Came:
    return Came(fold(events), events)


def _joined(attempt: Attempt) -> bytes:
    body = b"".join([piece for _, piece in attempt.pieces])
    unframe = attempt.way.unframe() if attempt.stream else None
    return unframe(body) if unframe is not None else body


def _read_events(attempt: Attempt, body: bytes) -> tuple[list[Event], str | None]:
    """An answer's events; of a broken one, those up to where it breaks, and what was wrong."""
    reader = UPSTREAM_CODECS[attempt.way.protocol].EventReader(stream=attempt.stream, seed=attempt.id.replace("-", ""))
    events: list[Event] = []
    try:
        events += reader.feed(body)
        events += reader.close()
    except StreamFailed as failed:
        events += failed.events
        return events, failed.code
    return events, None


def _timeline(attempt: Attempt) -> tuple[tuple[int, int], ...]:
    """When the pieces came, in microseconds, and how many bytes had come by then; the last one always, in between evenly thinned."""
    points: list[tuple[int, int]] = []
    size = 0
    for at_ns, piece in attempt.pieces:
        size += len(piece)
        points.append((max(0, at_ns - attempt.started_ns) // 1000, size))
    if len(points) <= MAX_POINTS:
        return tuple(points)
    step = (len(points) - 1) / (MAX_POINTS - 1)
    return tuple([points[round(number * step)] for number in range(MAX_POINTS)])


def _content_began_us(attempt: Attempt) -> int | None:
    """Read piece by piece, but only until content has come."""
    reader = UPSTREAM_CODECS[attempt.way.protocol].EventReader(stream=True)
    unframe = attempt.way.unframe()
    try:
        for at_ns, piece in attempt.pieces:
            if unframe is not None:
                piece = unframe(piece)
            began = first_content_us(reader.feed(piece, at_ns), attempt.started_ns)
            if began is not None:
                return began
    except StreamFailed as failed:
        return first_content_us(failed.events, attempt.started_ns)
    return None


def first_content_us(events: Iterable[Event], started_ns: int) -> int | None:
    """Microseconds from the start to the first byte of content: words, thoughts, or a tool's name."""
    for event in events:
        if isinstance(event, PartGrew) or (isinstance(event, PartOpened) and _has_content(event)):
            return max(0, event.at_ns - started_ns) // 1000
    return None


def _has_content(event: PartOpened) -> bool:
    return isinstance(event.part, ToolCall) or bool(getattr(event.part, "text", ""))
