"""How far a number may be off: shares, means and quantiles with 95 % intervals, by item or by cluster.

- Share: Wilson (1927, Probable inference, the law of succession, and statistical inference, JASA 22, 209-212). With clusters
  the number of items is divided by the design effect (Kish 1965, Survey Sampling), and the normal quantile is replaced by
  Student's, as Korn and Graubard (1998, Survey Methodology 24) do for the exact interval.
- Mean: Student's t. With clusters the residuals are first summed by cluster (Liang and Zeger 1986, Biometrika 73, 13-22) with the
  factor G/(G-1), so that clusters of one item give the ordinary interval. Degrees of freedom are those of so many clusters of one
  size as would tell as much (Carter, Schnepel and Steigerwald 2017, Review of Economics and Statistics 99, 698-709): where a few
  large ones hold most items, it is their number that counts.
- Quantile: the order statistics whose ranks a binomial leaves open (Conover, Practical Nonparametric Statistics, 3rd ed.
  1999, section 3.2); it holds for any continuous distribution. A bound that no observation can give is None. With clusters the
  ranks are those of the share below the quantile (Woodruff 1952, Confidence intervals for medians and other position measures,
  JASA 47, 635-646), of as many observations as the design effect leaves.

Quantiles of a sample are the average of the two candidates where the inverse of the distribution function jumps (type 2 of
Hyndman and Fan 1996, American Statistician 50, 361-365), so the median of an even number is the middle of the middle two.
"""

from __future__ import annotations

from functools import lru_cache
from math import atan, ceil, cos, floor, inf, log, pi, sin, sqrt
from statistics import NormalDist
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.core.errors import InvalidInput
from assay.stats.fit import Floats

CONFIDENCE = 0.95
_TAIL = (1 - CONFIDENCE) / 2
_MANY_DEGREES = 200

ClusterCodes: TypeAlias = NDArray[np.int64]


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A number, where it lies with 95 % confidence, and how many observations it rests on.

    ``reason`` says why it, or a bound of it, is None: ``no_data``; ``one_cluster`` (or a single observation): nothing tells how
    far it may be off; ``no_spread``: all observations are alike, so nothing does either; ``too_few``: no observation lies far
    enough out to be that bound. Functions that use intervals add reasons of their own.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    reason: str | None = None


def share(successes: ArrayLike, n: int, clusters: ArrayLike | None = None, *, balanced: bool = False) -> Interval:
    """The share of successes among ``n``. ``successes``: their number, or one 0 or 1 for each of the ``n``, which ``clusters``
    (a label for each of them) needs. ``balanced``: trials of one cluster may also make up for each other, so they may tell more than
    as many independent ones would; otherwise they never count for more.

    Raises:
        InvalidInput: more successes than trials, a value besides 0 and 1, or lengths that differ.
    """
    hits = np.asarray(successes, np.float64)
    if hits.ndim and (hits.shape != (n,) or not np.isin(hits, (0, 1)).all()):
        raise InvalidInput("stats.bad_values", f"successes are not {n} values of 0 and 1: {hits.shape}.")
    total = float(hits.sum())
    if not 0 <= total <= n:
        raise InvalidInput("stats.bad_values", f"{total:g} successes of {n} trials.")
    if not n:
        return Interval(reason="no_data")
    if clusters is None:
        return wilson(total / n, n, NormalDist().inv_cdf(1 - _TAIL), n)
    if not hits.ndim:
        raise InvalidInput("stats.bad_values", "a share by cluster needs each trial, not only the number of successes.")
    codes = cluster_codes(clusters, n)
    groups = int(codes.max()) + 1
    if groups < 2:
        return Interval(value=total / n, n=n, reason="one_cluster")
    return wilson(total / n, _effective(hits, codes, inf if balanced else n), student(degrees(codes)), n)


