"""Evidence about a mean that may be looked at after every observation: betting against what is doubted.

Observations lie in [0, 1]. To test the claim that their mean is at most ``m``, someone starts with one coin and bets against it:
before each observation ``x`` a share ``c`` of the capital, ``0 <= c < 1``, is put at risk, and the capital is multiplied by
``1 + c * (x / m - 1)``. If the claim is true that is at best a fair game, and the chance that the capital *ever* reaches
``1 / alpha`` is at most ``alpha`` (Ville 1939, Étude critique de la notion de collectif). So whoever gives the claim up when it does
is wrong with probability ``alpha`` at most, however often they look. This is the betting of Waudby-Smith and Ramdas (2024, Estimating
means of bounded random variables by betting, JRSS B 86, 1-27). The best ``c`` is not known beforehand, so the coin is spread over
a fixed grid of them, which is a fair game as well (a mixture: Robbins 1970, Statistical methods related to the law of the
iterated logarithm, Ann. Math. Stat. 41).

The capital falls, and is convex, in ``m``. So the means at which it has reached ``1 / alpha`` at some look are all those up to
a bound, above which the mean lies with confidence ``1 - alpha`` at all looks at once; the bound grows by Newton's method, whose
steps from the left never go too far. Decision and bounds are one thing: *switch* is said when the lower bound is above the
zone's low edge, *stay* when the upper bound is below its high edge.

Each observation costs a fixed number of operations for each bet; a bound that moves costs one more pass over the distinct
scores seen so far (a handful with judges, as many as observations with continuous scores).
"""

from __future__ import annotations

from math import log
from typing import Final, Literal, TypeAlias

import numpy as np

from assay.core.errors import InvalidInput
from assay.stats.fit import Floats

Outcome: TypeAlias = Literal["switch", "stay"]

_BETS: Final[Floats] = np.geomspace(0.03, 0.9, 10)
_LOG_WEIGHTS: Final[Floats] = np.log(_BETS ** (2 / 3) / (_BETS ** (2 / 3)).sum())
"""The shares at risk, and how the coin is spread over them.

With wins, losses and few ties the best share is about ``2 * (mean - m)``, so this reaches from differences of two points of a
hundred to a clean sweep. The weights lean to the clear differences: more evenly spread, small ones would end a tenth sooner and
clear ones a tenth later (``tests/stats/test_anytime_simulated.py`` measures what they cost; docs/concepts/deciding.md has the figures).
"""
_LEAST_BOUND = 1e-9
_LEAST_STEP = 1e-10
_MOST_MORE = 10_000


class Betting:
    """Evidence about the mean of observations in [0, 1], valid at every look. Observations come in the order drawn.

    The mean of what is observed stands for the mean of what it was drawn from: the observations must be independent draws from
    it, so things that stand or fall together (the turns of one conversation) are one observation, their mean.
    """

    def __init__(self, low: float, high: float, *, alpha: float):
        """``low`` and ``high`` are the edges of the zone within which either decision is right; ``alpha`` is the chance of a
        wrong one, for each of the two decisions.

        Raises:
            InvalidInput: not 0 < low <= high < 1, or alpha not within (0, 1).
        """
        if not 0 < low <= high < 1:
            raise InvalidInput("stats.bad_zone", f"the zone from {low!r} to {high!r} does not lie within 0 and 1.")
        if not 0 < alpha < 1:
            raise InvalidInput("stats.bad_alpha", f"the chance of a wrong decision, {alpha!r}, does not lie within 0 and 1.")
        self.low, self.high, self.alpha = low, high, alpha
        self.n = 0
        self._sum = 0.0
        self._bounds = (0.0, 1.0)
        self._verdict: Outcome | None = None
        self._above = _Doubt(low, log(1 / alpha))
        self._below = _Doubt(1 - high, log(1 / alpha))

    def add(self, score: float) -> None:
        """One more observation, in [0, 1].

        Raises:
            InvalidInput: it is not.
        """
        if not 0 <= score <= 1:
            raise InvalidInput("stats.bad_score", f"a score of {score!r} does not lie within 0 and 1.")
        self.n += 1
        self._sum += score
        self._above.add(score)
        self._below.add(1 - score)
        lower = min(self._above.bound, self._bounds[1])
        upper = max(1 - self._below.bound, lower)
        self._bounds = lower, upper
        if self._verdict is None:
            self._verdict = "switch" if lower > self.low else "stay" if upper < self.high else None

    @property
    def mean(self) -> float:
        """Mean of the observations so far; NaN before the first."""
        return self._sum / self.n if self.n else float("nan")

    @property
    def log_switch(self) -> float:
        """Natural log of the evidence that the mean is above the low edge, as it stands now; 0 is none."""
        return self._above.evidence

    @property
    def log_stay(self) -> float:
        """Natural log of the evidence that the mean is below the high edge, as it stands now; 0 is none."""
        return self._below.evidence

    def bounds(self) -> tuple[float, float]:
        """Where the mean lies: above the first with confidence 1 - alpha and below the second with the same, at all looks at once.

        They are the tightest of all looks so far, so they never widen, and the mean so far may come to lie outside of them. They
        meet where they would cross, which happens with probability 2 alpha at most.
        """
        return self._bounds

    def verdict(self) -> Outcome | None:
        """What has been shown first; it stays. *switch*: the lower bound is above the low edge. *stay*: the upper bound is below
        the high edge. Where both come at once (the mean lies in the zone, and either is right) it is *switch*."""
        return self._verdict

    def more(self) -> int | None:
        """About how many further observations one of the two needs, should they go on like those so far. None when neither gains
        by them, or when it would be over 10,000. 0 once there is a verdict."""
        if self._verdict:
            return 0
        return min((more for side in (self._above, self._below) if (more := side.more(self.n)) is not None), default=None)


