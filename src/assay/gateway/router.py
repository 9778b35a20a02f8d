"""Who is asked, in which order, and whether another is asked after one that failed.

Of an alias the targets of the lowest priority come first, each as often as its weight says; of a provider's keys each in turn.
Who is not well (`Health`) comes last, and then only one of them: a client is better served by one more try than by none, and a
provider that is down is not helped by many. All of it ends with the first byte of an answer that the client was given.
"""

from __future__ import annotations

import re
import time
from random import Random
from typing import Literal, NamedTuple, TypeAlias

from assay.core import AssayError, CallFailed, InvalidInput, UpstreamRefused
from assay.gateway.health import REFUSED_S, Health
from assay.gateway.snapshot import Pool, Route
from assay.gateway.upstream import Access, Operation
from assay.wire.said import read_error

MAX_ATTEMPTS = 8
"""At one request, whatever its alias says."""
WITHIN_S = 600
"""After so long nobody else is asked: few clients still wait."""
PAUSE_S = 0.5
"""Before a target that failed is asked again without having said when; doubled each time."""

Fate: TypeAlias = Literal["key_refused", "key_forbidden", "key_limited", "failed", "unknown_model", "unable", "answered"]
"""What an error says: of the key (``key_...``), of the deployment, or of what was asked (``answered``: every target would say it)."""

_draw = Random()  # noqa: S311  # load is spread, nothing is kept secret
_CODE = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_OF_THE_QUESTION = frozenset(("upstream.too_large",))
_NO_CREDIT = frozenset(("insufficient_quota", "billing_hard_limit_reached", "insufficient_balance"))
"""Codes under which providers say 429 although waiting does not help (OpenAI's guide to error codes, 2026-11)."""


class Candidate(NamedTuple):
    """A deployment and the key to ask it with. ``is_probe``: an open breaker waits for what comes of it."""

    route: Route
    access: Access
    is_probe: bool = False


class Router:
    """Makes a `Plan` for each request, and tells `Health` what came of each attempt. ``retry_wait_s`` is the longest pause."""

    def __init__(self, health: Health, *, retry_wait_s: float = 10):
        self.health = health
        self.retry_wait_s = retry_wait_s

    def plan(self, pool: Pool, operation: Operation = "generate") -> Plan:
        """The order for one request."""
        return Plan(self, pool, operation)

    def access(self, route: Route) -> Access:
        """The key to use now, for what is not tried twice."""
        return next((one for one in route.upstream.turns() if not self.health.is_parked(one.mark)), route.upstream.accesses[0])

    def succeeded(self, candidate: Candidate) -> None:
        """An attempt went well."""
        self.health.succeed(candidate.route.deployment.id, candidate.access.mark)

    def left(self, candidate: Candidate) -> None:
        """An attempt was given up before anything came of it."""
        if candidate.is_probe:
            self.health.leave(candidate.route.deployment.id, candidate.is_probe)

    def failed(self, candidate: Candidate, error: AssayError) -> Fate:
        """An attempt failed."""
        health, id, mark = self.health, candidate.route.deployment.id, candidate.access.mark
        fate = fate_of(error)
        match fate:
            case "failed":
                health.fail(id, candidate.is_probe, reason_of(error))
                return fate
            case "key_refused":
                health.park(mark, reason_of(error), error.retry_after_s or REFUSED_S)
            case "key_limited":
                health.park(mark, reason_of(error), error.retry_after_s)
            case "answered":
                health.succeed(id, mark)
        self.left(candidate)
        return fate


