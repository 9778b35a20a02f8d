"""Samples that were made elsewhere: rows of ``{"task_id", "completion" | "solution"}``, as HumanEval and evalplus write them.

``solution`` is a whole program and runs as it is; ``completion`` is put under the prompt. Nothing is extracted: whoever made the rows
has done so.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from assay.bench.code.judge import CodeJudge
from assay.bench.code.outcome import scored_as
from assay.bench.code.problem import Problems
from assay.bench.outcome import Outcome
from assay.bench.task import Task
from assay.core import AssayError, InvalidInput, Unprocessable

_AHEAD = 1000
"""Programs judged or waiting for a judge before the first of them has been told: one may take as long as a hundred others, and
nobody idles beside it."""


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one sample fared. ``index`` counts the samples of one problem from 0, as they come."""

    task_id: str
    index: int
    outcome: Outcome
    parts: dict[str, float] = {}
    detail: str = ""
    error: str | None = None


class FileSummary(msgspec.Struct, frozen=True, kw_only=True):
    """``problems`` were tried of the ``of`` there are; ``right`` of ``samples`` samples pass everything, and ``parts`` says what share of
    those scored passes each part. ``layers``: what the sandbox was made of."""

    task: str
    samples: int
    problems: int
    of: int
    right: int
    outcomes: dict[str, int]
    parts: dict[str, float]
    layers: tuple[str, ...]


class _Given(msgspec.Struct):
    task_id: str
    completion: str | None = None
    solution: str | None = None


async def score_file(
    task: Task,
    files: Mapping[str, Path],
    samples: Path,
    *,
    folder: Path,
    workers: int = 2,
    accept_unsafe: bool = False,
) -> AsyncIterator[Row | FileSummary]:
    """One `Row` for each sample, in the order of the file, and the summary last.

    Raises:
        InvalidInput: ``code.samples_invalid``, with the line; ``code.task_unfit`` where the task is not of programs.
        Unprocessable: ``sandbox.unavailable``.
    """
    if task.kind != "code":
        raise InvalidInput(
            "code.task_unfit", f"Task {task.id!r} is of the kind {task.kind!r}; only programs are scored from a file."
        )
    problems = await asyncio.to_thread(Problems, files[task.data[0].name])
    given = await asyncio.to_thread(lambda: list(_read(samples, problems)))
    rows: list[Row] = []
    async with CodeJudge.open(task, files, workers=workers, folder=folder, accept_unsafe=accept_unsafe) as judge:
        async for row in _in_order(judge, _numbered(given)):
            rows.append(row)
            yield row
        yield _summary(task, rows, len(problems.questions), judge.layers.active)


async def _in_order(judge: CodeJudge, given: Iterable[tuple[int, str, str]]) -> AsyncIterator[Row]:
    waiting: deque[asyncio.Task[Row]] = deque()
    try:
        for index, problem, program in given:
            waiting.append(asyncio.create_task(_score(judge, index, problem, program)))
            if len(waiting) > _AHEAD:
                yield await waiting.popleft()
        while waiting:
            yield await waiting.popleft()
    finally:
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _score(judge: CodeJudge, index: int, problem: str, program: str) -> Row:
    try:
        scored = scored_as(await judge.examine(problem, program), program)
    except Unprocessable:
        raise
    except AssayError as error:
        return Row(task_id=problem, index=index, outcome="error", error=error.code, detail=str(error))
    return Row(task_id=problem, index=index, outcome=scored.outcome, parts=scored.parts, detail=scored.detail)


def _read(samples: Path, problems: Problems) -> Iterable[tuple[str, str]]:
    """Problem and program of each row."""
    for number, line in enumerate(samples.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line, type=_Given)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _invalid(samples, number, str(error)) from None
        if row.task_id not in problems.questions:
            raise _invalid(samples, number, f"there is no problem {row.task_id!r} in this task")
        if row.solution is not None:
            yield row.task_id, row.solution
        elif row.completion is not None:
            yield row.task_id, problems.questions[row.task_id].prompt + row.completion
        else:
            raise _invalid(samples, number, "it has neither `completion` nor `solution`")


def _invalid(samples: Path, number: int, why: str) -> InvalidInput:
    return InvalidInput(
        "code.samples_invalid",
        f"{samples}, line {number}: {why}.",
        hint='Each line is {"task_id": ..., "completion": ...} or {"task_id": ..., "solution": ...}.',
    )


def _numbered(given: Iterable[tuple[str, str]]) -> Iterable[tuple[int, str, str]]:
    seen: dict[str, int] = {}
    for problem, program in given:
        seen[problem] = seen.get(problem, -1) + 1
        yield seen[problem], problem, program


def _summary(task: Task, rows: list[Row], of: int, layers: tuple[str, ...]) -> FileSummary:
    outcomes: dict[str, int] = {}
    sums: dict[str, float] = {}
    for row in rows:
        outcomes[row.outcome] = outcomes.get(row.outcome, 0) + 1
        for name, value in row.parts.items():
            sums[name] = sums.get(name, 0.0) + value
    scored: Any = len(rows) - outcomes.get("error", 0) or 1
    return FileSummary(
        task=task.id,
        samples=len(rows),
        problems=len({row.task_id for row in rows}),
        of=of,
        right=outcomes.get("right", 0),
        outcomes=outcomes,
        parts={name: value / scored for name, value in sums.items()},
        layers=layers,
    )
