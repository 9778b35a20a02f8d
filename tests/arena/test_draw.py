"""Who meets whom, and on which side."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.arena.draw import UNIFORM, draw_pair, draw_sides, pair_chances
from assay.core import Deployment, Unavailable
from tests.arena.scripted import CONTESTANTS

names = st.sets(st.text("abcdef", min_size=1, max_size=3), min_size=2, max_size=12)


@given(names, st.dictionaries(st.tuples(st.text("abcdef"), st.text("abcdef")), st.integers(0, 10_000)))
def test_the_chances_of_all_pairs_sum_to_one(models: set[str], votes: dict[tuple[str, str], int]) -> None:
    chances = pair_chances(models, votes)
    assert math.fsum(chances.values()) == pytest.approx(1)
    assert min(chances.values()) >= UNIFORM / len(chances) * 0.999
    assert all(first != second for first, second in chances)


def test_pairs_with_fewer_votes_come_more_often() -> None:
    chances = pair_chances(["a", "b", "c"], {("a", "b"): 9})
    assert chances["a", "b"] == pytest.approx(0.1 + 0.7 * 0.1 / 2.1)
    assert chances["a", "c"] == chances["b", "c"] > chances["a", "b"]


def test_what_is_drawn_is_as_frequent_as_its_propensity_says() -> None:
    """Chi-square over all pairs of deployments, one model being served twice: p > 1e-6."""
    deployments = [*CONTESTANTS, Deployment(id="other/axolotl-2", provider="other", model="axolotl-2", upstream_model="axolotl-2")]
    votes = {("axolotl-2", "quokka-max"): 3}
    n = 20_000
    seen: Counter[frozenset[str]] = Counter()
    propensity: dict[frozenset[str], float] = {}
    for _ in range(n):
        draw = draw_pair(deployments, votes)
        assert draw.pair[0].model != draw.pair[1].model
        key = frozenset(one.id for one in draw.pair)
        seen[key] += 1
        propensity[key] = draw.propensity
    assert sum(propensity.values()) == pytest.approx(1)
    chi_square = sum((seen[key] - n * chance) ** 2 / (n * chance) for key, chance in propensity.items())
    assert len(propensity) == 5
    assert chi_square < 33.38  # the 1 - 1e-6 quantile of chi-square with 4 degrees of freedom


def test_the_sides_are_a_fair_coin() -> None:
    """Chi-square over 100,000 draws: p > 0.001. A fair coin fails that once in a thousand runs, so it may try twice."""
    pair = CONTESTANTS[0], CONTESTANTS[1]
    for _ in range(2):
        draws = [draw_sides(pair)[0] is pair[0] for _ in range(100_000)]
        same = sum(one == following for one, following in pairwise(draws))
        if _chi_square_of_halves(sum(draws), 100_000) < 10.828 and _chi_square_of_halves(same, 99_999) < 10.828:
            return
    pytest.fail(f"{sum(draws)} of 100,000 on one side, {same} like the one before")


def _chi_square_of_halves(count: int, n: int) -> float:
    """One degree of freedom; its 0.999 quantile is 10.828."""
    return (count - n / 2) ** 2 / (n / 4)


@pytest.mark.parametrize("deployments", [(), CONTESTANTS[:1], (CONTESTANTS[0], CONTESTANTS[0])])
def test_one_model_alone_cannot_battle(deployments: tuple[Deployment, ...]) -> None:
    with pytest.raises(Unavailable) as raised:
        draw_pair(deployments, {})
    assert raised.value.code == "arena.too_few_models"
