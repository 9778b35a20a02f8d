"""Kinds of tasks, by name: ``kind = "numbers"`` is the module ``assay.bench.kinds.numbers``, ``-`` written ``_``.

A kind is a module with some of these, and a ``task.py`` beside a ``task.toml`` may hold the same, which goes before the kind's:

- ``read(task, files)``: the questions. Left out: one for each row of the task's first data file.
- ``async solve(task, sample, ask, model, sampling)``: put the question. Left out: the system prompt and the prompt, asked once.
- ``scorer(task, files, context)``: an async context manager of something with ``async score(sample, answer)``.
- ``score(target, text)``, in a ``task.py``: in place of a scorer, says of the answer's words whether they are right (a bool), what
  they are worth (0 to 1), or None where no answer is found in them.
- ``VERSIONS``: a dict of versions that goes into the recipe.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import msgspec

from assay.bench.judgement import judge_words
from assay.bench.outcome import Scored
from assay.bench.rows import read_rows
from assay.bench.task import Ask, Context, Kind, Sample, Scorer, Task
from assay.bench.template import as_words, look_up, render
from assay.core import Answer, InvalidInput, Message, Request, Sampling, Text, Transcript, Unavailable, user

OWN_CODE = "task.py"
_ROLES = ("id", "target", "cluster", "category")


@dataclass(frozen=True)
class _Composed:
    """A kind, put together from a task's own code, its family and the defaults."""

    read: Callable[[Task, Mapping[str, Path]], Sequence[Sample]]
    solve: Callable[[Task, Sample, Ask, str, Sampling], Any]
    scorer: Callable[[Task, Mapping[str, Path], Context], AbstractAsyncContextManager[Scorer]]
    versions: Mapping[str, int]


def kind_of(task: Task) -> Kind:
    """How the questions of ``task`` are read, put and scored. Runs the task's own code, where there is some.

    Raises:
        InvalidInput: ``task.kind_unknown``, or ``task.code_broken`` where its ``task.py`` cannot be run.
    """
    own = _own_module(task)
    family = None if task.kind == "own" and own else _family(task.kind)
    modules = [module for module in (own, family) if module]

    def first(name: str, default: Any) -> Any:
        return next((getattr(module, name) for module in modules if hasattr(module, name)), default)

    scorer = _simple_scorer(own.score) if own and hasattr(own, "score") else first("scorer", None)
    if scorer is None:
        raise InvalidInput(
            "task.code_broken", f"Task {task.id!r} has neither `scorer` nor `score`.", hint=f"Write one in {OWN_CODE}."
        )
    versions = {name: number for module in reversed(modules) for name, number in getattr(module, "VERSIONS", {}).items()}
    return _Composed(read=first("read", read), solve=first("solve", solve), scorer=scorer, versions=versions)


def read(task: Task, files: Mapping[str, Path]) -> list[Sample]:
    """One question for each row of the task's first data file that ``where`` lets through. Ids are counted from 1 where no column is
    named. The column of the target is in no field, so that no template can send it.

    Raises:
        InvalidInput: ``task.data_invalid``: no such file format, a broken row, an id twice.
        Unavailable: ``task.data_changed``: not as many rows as the task says.
    """
    rows = rows_of(task, files[task.data[0].name])
    return samples_of(task, rows)


def rows_of(task: Task, file: Path) -> list[dict[str, Any]]:
    """The rows of ``file`` whose columns have the values that ``where`` names.

    Raises:
        InvalidInput: ``task.data_invalid``.
        Unavailable: ``task.data_changed``.
    """
    rows = [
        row
        for row in read_rows(file, task.format)
        if all((row.get(name) or "") == (value or "") for name, value in task.where.items())
    ]
    if task.rows is not None and len(rows) != task.rows:
        raise Unavailable(
            "task.data_changed",
            f"{file} has {len(rows):,} rows, not the {task.rows:,} of task {task.id!r}.",
            hint="Its source has changed since the task was written; numbers would not be comparable.",
        )
    return rows


def samples_of(task: Task, rows: Sequence[dict[str, Any]]) -> list[Sample]:
    """Questions from rows, by the task's ``fields``.

    Raises:
        InvalidInput: ``task.data_invalid`` or ``task.field_unknown``.
    """
    samples = [_sample(task.fields, row, number) for number, row in enumerate(rows, 1)]
    if len({sample.id for sample in samples}) < len(samples):
        ids = [sample.id for sample in samples]
        twice = next(name for name in ids if ids.count(name) > 1)
        raise InvalidInput(
            "task.data_invalid", f"Task {task.id!r} has the id {twice!r} twice.", hint="Name a column of unique ids."
        )
    return samples


def _sample(names: Mapping[str, str], row: dict[str, Any], number: int) -> Sample:
    roles = {role: look_up(row, names[role]) for role in _ROLES if role in names}
    fields = {name: value for name, value in row.items() if name != names.get("target")}
    fields |= {name: look_up(row, column) for name, column in names.items() if name not in _ROLES}
    return Sample(
        id=as_words(roles.get("id", number)),
        fields=fields,
        target=roles.get("target"),
        cluster=as_words(roles["cluster"]) or None if "cluster" in roles else None,
        category=as_words(roles["category"]) or None if "category" in roles else None,
    )


async def solve(task: Task, sample: Sample, ask: Ask, model: str, sampling: Sampling) -> Answer:
    """Ask once."""
    return await ask(question(task, (user(render(task.prompt, sample.fields)),), model, sampling))


def question(task: Task, messages: Sequence[Message], model: str, sampling: Sampling) -> Request:
    """``messages`` after the task's system prompt, sampled as the task says, and over that as the run does."""
    system = (Message(role="system", parts=(Text(text=task.system),)),) if task.system else ()
    return Request(
        model=model,
        transcript=Transcript((*system, *messages)),
        sampling=overlay(task.sampling, sampling),
        stream=True,
        stream_usage=True,
    )


def overlay(under: Sampling, over: Sampling) -> Sampling:
    """``under``, with all that ``over`` sets put over it."""
    given = {name: value for name in over.__struct_fields__ if (value := getattr(over, name)) is not None}
    return msgspec.structs.replace(under, **given)


def _family(name: str) -> ModuleType:
    package = "assay.bench.kinds"
    known = [module.name.replace("_", "-") for module in iter_modules(importlib.import_module(package).__path__)]
    if name not in known:
        close = get_close_matches(name, known, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(known)}; or `own`, with a {OWN_CODE}."
        raise InvalidInput("task.kind_unknown", f"There is no kind of task {name!r}.", hint=hint, param="kind")
    return importlib.import_module(f"{package}.{name.replace('-', '_')}")


def _own_module(task: Task) -> ModuleType | None:
    path = Path(task.folder or "", OWN_CODE)
    if not task.folder or not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location(f"assay_task_{task.id}", path)
    if spec is None or spec.loader is None:
        raise InvalidInput("task.code_broken", f"{path} cannot be loaded as a module.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the code of somebody else raises
        raise InvalidInput("task.code_broken", f"{path} raised {type(error).__name__}: {error}.") from error
    return module


def _simple_scorer(score: Callable[[Any, str], Any]) -> Any:
    class Simple:
        async def score(self, sample: Sample, answer: Answer) -> Scored:
            async def worth(text: str, _: bool) -> Any:
                found = score(sample.target, text)
                return await found if inspect.isawaitable(found) else found

            return await judge_words(answer, worth)

    @asynccontextmanager
    async def scorer(task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
        yield Simple()

    return scorer
