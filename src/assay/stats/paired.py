"""How far two numbers of the same items lie apart, with 95 % intervals, by item or by cluster.

- Difference of means: the mean of the differences (`assay.stats.spread`).
- Difference of shares: Newcombe (1998, Improved confidence intervals for the difference between binomial proportions based on
  paired data, Statistics in Medicine 17, 2635-2650, without its continuity correction): both Wilson intervals, put together with
  the correlation of the pairs. Unlike a mean of differences it has an interval where nothing ever failed.
- Difference of quantiles: the same for the intervals of both quantiles (Zou and Donner 2008, Construction of confidence limits
  about effect measures: a general approach, Statistics in Medicine 27, 1693-1702). The correlation is that of lying beyond the two
  quantiles, which is that of the two quantiles themselves in large samples (Bahadur 1966, A note on quantiles in large samples,
  Annals of Mathematical Statistics 37, 577-580). It errs on the wide side: where all pairs are nearly equal, and the two intervals
  lopsided, by a good deal.
"""

from __future__ import annotations

from math import inf, sqrt

import numpy as np
from numpy.typing import ArrayLike

from assay.core.errors import InvalidInput
from assay.stats.fit import Floats
from assay.stats.spread import ClusterCodes, Interval, beyond, cluster_codes, finite, mean, quantile, share


def paired_mean(x: ArrayLike, y: ArrayLike, clusters: ArrayLike | None = None) -> Interval:
    """The mean of ``x`` less ``y``, pair by pair."""
    left, right = _pairs(x, y)
    return mean(left - right, clusters)


def paired_share(x: ArrayLike, y: ArrayLike, clusters: ArrayLike | None = None) -> Interval:
    """The share of ones in ``x`` less that in ``y``: zeros and ones of the same items."""
    left, right = _pairs(x, y)
    one, other = (share(values if clusters is not None else values.sum(), values.size, clusters) for values in (left, right))
    return difference(one, other, _correlation(left, right, _codes(left, clusters)), most=1)


def paired_quantile(x: ArrayLike, y: ArrayLike, q: float, clusters: ArrayLike | None = None) -> Interval:
    """The ``q`` quantile of ``x`` less that of ``y``, where both were measured on the same items.

    It has bounds where both quantiles have two: for 0.95 that takes 72 clusters.
    """
    left, right = _pairs(x, y)
    codes = _codes(left, clusters)
    one, other = quantile(left, q, codes), quantile(right, q, codes)
    if one.value is None or other.value is None:
        return Interval(reason="no_data")
    return difference(one, other, _correlation(beyond(left, one.value), beyond(right, other.value), codes))


def difference(x: Interval, y: Interval, correlation: float, *, most: float = inf) -> Interval:
    """What ``x`` estimates less what ``y`` does, from their intervals and the correlation of the two estimates. No difference is
    larger than ``most``."""
    if x.value is None or y.value is None:
        return Interval(reason=x.reason or y.reason)
    value = x.value - y.value
    if x.low is None or x.high is None or y.low is None or y.high is None:
        return Interval(value=value, n=x.n, reason=x.reason or y.reason)
    return Interval(
        value=value,
        low=max(-most, value - _reach(x.value - x.low, y.high - y.value, correlation)),
        high=min(most, value + _reach(x.high - x.value, y.value - y.low, correlation)),
        n=x.n,
    )


def _reach(one: float, other: float, correlation: float) -> float:
    return sqrt(max(0.0, one * one + other * other - 2 * correlation * one * other))


def _correlation(x: Floats, y: Floats, codes: ClusterCodes) -> float:
    """Pearson's, of what each cluster adds to the two sums (phi, for zeros and ones without clusters); 0 where one never varies."""
    one, other = (np.bincount(codes, weights=values - values.mean()) for values in (x, y)) if x.size else (x, y)
    spread = sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / spread if spread > 1e-12 else 0.0


def _codes(values: Floats, clusters: ArrayLike | None) -> ClusterCodes:
    return np.arange(values.size) if clusters is None else cluster_codes(clusters, values.size)


def _pairs(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    left, right = finite(x), finite(y)
    if left.shape != right.shape:
        raise InvalidInput("stats.bad_values", f"{left.size} values cannot be paired with {right.size}.")
    return left, right
