"""Ranks from the full covariance."""

import numpy as np
import pytest
from scipy.stats import norm  # type: ignore[import-untyped]  # scipy ships no types

from assay.stats import A_WINS, Counts, lead, rank_intervals, rate, simultaneous_z


def test_overlapping_intervals_can_still_be_told_apart() -> None:
    """Ratings that vary together: each is known to +-1.96, their difference much better."""
    theta, together = np.array([0.5, -0.5]), np.array([[1.0, 0.99], [0.99, 1.0]])
    assert rank_intervals(theta, together).tolist() == [[1, 1, 1], [2, 2, 2]]
    assert rank_intervals(theta, np.eye(2)).tolist() == [[1, 1, 2], [2, 1, 2]]


def test_a_rank_lies_between_those_clearly_better_and_those_clearly_worse() -> None:
    theta = np.array([3.0, 1.1, 1.0, 0.9, -3.0])
    assert rank_intervals(theta, np.eye(5) * 0.25).tolist() == [[1, 1, 1], [2, 2, 4], [3, 2, 4], [4, 2, 4], [5, 5, 5]]


def test_equal_ratings_share_a_rank() -> None:
    assert rank_intervals(np.array([0.0, 1.0, 1.0]), np.zeros((3, 3)))[:, 0].tolist() == [3, 1, 1]


def test_simultaneous_ranges_are_wider() -> None:
    assert simultaneous_z(2) == pytest.approx(norm.ppf(0.975))
    assert simultaneous_z(201) == pytest.approx(norm.ppf(1 - 0.025 / 200))
    rng = np.random.default_rng(5)
    a = rng.integers(0, 12, 600)
    counts = Counts.of(a, (a + rng.integers(1, 12, 600)) % 12, rng.integers(0, 3, 600), 12)
    narrow, wide = rate(counts).ranks, rate(counts, ranks="simultaneous").ranks
    assert (wide[:, 1] <= narrow[:, 1]).all()
    assert (wide[:, 2] >= narrow[:, 2]).all()
    assert (wide != narrow).any()


def test_a_leaderboard_is_sorted_by_rank_with_the_unrated_last() -> None:
    counts = Counts.of([0, 1, 2, 0, 3, 4, 4], [1, 2, 0, 1, 0, 0, 0], [A_WINS] * 7, 5)
    board = lead(["a", "b", "c", "d", "e"], counts, voters=3)
    assert [row.model for row in board.models] == ["a", "c", "b", "e", "d"]
    assert [row.rank for row in board.models] == [1, 2, 3, None, None]
    assert [row.reason for row in board.models] == [None, None, None, "undefeated", "undefeated"]
    assert (board.method.votes, board.method.votes_used, board.method.rated, board.method.voters) == (7, 4, 3, 3)
