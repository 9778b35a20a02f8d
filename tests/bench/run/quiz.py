"""A task of our own for tests of runs, a model that follows a script, and a server's runs over one database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from assay.bench.kind import solve
from assay.bench.outcome import Scored, right, wrong
from assay.bench.recipe import Recipe
from assay.bench.report import RunReport
from assay.bench.runs import Runs
from assay.bench.spec import Spec
from assay.bench.task import Ask, Context, Kind, Sample, Scorer, Task
from assay.bench.worker import Limits
from assay.core import (
    Answer,
    Budget,
    Call,
    CallFailed,
    Deployment,
    Event,
    Finished,
    NotFound,
    PartOpened,
    Price,
    Purpose,
    Request,
    Sampling,
    Started,
    Stopped,
    Text,
    UpstreamRefused,
    Usage,
    UsageReported,
    content_hash,
    new_id,
    now_us,
)
from assay.store import Database

PRICE = Price(input=1_000_000_000, output=4_000_000_000)
USAGE = Usage(input=20, output=90)
COST = PRICE.cost(USAGE)
MODEL = Deployment(id="stage/pupil", provider="stage", model="pupil", upstream_model="pupil", price=PRICE)
JUDGE = Deployment(id="stage/judge", provider="stage", model="judge", upstream_model="judge", price=PRICE)
FAST = Limits(again_s=(0.0,), probes_s=(0.0,) * 5, judge_pauses_s=(0.0,), saving_pauses_s=(0.0, 0.0), beat_s=0.2, lost_s=2.0)

Script: TypeAlias = Callable[[int, int], "str | CallFailed | None"]
"""Given the number asked for and how often it was asked before: what is said, how it fails, or None for a silence without end."""

QUIZ = Task(
    id="quiz",
    version=1,
    title="Quiz",
    about="What number is it?",
    kind="quiz",
    data=(),
    prompt="{{number}}",
    licence="none",
    citation="none",
    link="none",
)


class Quiz:
    """The kind of `QUIZ`: right is whoever says the number. It may ask twice, and its scorer may be told to wait or to break."""

    def __init__(self, count: int):
        self.count = count
        self.turns = 1
        self.versions: Mapping[str, int] = {}
        self.may_score = asyncio.Event()
        self.may_score.set()
        self.breaks: Callable[[Sample], Exception | None] = lambda sample: None
        self.template_error: Exception | None = None
        self.scored = 0

    def read(self, task: Task, files: Mapping[str, Path]) -> Sequence[Sample]:
        return [
            Sample(id=f"q{number}", fields={"number": number}, target=str(number), category="even" if number % 2 == 0 else "odd")
            for number in range(self.count)
        ]

    async def solve(self, task: Task, sample: Sample, ask: Ask, model: str, sampling: Sampling) -> Answer:
        if self.template_error is not None:
            raise self.template_error
        for _ in range(self.turns - 1):
            await solve(task, sample, ask, model, sampling)
        return await solve(task, sample, ask, model, sampling)

    @asynccontextmanager
    async def scorer(self, task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
        self.context = context
        yield self

    async def score(self, sample: Sample, answer: Answer) -> Scored:
        await self.may_score.wait()
        if (error := self.breaks(sample)) is not None:
            raise error
        self.scored += 1
        text = answer.message.text
        return right(text) if text == sample.target else wrong(text)


class QuizTasks:
    """`assay.bench.run_tasks.Tasks` with one task."""

    def __init__(self, quiz: Quiz, task: Task = QUIZ):
        self.quiz = quiz
        self.task = task

    def find(self, name: str) -> Task:
        if name != self.task.id:
            raise NotFound("task.not_found", f"There is no task {name!r}.")
        return self.task

    async def fetch(self, task: Task) -> Mapping[str, Path]:
        return {}

    def kind(self, task: Task) -> Kind:
        return self.quiz

    async def recipe(self, task: Task, files: Mapping[str, Path], spec: Spec) -> Recipe:
        parts = {"task": task.id, "version": task.version, "sampling": msgspec.to_builtins(spec.sampling)}
        parts |= {"balanced": True} if task.balanced else {}
        return Recipe(hash=content_hash(parts), parts=parts)


class Pupil:
    """A `Caller` that answers by ``script``, after ``seconds``. Counts what it is asked, and how many answers are under way."""

    def __init__(self, script: Script, seconds: float = 0.0):
        self.script = script
        self.seconds = seconds
        self.asked: list[int] = []
        self.open = 0
        self.most_open = 0
        self.paid = 0
        self.requests: list[Request] = []
        self.stirred = asyncio.Condition()

    async def stream(
        self, request: Request, deployment: str, purpose: Purpose, budget: Budget | None = None, *, request_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """The script's answer as events."""
        number = int(request.transcript.messages[-1].text)
        before = self.asked.count(number)
        self.asked.append(number)
        self.requests.append(request)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        async with self.stirred:
            self.stirred.notify_all()
        try:
            await asyncio.sleep(self.seconds)
            said = self.script(number, before)
            if said is None:
                await asyncio.Event().wait()
            if isinstance(said, CallFailed):
                raise said
            self.paid += COST.nano
            yield Started(id="scripted", model=deployment)
            yield PartOpened(index=0, part=Text(text=said or ""))
            yield UsageReported(usage=USAGE)
            yield Stopped(reason="end")
            yield Finished(call=call_of(deployment, request_id))
        finally:
            self.open -= 1

    async def until(self, asked: int) -> None:
        """Wait until so many questions were asked."""
        async with asyncio.timeout(30), self.stirred:
            await self.stirred.wait_for(lambda: len(self.asked) >= asked)


