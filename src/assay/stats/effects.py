"""What sways a judge besides the answer: which one stood first, and which one is longer.

The length effect is a logistic regression of the score on the base-2 log of the ratio of lengths, challenger's to incumbent's.
Scores are shares (a tie is one half), so it is the quasi-likelihood of Papke and Wooldridge (1996, Econometric methods for
fractional response variables, Journal of Applied Econometrics 11, 619-632): right when the mean is, whatever the spread. The
intercept holds constant who wrote the answer; at a ratio of 1 it is the win rate that is left at equal length, as
Dubois et al. (2024, Length-controlled AlpacaEval, arXiv:2404.04475) use it. Errors are the sandwich by cluster with the factor
G/(G-1) (Liang and Zeger 1986, Biometrika 73, 13-22).

A fit is finite only where no length splits the better scores from the worse (Albert and Anderson 1984, On the existence of
maximum likelihood estimates in logistic regression models, Biometrika 71, 1-10). With one covariate that is seen at once.

An effect is not a fault by itself: better answers may be longer ones. It says how far the win rate goes together with length.
"""

from __future__ import annotations

from math import exp, inf, sqrt

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from assay.core.errors import InvalidInput
from assay.stats.fit import Floats
from assay.stats.spread import ClusterCodes, Interval, cluster_codes, degrees, finite, share, student

_FEWEST = 10
_STEEPEST = 10.0
_MOST_STEPS = 100
_SMALL_STEP = 1e-9


class LengthEffect(msgspec.Struct, frozen=True, kw_only=True):
    """``per_doubling``: by how much the log-odds of winning grow when an answer gets twice as long as the other's.
    ``win_rate_at_equal_length``: what the challenger would win, were both equally long. ``reason``: why both are missing."""

    per_doubling: Interval
    win_rate_at_equal_length: Interval
    reason: str | None = None


def order_effect(first_won: ArrayLike, clusters: ArrayLike | None = None) -> Interval:
    """The share of decisive judgments that went to the answer shown first, less one half: 0 where the order does nothing.

    ``first_won``: 1 or 0 for each judgment that was no tie. The two orders of one pair belong to one cluster: where a judge keeps to
    the same answer in both they make up for each other. Where they all do, the effect is at most half the share of pairs
    that could have done otherwise (Wilson's bound for none of them).
    """
    hits = np.asarray(first_won, np.float64)
    codes = np.arange(hits.size) if clusters is None else cluster_codes(clusters, hits.size)
    if hits.size and not np.bincount(codes, weights=hits - 0.5).any():
        reach = (share(0, int(codes.max()) + 1).high or 1.0) / 2
        return Interval(value=0.0, low=-reach, high=reach, n=hits.size)
    found = share(hits, hits.size, codes, balanced=True)
    low, high = (None if bound is None else bound - 0.5 for bound in (found.low, found.high))
    return Interval(value=None if found.value is None else found.value - 0.5, low=low, high=high, n=found.n, reason=found.reason)


def length_effect(scores: ArrayLike, log2_length_ratio: ArrayLike, clusters: ArrayLike | None = None) -> LengthEffect:
    """How the challenger's score (0 to 1) goes with the base-2 log of its length over the incumbent's.

    Reasons for nothing: ``too_few`` (under ten clusters), ``no_spread`` (the same ratio everywhere), ``one_sided`` (every score is
    a full win, or every one a full loss), ``separated`` (one length splits wins from losses, so no finite effect fits best),
    ``too_steep`` (more than 10 in log-odds per doubling: as good as separated).

    Raises:
        InvalidInput: lengths of the columns differ, or a score lies outside 0 and 1.
    """
    y, x = finite(scores), finite(log2_length_ratio)
    if y.shape != x.shape or (y.size and (y.min() < 0 or y.max() > 1)):
        raise InvalidInput("stats.bad_values", f"{y.size} scores within 0 and 1 need as many length ratios, not {x.size}.")
    codes = np.arange(y.size) if clusters is None else cluster_codes(clusters, y.size)
    groups = int(codes.max(initial=-1)) + 1
    if reason := _obstacle(y, x, groups):
        return _nothing(y.size, reason)
    rows = np.column_stack((np.ones_like(x), x))
    beta = _fit(rows, y)
    if beta is None or abs(float(beta[1])) > _STEEPEST:
        return _nothing(y.size, "too_steep")
    covariance = _sandwich(rows, y, beta, codes)
    reach = [student(degrees(codes)) * sqrt(float(variance)) for variance in np.diag(covariance)]
    level, slope = float(beta[0]), float(beta[1])
    return LengthEffect(
        per_doubling=Interval(value=slope, low=slope - reach[1], high=slope + reach[1], n=y.size),
        win_rate_at_equal_length=Interval(
            value=_logistic(level), low=_logistic(level - reach[0]), high=_logistic(level + reach[0]), n=y.size
        ),
    )


def _obstacle(y: Floats, x: Floats, groups: int) -> str | None:
    if groups < _FEWEST:
        return "too_few" if y.size else "no_data"
    if np.ptp(x) == 0:
        return "no_spread"
    if y.min() == 1 or y.max() == 0:
        return "one_sided"
    won, lost = x[y > 0], x[y < 1]
    return "separated" if lost.max() <= won.min() or won.max() <= lost.min() else None


def _nothing(n: int, reason: str) -> LengthEffect:
    missing = Interval(n=n, reason=reason)
    return LengthEffect(per_doubling=missing, win_rate_at_equal_length=missing, reason=reason)


def _fit(rows: Floats, y: Floats) -> Floats | None:
    """The maximum of the concave quasi-likelihood, by Newton's method with steps halved until it grows; None if not found."""
    beta: Floats = np.zeros(rows.shape[1])
    likelihood, step = -inf, beta
    for _ in range(_MOST_STEPS):
        level = rows @ (beta + step)
        now = float(y @ level - np.logaddexp(0, level).sum())
        if now < likelihood and np.abs(step).max() > _SMALL_STEP:
            step = step / 2
            continue
        beta, likelihood = beta + step, now
        chance = _chances(level)
        information = rows.T @ (rows * (chance * (1 - chance))[:, None])
        if np.linalg.cond(information) > 1e12:
            return None
        step = np.asarray(np.linalg.solve(information, rows.T @ (y - chance)), np.float64)
        if np.abs(step).max() < _SMALL_STEP:
            return beta
    return None


def _sandwich(rows: Floats, y: Floats, beta: Floats, codes: ClusterCodes) -> Floats:
    chance = _chances(rows @ beta)
    bread = np.linalg.inv(rows.T @ (rows * (chance * (1 - chance))[:, None]))
    scores = rows * (y - chance)[:, None]
    sums = np.column_stack([np.bincount(codes, weights=column) for column in scores.T])
    return np.asarray(bread @ (sums.T @ sums) @ bread * len(sums) / (len(sums) - 1))


def _chances(level: Floats) -> Floats:
    return np.asarray(np.exp(-np.logaddexp(0, -level)))


def _logistic(level: float) -> float:
    return 1 / (1 + exp(-level)) if level > 0 else exp(level) / (1 + exp(level))
