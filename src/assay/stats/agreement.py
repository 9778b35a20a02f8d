"""Whether two judges choose alike on the same pairs.

The rate is the share of pairs on which they do. Kappa (Cohen 1960, A coefficient of agreement for nominal scales, Educational and
Psychological Measurement 20, 37-46) is how much of the way from what chance would give to full agreement that is:
``(rate - chance) / (1 - chance)``, chance being the share that two judges with these habits would agree on without looking.

Its standard error is the delta method of Fleiss, Cohen and Everitt (1969, Large sample standard errors of kappa and weighted
kappa, Psychological Bulletin 72, 323-327), as the sum of the influence of each pair on kappa, so that pairs of one cluster can be
summed before they are squared (Yang and Zhou 2014, Kappa statistic for clustered matched-pair data, Statistics in Medicine 33).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.core.errors import InvalidInput
from assay.stats.spread import Interval, cluster_codes, clustered_error, degrees, share, student


def agree(first: Sequence[int], second: Sequence[int], clusters: ArrayLike | None = None) -> tuple[Interval, Interval]:
    """The rate of agreement and Cohen's kappa. ``first[i]`` and ``second[i]`` are what each judge chose on pair i, as codes from 0.

    Kappa has no value where both always chose the same one thing (reason ``one_choice``), and no bounds where they agreed on all
    pairs (``no_spread``).

    Raises:
        InvalidInput: lengths differ, or a code is no whole number from 0 on.
    """
    one, other = _codes(first), _codes(second)
    if one.shape != other.shape:
        raise InvalidInput("stats.bad_values", f"{one.size} choices cannot be compared with {other.size}.")
    alike = (one == other).astype(np.float64)
    return share(alike if clusters is not None else alike.sum(), one.size, clusters), _kappa(one, other, clusters)


def _kappa(one: NDArray[np.int64], other: NDArray[np.int64], clusters: ArrayLike | None) -> Interval:
    n = one.size
    if not n:
        return Interval(reason="no_data")
    choices = int(max(one.max(), other.max())) + 1
    habits, other_habits = np.bincount(one, minlength=choices) / n, np.bincount(other, minlength=choices) / n
    alike = (one == other).astype(np.float64)
    rate, chance = float(alike.mean()), float(habits @ other_habits)
    if chance > 1 - 1e-12:
        return Interval(n=n, reason="one_choice")
    kappa = (rate - chance) / (1 - chance)
    codes = np.arange(n) if clusters is None else cluster_codes(clusters, n)
    groups = int(codes.max()) + 1
    if groups < 2:
        return Interval(value=kappa, n=n, reason="one_cluster")
    on_chance = other_habits[one] + habits[other] - 2 * chance
    influence = (alike - rate) / (1 - chance) - on_chance * (1 - rate) / (1 - chance) ** 2
    error = clustered_error(influence, codes) / n
    if error < 1e-12:
        return Interval(value=kappa, n=n, reason="no_spread")
    reach = student(degrees(codes)) * error
    return Interval(value=kappa, low=max(-1.0, kappa - reach), high=min(1.0, kappa + reach), n=n)


def _codes(choices: Sequence[int]) -> NDArray[np.int64]:
    codes = np.asarray(choices)
    if codes.size and (codes.ndim != 1 or codes.dtype.kind not in "iu" or codes.min() < 0):
        raise InvalidInput(
            "stats.bad_values", f"choices are not a column of codes from 0 on: {codes.dtype} of the shape {codes.shape}."
        )
    return codes.astype(np.int64)
