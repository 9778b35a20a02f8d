"""The SQL of runs: what was asked for and planned, how each stands, and who sees to it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from assay.bench.report import RunReport, State
from assay.bench.run_plan import Plan
from assay.bench.spec import Spec
from assay.bench.task import Sample
from assay.store import Database, Row, Sql

INSERT_RUN = Sql("""
    INSERT INTO bench_runs
        (id, state, at, ended_at, task, model, recipe, spec, plan, asker, trouble, report, worked_us, owner, beat)
    VALUES (:id, 'running', :at, NULL, :task, :model, :recipe, :spec, :plan, :asker, NULL, NULL, 0, :owner, 0)
""")
INSERT_RESULT = Sql("""
    INSERT INTO bench_results (run, number, sample, epoch, cluster, category, state)
    VALUES (:run, :number, :sample, :epoch, :cluster, :category, 'waiting')
""")
INSERT_SHARD = Sql("INSERT INTO bench_shards (run, shard, worker, done) VALUES (:run, :shard, NULL, 0)")
_RUN = "SELECT id, state, at, ended_at, recipe, spec, plan, asker, trouble, worked_us, owner FROM bench_runs"
SELECT_RUN = Sql(f"{_RUN} WHERE id = :id")
SELECT_RUNS = Sql(f"{_RUN} WHERE :task = '' OR task = :task ORDER BY at DESC, id DESC LIMIT :limit")
SELECT_REPORT = Sql("SELECT report FROM bench_runs WHERE id = :id")
SET_STATE = Sql("""
    UPDATE bench_runs SET state = :state, ended_at = :ended_at, trouble = :trouble, worked_us = worked_us + :worked_us
    WHERE id = :id AND owner = :owner AND state = 'running'
""")
GO_ON = Sql("""
    UPDATE bench_runs
    SET state = 'running', owner = :owner, spec = :spec, plan = :plan, ended_at = NULL, trouble = NULL, report = NULL
    WHERE id = :id AND (state <> 'running' OR owner = :owner)
""")
STOP = Sql("UPDATE bench_runs SET state = 'stopped' WHERE id = :id AND state = 'running'")
SET_REPORT = Sql("UPDATE bench_runs SET report = :report WHERE id = :id")
BEAT = Sql("UPDATE bench_runs SET beat = beat + 1 WHERE owner = :owner AND state = 'running'")
SELECT_BEATS = Sql("SELECT id, owner, beat FROM bench_runs WHERE state = 'running'")
INTERRUPT_OWN = Sql("UPDATE bench_runs SET state = 'interrupted' WHERE state = 'running' AND owner IN (:owner, '')")
INTERRUPT_LOST = Sql("""
    UPDATE bench_runs SET state = 'interrupted' WHERE id = :id AND owner = :owner AND beat = :beat AND state = 'running'
""")

_SPEC = msgspec.json.Decoder(Spec)
_PLAN = msgspec.json.Decoder(Plan)
_REPORT = msgspec.json.Decoder(RunReport)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it is kept. Times in microseconds UTC; ``worked_us`` is how long it ran, without the pauses. ``owner`` is the server
    that saw to it last, ``trouble`` why it was cut short. ``recipe`` is the hash of what decides its number."""

    id: str
    state: State
    at: int
    spec: Spec
    plan: Plan
    recipe: str
    asker: str = ""
    ended_at: int | None = None
    trouble: str | None = None
    worked_us: int = 0
    owner: str = ""


class Beat(msgspec.Struct, frozen=True):
    """Whose a run is, and its count when it was looked at."""

    owner: str
    beat: int


