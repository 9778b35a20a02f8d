"""How those are doing who are asked: keys that a provider refuses for now, and deployments that fail again and again.

What is known is this process's own, and goes by the monotonic clock. Who is well leaves no trace here, so that a call that goes
well costs a look into an empty dictionary. Nothing is refused by this: the unwell are asked when nobody better is left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Literal, TypeAlias

import msgspec

HealthState: TypeAlias = Literal["ok", "parked", "open", "half_open", "unknown"]
"""A key that is not used for a while is ``parked``; a deployment is ``open`` when its breaker is. ``unknown``: nobody is there."""

STREAK = 5
"""Failures in a row that open a breaker."""
SHARE = 0.5
SHARE_OF = 20
"""Of at least so many calls of the last minutes, this share that failed opens a breaker too."""
WINDOW_S = 60
"""After each of these, what was counted before counts half."""
COOL_S = (5.0, 300.0)
"""How long a breaker is open at first, and at most; it doubles with every probe that fails."""
REFUSED_S = 300.0
"""How long a key that the provider refuses is left alone."""
LIMITED_S = (1.0, 60.0)
"""How long a key is left alone that asked too much, where the provider does not say; doubled as often as it happens again."""
_MOST = 10_000
"""Deployments that failed lately; names of models come from clients, and could be without end."""
_LONGEST_S = 3600.0
"""A provider that says to come back tomorrow is believed for an hour."""

_S = 1_000_000_000


class Breaker:
    """Of one deployment. Open, it wants nobody; when it has cooled down, exactly one call is its probe."""

    __slots__ = ("_calls", "_cool_s", "_failures", "_probing", "_streak", "_until_ns", "_window_ns", "reason")

    def __init__(self, now_ns: int):
        self.reason = ""
        self._streak = 0
        self._calls = self._failures = 0.0
        self._window_ns = now_ns
        self._cool_s = COOL_S[0]
        self._until_ns: int | None = None
        self._probing = False

    def state(self, now_ns: int) -> HealthState:
        """``half_open``: it has cooled down, and the next call is, or one under way already is, its probe."""
        if self._until_ns is None:
            return "ok"
        return "open" if now_ns < self._until_ns else "half_open"

    @property
    def until_ns(self) -> int | None:
        """When it has cooled down; None while it is closed."""
        return self._until_ns

    def lets(self, now_ns: int) -> bool:
        """Whether a call may be made now."""
        return self._until_ns is None or (not self._probing and now_ns >= self._until_ns)

    def enter(self, now_ns: int) -> bool:
        """A call is made. True: it is the probe, and how it ends must be told."""
        if self._until_ns is None or self._probing or now_ns < self._until_ns:
            return False
        self._probing = True
        return True

    def leave(self, probe: bool) -> None:
        """A call ended without telling anything of the deployment."""
        if probe:
            self._probing = False

    def succeed(self, now_ns: int) -> bool:
        """A call went well, and whatever was wrong is over. True: nothing is left to be remembered."""
        self._streak = 0
        self._probing = False
        self._until_ns = None
        self._cool_s = COOL_S[0]
        self._count(now_ns, 0)
        return self._failures < 1

    def fail(self, now_ns: int, probe: bool, reason: str) -> None:
        """A call failed. While the breaker is open only its probe's failure changes anything."""
        self.reason = reason
        if self._until_ns is not None:
            if probe:
                self._probing = False
                self._cool_s = min(self._cool_s * 2, COOL_S[1])
                self._open(now_ns)
            return
        self._streak += 1
        self._count(now_ns, 1)
        if self._streak >= STREAK or (self._calls >= SHARE_OF and self._failures >= SHARE * self._calls):
            self._open(now_ns)

    def _open(self, now_ns: int) -> None:
        self._streak = 0
        self._calls = self._failures = 0.0
        self._until_ns = now_ns + int(self._cool_s * _S)

    def _count(self, now_ns: int, failures: int) -> None:
        windows = (now_ns - self._window_ns) // (WINDOW_S * _S)
        if windows > 0:
            self._window_ns += windows * WINDOW_S * _S
            self._calls /= 2.0 ** min(windows, 64)
            self._failures /= 2.0 ** min(windows, 64)
        self._calls += 1
        self._failures += failures


class Parked(msgspec.Struct):
    """A key that is left alone until a moment of the monotonic clock; ``times`` in a row it asked too much."""

    since_ns: int
    until_ns: int
    reason: str
    times: int = 0


class Condition(msgspec.Struct, frozen=True):
    """What is known of a key or a deployment now. ``for_s``: it will be tried again after so many seconds."""

    state: HealthState
    reason: str | None = None
    for_s: float | None = None


WELL = Condition("ok")


