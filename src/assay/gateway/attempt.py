"""One attempt at one deployment, while it runs: what was sent, what came back when, and how it ended."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from assay.core import (
    Asker,
    Call,
    CallFailed,
    Event,
    Outcome,
    Purpose,
    Request,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamTimeout,
    new_id,
)
from assay.core.clock import STEADY
from assay.gateway.cached import Repeatable
from assay.gateway.client import Client
from assay.gateway.connection import Fault, Response, Timeouts
from assay.gateway.dialect import Headers
from assay.gateway.hold import Hold
from assay.gateway.snapshot import Route
from assay.gateway.upstream import Access, Operation, Way
from assay.wire.said import read_error

_THEIR_IDS = (b"x-request-id", b"request-id", b"x-amzn-requestid")
MAX_ERROR_BYTES = 1024 * 1024
"""An upstream's error body may not be larger; the rest is cut off with the connection."""


class Attempt:
    """Mutable until `end`; then the recorder makes its `Call`.

    ``access`` is the provider's key that is used, its first unless another is given; ``way`` is how the provider is asked: in
    ``client_protocol``, what the asker spoke, where the provider speaks it too.
    ``request`` and ``events`` are set where the asker had them as values; else the recorder reads them from the bytes.
    ``asker`` is None where Assay itself asks; ``hold`` is what was reserved of budgets, on the last attempt at a request.
    ``keeps_bodies``: what was asked and said may be kept, as far as the settings say.
    ``id`` is the call's own, made here unless given; ``is_sent`` says that the upstream has been asked; ``cached`` is the
    call whose answer is given again instead, ``repeatable`` the name by which this one may be. ``pieces`` are what came of the
    body, each with the monotonic time of its arrival.
    """

    __slots__ = (
        "access",
        "asked",
        "asker",
        "at",
        "body",
        "cached",
        "client_protocol",
        "duration_ns",
        "error",
        "events",
        "hold",
        "id",
        "is_sent",
        "keeps_bodies",
        "losses",
        "operation",
        "outcome",
        "pieces",
        "purpose",
        "repeatable",
        "request",
        "request_id",
        "response",
        "route",
        "settled",
        "size",
        "started_ns",
        "status",
        "stream",
        "trace",
        "upstream_request_id",
        "way",
    )

    def __init__(
        self,
        route: Route,
        *,
        asked: str,
        purpose: Purpose,
        stream: bool,
        client_protocol: str | None = None,
        access: Access | None = None,
        way: Way | None = None,
        request_id: str,
        body: bytes = b"",
        asker: Asker | None = None,
        request: Request | None = None,
        id: str | None = None,
        keeps_bodies: bool = True,
    ):
        self.id = id or new_id()
        self.request_id = request_id
        self.at = STEADY.now_us()  # budgets count by it
        self.started_ns = time.monotonic_ns()
        self.duration_ns = 0
        self.route = route
        self.client_protocol = client_protocol
        self.access = access or route.upstream.accesses[0]
        self.way = way or self.access.way(client_protocol or route.upstream.provider.protocol)
        self.asked = asked
        self.purpose = purpose
        self.stream = stream
        self.asker = asker
        self.hold: Hold | None = None
        self.body = body
        self.request = request
        self.keeps_bodies = keeps_bodies
        self.events: list[Event] | None = None
        self.settled: Call | None = None
        self.response: Response | None = None
        self.is_sent = False
        self.cached: str | None = None
        self.repeatable: Repeatable | None = None
        self.operation: Operation = "generate"
        self.pieces: list[tuple[int, bytes]] = []
        self.size = 0
        self.status: int | None = None
        self.outcome: Outcome | None = None
        self.error: str | None = None
        self.losses: tuple[str, ...] = ()
        self.upstream_request_id: str | None = None
        self.trace: bytes | None = None  # the client's `traceparent`, where spans are made

    @property
    def key(self) -> str | None:
        """The id of the gateway key that asks; None where Assay itself does."""
        return None if self.asker is None else self.asker.key

    async def send(
        self,
        client: Client,
        body: bytes,
        timeouts: Timeouts,
        forwarded: Headers = (),
        operation: Operation = "generate",
        content_type: bytes = b"application/json",
    ) -> Response:
        """Write the request, with the headers of the client's that are ``forwarded``. Raises `Fault`."""
        model = self.route.deployment.upstream_model
        origin, head = await self.way.address(
            operation, model, stream=self.stream, body=body, content_type=content_type, forwarded=forwarded
        )
        if (patience := self.route.upstream.provider.timeouts) is not None:
            timeouts = timeouts.but(patience)
        self.response = await client.send(origin, head, body, timeouts)
        self.is_sent = True
        return self.response

    def keep(self, piece: bytes) -> None:
        """Remember what came just now."""
        assert self.response is not None, "kept before sent"
        self.pieces.append((self.response.arrived_ns, piece))
        self.size += len(piece)

    def begun(self) -> None:
        """The head has come."""
        response = self.response
        assert response is not None, "begun before sent"
        self.status = response.status
        for name in _THEIR_IDS:
            if (theirs := response.header(name)) is not None:
                self.upstream_request_id = theirs[:200].decode("latin-1")
                return

    def end(self, outcome: Outcome, error: str | None = None) -> None:
        """Say how it went; the first word counts."""
        if self.outcome is None:
            self.outcome = outcome
            self.error = error
            self.duration_ns = time.monotonic_ns() - self.started_ns
        if self.response is not None:
            self.response.close()

    def call(self, **known: Any) -> Call:
        """The record of it; ``known`` is what the bodies told."""
        route, asker = self.route, self.asker
        return Call(
            id=self.id,
            request_id=self.request_id,
            at=self.at,
            purpose=self.purpose,
            outcome=self.outcome or "error",
            asked=self.asked,
            deployment=route.deployment.id,
            provider=route.deployment.provider,
            model=route.deployment.model,
            protocol=self.way.protocol,
            client_protocol=self.client_protocol,
            operation=None if self.operation == "generate" else self.operation,
            stream=self.stream,
            duration_us=self.duration_ns // 1000,
            key=self.key,
            user=None if asker is None else asker.user,
            team=None if asker is None else asker.team,
            provider_key=self.access.name if len(route.upstream.accesses) > 1 and self.cached is None else None,
            status=self.status,
            error=self.error,
            losses=self.losses,
            cached=self.cached,
            **{"upstream_id": self.upstream_request_id, **known},
        )

    def told(self, number: int) -> tuple[tuple[bytes, bytes], ...]:
        """The headers by which a client is told who answered, at the ``number``-th attempt."""
        who = (b"x-assay-deployment", _plain(self.route.deployment.id)), (b"x-assay-attempts", b"%d" % number)
        if self.cached is None and self.repeatable is None:
            return who
        return *who, (b"x-assay-cache", b"miss" if self.cached is None else b"hit")

    def fail(self, fault: Fault) -> CallFailed:
        """End by a fault, and make the error that says so."""
        timed_out = fault.code == "upstream.timeout"
        self.end("timeout" if timed_out else "error", fault.code)
        kind = UpstreamTimeout if timed_out else UpstreamBroken
        title = self.route.upstream.provider.title
        return kind(fault.code, f"{title}: {fault.message}", call=self.call())

    def drop_bodies(self) -> None:
        """Forget what was said, to save memory; that it was said stays on record."""
        self.body = b""
        self.pieces = []
        self.request = self.events = None

    async def refused(self, response: Response) -> Refusal:
        """Read an error answer (or one that is no answer at all), and end.

        Raises:
            CallFailed: the answer broke off.
        """
        try:
            body = await response.read_all(MAX_ERROR_BYTES)
        except Fault as fault:
            raise self.fail(fault) from None
        return self.refuse(response.status, body, response)

    def refuse(self, status: int, body: bytes, response: Response) -> Refusal:
        """End by an upstream's error: its status and words, without our key should they hold it."""
        upstream = self.route.upstream
        body = upstream.redact(body)
        code = _REFUSALS.get(status) or ("upstream.refused" if 400 <= status < 500 else "upstream.failed")
        if 300 <= status < 400:
            code = "upstream.redirected"
        said = read_error(status, body)
        message, hint = _explain(upstream.provider.title, status, code, said.message)
        self.status = status
        self.end("error", code)
        is_ours = code in ("upstream.unauthorized", "upstream.redirected")
        error = UpstreamRefused(
            code,
            message,
            call=self.call(),
            upstream_status=status,
            upstream_body=None if is_ours else body,
            hint=hint,
            retry_after_s=said.retry_after_s if (asked := _retry_after(response)) is None else asked,
        )
        return Refusal(error, status if 400 <= status < 600 else 502, body if not is_ours and _has_shape(body) else None)


