"""Problems that are solved by a function: what is asked, a program known to be right, and the inputs to try.

Read from the rows of HumanEval (``test``: a ``check`` function that asserts), HumanEval+ and MBPP+ (inputs only; what is expected is
what the canonical solution returns).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from assay.bench.code.shapes import Shape, shapes_in, take_shape
from assay.core import InvalidInput, NotFound


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """``prompt`` is Python that a body may follow; ``reference`` a whole program that is right. ``parts`` are the inputs by part
    (``base``, ``plus``), each a list of arguments; ``check`` a program of assertions instead. ``tolerance`` is absolute, for numbers
    that are not whole."""

    id: str
    prompt: str
    entry: str
    reference: str
    parts: Mapping[str, list[list[Any]]] = {}
    check: str | None = None
    tolerance: float = 0.0


class Question(msgspec.Struct):
    """What of a problem is put to a model. ``prompt`` is Python."""

    task_id: str
    prompt: str
    entry_point: str


class _Row(Question, kw_only=True):
    canonical_solution: str
    test: str | None = None
    base_input: list[list[Any]] | None = None
    plus_input: list[list[Any]] | dict[str, Any] = []
    atol: float = 0.0
    assertion: str | None = None


class Problems:
    """The problems of one data file. A row is read in full when its problem is first asked for: most of a file is inputs.

    ``shapes`` gives, by problem id, what the types of its arguments are where the file's own assertions do not tell
    (`assay.bench.code.shapes`).
    """

    def __init__(self, path: Path, shapes: Mapping[str, list[str]] | None = None):
        self._shapes = shapes or {}
        rows = [(_decoded(path, number, line, Question), line) for number, line in enumerate(_lines(path), 1)]
        self.questions: dict[str, Question] = {question.task_id: question for question, _ in rows}
        self._lines = {question.task_id: line for question, line in rows}
        self._path = path
        self._read: dict[str, Problem] = {}

    def __getitem__(self, id: str) -> Problem:
        if id not in self._read:
            if id not in self._lines:
                raise NotFound("code.problem_unknown", f"There is no problem {id!r} in {self._path.name}.", param="task_id")
            self._read[id] = self._problem(_decoded(self._path, id, self._lines[id], _Row))
        return self._read[id]

    def _problem(self, row: _Row) -> Problem:
        parts: dict[str, list[list[Any]]] = {}
        if row.base_input is not None:
            added = row.plus_input if isinstance(row.plus_input, list) else []  # MBPP+ has {} where there are none
            parts = {"base": self._typed(row, row.base_input), "plus": self._typed(row, added)}
        return Problem(
            id=row.task_id,
            prompt=row.prompt,
            entry=row.entry_point,
            reference=row.prompt + row.canonical_solution,
            parts=parts,
            check=row.test if row.base_input is None else None,
            tolerance=row.atol,
        )

    def _typed(self, row: _Row, inputs: list[list[Any]]) -> list[list[Any]]:
        """JSON has lists only; what should be a tuple, a set or a complex number, the assertions show."""
        if row.assertion is None:
            return inputs
        written = self._shapes.get(row.task_id)
        shapes = [Shape.parse(text) for text in written] if written else shapes_in(row.assertion, row.entry_point)
        return [[take_shape(value, shape) for value, shape in zip(arguments, shapes, strict=True)] for arguments in inputs]


def _lines(path: Path) -> list[bytes]:
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError) as error:
            raise InvalidInput("task.data_invalid", f"{path} is broken gzip: {error}.") from None
    return [line for line in content.split(b"\n") if line.strip()]


def _decoded(path: Path, where: int | str, line: bytes, form: type[Any]) -> Any:
    try:
        return msgspec.json.decode(line, type=form)
    except msgspec.DecodeError:
        pass  # it may be Python's JSON, which has numbers that JSON has not: NaN and Infinity (Mbpp/404)
    try:
        return msgspec.convert(json.loads(line), form)
    except ValueError as error:  # both of malformed JSON and of a row of another form
        raise InvalidInput("task.data_invalid", f"{path}, {where}: {error}.") from None
