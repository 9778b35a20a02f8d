"""A task: where its questions come from, how they are put, how answers are scored. It is data, a ``task.toml``, and where data do
not reach, a ``task.py`` beside it.

Its *recipe* is everything that decides a number (data, template, sampling, extractor, scorer and their versions), and the hash of
the recipe travels with every number. Two numbers with different recipes are not of the same thing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from assay.bench.outcome import Scored
from assay.core import Answer, Caller, Request, Sampling


class DataFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One file that a task needs: where it is fetched, its SHA-256 (hex), and where it lies below ``ASSAY_DATA_DIR``.

    ``token`` names the setting or environment variable with the user's own token, where the place asks for one. A file without
    ``sha256`` cannot be pinned (a hub that rebuilds its files): then ``revision`` is, and the hash found is kept with the run.
    """

    name: str
    url: str | None = None
    path: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    revision: str | None = None
    token: str | None = None


class Task(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a ``task.toml`` says. ``kind`` names the family of its scorer; ``options`` are the scorer's own.

    ``fields`` maps the columns of the data to what the template, the scorer and the statistics know: ``id``, ``target``, ``cluster``,
    ``category``; every column can be used in ``prompt`` as ``{{name}}``. ``gated``: its questions never appear in logs, exports or
    pages unless unlocked for a run. ``runs_code``: needs the sandbox.
    """

    id: str
    version: int
    title: str
    about: str
    kind: str
    data: tuple[DataFile, ...]
    format: Literal["jsonl", "csv", "json", "parquet", "own"] = "jsonl"
    fields: dict[str, str] = {}
    where: dict[str, Any] = {}
    """Only rows whose columns have these values; ``""`` is also what is missing."""

    rows: int | None = None
    system: str | None = None
    prompt: str = "{{prompt}}"
    sampling: Sampling = Sampling()
    samples: int = 1
    """How often each question is asked, if nothing else is said."""

    options: dict[str, Any] = {}
    metrics: tuple[str, ...] = ()
    """Names of the parts that are published beside the score."""

    balanced: bool = False
    """The score is the mean over categories, each counting the same, and not over questions."""

    runs_code: bool = False
    gated: bool = False
    needs_judge: bool = False
    licence: str
    citation: str
    link: str
    folder: str | None = None
    """Where its ``task.toml`` lies: set by who read it, never written in it, and no part of the recipe."""


class Sample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One question. ``fields`` are what the template may use; ``target`` is never sent. What shares a ``cluster`` may be right or
    wrong together; None is a cluster of its own."""

    id: str
    fields: dict[str, Any]
    target: Any = None
    cluster: str | None = None
    category: str | None = None


Ask = Callable[[Request], Awaitable[Answer]]
"""Ask the model that is being measured: paid for, on record, counted against the run. Raises what a `Caller` raises."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a scorer may use. ``caller`` asks judges and pays for them from the run's budget; ``judge`` and ``baseline`` are
    deployments; ``folder`` is for what may be made again; ``workers``: how many processes may run code."""

    folder: Path
    caller: Caller | None = None
    judge: str | None = None
    baseline: str | None = None
    workers: int = 2
    accept_unsafe: bool = False


class Scorer(Protocol):
    """Says what an answer is worth."""

    async def score(self, sample: Sample, answer: Answer) -> Scored:
        """Never raises for anything that the model said."""
        ...


class Kind(Protocol):
    """A family of tasks, such as ``code`` or ``numbers``: a module with these functions. A ``task.py`` may be one, too; what either
    leaves out is as in `assay.bench.kind`."""

    @property
    def versions(self) -> Mapping[str, int]:
        """The versions of what finds and scores answers, by name: part of the recipe. One goes up when a verdict may change."""
        ...

    def read(self, task: Task, files: Mapping[str, Path]) -> Sequence[Sample]:
        """The questions, in the order of the data."""
        ...

    async def solve(self, task: Task, sample: Sample, ask: Ask, model: str, sampling: Sampling) -> Answer:
        """Put the question; most ask once, some converse. The last answer is the one that is scored."""
        ...

    def scorer(self, task: Task, files: Mapping[str, Path], context: Context) -> AbstractAsyncContextManager[Scorer]:
        """The scorer, for as long as a run lasts."""
        ...