class _Doubt:
    """The capital of one who bets against the claim that the mean is at most ``edge``, and the mean up to which all are refuted.

    ``_logs[0]`` are the logs of the weighted capital of each bet against the edge, ``_logs[1]`` those against the bound.
    """

    def __init__(self, edge: float, enough: float):
        self._enough = enough
        self._means = np.array([edge, _LEAST_BOUND])
        self._logs = np.stack((_LOG_WEIGHTS, _LOG_WEIGHTS))
        self._counts: dict[float, int] = {}
        self.evidence = 0.0

    @property
    def bound(self) -> float:
        bound = float(self._means[1])
        return bound if bound > _LEAST_BOUND else 0.0

    def add(self, score: float) -> None:
        self._counts[score] = self._counts.get(score, 0) + 1
        self._logs += np.log1p((score / self._means - 1)[:, None] * _BETS)
        self.evidence, at_bound = _log_sum(self._logs).tolist()
        edge, bound = self._means.tolist()
        if self.evidence >= self._enough and bound <= edge:
            self._raise_bound(edge + _LEAST_STEP)  # the edge itself is refuted, so the bound lies beyond it
        elif at_bound >= self._enough:
            self._raise_bound(bound)

    def more(self, n: int) -> int | None:
        """Further observations until the capital is enough, if each bet goes on gaining what it gained on average."""
        gains = self._logs[0] - _LOG_WEIGHTS
        if not n or gains.max() <= 0:
            return None
        few, many = 0, 1
        while _log_sum(_LOG_WEIGHTS + gains * (1 + many / n)) < self._enough:
            few, many = many, 2 * many
            if few > _MOST_MORE:
                return None
        while many - few > 1:
            middle = (few + many) // 2
            short = _log_sum(_LOG_WEIGHTS + gains * (1 + middle / n)) < self._enough
            few, many = (middle, many) if short else (few, middle)
        return many if many <= _MOST_MORE else None

    def _raise_bound(self, start: float) -> None:
        """Newton's steps from ``start``, which is refuted, towards the mean at which the capital is just enough. Every point on the
        way is refuted."""
        values = np.fromiter(self._counts.keys(), np.float64)
        counts = np.fromiter(self._counts.values(), np.float64)
        point, step = start, 0.0
        while True:
            factors = 1 + _BETS * (values[:, None] / point - 1)
            logs = _LOG_WEIGHTS + counts @ np.log(factors)
            log_capital = float(_log_sum(logs))
            if log_capital < self._enough and step:
                return
            self._means[1], self._logs[1] = point, logs
            slope = float((counts * values / point**2) @ (_BETS / factors) @ np.exp(logs - log_capital))
            step = (log_capital - self._enough) / slope
            if step < _LEAST_STEP:
                return
            point += step


def _log_sum(logs: Floats) -> Floats:
    """Natural log of the sum of what ``logs`` are the logs of, along the last axis."""
    return np.asarray(np.logaddexp.reduce(logs, axis=-1))
