"""Ranks and their intervals, from the full covariance of the ratings.

Two models differ when their difference is larger than ``z`` of its own standard errors. Their intervals may overlap all the
same: the ratings of models that met each other are correlated, and only the covariance knows. The rank of a model lies between
1 + the number of models better than it and the number of models not worse than it (Goldstein and Spiegelhalter 1996, League
tables and their limitations, JRSS A 159; Mogstad, Romano, Shaikh and Wilhelm 2024, Inference for ranks, Rev. Econ. Stud. 91).

With ``z`` = 1.96 each single comparison is right 95 times in 100, which is how people read a board, and is the default. The
whole range of one model's rank is covered with that probability when all its comparisons hold at once: `simultaneous_z`.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from assay.stats.fit import Floats

Z = 1.96
"""Two-sided 95 % of the normal distribution, as every board we compare with rounds it."""

_SAME = 1e-9


def simultaneous_z(models: int) -> float:
    """The ``z`` with which all ``models - 1`` comparisons of one model hold together in 95 of 100 cases (Bonferroni)."""
    return NormalDist().inv_cdf(1 - 0.025 / max(models - 1, 1))


def difference_errors(covariance: Floats) -> Floats:
    """Standard error of ``theta[i] - theta[j]``, (n, n)."""
    variance = np.diag(covariance)
    return np.sqrt(np.maximum(variance[:, None] + variance[None, :] - 2 * covariance, 0.0))


def rank_intervals(theta: Floats, covariance: Floats, z: float = Z) -> NDArray[np.int64]:
    """Columns: rank, lowest and highest rank that the votes allow. Equal ratings share a rank. Shape (n, 3)."""
    difference = theta[:, None] - theta[None, :]
    limit = np.maximum(z * difference_errors(covariance), _SAME)
    rank = 1 + (difference < -_SAME).sum(axis=1)
    best = 1 + (difference < -limit).sum(axis=1)
    worst = len(theta) - (difference > limit).sum(axis=1)
    return np.column_stack((rank, best, worst)).astype(np.int64)
