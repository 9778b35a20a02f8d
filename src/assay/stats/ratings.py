"""From counts to a board: which models are rated, their ratings, intervals and ranks.

Scale: natural log-odds times 400/ln 10, so that 400 points are odds of ten to one, with the unweighted mean of the rated
models at 1000. Under Davidson's model the odds are those of a win against a loss.

One component is rated, by this rule: among the strongly connected components of two or more models (see `components`) the one
whose members cast the most votes among themselves; of equals the one with more models, then the one with the lowest model
code. Every other model has null numbers and a reason. Votes between the rated component and the others say nothing about
differences within it (in the limit where those differences are infinite they drop out of the likelihood), and are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from assay.core.errors import InvalidInput
from assay.stats.components import has_decisive_cycle, strong_components
from assay.stats.counts import BOTH_BAD, OUTCOMES, Counts
from assay.stats.fit import Fit, Floats, Pairs, fit
from assay.stats.ranks import Z, rank_intervals, simultaneous_z
from assay.stats.sandwich import clustered_covariance, plain_covariance

Ties: TypeAlias = Literal["half", "davidson"]
BothBad: TypeAlias = Literal["tie", "drop"]
RankTest: TypeAlias = Literal["pairwise", "simultaneous"]
Reason: TypeAlias = Literal[
    "no_votes",
    "undefeated",
    "winless",
    "separate_component",
    "only_ties",
    "ties_unbounded",
    "one_voter",
    "no_spread",
]
"""Why a model has no number.

``no_votes``: it was in none. ``undefeated``, ``winless``: it never gave a point away, or never got one, so its rating has no
upper, or no lower, bound. ``separate_component``: no chain of wins leads both to it from the rated models and back.
``only_ties``: every vote of its component is a tie. ``ties_unbounded``: Davidson's tie parameter has no finite maximum.
``one_voter``: intervals by voter, and all its votes are of one: its own noise cannot be seen. ``no_spread``: the votes, or the
voters, balance exactly, so that the interval would have no width; that is chance, not certainty.
"""

SCALE = 400 / log(10)
MEAN = 1000.0
_NO_SPREAD = 1e-10
"""A sandwich variance this small beside the one of the model itself is rounding around zero."""


@dataclass(frozen=True, eq=False)
class Ratings:
    """One row a model, in the order of their codes. Numbers of models that are not rated are NaN, their ranks 0.

    ``rating``, ``error`` (standard error), ``low``, ``high`` and ``covariance`` (over ``rated``) are in points, points squared.
    ``ranks``: (models, 3), rank, lowest and highest. ``votes``: of each model, all of them. ``used``: votes in the fit.
    """

    rating: Floats
    error: Floats
    low: Floats
    high: Floats
    ranks: NDArray[np.int64]
    votes: NDArray[np.int64]
    reasons: tuple[Reason | None, ...]
    rated: NDArray[np.int64]
    covariance: Floats
    nu: float | None
    nu_error: float | None
    used: int
    iterations: int
    components: int


def rate(
    counts: Counts,
    *,
    ties: Ties = "half",
    clustered: bool = False,
    both_bad: BothBad = "tie",
    ranks: RankTest = "pairwise",
    small_sample: bool = False,
) -> Ratings:
    """Rate every model that can be compared.

    ``ties``: half a win to each side, or Davidson's model. ``both_bad``: such a vote is a tie, or is left out. ``clustered``:
    intervals by cluster instead of by vote; ``small_sample`` multiplies these by G/(G-1).

    Raises:
        InvalidInput: ``clustered`` without clusters in ``counts``, or an unknown word.
    """
    _check_words(ties, both_bad, ranks)
    if clustered and counts.clusters is None:
        raise InvalidInput(
            "stats.no_clusters", "intervals by voter need to know who voted.", hint="Count the votes with `cluster`."
        )
    counted = np.array([outcome != BOTH_BAD or both_bad == "tie" for outcome in range(OUTCOMES)])
    pairs = Pairs.of(counts.cells, both_bad=both_bad == "tie")
    component = strong_components((pairs.wins + pairs.ties) > 0)
    members = _largest(component, pairs)
    inner = pairs.only(members)
    obstacle = _obstacle(inner, ties)
    reasons = _reasons(pairs, members, obstacle)
    if len(members) < 2 or obstacle:
        return _unrated(counts, reasons, component)
    found = fit(inner, ties=ties)
    shown = np.ones(len(members), np.bool_)
    if clustered and counts.clusters is not None:
        covariance = clustered_covariance(found, counts.clusters, counts.models, members, counted, small_sample=small_sample)
        shown = _several_voters(counts, members, counted)
    else:
        covariance = plain_covariance(found, inner)
    for model in members[~shown].tolist():
        reasons[model] = "one_voter"
    shown, theta, spread = _with_spread(found, covariance, shown)
    for model in members[~shown].tolist():
        reasons[model] = reasons[model] or "no_spread"
    if not shown.any():
        return _unrated(counts, reasons, component)
    nu_error = float(found.nu * np.sqrt(max(covariance[-1, -1], 0.0))) if found.nu and found.fitted_nu else None
    return _rated(counts, found, theta, spread, nu_error, members[shown], reasons, component, ranks, inner)


def _several_voters(counts: Counts, members: NDArray[np.int64], counted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    cells = np.zeros((counts.models, counts.models, OUTCOMES), np.bool_)
    cells[np.ix_(members, members)] = counted
    found = (
        counts.clusters.several(counts.models, cells.ravel()) if counts.clusters is not None else np.ones(counts.models, np.bool_)
    )
    return np.asarray(found[members])


def _with_spread(found: Fit, covariance: Floats, shown: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Those of the models to be shown whose interval has a width: which, their strengths with mean zero, their covariance.

    Nobody is left where fewer than two have a width.
    """
    n, shown = len(found.theta), shown.copy()
    model_based = np.diag(found.inverse)[:n]
    while shown.sum() > 1:
        inner = covariance[:n, :n][np.ix_(shown, shown)]
        with_mean = inner.mean(axis=1)
        inner = inner - with_mean[:, None] - with_mean + inner.mean()
        balanced = np.diag(inner) <= _NO_SPREAD * model_based[shown]
        if not balanced.any():
            theta = found.theta[shown]
            return shown, theta - theta.mean(), inner
        shown[np.flatnonzero(shown)[balanced]] = False
    return np.zeros(n, np.bool_), np.zeros(0), np.zeros((0, 0))


