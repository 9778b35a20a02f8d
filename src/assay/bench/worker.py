"""One worker of a run: leases shards, asks, scores, and saves each answer and each score by itself.

An answer is on disk before it is scored, and a score before it counts; so whoever is killed loses what was being said at that
moment and nothing else. Scoring goes on beside asking, and asking never waits for it. What fails for a reason that may pass is asked
again later, a few times; what then still fails is an `error`, which says nothing of the model, and ends nothing.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from assay.bench import queries_shards as shards
from assay.bench.others import Others
from assay.bench.outcome import Scored
from assay.bench.queries import Run
from assay.bench.queries_results import Figures, Open, answered, failed, forget_failed, load_body, load_open, scored
from assay.bench.recipe import as_asked
from assay.bench.redacted import is_hidden
from assay.bench.run_asking import Asking, Discreet, Door, Windowed, answer_of
from assay.bench.run_breaker import DOWN_AFTER, PROBES_S, Breaker
from assay.bench.run_halt import EndpointDown, Halt, LeaseLost, ScorerDown, StorageFailed, TaskBroke
from assay.bench.run_plan import draw
from assay.bench.run_saver import PAUSES_S as SAVING_PAUSES_S
from assay.bench.run_saver import Saver, insist
from assay.bench.run_tasks import Tasks
from assay.bench.run_wallet import Wallet
from assay.bench.task import Context, Kind, Sample, Scorer, Task
from assay.bench.window import Windows, is_busy
from assay.core import Answer, AssayError, Caller, CallFailed, Sampling, Unavailable, new_id
from assay.core.patience import PAUSES_S, Patient, may_pass
from assay.core.purse import BudgetSpent
from assay.core.together import together
from assay.store import Database

log = logging.getLogger(__name__)

PATIENCE = 20
"""How much may go wrong with one sample: each failure that may pass takes `FAILED` of it, each busy upstream `BUSY`."""
FAILED, BUSY = 5, 1
RAMP_S = 0.001
"""Between the first calls: what begins together comes back together, again and again, and waits for the processor each time."""
WORDS_IN_MEMORY = 2000
"""Answers that wait to be scored; the words of further ones are read again when their turn comes."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait: before a sample that failed is asked again, before a breaker lets single calls through, before a judge is
    asked again, before a commit is tried again; how often a worker says that it is there, and after how long without it is lost."""

    again_s: tuple[float, ...] = (1.0, 4.0, 15.0)
    probes_s: tuple[float, ...] = PROBES_S
    judge_pauses_s: tuple[float, ...] = PAUSES_S
    saving_pauses_s: tuple[float, ...] = SAVING_PAUSES_S
    beat_s: float = 2.0
    lost_s: float = 30.0


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker works with. ``folder`` is for what may be made again; ``windows`` are those of the process."""

    db: Database
    caller: Caller
    tasks: Tasks
    windows: Windows
    folder: Path
    limits: Limits = Limits()


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """A task with its questions, ready to be asked."""

    task: Task
    kind: Kind
    files: Mapping[str, Path]
    samples: Mapping[str, Sample]


async def gather(run: Run, tasks: Tasks) -> Material:
    """The material of a run. Raises as `Tasks` does."""
    task = as_asked(tasks.find(run.spec.task), run.spec)
    files, kind = await tasks.fetch(task), tasks.kind(task)
    read = await asyncio.to_thread(kind.read, task, files)
    return Material(task=task, kind=kind, files=files, samples={one.id: one for one in draw(read, run.spec.limit, run.spec.seed)})


