"""All challenges of a server: begun, resumed, stopped, followed, and told of.

What a challenge is stands in the database; what is in memory is only the runs under way. So a server that is killed loses what
was being said at that moment and nothing else, and the next one finds its runs `interrupted`, to be resumed.
"""

from __future__ import annotations

import asyncio
import builtins
import logging
from collections.abc import AsyncGenerator, Callable

import msgspec

from assay.challenge import owner_queries, queries
from assay.challenge.assemble import assemble
from assay.challenge.check import Find, check_budget, check_items, check_spec
from assay.challenge.elsewhere import BEAT_S, Elsewhere
from assay.challenge.evidence import Settled, settle
from assay.challenge.gather import gather
from assay.challenge.halt import Halt
from assay.challenge.item import Item
from assay.challenge.plan import Plan, draw_seed, make_plan
from assay.challenge.queries import Run
from assay.challenge.record import number_of
from assay.challenge.report import Report, State
from assay.challenge.report_queries import Reread, load_record
from assay.challenge.runner import Limits, Runner
from assay.challenge.spec import HUMAN, SIDES, Content, Side, Spec, Traffic
from assay.challenge.trial import Trial, filed_under
from assay.core import AssayError, Caller, Conflict, InvalidInput, Money, NotFound, Unavailable, Verdict, new_id, now_us
from assay.judge import Judgment
from assay.store import Database

log = logging.getLogger(__name__)


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """One item with all that became of it. ``settled`` is None while an answer or a judgment is still to come."""

    item: Item
    trials: dict[Side, Trial]
    verdicts: tuple[Verdict, ...]
    judgments: dict[str, Judgment]
    settled: Settled | None


class _Live:
    """A run under way. ``stirred`` is set at its next change, and then replaced."""

    def __init__(self, db: Database, id: str) -> None:
        self.runner: Runner | None = None
        self.early: builtins.list[Callable[[Runner], object]] = []
        """What people did while the runner was being loaded."""
        self.task: asyncio.Task[None] | None = None
        self.stirred = asyncio.Event()
        self.ending: State = "interrupted"
        """What it will be, should it be cancelled."""
        self.reread = Reread(db, id)
        self.reading = asyncio.Lock()
        self.changes = 0
        self.heard: tuple[str | None, set[int]] = (None, set())
        """The last link of the chain, and the pairs passed over, when votes given elsewhere were looked for."""
        self.last_read: tuple[int, Report] | None = None
        """The newest report, and after which change it was made."""

    def tell(self, news: Callable[[Runner], object]) -> None:
        """Tell the runner, as soon as there is one."""
        if self.runner is None:
            self.early.append(news)
        else:
            news(self.runner)
        self.stir()

    def stir(self) -> None:
        """Wake whoever follows it."""
        self.changes += 1
        self.stirred.set()
        self.stirred = asyncio.Event()


