"""Maximum likelihood fits of paired comparisons, by Newton's method on counts.

Davidson (1970, On extending the Bradley-Terry model to accommodate ties, JASA 65, 317-328): with strengths ``exp(theta)``,
the chances of a win, a loss and a tie are proportional to ``exp(d/2)``, ``exp(-d/2)`` and ``nu``, where
``d = theta[a] - theta[b]``. With ``nu`` fixed at 0 and a tie counted as half a win to each side it is the model of Bradley and
Terry (1952, Rank analysis of incomplete block designs, Biometrika 39, 324-345), so one piece of code fits both.

The log-likelihood is concave in ``theta`` and ``eta = log nu``. Each Newton step is halved until the likelihood grows; at the end
the Cholesky factor of the information matrix proves that a maximum was reached, and gives its inverse. ``theta`` is held at mean zero by adding a rank-one term along the all-ones vector,
which changes no difference. Nothing is regularised: whoever calls has made sure that the maximum is finite (`components`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Unprocessable
from assay.stats.counts import A_WINS, B_WINS, BOTH_BAD, OUTCOMES, TIE

Floats: TypeAlias = NDArray[np.float64]

_SMALL_STEP = 1e-9
_MOST_STEPS = 200


@dataclass(frozen=True, eq=False)
class Pairs:
    """What a fit needs of the votes: ``wins[i, j]`` of i over j, and symmetric ``ties[i, j]``, whoever sat on which side."""

    wins: Floats
    ties: Floats

    @classmethod
    def of(cls, cells: NDArray[np.int64], *, both_bad: bool = True) -> Pairs:
        """From ``cells[a, b, outcome]``. ``both_bad``: votes "both are bad" count as ties, else they are left out."""
        wins = cells[:, :, A_WINS] + cells[:, :, B_WINS].T
        ties = cells[:, :, TIE] + cells[:, :, BOTH_BAD] if both_bad else cells[:, :, TIE]
        return cls(wins.astype(np.float64), (ties + ties.T).astype(np.float64))

    @cached_property
    def meetings(self) -> Floats:
        return np.asarray(self.wins + self.wins.T + self.ties)

    def only(self, members: NDArray[np.int64]) -> Pairs:
        return Pairs(self.wins[np.ix_(members, members)], self.ties[np.ix_(members, members)])


@dataclass(frozen=True, eq=False)
class Fit:
    """``theta``: natural log-odds, mean zero. ``nu`` is None where ties are half wins, 0.0 where there was no tie to fit.

    ``inverse`` is the inverse of the information matrix, over ``theta`` and, if it was fitted, ``eta``.
    """

    theta: Floats
    nu: float | None
    inverse: Floats
    iterations: int

    @property
    def fitted_nu(self) -> bool:
        return len(self.inverse) > len(self.theta)


def fit(pairs: Pairs, *, ties: str = "half") -> Fit:
    """The finite maximum of the likelihood, to machine precision.

    Raises:
        Unprocessable: no finite maximum was found; the votes do not connect the models.
    """
    with_nu = ties == "davidson" and bool(pairs.ties.any())
    point = np.zeros(len(pairs.wins) + with_nu)
    likelihood = _log_likelihood(pairs, point)
    for step_number in range(1, _MOST_STEPS + 1):
        gradient, information = _slopes(pairs, point)
        step = _solve(information, gradient)
        size = float(np.abs(step).max(initial=0.0))
        point, likelihood = (point + step, likelihood) if size < _SMALL_STEP else _climb(pairs, point, step, likelihood)
        point[: len(pairs.wins)] -= point[: len(pairs.wins)].mean()
        if size < _SMALL_STEP:
            theta, eta = point[: len(pairs.wins)], point[len(pairs.wins) :]
            nu = None if ties == "half" else float(np.exp(eta[0])) if with_nu else 0.0
            return Fit(theta, nu, _inverse(information), step_number)
    raise _no_maximum()


def chances(theta: Floats, nu: float) -> tuple[Floats, Floats]:
    """``P(i beats j)`` and ``P(tie)``, both (n, n)."""
    odds = np.exp((theta[:, None] - theta[None, :]) / 2)
    total = odds + odds.T + nu
    return odds / total, nu / total


def residuals(theta: Floats, nu: float | None) -> tuple[Floats, Floats]:
    """The score of one vote, by cell: shapes (n, n, OUTCOMES).

    The first is the slope in ``theta[a]`` (in ``theta[b]`` it is the negative), the second the slope in ``eta``.
    """
    win, tie = chances(theta, nu or 0.0)
    by_theta = np.empty((*win.shape, OUTCOMES))
    by_theta[:, :, A_WINS] = win.T + tie / 2
    by_theta[:, :, B_WINS] = -(win + tie / 2)
    by_theta[:, :, TIE] = by_theta[:, :, BOTH_BAD] = (win.T - win) / 2
    by_eta = np.empty_like(by_theta)
    by_eta[:, :, A_WINS] = by_eta[:, :, B_WINS] = -tie
    by_eta[:, :, TIE] = by_eta[:, :, BOTH_BAD] = win + win.T
    return by_theta, by_eta


def laplacian(weights: Floats) -> Floats:
    """Sum over pairs of ``weights[i, j] (e_i - e_j)(e_i - e_j)'``; ``weights`` symmetric."""
    return np.asarray(np.diag(weights.sum(axis=1)) - weights)


