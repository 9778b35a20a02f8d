"""The API of ranks: several runs of one task in order."""

from __future__ import annotations

import asyncio

import msgspec
from starlette.requests import Request

from assay.api import Endpoint
from assay.bench.queries_results import load_results
from assay.bench.ranking import Ranked, rank_runs
from assay.bench.recipe import is_balanced
from assay.bench.runs import Runs
from assay.core import InvalidInput, Unprocessable
from assay.store import Database

MOST_RUNS = 50


class WhichRuns(msgspec.Struct, frozen=True):
    """Which runs: their ids with commas between them."""

    runs: str


class RankedRun(msgspec.Struct, frozen=True):
    """A run and where it stands."""

    model: str
    ranked: Ranked


class RankedRuns(msgspec.Struct, frozen=True):
    """The best first. ``same_recipe`` is false where they were not all measured alike."""

    task: str
    same_recipe: bool
    runs: list[RankedRun]


def ranking_routes(db: Database, runs: Runs) -> list[Endpoint]:
    """``runs`` knows all runs."""

    async def rank(request: Request, query: WhichRuns) -> RankedRuns:
        """Several runs of one task in order, each rank with its range, over the questions that all have answered."""
        ids = list(dict.fromkeys(id for id in query.runs.split(",") if id))
        if not 2 <= len(ids) <= MOST_RUNS:
            raise InvalidInput(
                "bench.ranked_runs",
                f"{len(ids)} different runs cannot be ranked.",
                hint=f"Give 2 to {MOST_RUNS} of them.",
                param="runs",
            )
        reports = [await runs.report(id) for id in ids]
        if len({report.task for report in reports}) > 1:
            raise Unprocessable(
                "bench.other_task",
                "The runs are not all of one task: they have no question in common.",
                hint="Rank runs of one task.",
                param="runs",
            )
        results = {id: await load_results(db, id) for id in ids}
        balanced = all(is_balanced(report.parts) for report in reports)
        ranked = await asyncio.to_thread(rank_runs, results, balanced=balanced)
        models = {report.id: report.model for report in reports}
        return RankedRuns(
            task=reports[0].task,
            same_recipe=len({report.recipe for report in reports}) == 1,
            runs=[RankedRun(models[one.name], one) for one in ranked],
        )

    return [Endpoint("GET", "/api/v1/bench/rank", rank)]