def call_of(deployment: str, request_id: str | None = None, *, outcome: str = "ok") -> Call:
    """The record of a call of 20 + 90 tokens, 20 ms to the first and 120 ms in all."""
    provider, _, model = deployment.partition("/")
    return Call(
        id=new_id(),
        request_id=request_id or new_id(),
        at=now_us(),
        purpose="bench",
        outcome="ok" if outcome == "ok" else "error",
        asked=deployment,
        deployment=deployment,
        provider=provider,
        model=model,
        protocol="openai_chat",
        stream=True,
        duration_us=120_000,
        ttft_us=20_000,
        usage=USAGE if outcome == "ok" else None,
        cost=COST if outcome == "ok" else None,
    )


def refusal(status: int = 500, *, retry_after_s: float | None = None) -> UpstreamRefused:
    """The error of an upstream that answers with ``status``."""
    return UpstreamRefused(
        "upstream.rate_limited" if status == 429 else "upstream.failed",
        f"Stage answered HTTP {status}.",
        call=call_of(MODEL.id, outcome="error"),
        upstream_status=status,
        retry_after_s=retry_after_s,
    )


def find(name: str) -> Deployment:
    """The deployments of this stage, by id or by model."""
    for one in (MODEL, JUDGE):
        if name in (one.id, one.model):
            return one
    raise NotFound("model.not_found", f"There is no model {name!r} here.")


def spec_of(**more: Any) -> Spec:
    """The quiz for the pupil, four at once."""
    return msgspec.convert({"task": "quiz", "model": MODEL.id, "concurrency": 4, **more}, Spec)


def knows(number: int, before: int) -> str:
    """A pupil that knows everything."""
    return str(number)


def knows_even(number: int, before: int) -> str:
    """One that knows even numbers."""
    return str(number) if number % 2 == 0 else "?"


class School:
    """A server's runs over one database; can be closed and opened again, as by a restart."""

    def __init__(self, db: Database, folder: Path):
        self.db = db
        self.folder = folder
        self.quiz = Quiz(40)
        self.task = QUIZ
        self.pupil = Pupil(knows)
        self._runs: Runs | None = None

    @property
    def runs(self) -> Runs:
        assert self._runs is not None
        return self._runs

    async def open(self, script: Script = knows, *, owner: str = "", seconds: float = 0.0, limits: Limits = FAST) -> Runs:
        self.pupil = Pupil(script, seconds)
        self._runs = await Runs.start(
            self.db, self.pupil, find, QuizTasks(self.quiz, self.task), folder=self.folder, owner=owner, limits=limits
        )
        return self.runs

    async def close(self) -> None:
        if self._runs is not None:
            await self._runs.close()
            self._runs = None
        assert self.pupil.open == 0, "an upstream was not let go"

    async def see_through(self, id: str) -> RunReport:
        """Wait until it runs no longer; how it stands then."""
        async with asyncio.timeout(40):
            async for _ in self.runs.watch(id):
                pass
        return await self.runs.report(id)

    async def run(self, script: Script = knows, **spec: Any) -> RunReport:
        """A run from beginning to end."""
        await self.open(script)
        return await self.see_through(await self.runs.begin(spec_of(**spec)))
