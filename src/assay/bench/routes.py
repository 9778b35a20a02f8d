"""The API of the bench: what can be measured, runs begun and followed, their samples, and two runs compared."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from assay.api import EVENT_STREAM, Endpoint, EventStream, signed_in
from assay.bench.compare import compare
from assay.bench.library import Library
from assay.bench.outcome import Outcome
from assay.bench.queries import load_run
from assay.bench.queries_results import load_results, number_of
from assay.bench.recipe import Recipe
from assay.bench.report import RunReport
from assay.bench.runs import Runs
from assay.bench.shown import (
    BegunRun,
    ComparedRuns,
    GoOn,
    NewRun,
    ReadSample,
    ReadTask,
    RunList,
    RunOver,
    RunProgress,
    SamplePage,
    ShownRun,
    TaskList,
    compared,
    read_sample,
    read_task,
    run_line,
    sample_line,
    show_run,
    show_task,
    typical,
)
from assay.core import Forbidden, NotFound, Unavailable, Unprocessable
from assay.store import Database

log = logging.getLogger(__name__)

PACE_S = 0.5
"""The least time between two reports of a run that is followed."""
HEARTBEAT_S = 10.0
_LATEST = 5
"""So many of the newest runs of a task tell what a sample of it takes."""
_MOST_DIGITS = 9

EVENTS: dict[str, type[msgspec.Struct]] = {"progress": RunProgress, "end": RunOver}


class WhichRuns(msgspec.Struct, frozen=True):
    """Runs of one task only; at most ``limit``."""

    task: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 200


class WhichSamples(msgspec.Struct, frozen=True):
    """Which samples: at most ``limit``, those beyond ``after``. ``search`` is part of a question's id, or of what was found or said of
    its answer."""

    outcome: Outcome | None = None
    category: str | None = None
    search: str | None = None
    after: Annotated[int, msgspec.Meta(ge=0)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class WhichTwo(msgspec.Struct, frozen=True):
    """Two runs; at most ``limit`` of the questions that flipped to either side are told."""

    a: str
    b: str
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 200


def routes(db: Database, runs: Runs, library: Library) -> list[Endpoint]:
    """The routes; every request carries its session's id as ``request.state.session``."""
    return [*_tasks(runs, library), *_running(runs), *_reading(db, runs)]


def _tasks(runs: Runs, library: Library) -> list[Endpoint]:
    async def list_tasks(request: Request) -> TaskList:
        """Every task that can be run here."""
        survey = await asyncio.to_thread(library.survey)
        return TaskList([show_task(task) for task in survey.tasks], [str(error) for error in survey.broken])

    async def show_one(request: Request) -> ReadTask:
        """A task with what decides its numbers, and what a sample of it took in earlier runs."""
        task = await asyncio.to_thread(library.find, _id(request))
        return read_task(task, typical(await runs.list(task=task.id, limit=_LATEST)))

    return [Endpoint("GET", "/api/v1/bench/tasks", list_tasks), Endpoint("GET", "/api/v1/bench/tasks/{id}", show_one)]


def _running(runs: Runs) -> list[Endpoint]:
    async def begin(request: Request, body: NewRun) -> BegunRun:
        """Begin a run; it goes on by itself. Its data are fetched and checked first, where they are not here yet."""
        if body.accept_unsafe and not signed_in(request).is_admin:
            raise Forbidden(
                "bench.unsafe_not_yours",
                "Code that models wrote may run without a complete sandbox only where an admin says so.",
                hint="Ask an admin, or complete the sandbox: `assay doctor` says what is missing.",
                param="accept_unsafe",
            )
        if body.unlocked and not signed_in(request).is_admin:
            raise Forbidden(
                "bench.unlock_not_yours",
                "Questions that their authors ask not to be shown are shown only where an admin says so.",
                hint="Run it without unlocking: score, outcomes and costs are the same.",
                param="unlocked",
            )
        return BegunRun(await runs.begin(body, request.state.session))

    async def list_runs(request: Request, query: WhichRuns) -> RunList:
        """Runs as they stand, the newest first."""
        return RunList([run_line(report) for report in await runs.list(task=query.task, limit=query.limit)])

    async def show(request: Request) -> ShownRun:
        """A run as it stands, or as it ended."""
        return show_run(await runs.report(_id(request)))

    async def follow(request: Request) -> Response:
        """Follow a run: how it stands now, whenever that has changed, and at its end."""
        await runs.report(_id(request))
        return EventStream(_happenings(runs, _id(request)), EVENTS)

    async def stop(request: Request) -> ShownRun:
        """Stop a run. What was answered is kept, and it can go on."""
        await runs.stop(_id(request))
        return show_run(await runs.report(_id(request)))

    async def resume(request: Request, body: GoOn) -> ShownRun:
        """Go on with a run that was stopped or interrupted, or has samples in error. Nothing that was answered is asked again."""
        await runs.resume(_id(request), body.budget)
        return show_run(await runs.report(_id(request)))

    return [
        Endpoint("POST", "/api/v1/bench/runs", begin, status=HTTPStatus.CREATED, tells=("task", "model")),
        Endpoint("GET", "/api/v1/bench/runs", list_runs),
        Endpoint("GET", "/api/v1/bench/runs/{id}", show),
        Endpoint("GET", "/api/v1/bench/runs/{id}/events", follow, media=EVENT_STREAM, events=EVENTS),
        Endpoint("POST", "/api/v1/bench/runs/{id}/stop", stop),
        Endpoint("POST", "/api/v1/bench/runs/{id}/resume", resume),
    ]