class Plan:
    """One request's way through a pool."""

    __slots__ = ("_asked", "_begun_s", "_closed", "_has_resorted", "_operation", "_pool", "_retries", "_router", "_used")

    def __init__(self, router: Router, pool: Pool, operation: Operation):
        self._router = router
        self._pool = pool
        self._operation = operation
        self._begun_s = time.monotonic()
        self._closed: tuple[str, ...] = ()  # deployments that are not asked again
        self._used: tuple[tuple[str, int], ...] = ()  # deployments with the keys they were asked with
        self._retries = pool.retries
        self._has_resorted = False
        self._asked = 0

    def first(self) -> Candidate:
        """Who is asked first."""
        if self._pool.has_choice:
            return self._choose() or self._resort() or self._enter(self._pool.first, self._pool.first.upstream.accesses[0])
        route = self._pool.first
        return self._enter(route, route.upstream.accesses[0])

    def next(self, candidate: Candidate, error: AssayError, fate: Fate) -> tuple[Candidate, float] | None:
        """Who is asked after ``candidate`` failed, and after how many seconds; None: nobody, and the error is the answer."""
        if not self._pool.has_choice and not self._pool.retries:
            return None
        if fate == "answered" or self._asked >= MAX_ATTEMPTS or time.monotonic() - self._begun_s > WITHIN_S:
            return None
        id = candidate.route.deployment.id
        self._used += ((id, candidate.access.mark),)
        if fate.startswith("key_") and (access := self._other_key(candidate.route)) is not None:
            return self._enter(candidate.route, access), 0
        if fate in ("failed", "key_limited") and (pause_s := self._pause_s(error)) is not None:
            return self._enter(candidate.route, candidate.access), pause_s
        self._closed += (id,)
        self._retries = self._pool.retries
        other = self._choose() or self._resort()
        return None if other is None else (other, 0)

    def _pause_s(self, error: AssayError) -> float | None:
        """How long to wait before the same target is asked again; None where it is not."""
        if not self._retries:
            return None
        again = self._pool.retries - self._retries
        pause_s = error.retry_after_s
        if pause_s is None:
            # Spread, so that those who failed together do not come back together.
            pause_s = PAUSE_S * 2.0**again * _draw.uniform(0.5, 1)
        if pause_s > self._router.retry_wait_s:
            return None
        self._retries -= 1
        return pause_s

    def _choose(self) -> Candidate | None:
        """One of those that are well."""
        is_fit = self._router.health.is_fit
        for group in self._pool.groups:
            able = [(route, weight) for route, weight in group if self._is_open(route) and is_fit(route.deployment.id)]
            while able:
                at = _draw.choices(range(len(able)), [weight for _, weight in able])[0] if len(able) > 1 else 0
                route, _ = able.pop(at)
                if (access := self._other_key(route)) is not None:
                    return self._enter(route, access)
        return None

    def _is_open(self, route: Route) -> bool:
        """Whether a deployment can be asked at all, and was not found to be useless for this request."""
        upstream = route.upstream
        return route.deployment.id not in self._closed and upstream.is_ready and upstream.offers(self._operation)

    def _other_key(self, route: Route) -> Access | None:
        """One of the keys that are well and were not used yet."""
        health, used, id = self._router.health, self._used, route.deployment.id
        for access in route.upstream.turns():
            if (id, access.mark) not in used and not health.is_parked(access.mark):
                return access
        return None

    def _resort(self) -> Candidate | None:
        """Of those that are not well the one that comes back first, once."""
        if self._has_resorted:
            return None
        self._has_resorted = True
        health = self._router.health
        left = [route for route in self._pool.routes if self._is_open(route) and self._unused(route)]
        if not left:
            return None
        route = min(left, key=lambda one: health.back_in_s(one.deployment.id, [access.mark for access in self._unused(one)]))
        return self._enter(route, min(self._unused(route), key=lambda access: health.parked_since_ns(access.mark)))

    def _unused(self, route: Route) -> list[Access]:
        return [access for access in route.upstream.accesses if (route.deployment.id, access.mark) not in self._used]

    def _enter(self, route: Route, access: Access) -> Candidate:
        id = route.deployment.id
        self._asked += 1
        return Candidate(route, access, self._router.health.enter(id))


def reason_of(error: AssayError) -> str:
    """Why it failed, without any of a provider's own words: they may repeat what was said, and this is shown, stored and sent on."""
    if isinstance(error, UpstreamRefused):
        status = error.upstream_status or error.status
        code = read_error(status, error.upstream_body or b"").code or ""
        return f"HTTP {status}, {code}" if _CODE.fullmatch(code) else f"HTTP {status}"
    return error.message if error.code.startswith("upstream.") else error.code


def fate_of(error: AssayError) -> Fate:
    """What an error of an attempt says, and of whom."""
    if isinstance(error, UpstreamRefused):
        return _fate_of_status(error)
    if isinstance(error, CallFailed):
        return "answered" if error.code in _OF_THE_QUESTION else "failed"
    return "answered" if isinstance(error, InvalidInput) else "unable"


def _fate_of_status(error: UpstreamRefused) -> Fate:
    status = error.upstream_status or error.status
    if status in (401, 402):
        return "key_refused"
    if status == 403:
        return "key_forbidden"
    if status == 429:
        return "key_refused" if read_error(status, error.upstream_body or b"").code in _NO_CREDIT else "key_limited"
    # Whether a model is known is the target's own affair; so is where it redirects to.
    if status == 404:
        return "unknown_model"
    return "failed" if status == 408 or status >= 500 or status < 400 else "answered"
