"""All runs of a server or a command: begun, resumed, stopped, followed, and told of.

What a run is stands in the database; what is in memory is only who works on it here. So a process that is killed loses what was
being said at that moment and nothing else, and the next one finds its runs `interrupted`, to be resumed.
"""

from __future__ import annotations

import asyncio
import builtins
import logging
import time
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import msgspec

from assay.bench import queries, queries_results, queries_shards
from assay.bench.cache import drop_answers
from assay.bench.executors import Executor
from assay.bench.executors.local import LocalExecutor
from assay.bench.others import Others
from assay.bench.outcome import Outcome
from assay.bench.publish import publish
from assay.bench.queries import Run
from assay.bench.recipe import as_asked
from assay.bench.report import RunReport, State
from assay.bench.result import Result
from assay.bench.run_check import check_raised, name_changes, try_sandbox
from assay.bench.run_elsewhere import Elsewhere
from assay.bench.run_halt import Halt, LeaseLost
from assay.bench.run_plan import SHARD, Cast, Find, Plan, cast_of, check_budget, draw
from assay.bench.run_tasks import Tasks
from assay.bench.run_telling import Telling
from assay.bench.spec import Spec
from assay.bench.window import Windows
from assay.bench.worker import Limits, Means
from assay.core import AssayError, Caller, Conflict, InvalidInput, Money, NotFound, Price, Unavailable, new_id, now_us
from assay.core.purse import BudgetSpent
from assay.store import Database

log = logging.getLogger(__name__)

TICK_S = 0.25
"""How often whoever follows a run is woken at most."""

TOLD = 100
"""Runs whose summaries are kept in memory."""
CACHED_US = 30 * 86_400_000_000
"""For so long an answer may be given again to the very same request."""


class Page(msgspec.Struct, frozen=True):
    """Some samples in order, without their words; ``next`` is the ``after`` of the page after this one, None at the end."""

    results: tuple[Result, ...]
    next: int | None