def _reading(db: Database, runs: Runs) -> list[Endpoint]:
    async def list_samples(request: Request, query: WhichSamples) -> SamplePage:
        """Samples in the order of the questions, in a line each."""
        id = _id(request)
        redacted = await _is_redacted(db, id)
        page = await runs.results(id, query.outcome, query.after, query.limit, query.search, query.category, words=not redacted)
        return SamplePage([sample_line(result, redacted=redacted) for result in page.results], page.next)

    async def read(request: Request) -> ReadSample:
        """One sample: what was asked and said, what was found in it, why it counts as it does, what it took."""
        id, sample, epoch = _id(request), str(request.path_params["sample"]), _epoch(request)
        redacted = await _is_redacted(db, id)
        result = await runs.result(id, sample, epoch)
        return read_sample(result, await number_of(db, id, sample, epoch) or 0, redacted=redacted)

    async def compare_two(request: Request, query: WhichTwo) -> ComparedRuns:
        """Two runs of one task, paired on the questions that both have scored."""
        a, b = await runs.report(query.a), await runs.report(query.b)
        if a.task != b.task:
            raise Unprocessable(
                "bench.other_task",
                f"One run is of {a.task}, the other of {b.task}: they have no question in common.",
                hint="Compare two runs of one task.",
                param="b",
            )
        results = (await load_results(db, a.id), await load_results(db, b.id))
        recipes = (Recipe(hash=a.recipe, parts=a.parts), Recipe(hash=b.recipe, parts=b.parts))
        found = await asyncio.to_thread(compare, *results, recipes=recipes, allow_different=True)
        return compared((a, b), results, found, query.limit)

    return [
        Endpoint("GET", "/api/v1/bench/runs/{id}/samples", list_samples, role="member"),
        Endpoint("GET", "/api/v1/bench/runs/{id}/samples/{sample:path}/{epoch}", read, role="member"),
        Endpoint("GET", "/api/v1/bench/compare", compare_two),
    ]


async def _is_redacted(db: Database, id: str) -> bool:
    """Without its report, which takes longer. A run that is not there has nothing to hide; what is asked of it next says so."""
    run = await load_run(db, id)
    return run is not None and run.plan.gated and not run.spec.unlocked


async def _happenings(runs: Runs, id: str) -> AsyncGenerator[msgspec.Struct | None, None]:
    """The run after each change, not more often than `PACE_S`, and at the end; None now and then when nothing happens."""
    async with aclosing(runs.watch(id)) as changes:
        change = asyncio.create_task(_next(changes))
        try:
            while True:
                done, _ = await asyncio.wait([change], timeout=HEARTBEAT_S)
                if not done:
                    yield None
                    continue
                if not change.result():
                    break
                report = await _report_now(runs, id)
                yield None if report is None else RunProgress(show_run(report))
                await asyncio.sleep(PACE_S)
                change = asyncio.create_task(_next(changes))
        finally:
            change.cancel()
            await asyncio.wait([change])
    if (report := await _report_now(runs, id)) is not None:
        yield RunOver(show_run(report))


async def _report_now(runs: Runs, id: str) -> RunReport | None:
    """None while the storage fails: whoever follows is told at the next change, or comes back."""
    try:
        return await runs.report(id)
    except Unavailable as error:
        log.warning("a run cannot be told of run=%s code=%s", id, error.code)
        return None


async def _next(changes: AsyncGenerator[None, None]) -> bool:
    """True at the next change, False at the end of all changes."""
    try:
        await anext(changes)
    except StopAsyncIteration:
        return False
    return True


def _id(request: Request) -> str:
    return str(request.path_params["id"])


def _epoch(request: Request) -> int:
    written = str(request.path_params["epoch"])
    if not (written.isascii() and written.isdecimal() and len(written) <= _MOST_DIGITS):
        raise NotFound("bench.no_sample", f"There is no epoch {written[:32]!r}.", hint="Epochs are counted from 0.")
    return int(written)
