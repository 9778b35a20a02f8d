"""pass@k: the chance that at least one of ``k`` answers to a question is right, over questions that were asked more often.

The estimator of Chen et al. (2021, Evaluating Large Language Models Trained on Code, arXiv:2107.03374, section 2.1): with ``c`` right
answers of ``n``, the share of the ways to pick ``k`` of them that hold a right one, ``1 - C(n-c, k) / C(n, k)``. It is unbiased; the power
``1 - (1 - c/n)^k`` is not. Its interval is by drawing questions again (`assay.stats.resample`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from assay.core.errors import InvalidInput
from assay.stats.fit import Floats
from assay.stats.resample import bootstrap_mean
from assay.stats.spread import Interval


def pass_at_k(right: ArrayLike, samples: ArrayLike, k: int, clusters: ArrayLike | None = None) -> Interval:
    """pass@k over the questions that have ``k`` samples; ``n`` is their number. ``right`` and ``samples`` count answers by question.

    Raises:
        InvalidInput: ``k`` under 1, more right answers than samples, or lengths that differ.
    """
    asked = np.asarray(samples, np.int64)
    enough = asked >= k
    chances = chance_at_k(np.asarray(right)[enough], asked[enough], k)
    return bootstrap_mean(chances, None if clusters is None else np.asarray(clusters)[enough])


def chance_at_k(right: ArrayLike, samples: ArrayLike, k: int) -> Floats:
    """What each question contributes to pass@k; each must have ``k`` samples."""
    hits, asked = np.asarray(right, np.int64), np.asarray(samples, np.int64)
    if hits.shape != asked.shape or (hits < 0).any() or (hits > asked).any():
        raise InvalidInput("stats.bad_values", f"{hits.size} counts of right answers do not fit {asked.size} counts of samples.")
    if k < 1 or (asked < k).any():
        raise InvalidInput("stats.bad_values", f"pass@{k} needs {max(k, 1)} samples of each question.")
    missed = np.ones(hits.shape)
    for picked in range(k):
        missed *= np.maximum(asked - hits - picked, 0) / (asked - picked)
    return 1 - missed
