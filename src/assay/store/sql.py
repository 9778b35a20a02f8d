"""SQL as the store writes it: `:name` parameters, one text for both databases or two side by side.

A statement is rewritten once, when its module loads: to ``?`` for SQLite and to ``$1`` for PostgreSQL. Values are never put into
the text. A list is bound as a JSON array on SQLite (read it with ``json_each``) and as an array on PostgreSQL (``= ANY``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, TypeAlias

from assay.core.errors import InvalidInput

Parameters: TypeAlias = Mapping[str, Any]

BLOCKS = (256, 32, 4)
"""How many rows one INSERT of `Statement.many` takes, the most first."""

_VALUES = re.compile(r"\AINSERT\b.*?\bVALUES\s*(\([?,\s]+\))", re.DOTALL)
_TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|::|:([A-Za-z_]\w*)")


class Sql:
    """One statement. Where the dialects differ, ``sqlite`` or ``postgresql`` replaces the common text for that one."""

    __slots__ = ("counted", "postgresql", "sqlite")

    def __init__(self, common: str = "", *, sqlite: str | None = None, postgresql: str | None = None):
        for_sqlite, for_postgresql = sqlite or common, postgresql or common
        if not for_sqlite or not for_postgresql:
            raise ValueError("a statement needs a text for both databases")
        self.sqlite = Statement(for_sqlite, numbered=False)
        self.postgresql = Statement(for_postgresql, numbered=True)
        self.counted = f"{self.postgresql.text} RETURNING 1"
        """The PostgreSQL text that answers with one row per row touched, which counts them across many executions."""

    def __repr__(self) -> str:
        return f"Sql({self.sqlite.text!r})"


class Statement:
    """One dialect's text, and how to put a mapping's values into its order."""

    __slots__ = ("_pick", "many", "names", "text")

    def __init__(self, text: str, *, numbered: bool):
        names: list[str] = []

        def place(found: re.Match[str]) -> str:
            name = found[1]
            if name is None:
                return found[0]
            if not numbered:
                names.append(name)
                return "?"
            if name not in names:
                names.append(name)
            return f"${names.index(name) + 1}"

        self.text = _TOKEN.sub(place, text).strip()
        self.names = tuple(names)
        row = None if numbered else _VALUES.match(self.text)
        self.many = tuple((size, _repeated(self.text, row, size)) for size in BLOCKS) if row is not None else ()
        """For SQLite, INSERTs of several rows in one go; none for other statements."""
        self._pick = _picker(self.names)

    def bind(self, row: Parameters, *, lists_as_json: bool) -> tuple[Any, ...]:
        """The values of ``row`` in the order of the text.

        Raises:
            InvalidInput: ``store.nul`` for text with a NUL, which PostgreSQL cannot hold, so that neither database takes it.
        """
        values = self._pick(row)
        for value in values:
            kind = value.__class__
            if kind is str:
                if "\0" in value:
                    raise InvalidInput("store.nul", "Text with a NUL character cannot be stored.", hint="Leave out U+0000.")
            elif kind is list and lists_as_json:
                return tuple(json.dumps(value) if value.__class__ is list else value for value in values)
        return values


def _repeated(text: str, row: re.Match[str], times: int) -> str:
    return f"{text[: row.start(1)]}{', '.join([row[1]] * times)}{text[row.end(1) :]}"


def _picker(names: tuple[str, ...]) -> Callable[[Parameters], tuple[Any, ...]]:
    if not names:
        return lambda row: ()
    if len(names) == 1:
        only = names[0]
        return lambda row: (row[only],)
    return itemgetter(*names)
