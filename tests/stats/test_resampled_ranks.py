"""Ranks by drawing questions again: against the plain definition, and against the true order."""

from __future__ import annotations

import numpy as np
import pytest

from assay.core.errors import InvalidInput
from assay.stats import bootstrap_ranks


def test_who_is_clearly_better_is_ahead_and_who_is_alike_shares_the_range() -> None:
    rng = np.random.default_rng(1)
    hard = rng.random(300)
    skills = np.array([0.95, 0.6, 0.6, 0.2])
    scores = (rng.random((300, 4)) < skills * (0.5 + hard[:, None] / 2)).astype(float)
    ranks = bootstrap_ranks(scores)
    assert ranks[0].tolist() == [1, 1, 1]
    assert ranks[3].tolist() == [4, 4, 4]
    assert ranks[1:3, 1:].tolist() == [[2, 3], [2, 3]]


def test_the_same_answers_share_a_rank() -> None:
    column = np.random.default_rng(2).integers(0, 2, 50).astype(float)
    assert bootstrap_ranks(np.column_stack((column, column))).tolist() == [[1, 1, 2], [1, 1, 2]]
    assert bootstrap_ranks(column[:, None]).tolist() == [[1, 1, 1]]
    assert bootstrap_ranks([[1.0, 0.0]]).tolist() == [[1, 1, 2], [2, 1, 2]]


def test_questions_that_both_find_hard_do_not_blur_the_order() -> None:
    """Paired: B is right wherever A is, and on 12 of 200 more. The two intervals overlap by far; the order is sure."""
    a = np.array([1.0] * 100 + [0.0] * 100)
    b = np.array([1.0] * 112 + [0.0] * 88)
    assert bootstrap_ranks(np.column_stack((a, b))).tolist() == [[2, 2, 2], [1, 1, 1]]


def test_questions_that_go_together_tell_less() -> None:
    a, b = np.zeros(60), np.zeros(60)
    b[:12] = 1
    table = np.column_stack((a, b))
    assert bootstrap_ranks(table)[1].tolist() == [1, 1, 1]
    assert bootstrap_ranks(table, np.repeat(np.arange(10), 6))[1].tolist() == [1, 1, 2]


def test_a_table_with_a_hole_is_refused() -> None:
    with pytest.raises(InvalidInput):
        bootstrap_ranks([[1.0, float("nan")]])
    with pytest.raises(InvalidInput):
        bootstrap_ranks(np.zeros((0, 3)))


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.4])
def test_the_true_rank_lies_within_the_range(spread: float) -> None:
    """Six models, equal (then every rank is true), close, or far apart: each one's range misses in at most one of twenty."""
    assert missed(spread, 100) <= 0.09


@pytest.mark.prove
@pytest.mark.parametrize("spread", [0.0, 0.05, 0.1, 0.2, 0.4])
def test_the_true_rank_lies_within_the_range_in_1000_runs(spread: float) -> None:
    assert missed(spread, 1000) <= 0.065


def missed(spread: float, runs: int) -> float:
    """How often a model's range left its true rank out; among equals, any rank."""
    rng, wrong = np.random.default_rng(3), 0
    skills = 0.5 + spread * np.linspace(-1, 1, 6) / 2
    for _ in range(runs):
        hard = rng.normal(0, 0.2, 150)
        scores = (rng.random((150, 6)) < np.clip(skills + hard[:, None], 0, 1)).astype(float)
        _, low, high = bootstrap_ranks(scores, draws=500).T
        best, worst = (np.full(6, 1), np.full(6, 6)) if spread == 0 else (np.arange(6, 0, -1),) * 2
        wrong += int(((low > best) | (high < worst)).sum())
    return wrong / runs / 6