class _Live:
    """A run under way here. ``stirred`` is set at its next change, and then replaced."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.stirred = asyncio.Event()
        self.ending: State = "interrupted"
        """What it will be, should it be cancelled."""

    def stir(self) -> None:
        """Wake whoever follows it."""
        self.stirred.set()
        self.stirred = asyncio.Event()


class Runs:
    """Make it with `start`; `close` it before the database."""

    def __init__(self, means: Means, find: Find, owner: str, executors: Mapping[str, Executor]):
        self._means = means
        self._db = means.db
        self._find = find
        self._owner = owner
        self._executors = {"local": LocalExecutor(means, owner), **executors}
        self._live: dict[str, _Live] = {}
        self._tellings: dict[str, Telling] = {}
        """Of the runs that were told of last; their summaries need not be made again while nothing changes."""
        self._resuming: set[str] = set()
        self._troubles: dict[str, str] = {}
        """What cut a run short, where the storage could not take even that."""
        self._attending: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        db: Database,
        caller: Caller,
        find: Find,
        tasks: Tasks,
        *,
        folder: Path,
        owner: str = "",
        limits: Limits | None = None,
        executors: Mapping[str, Executor] | None = None,
    ) -> Runs:
        """The runs that ``db`` holds. Those that this server, whose name is ``owner``, left running when it was killed are marked as
        interrupted; those of other servers go on. ``folder`` is for what may be made again; ``executors`` by the name that a spec
        gives them, beside ``local``.

        Raises:
            Unavailable: the storage failed.
        """
        await queries.interrupt_own(db, owner)
        await drop_answers(db, now_us() - CACHED_US)
        means = Means(db=db, caller=caller, tasks=tasks, windows=Windows(), folder=folder, limits=limits or Limits())
        runs = cls(means, find, owner, executors or {})
        runs._attending = asyncio.create_task(runs._attend(), name="runs elsewhere")
        return runs

    async def begin(self, spec: Spec, asker: str = "") -> str:
        """Fix the plan, put it on record and begin to ask. The id of the run; ``asker`` is who wants it.

        Raises:
            NotFound, InvalidInput, Unavailable: it cannot be run as it was asked for, or its data cannot be had.
            NoSandbox: it runs code, and there is no sandbox.
        """
        self._executor(spec)
        task = as_asked(self._means.tasks.find(spec.task), spec)
        cast = cast_of(spec, task, self._find)
        layers, missing = await try_sandbox(task, spec)
        files, kind = await self._means.tasks.fetch(task), self._means.tasks.kind(task)
        recipe = await self._means.tasks.recipe(task, files, spec)
        samples = draw(await asyncio.to_thread(kind.read, task, files), spec.limit, spec.seed)
        if not samples:
            raise InvalidInput(
                "bench.no_questions", f"{task.id} has no questions.", hint="See what its `where` leaves.", param="task"
            )
        plan = Plan(
            task=task.id,
            version=task.version,
            title=task.title,
            gated=task.gated,
            model=cast.model.id,
            questions=len(samples),
            epochs=spec.samples or task.samples,
            shard=SHARD,
            prices=_prices(cast),
            recipe=recipe.parts,
            judge=cast.judge.id if cast.judge else None,
            baseline=cast.baseline.id if cast.baseline else None,
            layers=layers,
            missing=missing,
        )
        run = Run(
            id=new_id(), state="running", at=now_us(), spec=spec, plan=plan, recipe=recipe.hash, asker=asker, owner=self._owner
        )
        await queries.add_run(self._db, run, samples)
        self._set_going(run)
        return run.id

    async def resume(self, id: str, budget: Money | None = None) -> None:
        """Go on with a run that was stopped or interrupted, or that ended with errors; what was answered is not asked again, what was
        scored is not scored again, but for the errors. ``budget`` takes the place of the one before, and includes what was spent.

        Raises:
            NotFound: ``bench.run_not_found``. Conflict: ``bench.running``, ``bench.over``, ``bench.recipe_changed``.
            InvalidInput: ``bench.budget_not_raised``, ``bench.no_price``, ``bench.currency``.
            NotFound, Unavailable: the model or a judge cannot be called any more, or the data cannot be had.
        """
        run = await self._load(id)
        if id in self._live or id in self._resuming or run.state == "running":
            raise Conflict("bench.running", f"Run {id!r} is running.", hint="Stop it first, or just wait.")
        self._resuming.add(id)
        try:
            await self._resume(run, budget)
        finally:
            self._resuming.discard(id)

    async def _resume(self, run: Run, budget: Money | None) -> None:
        id = run.id
        counted = await queries_results.count_results(self._db, id)
        if run.state == "ended" and not counted.outcomes.get("error"):
            raise Conflict("bench.over", f"Run {id!r} has ended; its numbers stand.", hint="Begin another.")
        run = await self._checked(run, budget)
        if not await queries.go_on(self._db, run, self._owner):
            raise Conflict("bench.running", f"Run {id!r} is running at another server.", hint="Stop it first, or just wait.")
        await queries_results.try_errors_again(self._db, id)
        await queries_shards.take_back(self._db, id, self._owner)
        await queries_shards.sort_out(self._db, id, run.plan.shard)
        self._set_going(msgspec.structs.replace(run, state="running", owner=self._owner, trouble=None, ended_at=None))

    async def stop(self, id: str) -> None:
        """Ask no more. What is under way is let go; what was answered and scored stands. A run that is over stays as it is.

        Raises:
            NotFound: ``bench.run_not_found``.
        """
        run = await self._load(id)
        if (live := self._live.get(id)) is not None:
            await self._cancel(live, "stopped")
        elif run.state == "running":
            await queries.stop_elsewhere(self._db, id)

    async def help(self, id: str) -> None:
        """Work on a run that another process sees to, until all of it is scored, or it is running no longer.

        Raises:
            NotFound: ``bench.run_not_found``. Halt, BudgetSpent: this process cannot go on.
        """
        run = await self._load(id)
        try:
            await LocalExecutor(self._means, f"{self._owner} {new_id()}").work(run, lambda: None)
        except LeaseLost:
            if (await self._load(id)).state == "running":
                raise

    async def list(self, *, task: str = "", limit: int = 200) -> builtins.list[RunReport]:
        """The newest runs as they stand, of one task where it is named."""
        return [await self._report(run) for run in await queries.list_runs(self._db, task=task, limit=limit)]

    async def report(self, id: str) -> RunReport:
        """A run as it stands, or as it ended.

        Raises:
            NotFound: ``bench.run_not_found``.
        """
        return await self._report(await self._load(id))

    async def watch(self, id: str) -> AsyncGenerator[None, None]:
        """Wakes its reader at once, then after changes, a few times a second at most, and ends when the run goes on no longer.

        Raises:
            NotFound: ``bench.run_not_found``.
        """
        await self._load(id)
        while (live := self._live.get(id)) is not None:
            stirred = live.stirred
            yield
            await stirred.wait()
            if id in self._live:
                await asyncio.sleep(TICK_S)
        while (await self._load(id)).state == "running":  # at another server, which tells us nothing
            yield
            await asyncio.sleep(self._means.limits.beat_s)

    async def results(
        self,
        id: str,
        outcome: Outcome | None = None,
        after: int | None = None,
        limit: int = 100,
        search: str | None = None,
        category: str | None = None,
        *,
        words: bool = True,
    ) -> Page:
        """Some of its samples in order, without their words. ``search`` is part of an id, or, if ``words``, of what was extracted or
        said of it.

        Raises:
            NotFound: ``bench.run_not_found``.
        """
        await self._load(id)
        results, following = await queries_results.page_results(
            self._db,
            id,
            outcome=outcome,
            category=category or "",
            after=-1 if after is None else after,
            limit=limit,
            search=search or "",
            words=words,
        )
        return Page(tuple(results), following)

    async def result(self, id: str, sample: str, epoch: int = 0) -> Result:
        """One sample in full.

        Raises:
            NotFound: ``bench.run_not_found``, ``bench.no_sample``.
        """
        await self._load(id)
        result = await queries_results.load_result(self._db, id, sample, epoch)
        if result is None:
            raise NotFound("bench.no_sample", f"There is no sample {sample[:64]!r} of epoch {epoch} in this run.")
        return result

    async def close(self) -> None:
        """Let all upstreams go. What runs is interrupted, and can be resumed by the next server."""
        if self._attending is not None:
            self._attending.cancel()
            await asyncio.wait([self._attending])
        for live in builtins.list(self._live.values()):
            await self._cancel(live, "interrupted")

    async def _checked(self, run: Run, budget: Money | None) -> Run:
        """``run`` as it may go on: with what it needs still there, and still the same thing."""
        spec = run.spec if budget is None else msgspec.structs.replace(run.spec, budget=check_raised(run.spec.budget, budget))
        self._executor(spec)
        task = as_asked(self._means.tasks.find(spec.task), spec)
        cast = cast_of(spec, task, self._find)
        check_budget(spec, cast)
        recipe = await self._means.tasks.recipe(task, await self._means.tasks.fetch(task), spec)
        if recipe.hash != run.recipe:
            raise Conflict(
                "bench.recipe_changed",
                f"Run {run.id!r} measured another thing: {name_changes(run.plan.recipe, recipe.parts)} of {task.id} changed since.",
                hint="Begin a new run.",
            )
        return msgspec.structs.replace(run, spec=spec, plan=msgspec.structs.replace(run.plan, prices=_prices(cast)))

    def _executor(self, spec: Spec) -> Executor:
        executor = self._executors.get(spec.executor)
        if executor is None:
            raise InvalidInput(
                "bench.no_executor",
                f"There is no executor {spec.executor!r} here.",
                hint="`local` is always there.",
                param="executor",
            )
        executor.check()
        return executor

    def _set_going(self, run: Run) -> None:
        self._troubles.pop(run.id, None)
        self._tellings.pop(run.id, None)
        live = self._live[run.id] = _Live()
        live.task = asyncio.create_task(self._drive(run, live), name=f"run {run.id}")

    async def _drive(self, run: Run, live: _Live) -> None:
        """See a run through to whatever end, and put that on record."""
        began = time.monotonic()
        state: State = "ended"
        trouble: str | None = None
        try:
            await self._work_through(run, live)
        except asyncio.CancelledError:
            state = live.ending
        except BudgetSpent as spent:
            state, trouble = "interrupted", f"bench.budget_spent: {spent}"
        except Halt as halt:
            state, trouble = "interrupted", f"{halt.code}: {halt}"
        except AssayError as error:
            state, trouble = "interrupted", f"{error.code}: {error}"
        except Exception:  # the task's boundary: nobody awaits it
            log.exception("a run broke off by a defect run=%s", run.id)
            state, trouble = "interrupted", "bench.defect: it broke off by a defect of Assay; see the log."
        try:
            await self._put_down(run, state, trouble, int((time.monotonic() - began) * 1e6))
        finally:
            del self._live[run.id]
            live.stirred.set()

    async def _work_through(self, run: Run, live: _Live) -> None:
        """Work, and wait for others who do, until all is scored. A worker that was taken for lost, and is not, begins anew."""
        others = Others(self._db, run.id, self._means.limits.lost_s)
        while await others.wait():
            try:
                await self._executor(run.spec).work(run, live.stir)
            except LeaseLost:
                now = await queries.load_run(self._db, run.id)
                if now is None or (now.state, now.owner) != ("running", self._owner):
                    raise

    async def _put_down(self, run: Run, state: State, trouble: str | None, worked_us: int) -> None:
        if trouble is not None:  # it may quote an upstream
            log.warning("a run is interrupted run=%s code=%s", run.id, trouble.partition(":")[0])
            trouble = trouble.replace("\0", "").encode("utf-8", "replace").decode()
        ended_at = now_us() if state == "ended" else None
        try:
            await queries.set_state(self._db, run.id, self._owner, state, worked_us=worked_us, ended_at=ended_at, trouble=trouble)
            if state == "ended":
                report = await Telling(self._db).report(await self._load(run.id))
                await queries.save_report(self._db, run.id, report)
                await publish(self._db, report)
        except Unavailable as error:
            log.warning("that a run is %s is not on record run=%s code=%s", state, run.id, error.code)
            self._troubles[run.id] = trouble or f"{error.code}: {error.message}"

    async def _cancel(self, live: _Live, ending: State) -> None:
        """Once: a second time would cut off what the first one lets be saved."""
        if live.task is not None:
            if not live.task.cancelling():
                live.ending = ending
                live.task.cancel()
            await asyncio.wait([live.task])

    async def _load(self, id: str) -> Run:
        """The run as it stands. What is not under way here does not run, whatever the storage could still take down."""
        run = await queries.load_run(self._db, id)
        if run is None:
            raise NotFound("bench.run_not_found", f"There is no run {id[:64]!r}.", hint="`assay bench runs` shows them all.")
        if run.state == "running" and id not in self._live and run.owner == self._owner:
            return msgspec.structs.replace(run, state="interrupted", trouble=self._troubles.get(id))
        return run

    async def _report(self, run: Run) -> RunReport:
        if run.state == "ended" and (kept := await queries.load_report(self._db, run.id)) is not None:
            return kept
        telling = self._tellings.pop(run.id, None) or Telling(self._db)
        self._tellings[run.id] = telling  # now the newest
        if len(self._tellings) > TOLD:
            del self._tellings[next(iter(self._tellings))]
        return await telling.report(run)

    async def _attend(self) -> None:
        """Keep company with other servers, and keep those awake who follow a run that stands still."""
        elsewhere = Elsewhere(self._db, self._owner, self._means.limits.lost_s)
        while True:
            await asyncio.sleep(self._means.limits.beat_s)
            try:
                for id in await elsewhere.look(self._live):
                    await self._yield_to_others(id)
            except AssayError as error:
                log.debug("other servers cannot be heard of code=%s", error.code)
            for live in self._live.values():
                live.stir()

    async def _yield_to_others(self, id: str) -> None:
        run, live = await queries.load_run(self._db, id), self._live.get(id)
        if run is not None and live is not None and (run.owner != self._owner or run.state in ("stopped", "interrupted")):
            await self._cancel(live, run.state)


def _prices(cast: Cast) -> dict[str, Price]:
    return {one.id: one.price for one in cast.all if one.price is not None}
