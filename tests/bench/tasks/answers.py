"""Answers as a run would hand them to a scorer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assay.bench.kind import kind_of
from assay.bench.outcome import Scored
from assay.bench.task import Context, DataFile, Sample, Task
from assay.core import Answer, Message, Part, StopReason, Text, assistant


def said(text: str, stop: StopReason = "end", *more: Part) -> Answer:
    """A model's answer."""
    message = Message(role="assistant", parts=(Text(text=text), *more)) if more else assistant(text)
    return Answer(messages=(message,), stop=stop, usage=None, started=None)


def task(kind: str, **more: Any) -> Task:
    """A task with one file of JSON Lines."""
    given: dict[str, Any] = {
        "id": "quiz",
        "version": 1,
        "title": "Quiz",
        "about": "A quiz.",
        "data": (DataFile(name="rows.jsonl", path="rows.jsonl"),),
        "licence": "Apache-2.0",
        "citation": "none",
        "link": "https://example.org",
    }
    return Task(kind=kind, **{**given, **more})


async def score(
    of: Task, sample: Sample, answer: Answer, *, folder: Path, files: dict[str, Path] | None = None, **context: Any
) -> Scored:
    """What the scorer of a task says."""
    async with kind_of(of).scorer(of, files or {}, Context(folder=folder, **context)) as scorer:
        return await scorer.score(sample, answer)