def _slopes(pairs: Pairs, point: Floats) -> tuple[Floats, Floats]:
    """Gradient and information (the negative Hessian) at ``point``; the latter made regular along the all-ones vector."""
    n = len(pairs.wins)
    nu = float(np.exp(point[n])) if len(point) > n else 0.0
    win, tie = chances(point[:n], nu)
    meetings = pairs.meetings
    surplus = pairs.wins + pairs.ties / 2 - meetings * (win + tie / 2)
    gradient, information = np.empty(len(point)), np.empty((len(point), len(point)))
    gradient[:n] = surplus.sum(axis=1)
    curvature = meetings * (win * win.T + tie * (win + win.T) / 4)
    information[:n, :n] = laplacian(curvature) + curvature.sum() / n**2
    if len(point) > n:
        gradient[n] = (pairs.ties - meetings * tie).sum() / 2
        information[:n, n] = information[n, :n] = (meetings * tie * (win.T - win) / 2).sum(axis=1)
        information[n, n] = (meetings * tie * (win + win.T)).sum() / 2
    return gradient, information


def _log_likelihood(pairs: Pairs, point: Floats) -> float:
    n = len(pairs.wins)
    with_nu = len(point) > n
    half = (point[:n, None] - point[None, :n]) / 2
    with np.errstate(over="ignore"):
        normaliser = np.log(np.exp(half) + np.exp(-half) + (np.exp(point[n]) if with_nu else 0.0))
    met = pairs.meetings
    value = (pairs.wins * half).sum() - np.where(met > 0, met * normaliser, 0.0).sum() / 2
    return float(value + (pairs.ties.sum() / 2 * point[n] if with_nu else 0.0))


def _climb(pairs: Pairs, point: Floats, step: Floats, before: float) -> tuple[Floats, float]:
    """The longest of step, step/2, step/4 ... that does not lower the likelihood (beyond rounding)."""
    slack = 1e-12 * (1 + abs(before))
    for halvings in range(60):
        there = point + step / 2**halvings
        after = _log_likelihood(pairs, there)
        if after >= before - slack:
            return there, after
    raise _no_maximum()


def _solve(information: Floats, gradient: Floats) -> Floats:
    try:
        return np.asarray(np.linalg.solve(information, gradient), dtype=np.float64)
    except np.linalg.LinAlgError as error:
        raise _no_maximum() from error


def _inverse(information: Floats) -> Floats:
    """From the Cholesky factor, which there is only where the likelihood has a maximum."""
    try:
        root = np.linalg.inv(np.linalg.cholesky(information))
    except np.linalg.LinAlgError as error:
        raise _no_maximum() from error
    return np.asarray(root.T @ root)


def _no_maximum() -> Unprocessable:
    return Unprocessable(
        "stats.no_finite_rating",
        "the likelihood has no finite maximum: the votes do not connect these models both ways.",
        hint="Rate one strongly connected component at a time.",
    )
