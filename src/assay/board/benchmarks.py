"""What benchmarks that were run here say of each model. Only what was measured: claims never come near."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from assay.board.shown import BoardBenchmark, BoardScore
from assay.core import Measurement, Provider, iso
from assay.store import Database
from assay.store.queries import latest_measurements_below

RUNS = "/bench/"


class Benchmarks(msgspec.Struct, frozen=True, kw_only=True):
    """``scores`` by the model's name, one for each task and recipe; ``columns`` one for each task, in the recipe most models share."""

    columns: list[BoardBenchmark]
    scores: dict[str, list[BoardScore]]


async def read_benchmarks(db: Database, providers: Iterable[Provider]) -> Benchmarks:
    """The newest score of every model on every task in every recipe. One that was asked all questions goes before one that was
    asked some, whichever is newer."""
    names = {f"{provider.name}/{model.name}": model.name for provider in providers for model in provider.models}
    found: dict[tuple[str, str, str], BoardScore] = {}
    titles: dict[str, str] = {}
    for one in await latest_measurements_below(db, RUNS):
        if one.kind != "estimate" or one.source != "measured" or one.metric != one.conditions.get("task"):
            continue
        score = _score(one)
        titles[score.task] = str(one.conditions.get("title", score.task))
        key = (names.get(one.subject, one.subject.partition("/")[2] or one.subject), score.task, score.recipe)
        if key not in found or _standing(score) > _standing(found[key]):
            found[key] = score
    scores: dict[str, list[BoardScore]] = {}
    for (name, _, _), score in found.items():
        scores.setdefault(name, []).append(score)
    return Benchmarks(columns=_columns(titles, found.values()), scores=scores)


def _columns(titles: dict[str, str], scores: Iterable[BoardScore]) -> list[BoardBenchmark]:
    """That with the most models first, so that what can be compared at all is seen first."""
    counted = Counter((score.task, score.recipe) for score in scores)
    columns: dict[str, BoardBenchmark] = {}
    for (task, recipe), models in counted.most_common():
        columns.setdefault(task, BoardBenchmark(task=task, title=titles[task], recipe=recipe, models=models))
    return list(columns.values())


def _score(measured: Measurement) -> BoardScore:
    limit = measured.conditions.get("limit")
    return BoardScore(
        task=measured.metric,
        recipe=str(measured.conditions.get("recipe", "")),
        model=measured.subject,
        value=measured.value if isinstance(measured.value, float | int) else None,
        low=measured.low,
        high=measured.high,
        n=measured.n or 0,
        reason=measured.reason,
        questions=limit if isinstance(limit, int) else None,
        at=iso(measured.at),
        rows=measured.rows or "",
    )


def _standing(score: BoardScore) -> tuple[bool, str]:
    return score.questions is None, score.at
