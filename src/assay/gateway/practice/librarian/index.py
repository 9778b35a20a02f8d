"""The documentation of the installed Python, read from its source files into a small search database.

Runs as a program of its own, ``python -I -S index.py``, and writes the database to its output: so that nothing that reading
leaves behind stays in the server, and the server's loop never waits for it. No module of the library that is written in Python
is imported: docstrings are read from the syntax trees of the files. Compiled modules have no source; those in `COMPILED` are
asked for their docstrings. The reference topics are those of ``pydoc``.

This file imports the standard library only, since it runs without the rest of the package.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import os
import re
import sqlite3
import sys
import sysconfig
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

LEFT_OUT = frozenset(
    [
        "test",
        "tests",
        "idlelib",
        "lib2to3",
        "turtledemo",
        "ensurepip",
        "distutils",
        "site-packages",
        "dist-packages",
        "encodings",
        "pydoc_data",
        "__pycache__",
        "__phello__",
        "venv",
        "this",
        "antigravity",
        "tkinter",
        "turtle",
        "nturl2path",
        "sre_compile",
        "sre_constants",
        "sre_parse",
        "msilib",
        "xdrlib",
    ]
)
"""Tests, tools, what is gone from newer versions, and modules whose pages would crowd out better ones."""

COMPILED = {
    "math": "math", "cmath": "cmath", "itertools": "itertools", "time": "time", "_collections": "collections", "_datetime": "datetime",
    "_functools": "functools", "_struct": "struct", "_random": "random", "_heapq": "heapq", "_bisect": "bisect", "_operator": "operator",
    "_csv": "csv", "array": "array", "zlib": "zlib", "binascii": "binascii", "_json": "json", "gc": "gc", "sys": "sys", "posix": "os",
    "_io": "io", "_thread": "threading", "_queue": "queue", "_hashlib": "hashlib", "_sqlite3": "sqlite3", "_decimal": "decimal", "_pickle": "pickle",
    "_tracemalloc": "tracemalloc",
}  # fmt: skip
"""Compiled modules and the public names that they are known by."""

OTHER_NAMES = {"posixpath": "os.path"}
"""Modules that are known by another name."""

LONGEST_PAGE = 6_000
"""Characters of one page that are kept."""

SHORTEST_DOC = 12

_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_.\W]+")
_EXAMPLE = re.compile(r"^[ \t]*>>> .*\n(?:[ \t]*\S.*\n?)*", re.MULTILINE)
_ENTRY = re.compile(r"^(?:class |exception )?[A-Za-z_][\w.]*\([^\n]*\)$|^[A-Z][^\n]{2,70}\n[=*\-~^]{4,}$", re.MULTILINE)


class Page(NamedTuple):
    """One thing documented. ``path`` is its dotted name, ``kind`` one of function, class, method, module, topic."""

    path: str
    kind: str
    module: str
    signature: str
    doc: str


def read_pages(library: Path) -> Iterator[Page]:
    """Every page, better known things first."""
    yield from _topics()
    yield from _compiled("builtins", "")
    for name, public in COMPILED.items():
        yield from _compiled(name, public)
    exports = _Exports()
    for file in sorted(_files(library), key=lambda file: (file.parent, file.name != "__init__.py", file.name)):
        yield from _source(file, _module_name(file.relative_to(library)), exports)


def write_database(pages: Iterator[Page]) -> bytes:
    """The pages as a serialised SQLite database with a full-text index; of two with one path the first is kept."""
    with sqlite3.connect(":memory:") as database:
        database.execute(
            "CREATE TABLE pages (id INTEGER PRIMARY KEY, path TEXT UNIQUE, kind TEXT, module TEXT, signature TEXT, doc TEXT)"
        )
        database.execute("CREATE VIRTUAL TABLE words USING fts5 (name, summary, doc, content='', tokenize='porter unicode61')")
        database.execute("CREATE TABLE examples (id INTEGER PRIMARY KEY, code TEXT)")
        for page in pages:
            kept = database.execute(
                "INSERT INTO pages (path, kind, module, signature, doc) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", page
            )
            if kept.rowcount:
                summary, _, rest = page.doc.partition("\n\n")
                name = f"{page.path} {_HUMPS.sub(' ', page.path)}"
                database.execute(
                    "INSERT INTO words (rowid, name, summary, doc) VALUES (?, ?, ?, ?)", (kept.lastrowid, name, summary, rest)
                )
                for example in _EXAMPLE.findall(page.doc):
                    database.execute("INSERT INTO examples (code) VALUES (?)", (example,))
        database.execute("INSERT INTO words (words) VALUES ('optimize')")
        database.execute("CREATE VIRTUAL TABLE terms USING fts5vocab (words, 'row')")
        database.commit()
        database.execute("VACUUM")
        return database.serialize()


def _topics() -> Iterator[Page]:
    """The reference topics, cut at their entries and headings."""
    try:
        topics: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
    except ImportError:
        return
    for name, text in topics.items():
        starts = [0, *(match.start() for match in _ENTRY.finditer(text) if match.start()), len(text)]
        for begin, end in pairwise(starts):
            section = text[begin:end].strip()
            if len(section) > 80:
                heading = section.split("\n", 1)[0].strip(" *=")
                is_entry = heading.endswith(")") and "(" in heading
                path = heading.removeprefix("class ").removeprefix("exception ").split("(")[0] if is_entry else f"{name}: {heading}"
                body = section.split("\n", 1)[1].lstrip("=*-~^\n") if "\n" in section else section
                if len(path) < 3:
                    continue
                yield Page(path, "topic", name, heading if is_entry else "", _body(body))


def _compiled(name: str, public: str) -> Iterator[Page]:
    """What a compiled module says of itself and its members."""
    try:
        module = builtins if name == "builtins" else importlib.import_module(name)
    except ImportError:
        return
    if public and not name.startswith("_") and isinstance(module.__doc__, str):
        yield Page(public, "module", public, f"import {public}", _body(module.__doc__))
    for member, thing in vars(module).items():
        if member.startswith("_") or inspect.ismodule(thing) or not callable(thing):
            continue
        path = f"{public}.{member}" if public else member
        is_class = inspect.isclass(thing)
        yield from _thing(path, "class" if is_class else "function", public or "builtins", thing)
        if is_class and not issubclass(thing, BaseException):
            for inner, method in vars(thing).items():
                if not inner.startswith("_") and callable(method):
                    yield from _thing(f"{path}.{inner}", "method", public or "builtins", method)


def _thing(path: str, kind: str, module: str, thing: object) -> Iterator[Page]:
    doc = getattr(thing, "__doc__", None)
    if not isinstance(doc, str) or len(doc) < SHORTEST_DOC:
        return
    signature = getattr(thing, "__text_signature__", None)
    if isinstance(signature, str):
        shown = path + signature.replace("$self, ", "").replace("($self)", "()").replace("$module, ", "").replace("($module)", "()")
    else:
        first = doc.split("\n", 1)[0]
        shown = first if first.startswith(path.rsplit(".", 1)[-1] + "(") else path
    yield Page(path, kind, module, shown.replace(", /)", ")").replace("/, ", ""), _body(inspect.cleandoc(doc)))


class _Exports:
    """What packages offer under their own name although it is written in one of their modules: ``asyncio.gather``."""

    def __init__(self) -> None:
        self._stars: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def read(self, package: str, tree: ast.Module) -> None:
        """Note the relative imports of a package's ``__init__``."""
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
                source = f"{package}.{node.module}"
                for alias in node.names:
                    if alias.name == "*":
                        self._stars[source] = package
                    else:
                        self._names[f"{source}.{alias.name}"] = f"{package}.{alias.name}"

    def has(self, module: str) -> bool:
        """Whether something of ``module`` is offered by its package."""
        return module in self._stars or any(name.startswith(module + ".") for name in self._names)

    def shown(self, module: str, name: str) -> str | None:
        """The public path of a top-level name; None where a private module's name is not offered."""
        path = f"{module}.{name}"
        if path in self._names:
            return self._names[path]
        if module in self._stars:
            return f"{self._stars[module]}.{name}"
        return None if module.rsplit(".", 1)[-1].startswith("_") else path