class Refusal(msgspec.Struct, frozen=True):
    """An upstream's error. ``body`` is what it said, in the protocol's shape; None where we must say it in our words."""

    error: UpstreamRefused
    status: int
    body: bytes | None


_REFUSALS = {
    401: "upstream.unauthorized",
    403: "upstream.forbidden",
    404: "upstream.not_found",
    408: "upstream.timeout",
    429: "upstream.rate_limited",
}


def _explain(title: str, status: int, code: str, said: str) -> tuple[str, str | None]:
    if code == "upstream.unauthorized":
        return (
            f"{title} refused the provider key that Assay holds for it (HTTP {status}): {said}",
            "Your gateway key is fine. Replace the provider's key on the Providers page.",
        )
    if code == "upstream.redirected":
        return f"{title} redirected the request (HTTP {status}), which is not followed.", "Check the provider's base URL."
    return f"{title} answered HTTP {status}: {said}", None


@lru_cache(1024)
def _plain(id: str) -> bytes:
    """A deployment's id as a header may hold it: of one that is not listed, the model's name is of a client's own choice."""
    return (id if id.isascii() and id.isprintable() else quote(id, safe="/:@"))[:300].encode("ascii")


class _Shape(msgspec.Struct):
    error: dict[str, msgspec.Raw]


_shape = msgspec.json.Decoder(_Shape)


def _has_shape(body: bytes) -> bool:
    """Whether an error body is already what a client of the protocol expects."""
    try:
        return "message" in _shape.decode(body).error
    except (msgspec.MsgspecError, RecursionError):
        return False


def _retry_after(response: Response) -> float | None:
    raw = response.header(b"retry-after")
    return float(raw) if raw is not None and raw.isdigit() and len(raw) < 7 else None
