"""Agreement of two judges, by definition and by a published example."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from assay.core.errors import InvalidInput
from assay.stats import Interval, agree
from assay.stats.spread import student


def kappa(first: list[int], second: list[int]) -> float:
    """Cohen's definition, by counting."""
    n, choices = len(first), sorted({*first, *second})
    rate = sum(a == b for a, b in zip(first, second, strict=True)) / n
    chance = sum((first.count(choice) / n) * (second.count(choice) / n) for choice in choices)
    return (rate - chance) / (1 - chance)


def judges(rng: np.random.Generator, n: int, alike: float) -> tuple[list[int], list[int]]:
    first = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    return first.tolist(), np.where(rng.random(n) < alike, first, rng.choice(3, n)).tolist()


def test_kappa_is_cohens() -> None:
    first, second = judges(np.random.default_rng(1), 80, 0.6)
    rate, found = agree(first, second)
    assert found.value == pytest.approx(kappa(first, second))
    assert rate.value == np.mean(np.array(first) == np.array(second))
    assert (rate.n, found.n) == (80, 80)


def test_the_error_of_kappa_is_that_of_fleiss_cohen_and_everitt() -> None:
    """Their formula (13) for the unweighted case, over the table of shares; ours has G/(G-1) and Student's t besides."""
    first, second = judges(np.random.default_rng(2), 200, 0.5)
    n, table = 200, np.zeros((3, 3))
    for a, b in zip(first, second, strict=True):
        table[a, b] += 1 / n
    rows, columns, agreed = table.sum(axis=1), table.sum(axis=0), np.trace(table)
    chance = float(rows @ columns)
    inside = sum(table[i, i] * ((1 - chance) - (columns[i] + rows[i]) * (1 - agreed)) ** 2 for i in range(3))
    inside += (1 - agreed) ** 2 * sum(table[i, j] * (columns[i] + rows[j]) ** 2 for i, j in product(range(3), repeat=2) if i != j)
    inside -= (agreed * chance - 2 * chance + agreed) ** 2
    error = np.sqrt(inside / (n * (1 - chance) ** 4) * n / (n - 1))
    _, found = agree(first, second)
    assert found.low is not None
    assert found.high is not None
    assert (found.high - found.low) / 2 == pytest.approx(student(n - 1) * error, rel=1e-9)


def test_the_clustered_error_is_close_to_the_jackknife_by_cluster() -> None:
    rng = np.random.default_rng(3)
    first, second = judges(rng, 240, 0.6)
    cluster = np.repeat(range(60), 4)
    without = [
        kappa(
            [c for c, k in zip(first, cluster, strict=True) if k != one],
            [c for c, k in zip(second, cluster, strict=True) if k != one],
        )
        for one in range(60)
    ]
    error = np.sqrt(59 / 60 * ((np.array(without) - np.mean(without)) ** 2).sum())
    _, found = agree(first, second, cluster)
    assert found.low is not None
    assert found.high is not None
    assert (found.high - found.low) / 2 / student(59) == pytest.approx(error, rel=0.03)


def test_repeated_pairs_add_nothing_when_clustered() -> None:
    first, second = judges(np.random.default_rng(4), 50, 0.6)
    _, once = agree(first, second)
    rate, found = agree(first * 6, second * 6, list(range(50)) * 6)
    assert (found.low, found.high) == pytest.approx((once.low, once.high))
    assert rate.n == 300


def test_intervals_of_kappa_cover_it() -> None:
    """Alike in 60 % and independent otherwise: kappa of the two judges is known from their shares."""
    rng, covered = np.random.default_rng(5), 0
    rows, mixed = np.array([0.5, 0.3, 0.2]), np.array([0.5, 0.3, 0.2]) * 0.6 + 0.4 / 3
    chance = float(rows @ mixed)
    truth = (0.6 + 0.4 / 3 - chance) / (1 - chance)
    for _ in range(400):
        _, found = agree(*judges(rng, 100, 0.6))
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / 400 <= 0.98


def test_what_cannot_be_known_has_a_reason() -> None:
    assert agree([], []) == (Interval(reason="no_data"), Interval(reason="no_data"))
    rate, found = agree([1, 1, 1], [1, 1, 1])
    assert (rate.value, found) == (1.0, Interval(n=3, reason="one_choice"))
    assert agree([0, 1, 2], [0, 1, 2])[1] == Interval(value=1.0, n=3, reason="no_spread")
    assert agree([0, 1], [0, 0], ["a", "a"])[1].reason == "one_cluster"


def test_judges_who_never_agree_are_below_chance() -> None:
    _, found = agree([0, 1] * 20, [1, 0] * 20)
    assert found.value == -1.0


def test_what_makes_no_sense_is_refused() -> None:
    for first, second in (([0, 1], [0]), ([0, -1], [0, 1])):
        with pytest.raises(InvalidInput) as refused:
            agree(first, second)
        assert refused.value.code == "stats.bad_values"
