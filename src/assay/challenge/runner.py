"""One challenge while it runs: both contestants are asked, judges judge, and all of it stops as soon as the decision stands.

Every answer and every judgment is committed the moment it is there, so that a run that is cut off anywhere goes on from what is
in the database and asks nothing twice. Items are asked in order, a few at a time, and never far ahead of the evidence: what has
been asked when the decision falls was paid for in vain.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

import msgspec

from assay.challenge import queries
from assay.challenge.evidence import Evidence, Settled, settle, settle_unjudged
from assay.challenge.halt import ContestantDown, Halt, JudgeDown, StorageFailed
from assay.challenge.item import Item
from assay.challenge.judging import Judging
from assay.challenge.plan import clusters_of, rubric_of
from assay.challenge.queries import Run
from assay.challenge.replay import replay
from assay.challenge.report import Word
from assay.challenge.spec import HUMAN, SIDES, Side
from assay.challenge.trial import Trial, filed_under
from assay.core import Caller, Conflict, Money, Unavailable, Verdict, now_us
from assay.core.patience import PAUSES_S, Patient
from assay.core.purse import BudgetSpent, Purse
from assay.core.together import together
from assay.judge import Judgment, ModelJudge
from assay.store import Database

log = logging.getLogger(__name__)

AHEAD_OF_PEOPLE = 12
"""How many answered pairs wait for people at most."""
AHEAD = 2
"""How many times as many items as are asked at once may have been asked and not entered the evidence: at most these are paid for in
vain when the answer stands."""
DOWN_AFTER = 10
"""Failures in a row after which there is no use in going on. They tell of a contestant's provider, not of the contestant, and are
forgotten: the items are asked again when the run goes on."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long a run waits before each further attempt: at an upstream that is busy, and at a storage that failed."""

    pauses_s: tuple[float, ...] = PAUSES_S
    saving_pauses_s: tuple[float, ...] = (0.1, 0.5, 2.0)


