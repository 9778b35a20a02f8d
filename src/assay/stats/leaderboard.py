"""A board with names on it: `ratings` sorted for people, and a statement of how it was computed.

All of `Method` is words that a page can translate and numbers, no sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from assay.core.errors import InvalidInput
from assay.stats.counts import Counts
from assay.stats.ratings import MEAN, BothBad, RankTest, Ratings, Reason, Ties, rate

_DIGITS = 6
"""Numbers are rounded to a millionth of a point, so that a board is the same text on every machine."""


Cluster: TypeAlias = Literal["none", "voter"]
"""What intervals are clustered by."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One model. All numbers but ``votes`` are None where it cannot be compared; ``reason`` then says why."""

    model: str
    rating: float | None
    low: float | None
    high: float | None
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    votes: int
    reason: Reason | None


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """How a board was computed.

    ``name``: bradley_terry or davidson. ``scale``: ``elo``, 400 points for odds of ten to one. ``interval``: ``sandwich_95``
    or ``sandwich_by_voter_95``. ``ranks``: the test behind rank ranges. ``votes`` were given, ``votes_used`` are in the fit;
    ``components`` counts the strongly connected parts of the win graph. ``nu``: Davidson's tie parameter.
    """

    name: Literal["bradley_terry", "davidson"]
    ties: Ties
    both_bad: BothBad
    cluster: Cluster
    scale: Literal["elo"]
    mean: float
    interval: Literal["sandwich_95", "sandwich_by_voter_95"]
    ranks: RankTest
    votes: int
    votes_used: int
    voters: int | None
    models: int
    rated: int
    nu: float | None
    nu_error: float | None
    iterations: int
    components: int
    text_key: str


class Leaderboard(msgspec.Struct, frozen=True, kw_only=True):
    """Rated models by rank, then the others by votes."""

    models: tuple[Row, ...]
    method: Method


def lead(
    names: Sequence[str],
    counts: Counts,
    *,
    ties: Ties = "half",
    clustered: bool = False,
    both_bad: BothBad = "tie",
    ranks: RankTest = "pairwise",
    voters: int | None = None,
) -> Leaderboard:
    """Rate the votes and set up the board. ``names[code]`` names the models; ``voters`` is how many voters have a name.

    Raises:
        InvalidInput: ``stats.no_voters``, ``clustered`` where no voter has a name.
    """
    if clustered and counts.votes and not voters:
        raise InvalidInput(
            "stats.no_voters", "these votes do not say who cast them, so intervals cannot be by voter.", hint="Use plain intervals."
        )
    ratings = rate(counts, ties=ties, clustered=clustered, both_bad=both_bad, ranks=ranks)
    method = Method(
        name="davidson" if ties == "davidson" else "bradley_terry",
        ties=ties,
        both_bad=both_bad,
        cluster="voter" if clustered else "none",
        scale="elo",
        mean=MEAN,
        interval="sandwich_by_voter_95" if clustered else "sandwich_95",
        ranks=ranks,
        votes=counts.votes,
        votes_used=ratings.used,
        voters=voters,
        models=counts.models,
        rated=len(ratings.rated),
        nu=_round(ratings.nu),
        nu_error=_round(ratings.nu_error),
        iterations=ratings.iterations,
        components=ratings.components,
        text_key=f"{ties}_{'voter' if clustered else 'none'}",
    )
    rows = (_row(names[code], code, ratings) for code in range(counts.models))
    return Leaderboard(models=tuple(sorted(rows, key=_order)), method=method)


def _row(name: str, code: int, ratings: Ratings) -> Row:
    votes, reason = int(ratings.votes[code]), ratings.reasons[code]
    if reason is not None:
        numbers: dict[str, None] = dict.fromkeys(("rating", "low", "high", "rank", "rank_low", "rank_high"))
        return Row(model=name, votes=votes, reason=reason, **numbers)
    rank, best, worst = ratings.ranks[code].tolist()
    return Row(
        model=name,
        rating=_round(ratings.rating[code]),
        low=_round(ratings.low[code]),
        high=_round(ratings.high[code]),
        rank=rank,
        rank_low=best,
        rank_high=worst,
        votes=votes,
        reason=None,
    )


def _order(row: Row) -> tuple[float, int, str]:
    return (row.rank if row.rank is not None else float("inf"), -row.votes, row.model)


def _round(value: float | None) -> float | None:
    return None if value is None else round(float(value), _DIGITS)