class Health:
    """Keys by their marks (`Access.mark`: another key under the same name has another), deployments by their ids."""

    def __init__(self, clock_ns: Callable[[], int] = time.monotonic_ns):
        self._clock_ns = clock_ns
        self._parked: dict[int, Parked] = {}
        self._breakers: dict[str, Breaker] = {}
        self.follow: Callable[[str, str | None], None] = lambda deployment, reason: None
        """Hears of every breaker that opens, with the reason, and of every one that closes."""

    # Who may be asked

    def is_fit(self, deployment: str) -> bool:
        """Whether its breaker lets a call through."""
        breaker = self._breakers.get(deployment)
        return breaker is None or breaker.lets(self._clock_ns())

    def is_parked(self, mark: int) -> bool:
        """Whether a key is to be left alone."""
        parked = self._parked.get(mark)
        return parked is not None and self._clock_ns() < parked.until_ns

    def parked_since_ns(self, mark: int) -> int:
        """When a key was parked last; 0 where it was not."""
        parked = self._parked.get(mark)
        return 0 if parked is None else parked.since_ns

    def back_in_s(self, deployment: str, marks: Collection[int]) -> float:
        """After how many seconds a deployment whose provider has these keys may be asked again; 0 where it may now."""
        now_ns = self._clock_ns()
        breaker = self._breakers.get(deployment)
        opens_ns = 0 if breaker is None or breaker.until_ns is None else breaker.until_ns
        key_ns = min((parked.until_ns if (parked := self._parked.get(mark)) else 0 for mark in marks), default=0)
        return max(0.0, (max(opens_ns, key_ns) - now_ns) / _S)

    # What came of it

    def enter(self, deployment: str) -> bool:
        """A call is made. True: it is the probe of an open breaker; then `succeed`, `fail` or `leave` must follow."""
        breaker = self._breakers.get(deployment)
        return breaker is not None and breaker.enter(self._clock_ns())

    def leave(self, deployment: str, probe: bool) -> None:
        """It ended, and tells nothing of the deployment: its asker went away, or its key was refused."""
        if probe and (breaker := self._breakers.get(deployment)) is not None:
            breaker.leave(probe)

    def succeed(self, deployment: str, mark: int) -> None:
        """It was answered, if only by a refusal of what was asked."""
        if self._parked:
            self._parked.pop(mark, None)
        if self._breakers and (breaker := self._breakers.get(deployment)) is not None:
            was_open = breaker.until_ns is not None
            if breaker.succeed(self._clock_ns()):
                del self._breakers[deployment]
            if was_open:
                self.follow(deployment, None)

    def fail(self, deployment: str, probe: bool, reason: str) -> None:
        """The deployment failed, or could not be reached."""
        now_ns = self._clock_ns()
        breaker = self._breakers.get(deployment)
        if breaker is None:
            if len(self._breakers) >= _MOST:
                del self._breakers[next(iter(self._breakers))]
            breaker = self._breakers[deployment] = Breaker(now_ns)
        was_open = breaker.until_ns is not None
        breaker.fail(now_ns, probe, reason)
        if breaker.until_ns is not None and not was_open:
            self.follow(deployment, reason)

    def park(self, mark: int, reason: str, for_s: float | None = REFUSED_S) -> None:
        """Leave a key alone for so long; None: it asked too much, and the provider does not say for how long."""
        now_ns = self._clock_ns()
        before = self._parked.get(mark)
        times = 0
        if for_s is None:
            # Calls that were under way together are told together; that is one time.
            times = 0 if before is None else before.times + (now_ns >= before.until_ns)
            for_s = min(LIMITED_S[0] * 2.0 ** min(times, 16), LIMITED_S[1])
        until_ns = now_ns + int(min(for_s, _LONGEST_S) * _S)
        if before is not None and before.until_ns > until_ns:
            return
        self._parked[mark] = Parked(now_ns, until_ns, reason, times)

    # What is shown

    def of_key(self, mark: int) -> Condition:
        """How a key is."""
        parked = self._parked.get(mark)
        now_ns = self._clock_ns()
        if parked is None or now_ns >= parked.until_ns:
            return WELL
        return Condition("parked", parked.reason, (parked.until_ns - now_ns) / _S)

    def of_deployment(self, deployment: str) -> Condition:
        """How a deployment is."""
        breaker = self._breakers.get(deployment)
        now_ns = self._clock_ns()
        if breaker is None or (state := breaker.state(now_ns)) == "ok":
            return WELL
        return Condition(state, breaker.reason, max(0.0, ((breaker.until_ns or 0) - now_ns) / _S))

    def unwell(self) -> dict[str, Condition]:
        """The deployments whose breakers are not closed, by id."""
        return {name: told for name in self._breakers if (told := self.of_deployment(name)) is not WELL}

    def keep(self, marks: Collection[int]) -> None:
        """Forget the keys that are there no longer."""
        for mark in [mark for mark in self._parked if mark not in marks]:
            del self._parked[mark]