class Challenges:
    """Make it with `start`; `close` it before the database."""

    def __init__(self, db: Database, caller: Caller, find: Find, limits: Limits, owner: str):
        self._db = db
        self._owner = owner
        self._elsewhere = Elsewhere(db, owner)
        self._attending: asyncio.Task[None] | None = None
        self._caller = caller
        self._find = find
        self._limits = limits
        self._live: dict[str, _Live] = {}
        self._resting: dict[str, tuple[object, Report]] = {}
        """The newest report of each run that rests, and all that may change of it."""
        self._troubles: dict[str, str] = {}
        """What cut a run short, where the storage could not take even that."""

    @classmethod
    async def start(cls, db: Database, caller: Caller, find: Find, *, limits: Limits | None = None, owner: str = "") -> Challenges:
        """The challenges that ``db`` holds. Those that this server, whose name is ``owner``, left running when it was killed are
        marked as interrupted; those of other servers run on.

        Raises:
            Unavailable: the storage failed.
        """
        await owner_queries.interrupt_own(db, owner)
        challenges = cls(db, caller, find, limits or Limits(), owner)
        if db.dialect == "postgresql":  # a file belongs to one server
            challenges._attending = asyncio.create_task(challenges._attend(), name="challenges elsewhere")
        return challenges

    async def plan(self, spec: Spec, session: str) -> Plan:
        """What a challenge would ask, and about what it would cost. Asks no model. Raises as `begin`."""
        plan, _ = await self._plan(spec, session)
        return plan

    async def begin(self, spec: Spec, session: str) -> str:
        """Fix the plan, put it on record and begin to ask. The id of the challenge.

        Raises:
            NotFound, InvalidInput, TooLarge, Forbidden: it cannot be run as it was asked for.
            Unavailable: the storage failed; nothing was begun.
        """
        spec = _until_now(spec)
        plan, items = await self._plan(spec, session)
        run = Run(id=new_id(), state="running", at=now_us(), spec=_without_text(spec), plan=plan, owner=self._owner)
        await queries.add_run(self._db, run, items)
        live = self._live[run.id] = _Live(self._db, run.id)
        live.task = asyncio.create_task(self._drive(run, live))
        return run.id

    async def resume(self, id: str, budget: Money | None = None) -> None:
        """Go on with a challenge that was stopped or interrupted; what was answered and judged is not asked again.

        ``budget`` takes the place of the one before, and includes what was spent; with a larger one, a challenge that ended because its
        budget was spent goes on, too. That is no second chance: the evidence goes on where it stood.

        Raises:
            NotFound: ``challenge.not_found``. Conflict: ``challenge.running``, ``challenge.over``.
            InvalidInput: ``challenge.budget_not_raised``, ``challenge.no_price``, ``challenge.currency``.
            NotFound, Unavailable: a contestant or a judge cannot be called any more.
        """
        run = await self._load(id)
        if id in self._live or run.state == "running":
            raise Conflict("challenge.running", f"Challenge {id!r} is running.", hint="Stop it first, or just wait.")
        if budget is not None:
            run = msgspec.structs.replace(run, spec=_with_budget(run, budget))
        if run.state == "ended" and run.decision != "budget_spent":
            raise Conflict("challenge.over", f"Challenge {id!r} has ended; its answer stands.", hint="Begin another.")
        if run.state == "ended" and budget is None:
            raise Conflict(
                "challenge.over", f"Challenge {id!r} has spent its budget.", hint="Go on with a larger one.", param="budget"
            )
        for deployment in (run.plan.challenger, run.plan.incumbent, *run.plan.judges):
            self._find(deployment.id)
        live = self._live[id] = _Live(self._db, id)
        try:
            if not await queries.go_on(self._db, id, run.spec, self._owner):
                raise Conflict(
                    "challenge.running", f"Challenge {id!r} is running at another server.", hint="Stop it first, or just wait."
                )
            run = msgspec.structs.replace(run, owner=self._owner)
        except BaseException:
            del self._live[id]
            raise
        self._troubles.pop(id, None)
        self._resting.pop(id, None)
        live.task = asyncio.create_task(self._drive(run, live))

    async def stop(self, id: str) -> None:
        """Ask no more. What is under way is let go; what was answered and judged stands. A run that is over stays as it is.

        Raises:
            NotFound: ``challenge.not_found``.
        """
        run = await self._load(id)
        if (live := self._live.get(id)) is not None:
            await self._cancel(live, "stopped")
        elif run.state == "running":
            await owner_queries.stop_elsewhere(self._db, id)

    async def list(self) -> builtins.list[Report]:
        """All challenges as they stand, the newest first."""
        return [await self.report(run.id) for run in await queries.list_runs(self._db)]

    async def report(self, id: str) -> Report:
        """A challenge as it stands, or as it ended.

        Raises:
            NotFound: ``challenge.not_found``.
        """
        return await self._report(await self._load(id))

    async def watch(self, id: str) -> AsyncGenerator[None, None]:
        """Wakes its reader at once, then after every change, and ends when the challenge runs no longer.

        Raises:
            NotFound: ``challenge.not_found``.
        """
        await self._load(id)
        while (live := self._live.get(id)) is not None:
            stirred = live.stirred
            yield
            await stirred.wait()
        while (await self._load(id)).state == "running":  # at another server, which tells us nothing
            yield
            await asyncio.sleep(BEAT_S)

    async def item(self, id: str, number: int) -> Looked:
        """One item with both answers and all judgments, named.

        Raises:
            NotFound: ``challenge.not_found``, ``challenge.no_item``.
        """
        run = await self._load(id)
        item = await queries.load_item(self._db, id, number)
        if item is None:
            raise NotFound(
                "challenge.no_item", f"There is no item {number} in this challenge.", hint=f"There are {run.plan.items}, from 1."
            )
        trials = await queries.load_trials_of(self._db, id, number)
        verdicts = tuple(await queries.load_verdicts_of(self._db, id, number))
        skipped = number in await queries.list_skipped(self._db, id)
        return Looked(
            item=item,
            trials=trials,
            verdicts=verdicts,
            judgments=await queries.load_judgments_of(self._db, id, number),
            settled=settle(run.spec, run.plan.challenger.id, trials, verdicts, skipped=skipped),
        )

    async def hidden_requests(self) -> builtins.list[str]:
        """The request ids whose calls must not be shown: those of answers that people may still be asked to judge."""
        return [
            filed_under(run.id, number, side)
            for run in await queries.list_open(self._db)
            if run.spec.judges[0] == HUMAN
            for number in await queries.list_unvoted(self._db, run.id)
            for side in SIDES
        ]

    def hear(self, id: str, number: int, verdict: Verdict) -> None:
        """A person has voted, and the vote is on record."""
        if (live := self._live.get(id)) is not None:
            live.tell(lambda runner: runner.hear(number, verdict))

    def pass_over(self, id: str, number: int) -> None:
        """A pair that people were to decide will not be."""
        if (live := self._live.get(id)) is not None:
            live.tell(lambda runner: runner.pass_over(number))

    async def close(self) -> None:
        """Let all upstreams go. What runs is interrupted, and can be resumed by the next server."""
        if self._attending is not None:
            self._attending.cancel()
            await asyncio.wait([self._attending])
        for live in builtins.list(self._live.values()):
            await self._cancel(live, "interrupted")

    async def _attend(self) -> None:
        """Keep company with other servers: say what runs here, and hear what people and they have said of it."""
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                for id in await self._elsewhere.look(self._live):
                    await self._yield_to_others(id)
                for id, live in builtins.list(self._live.items()):
                    await self._hear_of_others(id, live)
            except AssayError as error:
                log.debug("other servers cannot be heard of code=%s", error.code)

    async def _yield_to_others(self, id: str) -> None:
        run, live = await queries.load_run(self._db, id), self._live.get(id)
        if run is not None and live is not None and (run.owner != self._owner or run.state in ("stopped", "interrupted")):
            await self._cancel(live, run.state)

    async def _hear_of_others(self, id: str, live: _Live) -> None:
        """Votes that were given through another server."""
        if live.runner is None or not live.runner.is_by_people:
            return
        head = await queries.load_head(self._db, id)
        skipped = await queries.list_skipped(self._db, id)
        if (head, skipped) == live.heard:
            return
        live.heard = head, skipped
        for verdict in await queries.load_verdicts(self._db, id):
            self.hear(id, number_of(verdict), verdict)
        for number in skipped:
            self.pass_over(id, number)

    async def _plan(self, spec: Spec, session: str) -> tuple[Plan, builtins.list[Item]]:
        cast = check_spec(spec, session, self._find)
        if spec.seed is None:
            spec = msgspec.structs.replace(spec, seed=draw_seed())
        gathered = await gather(self._db, spec.source, spec.limit, spec.seed or 0)
        check_items(spec, gathered.items)
        return await asyncio.to_thread(make_plan, spec, gathered, cast.challenger, cast.incumbent, cast.judges)

    async def _drive(self, run: Run, live: _Live) -> None:
        """See a run through to whatever end, and put that on record."""
        try:
            runner = live.runner = await Runner.load(self._db, self._caller, run, self._limits, live.stir)
            for news in live.early:
                news(runner)
            live.stir()
            word = await runner.run()
            await queries.set_state(self._db, run.id, "ended", owner=self._owner, ended_at=now_us(), decision=word)
        except asyncio.CancelledError:
            await self._pause(run.id, live.ending, None)
        except (Halt, Unavailable) as halt:
            log.warning("a challenge is interrupted challenge=%s code=%s", run.id, halt.code)
            await self._pause(run.id, "interrupted", f"{halt.code}: {halt}")
        except Exception:  # the task's boundary: nobody awaits it
            log.exception("a challenge broke off by a defect challenge=%s", run.id)
            await self._pause(run.id, "interrupted", "challenge.defect: it broke off by a defect of Assay; see the log.")
        else:
            await self._finish(run.id)
        finally:
            del self._live[run.id]
            live.stirred.set()

    async def _pause(self, id: str, state: State, trouble: str | None) -> None:
        if trouble is not None:  # it may quote an upstream
            trouble = trouble.replace("\0", "").encode("utf-8", "replace").decode()
        try:
            await queries.set_state(self._db, id, state, owner=self._owner, trouble=trouble)
        except Unavailable as error:
            log.warning("that a challenge is %s is not on record challenge=%s code=%s", state, id, error.code)
            self._troubles[id] = trouble or f"{error.code}: {error.message}"

    async def _finish(self, id: str) -> None:
        """Keep the report, so that it need not be put together again. Without it, it will be."""
        try:
            await self._report(await self._load(id))
        except Exception:  # the answer stands, whatever comes of its report
            log.exception("the report is not kept challenge=%s", id)

    async def _cancel(self, live: _Live, ending: State) -> None:
        """Once: a second time would cut off what the first one lets be saved."""
        if live.task is not None:
            if not live.task.cancelling():
                live.ending = ending
                live.task.cancel()
            await asyncio.wait([live.task])

    async def _load(self, id: str) -> Run:
        """The run as it stands. What is not under way does not run, whatever the storage could still take down."""
        run = await queries.load_run(self._db, id)
        if run is None:
            raise NotFound(
                "challenge.not_found", f"There is no challenge {id[:64]!r}.", hint="`assay challenge list` shows them all."
            )
        if run.state == "running" and id not in self._live and run.owner == self._owner:
            return msgspec.structs.replace(run, state="interrupted", trouble=self._troubles.get(id))
        return run

    async def _report(self, run: Run) -> Report:
        """Many may be looking at a run under way: one report is put together at a time."""
        live = self._live.get(run.id)
        if live is None:
            return await self._report_kept(run)
        async with live.reading:
            return await (self._report_live(run, live) if run.state == "running" else self._report_kept(run))

    async def _report_kept(self, run: Run) -> Report:
        """The report that was kept, where nobody has judged since; else a fresh one."""
        head = await queries.load_head(self._db, run.id)
        if run.state == "ended" and (kept := await queries.load_report(self._db, run.id)) and kept.repeat.chain_head == head:
            return kept
        mark = (run.state, run.trouble, head, await queries.list_skipped(self._db, run.id))
        if run.id in self._resting and self._resting[run.id][0] == mark:
            return self._resting[run.id][1]
        record = msgspec.structs.replace(await load_record(self._db, run.id), run=run)
        if run.state == "running":  # at another server
            return await asyncio.to_thread(assemble, record, live=True)
        report = await asyncio.to_thread(assemble, record)
        if run.state == "ended":
            await queries.save_report(self._db, run.id, report)
        elif run.id not in self._live:
            self._resting[run.id] = (mark, report)
        return report

    async def _report_live(self, run: Run, live: _Live) -> Report:
        """A fresh report, or the last one where nothing has changed since."""
        if live.last_read is None or live.last_read[0] != live.changes:
            changes = live.changes
            record = msgspec.structs.replace(await live.reread.load(), run=run)
            live.last_read = (changes, await asyncio.to_thread(assemble, record, live=True, known=live.reread.known))
        return live.last_read[1]


def _until_now(spec: Spec) -> Spec:
    """Traffic goes on: whoever repeats the challenge draws from the same calls."""
    if not isinstance(spec.source, Traffic) or spec.source.until is not None:
        return spec
    return msgspec.structs.replace(spec, source=msgspec.structs.replace(spec.source, until=now_us()))


def _with_budget(run: Run, budget: Money) -> Spec:
    before = run.spec.budget
    if before is not None and (budget.currency, budget.nano > before.nano) != (before.currency, True):
        raise InvalidInput(
            "challenge.budget_not_raised",
            f"A budget of {budget} is not more than the one before, {before}.",
            hint="State the whole budget: what was spent, and what may come.",
            param="budget",
        )
    spec = msgspec.structs.replace(run.spec, budget=budget)
    check_budget(spec, (run.plan.challenger, run.plan.incumbent, *run.plan.judges))
    return spec


def _without_text(spec: Spec) -> Spec:
    """The items are kept; the file that they came from need not be kept beside them."""
    if not isinstance(spec.source, Content):
        return spec
    return msgspec.structs.replace(spec, source=msgspec.structs.replace(spec.source, text=""))
