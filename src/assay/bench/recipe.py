"""Everything that decides a number, and its hash. Two numbers whose recipes differ are not of the same thing.

In it: the task and its version, the bytes of its data, which rows and columns, the words of the question, how the model samples, the
family of the scorer with its options and versions, a ``task.py`` byte by byte, and who judges, where a model does. Not in it: the model
that is measured, how many questions, how often each, how many at once, the budget.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from assay.bench.kind import OWN_CODE, kind_of, overlay
from assay.bench.spec import Spec
from assay.bench.task import Task
from assay.core import content_hash


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """``hash`` is SHA-256 in hex over the canonical JSON of ``parts``."""

    hash: str
    parts: dict[str, Any]


def as_asked(task: Task, spec: Spec) -> Task:
    """``task`` with the run's options over its own."""
    return msgspec.structs.replace(task, options={**task.options, **spec.options}) if spec.options else task


def is_balanced(parts: Mapping[str, Any]) -> bool:
    """Whether the score of a run with this recipe is the mean over categories, and not over questions."""
    return bool(parts.get("balanced"))


def recipe_of(task: Task, hashes: Mapping[str, str], spec: Spec) -> Recipe:
    """The recipe of a run of ``task``; ``hashes`` are the SHA-256 of its data files by name, as `assay.bench.data.hash_files` makes
    them.

    Raises:
        InvalidInput: ``task.kind_unknown`` or ``task.code_broken``.
    """
    parts: dict[str, Any] = {
        "task": task.id,
        "version": task.version,
        "data": {"hashes": dict(hashes), "format": task.format, "fields": task.fields, "where": task.where},
        "system": task.system,
        "prompt": task.prompt,
        "sampling": overlay(task.sampling, spec.sampling),
        "kind": task.kind,
        "balanced": task.balanced,
        "options": as_asked(task, spec).options,
        "versions": dict(kind_of(task).versions),
    }
    if (own := _own_code(task)) is not None:
        parts["code"] = own
    if task.needs_judge or spec.judge:
        parts["judge"] = {"model": spec.judge, "baseline": spec.baseline}
    return Recipe(hash=content_hash(parts), parts=msgspec.to_builtins(parts))


def _own_code(task: Task) -> str | None:
    path = Path(task.folder or "", OWN_CODE)
    return hashlib.sha256(path.read_bytes()).hexdigest() if task.folder and path.is_file() else None
