"""What a run says: its score with an interval, and beside it what became of every answer, what it cost and how long it took.

A result is an *answer* where it was scored and its outcome is not ``error``. The score is the mean value of the answers. Errors say
nothing of the model: under 1 % of them are left out, and counted in ``coverage``; from there on nobody knows whether the
questions left out were the hard ones, so there is no value, and the bounds are what would hold were they all wrong, or all right
(Horowitz and Manski 1995, Identification and robustness with contaminated and corrupted data, Econometrica 63, 281-302).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import takewhile

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.bench.outcome import OF, OUTCOMES, Outcome, Scored
from assay.bench.result import Result
from assay.core import Money
from assay.stats import Interval, Split, bootstrap_mean, mean, pass_at_k, quantile, share, split_variance
from assay.stats.fit import Floats

MOST_ERRORS = 0.01
"""From this share of errors on a score has no value."""

_MOST_THINGS = 100
"""That one answer is a share of; no question gives so many instructions."""

_ANSWERED = frozenset({"right", "wrong", "graded"})
_QUANTILES = (0.5, 0.95, 0.99)
Codes = NDArray[np.int64]


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what was to be asked the score rests on. ``share`` is that of answers among all that came to an end."""

    results: int
    answers: int
    errors: int
    waiting: int
    share: float | None


class PassAt(msgspec.Struct, frozen=True, kw_only=True):
    """The chance that one of ``k`` answers to a question is right; ``value.n`` counts questions."""

    k: int
    value: Interval


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """Totals as the provider counts them; ``output`` includes ``reasoning``. ``unknown`` results came without a count."""

    input: int
    output: int
    reasoning: int
    unknown: int


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Quantiles in microseconds, with intervals by question; answers out of the cache are left out."""

    p50: Interval
    p95: Interval
    p99: Interval


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """``score`` is the mean over answers, ``macro`` that over categories, each of which counts the same; of a balanced task that is
    the score, too. ``metrics`` are the parts of scores by name. Intervals are by question, or by cluster of questions; ``interval``
    says which: ``wilson``, ``wilson_clustered``, ``bootstrap``, ``bootstrap_clustered``, ``categories`` or ``bounds``. ``cost`` is by currency; ``unpriced`` results have none.
    """

    questions: int
    clusters: int
    samples: int
    score: Interval
    interval: str
    macro: Interval
    coverage: Coverage
    outcomes: dict[Outcome, int]
    metrics: dict[str, Interval]
    by_category: dict[str, Interval]
    pass_at_k: tuple[PassAt, ...]
    spread: Split
    tokens: Tokens
    cost: tuple[Money, ...]
    unpriced: int
    latency: Times
    ttft: Times


def summarise(results: Sequence[Result], *, balanced: bool = False) -> Summary:
    """Everything that ``results``, all of one run, say. ``balanced``: the score is the mean over categories."""
    ended = [result for result in results if result.scored is not None]
    answers = answers_of(results)
    values = values_of(answers)
    questions, clusters = codes_of(result.sample for result in answers), clusters_of(answers)
    lost = [result for result in ended if result.scored is not None and result.scored.value is None]
    score, interval = _score(answers, lost, values, clusters, balanced=balanced)
    outcomes = Counter(result.scored.outcome for result in ended if result.scored is not None)
    categories = [result.category for result in answers]
    by_category = _by_category(categories, values, clusters)
    return Summary(
        questions=_count(questions),
        clusters=_count(clusters),
        samples=max((result.epoch + 1 for result in results), default=0),
        score=score,
        interval=interval,
        macro=_macro(categories, values, clusters) if by_category else Interval(reason="no_categories"),
        coverage=Coverage(
            results=len(results),
            answers=len(answers),
            errors=len(lost),
            waiting=len(results) - len(ended),
            share=len(answers) / len(ended) if ended else None,
        ),
        outcomes={outcome: outcomes[outcome] for outcome in OUTCOMES},
        metrics=_metrics(answers, clusters),
        by_category=by_category,
        pass_at_k=_pass_at(values, questions, clusters),
        spread=split_variance(values, questions),
        tokens=_tokens(ended),
        cost=_cost(ended),
        unpriced=sum(result.cost is None and not result.cached for result in ended),
        latency=_times([None if result.cached else result.latency_us for result in answers], clusters),
        ttft=_times([None if result.cached else result.ttft_us for result in answers], clusters),
    )


def answers_of(results: Iterable[Result]) -> list[Result]:
    """Those that were scored, and are no errors."""
    return [result for result in results if result.scored is not None and result.scored.value is not None]


def values_of(answers: Iterable[Result]) -> Floats:
    """What each answer counts towards the score."""
    return np.array([result.scored.value for result in answers if result.scored is not None], np.float64)


def mean_of(values: Floats, clusters: Codes) -> tuple[Interval, str]:
    """The mean of ``values`` in [0, 1], and the kind of its interval: Wilson's for 0 and 1, by drawing again for what lies between; by
    cluster where a question was asked more often, or questions go together."""
    alone = _count(clusters) == values.size
    if not np.isin(values, (0.0, 1.0)).all():
        return bootstrap_mean(values, None if alone else clusters), "bootstrap" if alone else "bootstrap_clustered"
    if alone:
        return share(values.sum(), values.size), "wilson"
    return share(values, values.size, clusters), "wilson_clustered"


def codes_of(names: Iterable[str]) -> Codes:
    """Each name as a number: 0 for the first that is seen, 1 for the next other one, and so on."""
    known: dict[str, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], np.int64)


def clusters_of(results: Iterable[Result]) -> Codes:
    """What may be right or wrong together, as numbers: the results of one cluster, or of one question that has none."""
    return codes_of(f"c:{result.cluster}" if result.cluster is not None else f"q:{result.sample}" for result in results)


def clusters_among(clusters: Codes, chosen: NDArray[np.bool_]) -> Codes:
    """The clusters of the chosen ones, numbered from 0 on without a gap."""
    return np.asarray(np.unique(clusters[chosen], return_inverse=True)[1], np.int64)


def category_mean(values: Floats, categories: Codes, clusters: Codes) -> Interval:
    """The mean of the categories' means: each value weighs as much as makes its category count one."""
    middle = np.bincount(categories, weights=values) / np.bincount(categories)
    around = mean((values - middle[categories]) * weights_of(categories), clusters)
    value = float(middle.mean())
    if around.low is None or around.high is None:
        return Interval(value=value, n=values.size, reason=around.reason)
    reach = (around.high - around.low) / 2
    return Interval(value=value, low=value - reach, high=value + reach, n=values.size)


