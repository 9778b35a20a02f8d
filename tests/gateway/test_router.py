"""The order in which targets are asked, drawn ten thousand times and without any network."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core import Alias, AssayError, Call, Provider, Target, UpstreamBroken, UpstreamRefused
from assay.gateway.health import Health
from assay.gateway.router import MAX_ATTEMPTS, Router, fate_of
from assay.gateway.snapshot import Pool, Snapshot
from assay.gateway.upstream import Upstream

NAMES = ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")
CALL = Call(
    id="c", request_id="r", at=0, purpose="test", outcome="error", asked="x", deployment="x/m", provider="x", model="m",
    protocol="openai_chat", stream=False, duration_us=1,
)  # fmt: skip


def pool_of(*targets: Target, retries: int = 0, more: dict[str, str] | None = None) -> Pool:
    """A pool over providers of one letter each."""
    rows = [Provider(name=name, title=name, base_url="https://example.org/v1", key_env=()) for name in NAMES]
    upstreams = [Upstream(row, "k", more or {}) for row in rows]
    alias = Alias(targets=targets, retries=retries)
    return Snapshot(upstreams, {name: ["m"] for name in NAMES}, keys={}, pepper=b"p", aliases={"pool": alias}).pool("pool")


def to(name: str, *, weight: float = 1, priority: int = 0) -> Target:
    return Target(deployment=f"{name}/m", weight=weight, priority=priority)


def refused(status: int, retry_after_s: float | None = None) -> UpstreamRefused:
    return UpstreamRefused("upstream.x", "said so", call=CALL, upstream_status=status, retry_after_s=retry_after_s)


DOWN = UpstreamBroken("upstream.unreachable", "nobody there", call=CALL)


def order(router: Router, pool: Pool, error: AssayError = DOWN) -> list[str]:
    """Who is asked in turn when everybody fails in the same way."""
    plan = router.plan(pool)
    candidate = plan.first()
    asked = [candidate.route.deployment.provider]
    while (following := plan.next(candidate, error, fate_of(error))) is not None:
        candidate, _ = following
        asked.append(candidate.route.deployment.provider)
    return asked


def test_targets_are_asked_as_often_as_their_weights_say() -> None:
    """A chi-square test with two degrees of freedom; 13.8 is exceeded once in a thousand runs of a just draw."""
    pool = pool_of(to("a", weight=6), to("b", weight=3), to("c", weight=1), to("d", weight=0))
    router, n = Router(Health()), 10_000
    drawn = Counter(router.plan(pool).first().route.deployment.provider for _ in range(n))
    assert drawn["d"] == 0
    chi_square = sum((drawn[name] - n * share) ** 2 / (n * share) for name, share in (("a", 0.6), ("b", 0.3), ("c", 0.1)))
    assert chi_square < 30


def test_inside_a_group_the_others_follow_and_then_the_next_group() -> None:
    pool = pool_of(to("a"), to("b"), to("c", priority=1), to("d", priority=2), to("e", priority=2))
    for _ in range(50):
        asked = order(Router(Health()), pool)
        assert (set(asked[:2]), asked[2], set(asked[3:])) == ({"a", "b"}, "c", {"d", "e"})


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=12), st.integers(0, 3)
)
def test_nobody_is_asked_more_often_than_allowed_and_all_end(drawn: list[tuple[str, int, int]], retries: int) -> None:
    targets = {name: to(name, weight=weight, priority=priority) for name, weight, priority in drawn}
    if not any(target.weight for target in targets.values()):
        return
    for error in (DOWN, refused(503), refused(429), refused(401), refused(404)):
        router = Router(Health(), retry_wait_s=100)
        asked = order(router, pool_of(*targets.values(), retries=retries), error)
        assert len(asked) <= MAX_ATTEMPTS
        assert max(Counter(asked).values()) <= 1 + retries
        priorities = [targets[name].priority for name in asked]
        assert priorities == sorted(priorities)


def test_who_is_not_well_comes_last_and_only_one_of_them() -> None:
    health = Health()
    router = Router(health)
    for name in ("a", "b"):
        for _ in range(5):
            health.fail(f"{name}/m", False, "down")
    asked = order(router, pool_of(to("a"), to("b"), to("c", priority=1)))
    assert (asked[0], len(asked)) == ("c", 2)
    assert asked[1] in {"a", "b"}


def test_an_error_of_the_question_ends_it() -> None:
    for status in (400, 413, 422):
        assert order(Router(Health()), pool_of(to("a"), to("b"), retries=3), refused(status)) in (["a"], ["b"])


def test_all_keys_of_a_target_are_tried_before_the_next_target() -> None:
    router = Router(Health())
    pool = pool_of(to("a"), to("b", priority=1), more={"two": "k2", "three": "k3"})
    plan = router.plan(pool)
    candidate = plan.first()
    seen = [(candidate.route.deployment.provider, candidate.access.name)]
    while True:
        error = refused(429, 30)
        following = plan.next(candidate, error, router.failed(candidate, error))
        if following is None:
            break
        candidate, _ = following
        seen.append((candidate.route.deployment.provider, candidate.access.name))
    assert [name for name, _ in seen] == ["a"] * 3 + ["b"] * 3
    assert len(set(seen)) == 6


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        (302, "failed"),
        (400, "answered"),
        (401, "key_refused"),
        (402, "key_refused"),
        (403, "key_forbidden"),
        (404, "unknown_model"),
        (408, "failed"),
        (409, "answered"),
        (413, "answered"),
        (422, "answered"),
        (429, "key_limited"),
        (500, "failed"),
        (529, "failed"),
    ],
)
def test_a_status_says_whose_fault_it_is(status: int, fate: str) -> None:
    assert fate_of(refused(status)) == fate


def test_an_account_without_credit_is_no_matter_of_waiting() -> None:
    error = UpstreamRefused(
        "upstream.rate_limited", "no", call=CALL, upstream_status=429, upstream_body=b'{"error":{"code":"insufficient_quota"}}'
    )
    assert fate_of(error) == "key_refused"
