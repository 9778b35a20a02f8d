"""A run that another program made, kept among our own: to be looked at, and compared with question by question.

Its numbers were not measured here, so they are not published on the board, and its recipe says which program it is of.
"""

from __future__ import annotations

import asyncio

import msgspec

from assay.bench import queries
from assay.bench.exchange.check import check
from assay.bench.exchange.sheet import Sheet
from assay.bench.queries import Run
from assay.bench.queries_results import Body, Figures
from assay.bench.result import Result
from assay.bench.run_plan import SHARD, Plan
from assay.bench.run_telling import Telling
from assay.bench.spec import Spec
from assay.bench.summary import summarise
from assay.core import Transcript, content_hash, new_id
from assay.store import Database, Sql

INSERT_ENDED = Sql("""
    INSERT INTO bench_runs
        (id, state, at, ended_at, task, model, recipe, spec, plan, asker, trouble, report, worked_us, owner, beat)
    VALUES (:id, 'ended', :at, :at, :task, :model, :recipe, :spec, :plan, :asker, NULL, NULL, 0, '', 0)
""")
INSERT_SCORED = Sql("""
    INSERT INTO bench_results (run, number, sample, epoch, cluster, category, state, worker, figures, outcome, scored)
    VALUES (:run, :number, :sample, :epoch, :cluster, :category, 'scored', :worker, :figures, :outcome, :scored)
""")
INSERT_BODY = Sql("INSERT INTO bench_answers (run, number, worker, body) VALUES (:run, :number, :worker, :body)")

_WORKER = "elsewhere"
_encode = msgspec.json.Encoder().encode


async def bring_in(db: Database, sheet: Sheet, asker: str = "") -> str:
    """Keep ``sheet`` as a run that has ended; its id.

    Raises:
        InvalidInput: ``exchange.empty``, ``exchange.twice``, ``exchange.unscored``, ``exchange.invalid``.
    """
    await asyncio.to_thread(check, sheet)
    await asyncio.to_thread(summarise, sheet.results)  # what cannot be summed up must not be found out by everyone afterwards
    run = _run(sheet, asker)
    results = await asyncio.to_thread(_rows, run.id, sheet)
    row = {
        "id": run.id,
        "at": run.at,
        "task": sheet.task,
        "model": sheet.model,
        "recipe": run.recipe,
        "spec": _encode(run.spec).decode(),
        "plan": _encode(run.plan).decode(),
        "asker": asker,
    }
    await db.write([(INSERT_ENDED, row), (INSERT_SCORED, results[0]), (INSERT_BODY, results[1])])
    await queries.save_report(db, run.id, await Telling(db).report(run))
    return run.id


def _run(sheet: Sheet, asker: str) -> Run:
    parts = {"source": sheet.source, "task": sheet.task, "version": sheet.version, **sheet.parts}
    questions = len({result.sample for result in sheet.results})
    plan = Plan(
        task=sheet.task,
        version=1,
        title=sheet.title,
        gated=False,
        model=sheet.model,
        questions=questions,
        epochs=-(-len(sheet.results) // questions),
        shard=SHARD,
        prices={},
        recipe=parts,
    )
    spec = Spec(task=sheet.task, model=sheet.model)
    return Run(
        id=new_id(), state="ended", at=sheet.at, ended_at=sheet.at, spec=spec, plan=plan, recipe=content_hash(parts), asker=asker
    )


def _rows(run: str, sheet: Sheet) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    scored = [_scored_row(run, number, result) for number, result in enumerate(sheet.results)]
    bodies = [
        {
            "run": run,
            "number": number,
            "worker": _WORKER,
            "body": _encode(Body(transcript=result.transcript or Transcript(()), message=result.message)).decode(),
        }
        for number, result in enumerate(sheet.results)
        if result.message is not None
    ]
    return scored, bodies


def _scored_row(run: str, number: int, result: Result) -> dict[str, object]:
    assert result.scored is not None
    figures = Figures(
        stop=result.stop,
        calls=(),
        usage=result.usage,
        cost=result.cost,
        latency_us=result.latency_us,
        ttft_us=result.ttft_us,
        cached=result.cached,
    )
    return {
        "run": run,
        "number": number,
        "sample": result.sample,
        "epoch": result.epoch,
        "cluster": result.cluster,
        "category": result.category,
        "worker": _WORKER,
        "figures": _encode(figures).decode(),
        "outcome": result.scored.outcome,
        "scored": _encode(result.scored).decode(),
    }
