"""A small Python repository with one bug, to be mended with a shell in the sandbox; hidden tests decide.

The repositories are generated (`assay.bench.agent.specimen`): options ``seed`` and ``count``. Take a seed that nobody knows for numbers that
count; two runs can be compared when they have the same. ``steps``, ``command_s`` and ``total_s`` bound the work.

Right: all hidden tests pass. Part: ``hidden``, the share of them that do; a repository as it was given has some already.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from assay.bench.agent.hidden import LIMITS, Slow, passed
from assay.bench.agent.shell import SHELL, Bounds, work
from assay.bench.agent.specimen import VERSION, Specimen, make
from assay.bench.judgement import no_answer
from assay.bench.kind import question
from assay.bench.outcome import Scored, right, wrong
from assay.bench.task import Ask, Context, Sample, Scorer, Task
from assay.bench.template import render
from assay.core import Answer, Sampling, user
from assay.sandbox import Workspace

VERSIONS = {"repair": 1, "agent.specimen": VERSION}
_TRIED_S = 60.0
_LEFT = "assay"
_TREE = "files"
"""Where the last answer keeps the files as the model left them: `Message.extra`, so that they are stored before they are scored."""


def read(task: Task, files: Mapping[str, Path]) -> list[Sample]:
    """The repositories; the template may use ``issue`` and ``package``."""
    seed, count = int(task.options.get("seed", 0)), int(task.options.get("count", 50))
    return [
        Sample(id=one.id, fields={"issue": one.issue, "package": one.package, "seed": seed, "number": number}, category=one.family)
        for number, one in enumerate(make(seed, number) for number in range(count))
    ]


async def solve(task: Task, sample: Sample, ask: Ask, model: str, sampling: Sampling) -> Answer:
    """Let the model work in a workspace; its last answer brings the files along."""
    specimen = _specimen(sample)
    request = question(task, (user(render(task.prompt, sample.fields)),), model, sampling)
    bounds = msgspec.convert({name: task.options[name] for name in Bounds.__struct_fields__ if name in task.options}, Bounds)
    worked = await work(msgspec.structs.replace(request, tools=(SHELL,)), specimen.broken, ask, bounds)
    message = worked.answer.message
    kept: dict[str, Any] = {_TREE: worked.files, "steps": worked.steps}
    message = msgspec.structs.replace(message, extra={**message.extra, _LEFT: kept})
    return msgspec.structs.replace(worked.answer, messages=(message,))


def _specimen(sample: Sample) -> Specimen:
    return make(sample.fields["seed"], sample.fields["number"])


class _Repaired:
    async def score(self, sample: Sample, answer: Answer) -> Scored:
        specimen = _specimen(sample)
        left: dict[str, str] | None = answer.message.extra.get(_LEFT, {}).get(_TREE)
        if left is None or left == specimen.broken:
            return msgspec.structs.replace(no_answer(answer), detail="No file was changed.")
        try:
            found = await passed(specimen, left)
        except Slow:
            return Scored(outcome="timeout", value=0.0, parts={"hidden": 0.0}, detail="The hidden tests did not end in time.")
        parts = {"hidden": sum(found) / len(found)}
        detail = f"{sum(found)} of {len(found)} hidden tests pass."
        changed = ", ".join(sorted(path for path in {*left, *specimen.broken} if left.get(path) != specimen.broken.get(path)))
        return (right if all(found) else wrong)(changed, parts=parts, detail=detail)


@asynccontextmanager
async def scorer(task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
    """Runs hidden tests in fresh workspaces. One is tried at once, so that a run that cannot have them ends before it asks."""
    async with Workspace({}, LIMITS) as box:
        await box.run(("python3", "-I", "-c", ""), _TRIED_S)
    yield _Repaired()