class Runner:
    """Make it with `load`, then `run` it once. ``changed`` is called after each thing that came of it."""

    def __init__(
        self, db: Database, caller: Caller, run: Run, items: list[Item], spent: int, limits: Limits, changed: Callable[[], None]
    ):
        self.row = run
        self.evidence = Evidence(run.spec, clusters_of(items))
        self._db = db
        self._items = items
        self._limits = limits
        self._changed = changed
        self.is_by_people = run.spec.judges[0] == HUMAN
        self._deployments: dict[Side, str] = {"challenger": run.plan.challenger.id, "incumbent": run.plan.incumbent.id}
        self._trials: dict[int, dict[Side, Trial]] = {}
        self._verdicts: dict[int, list[Verdict]] = {}
        self._skipped: set[int] = set()
        self._settled: set[int] = set()
        self._open: set[int] = set()
        """Items that are asked, or wait for their judgment."""
        self._is_budget_spent = False
        self._next = 1
        self._moved = asyncio.Event()
        self._over = asyncio.Event()
        self._failing: dict[Side, list[int]] = {side: [] for side in SIDES}
        self._unjudged = 0
        plan = run.plan
        prices = {one.id: one.price for one in (plan.challenger, plan.incumbent, *plan.judges) if one.price is not None}
        self._caller = Patient(Purse(caller, prices, self._keep_cost, run.spec.budget, spent), limits.pauses_s)
        models = [ModelJudge(self._caller, judge.id, rubric_of(run.spec)) for judge in plan.judges]
        self._judging = Judging(run, models, self._keep_judgment)

    @classmethod
    async def load(cls, db: Database, caller: Caller, run: Run, limits: Limits, changed: Callable[[], None]) -> Runner:
        """A runner that goes on from what is in the database.

        Raises:
            Unavailable: it cannot be read.
        """
        items = await queries.load_items(db, run.id)
        costs = await queries.load_spent(db, run.id)
        spent = sum(one.known + one.held for one in costs if run.spec.budget and one.currency == run.spec.budget.currency)
        runner = cls(db, caller, run, items, spent, limits, changed)
        runner._trials = await queries.load_trials(db, run.id)
        runner._skipped = await queries.list_skipped(db, run.id)
        numbers = {item.id: number for number, item in enumerate(items, 1)}
        for verdict in await queries.load_verdicts(db, run.id):
            runner._verdicts.setdefault(numbers[verdict.prompt or ""], []).append(verdict)
        for number in sorted(runner._trials):
            runner._settle(number)
        if runner.is_by_people:
            runner._open = {number for number, trials in runner._trials.items() if len(trials) == len(SIDES)}
        return runner

    async def run(self) -> Word:
        """Ask and judge until the answer stands, the items are out, or the budget is spent: how it ended.

        Raises:
            Halt: it cannot go on, and might later.
        """
        if len(self._settled) == len(self._items):
            self._over.set()
        try:
            await self._work_until_over()
        except BudgetSpent:
            self._is_budget_spent = True
        except Halt as halt:
            if self.evidence.word is not None:  # the answer stands, whatever became of what was asked beyond it
                return self.evidence.word
            if isinstance(halt, ContestantDown):
                await self._forget_failures(halt.side)
            raise
        return self.evidence.word or ("budget_spent" if self._is_budget_spent else "cannot_tell")

    def hear(self, number: int, verdict: Verdict) -> None:
        """A person has voted. To hear it twice changes nothing."""
        known = self._verdicts.setdefault(number, [])
        if all(one.id != verdict.id for one in known):
            known.append(verdict)
            self._settle(number)

    def pass_over(self, number: int) -> None:
        """A person will not judge this pair."""
        self._skipped.add(number)
        self._settle(number)

    async def _forget_failures(self, side: Side) -> None:
        """Those in a row, so that the items are asked again; not what somebody has read since who was to judge it."""
        numbers, read = self._failing[side], not self.is_by_people
        await self._keep(lambda: queries.delete_trials(self._db, self.row.id, side, numbers, read=read))

    async def _work_until_over(self) -> None:
        over = asyncio.create_task(self._over.wait())
        tasks = {over, *(asyncio.create_task(self._work()) for _ in range(self.row.spec.concurrency))}
        waiting = tasks
        try:
            while not over.done():
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self) -> None:
        while (number := await self._take()) is not None:
            try:
                await self._ask_both(number)
            except BudgetSpent:
                if not self.is_by_people:
                    raise
                self._ask_no_more(number)
                return
            if not self.is_by_people and settle_unjudged(self._trials[number]) is None:
                known = {verdict.id for verdict in self._verdicts.get(number, ())}
                await self._judging.judge(number, self._items[number - 1], self._trials[number], known)
                self._check_judges(self._settle(number))
            else:
                self._settle(number)

    def _ask_no_more(self, number: int) -> None:
        """The budget does not leave this item. People still judge what was answered: that is paid for."""
        self._is_budget_spent = True
        self._open.discard(number)
        self._end_if_over()

    async def _take(self) -> int | None:
        """The next item to ask, once it may be asked; None when there is none left, or no need to."""
        while self._next <= len(self._items) and not self._over.is_set() and not self._is_budget_spent:
            if self._next in self._settled or self._next in self._open:
                self._next += 1
            elif self._may_ask(self._next):
                self._open.add(self._next)
                self._next += 1
                return self._next - 1
            else:
                self._moved.clear()
                await self._moved.wait()
        return None

    def _may_ask(self, number: int) -> bool:
        if self.is_by_people:
            return len(self._open) < AHEAD_OF_PEOPLE
        return number - self.evidence.counted <= AHEAD * self.row.spec.concurrency

    async def _ask_both(self, number: int) -> None:
        """Ask both contestants at once; which of them first is drawn."""
        trials = self._trials.setdefault(number, {})
        sides = [side for side in SIDES if side not in trials]
        random.Random(f"{self.row.plan.seed}.{number}").shuffle(sides)  # noqa: S311 - can be repeated, and is no secret
        await together(*(self._ask(number, side) for side in sides))

    async def _ask(self, number: int, side: Side) -> None:
        filed = filed_under(self.row.id, number, side)
        item, rerun = self._items[number - 1], self.row.spec.rerun
        trial = await replay(self._caller, item, self._deployments[side], side, rerun, filed)
        failing = self._failing[side]
        if trial.ending == "failed":
            failing.append(number)
        else:
            failing.clear()
        await self._keep(lambda: queries.add_trial(self._db, self.row.id, number, trial, now_us()))
        self._trials[number][side] = trial
        self._changed()
        if len(failing) >= DOWN_AFTER:
            raise ContestantDown(side, self._deployments[side], len(failing), trial.error, trial.detail)

    def _check_judges(self, settled: Settled | None) -> None:
        """Give up on judges of whom none judges anything."""
        self._unjudged = self._unjudged + 1 if settled is not None and settled.outcome == "unjudged" else 0
        if self._unjudged >= DOWN_AFTER:
            raise JudgeDown(self.row.spec.judges, self._unjudged)

    async def _keep_judgment(self, number: int, verdict: Verdict, judgment: Judgment) -> None:
        await self._keep(lambda: queries.add_verdict(self._db, number, verdict, judgment))
        self._verdicts.setdefault(number, []).append(verdict)

    async def _keep_cost(self, id: str, cost: Money, *, known: bool) -> None:
        await self._keep(lambda: queries.save_cost(self._db, self.row.id, id, cost, known=known))

    async def _keep(self, save: Callable[[], Awaitable[None]]) -> None:
        """Commit what has been paid for, even while the run is being cancelled."""
        saving = asyncio.create_task(self._save(save))
        try:
            await asyncio.shield(saving)
        except asyncio.CancelledError:
            await asyncio.wait([saving])
            if not saving.cancelled() and (error := saving.exception()) is not None:
                log.warning("something was paid for and lost challenge=%s", self.row.id, exc_info=error)
            raise

    async def _save(self, save: Callable[[], Awaitable[None]]) -> None:
        for attempt, pause_s in enumerate((*self._limits.saving_pauses_s, None)):
            try:
                return await save()
            except Unavailable as error:
                if pause_s is None:
                    raise StorageFailed(error) from error
                await asyncio.sleep(pause_s)
            except Conflict:
                if not attempt:
                    raise
                return None  # the attempt before was saved after all, and only its answer was lost
        return None

    def _settle(self, number: int) -> Settled | None:
        """See whether an item has come to its end, and what that means for the whole."""
        trials, verdicts = self._trials.get(number, {}), self._verdicts.get(number, [])
        settled = settle(self.row.spec, self._deployments["challenger"], trials, verdicts, skipped=number in self._skipped)
        if settled is None or number in self._settled:
            return None
        self._settled.add(number)
        self._open.discard(number)
        self._trials.pop(number, None)
        self.evidence.add(number, settled)
        self._end_if_over()
        self._moved.set()
        self._changed()
        return settled

    def _end_if_over(self) -> None:
        is_out = len(self._settled) == len(self._items) or (self._is_budget_spent and not self._open)
        if self.evidence.word or is_out:
            self._over.set()