def mean(values: ArrayLike, clusters: ArrayLike | None = None) -> Interval:
    """The mean of ``values``; those of one cluster may depend on each other in any way."""
    data = finite(values)
    n = data.size
    if not n:
        return Interval(reason="no_data")
    codes = np.arange(n) if clusters is None else cluster_codes(clusters, n)
    value = float(data.mean())
    groups = int(codes.max()) + 1
    if groups < 2:
        return Interval(value=value, n=n, reason="one_cluster")
    error = clustered_error(data - value, codes) / n
    if np.ptp(data) == 0:
        return Interval(value=value, n=n, reason="no_spread")
    reach = student(degrees(codes)) * error
    return Interval(value=value, low=value - reach, high=value + reach, n=n)


def bounded_mean(values: ArrayLike, clusters: ArrayLike | None = None) -> Interval:
    """The mean of values in [0, 1], such as wins, ties and losses, with Wilson's interval as if each were one win or loss.

    With clusters it is the mean of the clusters' means, each of which counts the same, however many values it has. What lies in
    between 0 and 1 varies less than wins and losses do, so the interval errs on the wide side; and few values that are all alike
    have one, too.

    Raises:
        InvalidInput: a value lies outside.
    """
    data = finite(values)
    n = data.size
    if not n:
        return Interval(reason="no_data")
    if data.min() < 0 or data.max() > 1:
        raise InvalidInput("stats.bad_values", f"values from {data.min():g} to {data.max():g} do not lie within 0 and 1.")
    if clusters is not None:
        codes = cluster_codes(clusters, n)
        data = np.bincount(codes, weights=data) / np.bincount(codes)
    return wilson(float(data.mean()), data.size, NormalDist().inv_cdf(1 - _TAIL), n)


def quantile(values: ArrayLike, q: float, clusters: ArrayLike | None = None) -> Interval:
    """The ``q`` quantile (0.5 is the median) of what ``values`` were drawn from; those of one cluster may depend on each other."""
    data = finite(values)
    n = data.size
    if not 0 < q < 1:
        raise InvalidInput("stats.bad_values", f"the quantile {q!r} does not lie within 0 and 1.")
    if not n:
        return Interval(reason="no_data")
    ordered = np.sort(data)
    value = _quantile(ordered, q)
    codes = np.arange(n) if clusters is None else cluster_codes(clusters, n)
    groups = int(codes.max()) + 1
    if groups < 2 and n > 1:
        return Interval(value=value, n=n, reason="one_cluster")
    independent = n if groups == n else _worth(beyond(data, value) - (1 - q), codes, q)
    below, above = _ranks(independent, q)
    at_low, at_high = below * n // independent, (independent + 1 - above) * n // independent
    low = float(ordered[at_low - 1]) if at_low else None
    high = float(ordered[n - at_high]) if at_high else None
    return Interval(value=value, low=low, high=high, n=n, reason="too_few" if low is None or high is None else None)


def beyond(values: Floats, point: float) -> Floats:
    """1 for each of ``values`` above the point, 0 below, one half at it."""
    return (np.sign(values - point) + 1) / 2


def clustered_error(residuals: Floats, codes: ClusterCodes) -> float:
    """Standard error of the sum of ``residuals``, which are first summed by cluster; with the factor G/(G-1)."""
    sums = np.bincount(codes, weights=residuals)
    return sqrt(float(sums @ sums) * sums.size / (sums.size - 1))


def degrees(codes: ClusterCodes) -> int:
    """Degrees of freedom of what is estimated by cluster, at least 1: one less than so many clusters of one size as would tell as much."""
    sizes = np.bincount(codes).astype(np.float64)
    return max(1, round(float(sizes.sum() ** 2 / (sizes @ sizes))) - 1)


def cluster_codes(clusters: ArrayLike, n: int) -> ClusterCodes:
    """``clusters``, labels of any one type, as codes from 0 on without a gap."""
    labels = np.asarray(clusters)
    if labels.shape != (n,):
        raise InvalidInput("stats.bad_values", f"clusters have the shape {labels.shape}, for {n} values.")
    return np.asarray(np.unique(labels, return_inverse=True)[1], np.int64)


def finite(values: ArrayLike) -> Floats:
    """``values`` as one column of numbers.

    Raises:
        InvalidInput: there is one that is not a finite number, or they are no column.
    """
    data = np.asarray(values, np.float64)
    if data.ndim != 1 or not np.isfinite(data).all():
        raise InvalidInput("stats.bad_values", f"values of the shape {data.shape} are not one column of finite numbers.")
    return data


