"""Ratings: known answers by hand, the plain twin, and the laws that any rating of paired comparisons obeys."""

from math import log, sqrt
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.core import InvalidInput, Unprocessable
from assay.stats import A_WINS, B_WINS, BOTH_BAD, SCALE, TIE, Counts, Pairs, Reason, Ties, fit, rate
from tests.stats import plain
from tests.stats.votes import Votes, boards, simulate

TIES = get_args(Ties)


def two(wins: int, losses: int, ties: int) -> Counts:
    """Two models that met ``wins + losses + ties`` times, each vote by a voter of its own."""
    outcome = [A_WINS] * wins + [B_WINS] * losses + [TIE] * ties
    zeros = [0] * len(outcome)
    return Counts.of(zeros, [1] * len(outcome), outcome, 2, cluster=range(len(outcome)))


def test_three_wins_to_one_are_odds_of_three() -> None:
    """p = 3/4, so the difference is ln 3; its information is 4 * 3/4 * 1/4, and so is the sum of squared residuals."""
    ratings = rate(two(3, 1, 0))
    assert ratings.rating[0] - ratings.rating[1] == pytest.approx(SCALE * log(3))
    assert ratings.error.tolist() == pytest.approx([SCALE * sqrt(4 / 3) / 2] * 2)
    assert (ratings.high - ratings.low).tolist() == pytest.approx((2 * 1.96 * ratings.error).tolist())


def test_a_tie_is_half_a_win_to_each_side() -> None:
    """3 wins, 1 loss, 2 ties are 4 points of 6: odds of two. The meat is 3/9 + 4/9 + 2/36, the information 6 * 2/9."""
    ratings = rate(two(3, 1, 2))
    assert ratings.rating[0] - ratings.rating[1] == pytest.approx(SCALE * log(2))
    assert ratings.error[0] == pytest.approx(SCALE * sqrt((7 / 9 + 1 / 18) / (4 / 3) ** 2) / 2)


def test_davidson_fits_two_models_exactly() -> None:
    """P(win), P(loss), P(tie) = 1/2, 1/6, 1/3: odds of three, nu = P(tie) / sqrt(P(win) P(loss)); plain and sandwich agree."""
    ratings = rate(two(3, 1, 2), ties="davidson")
    assert ratings.rating[0] - ratings.rating[1] == pytest.approx(SCALE * log(3))
    assert ratings.nu == pytest.approx(2 / sqrt(3))
    assert ratings.error[0] == pytest.approx(SCALE * sqrt(1 / 3 + 1) / 2)  # multinomial: 1/3 wins + 1/1 losses


def test_davidson_without_ties_is_bradley_terry() -> None:
    half, davidson = rate(two(5, 2, 0)), rate(two(5, 2, 0), ties="davidson")
    assert davidson.nu == 0.0
    assert davidson.nu_error is None
    assert davidson.rating.tolist() == half.rating.tolist()
    assert davidson.error.tolist() == half.error.tolist()


def test_a_circle_of_wins_rates_all_alike() -> None:
    ratings = rate(Counts.of([0, 1, 2], [1, 2, 0], [A_WINS] * 3, 3))
    assert ratings.rating.tolist() == pytest.approx([1000.0] * 3)
    assert ratings.ranks.tolist() == [[1, 1, 3]] * 3


def test_extreme_records_still_reach_the_maximum() -> None:
    """A chain of hundred-thousand-to-one records: 69 log-odds from end to end, where an undamped Newton step overshoots."""
    n = 7
    cells = np.zeros((n, n, 4), np.int64)
    for i in range(n - 1):
        cells[i, i + 1, A_WINS], cells[i + 1, i, A_WINS] = 100_000, 1
    for ties in TIES:
        ratings = rate(Counts(cells), ties=ties)
        assert np.diff(ratings.rating) == pytest.approx([-SCALE * log(100_000)] * (n - 1), rel=1e-9)


