"""Tests of a difference: against counting every way, scipy, and the share of times they are wrong."""

from __future__ import annotations

from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]  # scipy ships no types

from assay.core.errors import InvalidInput
from assay.stats import FEWEST_FLIPS, detectable, holm, mcnemar, sign_flip, t_test


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_the_exact_test_of_a_fair_coin(only_a: int, only_b: int) -> None:
    expected = stats.binomtest(only_a, only_a + only_b, 0.5).pvalue if only_a + only_b else 1.0
    assert mcnemar(only_a, only_b) == pytest.approx(expected, rel=1e-9)


def test_six_questions_that_all_flip_one_way_are_the_fewest_that_tell() -> None:
    assert mcnemar(0, FEWEST_FLIPS) < 0.05 < mcnemar(0, FEWEST_FLIPS - 1)
    with pytest.raises(InvalidInput):
        mcnemar(-1, 3)


def plain_sign_flip(differences: list[float]) -> float:
    seen = abs(sum(differences))
    flips = [
        abs(sum(sign * d for sign, d in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    return sum(flip >= seen - 1e-9 for flip in flips) / len(flips)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_few_differences_are_flipped_in_every_way(differences: list[int]) -> None:
    assert sign_flip(differences) == pytest.approx(plain_sign_flip([float(one) for one in differences]))


def test_drawn_flips_agree_with_all_flips() -> None:
    """18 questions: too many for us to try all, not for the twin."""
    differences = [0.25, -0.5, 0.75, 1.0, -0.25, 0.5, 0.25, 0.0, 1.0, -0.75, 0.5, 0.5, -1.0, 0.25, 0.75, 0.1, 0.3, 0.2]
    assert sign_flip(differences) == pytest.approx(plain_sign_flip(differences), abs=0.01)


def test_flips_of_ones_are_mcnemars_test() -> None:
    assert sign_flip([1.0] * 20 + [-1.0] * 8 + [0.0] * 100) == pytest.approx(mcnemar(20, 8), abs=0.005)
    assert sign_flip([1.0] * 9 + [-1.0] * 2) == pytest.approx(mcnemar(9, 2))


def test_flips_of_many_different_sizes_agree_with_drawn_ones() -> None:
    values = np.random.default_rng(2).normal(0.03, 1, 6000)
    for some in (values[:900], values):
        assert sign_flip(some) == pytest.approx(2 * stats.norm.sf(abs(some.sum()) / sqrt(some @ some)), abs=0.01)


def test_many_flips_of_few_sizes_are_drawn_by_size() -> None:
    """Twenty thousand ones and halves: against the normal law with the step between sums in it."""
    values = np.concatenate((np.ones(10_150), -np.ones(9_850), np.tile([0.5, -0.5], 500)))
    expected = 2 * stats.norm.sf((300 - 0.5) / sqrt(values @ values))
    assert sign_flip(values) == pytest.approx(expected, abs=0.005)


def test_one_difference_that_outweighs_all_others_is_not_taken_for_normal() -> None:
    """One cluster of 400 beside 1,500 single ones: the sum lies near plus or minus 400, and never between."""
    values = np.concatenate(([400.0], np.tile([1.0, -1.0], 750)))
    assert sign_flip(values) > 0.4
    assert 2 * stats.norm.sf(400 / sqrt(values @ values)) < 0.35


def test_a_cluster_flips_as_one() -> None:
    assert sign_flip([1.0] * 30, np.repeat([0, 1, 2], 10)) == plain_sign_flip([10.0, 10.0, 10.0]) == 0.25
    assert sign_flip([]) == 1.0


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=40))
def test_the_t_test_is_scipys(values: list[float]) -> None:
    found = t_test(values)
    if np.std(values) == 0:
        assert found is None
    elif float(np.std(values)) > 1e-6 and found is not None:
        assert found == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=1e-7)


