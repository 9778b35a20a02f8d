"""Intervals of shares, means and quantiles, against the formulas, scipy and brute force."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]  # scipy ships no types

from assay.core.errors import InvalidInput
from assay.stats import Interval, bounded_mean, mean, quantile, share
from assay.stats.spread import degrees, student


def bounds(interval: Interval) -> tuple[float, float]:
    assert interval.low is not None
    assert interval.high is not None
    return interval.low, interval.high


@pytest.mark.parametrize("degrees", [*range(1, 12), 30, 99, 199, 200, 201, 1000, 10**6])
def test_student_is_scipys(degrees: int) -> None:
    assert student(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-9)


@given(st.integers(1, 5000), st.data())
def test_a_share_has_wilsons_interval(n: int, data: st.DataObject) -> None:
    """The shares whose own standard error reaches to the one seen: both solve (p - seen)^2 = z^2 p (1 - p) / n."""
    successes = data.draw(st.integers(0, n))
    found = share(successes, n)
    expected = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
    assert bounds(found) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert found.value == successes / n
    for bound in bounds(found):
        assert (bound - successes / n) ** 2 == pytest.approx(stats.norm.ppf(0.975) ** 2 * bound * (1 - bound) / n, abs=1e-9)


def test_a_share_of_twins_is_worth_half_as_many_trials() -> None:
    hits, pair = np.repeat([1, 0, 0, 1, 0, 0, 0, 0, 1, 0], 2), np.repeat(range(10), 2)
    low, high = bounds(share(hits, 20, pair))
    t, trials, p = stats.t.ppf(0.975, 9), 9.0, 0.3  # half of 20, and G/(G-1) = 10/9 wider
    middle, reach = p + t**2 / (2 * trials), t * sqrt(p * (1 - p) / trials + t**2 / (4 * trials**2))
    assert (low, high) == pytest.approx(((middle - reach) / (1 + t**2 / trials), (middle + reach) / (1 + t**2 / trials)))


def test_successes_without_a_failure_count_each_cluster_once() -> None:
    low, _ = bounds(share(np.ones(40), 40, np.repeat(range(4), 10)))
    t = stats.t.ppf(0.975, 3)
    assert low == pytest.approx(1 / (1 + t**2 / 4))


def test_clustered_intervals_of_a_share_cover_it() -> None:
    """Items share their luck by threes: by cluster 95 % of intervals cover the truth, item by item far fewer."""
    rng, covered, naive = np.random.default_rng(4), 0, 0
    for _ in range(400):
        cluster = np.repeat(range(40), 5)
        hits = (rng.random(200) < rng.beta(0.6, 1.4, 40)[cluster]).astype(float)
        low, high = bounds(share(hits, 200, cluster))
        covered += low <= 0.3 <= high
        low, high = bounds(share(hits.sum(), 200))
        naive += low <= 0.3 <= high
    assert 0.92 <= covered / 400 <= 0.98
    assert naive / 400 < 0.85


@given(st.lists(st.integers(-999, 999), min_size=2, max_size=50))
def test_a_mean_has_students_interval(values: list[int]) -> None:
    found = mean(values)
    if np.ptp(values) == 0:
        assert (found.low, found.high, found.reason) == (None, None, "no_spread")
        return
    expected = stats.t.interval(0.95, len(values) - 1, np.mean(values), np.std(values, ddof=1) / sqrt(len(values)))
    assert bounds(found) == pytest.approx(expected, abs=1e-8)


def test_the_clustered_error_of_a_mean_is_that_of_the_cluster_sums() -> None:
    rng = np.random.default_rng(1)
    values, labels = rng.normal(size=60), rng.choice(["x", "y", "z", "w", "v"], 60)
    found = mean(values, labels)
    total = sum(
        sum(value - values.mean() for value, label in zip(values, labels, strict=True) if label == one) ** 2 for one in "xyzwv"
    )
    reach = stats.t.ppf(0.975, 4) * sqrt(total * 5 / 4) / 60
    assert bounds(found) == pytest.approx((values.mean() - reach, values.mean() + reach))


def test_a_bounded_mean_of_wins_and_losses_is_their_share_and_ties_only_make_it_safer() -> None:
    wins = [1.0] * 7 + [0.0] * 3
    assert bounded_mean(wins) == share(wins, 10)
    assert bounds(bounded_mean([0.5] * 10)) == bounds(share([1.0] * 5 + [0.0] * 5, 10))
    assert bounds(bounded_mean([1.0] * 8, [0, 0, 1, 1, 2, 2, 3, 3])) == bounds(share([1.0] * 4, 4))
    low, high = bounds(bounded_mean([1.0]))
    assert 0 < low < high == 1
    with pytest.raises(InvalidInput, match="do not lie within"):
        bounded_mean([1.5])


def test_a_bounded_mean_covers_the_truth_of_few_with_many_ties() -> None:
    """Binomial counts of wins and ties, twenty thousand times: the mean is missed at most as often as it says."""
    rng = np.random.default_rng(5)
    for win, tie, n in ((0.9, 0.05, 8), (0.5, 0.3, 12), (0.2, 0.6, 20)):
        drawn = rng.multinomial(n, (win, tie, 1 - win - tie), size=20_000)
        found, often = np.unique(drawn, axis=0, return_counts=True)
        missed = 0
        for (wins, ties, losses), count in zip(found.tolist(), often.tolist(), strict=True):
            low, high = bounds(bounded_mean([1.0] * wins + [0.5] * ties + [0.0] * losses))
            missed += 0 if low <= win + tie / 2 <= high else count
        assert missed / 20_000 <= 0.06, (win, tie, n)


@pytest.mark.parametrize("sizes", [[20] * 3 + [1] * 20, [1, 2, 5, 20] * 6, [5] * 20])
def test_a_bounded_mean_covers_the_truth_of_clusters_of_any_size(sizes: list[int]) -> None:
    """Each cluster is all won or all lost, so it tells as much as one item; a large one counts no more than a small one."""
    rng, covered = np.random.default_rng(8), 0
    cluster = np.repeat(range(len(sizes)), sizes)
    for _ in range(500):
        won = (rng.random(len(sizes)) < 0.6).astype(float)
        found = bounded_mean(won[cluster], cluster)
        assert found.value == pytest.approx(won.mean())
        low, high = bounds(found)
        covered += low <= 0.6 <= high
    assert covered >= 460


def test_few_large_clusters_leave_few_degrees_of_freedom() -> None:
    even, uneven = np.repeat(range(20), 5), np.repeat(range(21), [81] + [1] * 20)
    assert degrees(even) == 19
    assert degrees(uneven) == 1
    assert degrees(np.arange(3)) == 2


@given(st.integers(1, 400), st.sampled_from([0.05, 0.25, 0.5, 0.9, 0.95]))
def test_quantile_bounds_are_the_tightest_ranks_that_the_binomial_allows(n: int, q: float) -> None:
    """Brute force over all ranks: a bound of rank r is wrong when the binomial count of what lies below falls short of it."""
    found = quantile(np.arange(1.0, n + 1), q)
    below = [rank for rank in range(1, n + 1) if stats.binom.cdf(rank - 1, n, q) <= 0.025]
    above = [rank for rank in range(1, n + 1) if stats.binom.sf(rank - 1, n, q) <= 0.025]
    assert found.low == (max(below) if below else None)
    assert found.high == (min(above) if above else None)
    assert (found.reason == "too_few") == (not below or not above)
    assert found.value == np.quantile(np.arange(1.0, n + 1), q, method="averaged_inverted_cdf")


@pytest.mark.parametrize("n", [20_000, 1_000_000])
def test_quantiles_of_many_neither_overflow_nor_vanish(n: int) -> None:
    low, high = bounds(quantile(np.arange(n) / n, 0.95))
    assert (0.95 - low, high - 0.95) == pytest.approx((1.96 * sqrt(0.0475 / n),) * 2, rel=0.05)


def test_the_95th_percentile_of_few_has_no_upper_bound_and_says_so() -> None:
    found = quantile(range(20), 0.95)
    assert (found.high, found.reason) == (None, "too_few")
    assert found.low == 16


@pytest.mark.parametrize("q", [0.5, 0.9])
def test_a_quantile_covers_the_truth_with_clusters(q: float) -> None:
    """As independent values they would be taken for too many: their interval misses the median three times in ten."""
    rng, covered, naive = np.random.default_rng(6), 0, 0
    cluster, truth = np.repeat(range(60), 5), float(np.exp(sqrt(1.09) * stats.norm.ppf(q)))
    for _ in range(300):
        values = np.exp(rng.normal(0, 1, 60)[cluster] + rng.normal(0, 0.3, 300))
        low, high = bounds(quantile(values, q, cluster))
        covered += low <= truth <= high
        low, high = bounds(quantile(values, q))
        naive += low <= truth <= high
    assert naive < 250 < 279 <= covered


def test_clusters_of_one_give_the_quantile_of_independent_values() -> None:
    values = np.random.default_rng(2).exponential(1, 90)
    assert quantile(values, 0.95, range(90)) == quantile(values, 0.95)


def test_what_cannot_be_known_has_a_reason() -> None:
    assert share(0, 0).reason == mean([]).reason == quantile([], 0.5).reason == "no_data"
    assert mean([3.0]) == Interval(value=3.0, n=1, reason="one_cluster")
    assert share([1, 0], 2, ["a", "a"]) == Interval(value=0.5, n=2, reason="one_cluster")
    assert mean([1.0, 2.0], ["a", "a"]).reason == "one_cluster"
    assert quantile([1.0, 2.0], 0.5, ["a", "a"]) == Interval(value=1.5, n=2, reason="one_cluster")
    assert quantile([1.0], 0.5).reason == "too_few"


def test_what_makes_no_sense_is_refused() -> None:
    nonsense: list[Callable[[], Interval]] = [
        lambda: share(3, 2),
        lambda: share([1, 2], 2),
        lambda: share(1, 2, [0, 1]),
        lambda: mean([1.0, float("nan")]),
        lambda: mean([1.0, 2.0], [1]),
        lambda: quantile([1.0], 1.0),
    ]
    for wrong in nonsense:
        with pytest.raises(InvalidInput) as refused:
            wrong()
        assert refused.value.code == "stats.bad_values"