@pytest.mark.parametrize("ties", TIES)
@settings(max_examples=25)
@given(board=boards(models=5, votes=25, connected=True))
def test_the_plain_twin_agrees(ties: Ties, board: Votes) -> None:
    ratings = rate(board.counts(), ties=ties)
    if ratings.reasons[0] == "ties_unbounded":
        return
    theta, nu = plain.strengths(board.votes, board.models, davidson=ties == "davidson")
    assert ((ratings.rating - 1000) / SCALE).tolist() == pytest.approx(theta, abs=1e-6)
    if ties == "davidson":
        assert ratings.nu == pytest.approx(nu, rel=1e-6)


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("clustered", [False, True])
@settings(max_examples=15)
@given(board=boards(models=4, votes=20, connected=True))
def test_the_plain_twin_has_the_same_covariance(ties: Ties, clustered: bool, board: Votes) -> None:
    ratings = rate(board.counts(), ties=ties, clustered=clustered)
    if any(ratings.reasons):
        return
    expected = plain.covariance(
        board.votes,
        ((ratings.rating - 1000) / SCALE).tolist(),
        ratings.nu or 0.0,
        davidson=ties == "davidson",
        voters=board.voters if clustered else None,
    )
    n = board.models
    assert ratings.covariance / SCALE**2 == pytest.approx(expected[:n, :n], rel=1e-5, abs=1e-7)
    if ratings.nu_error is not None and ratings.nu:
        assert (ratings.nu_error / ratings.nu) ** 2 == pytest.approx(expected[n, n], rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("ties", TIES)
@given(board=boards())
def test_every_number_is_finite_or_has_a_reason(ties: Ties, board: Votes) -> None:
    for clustered in (False, True):
        ratings = rate(board.counts(), ties=ties, clustered=clustered)
        for model, reason in enumerate(ratings.reasons):
            numbers = [ratings.rating[model], ratings.error[model], ratings.low[model], ratings.high[model]]
            assert all(np.isnan(numbers)) if reason else all(np.isfinite(numbers))
            assert reason is None or reason in get_args(Reason)
            rank, best, worst = ratings.ranks[model].tolist()
            assert (rank, best, worst) == (0, 0, 0) if reason else 1 <= best <= rank <= worst <= len(ratings.rated)


@pytest.mark.parametrize("ties", TIES)
@given(board=boards(connected=True))
def test_expected_points_are_the_points_that_were_won(ties: Ties, board: Votes) -> None:
    """The likelihood equations: at the maximum each model's expected score is its observed one."""
    ratings = rate(board.counts(), ties=ties)
    if ratings.reasons[0] == "ties_unbounded":
        return
    got = [0.0] * board.models
    expected = [0.0] * board.models
    nu = ratings.nu or 0.0
    for a, b, outcome in board.votes:
        odds = 10 ** ((ratings.rating[a] - ratings.rating[b]) / 800)
        win, tie = odds / (odds + 1 / odds + nu), nu / (odds + 1 / odds + nu)
        points = (1.0, 0.0, 0.5, 0.5)[outcome]
        for model, won, hoped in ((a, points, win + tie / 2), (b, 1 - points, 1 - win - tie / 2)):
            got[model] += won
            expected[model] += hoped
    assert expected == pytest.approx(got, abs=1e-9)
    assert np.mean(ratings.rating) == pytest.approx(1000)


@pytest.mark.parametrize("ties", TIES)
@given(board=boards(connected=True), data=st.data())
def test_order_sides_and_numbering_of_models_do_not_matter(ties: Ties, board: Votes, data: st.DataObject) -> None:
    there = data.draw(st.permutations(range(board.models)))
    order = data.draw(st.permutations(range(len(board.votes))))
    swapped = (1, 0, 2, 3)
    votes = tuple((there[b], there[a], swapped[outcome]) for a, b, outcome in board.votes)
    other = Votes(board.models, tuple(votes[at] for at in order), tuple(board.voters[at] for at in order))
    for clustered in (False, True):
        here, moved = rate(board.counts(), ties=ties, clustered=clustered), rate(other.counts(), ties=ties, clustered=clustered)
        for name in ("rating", "error", "low", "high"):
            assert getattr(moved, name)[there].tolist() == pytest.approx(getattr(here, name).tolist(), nan_ok=True, abs=1e-6)


@given(boards(connected=True))
def test_saying_everything_twice_changes_no_rating_and_halves_the_variance(board: Votes) -> None:
    """Clustered intervals do not fall for it: the same voter saying the same twice is no new information."""
    counts = board.counts()
    double = counts + counts
    once, twice = rate(counts), rate(double)
    assert twice.rating.tolist() == pytest.approx(once.rating.tolist())
    assert (2 * twice.covariance).tolist() == [pytest.approx(row, abs=1e-6) for row in once.covariance.tolist()]
    by_voter, by_voter_twice = rate(counts, clustered=True), rate(double, clustered=True)
    assert by_voter_twice.error.tolist() == pytest.approx(by_voter.error.tolist(), nan_ok=True, abs=1e-6)


@given(boards(connected=True))
def test_a_voter_for_each_vote_makes_clustered_intervals_plain(board: Votes) -> None:
    alone = Votes(board.models, board.votes, tuple(range(len(board.votes)))).counts()
    plain_ones, clustered = rate(alone), rate(alone, clustered=True)
    assert clustered.error.tolist() == pytest.approx(plain_ones.error.tolist(), abs=1e-6)


@given(boards(connected=True))
def test_two_ties_rate_like_a_win_each(board: Votes) -> None:
    pairs = Counts.of([0, 0], [1, 1], [TIE, BOTH_BAD], board.models)
    wins = Counts.of([0, 0], [1, 1], [A_WINS, B_WINS], board.models)
    counts = Counts(board.counts().cells)
    assert rate(counts + pairs).rating.tolist() == pytest.approx(rate(counts + wins).rating.tolist())


@given(boards(connected=True))
def test_a_clone_with_the_same_record_has_the_same_rating(board: Votes) -> None:
    """A model that met the others exactly as model 0 did."""
    n = board.models
    copies = tuple((n if a == 0 else a, n if b == 0 else b, outcome) for a, b, outcome in board.votes if 0 in (a, b))
    both = Votes(n + 1, board.votes + copies, tuple(range(len(board.votes) + len(copies))))
    ratings = rate(both.counts())
    assert ratings.rating[n] == pytest.approx(ratings.rating[0])
    assert ratings.ranks[n].tolist() == ratings.ranks[0].tolist()


@given(boards(connected=True))
def test_one_more_win_moves_two_models_apart(board: Votes) -> None:
    before = rate(Counts(board.counts().cells))
    after = rate(Counts(board.counts().cells) + Counts.of([0], [1], [A_WINS], board.models))
    assert after.rating[0] - after.rating[1] > before.rating[0] - before.rating[1]


def test_who_cannot_be_compared_gets_a_reason_and_no_number() -> None:
    """0, 1, 2 form a circle; 3 only wins, 4 only loses, 5 and 6 met only each other, 7 has no vote."""
    a, b = [0, 1, 2, 3, 0, 5, 5], [1, 2, 0, 0, 4, 6, 6]
    ratings = rate(Counts.of(a, b, [A_WINS] * 5 + [TIE, A_WINS], 8))
    assert ratings.reasons == (None, None, None, "undefeated", "winless", "separate_component", "separate_component", "no_votes")
    assert ratings.rated.tolist() == [0, 1, 2]
    assert ratings.used == 3
    assert ratings.votes.tolist() == [4, 2, 2, 1, 1, 2, 2, 0]
    assert ratings.components == 5  # the circle, 3, 4, the pair, 7


def test_the_component_with_the_most_votes_is_rated() -> None:
    """Three models with three votes against two models with four."""
    a, b = [0, 1, 2, 3, 4, 3, 4], [1, 2, 0, 4, 3, 4, 3]
    assert rate(Counts.of(a, b, [A_WINS] * 7, 5)).rated.tolist() == [3, 4]


def test_votes_towards_models_outside_the_component_change_nothing_within() -> None:
    circle = Counts.of([0, 1, 2, 0], [1, 2, 0, 1], [A_WINS] * 4, 4)
    beaten_by_a_stranger = Counts.of([3, 3, 3], [0, 1, 0], [A_WINS] * 3, 4)
    assert rate(circle + beaten_by_a_stranger).rating.tolist() == pytest.approx(rate(circle).rating.tolist(), nan_ok=True)


def test_only_ties_give_no_rating() -> None:
    """All models equal, with intervals of width zero, is what the formula says; it is not what the votes say."""
    ratings = rate(two(0, 0, 5))
    assert ratings.reasons == ("only_ties", "only_ties")


def test_davidson_refuses_ties_that_no_result_bounds() -> None:
    """Five wins, no loss, three ties: half wins connect the two, but Davidson's likelihood grows for ever."""
    assert rate(two(5, 0, 3)).reasons == (None, None)
    assert rate(two(5, 0, 3), ties="davidson").reasons == ("ties_unbounded", "ties_unbounded")
    with pytest.raises(Unprocessable, match="no finite maximum"):
        fit(Pairs.of(two(5, 0, 0).cells))


def test_one_voter_has_no_interval_by_voter() -> None:
    one = Counts.of([0, 0], [1, 1], [A_WINS, B_WINS], 2, cluster=[7, 7])
    assert rate(one, clustered=True).reasons == ("one_voter", "one_voter")
    assert rate(one).reasons == (None, None)


def test_a_model_known_to_one_voter_has_no_interval_by_voter_and_the_others_are_centred_without_it() -> None:
    """Model 2's points are what the fit says they are, so its single voter's sum of residuals is zero whatever the noise."""
    a, b = [0, 1, 0, 1, 2, 0], [1, 0, 1, 0, 0, 2]
    ratings = rate(Counts.of(a, b, [A_WINS] * 6, 3, cluster=[0, 1, 2, 2, 1, 1]), clustered=True)
    assert ratings.reasons == (None, None, "one_voter")
    assert ratings.rated.tolist() == [0, 1]
    assert ratings.rating[:2].mean() == pytest.approx(1000)


def test_voters_who_balance_exactly_leave_no_interval() -> None:
    each_way = Counts.of([0, 0, 0, 0], [1, 1, 1, 1], [A_WINS, B_WINS, A_WINS, B_WINS], 2, cluster=[0, 0, 1, 1])
    assert rate(each_way, clustered=True).reasons == ("no_spread", "no_spread")
    assert rate(each_way).reasons == (None, None)


@settings(max_examples=300)
@given(board=boards(models=5, votes=12, connected=True))
def test_few_voters_never_give_an_interval_without_width(board: Votes) -> None:
    for ties in TIES:
        ratings = rate(board.counts(), ties=ties, clustered=True)
        assert (ratings.error[ratings.rated] > 1e-3).all()
        assert len(ratings.rated) != 1


def test_both_bad_is_a_tie_unless_it_is_dropped() -> None:
    wins, bad = two(3, 1, 0), Counts.of([0] * 9, [1] * 9, [BOTH_BAD] * 9, 2, cluster=range(9))
    assert rate(wins + bad).rating.tolist() == pytest.approx(rate(two(3, 1, 9)).rating.tolist())
    dropped = rate(wins + bad, both_bad="drop", clustered=True)
    assert dropped.rating.tolist() == pytest.approx(rate(wins).rating.tolist())
    assert dropped.used == 4


def test_the_small_sample_factor_is_there_only_when_asked_for() -> None:
    counts = two(3, 2, 1)
    plainly, corrected = rate(counts, clustered=True), rate(counts, clustered=True, small_sample=True)
    assert (corrected.error / plainly.error).tolist() == pytest.approx([sqrt(6 / 5)] * 2)


def test_many_voters_are_summed_in_blocks_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    a = rng.integers(0, 5, 400)
    counts = Counts.of(a, (a + 1) % 5, rng.integers(0, 3, 400), 5, cluster=rng.integers(0, 300, 400) * 1000)
    for ties in TIES:
        whole = rate(counts, ties=ties, clustered=True)
        with monkeypatch.context() as small:
            small.setattr("assay.stats.sandwich._BLOCK", 40)
            assert rate(counts, ties=ties, clustered=True).error.tolist() == pytest.approx(whole.error.tolist())


@pytest.mark.parametrize(("name", "word"), [("ties", "skip"), ("both_bad", "win"), ("ranks", "overlap")])
def test_an_unknown_word_is_refused(name: str, word: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        rate(two(1, 1, 0), **{name: word})  # type: ignore[arg-type]  # a wrong word is the point
    assert refused.value.code == "stats.unknown_word"


def test_intervals_by_voter_need_voters() -> None:
    with pytest.raises(InvalidInput) as refused:
        rate(Counts.of([0, 1], [1, 0], [0, 0], 2), clustered=True)
    assert refused.value.code == "stats.no_clusters"


def _coverage(models: int, votes: int, seeds: int, ties: Ties, nu: float) -> float:
    inside = []
    for seed in range(seeds):
        theta, counts = simulate(np.random.default_rng(seed), models, votes, nu=nu)
        ratings = rate(counts, ties=ties)
        assert len(ratings.rated) == models
        truth = 1000 + SCALE * theta
        inside += ((ratings.low < truth) & (truth < ratings.high)).tolist()
    return float(np.mean(inside))


@pytest.mark.parametrize("ties", TIES)
def test_intervals_cover_the_truth_as_often_as_they_say(ties: Ties) -> None:
    """600 intervals: 0.95 +- 3 standard errors. Half-win ratings estimate the truth only where nothing ties."""
    assert 0.92 < _coverage(30, 6_000, 20, ties, nu=0.8 if ties == "davidson" else 0.0) < 0.98


@pytest.mark.prove
@pytest.mark.parametrize("ties", TIES)
def test_intervals_cover_the_truth_on_boards_of_200(ties: Ties) -> None:
    """4,000 intervals of a hundred thousand votes each: between 0.94 and 0.96."""
    assert 0.94 < _coverage(200, 100_000, 20, ties, nu=0.8 if ties == "davidson" else 0.0) < 0.96
