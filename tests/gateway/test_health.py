"""Breakers and parked keys do what a plain list of everything that happened says, by a clock that the tests turn themselves."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from assay.gateway import health
from assay.gateway.health import COOL_S, LIMITED_S, REFUSED_S, SHARE, SHARE_OF, STREAK, WINDOW_S, Breaker, Health

S = 1_000_000_000


class Clock:
    """Stands until it is turned."""

    def __init__(self) -> None:
        self.now_ns = 1000 * S

    def __call__(self) -> int:
        return self.now_ns

    def go(self, seconds: float) -> None:
        self.now_ns += round(seconds * S)


@dataclass
class Twin:
    """A breaker that remembers everything, and works out from the beginning what it is asked."""

    began_ns: int
    happened: list[tuple[int, bool]] = field(default_factory=list)  # since it last opened or closed: when, and whether it failed
    streak: int = 0
    opened: list[int] = field(default_factory=list)  # how often in a row, when
    probing: bool = False

    @property
    def until_ns(self) -> int:
        return self.opened[-1] + int(min(COOL_S[0] * 2 ** (len(self.opened) - 1), COOL_S[1]) * S)

    def lets(self, now_ns: int) -> bool:
        return not self.opened or (not self.probing and now_ns >= self.until_ns)

    def enter(self, now_ns: int) -> bool:
        if not self.opened or not self.lets(now_ns):
            return False
        self.probing = True
        return True

    def succeed(self, now_ns: int) -> None:
        self.opened, self.probing, self.streak = [], False, 0
        self.happened.append((now_ns, False))

    def fail(self, now_ns: int, probe: bool) -> None:
        if self.opened:
            if probe:
                self.probing = False
                self.opened.append(now_ns)
            return
        self.streak += 1
        self.happened.append((now_ns, True))
        calls, failures = self._weighed(now_ns)
        if self.streak >= STREAK or (calls >= SHARE_OF and failures >= SHARE * calls):
            self.opened, self.happened, self.streak = [now_ns], [], 0

    def _weighed(self, now_ns: int) -> tuple[float, float]:
        def window(at_ns: int) -> int:
            return (at_ns - self.began_ns) // (WINDOW_S * S)

        weighed = [(0.5 ** (window(now_ns) - window(at)), failed) for at, failed in self.happened]
        return sum(weight for weight, _ in weighed), sum(weight for weight, failed in weighed if failed)


steps = st.lists(
    st.tuples(st.sampled_from(["call", "ok", "fail", "leave", "fail"]), st.sampled_from([0, 0.01, 1, 4, 6, 30, 61, 400])),
    max_size=80,
)


@given(steps)
def test_a_breaker_is_what_its_history_says(happenings: list[tuple[str, float]]) -> None:
    clock = Clock()
    breaker, twin = Breaker(clock()), Twin(clock())
    running: list[bool] = []  # calls under way: whether each is the probe
    for what, after in happenings:
        clock.go(after)
        assert breaker.lets(clock()) == twin.lets(clock())
        assert breaker.state(clock()) == ("ok" if not twin.opened else "open" if clock() < twin.until_ns else "half_open")
        if what == "call" or not running:
            probe = breaker.enter(clock())
            assert probe == twin.enter(clock())
            running.append(probe)
            assert sum(running) <= 1, "exactly one probe"
            continue
        probe = running.pop(0)
        if what == "ok":
            breaker.succeed(clock())
            twin.succeed(clock())
            running = [False] * len(running)
        elif what == "fail":
            breaker.fail(clock(), probe, "it failed")
            twin.fail(clock(), probe)
        else:
            breaker.leave(probe)
            twin.probing = twin.probing and not probe


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_probe_through() -> None:
    clock = Clock()
    known = Health(clock)
    for _ in range(STREAK):
        assert known.is_fit("up/m")
        known.fail("up/m", False, "HTTP 503")
    assert not known.is_fit("up/m")
    assert known.of_deployment("up/m") == health.Condition("open", "HTTP 503", COOL_S[0])
    clock.go(COOL_S[0])
    assert known.of_deployment("up/m").state == "half_open"
    assert known.enter("up/m")
    assert not known.is_fit("up/m"), "others wait for what comes of the probe"
    assert not known.enter("up/m")
    known.succeed("up/m", 1)
    assert known.is_fit("up/m")
    assert known.unwell() == {}


def test_every_probe_that_fails_doubles_the_time_up_to_a_bound() -> None:
    clock = Clock()
    known = Health(clock)
    for _ in range(STREAK):
        known.fail("up/m", False, "down")
    waits = []
    for _ in range(10):
        wait = known.of_deployment("up/m").for_s
        assert wait is not None
        waits.append(wait)
        clock.go(wait)
        known.fail("up/m", known.enter("up/m"), "down")
    assert waits == [min(COOL_S[0] * 2**times, COOL_S[1]) for times in range(10)]


def test_a_probe_that_nobody_waited_for_makes_room_for_another() -> None:
    clock = Clock()
    known = Health(clock)
    for _ in range(STREAK):
        known.fail("up/m", False, "down")
    clock.go(COOL_S[0])
    known.leave("up/m", known.enter("up/m"))
    assert known.enter("up/m")


def test_half_of_many_calls_that_fail_open_a_breaker_too() -> None:
    clock = Clock()
    known = Health(clock)
    for at in range(SHARE_OF + 2):  # a call before the first failure leaves no trace
        assert known.is_fit("up/m")
        clock.go(0.1)
        if at % 2 == 0:
            known.succeed("up/m", 1)
        else:
            known.fail("up/m", False, "every other")
    assert known.of_deployment("up/m").state == "open"


def test_keys_are_left_alone_as_long_as_the_provider_says_or_ever_longer() -> None:
    clock = Clock()
    known = Health(clock)
    known.park(1, "asked too much", 7)
    assert known.of_key(1) == health.Condition("parked", "asked too much", 7)
    clock.go(7)
    assert not known.is_parked(1)
    waits = []
    for _ in range(10):
        known.park(2, "asked too much", None)
        known.park(2, "asked too much", None)  # another call that was under way
        wait = known.of_key(2).for_s
        assert wait is not None
        waits.append(wait)
        clock.go(wait)
    assert waits == [min(LIMITED_S[0] * 2**times, LIMITED_S[1]) for times in range(10)]
    known.park(3, "refused")
    assert known.of_key(3).for_s == REFUSED_S
    known.park(3, "asked too much", 5)
    assert known.of_key(3).for_s == REFUSED_S, "the longer time stands"
    known.succeed("up/m", 3)
    assert not known.is_parked(3)


def test_a_provider_that_says_to_come_back_in_a_year_is_asked_again_within_the_hour() -> None:
    clock = Clock()
    known = Health(clock)
    known.park(1, "asked too much", 365 * 86400)
    clock.go(3600)
    assert not known.is_parked(1)


def test_keys_that_are_gone_are_forgotten_and_who_is_well_leaves_no_trace() -> None:
    known = Health(Clock())
    known.park(1, "refused")
    known.park(2, "refused")
    known.keep({2})
    assert (known.of_key(1).state, known.of_key(2).state) == ("ok", "parked")
    for at in range(1000):
        known.succeed(f"up/{at}", at)
    assert known.unwell() == {}
