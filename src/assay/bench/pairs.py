"""Two runs question by question: what each got on those that both were asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.bench.result import Result
from assay.bench.summary import Codes, answers_of, clusters_of, codes_of, parts_of, values_of
from assay.core import Unprocessable
from assay.stats import Interval, paired_mean, paired_quantile
from assay.stats.fit import Floats


class Pairs:
    """Questions in A's order. Numbers are means over a question's samples, by question, NaN where a run has no answer.

    ``values`` are A's and B's; ``category`` numbers each question's; ``only_a`` and ``only_b`` count questions that one run alone came to the end of.

    Raises:
        Unprocessable: ``bench.nothing_shared``, no question is in both.
    """

    def __init__(self, a: Sequence[Result], b: Sequence[Result]):
        ended = tuple([result for result in run if result.scored is not None] for run in (a, b))
        in_a, in_b = (dict.fromkeys(result.sample for result in run) for run in ended)
        self.samples = [sample for sample in in_a if sample in in_b]
        if not self.samples:
            raise Unprocessable(
                "bench.nothing_shared",
                "The two runs have no question in common.",
                hint="Compare runs of one task, with the same --limit and seed.",
            )
        self.only_a, self.only_b = len(in_a) - len(self.samples), len(in_b) - len(self.samples)
        at = {sample: at for at, sample in enumerate(self.samples)}
        first = {result.sample: result for result in reversed(ended[0])}
        self._asked = [first[sample] for sample in self.samples]
        self.clusters = clusters_of(self._asked)
        self.category = codes_of(result.category or "" for result in self._asked)
        self.answers = tuple([one for one in answers_of(run) if one.sample in at] for run in ended)
        self._codes = tuple(np.array([at[one.sample] for one in side], np.int64) for side in self.answers)
        self.values = self._means(*(values_of(side) for side in self.answers))

    def parts(self) -> Iterator[tuple[str, Floats, Floats]]:
        """The parts of scores that both runs have, by name."""
        one, other = (parts_of(side) for side in self.answers)
        for name in one:
            if name in other:
                yield name, *self._means(*(np.where(has, values, np.nan) for has, values in (one[name], other[name])))

    def categories(self) -> Iterator[tuple[str, Floats, Floats]]:
        """The values of each category; none, where there is but one."""
        named = np.array([result.category or "" for result in self._asked])
        names = [name for name in dict.fromkeys(named.tolist()) if name]
        for name in names if len(names) > 1 else ():
            x, y = (np.where(named == name, side, np.nan) for side in self.values)
            yield name, x, y

    def cost(self) -> Interval | None:
        """By how much a question cost more with A, in nano-units; None without prices, or in two currencies."""
        costs = [[one.cost for one in side] for side in self.answers]
        if len({cost.currency for side in costs for cost in side if cost is not None}) != 1:
            return None
        x, y, clusters = self._known(*([np.nan if cost is None else cost.nano for cost in side] for side in costs))
        return paired_mean(x, y, clusters)

    def latency(self) -> Interval:
        """By how much longer A took, microseconds, median; answers out of the cache took no time that says anything."""
        times = ([np.nan if one.cached or one.latency_us is None else one.latency_us for one in side] for side in self.answers)
        x, y, clusters = self._known(*times)
        return paired_quantile(x, y, 0.5, clusters)

    def _known(self, a: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats, Codes]:
        x, y = self._means(a, b)
        known = both_known(x, y)
        return x[known], y[known], self.clusters[known]

    def _means(self, a: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats]:
        """Means by question of one number of each answer of A and of B; NaN counts for nothing."""
        x, y = (
            _means(np.asarray(side, np.float64), codes, len(self.samples)) for side, codes in zip((a, b), self._codes, strict=True)
        )
        return x, y


def both_known(x: Floats, y: Floats) -> NDArray[np.bool_]:
    """Where neither is NaN."""
    return ~(np.isnan(x) | np.isnan(y))


def _means(values: Floats, codes: Codes, n: int) -> Floats:
    known = ~np.isnan(values)
    counts = np.bincount(codes[known], minlength=n)
    sums = np.bincount(codes[known], weights=values[known], minlength=n)
    return np.asarray(np.divide(sums, counts, out=np.full(n, np.nan), where=counts > 0), np.float64)
