"""A slow, plain twin of `assay.stats`: one vote at a time, no counts, no Newton, other formulas wherever there are others.

Strengths by the fixed-point iteration of Davidson (1970, section 4; with ``nu`` = 0 it is Zermelo's of 1929). Scores are complex
step derivatives of one vote's log-likelihood, the information their differences, and the mean-zero constraint an explicit basis.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import null_space  # type: ignore[import-untyped]  # scipy ships no types

Vote = tuple[int, int, int]
"""Side a's model, side b's model, outcome: 0 a wins, 1 b wins, 2 tie, 3 both bad (a tie)."""


def strengths(votes: Sequence[Vote], models: int, *, davidson: bool, sweeps: int = 20_000) -> tuple[list[float], float]:
    """Log strengths with mean zero, and ``nu`` (0 where ties are half wins)."""
    points = [0.0] * models
    met = [[0] * models for _ in range(models)]
    ties = 0
    for a, b, outcome in votes:
        points[a] += (1.0, 0.0, 0.5, 0.5)[outcome]
        points[b] += (0.0, 1.0, 0.5, 0.5)[outcome]
        met[a][b] += 1
        met[b][a] += 1
        ties += outcome >= 2
    pi, nu = [1.0] * models, float(davidson and ties > 0)
    for _ in range(sweeps):
        before = [*pi, nu]
        for i in range(models):
            pull = sum(
                met[i][j] * (1 + nu / 2 * sqrt(pi[j] / pi[i])) / (pi[i] + pi[j] + nu * sqrt(pi[i] * pi[j]))
                for j in range(models)
                if met[i][j]
            )
            pi[i] = points[i] / pull
        if nu:
            share = sum(
                met[i][j] * sqrt(pi[i] * pi[j]) / (pi[i] + pi[j] + nu * sqrt(pi[i] * pi[j]))
                for i in range(models)
                for j in range(i)
            )
            nu = ties / share
        middle = np.exp(np.mean(np.log(pi)))
        pi = [strength / middle for strength in pi]
        if max(abs(now / then - 1) for now, then in zip([*pi, nu or 1], [*before[:-1], before[-1] or 1], strict=True)) < 1e-15:
            break
    return [float(np.log(strength)) for strength in pi], nu


def covariance(
    votes: Sequence[Vote], theta: Sequence[float], nu: float, *, davidson: bool, voters: Sequence[Hashable] | None = None
) -> NDArray[np.float64]:
    """Sandwich covariance of the log strengths (and of log nu, last, where it was fitted)."""
    n, with_nu = len(theta), davidson and nu > 0
    point = np.array([*theta, np.log(nu)] if with_nu else theta)
    basis = np.zeros((len(point), n - 1 + with_nu))
    basis[:n, : n - 1] = null_space(np.ones((1, n)))
    if with_nu:
        basis[n, n - 1] = 1.0
    scores = np.array([_score(vote, point, n) for vote in votes])
    information = np.zeros((len(point), len(point)))
    for vote in votes:
        for k in range(len(point)):
            step = np.zeros(len(point))
            step[k] = 1e-5
            information[:, k] -= (_score(vote, point + step, n) - _score(vote, point - step, n)) / 2e-5
    keys = list(range(len(votes))) if voters is None else list(voters)
    sums = np.array([scores[[at for at, key in enumerate(keys) if key == one]].sum(axis=0) for one in dict.fromkeys(keys)])
    bread = basis @ np.linalg.inv(basis.T @ information @ basis) @ basis.T
    return np.asarray(bread @ (sums.T @ sums) @ bread)


def _score(vote: Vote, point: NDArray[np.float64], models: int) -> NDArray[np.float64]:
    slope = np.zeros(len(point))
    for k in range(len(point)):
        moved = point.astype(complex)
        moved[k] += 1e-30j
        slope[k] = _log_chance(vote, moved, models).imag / 1e-30
    return slope


def _log_chance(vote: Vote, point: NDArray[np.complex128], models: int) -> complex:
    a, b, outcome = vote
    pi_a, pi_b = np.exp(point[a]), np.exp(point[b])
    if len(point) == models:  # Bradley and Terry: a tie is half a win and half a loss
        weight = (1.0, 0.0, 0.5, 0.5)[outcome]
        return complex(weight * np.log(pi_a / (pi_a + pi_b)) + (1 - weight) * np.log(pi_b / (pi_a + pi_b)))
    tie = np.exp(point[models]) * np.exp((point[a] + point[b]) / 2)
    return complex(np.log((pi_a, pi_b, tie, tie)[outcome] / (pi_a + pi_b + tie)))
