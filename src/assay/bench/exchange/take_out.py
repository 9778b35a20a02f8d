"""A run of our own, made ready to travel: with its words and its targets, as far as they may be shown."""

from __future__ import annotations

import asyncio
import logging

import msgspec

from assay.bench.exchange.sheet import Sheet
from assay.bench.queries_results import load_results
from assay.bench.redacted import is_hidden, redacted
from assay.bench.report import RunReport
from assay.bench.run_tasks import Tasks
from assay.bench.runs import Runs
from assay.core import AssayError
from assay.store import Database

log = logging.getLogger(__name__)


async def take_out(db: Database, runs: Runs, tasks: Tasks, id: str) -> Sheet:
    """The run of that id. Of a gated task that was not unlocked, words are marks and targets are left out.

    Raises:
        NotFound: ``bench.run_not_found``.
    """
    report = await runs.report(id)
    hidden = is_hidden(report.gated, report.spec)
    results = [result for result in await load_results(db, id, bodies=True) if result.state == "scored"]
    return Sheet(
        task=report.task,
        title=report.title,
        version=str(report.version),
        model=report.model,
        source="assay",
        at=report.at,
        results=tuple(redacted(result) for result in results) if hidden else tuple(results),
        parts={"recipe": report.recipe, **report.parts},
        targets={} if hidden else await _targets(tasks, report),
        sampling=msgspec.to_builtins(report.parts.get("sampling", {})),
    )


async def _targets(tasks: Tasks, report: RunReport) -> dict[str, str]:
    """Right answers by question, where the task and its data are here and its targets are words or numbers."""
    try:
        task = tasks.find(report.task)
        files = await tasks.fetch(task)
        samples = await asyncio.to_thread(tasks.kind(task).read, task, files)
    except AssayError as error:
        log.info("a run is written without its targets run=%s code=%s", report.id, error.code)
        return {}
    return {sample.id: str(sample.target) for sample in samples if isinstance(sample.target, str | int | float)}