@lru_cache(maxsize=1024)
def student(degrees: int, tail: float = _TAIL) -> float:
    """The point beyond which Student's t with so many degrees of freedom has ``tail`` of its mass.

    Abramowitz and Stegun (1964, Handbook of Mathematical Functions): the expansion 26.7.5 for many degrees of freedom, bisection
    on the finite sums 26.7.3 and 26.7.4 for few.
    """
    if degrees > _MANY_DEGREES:
        z = NormalDist().inv_cdf(1 - tail)
        terms = (
            (z**3 + z) / 4,
            (5 * z**5 + 16 * z**3 + 3 * z) / 96,
            (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
            (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
        )
        return z + sum(term / float(degrees) ** power for power, term in enumerate(terms, start=1))
    low, high = 0.0, 1.0
    while student_tail(high, degrees) > tail:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if student_tail(middle, degrees) > tail else (low, middle)
    return (low + high) / 2


def student_tail(t: float, degrees: int) -> float:
    """The mass of Student's t with so many degrees of freedom beyond ``t``, which is not negative."""
    angle = atan(t / sqrt(degrees))
    odd = degrees % 2
    term = cos(angle) if odd else 1.0
    total = term if degrees > 1 else 0.0
    for k in range(2 + odd, degrees - 1, 2):
        term *= cos(angle) ** 2 * (k - 1) / k
        total += term
    inside = 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total
    return (1 - inside) / 2


def wilson(p: float, trials: float, z: float, n: int) -> Interval:
    """Wilson's interval about the share ``p`` of ``trials``, which need be no whole number; ``n`` is what is reported."""
    middle = (p + z**2 / (2 * trials)) / (1 + z**2 / trials)
    reach = z / (1 + z**2 / trials) * sqrt(p * (1 - p) / trials + z**2 / (4 * trials**2))
    return Interval(value=p, low=max(0.0, min(middle - reach, p)), high=min(1.0, max(middle + reach, p)), n=n)


def _effective(hits: Floats, codes: ClusterCodes, most: float) -> float:
    """How many independent trials tell as much: ``n`` over the design effect, ``most`` at most.

    Where all trials came out alike nothing tells how they go together, and each cluster counts as one.
    """
    n, p = hits.size, float(hits.mean())
    if p in (0.0, 1.0):
        return float(codes.max() + 1)
    error = clustered_error(hits - p, codes)
    return min(most, n * n * p * (1 - p) / error**2) if error > 1e-9 else float(n)


def _ranks(n: int, q: float) -> tuple[int, int]:
    """Ranks (from 1) of the order statistics that bound the ``q`` quantile, each wrong with 2.5 % at most: 0 and n + 1 for none.

    The one of rank r lies above the quantile when fewer than r of n observations lie below it, a binomial count.
    """
    steps = np.arange(n)
    logs = np.concatenate(([0.0], np.cumsum(np.log((n - steps) / (steps + 1)) + log(q / (1 - q))))) + n * log(1 - q)
    chances = np.exp(logs)
    below = int(np.searchsorted(np.cumsum(chances), _TAIL, side="right"))
    beyond = int(np.searchsorted(np.cumsum(chances[::-1]), _TAIL, side="right"))
    return below, n + 1 - beyond


def _worth(residuals: Floats, codes: ClusterCodes, q: float) -> int:
    """How many independent observations would tell as much of the share below the ``q`` quantile, Student's in place of the normal
    quantile included. ``residuals`` are what each lies beyond it, less what is expected."""
    variance = clustered_error(residuals, codes) ** 2
    n = residuals.size
    independent = min(float(n), n * n * q * (1 - q) / variance) if variance > 0 else float(n)
    return max(1, int(independent * (NormalDist().inv_cdf(1 - _TAIL) / student(degrees(codes))) ** 2))


def _quantile(ordered: Floats, q: float) -> float:
    """The ``q`` quantile of the values themselves, which are in order."""
    wanted, near = q * ordered.size, 1e-9 * ordered.size
    first, after = ceil(wanted - near), floor(wanted + near) + 1
    return float((ordered[first - 1] + ordered[after - 1]) / 2)
