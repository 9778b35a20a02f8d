"""Differences of the same items: they cancel what both share, cover the truth, and are those of their sources."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from assay.core.errors import InvalidInput
from assay.stats import Interval, paired_mean, paired_quantile, paired_share, quantile, share
from assay.stats.paired import difference


def bounds(found: Interval) -> tuple[float, float]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def test_pairs_cancel_what_they_share() -> None:
    rng = np.random.default_rng(2)
    items = rng.normal(0, 100, 50)
    x, y = items + rng.normal(2, 1, 50), items + rng.normal(0, 1, 50)
    low, high = bounds(paired_mean(x, y))
    assert low < 2 < high < 3


def test_a_difference_puts_both_intervals_together() -> None:
    one = Interval(value=0.6, low=0.5, high=0.7, n=100)
    other = Interval(value=0.4, low=0.3, high=0.5, n=100)
    independent, paired = difference(one, other, 0), difference(one, other, 0.5)
    assert independent.low == pytest.approx(0.2 - sqrt(0.02))
    assert bounds(paired) == pytest.approx((0.2 - 0.1, 0.2 + 0.1))


def test_a_difference_of_shares_is_newcombes() -> None:
    """His method 10 without the continuity correction, by hand: phi of the four cells, and the two Wilson intervals."""
    both, only_x, only_y, neither = 36, 12, 2, 9
    x = [1] * (both + only_x) + [0] * (only_y + neither)
    y = [1] * both + [0] * only_x + [1] * only_y + [0] * neither
    one, other = share(sum(x), 59), share(sum(y), 59)
    phi = (both * neither - only_x * only_y) / sqrt(48 * 11 * 38 * 21)
    (low_x, high_x), (low_y, high_y) = bounds(one), bounds(other)
    down, up = 48 / 59 - low_x, high_y - 38 / 59
    found = paired_share(x, y)
    assert found.value == pytest.approx(10 / 59)
    assert found.low == pytest.approx(10 / 59 - sqrt(down**2 + up**2 - 2 * phi * down * up))
    down, up = 38 / 59 - low_y, high_x - 48 / 59
    assert found.high == pytest.approx(10 / 59 + sqrt(down**2 + up**2 - 2 * phi * down * up))


def test_where_nothing_ever_happened_the_difference_of_shares_still_has_an_interval() -> None:
    low, high = bounds(paired_share([0.0] * 40, [0.0] * 40))
    assert -0.15 < low < 0 < high < 0.15


@pytest.mark.parametrize(("q", "clusters", "size"), [(0.5, 60, 3), (0.5, 40, 1), (0.9, 150, 2), (0.95, 150, 1)])
def test_a_difference_of_quantiles_covers_the_truth(q: float, clusters: int, size: int) -> None:
    """And it is of use: narrower than the two intervals laid end to end."""
    rng, covered, narrower = np.random.default_rng(6), 0, 0
    cluster, n = np.repeat(range(clusters), size), clusters * size
    for _ in range(200):
        shared = rng.exponential(1, clusters)[cluster]
        x, y = shared + rng.exponential(1, n) + 0.5, shared + rng.exponential(1, n)
        low, high = bounds(paired_quantile(x, y, q, cluster))
        covered += low <= 0.5 <= high
        ends = [bounds(quantile(values, q, cluster)) for values in (x, y)]
        narrower += high - low < 0.9 * sum(upper - lower for lower, upper in ends)
    assert covered >= 186
    assert narrower >= 190


def test_what_cannot_be_known_has_a_reason() -> None:
    assert paired_quantile([], [], 0.5).reason == paired_mean([], []).reason == paired_share([], []).reason == "no_data"
    assert paired_quantile([1.0] * 5, [2.0] * 5, 0.5) == Interval(value=-1.0, n=5, reason="too_few")
    assert paired_quantile([1.0] * 71, [2.0] * 71, 0.95).reason == "too_few"
    assert paired_quantile([1.0] * 72, [2.0] * 72, 0.95).reason is None
    assert paired_share([1, 0], [1, 1], ["a", "a"]).reason == "one_cluster"
    with pytest.raises(InvalidInput, match="cannot be paired"):
        paired_mean([1.0], [1.0, 2.0])