def weights_of(categories: Codes) -> Floats:
    """With these, a mean over values is that over categories."""
    sizes = np.bincount(categories)
    return np.asarray(categories.size / (sizes.size * sizes[categories]), np.float64)


def _score(
    answers: Sequence[Result], lost: Sequence[Result], values: Floats, clusters: Codes, *, balanced: bool
) -> tuple[Interval, str]:
    n = values.size + len(lost)
    if not n:
        return Interval(reason="no_data"), "wilson"
    if len(lost) / n < MOST_ERRORS:
        return _centre(answers, values, clusters, balanced=balanced)
    everyone, lone = [*answers, *lost], np.concatenate((clusters, np.arange(len(lost)) + _count(clusters)))
    worst, best = (
        _centre(everyone, np.concatenate((values, np.full(len(lost), one))), lone, balanced=balanced)[0] for one in (0.0, 1.0)
    )
    return Interval(low=worst.low, high=best.high, n=values.size, reason="errors"), "bounds"


def _centre(results: Sequence[Result], values: Floats, clusters: Codes, *, balanced: bool) -> tuple[Interval, str]:
    categories = [result.category for result in results]
    if balanced and len(set(categories)) > 1:
        return _macro(categories, values, clusters), "categories"
    return mean_of(values, clusters)


def _by_category(categories: Sequence[str | None], values: Floats, clusters: Codes) -> dict[str, Interval]:
    """The mean of each category. Answers that have none are in none."""
    codes = codes_of(category or "" for category in categories)
    found = {}
    for at, name in enumerate(dict.fromkeys(categories)):
        if name is not None:
            here = codes == at
            found[name] = mean_of(values[here], clusters_among(clusters, here))[0]
    return found