async def add_run(db: Database, run: Run, samples: Sequence[Sample]) -> None:
    """Save a new run with a row for each sample and each shard."""
    row = {
        "id": run.id,
        "at": run.at,
        "task": run.plan.task,
        "model": run.plan.model,
        "recipe": run.recipe,
        "spec": encode(run.spec),
        "plan": encode(run.plan),
        "asker": run.asker,
        "owner": run.owner,
    }
    shards = -(-run.plan.samples // run.plan.shard)
    await db.write(
        [
            (INSERT_RUN, row),
            (INSERT_RESULT, await asyncio.to_thread(_rows, run, samples)),
            (INSERT_SHARD, [{"run": run.id, "shard": shard} for shard in range(shards)]),
        ]
    )


async def load_run(db: Database, id: str) -> Run | None:
    """The run of that id."""
    rows = await db.read(SELECT_RUN, id=id)
    return _run(rows[0]) if rows else None


async def list_runs(db: Database, *, task: str = "", limit: int = 200) -> list[Run]:
    """The newest runs first, of one task where it is named."""
    return [_run(row) for row in await db.read(SELECT_RUNS, task=task, limit=limit)]


async def set_state(
    db: Database, id: str, owner: str, state: State, *, worked_us: int, ended_at: int | None = None, trouble: str | None = None
) -> None:
    """Say where a run of ``owner`` that was running stands now; one that another server has taken over is left alone."""
    row = {"id": id, "owner": owner, "state": state, "ended_at": ended_at, "trouble": trouble, "worked_us": worked_us}
    await db.write([(SET_STATE, row)])


async def go_on(db: Database, run: Run, owner: str) -> bool:
    """Say that a run goes on at ``owner``, perhaps with another budget; False where another server runs it."""
    row = {"id": run.id, "spec": encode(run.spec), "plan": encode(run.plan), "owner": owner}
    async with db.transaction() as tx:
        return await tx.write(GO_ON, row) > 0


async def stop_elsewhere(db: Database, id: str) -> None:
    """Have whoever runs it stop."""
    await db.write([(STOP, {"id": id})])


async def save_report(db: Database, id: str, report: RunReport) -> None:
    """Keep the report of a run that has ended."""
    await db.write([(SET_REPORT, {"id": id, "report": encode(report)})])


async def load_report(db: Database, id: str) -> RunReport | None:
    """The report that was kept, None where there is none."""
    rows = await db.read(SELECT_REPORT, id=id)
    return _REPORT.decode(rows[0]["report"]) if rows and rows[0]["report"] else None


async def beat(db: Database, owner: str) -> None:
    """Say that what ``owner`` runs is still running."""
    await db.write([(BEAT, {"owner": owner})])


async def load_beats(db: Database) -> dict[str, Beat]:
    """Every run under way anywhere."""
    return {row["id"]: Beat(row["owner"], row["beat"]) for row in await db.read(SELECT_BEATS)}


async def interrupt_own(db: Database, owner: str) -> None:
    """Nothing of its own runs when a server starts: whatever says so was cut off."""
    await db.write([(INTERRUPT_OWN, {"owner": owner})])


async def interrupt_lost(db: Database, id: str, last: Beat) -> None:
    """Whoever saw to this run has not been heard of for so long that they are gone; unless they are heard of just now."""
    await db.write([(INTERRUPT_LOST, {"id": id, "owner": last.owner, "beat": last.beat})])


def encode(value: Any) -> str:
    """``value`` as the JSON that is kept."""
    return msgspec.json.encode(value).decode()


def _rows(run: Run, samples: Sequence[Sample]) -> list[dict[str, Any]]:
    return [
        {
            "run": run.id,
            "number": epoch * len(samples) + at,
            "sample": sample.id,
            "epoch": epoch,
            "cluster": sample.cluster,
            "category": sample.category,
        }
        for epoch in range(run.plan.epochs)
        for at, sample in enumerate(samples)
    ]


def _run(row: Row) -> Run:
    return Run(
        id=row["id"],
        state=row["state"],
        at=row["at"],
        spec=_SPEC.decode(row["spec"]),
        plan=_PLAN.decode(row["plan"]),
        recipe=row["recipe"],
        asker=row["asker"],
        ended_at=row["ended_at"],
        trouble=row["trouble"],
        worked_us=row["worked_us"],
        owner=row["owner"],
    )
