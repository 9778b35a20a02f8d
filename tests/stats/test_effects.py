"""What sways a judge, against scipy's optimiser and planted effects."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]  # scipy ships no types

from assay.core.errors import InvalidInput
from assay.stats import length_effect, order_effect, share
from assay.stats.spread import student

Floats = NDArray[np.float64]


def sized(rng: np.random.Generator, n: int, level: float, slope: float, ties: float = 0.2) -> tuple[Floats, Floats]:
    """Scores of a judge whose log-odds are ``level + slope * ratio``; ties are half wins and know no length."""
    ratio = rng.normal(0.3, 1, n)
    won = (rng.random(n) < 1 / (1 + np.exp(-level - slope * ratio))).astype(float)
    return np.where(rng.random(n) < ties, 0.5, won), ratio


def test_the_length_effect_is_what_scipy_finds() -> None:
    y, x = sized(np.random.default_rng(1), 150, 0.4, 0.7)
    found = length_effect(y, x)
    best = minimize(lambda b: np.logaddexp(0, b[0] + b[1] * x).sum() - y @ (b[0] + b[1] * x), [0.0, 0.0], tol=1e-12).x
    assert found.per_doubling.value == pytest.approx(best[1], abs=1e-5)
    assert found.win_rate_at_equal_length.value == pytest.approx(1 / (1 + np.exp(-best[0])), abs=1e-5)


def test_its_error_is_the_sandwich_by_cluster_term_by_term() -> None:
    y, x = sized(np.random.default_rng(2), 90, 0.2, 0.5)
    cluster = np.repeat(range(30), 3)
    found = length_effect(y, x, cluster)
    assert found.per_doubling.value is not None
    assert found.per_doubling.high is not None
    level = found.win_rate_at_equal_length.value
    assert level is not None
    information, meat = np.zeros((2, 2)), np.zeros((2, 2))
    sums = {one: np.zeros(2) for one in range(30)}
    for score, ratio, one in zip(y, x, cluster.tolist(), strict=True):
        row = np.array([1.0, ratio])
        chance = 1 / (1 + np.exp(-(np.log(level / (1 - level)) + found.per_doubling.value * ratio)))
        information += chance * (1 - chance) * np.outer(row, row)
        sums[one] = sums[one] + row * (score - chance)
    for total in sums.values():
        meat += np.outer(total, total) * 30 / 29
    error = np.sqrt((np.linalg.inv(information) @ meat @ np.linalg.inv(information))[1, 1])
    assert found.per_doubling.high - found.per_doubling.value == pytest.approx(student(29) * error, rel=1e-8)


def test_a_planted_length_effect_is_found_and_none_is_not() -> None:
    rng = np.random.default_rng(3)
    planted = length_effect(*sized(rng, 400, 0.0, 0.8)).per_doubling
    assert planted.low is not None
    assert planted.low > 0
    found = 0
    for _ in range(200):
        effect = length_effect(*sized(rng, 100, 0.5, 0.0)).per_doubling
        assert effect.low is not None
        assert effect.high is not None
        found += not effect.low <= 0 <= effect.high
    assert found / 200 <= 0.09


def test_the_win_rate_at_equal_length_takes_length_out() -> None:
    """A judge that only counts words, and a challenger that writes more of them."""
    y, x = sized(np.random.default_rng(4), 1500, 0.0, 1.0, ties=0.0)
    left = length_effect(y, x).win_rate_at_equal_length
    assert y.mean() > 0.54
    assert left.value == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize(
    ("scores", "ratios", "reason"),
    [
        ([], [], "no_data"),
        ([1.0, 0.0, 0.5], [0.1, 0.2, 0.3], "too_few"),
        ([1.0, 0.0] * 10, [0.5] * 20, "no_spread"),
        ([1.0] * 20, list(range(20)), "one_sided"),
        ([0.0] * 20, list(range(20)), "one_sided"),
        ([0.0] * 10 + [1.0] * 10, list(range(20)), "separated"),
        ([1.0] * 10 + [0.5] + [0.0] * 9, list(range(20)), "separated"),
        ([0.0] * 10 + [1.0] * 10, [0.01 * k for k in range(9)] + [0.0905, 0.09] + [0.01 * k for k in range(10, 19)], "too_steep"),
    ],
)
def test_no_number_is_made_up_where_none_fits(scores: list[float], ratios: list[float], reason: str) -> None:
    found = length_effect(scores, ratios)
    assert (found.reason, found.per_doubling.value, found.win_rate_at_equal_length.value) == (reason, None, None)


def test_extreme_lengths_neither_overflow_nor_stall() -> None:
    rng = np.random.default_rng(5)
    y, x = sized(rng, 100, 0.0, 0.3)
    found = length_effect(y, np.where(np.arange(100) < 3, 40 * np.sign(x), x))
    assert found.per_doubling.value is not None
    assert abs(found.per_doubling.value) < 2


def test_a_planted_order_effect_is_found_and_none_is_not() -> None:
    rng = np.random.default_rng(6)
    planted = order_effect(rng.random(200) < 0.65)
    assert planted.low is not None
    assert planted.low > 0
    fair = order_effect([1, 0] * 50)
    assert fair.value == 0
    assert fair.low is not None
    assert fair.low < 0


def test_both_orders_of_a_pair_make_up_for_each_other() -> None:
    """A judge that keeps to its answer in 80 pairs, takes the first in both orders of 15, and the second in both of 5."""
    orders = [1, 0] * 80 + [1, 1] * 15 + [0, 0] * 5
    found = order_effect(orders, [pair for pair in range(100) for _ in range(2)])
    alone = order_effect(orders)
    assert found.value == alone.value == pytest.approx(0.05)
    assert found.low is not None
    assert alone.low is not None
    assert found.low > 0 > alone.low


def test_a_judge_that_never_changes_its_mind_has_no_effect_but_some_doubt() -> None:
    found = order_effect([1, 0] * 50, [pair for pair in range(50) for _ in range(2)])
    upper = share(0, 50).high
    assert upper is not None
    assert (found.value, found.low, found.high) == (0.0, -upper / 2, upper / 2)


def test_intervals_of_the_order_effect_cover_it() -> None:
    """Both orders of 80 pairs: 12 % fall to whichever is first, 4 % to whichever is second, so the effect is 4 points."""
    rng, covered = np.random.default_rng(7), 0
    for _ in range(400):
        swayed = rng.choice([0, 1, 2], 80, p=[0.84, 0.12, 0.04])
        first = np.where(swayed == 0, 1, swayed == 1)
        second = np.where(swayed == 0, 0, swayed == 1)
        found = order_effect(np.concatenate((first, second)), np.tile(np.arange(80), 2))
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.04 <= found.high
    assert 0.92 <= covered / 400 <= 0.985


def test_an_order_effect_of_nothing_has_a_reason() -> None:
    assert order_effect([]).reason == "no_data"
    assert order_effect([1]).reason == "one_cluster"


def test_what_makes_no_sense_is_refused() -> None:
    for scores, ratios in (([1.0], [1.0, 2.0]), ([1.5], [0.0])):
        with pytest.raises(InvalidInput) as refused:
            length_effect(scores, ratios)
        assert refused.value.code == "stats.bad_values"
