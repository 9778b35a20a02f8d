"""Evidence that may be looked at at any time, against a slow plain twin and exact enumeration."""

from __future__ import annotations

import itertools
from math import exp, inf, log, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq  # type: ignore[import-untyped]  # scipy ships no types

from assay.core.errors import InvalidInput
from assay.stats import Betting

SHARES = [0.03 * 30 ** (k / 9) for k in range(10)]
WEIGHTS = [share ** (2 / 3) / sum(other ** (2 / 3) for other in SHARES) for share in SHARES]
ENOUGH = 20.0


def capital(scores: list[float], mean: float) -> float:
    """The plain twin: a coin spread over the bets, each multiplied by its outcome, one after the other."""
    bets = zip(WEIGHTS, SHARES, strict=True)
    return float(sum(weight * prod(1 + share * (score / mean - 1) for score in scores) for weight, share in bets))


def lower_bound(scores: list[float]) -> float:
    """The highest mean against which the capital was enough at some look."""
    highest = 0.0
    for look in range(1, len(scores) + 1):
        seen = scores[:look]
        if any(seen):
            highest = max(highest, brentq(lambda mean, seen=seen: log(capital(seen, mean) / ENOUGH), 1e-6, 1, xtol=1e-13))
    return highest


def told(scores: list[float], low: float = 0.5, high: float = 0.55) -> Betting:
    evidence = Betting(low, high, alpha=0.05)
    for score in scores:
        evidence.add(score)
    return evidence


scores_of_judges = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1), max_size=40)


@given(scores_of_judges)
def test_evidence_is_the_capital_of_a_coin_spread_over_the_bets(scores: list[float]) -> None:
    evidence = told(scores)
    assert evidence.log_switch == pytest.approx(log(capital(scores, 0.5)), abs=1e-9)
    assert evidence.log_stay == pytest.approx(log(capital([1 - score for score in scores], 0.45)), abs=1e-9)


@pytest.mark.parametrize("kind", ["judges", "continuous"])
def test_bounds_are_the_means_that_some_look_has_refuted(kind: str) -> None:
    rng = np.random.default_rng(3)
    scores = (rng.choice([0, 0.5, 1], 60, p=[0.2, 0.2, 0.6]) if kind == "judges" else rng.beta(3, 2, 60)).tolist()
    low, high = told(scores).bounds()
    assert low == pytest.approx(lower_bound(scores), abs=1e-6)
    assert 1 - high == pytest.approx(lower_bound([1 - score for score in scores]), abs=1e-6)


@pytest.mark.parametrize("mean", [0.3, 0.45, 0.5])
def test_betting_against_the_truth_is_no_better_than_a_fair_game(mean: float) -> None:
    """Expected capital over every sequence of six wins, ties and losses: 1 at the edge, less below it."""
    chances = {1.0: mean - 0.15, 0.5: 0.3, 0.0: 0.85 - mean}
    expected = sum(
        prod(chances[score] for score in scores) * exp(told(list(scores)).log_switch)
        for scores in itertools.product(chances, repeat=6)
    )
    assert expected == pytest.approx(1.0) if mean == 0.5 else expected < 1


@given(scores_of_judges, st.sampled_from([(0.5, 0.55), (0.45, 0.5), (0.5, 0.5), (0.3, 0.8)]), st.sampled_from([0.05, 0.2, 0.5]))
def test_decision_bounds_and_evidence_say_the_same_at_every_look(
    scores: list[float], zone: tuple[float, float], alpha: float
) -> None:
    evidence, before, first = Betting(*zone, alpha=alpha), (0.0, 1.0), None
    for score in scores:
        evidence.add(score)
        low, high = evidence.bounds()
        assert before[0] <= low <= high <= before[1]
        assert evidence.log_switch < log(1 / alpha) or low > zone[0] or first
        assert evidence.log_stay < log(1 / alpha) or high < zone[1] or first
        first = first or ("switch" if low > zone[0] else "stay" if high < zone[1] else None)
        assert evidence.verdict() == first
        before = low, high


@given(scores_of_judges)
def test_the_order_changes_when_it_is_decided_but_not_the_evidence(scores: list[float]) -> None:
    one, other = told(scores), told(sorted(scores))
    assert one.log_switch == pytest.approx(other.log_switch, abs=1e-9)
    assert one.n == other.n == len(scores)


@given(scores_of_judges)
def test_the_other_side_of_the_table_sees_the_mirror_image(scores: list[float]) -> None:
    here, there = told(scores, 0.5, 0.55), told([1 - score for score in scores], 0.45, 0.5)
    assert here.log_switch == pytest.approx(there.log_stay, abs=1e-9)
    assert here.bounds() == pytest.approx([1 - bound for bound in reversed(there.bounds())], abs=1e-8)


def test_a_clean_sweep_is_decided_within_ten_either_way() -> None:
    assert told([1.0] * 8).verdict() == "switch"
    assert told([0.0] * 8).verdict() == "stay"
    assert told([1.0] * 4).verdict() is None


def test_a_verdict_stays_whatever_comes_after() -> None:
    assert told([1.0] * 10 + [0.0] * 200).verdict() == "switch"


def test_bounds_meet_where_they_would_cross() -> None:
    """Work that changes midway is no draw from one thing, and contradicts itself."""
    before, after = told([1.0] * 50).bounds(), told([1.0] * 50 + [0.0] * 500).bounds()
    assert after == (before[0], before[0])


def test_only_ties_show_that_it_is_not_better_by_the_margin() -> None:
    assert told([0.5] * 1000).verdict() == "stay"
    assert told([0.5] * 1000, 0.45, 0.5).verdict() == "switch"


@pytest.mark.parametrize("pattern", [[1.0, 1.0, 0.0], [1.0, 0.5, 0.5, 0.0, 1.0], [0.0, 0.5, 0.0, 1.0], [0.8, 0.3, 0.6]])
def test_more_foresees_the_end_when_things_go_on_as_so_far(pattern: list[float]) -> None:
    evidence = told(pattern * 3)
    foreseen, further = evidence.more(), 0
    for score in itertools.cycle(pattern):
        if evidence.verdict():
            break
        evidence.add(score)
        further += 1
    assert foreseen == pytest.approx(further, rel=0.27)  # the end comes at the best point of a pattern, somewhat before its average
    assert evidence.more() == 0


def test_more_is_none_when_nothing_points_to_an_end() -> None:
    assert told([]).more() is None
    assert told([0.5] * 100, 0.5, 0.5).more() is None
    assert told([1.0, 0.0] * 50, 0.5, 0.502).more() is None


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan"), inf])
def test_a_score_outside_0_and_1_is_refused_and_counts_for_nothing(score: float) -> None:
    evidence = told([1.0])
    with pytest.raises(InvalidInput) as refused:
        evidence.add(score)
    assert refused.value.code == "stats.bad_score"
    assert (evidence.n, evidence.mean) == (1, 1.0)


@pytest.mark.parametrize(
    ("low", "high", "alpha", "code"),
    [(0.6, 0.5, 0.05, "stats.bad_zone"), (0, 0.5, 0.05, "stats.bad_zone"), (0.5, 0.5, 1, "stats.bad_alpha")],
)
def test_a_zone_or_an_error_that_cannot_be_is_refused(low: float, high: float, alpha: float, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Betting(low, high, alpha=alpha)
    assert refused.value.code == code
