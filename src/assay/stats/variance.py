"""Where the spread of scores comes from: from question to question, or from one answer to the same question to the next.

One-way analysis of variance with random effects, for any number of answers a question (Searle, Casella and McCulloch 1992,
Variance Components, section 3.6); as Miller (2024, Adding Error Bars to Evals, arXiv:2411.00640) puts it to use: asking each question more
often only makes the second part smaller, asking more questions both.
"""

from __future__ import annotations

from math import sqrt

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from assay.stats.spread import cluster_codes, finite


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """Variances of one answer's value. ``error`` is the standard error of the mean that they make; ``error_of_questions`` is what
    would be left of it, were each question asked without end.

    ``reason`` says why they are None: ``no_data``, ``one_question``, ``one_sample`` (no question has two answers).
    """

    between: float | None = None
    within: float | None = None
    error: float | None = None
    error_of_questions: float | None = None
    questions: int = 0
    samples: int = 0
    reason: str | None = None


def split_variance(values: ArrayLike, questions: ArrayLike) -> Split:
    """How much ``values`` vary between questions and within them; ``questions`` says which one each answers."""
    data = finite(values)
    if not data.size:
        return Split(reason="no_data")
    codes = cluster_codes(questions, data.size)
    sizes = np.bincount(codes).astype(np.float64)
    n, groups = data.size, sizes.size
    if groups < 2 or n == groups:
        return Split(questions=groups, samples=n, reason="one_question" if groups < 2 else "one_sample")
    means = np.bincount(codes, weights=data) / sizes
    within = float(((data - means[codes]) ** 2).sum()) / (n - groups)
    among = float(sizes @ (means - data.mean()) ** 2) / (groups - 1)
    usual = (n - float(sizes @ sizes) / n) / (groups - 1)
    between = max(0.0, (among - within) / usual)
    of_questions = between * float(sizes @ sizes) / n**2
    return Split(
        between=between,
        within=within,
        error=sqrt(of_questions + within / n),
        error_of_questions=sqrt(of_questions),
        questions=groups,
        samples=n,
    )