def _files(library: Path) -> Iterator[Path]:
    """Source files of public modules and of private modules within public packages."""
    for file in library.rglob("*.py"):
        parts = file.relative_to(library).with_suffix("").parts
        folders = parts[:-1]
        top_level_private = not folders and parts[0].startswith("_")
        if parts[-1] == "__main__" or top_level_private or parts[-1] in LEFT_OUT:
            continue
        if not any(part in LEFT_OUT or part.startswith(("_", "config-")) for part in folders):
            yield file


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return OTHER_NAMES.get(name, name)


def _source(file: Path, module: str, exports: _Exports) -> Iterator[Page]:
    private = module.rsplit(".", 1)[-1].startswith("_")
    if private and not exports.has(module):
        return
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return
    if file.name == "__init__.py":
        exports.read(module, tree)
    doc = ast.get_docstring(tree) or _assigned_doc(tree)
    if doc and not private:
        yield Page(module, "module", module, f"import {module}", _body(doc))
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            path = exports.shown(module, node.name)
            if path:
                yield from _defined(node, path, path.rsplit(".", 1)[0], "function")


def _assigned_doc(tree: ast.Module) -> str | None:
    """The docstring of a module that builds its own: ``__doc__ = ...``."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == "__doc__" for target in node.targets):
            value = node.value.value if isinstance(node.value, ast.Constant) else None
            return inspect.cleandoc(value) if isinstance(value, str) else None
    return None


def _defined(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, path: str, module: str, kind: str) -> Iterator[Page]:
    """A function or method, or a class with its members. A class without words of its own is told by its constructor's."""
    doc = ast.get_docstring(node)
    if not isinstance(node, ast.ClassDef):
        if doc and len(doc) >= SHORTEST_DOC:
            before = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
            yield Page(path, kind, module, f"{before}{path}({_arguments(node)})", _body(doc))
        return
    inner = [one for one in node.body if isinstance(one, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)]
    constructor = next((one for one in inner if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None)
    doc = doc or (ast.get_docstring(constructor) if constructor else None)
    if doc:
        signature = _arguments(constructor) if constructor else ""
        yield Page(path, "class", module, f"{path}({signature})", _body(doc))
    for one in inner:
        if not one.name.startswith("_"):
            yield from _defined(one, f"{path}.{one.name}", module, "method")


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    written = ast.unparse(node.args)
    first = re.match(r"(?:self|cls)(?:, /)?(?:, |$)", written)
    return written[first.end() :] if first else written


def _body(doc: str) -> str:
    return doc.strip("\n")[:LONGEST_PAGE]


if __name__ == "__main__":
    os.nice(5)
    sys.stdout.buffer.write(write_database(read_pages(Path(sysconfig.get_paths()["stdlib"]))))
