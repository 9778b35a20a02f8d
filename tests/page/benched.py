"""A server with tasks and models of the tests' own: sums, asked of models that know some of them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from assay.bench.outcome import OUTCOMES, Outcome, Scored
from assay.bench.queries import Run, add_run
from assay.bench.queries_results import Body, Figures, answered, scored
from assay.bench.run_plan import SHARD, Plan
from assay.bench.spec import Spec
from assay.bench.task import Sample
from assay.core import Money, Transcript, Usage, assistant, new_id, now_us, user
from assay.store import open_database
from tests.server import RunningAssay, running
from tests.upstream import ScriptedUpstream
from tests.upstream.script import Answer, Asked, Says, Script, Thinks, says

QUESTIONS = 60
HOSTILE = '<img src="x" onerror="document.title=\'fooled\'"><script>document.title="fooled"</script>'
SECRET = "How much is"
TASK = """
id = "{id}"
version = 1
title = "{title}"
about = "Sums of two numbers."
kind = "numbers"
format = "jsonl"
rows = {questions}
prompt = "{{{{question}}}}"
gated = {gated}
licence = "own"
citation = "Ours, 2026."
link = "https://example.org/sums"
data = [{{ name = "sums.jsonl", path = "sums.jsonl" }}]

[fields]
target = "answer"
category = "topic"
"""
CONFIG = """
[providers.scripted]
title = "Scripted"
base_url = "{url}"
auth = "none"
"""
MODEL = """
[[providers.scripted.models]]
name = "{name}"
price = {{ input = 1000000000, output = 4000000000, date = "2026-11-01", source = "tests" }}
"""


def bright(asked: Asked) -> Answer:
    """Knows most sums, and thinks aloud; declines one in 13."""
    first, total = _sum(asked)
    if first % 13 == 0:
        return says("I'm sorry, but I can't help with that.")
    wrong_by = 1 if first % 7 == 0 else 0
    return Answer([Thinks(["I add ", "them."]), Says([f"The answer is {total + wrong_by}."])])


def dim(asked: Asked) -> Answer:
    """Knows one sum in three, and says what a page must not take for its own."""
    first, total = _sum(asked)
    return says(f"{HOSTILE} The answer is {total if first % 3 == 0 else total + 1}.")


def slow(asked: Asked) -> Answer:
    """Knows every sum, in its own time."""
    _, total = _sum(asked)
    return says(f"The answer is {total}.", headers_after_s=0.25)


SCRIPTS: dict[str, Script] = {"bright": bright, "dim": dim, "slow": slow}


def _sum(asked: Asked) -> tuple[int, int]:
    numbers = [int(word) for word in re.findall(r"\d+", asked.words)]
    return numbers[0], sum(numbers)


@contextmanager
def school(folder: Path) -> Iterator[RunningAssay]:
    """The server, signed in to; `sums` and the gated `riddles` can be asked of `SCRIPTS`."""
    for id, title, gated in (("sums", "Sums", False), ("riddles", "Riddles", True)):
        place = folder / "data" / "tasks" / id
        place.mkdir(parents=True)
        about = TASK.format(id=id, title=title, questions=QUESTIONS, gated=str(gated).lower())
        (place / "task.toml").write_text(about)
        rows = [
            {"question": f"{SECRET} {at} + {at * 2}?", "answer": at * 3, "topic": "small" if at < 40 else "large"}
            for at in range(1, QUESTIONS + 1)
        ]
        (place / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with ScriptedUpstream(key=None, scripts=dict(SCRIPTS)) as upstream:
        config = folder / "assay.toml"
        config.write_text(CONFIG.format(url=upstream.url) + "".join(MODEL.format(name=name) for name in SCRIPTS))
        with running(folder, "--demo", "--config", str(config)) as server:
            server.sign_in()
            yield server
        assert upstream.complaints == []


def begin_run(assay: RunningAssay, model: str, task: str = "sums", **more: Any) -> str:
    """A run that goes on by itself; gives back its id."""
    reply = assay.ask("POST", "/api/v1/bench/runs", {"task": task, "model": f"scripted/{model}", "concurrency": 16, **more})
    assert reply.status == 201, reply
    return str(reply.json["id"])


def whole_run(assay: RunningAssay, model: str, task: str = "sums", **more: Any) -> str:
    """A run from beginning to end; gives back its id."""
    id = begin_run(assay, model, task, **more)
    followed = assay.ask("GET", f"/api/v1/bench/runs/{id}/events", timeout_s=60)
    assert b"event: end" in followed.body, followed
    assert assay.ask("GET", f"/api/v1/bench/runs/{id}").json["state"] == "ended"
    return id


def seed_run(folder: Path, count: int) -> str:
    """A run of ``count`` samples in the database of a server whose data are below ``folder``, and that does not run; its id."""
    with ThreadPoolExecutor(1) as thread:  # playwright's own event loop runs in this one
        return thread.submit(asyncio.run, _seed(folder / "data" / "assay.db", count)).result()


async def _seed(file: Path, count: int) -> str:
    db = await open_database(f"sqlite:///{file}")
    try:
        plan = Plan(
            task="sums",
            version=1,
            title="Sums",
            gated=False,
            model="scripted/bright",
            questions=count,
            epochs=1,
            shard=SHARD,
            prices={},
            recipe={"task": "sums"},
        )
        spec = Spec(task="sums", model="scripted/bright")
        run = Run(id=new_id(), state="running", at=now_us(), spec=spec, plan=plan, recipe="0" * 64, asker="", owner="seed")
        samples = [Sample(id=f"sum-{at}", fields={}, category=f"topic {at % 20}") for at in range(count)]
        await add_run(db, run, samples)
        for start in range(0, count, 5000):
            lines = [line for at in range(start, min(start + 5000, count)) for line in _scored(run.id, at)]
            await db.write([(sql, [row for one, row in lines if one is sql]) for sql in dict.fromkeys(sql for sql, _ in lines)])
        return run.id
    finally:
        await db.close()


def _scored(run: str, at: int) -> Iterator[Any]:
    outcome: Outcome = "right" if at % 3 else OUTCOMES[at // 3 % len(OUTCOMES)]
    figures = Figures(
        stop="end",
        usage=Usage(input=40, output=90),
        cost=Money(20_000, "USD"),
        latency_us=400_000 + at % 997 * 1000,
        ttft_us=90_000,
    )
    body = Body(transcript=Transcript((user(f"How much is {at} + {at}?"),)), message=assistant(f"It is {2 * at}."))
    value = {"right": 1.0, "graded": 0.5, "error": None}.get(outcome, 0.0)
    yield from answered(run, at, "seed", figures, body)
    yield scored(
        run, at, "seed", Scored(outcome=outcome, value=value, extracted=str(2 * at), detail=msgspec.json.encode(at).decode())
    )
