"""The split of variance, against the plain sums and against what was put in."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from assay.stats import Split, mean, split_variance


def test_it_is_the_table_of_an_analysis_of_variance() -> None:
    """Three questions, two answers each, by hand: means 1, 2 and 6 about 3; squares 28 between, 1.5 within."""
    found = split_variance([0.5, 1.5, 2, 2, 6.5, 5.5], ["x", "x", "y", "y", "z", "z"])
    within, among = (0.5 + 0 + 0.5) / 3, 2 * (4 + 1 + 9) / 2
    assert found.within == pytest.approx(within)
    assert found.between == pytest.approx((among - within) / 2)
    assert (found.questions, found.samples) == (3, 6)


def test_its_error_is_that_of_the_mean_by_question() -> None:
    """With as many answers to each question it is the clustered standard error."""
    rng = np.random.default_rng(3)
    questions = np.repeat(np.arange(200), 4)
    values = rng.normal(0, 0.4, 200)[questions] + rng.normal(0, 0.8, 800)
    found, clustered = split_variance(values, questions), mean(values, questions)
    assert found.error is not None
    assert clustered.low is not None
    assert clustered.high is not None
    assert found.error == pytest.approx((clustered.high - clustered.low) / 2 / 1.972, rel=1e-3)


@pytest.mark.parametrize("sizes", [[4] * 300, [1, 2, 5, 8] * 75])
def test_it_finds_what_was_put_in(sizes: list[int]) -> None:
    rng = np.random.default_rng(4)
    questions = np.repeat(np.arange(300), sizes)
    splits = [split_variance(rng.normal(0, 0.3, 300)[questions] + rng.normal(0, 0.6, questions.size), questions) for _ in range(60)]
    assert np.mean([split.between or 0.0 for split in splits]) == pytest.approx(0.09, rel=0.05)
    assert np.mean([split.within or 0.0 for split in splits]) == pytest.approx(0.36, rel=0.05)


def test_asking_more_often_leaves_the_error_of_the_questions() -> None:
    found = split_variance([0, 1, 1, 1, 0, 0, 1, 0], [0, 0, 1, 1, 2, 2, 3, 3])
    assert found.error is not None
    assert found.error_of_questions is not None
    assert found.within is not None
    assert found.error == pytest.approx(sqrt(found.error_of_questions**2 + found.within / 8))


def test_questions_that_do_not_differ_have_no_variance_between() -> None:
    assert split_variance([0.0, 1.0, 0.0, 1.0], [1, 1, 2, 2]).between == 0


def test_what_cannot_be_told_has_a_reason() -> None:
    assert split_variance([], []) == Split(reason="no_data")
    assert split_variance([1.0, 2.0], [1, 1]).reason == "one_question"
    assert split_variance([1.0, 2.0], [1, 2]).reason == "one_sample"
