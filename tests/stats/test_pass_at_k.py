"""pass@k against counting every way to pick, and its interval against the truth."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from assay.core.errors import InvalidInput
from assay.stats import Interval, bootstrap_mean, chance_at_k, pass_at_k


def plain_chance(right: int, samples: int, k: int) -> float:
    """The share of picks of ``k`` answers that hold a right one, pick by pick."""
    answers = [True] * right + [False] * (samples - right)
    picks = list(combinations(answers, k))
    return sum(any(pick) for pick in picks) / len(picks)


def test_the_estimator_is_the_share_of_picks_that_hold_a_right_answer() -> None:
    for samples in range(1, 8):
        for right in range(samples + 1):
            for k in range(1, samples + 1):
                assert chance_at_k([right], [samples], k)[0] == pytest.approx(plain_chance(right, samples, k))


def test_the_estimator_is_unbiased_where_the_power_of_the_mean_is_not() -> None:
    """A model that is right 3 times in 10, asked 5 times: pass@3 is 0.657."""
    counts = np.random.default_rng(1).binomial(5, 0.3, 20_000)
    assert chance_at_k(counts, np.full(20_000, 5), 3).mean() == pytest.approx(1 - 0.7**3, abs=0.01)
    assert (1 - (1 - counts / 5) ** 3).mean() < 1 - 0.7**3 - 0.05


def test_many_samples_neither_overflow_nor_vanish() -> None:
    assert chance_at_k([1], [1000], 500)[0] == pytest.approx(0.5)
    assert chance_at_k([999], [1000], 2)[0] == 1


def test_pass_at_1_is_the_mean_by_question() -> None:
    found = pass_at_k([0, 2, 4], [4, 4, 4], 1)
    assert found.value == pytest.approx(0.5)
    assert found.n == 3


def test_questions_with_too_few_samples_are_left_out_and_n_says_so() -> None:
    assert pass_at_k([1, 4, 0], [1, 4, 4], 4) == pass_at_k([4, 0], [4, 4], 4)
    assert pass_at_k([1], [1], 2) == Interval(reason="no_data")
    with pytest.raises(InvalidInput, match="do not fit"):
        pass_at_k([3], [2], 1)
    with pytest.raises(InvalidInput, match="needs 3 samples"):
        chance_at_k([1], [2], 3)


@pytest.mark.parametrize(
    ("questions", "skill", "samples", "k"),
    [(30, (0.5, 0.5), 16, 4), (30, (3, 0.3), 16, 1), (164, (3, 0.5), 10, 5), (15, (1, 1), 8, 4)],
)
def test_its_interval_covers_the_truth(questions: int, skill: tuple[float, float], samples: int, k: int) -> None:
    """Questions as hard as a beta distribution says. Few questions and nearly perfect models included."""
    assert coverage(questions, skill, samples, k, 200) >= 0.91


@pytest.mark.prove
@pytest.mark.parametrize("skill", [(0.5, 0.5), (3, 0.3), (0.3, 3), (2, 1)])
@pytest.mark.parametrize(("questions", "samples", "k"), [(30, 16, 1), (30, 16, 8), (164, 10, 5), (541, 4, 2)])
def test_its_interval_covers_the_truth_in_2000_runs(questions: int, skill: tuple[float, float], samples: int, k: int) -> None:
    assert coverage(questions, skill, samples, k, 2000) >= 0.925


def coverage(questions: int, skill: tuple[float, float], samples: int, k: int, runs: int) -> float:
    rng = np.random.default_rng(4)
    truth = float((1 - (1 - rng.beta(*skill, 1_000_000)) ** k).mean())
    covered = 0
    for _ in range(runs):
        right = rng.binomial(samples, rng.beta(*skill, questions))
        found = pass_at_k(right, np.full(questions, samples), k)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    return covered / runs


def test_drawing_again_is_the_plain_bootstrap() -> None:
    """Question by question, with the same percentiles: the bounds agree as closely as the draws allow."""
    rng = np.random.default_rng(6)
    values = rng.choice([0.0, 0.25, 0.5, 0.75, 1.0], 60)
    means = [float(np.mean(rng.choice(values, 60))) for _ in range(4000)]
    found = bootstrap_mean(values)
    low, high = np.quantile(means, [0.0217, 0.9783])  # Student's 59 degrees and 60/59, as a share of the normal
    assert found.low == pytest.approx(low, abs=0.006)
    assert found.high == pytest.approx(high, abs=0.006)


def test_questions_of_one_cluster_are_drawn_together() -> None:
    rng = np.random.default_rng(7)
    clusters = np.repeat(np.arange(40), 5)
    values = np.clip(rng.random(40)[clusters] + rng.normal(0, 0.05, 200), 0, 1)
    narrow, wide = bootstrap_mean(values), bootstrap_mean(values, clusters)
    assert narrow.value == wide.value
    assert all(bound is not None for bound in (narrow.low, narrow.high, wide.low, wide.high))
    assert (wide.high or 0) - (wide.low or 0) > 2 * ((narrow.high or 0) - (narrow.low or 0))
    assert bootstrap_mean([0.5, 0.6], ["a", "a"]).reason == "one_cluster"


def test_where_all_are_right_there_is_still_an_interval() -> None:
    found = bootstrap_mean([1.0] * 30)
    assert found.high == 1
    assert found.low == pytest.approx(0.8865, abs=1e-3)
    with pytest.raises(InvalidInput, match="do not lie within"):
        bootstrap_mean([1.5, 0.2])


def test_of_thousands_of_questions_draws_would_say_what_student_does() -> None:
    values = np.random.default_rng(3).beta(2, 2, 2000)
    few, many = bootstrap_mean(values), bootstrap_mean(np.concatenate((values, [0.5])))
    assert few.low == pytest.approx(many.low, abs=5e-4)
    assert few.high == pytest.approx(many.high, abs=5e-4)
