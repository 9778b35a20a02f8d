"""A run told of while it goes on: counts and costs are read each time, the summary only as often as it is cheap."""

from __future__ import annotations

import asyncio
import time

from assay.bench.queries import Run
from assay.bench.queries_costs import Cost, load_costs
from assay.bench.queries_results import Counted, count_results, load_results
from assay.bench.queries_shards import load_workers
from assay.bench.recipe import is_balanced
from assay.bench.report import Counts, RunReport
from assay.bench.run_meter import Meter
from assay.bench.summary import Summary, summarise
from assay.core import Money
from assay.store import Database

SHARE = 0.05
"""At most so much of the time goes into summaries of a run under way."""
SOONEST_S = 1.0


class Telling:
    """Reports of one run. Many may be looking: one is put together at a time."""

    def __init__(self, db: Database):
        self._db = db
        self._meter = Meter()
        self._lock = asyncio.Lock()
        self._summary: Summary | None = None
        self._cached = 0
        self._scored = 0
        """How many were scored when the summary was made."""
        self._again_at = 0.0

    async def report(self, run: Run) -> RunReport:
        """How ``run`` stands."""
        async with self._lock:
            counted = await count_results(self._db, run.id)
            await self._sum_up(run, counted)
            costs = await load_costs(self._db, run.id)
            workers = await load_workers(self._db, run.id) if run.state == "running" else {}
            return self._report(run, counted, costs, len(workers))

    async def _sum_up(self, run: Run, counted: Counted) -> None:
        scored, now = counted.states["scored"], time.monotonic()
        if scored == self._scored or (run.state == "running" and now < self._again_at):
            return
        began = time.monotonic()
        results = await load_results(self._db, run.id)
        self._summary = await asyncio.to_thread(summarise, results, balanced=is_balanced(run.plan.recipe))
        self._cached = sum(result.cached for result in results)
        self._scored = scored
        took_s = time.monotonic() - began
        self._again_at = began + max(SOONEST_S, took_s / SHARE)

    def _report(self, run: Run, counted: Counted, costs: list[Cost], workers: int) -> RunReport:
        answered = counted.states["answered"] + counted.states["scored"]
        scored = counted.states["scored"]
        self._meter.see(scored)
        is_running = run.state == "running"
        currency = _currency(run)
        return RunReport(
            id=run.id,
            task=run.plan.task,
            version=run.plan.version,
            title=run.plan.title,
            model=run.plan.model,
            state=run.state,
            at=run.at,
            spec=run.spec,
            recipe=run.recipe,
            parts=run.plan.recipe,
            counts=Counts(planned=run.plan.samples, answered=answered, scored=scored),
            outcomes=counted.outcomes,
            gated=run.plan.gated,
            summary=self._summary,
            ended_at=run.ended_at,
            worked_s=run.worked_us / 1e6,
            cost=next((Money(one.spent, one.currency) for one in costs if one.currency == currency), None),
            other_costs=tuple(Money(one.spent, one.currency) for one in costs if one.currency != currency),
            set_aside=next(
                (Money(one.held - one.spent, one.currency) for one in costs if run.spec.budget and one.held > one.spent), None
            ),
            cached=self._cached,
            rate_per_s=self._meter.rate_per_s if is_running else None,
            left_s=self._meter.left_s(run.plan.samples - scored) if is_running else None,
            workers=workers,
            layers=run.plan.layers,
            missing=run.plan.missing,
            trouble=run.trouble,
        )


def _currency(run: Run) -> str:
    price = run.plan.prices.get(run.plan.model)
    return run.spec.budget.currency if run.spec.budget else price.currency if price else "USD"