def _check_words(ties: str, both_bad: str, ranks: str) -> None:
    for name, word, words in (
        ("ties", ties, ("half", "davidson")),
        ("both_bad", both_bad, ("tie", "drop")),
        ("ranks", ranks, ("pairwise", "simultaneous")),
    ):
        if word not in words:
            raise InvalidInput("stats.unknown_word", f"{name} is {word!r}, not one of {', '.join(words)}.", param=name)


def _largest(component: NDArray[np.int64], pairs: Pairs) -> NDArray[np.int64]:
    """The members of the component to rate, by the rule of this module; empty if there is none of two models."""
    met = pairs.meetings
    best: tuple[float, int] = (0.0, 1)
    members = np.zeros(0, np.int64)
    for name in np.unique(component):
        inside = np.flatnonzero(component == name)
        size = (float(met[np.ix_(inside, inside)].sum()) / 2, len(inside))
        if len(inside) > 1 and size > best:
            best, members = size, inside
    return members


def _obstacle(inner: Pairs, ties: Ties) -> Reason | None:
    """Why a connected component still has no finite rating with an interval."""
    if not inner.wins.any():
        return "only_ties"
    if ties == "davidson" and inner.ties.any() and not has_decisive_cycle(inner.wins > 0, inner.ties > 0):
        return "ties_unbounded"
    return None


def _reasons(pairs: Pairs, members: NDArray[np.int64], obstacle: Reason | None) -> list[Reason | None]:
    points = pairs.wins + pairs.ties / 2
    got, gave = points.sum(axis=1), points.sum(axis=0)
    reasons: list[Reason | None] = [
        "no_votes" if won + lost == 0 else "undefeated" if lost == 0 else "winless" if won == 0 else "separate_component"
        for won, lost in zip(got.tolist(), gave.tolist(), strict=True)
    ]
    for member in members.tolist():
        reasons[member] = obstacle
    return reasons


def _unrated(counts: Counts, reasons: list[Reason | None], component: NDArray[np.int64]) -> Ratings:
    nothing = np.full(counts.models, np.nan)
    return Ratings(
        rating=nothing,
        error=nothing,
        low=nothing,
        high=nothing,
        ranks=np.zeros((counts.models, 3), np.int64),
        votes=counts.votes_by_model,
        reasons=tuple(reasons),
        rated=np.zeros(0, np.int64),
        covariance=np.zeros((0, 0)),
        nu=None,
        nu_error=None,
        used=0,
        iterations=0,
        components=len(np.unique(component)),
    )


def _rated(
    counts: Counts,
    found: Fit,
    theta: Floats,
    covariance: Floats,
    nu_error: float | None,
    rated: NDArray[np.int64],
    reasons: list[Reason | None],
    component: NDArray[np.int64],
    rank_test: RankTest,
    inner: Pairs,
) -> Ratings:
    rating, error = np.full(counts.models, np.nan), np.full(counts.models, np.nan)
    rating[rated] = MEAN + SCALE * theta
    error[rated] = SCALE * np.sqrt(np.diag(covariance))
    ranks = np.zeros((counts.models, 3), np.int64)
    ranks[rated] = rank_intervals(theta, covariance, Z if rank_test == "pairwise" else simultaneous_z(len(rated)))
    return Ratings(
        rating=rating,
        error=error,
        low=rating - Z * error,
        high=rating + Z * error,
        ranks=ranks,
        votes=counts.votes_by_model,
        reasons=tuple(reasons),
        rated=rated,
        covariance=SCALE**2 * covariance,
        nu=found.nu,
        nu_error=nu_error,
        used=int(inner.meetings.sum()) // 2,
        iterations=found.iterations,
        components=len(np.unique(component)),
    )
