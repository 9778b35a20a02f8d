"""A run of the shipped task from its beginning to its end: what a model left is stored with its answer, and scored from there."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from assay.bench.agent.specimen import make
from assay.bench.data import Sources
from assay.bench.library import Library
from assay.bench.run_shelf import Shelf
from assay.bench.runs import Runs
from assay.bench.spec import Spec
from assay.core import Budget, Event, Finished, Message, PartOpened, Purpose, Request, Started, Stopped, Text, ToolCall
from assay.store import Database
from tests.bench.run.quiz import MODEL
from tests.judge.scripted import call_of

SEED = 11


class Mechanic:
    """A `Caller` that puts the right file in the place of the broken one in every other repository, and says that it is done."""

    async def stream(
        self, request: Request, deployment: str, purpose: Purpose, budget: Budget | None = None, *, request_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        messages = request.transcript.messages
        yield Started(id="1", model="m")
        if messages[-1].role == "tool":
            yield PartOpened(index=0, part=Text(text="Done."))
            yield Stopped(reason="end")
        else:
            command = json.dumps({"command": _mending(messages[1])})
            yield PartOpened(index=0, part=ToolCall(id="c", name="shell", arguments=command))
            yield Stopped(reason="tool_calls")
        yield Finished(call=call_of(deployment))


def _mending(asked: Message) -> str:
    number = next(number for number in range(4) if make(SEED, number).package in asked.text)
    specimen = make(SEED, number)
    [path] = [path for path in specimen.correct if specimen.correct[path] != specimen.broken[path]]
    return f"cat > {path} <<'EOF_OF_FILE'\n{specimen.correct[path]}EOF_OF_FILE" if number % 2 == 0 else f"rm {path}"


@pytest.mark.anyio
async def test_repositories_are_mended_stored_and_scored(database: Database, tmp_path: Path) -> None:
    shelf = Shelf(Library(), Sources(cache=tmp_path / "cache"))
    runs = await Runs.start(database, Mechanic(), lambda name: MODEL, shelf, owner="here", folder=tmp_path)
    id = await runs.begin(Spec(task="repair", model=MODEL.id, options={"seed": SEED, "count": 4}))
    async for _ in runs.watch(id):
        pass
    report = await runs.report(id)
    await runs.close()
    assert report.state == "ended", report.trouble
    assert (report.outcomes["right"], report.outcomes["wrong"]) == (2, 2)
    assert report.parts["options"]["seed"] == SEED
