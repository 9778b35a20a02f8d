"""Reading what another gateway wrote: YAML, JSON, and SQLite, all of it untrusted and bounded.

YAML is read by PyYAML's safe loader, which makes plain values only. Before any value is made, the text is walked once for its depth
and its size *with every alias written out*: a few lines of anchors can stand for billions of values.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import yaml

from assay.core import InvalidInput, TooLarge

LARGEST_YAML = 1024 * 1024
LARGEST_JSON = 64 * 1024 * 1024
LARGEST_DATABASE = 8 * 1024 * 1024 * 1024
_MOST_VALUES = 50_000
_DEEPEST = 40
_MOST_ROWS = 100_000
_SQLITE_MAGIC = b"SQLite format 3\0"


class Document(msgspec.Struct, frozen=True):
    """What was read. ``lines`` tells where a value such as ``model_list[0].model_name`` stands; ``twice`` are keys given more than once."""

    value: Any
    lines: dict[str, int] = {}
    twice: tuple[str, ...] = ()


def is_sqlite(path: Path) -> bool:
    """Whether the file at ``path`` is a SQLite database."""
    with path.open("rb") as file:
        return file.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC


def read_text(path: Path) -> Document:
    """The YAML or JSON document in the file at ``path``.

    Raises:
        TooLarge: ``import.too_large``, the file, or what it stands for.
        InvalidInput: ``import.unreadable``.
    """
    is_json = path.suffix.lower() == ".json"
    largest = LARGEST_JSON if is_json else LARGEST_YAML
    if path.stat().st_size > largest:
        raise TooLarge("import.too_large", f"{path.name!r} is larger than {largest >> 20} MiB.", hint="Is it the right file?")
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"it is not UTF-8: {error.reason}") from error
    return _read_json(path, text) if is_json else _read_yaml(path, text)


def _read_json(path: Path, text: str) -> Document:
    try:
        return Document(msgspec.json.decode(text))
    except (msgspec.DecodeError, RecursionError) as error:
        raise _unreadable(path, str(error)) from error


def _read_yaml(path: Path, text: str) -> Document:
    loader = yaml.SafeLoader(text)
    try:
        _check_events(path, yaml.parse(text, Loader=yaml.SafeLoader))
        node = loader.get_single_node()
        walk = _Walk(path)
        walk.weigh(node)
        walk.place(node, "")
        return Document(loader.construct_document(node) if node is not None else None, walk.lines, tuple(walk.twice))
    # Besides its own errors, PyYAML lets those of Python's numbers and dates through.
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:
        raise _unreadable(path, " ".join(str(error).split())) from error
    finally:
        loader.dispose()


def _check_events(path: Path, events: Iterator[yaml.Event]) -> None:
    depth = 0
    for number, event in enumerate(events):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST or number > _MOST_VALUES:
            raise _bomb(path)


class _Walk:
    """Looks at every node before a value is made of it."""

    def __init__(self, path: Path):
        self._path = path
        self._seen: dict[int, tuple[int, int] | None] = {}
        self.lines: dict[str, int] = {}
        self.twice: list[str] = []

    def weigh(self, node: yaml.Node | None) -> tuple[int, int]:
        """How many values ``node`` stands for, and how deep they go, with every alias in it written out."""
        if node is None:
            return 0, 0
        if id(node) in self._seen:
            if (known := self._seen[id(node)]) is None:
                raise _unreadable(self._path, "a value contains itself")
            return known
        self._seen[id(node)] = None  # an anchor stands before its aliases, so that this goes no deeper than the text does
        weighed = [self.weigh(child) for child in _children(node)]
        found = 1 + sum(weight for weight, _ in weighed), 1 + max((depth for _, depth in weighed), default=0)
        if found[0] > _MOST_VALUES or found[1] > _DEEPEST:
            raise _bomb(self._path)
        self._seen[id(node)] = found
        return found

    def place(self, node: yaml.Node | None, at: str) -> None:
        """Note the line of every value, and the keys that are given twice."""
        if node is None:
            return
        self.lines[at] = node.start_mark.line + 1
        if isinstance(node, yaml.SequenceNode):
            for number, child in enumerate(node.value):
                self.place(child, f"{at}[{number}]")
        elif isinstance(node, yaml.MappingNode):
            for key, child in node.value:
                place = f"{at}.{key.value}" if at else str(key.value)
                if place in self.lines and key.value != "<<":
                    self.twice.append(place)
                self.place(child, place)
                self.lines[place] = key.start_mark.line + 1


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value


def read_tables(path: Path, names: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
    """The rows of those tables that the SQLite database at ``path`` has. It is opened to be read only; its owner may be using it.

    Raises:
        InvalidInput: ``import.unreadable``.
        TooLarge: ``import.too_large``.
    """
    if path.stat().st_size > LARGEST_DATABASE:
        raise TooLarge("import.too_large", f"{path.name!r} is larger than {LARGEST_DATABASE >> 30} GiB.")
    try:
        connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=10)
        try:
            connection.row_factory = sqlite3.Row
            known = {row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            return {name: _rows(connection, path, name) for name in names if name in known}
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise _unreadable(path, str(error)) from error


def _rows(connection: sqlite3.Connection, path: Path, table: str) -> list[dict[str, Any]]:
    rows = connection.execute(f"SELECT * FROM {table} LIMIT {_MOST_ROWS + 1}").fetchall()  # noqa: S608 - names of ours
    if len(rows) > _MOST_ROWS:
        raise TooLarge("import.too_large", f"The table {table!r} in {path.name!r} has more than {_MOST_ROWS:,} rows.")
    return [dict(row) for row in rows]


def _bomb(path: Path) -> TooLarge:
    return TooLarge(
        "import.too_large",
        f"{path.name!r} stands for more than {_MOST_VALUES:,} values, or goes deeper than {_DEEPEST} levels.",
        hint="No configuration does: look what its anchors repeat.",
    )


def _unreadable(path: Path, reason: str) -> InvalidInput:
    return InvalidInput(
        "import.unreadable", f"{path.name!r} cannot be read: {reason}.", hint="Give the file as the other gateway reads it."
    )
