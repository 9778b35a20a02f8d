"""Two runs on the same questions: is A better, is B better, or can nobody tell.

Each question's values are averaged, and only questions that both runs have are compared, pair by pair, so that hard questions do not
count as a difference. Of a balanced task the score is the mean over categories, and so is the difference. A verdict needs both: a p
value of at most 5 %, and an interval without zero. The score is the question that is asked, and is tested by itself; parts and
categories are looked at besides, so Holm's correction holds for all of them together. Several tasks are held together by
`hold_together`.

An error is no wrong answer. Under 1 % of questions without an answer from one of the two are left out; from there on there is no
value, and the bounds and the p value are the worst that any answers in their place could make them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np

from assay.bench.outcome import OUTCOMES, Outcome
from assay.bench.pairs import Pairs, both_known
from assay.bench.recipe import Recipe, is_balanced
from assay.bench.result import Result
from assay.bench.summary import MOST_ERRORS, Codes, category_mean, clusters_among, weights_of
from assay.core import Unprocessable
from assay.stats import (
    FEWEST_FLIPS,
    LEVEL,
    Interval,
    detectable,
    holm,
    mcnemar,
    paired_mean,
    paired_share,
    sign_flip,
)
from assay.stats.fit import Floats

Finding: TypeAlias = Literal["A better", "B better", "cannot tell"]
Test: TypeAlias = Literal["mcnemar", "sign_flip"]

_SCORE = "score"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One number of both runs over the same ``questions``. ``difference`` is A less B.

    ``p_together`` is ``p`` corrected for all that was looked at with it, and what ``verdict`` goes by. ``detectable`` is the smallest
    difference that these questions would show with a chance of 80 %; None where no question differs.
    """

    name: str
    questions: int
    a: float | None
    b: float | None
    difference: Interval
    test: Test
    p: float | None
    p_together: float | None
    detectable: float | None
    verdict: Finding


class Flip(msgspec.Struct, frozen=True, kw_only=True):
    """A question on which the two differ: what each got on average, and what became of its first sample."""

    sample: str
    a: float
    b: float
    outcome_a: Outcome
    outcome_b: Outcome


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """``score`` is what ``verdict`` is about; ``parts`` and ``categories`` are hints. ``outcomes`` counts all results, A's and B's.

    ``only_a`` and ``only_b`` questions were asked in one run alone, ``lost`` ones have no answer from one of the two.
    ``better_a`` and ``better_b``: the questions that flipped, the largest differences first. ``different`` are the parts of the recipe
    that are not the same; then the difference may be theirs. ``cost`` (nano-units a question; None without a price or in two
    currencies) and ``latency`` (microseconds, median) are A less B, too.
    """

    verdict: Finding
    score: Row
    parts: tuple[Row, ...]
    categories: tuple[Row, ...]
    questions: int
    only_a: int
    only_b: int
    lost: int
    outcomes: dict[Outcome, tuple[int, int]]
    better_a: tuple[Flip, ...]
    better_b: tuple[Flip, ...]
    different: tuple[str, ...]
    cost: Interval | None
    latency: Interval

    @property
    def is_worse(self) -> bool:
        """Whether B is worse than A, and not by chance: what ``--gate`` fails for."""
        return self.verdict == "A better"


def compare(
    a: Sequence[Result],
    b: Sequence[Result],
    *,
    recipes: tuple[Recipe, Recipe] | None = None,
    allow_different: bool = False,
) -> Comparison:
    """What the results of two runs say of A and B.

    Raises:
        Unprocessable: ``bench.different_recipes``, unless that is allowed; ``bench.nothing_shared``, no question is in both.
    """
    different = tuple(differing(recipes[0].parts, recipes[1].parts)) if recipes is not None else ()
    if different and not allow_different:
        raise refusal(different)
    pairs = Pairs(a, b)
    balanced = recipes is not None and all(is_balanced(recipe.parts) for recipe in recipes)
    score = _judged([_row(_SCORE, *pairs.values, pairs.clusters, pairs.category if balanced else None)])[0]
    parts, categories = (
        [row for name, x, y in some if (row := _row(name, x, y, pairs.clusters)).questions]
        for some in (pairs.parts(), pairs.categories())
    )
    together = _judged([*parts, *categories])
    flips = _flips(pairs)
    counts = [Counter(one.scored.outcome for one in run if one.scored is not None) for run in (a, b)]
    return Comparison(
        verdict=score.verdict,
        score=score,
        parts=tuple(together[: len(parts)]),
        categories=tuple(together[len(parts) :]),
        questions=score.questions,
        only_a=pairs.only_a,
        only_b=pairs.only_b,
        lost=len(pairs.samples) - score.questions,
        outcomes={outcome: (counts[0][outcome], counts[1][outcome]) for outcome in OUTCOMES},
        better_a=tuple(flip for flip in flips if flip.a > flip.b),
        better_b=tuple(flip for flip in flips if flip.a < flip.b),
        different=different,
        cost=pairs.cost(),
        latency=pairs.latency(),
    )