def test_holm_is_the_worked_example() -> None:
    """By hand: 0.005 * 4, 0.01 * 3, 0.03 * 2, and 0.04, which may not be smaller than the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@pytest.mark.parametrize(("questions", "flips", "points"), [(164, 0.10, 6.9), (198, 0.15, 7.7), (541, 0.15, 4.7), (30, 0.30, 28.0)])
def test_what_known_benchmarks_can_show(questions: int, flips: float, points: float) -> None:
    """Of 0 and 1 only the share of questions that flip counts: 2.80 times the root of it over their number."""
    flipped = round(flips * questions)
    found = detectable([1.0, -1.0] * (flipped // 2) + [1.0] * (flipped % 2) + [0.0] * (questions - flipped))
    assert found is not None
    assert 100 * found * sqrt(flips * questions / flipped) == pytest.approx(points, abs=0.06)


def test_what_differs_nowhere_tells_nothing_of_what_can_be_shown() -> None:
    assert detectable([0.0] * 50) is None
    assert detectable([]) is None


@pytest.mark.parametrize(("questions", "flips"), [(40, 0.3), (164, 0.1), (541, 0.15)])
def test_without_a_difference_mcnemar_is_wrong_at_most_one_time_in_twenty(questions: int, flips: float) -> None:
    rng = np.random.default_rng(5)
    assert sum(_mcnemar_of(_flips(rng, questions, flips, 0.0)) <= 0.05 for _ in range(2000)) <= 120


def test_without_a_difference_flipping_clusters_is_wrong_at_most_one_time_in_twenty() -> None:
    """Five questions go together; as questions of their own they would be called different three times as often."""
    rng, wrong, naive = np.random.default_rng(8), 0, 0
    clusters = np.repeat(np.arange(30), 5)
    for _ in range(100):
        values = rng.normal(0, 1, 30)[clusters] + rng.normal(0, 0.5, 150)
        wrong += sign_flip(values, clusters) <= 0.05
        naive += sign_flip(values) <= 0.05
    assert wrong <= 12
    assert naive > 20


def test_of_many_tests_without_a_difference_holm_leaves_one_time_in_twenty() -> None:
    rng = np.random.default_rng(9)
    assert sum(min(holm(list(rng.random(12)))) <= 0.05 for _ in range(2000)) <= 130


@pytest.mark.parametrize(("questions", "flips"), [(164, 0.1), (198, 0.15), (541, 0.15)])
def test_a_difference_called_detectable_is_found_four_times_in_five(questions: int, flips: float) -> None:
    """The exact test is more cautious than the formula that the size is taken from, so it is a little less."""
    rng, found = np.random.default_rng(6), 0
    least = 2.8016 * sqrt(flips / questions)
    for _ in range(400):
        found += _mcnemar_of(_flips(rng, questions, flips, least)) <= 0.05
    assert 0.68 <= found / 400 <= 0.88


@pytest.mark.prove
@pytest.mark.parametrize(("questions", "flips"), [(30, 0.3), (164, 0.1), (198, 0.15), (541, 0.15), (1319, 0.05)])
def test_the_size_of_the_tests_in_20000_runs(questions: int, flips: float) -> None:
    rng, exact, flipped = np.random.default_rng(15), 0, 0
    for run in range(20_000):
        differences = _flips(rng, questions, flips, 0.0)
        exact += _mcnemar_of(differences) <= 0.05
        if run < 1000:
            flipped += sign_flip(differences * rng.uniform(0.2, 1, questions)) <= 0.05
    assert exact <= 1060
    assert 25 <= flipped <= 70


def _flips(
    rng: np.random.Generator, questions: int, flips: float, difference: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A less B on questions of which the share ``flips`` differ."""
    draw = rng.random(questions)
    wins = (flips + difference) / 2
    return np.where(draw < wins, 1.0, np.where(draw < flips, -1.0, 0.0))


def _mcnemar_of(differences: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    return mcnemar(int((differences > 0).sum()), int((differences < 0).sum()))