class Worker:
    """Make it, then `work` once. ``changed`` is called after each thing that came of it; ``owner`` is the server that answers for it."""

    def __init__(self, means: Means, run: Run, material: Material, owner: str, changed: Callable[[], None] = lambda: None):
        self.id = new_id()
        self._means = means
        self._run = run
        self._material = material
        self._owner = owner
        self._changed = changed
        self._saver = Saver(means.db, means.limits.saving_pauses_s)
        plan = run.plan
        self._is_hidden = is_hidden(plan.gated, run.spec)
        caller = Discreet(means.caller) if self._is_hidden else means.caller
        self._wallet = Wallet(means.db, self._saver, run.id, self.id, caller, plan.prices, run.spec.budget)
        breaker = Breaker(plan.model, means.limits.probes_s)
        self._door = Door(plan.model, self._wallet, means.windows.of(plan.model), breaker)
        self._todo: deque[Open] = deque()
        self._later: list[tuple[float, int, Open]] = []
        self._to_score: asyncio.Queue[tuple[Open, str, Figures, Answer | None]] = asyncio.Queue()
        self._failures: Counter[int] = Counter()
        self._given_up: list[int] = []
        """Samples that failed for good, in a row: should the model turn out to be down, it was not their fault."""
        self._unscored = 0
        self._left: Counter[int] = Counter()
        """Samples to be scored, by shard."""
        self._is_low = asyncio.Event()
        self._is_dry = False
        self._moved = asyncio.Event()
        self._heard_at = time.monotonic()

    async def work(self) -> None:
        """Until all of the run is scored, by this worker or others.

        Raises:
            Halt, BudgetSpent: it cannot go on, and might later. AssayError: the scorer cannot be opened.
        """
        await shards.enter(self._means.db, self._run.id, self.id, self._owner)
        try:
            async with self._scorer() as scorer:
                await self._work(scorer)
        except (EndpointDown, TaskBroke):
            await self._saver.close()
            await forget_failed(self._means.db, self._run.id, self._given_up)
            raise
        finally:
            await asyncio.shield(self._leave())

    async def _leave(self) -> None:
        """Save what is left to be saved, and give back what is not spent and not done."""
        try:
            await self._saver.close()
            await self._wallet.close()
            await shards.leave(self._means.db, self._run.id, self.id)
        except (Unavailable, StorageFailed) as error:
            log.warning("a worker could not say that it is gone run=%s code=%s", self._run.id, error.code)

    @asynccontextmanager
    async def _scorer(self) -> AsyncGenerator[Scorer, None]:
        """The task's scorer, with judges that are paid from the same wallet, and places at all who are asked."""
        spec, plan, material = self._run.spec, self._run.plan, self._material
        caller = Patient(Windowed(self._wallet, self._means.windows), self._means.limits.judge_pauses_s)
        context = Context(
            folder=self._means.folder,
            caller=caller,
            judge=plan.judge,
            baseline=plan.baseline,
            workers=spec.workers,
            accept_unsafe=spec.accept_unsafe,
        )
        async with AsyncExitStack() as stack:
            for one in {plan.model, plan.judge, plan.baseline} - {None}:
                stack.enter_context(self._means.windows.of(str(one)).join(spec.concurrency))
            yield await stack.enter_async_context(material.kind.scorer(material.task, material.files, context))

    async def _work(self, scorer: Scorer) -> None:
        """Ask and score side by side. Whoever asks is done when all is scored; the others go on until then."""
        many = range(self._run.spec.concurrency)
        works = (
            together(self._lease_on(), *(self._ask_on(nth * RAMP_S) for nth in many)),
            together(*(self._score_on(scorer) for _ in many)),
            self._beat(),
        )
        tasks = [asyncio.create_task(work) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _beat(self) -> None:
        """Say that we are here; find out whether others gave us up, or the run was stopped through another server."""
        limits = self._means.limits
        while True:
            await asyncio.sleep(limits.beat_s)
            try:
                if not await shards.beat(self._means.db, self._run.id, self.id):
                    raise LeaseLost
            except Unavailable as error:
                if time.monotonic() - self._heard_at > limits.lost_s:
                    raise StorageFailed(error) from error
            else:
                self._heard_at = time.monotonic()

    async def _ask_on(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        while (row := await self._next()) is not None:
            await self._ask(row)

    async def _next(self) -> Open | None:
        """The next sample to ask, once there is one; None when all are scored and none can be leased."""
        while True:
            while self._later and self._later[0][0] <= time.monotonic():
                self._todo.append(heapq.heappop(self._later)[2])
            if len(self._todo) < self._run.spec.concurrency:
                self._is_low.set()
            if self._todo:
                return self._todo.popleft()
            if self._is_dry and not self._left:
                return None
            moved, soon = self._moved, self._later[0][0] - time.monotonic() if self._later else None
            try:
                async with asyncio.timeout(soon):
                    await moved.wait()
            except TimeoutError:
                continue

    async def _lease_on(self) -> None:
        """Keep as many samples at hand as are asked at once, until nobody has any that could still fall back."""
        others = Others(self._means.db, self._run.id, self._means.limits.lost_s, self.id)
        while not self._is_dry:
            await self._is_low.wait()
            self._is_low.clear()
            pauses_s = self._means.limits.saving_pauses_s
            if not await insist(self._lease, pauses_s):
                self._is_dry = not await insist(others.wait, pauses_s)
                self._is_low.set()
            self._stir()

    async def _lease(self) -> int:
        """Take on more; how many shards there were."""
        size, wanted = self._run.plan.shard, self._run.spec.concurrency
        got = await shards.lease(self._means.db, self._run.id, self.id, -(-max(wanted - len(self._todo), 1) // size))
        if got is None:
            raise LeaseLost
        for first, end in shards.ranges(got, size):
            for row in await load_open(self._means.db, self._run.id, first, end):
                self._take(row)
        for shard in got:
            self._end_if_done(shard)
        return len(got)

    def _take(self, row: Open) -> None:
        self._left[row.number // self._run.plan.shard] += 1
        if row.worker is None:
            self._todo.append(row)
        else:
            self._to_score.put_nowait((row, row.worker, row.figures or Figures(), None))

    def _stir(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def _ask(self, row: Open) -> None:
        """Ask one sample, and save what came; or put it off, or give it up."""
        cache = self._means.db if self._run.spec.use_cache and not self._is_hidden else None
        asking = Asking(self._door, f"{self._run.id}.{row.number}", row.epoch, cache)
        try:
            answer = await self._solve(row, asking)
            figures = asking.figures(answer)
            lines = answered(self._run.id, row.number, self.id, figures, asking.body(answer))
        except (Halt, BudgetSpent):
            raise
        except Exception as error:  # noqa: BLE001  # a task's own code, which is not ours
            await self._fail(row, asking, error)
            return
        self._given_up.clear()
        await self._saver.save(*lines)
        kept = answer if self._to_score.qsize() < WORDS_IN_MEMORY else None
        self._to_score.put_nowait((row, self.id, figures, kept))
        self._changed()

    async def _solve(self, row: Open, asking: Asking) -> Answer:
        material, spec = self._material, self._run.spec
        sampling = _of_epoch(material.task.sampling, spec.sampling, row.epoch)
        sample = material.samples[row.sample]
        return await material.kind.solve(material.task, sample, asking.ask, self._run.plan.model, sampling)

    async def _fail(self, row: Open, asking: Asking, error: Exception) -> None:
        may_come = isinstance(error, AssayError) and (is_busy(error) or _may_pass(error))
        if may_come and not self._door.breaker.is_open:
            self._failures[row.number] += BUSY if isinstance(error, AssayError) and is_busy(error) else FAILED
        if may_come and self._failures[row.number] < PATIENCE:
            pauses = self._means.limits.again_s
            pause_s = pauses[min(self._failures[row.number] // FAILED, len(pauses) - 1)]
            heapq.heappush(self._later, (time.monotonic() + pause_s, row.number, row))
            return
        self._given_up.append(row.number)
        if not isinstance(error, AssayError):
            log.error("a task broke run=%s sample=%s", self._run.id, row.sample, exc_info=self._shown(error))
            if len(self._given_up) >= DOWN_AFTER:
                raise TaskBroke(self._run.plan.task, len(self._given_up), type(error), self._shown(error))
        await self._saver.save(failed(self._run.id, row.number, asking.figures(None), _no_answer(error)))
        self._done(row)

    async def _score_on(self, scorer: Scorer) -> None:
        while True:
            row, worker, figures, answer = await self._to_score.get()
            if answer is None:
                body = await load_body(self._means.db, self._run.id, row.number)
                answer = None if body is None else answer_of(body.message, figures)
            if answer is not None:
                worth = await self._worth(scorer, self._material.samples[row.sample], answer)
                await self._saver.save(scored(self._run.id, row.number, worker, worth), patient=True)
            self._done(row)

    async def _worth(self, scorer: Scorer, sample: Sample, answer: Answer) -> Scored:
        """What the scorer says; where it fails, an error, which is not the model's."""
        try:
            worth = await scorer.score(sample, answer)
        except AssayError as error:
            worth = _no_answer(error)
        except Exception as error:  # a task's own code, which is not ours
            if isinstance(error, Halt | BudgetSpent):
                raise
            log.error("a scorer broke run=%s sample=%s", self._run.id, sample.id, exc_info=self._shown(error))
            worth = Scored(
                outcome="error", value=None, error="bench.task_broke", detail=f"The scorer raised {type(error).__name__}."
            )
        if worth.outcome == "error":
            self._unscored += 1
            if self._unscored >= DOWN_AFTER:
                raise ScorerDown(self._unscored, worth.error or "bench.task_broke", worth.detail)
        else:
            self._unscored = 0
        return worth

    def _shown(self, error: Exception) -> Exception | None:
        """``error``, where its words may be seen: they may quote the question."""
        return None if self._is_hidden else error

    def _done(self, row: Open) -> None:
        shard = row.number // self._run.plan.shard
        self._left[shard] -= 1
        self._end_if_done(shard)
        self._changed()

    def _end_if_done(self, shard: int) -> None:
        if not self._left[shard]:
            del self._left[shard]
            line = {"run": self._run.id, "shard": shard, "worker": self.id}
            self._saver.note(("shard", shard), (shards.SET_DONE, line))
            if not self._left:
                self._stir()


def _of_epoch(task: Sampling, run: Sampling, epoch: int) -> Sampling:
    """A fixed seed asked again would be the same sample again: each epoch has the next one."""
    seed = run.seed if run.seed is not None else task.seed
    return run if seed is None else msgspec.structs.replace(run, seed=seed + epoch)


def _may_pass(error: AssayError) -> bool:
    return may_pass(error) if isinstance(error, CallFailed) else isinstance(error, Unavailable)


def _no_answer(error: Exception) -> Scored:
    if isinstance(error, AssayError):
        detail = error.message.replace("\0", "").encode("utf-8", "replace").decode()
        return Scored(outcome="error", value=None, error=error.code, detail=detail)
    return Scored(
        outcome="error", value=None, error="bench.task_broke", detail=f"The task's own code raised {type(error).__name__}."
    )
