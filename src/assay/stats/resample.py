"""Intervals and ranks by drawing the questions again, with replacement: what another set of questions of the same kind would have said.

- Mean: the bootstrap of Efron (1979, Bootstrap methods: another look at the jackknife, Annals of Statistics 7, 1-26) with the
  expanded percentile interval of Hesterberg (2015, What teachers should know about the bootstrap, American Statistician 69,
  371-386, section 4.3): plain percentiles are too narrow for few questions, so they are taken further out, as far as Student's t lies
  beyond the normal.
- Ranks: two models differ where their difference is larger than its critical value, which is the 95 % point of the
  largest studentised difference of that model from any other in the draws (Mogstad, Romano, Shaikh and Wilhelm 2024, Inference
  for ranks, Review of Economic Studies 91, 476-518). So a whole range of ranks holds with 95 %, not each comparison.

Draws are of a fixed seed: the same values have the same interval. Where many questions look alike, what is drawn is how
many of each kind there are, so that many questions with few different values cost no more than few.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.core.errors import InvalidInput
from assay.stats.fit import Floats
from assay.stats.spread import CONFIDENCE, ClusterCodes, Interval, cluster_codes, degrees, finite, mean, student, wilson

DRAWS = 4000
_FEWEST = 10
_MANY = 2000
"""From so many questions on draws say what Student's interval does."""

_CELLS = 4_000_000
"""So many numbers are summed at once."""

_ALIKE = 10
"""Where so many questions look alike, how often each kind of them is drawn is quicker to draw than each question."""


def bootstrap_mean(values: ArrayLike, clusters: ArrayLike | None = None, *, draws: int = DRAWS) -> Interval:
    """The mean of values in [0, 1], one for each question; questions of one cluster are drawn together.

    Where the mean lies near 0 or 1 because of fewer than ten questions, draws do not know how rare such questions are, and the
    interval would be too narrow. Then it is Wilson's, as if each question (each cluster) were 0 or 1.

    Raises:
        InvalidInput: a value lies outside.
    """
    data = finite(values)
    n = data.size
    if not n:
        return Interval(reason="no_data")
    if data.min() < 0 or data.max() > 1:
        raise InvalidInput("stats.bad_values", f"values from {data.min():g} to {data.max():g} do not lie within 0 and 1.")
    codes = np.arange(n) if clusters is None else cluster_codes(clusters, n)
    sums, sizes, value = _sums(codes, data), _sums(codes, np.ones(n)), float(data.mean())
    groups = sizes.size
    if groups < 2 and clusters is not None:
        return Interval(value=value, n=n, reason="one_cluster")
    if min(_worth(sums), _worth(sizes - sums)) < _FEWEST:
        return wilson(value, groups, NormalDist().inv_cdf((1 + CONFIDENCE) / 2), n)
    if groups > _MANY:
        return mean(data, codes)
    drawn = _draw(np.column_stack((sums, sizes)), draws)
    tail = 1 - NormalDist().cdf(student(degrees(codes)) * sqrt(groups / (groups - 1)))
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (tail, 1 - tail))
    return Interval(value=value, low=min(float(low), value), high=max(float(high), value), n=n)


def bootstrap_ranks(scores: ArrayLike, clusters: ArrayLike | None = None, *, draws: int = DRAWS) -> NDArray[np.int64]:
    """Columns: rank by mean score, lowest and highest rank that the questions allow. Shape (models, 3).

    ``scores``: (questions, models), what each model got on each question. Equal means share a rank.

    Raises:
        InvalidInput: not one finite number for each question and model, or there is no question.
    """
    table = np.asarray(scores, np.float64)
    if table.ndim != 2 or not table.size or not np.isfinite(table).all():
        raise InvalidInput("stats.bad_values", f"scores of the shape {table.shape} are not a table of questions by models.")
    n, models = table.shape
    codes = np.arange(n) if clusters is None else cluster_codes(clusters, n)
    sums = np.column_stack([_sums(codes, column) for column in (*table.T, np.ones(n))])
    drawn = _draw(sums, draws)
    means, again = table.mean(axis=0), drawn[:, :-1] / drawn[:, -1:]
    ranks = np.empty((models, 3), np.int64)
    for model in range(models):
        ahead = means - means[model]
        limit = _critical(ahead, again - again[:, [model]], len(sums))
        ranks[model] = (1 + (ahead > _SAME).sum(), 1 + (ahead > limit).sum(), models - (ahead < -limit).sum())
    return ranks


_SAME = 1e-9


def _critical(ahead: Floats, again: Floats, groups: int) -> Floats:
    """How far each other model has to be ahead or behind to be told apart; ``again`` is how far it was in each draw."""
    if groups < 2:
        return np.full(ahead.shape, np.inf)
    errors = again.std(axis=0) * sqrt(groups / (groups - 1))
    largest = (np.abs(again - ahead) / np.where(errors > _SAME, errors, np.inf)).max(axis=1)
    widened = student(groups - 1) / NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    return np.asarray(np.maximum(np.quantile(largest, CONFIDENCE) * widened * errors, _SAME))


def _sums(codes: ClusterCodes, values: Floats) -> Floats:
    return np.asarray(np.bincount(codes, weights=values), np.float64)


def _worth(amounts: Floats) -> float:
    """How many equal amounts would vary as much as these (Kish 1965, Survey Sampling, section 11.7)."""
    square = float(amounts @ amounts)
    return float(amounts.sum()) ** 2 / square if square else 0.0


def _draw(rows: Floats, draws: int) -> Floats:
    """The sum of as many ``rows`` as there are, drawn with replacement; so many times over."""
    random = np.random.default_rng(0)
    kinds, counts = np.unique(rows, axis=0, return_counts=True)
    if len(kinds) * _ALIKE <= len(rows):
        return np.asarray(random.multinomial(len(rows), counts / len(rows), size=draws) @ kinds, np.float64)
    columns, at_once = np.ascontiguousarray(rows.T), max(1, _CELLS // len(rows))
    parts = [random.integers(0, len(rows), (min(at_once, draws - start), len(rows))) for start in range(0, draws, at_once)]
    return np.concatenate([np.column_stack([column[part].sum(axis=1) for column in columns]) for part in parts])