def refusal(different: Sequence[str]) -> Unprocessable:
    """Why runs with these parts of their recipes different are not compared, and the way out."""
    return Unprocessable(
        "bench.different_recipes",
        f"The two runs did not measure the same thing: {', '.join(different)} differ.",
        hint="Run both with one recipe, or compare them all the same with --across-recipes, which the result then says.",
    )


def hold_together(comparisons: Mapping[str, Comparison]) -> dict[str, Comparison]:
    """Comparisons of the same two on several tasks, by task: each verdict holds when all are looked at together (Holm)."""
    judged = _judged([one.score for one in comparisons.values()])
    return {
        task: msgspec.structs.replace(one, score=row, verdict=row.verdict)
        for (task, one), row in zip(comparisons.items(), judged, strict=True)
    }


def differing(a: Mapping[str, Any], b: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """The parts of two recipes that are not the same, such as ``sampling.temperature``."""
    for name in sorted(a.keys() | b.keys()):
        one, other = a.get(name), b.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from differing(one, other, f"{at}{name}.")
        elif one != other:
            yield f"{at}{name}"


def _row(name: str, x: Floats, y: Floats, clusters: Codes, categories: Codes | None = None) -> Row:
    """How the two differ in one number, not yet judged. Each question has a score; where both have no part, there is none. With
    ``categories`` the number is the mean over them."""
    categories = np.zeros(x.size, np.int64) if categories is None else categories
    known = both_known(x, y)
    asked = ~(np.isnan(x) & np.isnan(y)) | (name == _SCORE)
    n, lost = int(known.sum()), int((asked & ~known).sum())
    left, right, together, groups = x[known], y[known], clusters_among(clusters, known), clusters_among(categories, known)
    if lost < MOST_ERRORS * (n + lost) or not n + lost:
        difference, test, p = _test(left, right, together, groups)
    else:
        difference, test, p = _worst(x[asked], y[asked], clusters_among(clusters, asked), clusters_among(categories, asked), n)
    weights = weights_of(groups)
    least = detectable(weights * (left - right), together)
    return Row(
        name=name,
        questions=n,
        a=float((weights * left).mean()) if n else None,
        b=float((weights * right).mean()) if n else None,
        difference=difference,
        test=test,
        p=p,
        p_together=p,
        detectable=max(least, FEWEST_FLIPS / n) if least is not None and test == "mcnemar" else least,
        verdict="cannot tell",
    )


def _test(x: Floats, y: Floats, clusters: Codes, categories: Codes) -> tuple[Interval, Test, float | None]:
    if categories.any():
        return category_mean(x - y, categories, clusters), "sign_flip", sign_flip(weights_of(categories) * (x - y), clusters)
    binary = bool(np.isin(x, (0.0, 1.0)).all() and np.isin(y, (0.0, 1.0)).all())
    alone = int(clusters.max(initial=-1)) + 1 == x.size
    difference = (paired_share if binary else paired_mean)(x, y, None if alone else clusters)
    if not x.size:
        return difference, "mcnemar", None
    if binary and alone:
        return difference, "mcnemar", mcnemar(int((x > y).sum()), int((x < y).sum()))
    return difference, "sign_flip", sign_flip(x - y, None if alone else clusters)


def _worst(x: Floats, y: Floats, clusters: Codes, categories: Codes, n: int) -> tuple[Interval, Test, float | None]:
    """What is certain whatever the missing answers were: the bounds at both extremes, and the larger p value, if both point one way."""
    for_b, test, p_for_b = _test(np.nan_to_num(x, nan=0.0), np.nan_to_num(y, nan=1.0), clusters, categories)
    for_a, _, p_for_a = _test(np.nan_to_num(x, nan=1.0), np.nan_to_num(y, nan=0.0), clusters, categories)
    one_way = for_a.value is not None and for_b.value is not None and for_a.value * for_b.value > 0
    p = max(p_for_a, p_for_b) if one_way and p_for_a is not None and p_for_b is not None else 1.0
    return Interval(low=for_b.low, high=for_a.high, n=n, reason="errors"), test, p


def _judged(rows: Sequence[Row]) -> list[Row]:
    """The rows with verdicts that hold for all of them together."""
    together = holm([1.0 if row.p is None else row.p for row in rows])
    return [
        msgspec.structs.replace(row, p_together=None if row.p is None else p, verdict=_word(row.difference, p))
        for row, p in zip(rows, together, strict=True)
    ]


def _word(difference: Interval, p: float) -> Finding:
    if p > LEVEL:
        return "cannot tell"
    low, high = (bound if bound is not None else difference.value or 0.0 for bound in (difference.low, difference.high))
    return "A better" if low > 0 else "B better" if high < 0 else "cannot tell"


def _flips(pairs: Pairs) -> list[Flip]:
    """The questions on which the two differ, by how much."""
    x, y = pairs.values
    outcomes = [{one.sample: one.scored.outcome for one in reversed(side) if one.scored is not None} for side in pairs.answers]
    gap = np.abs(np.nan_to_num(x - y))
    order = np.argsort(-gap, kind="stable")[: int((gap > 0).sum())].tolist()
    flipped = ((pairs.samples[at], float(x[at]), float(y[at])) for at in order)
    return [Flip(sample=name, a=a, b=b, outcome_a=outcomes[0][name], outcome_b=outcomes[1][name]) for name, a, b in flipped]
