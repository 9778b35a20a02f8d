"""Facts taken out of a text as one JSON object, checked field by field.

Options: ``columns``, the columns of the data that are the facts; their names are the fields' names. Without it the target is a JSON
object itself. A field is right where it is the same number, or the same text but for case and spaces; what is empty in the data must
be empty, null or missing. The value is the share of fields that are right, and each field is a part; all right is ``right``. JSON may
stand in a code block. Fields that nobody asked for change nothing.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from assay.bench.judgement import found_in
from assay.bench.kind import rows_of, samples_of
from assay.bench.outcome import Scored
from assay.bench.task import Context, Sample, Scorer, Task
from assay.bench.template import as_words, look_up
from assay.core import Answer, InvalidInput
from assay.judge.schema import NotJson, read_fenced_json

VERSIONS = {"fields": 1}


def read(task: Task, files: Mapping[str, Path]) -> list[Sample]:
    """The texts; the target is the object that they hold."""
    rows = rows_of(task, files[task.data[0].name])
    samples = samples_of(task, rows)
    columns: list[str] = task.options.get("columns", [])
    if columns:
        return [
            msgspec.structs.replace(
                sample,
                fields={name: value for name, value in sample.fields.items() if name not in columns},
                target={name: look_up(row, name) for name in columns},
            )
            for sample, row in zip(samples, rows, strict=True)
        ]
    return [msgspec.structs.replace(sample, target=_object(sample)) for sample in samples]


def _object(sample: Sample) -> dict[str, Any]:
    try:
        return msgspec.convert(read_fenced_json(as_words(sample.target)), dict[str, Any])
    except (NotJson, msgspec.ValidationError) as error:
        raise InvalidInput("task.data_invalid", f"The target of question {sample.id!r} is no JSON object: {error}.") from None


class _Fields:
    async def score(self, sample: Sample, answer: Answer) -> Scored:
        found = found_in(answer, lambda text, _: _said(text))
        if isinstance(found, Scored):
            return found
        parts = {name: float(same(value, found.get(name))) for name, value in sample.target.items()}
        value = sum(parts.values()) / len(parts) if parts else 1.0
        missed = [name for name, share in parts.items() if not share]
        return Scored(
            outcome="right" if not missed else "graded" if value else "wrong",
            value=value,
            extracted=msgspec.json.encode(found).decode(),
            parts=parts,
            detail=f"Not as in the data: {', '.join(missed)}." if missed else "",
        )


def _said(text: str) -> dict[str, Any] | None:
    try:
        value = read_fenced_json(text.strip())
    except NotJson:
        return None
    return value if isinstance(value, dict) else None


def same(wanted: Any, found: Any) -> bool:
    """Whether a field holds what it should."""
    if _number(wanted) is not None and _number(found) is not None:
        return math.isclose(_number(wanted) or 0.0, _number(found) or 0.0, rel_tol=1e-9)
    if isinstance(wanted, list | dict) or isinstance(found, list | dict):
        return bool(wanted == found)
    return _plain(wanted) == _plain(found)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    written = str(value)
    try:
        number = float(written.replace(",", "").strip())
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in written else None  # Nan is a name, too


def _plain(value: Any) -> str:
    return " ".join(as_words(value).casefold().split())


@asynccontextmanager
async def scorer(task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
    """Compares field by field."""
    yield _Fields()
