"""Questions that may not be shown: asked over the real gateway, and kept nowhere but with the run."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import msgspec
import pytest

from assay.bench.outcome import Scored, right
from assay.bench.report import RunReport
from assay.bench.runs import Runs
from assay.bench.task import Context, Sample, Scorer, Task
from assay.core import Answer, Call, Money, Request, Transcript, complete, user
from assay.store import Database, migrate, open_database
from assay.web import SCHEMAS
from tests.bench.run.quiz import FAST, QUIZ, Quiz, QuizTasks, spec_of
from tests.gateway.rig import answering, running, told

pytestmark = pytest.mark.anyio

RIDDLE = "which walks on four legs in the morning"
SAID = "good day"
KEEPERS = ("bench_answers", "bench_results")
TASK = msgspec.structs.replace(QUIZ, gated=True, needs_judge=True)


class Riddles(Quiz):
    """What is asked is judged by a model, who is told it; one question breaks its scorer, which quotes it."""

    def read(self, task: Task, files: Mapping[str, Path]) -> Sequence[Sample]:
        return [Sample(id=f"q{number}", fields={"number": f"{number} {RIDDLE}?"}) for number in range(self.count)]

    @asynccontextmanager
    async def scorer(self, task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
        self.context = context
        yield self

    async def score(self, sample: Sample, answer: Answer) -> Scored:
        if sample.id == "q3":
            raise ValueError(RIDDLE)
        assert self.context.caller is not None
        asked = Request(model="up/m", transcript=Transcript((user(f"Is {answer.message.text!r} what {RIDDLE}?"),)))
        said = await complete(self.context.caller, asked, "up/m", "judge")
        assert said.call is not None
        return right(None, calls=(said.call.id,))


@pytest.fixture
async def db(anyio_backend: str, tmp_path: Path) -> AsyncIterator[Database]:
    database = await open_database(f"sqlite:///{tmp_path / 'assay.db'}")
    await migrate(database, *SCHEMAS)
    yield database
    await database.close()


async def _run(db: Database, folder: Path, *, unlocked: bool) -> tuple[RunReport, list[Call]]:
    async with told(answering) as upstream, running(db, folder, upstream.url, bodies="full", log_calls=True) as served:
        gateway = served.gateway
        runs = await Runs.start(db, gateway.caller, gateway.find, QuizTasks(Riddles(8), TASK), folder=folder, limits=FAST)
        id = await runs.begin(spec_of(model="up/m", judge="up/m", use_cache=True, unlocked=unlocked))
        async for _ in runs.watch(id):
            pass
        report = await runs.report(id)
        await runs.close()
        return report, await served.calls()


def _holding(database: Path, *words: str) -> set[str]:
    """The tables in which one of ``words`` is to be read."""
    with closing(sqlite3.connect(database)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {table: str(connection.execute(f'SELECT * FROM "{table}"').fetchall()) for table in tables}  # names
        return {table for table, text in rows.items() if any(word in text for word in words)}


async def test_what_may_not_be_shown_is_kept_with_the_run_alone_and_each_call_is_on_record(
    db: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    report, calls = await _run(db, tmp_path, unlocked=False)
    assert report.outcomes == {"right": 7, "error": 1}
    assert sorted(call.purpose for call in calls) == ["bench"] * 8 + ["judge"] * 7
    assert all(call.usage is not None and call.cost is not None for call in calls)
    assert {(call.request, call.reply) for call in calls} == {(None, None)}
    assert report.cost == Money(sum(call.cost.nano for call in calls if call.cost))
    assert _holding(tmp_path / "assay.db", RIDDLE, SAID) <= set(KEEPERS)
    assert "a scorer broke" in caplog.text
    assert RIDDLE not in caplog.text


async def test_what_is_unlocked_is_kept_as_everything_is(db: Database, tmp_path: Path) -> None:
    _, calls = await _run(db, tmp_path, unlocked=True)
    assert all(call.request and call.reply for call in calls)
    assert "bench_cache" in _holding(tmp_path / "assay.db", SAID)
