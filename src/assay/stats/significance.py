"""Whether two models differ on the same questions, and how large a difference so many questions can show.

- 0 or 1 each: McNemar (1947, Note on the sampling error of the difference between correlated proportions or percentages,
  Psychometrika 12, 153-157), exact: of the questions that only one got right, each is a fair coin's. Questions that both got, or
  neither, say nothing.
- Anything else, or questions that go together: the sign of each question's difference (of each cluster's sum) is flipped at random
  (Fisher 1935, The Design of Experiments, section 21); which of the two models is called A cannot matter if they are alike. All flips
  where they are few, 20,000 drawn ones otherwise, with the one that was seen among them (Phipson and Smyth 2010, Permutation P-values
  should never be zero, Statistical Applications in Genetics and Molecular Biology 9, article 39).
- Few means of many, such as repeats: Student's t of one sample (Student 1908, The probable error of a mean, Biometrika 6, 1-25).
- Several tests: Holm (1979, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 65-70).
- Least difference that is found 80 times in 100: Bloom (1995, Minimum detectable effects, Evaluation Review 19, 547-556), the
  standard error that the difference has if there is none, times z(0.975) + z(0.8) = 2.80.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.core.errors import InvalidInput
from assay.stats.fit import Floats
from assay.stats.spread import CONFIDENCE, cluster_codes, finite, student_tail

LEVEL = 1 - CONFIDENCE
POWER = 0.8
FEWEST_FLIPS = 6
"""Fewer questions that differ are never enough: 2 * 0.5^5 is over 5 %."""

_ALL_FLIPS = 14
"""Up to so many differences all ways to flip them are tried."""

_DRAWS, _AT_ONCE = 20_000, 1_000
_MANY, _SMALL = 1_000, 0.01
"""Beyond so many different sizes, each of which makes up so little of the sum of squares, the normal law is as good as draws. Sums of few
sizes go in steps, which it does not know."""

_ALIKE_EACH = 10
"""Where there are so many of each size, how many are flipped is quicker to draw than which."""

_SAME = 1e-9


def mcnemar(only_a: int, only_b: int) -> float:
    """The chance of a split at least as uneven, were each of these questions a fair coin's; two-sided.

    Raises:
        InvalidInput: a negative count.
    """
    if only_a < 0 or only_b < 0:
        raise InvalidInput("stats.bad_values", f"{only_a} and {only_b} are not counts of questions.")
    n, few = only_a + only_b, min(only_a, only_b)
    tail = sum(exp(lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) - n * log(2)) for i in range(few + 1))
    return min(1.0, 2 * tail)


def sign_flip(differences: ArrayLike, clusters: ArrayLike | None = None) -> float:
    """The share of all ways to flip the signs that give a sum at least as far from zero. ``differences``: A less B, by question."""
    sums = _by_cluster(differences, clusters)
    sums = sums[np.abs(sums) > _SAME]
    seen = abs(float(sums.sum())) - _SAME
    if sums.size <= _ALL_FLIPS:
        signs = 1 - 2 * (np.arange(2**sums.size)[:, None] >> np.arange(sums.size) & 1)
        return float((np.abs(signs @ sums) >= seen).mean())
    sizes, counts = np.unique(np.abs(sums).round(9), return_counts=True)
    square = float(sums @ sums)
    if sizes.size > _MANY and float(sizes[-1]) ** 2 < _SMALL * square:
        # a sum of so many sizes, none of which outweighs the rest, is normal to more digits than draws have
        return 2 * NormalDist().cdf(-max(0.0, seen) / sqrt(square))
    return float(1 + (np.abs(_flipped(sizes, counts)) >= seen).sum()) / (1 + _DRAWS)


def _flipped(sizes: Floats, counts: NDArray[np.int64]) -> Floats:
    """Sums with signs drawn at random: how many of each size are positive, or where few are alike, each by itself."""
    random = np.random.default_rng(0)
    if sizes.size * _ALIKE_EACH <= counts.sum():
        return np.asarray((2 * random.binomial(counts, 0.5, (_DRAWS, sizes.size)) - counts) @ sizes, np.float64)
    each = np.repeat(sizes, counts)
    drawn = (random.integers(0, 2, (_AT_ONCE, each.size), np.int8) @ each for _ in range(_DRAWS // _AT_ONCE))
    return np.asarray(2 * np.concatenate(list(drawn)) - each.sum(), np.float64)


def t_test(differences: ArrayLike) -> float | None:
    """The chance of a mean at least as far from zero, were there no difference; two-sided. None where nothing tells their spread."""
    data = finite(differences)
    spread = float(data.std(ddof=1)) if data.size > 1 else 0.0
    return 2 * student_tail(abs(float(data.mean())) / spread * sqrt(data.size), data.size - 1) if spread else None


def holm(chances: Sequence[float]) -> list[float]:
    """Each p value made larger, so that with none of the differences real the chance of any below 5 % is at most 5 %."""
    adjusted, largest = [0.0] * len(chances), 0.0
    for done, at in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        largest = max(largest, min(1.0, chances[at] * (len(chances) - done)))
        adjusted[at] = largest
    return adjusted


def detectable(differences: ArrayLike, clusters: ArrayLike | None = None) -> float | None:
    """The smallest true mean difference that questions like these show with a chance of 80 % at the 5 % level.

    None where no question differs: nothing tells how often they would. For answers of 0 and 1 it is 2.80 times the root of the share of
    questions that differ over their number.
    """
    data = finite(differences)
    sums = _by_cluster(data, clusters)
    if not sums.any():
        return None
    normal = NormalDist()
    return (normal.inv_cdf(1 - LEVEL / 2) + normal.inv_cdf(POWER)) * sqrt(float(sums @ sums)) / data.size


def _by_cluster(differences: ArrayLike, clusters: ArrayLike | None) -> Floats:
    data = finite(differences)
    if clusters is None or not data.size:
        return data
    return np.asarray(np.bincount(cluster_codes(clusters, data.size), weights=data), np.float64)
