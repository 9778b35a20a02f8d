"""The bench over its API, with the real engine behind it and a scripted model behind that."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assay.api import Actor
from assay.bench.library import Library
from assay.bench.outcome import Scored, wrong
from assay.bench.routes import routes
from assay.bench.task import Sample, Task
from assay.core import Answer
from assay.store import Database
from tests.asgi import ADMIN, Session
from tests.bench.run.quiz import COST, MODEL, QUIZ, USAGE, Quiz, School, Script, knows, knows_even

pytestmark = pytest.mark.anyio

RUNS = "/api/v1/bench/runs"
SECRET = "the hidden question"
QUIZ_TOML = """
id = "quiz"
version = 1
title = "Quiz"
about = "What number is it?"
kind = "numbers"
data = []
prompt = "{{number}}"
licence = "none"
citation = "none"
link = "none"
"""


class Exam(Quiz):
    """A quiz whose ids hold a slash, and whose wrong answers quote the question."""

    def read(self, task: Task, files: Mapping[str, Path]) -> Sequence[Sample]:
        return [msgspec.structs.replace(sample, id=f"exam/{sample.id}") for sample in super().read(task, files)]

    async def score(self, sample: Sample, answer: Answer) -> Scored:
        scored = await super().score(sample, answer)
        return scored if scored.outcome == "right" else wrong(scored.extracted, detail=f"{SECRET} was {sample.target}")


class Hall:
    """The API of the bench over a school, for whoever asks."""

    def __init__(self, school: School, library: Library):
        self.school = school
        self._library = library

    async def open(self, script: Script = knows_even, actor: Actor = ADMIN) -> Session:
        """The school as it is now, and somebody who asks."""
        await self.school.close()
        await self.school.open(script)
        return Session(routes(self.school.db, self.school.runs, self._library), actor=actor)

    async def run(self, script: Script = knows_even, **more: Any) -> tuple[Session, str]:
        """A run that is over: who asks, and its path."""
        session = await self.open(script)
        return session, await finish(session, await begin(session, **more))


@pytest.fixture
async def hall(database: Database, tmp_path: Path) -> AsyncIterator[Hall]:
    school = School(database, tmp_path)
    school.quiz = Exam(40)
    folder = tmp_path / "tasks" / "quiz"
    folder.mkdir(parents=True)
    (folder / "task.toml").write_text(QUIZ_TOML)
    yield Hall(school, Library([tmp_path / "tasks"]))
    await school.close()


async def begin(session: Session, **more: Any) -> str:
    reply = await session.post(RUNS, {"task": "quiz", "model": MODEL.id, "concurrency": 4, **more})
    assert reply.status == 201, reply
    return f"{RUNS}/{reply.json['id']}"


async def finish(session: Session, path: str) -> str:
    """Follow it to its end."""
    async with session.stream(f"{path}/events", method="GET") as events:
        told = [event async for event in events]
    assert told[-1][0] == "end"
    return path


async def test_a_run_is_begun_followed_to_its_end_and_listed(hall: Hall) -> None:
    session, path = await hall.run()
    run = (await session.get(path)).json
    assert (run["state"], run["done"], run["planned"], run["score"]["value"]) == ("ended", 40, 40, 0.5)
    assert {name: n for name, n in run["outcomes"].items() if n} == {"right": 20, "wrong": 20}
    assert [(one["name"], one["value"]) for one in run["categories"]] == [("even", 1.0), ("odd", 0.0)]
    assert run["cost"] == {"nano": 40 * COST.nano, "currency": "USD"}
    assert (run["tokens"]["input"], run["tokens"]["output"]) == (40 * USAGE.total_input, 40 * USAGE.total_output)
    assert {part["name"]: part["value"] for part in run["parts"]} == {"task": "quiz", "version": "1", "sampling": "{}"}
    listed = (await session.get(RUNS)).json["runs"]
    assert listed == [{name: run[name] for name in listed[0]}]
    assert (await session.get(f"{RUNS}?task=other")).json["runs"] == []


async def test_samples_come_in_pages_and_by_outcome_category_and_words(hall: Hall) -> None:
    session, path = await hall.run()
    first = (await session.get(f"{path}/samples?limit=25")).json
    rest = (await session.get(f"{path}/samples?limit=25&after={first['next']}")).json
    assert [one["sample"] for one in first["samples"] + rest["samples"]] == [f"exam/q{number}" for number in range(40)]
    assert rest["next"] is None
    wrong = (await session.get(f"{path}/samples?outcome=wrong&limit=3")).json
    assert [(one["sample"], one["answer"]) for one in wrong["samples"]] == [(f"exam/q{number}", "?") for number in (1, 3, 5)]
    even = (await session.get(f"{path}/samples?category=even")).json["samples"]
    assert {one["outcome"] for one in even} == {"right"}
    assert len(even) == 20
    for words in ("q39", "WAS%2039"):  # of the id, and of why it counts as it does
        found = (await session.get(f"{path}/samples?search={words}")).json["samples"]
        assert [one["sample"] for one in found] == ["exam/q39"], words
    assert (await session.get(f"{path}/samples?search=100%25_")).json["samples"] == []


async def test_a_sample_is_read_whole_whatever_its_id(hall: Hall) -> None:
    session, path = await hall.run()
    sample = (await session.get(f"{path}/samples/exam/q3/0")).json
    assert (sample["outcome"], sample["answer"], sample["value"], sample["after"]) == ("wrong", "?", 0.0, 3)
    assert sample["detail"] == f"{SECRET} was 3"
    assert [part["text"] for message in sample["asked"] for part in message["parts"]] == ["3"]
    assert sample["said"]["parts"][0]["text"] == "?"
    assert (len(sample["calls"]), sample["latency_us"] is not None, sample["ttft_us"] is not None) == (1, True, True)
    for gone in ("exam/q3/1", "exam/q99/0", "exam/q3/first"):
        reply = await session.get(f"{path}/samples/{gone}")
        assert (reply.status, reply.json["code"]) == (404, "bench.no_sample"), gone


async def test_of_a_gated_task_nothing_that_was_asked_or_said_is_shown(hall: Hall) -> None:
    hall.school.task = msgspec.structs.replace(QUIZ, gated=True)
    session, path = await hall.run(lambda number, before: f"{SECRET} is {number}")
    await session.get(path)
    await session.get(f"{path}/samples")
    sample = (await session.get(f"{path}/samples/exam/q3/0")).json
    assert (sample["redacted"], sample["asked"], sample["said"], sample["answer"], sample["detail"]) == (True, None, None, None, "")
    assert (sample["outcome"], len(sample["calls"])) == ("wrong", 1)
    assert (await session.get(f"{path}/samples?search=hidden")).json["samples"] == [], "a search must not tell what is in it"
    assert len((await session.get(f"{path}/samples?search=q3")).json["samples"]) == 11
    await session.get(f"/api/v1/bench/compare?a={path.split('/')[-1]}&b={path.split('/')[-1]}")
    assert SECRET.encode() not in session.seen


async def test_of_a_gated_task_that_was_unlocked_all_is_shown(hall: Hall) -> None:
    hall.school.task = msgspec.structs.replace(QUIZ, gated=True)
    session, path = await hall.run(unlocked=True)
    sample = (await session.get(f"{path}/samples/exam/q3/0")).json
    assert (sample["redacted"], sample["answer"], sample["detail"]) == (False, "?", f"{SECRET} was 3")
    assert len((await session.get(f"{path}/samples?search=hidden")).json["samples"]) == 20


async def test_two_runs_are_compared_on_the_questions_that_flipped(hall: Hall) -> None:
    session, a = await hall.run(knows)
    b = await finish(session := await hall.open(knows_even), await begin(session))
    said = (await session.get(f"/api/v1/bench/compare?a={a.split('/')[-1]}&b={b.split('/')[-1]}&limit=5")).json
    found = said["found"]
    assert (found["verdict"], found["score"]["difference"]["value"], found["questions"]) == ("A better", 0.5, 40)
    assert (said["flipped"], len(found["better_a"]), found["better_b"]) == ([20, 0], 5, [])
    assert said["answers"]["exam/q1"] == ["1", "?"]
    assert found["score"]["p"] < 0.001
    assert found["different"] == []


async def test_runs_of_two_tasks_have_nothing_in_common(hall: Hall) -> None:
    session, a = await hall.run()
    hall.school.task = msgspec.structs.replace(QUIZ, id="riddle")
    session = await hall.open()
    b = await finish(session, await begin(session, task="riddle"))
    reply = await session.get(f"/api/v1/bench/compare?a={a.split('/')[-1]}&b={b.split('/')[-1]}")
    assert (reply.status, reply.json["code"]) == (422, "bench.other_task")


async def test_a_run_that_is_stopped_goes_on_where_it_was(hall: Hall) -> None:
    session = await hall.open(lambda number, before: str(number) if number < 20 else None)
    path = await begin(session)
    await hall.school.pupil.until(22)
    assert (await session.post(f"{path}/stop")).json["state"] == "stopped"
    session = await hall.open(knows)
    assert (await session.post(f"{path}/resume")).json["state"] in {"running", "ended"}
    await finish(session, path)
    run = (await session.get(path)).json
    assert (run["state"], run["score"]["value"]) == ("ended", 1.0)
    assert min(hall.school.pupil.asked) == 20, "what was answered is not asked again"
    again = await session.post(f"{path}/resume")
    assert (again.status, again.json["code"]) == (409, "bench.over")


async def test_only_an_admin_lets_code_run_without_a_whole_sandbox_or_shows_gated_questions(hall: Hall) -> None:
    member = Actor(id="m", name="Mei", role="member", user="m")
    session = await hall.open(actor=member)
    asked = {"task": "quiz", "model": MODEL.id, "accept_unsafe": True}
    reply = await session.post(RUNS, asked)
    assert (reply.status, reply.json["code"]) == (403, "bench.unsafe_not_yours")
    reply = await session.post(RUNS, {"task": "quiz", "model": MODEL.id, "unlocked": True})
    assert (reply.status, reply.json["code"]) == (403, "bench.unlock_not_yours")
    await finish(session, await begin(session))


async def test_a_task_says_what_a_sample_of_it_took_before(hall: Hall) -> None:
    session = await hall.open()
    assert (await session.get("/api/v1/bench/tasks/quiz")).json["typical"] is None
    await finish(session, await begin(session, limit=10))
    task = (await session.get("/api/v1/bench/tasks/quiz")).json
    assert task["typical"] == {"samples": 10, "input_tokens": 20.0, "output_tokens": 90.0}
    listed = (await session.get("/api/v1/bench/tasks")).json
    assert {"gsm8k", "quiz"} <= {one["id"] for one in listed["tasks"]}
    assert listed["broken"] == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"task": "quiz", "model": "stage/nobody"}, 404, "model.not_found"),
        ({"task": "none", "model": MODEL.id}, 404, "task.not_found"),
        ({"task": "quiz", "model": MODEL.id, "limit": 0}, 400, "api.bad_body"),
        ({"task": "quiz", "model": MODEL.id, "colour": "red"}, 400, "api.bad_body"),
    ],
    ids=["model", "task", "limit", "field"],
)
async def test_what_cannot_be_run_is_refused_by_name(hall: Hall, body: Any, status: int, code: str) -> None:
    session = await hall.open()
    reply = await session.post(RUNS, json.dumps(body).encode())
    assert (reply.status, reply.json["code"]) == (status, code)


async def test_a_run_that_never_was_is_not_found_anywhere(hall: Hall) -> None:
    session = await hall.open(knows)
    for path in ("", "/samples", "/samples/q1/0", "/events"):
        reply = await session.get(f"{RUNS}/never{path}")
        assert (reply.status, reply.json["code"]) == (404, "bench.run_not_found"), path
