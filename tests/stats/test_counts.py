"""Counts of votes: what they count, how they add up, what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core import InvalidInput, Verdict
from assay.core.verdict import Subject
from assay.stats import A_WINS, B_WINS, BOTH_BAD, TIE, Counts, Tally
from tests.stats.votes import Votes, boards


def test_each_vote_falls_into_the_cell_of_its_sides_and_outcome() -> None:
    counts = Counts.of([0, 1, 1, 2], [1, 0, 0, 0], [A_WINS, B_WINS, B_WINS, BOTH_BAD], 3)
    assert counts.cells[0, 1, A_WINS] == 1
    assert counts.cells[1, 0, B_WINS] == 2
    assert counts.cells[2, 0, BOTH_BAD] == 1
    assert counts.votes == 4
    assert counts.votes_by_model.tolist() == [4, 3, 1]


@given(boards(), st.data())
def test_counts_of_two_parts_add_up_to_the_counts_of_the_whole(board: Votes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(board.votes)))
    first = Votes(board.models, board.votes[:at], board.voters[:at]).counts()
    second = Votes(board.models, board.votes[at:], board.voters[at:]).counts()
    whole = board.counts()
    _same(first + second, whole)
    _same(whole - second, first)


def _same(left: Counts, right: Counts) -> None:
    assert (left.cells == right.cells).all()
    assert left.clusters is not None
    assert right.clusters is not None
    ours, theirs = left.clusters.compact(), right.clusters.compact()
    for name in ("cluster", "cell", "count"):
        assert getattr(ours, name).tolist() == getattr(theirs, name).tolist()


def test_votes_that_were_never_counted_cannot_be_taken_away() -> None:
    one, other = Counts.of([0], [1], [TIE], 2, cluster=[0]), Counts.of([0], [1], [TIE], 2, cluster=[1])
    with pytest.raises(InvalidInput, match="never counted"):
        Counts.none(2) - one
    with pytest.raises(InvalidInput, match="never counted"):
        one - other  # the same cell, but of another voter


def test_a_wider_board_holds_the_same_votes() -> None:
    counts = Counts.of([0, 1], [1, 0], [A_WINS, TIE], 2, cluster=[3, 4])
    _same(counts.widen(5), Counts.of([0, 1], [1, 0], [A_WINS, TIE], 5, cluster=[3, 4]))
    with pytest.raises(InvalidInput, match="narrow"):
        counts.widen(1)


@pytest.mark.parametrize(
    ("a", "b", "outcome", "cluster"),
    [
        ([0], [2], [0], None),
        ([-1], [1], [0], None),
        ([0], [1], [4], None),
        ([1], [1], [0], None),
        ([0, 1], [1], [0], None),
        ([0.5], [1.0], [0], None),
        ([0], [1], [0], [0, 1]),
        ([0], [1], [0], [-1]),
    ],
)
def test_codes_that_mean_nothing_are_refused(a: list[float], b: list[float], outcome: list[int], cluster: list[int] | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        Counts.of(a, b, outcome, 2, cluster=cluster)
    assert refused.value.code == "stats.bad_votes"


def test_small_integer_types_do_not_overflow() -> None:
    """300 models need cells beyond what the columns' own 16 bits can count."""
    a, b = np.array([299], np.int16), np.array([298], np.int16)
    assert Counts.of(a, b, np.array([3], np.int8), 300).cells[299, 298, BOTH_BAD] == 1


@given(boards())
def test_a_tally_of_names_counts_what_the_codes_count(board: Votes) -> None:
    """One vote at a time, with the counts asked for in between, or all votes at once."""
    words = ("a", "b", "tie", "both_bad")
    votes = [
        (f"m{a}", f"m{b}", words[outcome], f"v{voter}") for (a, b, outcome), voter in zip(board.votes, board.voters, strict=True)
    ]
    one_by_one, at_once = Tally(), Tally()
    for at, vote in enumerate(votes):
        one_by_one.add(*vote)
        if at % 3 == 0:
            one_by_one.counts()
    at_once.add_all(*(list(column) for column in zip(*votes, strict=True)))
    for tally in (one_by_one, at_once):
        seen = [int(model[1:]) for model in tally.models]
        assert (tally.counts().cells == board.counts().cells[np.ix_(seen, seen)]).all()
        assert tally.counts().votes == len(votes)
        assert tally.voters == len(set(board.voters))


def test_votes_without_a_voter_are_never_one_person() -> None:
    tally = Tally()
    for _ in range(3):
        tally.add("x", "y", "a", None)
    clusters = tally.counts().clusters
    assert clusters is not None
    assert clusters.number == 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"flags": ("early",)}, None),
        ({"flags": ("identity_leak",)}, "identity_leak"),
        ({"outcome": "error"}, "failed"),
        ({"kind": "score", "choice": None}, "not_a_vote"),
        ({"subjects": (Subject(model="x"), Subject(model="x"))}, "same_model"),
    ],
)
def test_a_tally_says_why_it_leaves_a_verdict_out(change: dict[str, object], reason: str | None) -> None:
    fields: dict[str, object] = {
        "id": "1",
        "kind": "vote",
        "subjects": (Subject(model="x"), Subject(model="y")),
        "by": "v1:0",
        "at": 0,
        "choice": "a",
    }
    tally = Tally()
    assert tally.take(Verdict(**{**fields, **change})) == reason  # type: ignore[arg-type]  # fields by name
    assert tally.counts().votes == (reason is None)
