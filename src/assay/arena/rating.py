"""Ratings of votes, in bulk: from integer codes, a vote file or the vote log to a leaderboard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from numpy.typing import ArrayLike

from assay.arena.imports import VoteFile
from assay.core import Verdict
from assay.stats import BothBad, Counts, Leaderboard, RankTest, Tally, Ties, lead


def rate(
    a: ArrayLike,
    b: ArrayLike,
    outcome: ArrayLike,
    names: Sequence[str],
    *,
    ties: Ties = "half",
    cluster: ArrayLike | None = None,
    both_bad: BothBad = "tie",
    ranks: RankTest = "pairwise",
) -> Leaderboard:
    """Rate votes given as integer codes; ``names[code]`` names the models, ``cluster`` the voters, if intervals are by voter."""
    counts = Counts.of(a, b, outcome, len(names), cluster=cluster)
    voters = None if counts.clusters is None else counts.clusters.number
    return lead(names, counts, ties=ties, clustered=cluster is not None, both_bad=both_bad, ranks=ranks, voters=voters)


def rate_tally(
    tally: Tally, *, ties: Ties = "half", by_voter: bool = False, both_bad: BothBad = "tie", ranks: RankTest = "pairwise"
) -> Leaderboard:
    """Rate everything in ``tally``. Blocking: call it in a thread when there is an event loop."""
    return lead(
        tally.models, tally.counts(), ties=ties, clustered=by_voter, both_bad=both_bad, ranks=ranks, voters=tally.voters or None
    )


def tally_file(file: VoteFile) -> Tally:
    """The good rows of a vote file, counted."""
    tally = Tally()
    rows = file.rows
    tally.add_all([row.a for row in rows], [row.b for row in rows], [row.choice for row in rows], [row.voter for row in rows])
    return tally


def tally_verdicts(verdicts: Iterable[Verdict], into: Tally | None = None) -> Tally:
    """The votes among ``verdicts`` that ratings use; see `Tally.take`."""
    tally = Tally() if into is None else into
    for verdict in verdicts:
        tally.take(verdict)
    return tally


def as_json(board: Leaderboard) -> dict[str, Any]:
    """``{"models": [...], "method": {...}}``, plain values only."""
    document: dict[str, Any] = msgspec.to_builtins(board)
    return document