def _macro(categories: Sequence[str | None], values: Floats, clusters: Codes) -> Interval:
    """The mean over categories. Where all answers of each are alike, nothing tells how they vary, and its interval is put together from
    those of the categories (Zou and Donner 2008, Construction of confidence limits about effect measures, Statistics in Medicine 27,
    1693-1702)."""
    codes = codes_of(category or "" for category in categories)
    found = category_mean(values, codes, clusters)
    if found.reason != "no_spread" or found.value is None:
        return _within(found)
    reaches = []
    for at in range(_count(codes)):
        one = mean_of(values[codes == at], clusters_among(clusters, codes == at))[0]
        if one.value is None or one.low is None or one.high is None:
            return found
        reaches.append((one.value - one.low, one.high - one.value))
    below, above = (np.linalg.norm(reaches, axis=0) / len(reaches)).tolist()
    return _within(Interval(value=found.value, low=found.value - below, high=found.value + above, n=found.n))


def _metrics(answers: Sequence[Result], clusters: Codes) -> dict[str, Interval]:
    """The mean of each part. One that is a share of several things (``name:of``) counts once for each of them, as if each were an
    answer of the same cluster: so a metric over instructions is one over all instructions of a run."""
    found = {}
    for name, (has, part) in parts_of(answers).items():
        sizes = [_size(one.scored, name) for one, had in zip(answers, has, strict=True) if had and one.scored]
        found[name] = mean_of(np.repeat(part[has], sizes), np.repeat(clusters_among(clusters, has), sizes))[0]
    return found


def _size(scored: Scored, name: str) -> int:
    """Of how many things the part is a share; a run from elsewhere may say anything, and must not take all memory."""
    return int(min(max(scored.parts.get(name + OF, 1), 0), _MOST_THINGS))


def parts_of(answers: Sequence[Result]) -> dict[str, tuple[NDArray[np.bool_], Floats]]:
    """By name of a part: which answers have it, and what they got. A part that every real answer has is one of all questions: it is 0
    where there was none to be found, or the model refused, or ran out of tokens or time. A part beyond 0 and 1 is a count of something,
    and stays with its answers."""
    parts = [result.scored.parts if result.scored is not None else {} for result in answers]
    real = [result.scored is not None and result.scored.outcome in _ANSWERED for result in answers]
    found = {}
    counts = {name for one in parts for name, value in one.items() if name.endswith(OF) or not 0.0 <= value <= 1.0}
    for name in dict.fromkeys(name for one in parts for name in one if name not in counts):
        of_all = all(name in one for one, answered in zip(parts, real, strict=True) if answered)
        found[name] = (
            np.array([of_all or name in one for one in parts], np.bool_),
            np.array([one.get(name, 0.0) for one in parts], np.float64),
        )
    return found


def _pass_at(values: Floats, questions: Codes, clusters: Codes) -> tuple[PassAt, ...]:
    """For k = 1, 2, 4 and so on up to the most that any question was asked; none where answers are graded, or one each."""
    if not values.size or not np.isin(values, (0.0, 1.0)).all():
        return ()
    asked = np.bincount(questions)
    right = np.bincount(questions, weights=values).astype(np.int64)
    cluster = np.zeros(asked.size, np.int64)
    cluster[questions] = clusters
    most = int(asked.max())
    if most < 2:
        return ()
    ks = [*takewhile(lambda k: k < most, (2**power for power in range(20))), most]
    together = None if _count(clusters) == asked.size else cluster
    return tuple(PassAt(k=k, value=pass_at_k(right, asked, k, together)) for k in ks)


def _tokens(results: Sequence[Result]) -> Tokens:
    known = [result.usage for result in results if result.usage is not None]
    return Tokens(
        input=sum(usage.total_input for usage in known),
        output=sum(usage.total_output for usage in known),
        reasoning=sum(usage.reasoning for usage in known),
        unknown=len(results) - len(known),
    )


def _cost(results: Sequence[Result]) -> tuple[Money, ...]:
    total: Counter[str] = Counter()
    for result in results:
        if result.cost is not None:
            total[result.cost.currency] += result.cost.nano
    return tuple(Money(nano, currency) for currency, nano in total.items())


def _times(times_us: Sequence[int | None], clusters: Codes) -> Times:
    known = np.array([time_us is not None for time_us in times_us], np.bool_)
    values = np.array([time_us for time_us in times_us if time_us is not None], np.float64)
    p50, p95, p99 = (quantile(values, q, clusters_among(clusters, known)) for q in _QUANTILES)
    return Times(p50=p50, p95=p95, p99=p99)


def _within(found: Interval) -> Interval:
    low, high = (None if bound is None else min(1.0, max(0.0, bound)) for bound in (found.low, found.high))
    return msgspec.structs.replace(found, low=low, high=high)


def _count(codes: Codes) -> int:
    return int(codes.max(initial=-1)) + 1
