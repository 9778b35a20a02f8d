"""What a piece of Python defines, what it needs, and what in it is only an example of its use."""

from __future__ import annotations

import ast
import builtins
import warnings
from collections.abc import Iterator
from itertools import pairwise

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FOR_SHOW = frozenset({"print", "input", "exit", "quit", "main"})


def parse(code: str) -> ast.Module | None:
    """The syntax tree, or None of what is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is odd in somebody else's program
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def defined_by(tree: ast.Module) -> set[str]:
    """The names that are bound at the top level."""
    return {name for node in tree.body for name in _bound(node)}


def names_used(tree: ast.AST) -> set[str]:
    """The names that are read anywhere, but those that Python has of its own and those bound somewhere inside."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    stored = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return {node.id for node in names if isinstance(node.ctx, ast.Load)} - stored - arguments - set(dir(builtins))


def sources_of(code: str) -> Iterator[tuple[str, str, set[str]]]:
    """Each definition, import and assignment at the top level of ``code``: its name, its text, and the names that it uses. The last
    comes first. What nests too deeply to be written is left out."""
    tree = parse(code)
    for node in reversed(tree.body if tree else []):
        try:
            source = ast.unparse(node)
        except RecursionError:
            continue
        for name in _bound(node):
            yield name, source, names_used(node)


def without_examples(code: str, entry: str) -> str:
    """``code`` without the statements at its top level that only show or try the function: calls, prints, assertions, and what runs
    under ``if __name__ == "__main__"``. What cannot be parsed stays as it is."""
    tree = parse(code)
    if tree is None:
        return code
    lines = code.split("\n")
    gone = {
        line
        for node, alone in zip(tree.body, _stand_alone(tree.body), strict=True)
        if alone and _is_example(node, entry)
        for line in range(node.lineno - 1, node.end_lineno or 0)
    }
    return "\n".join(line for number, line in enumerate(lines) if number not in gone)


def _stand_alone(body: list[ast.stmt]) -> list[bool]:
    """Of each statement, whether it shares no line with the one before or after it."""
    shared = [(one.end_lineno or 0) >= other.lineno for one, other in pairwise(body)]
    return [not (before or after) for before, after in zip([False, *shared], [*shared, False], strict=True)]


def _is_example(node: ast.stmt, entry: str) -> bool:
    if isinstance(node, (*_DEFINITIONS, ast.Import, ast.ImportFrom)):
        return False
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assert) or (isinstance(node, ast.If) and "__name__" in _names_in(node.test)):
        return True
    if entry in _bound(node):
        return False
    used = {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)}
    return bool(used & (_FOR_SHOW | {entry}))


def _names_in(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, _DEFINITIONS):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.Expr | ast.Assert):
        return set()
    inside = {
        id(part) for inner in ast.walk(node) if isinstance(inner, _DEFINITIONS) for part in ast.walk(inner) if part is not inner
    }
    stored = {
        part.id
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store) and id(part) not in inside
    }
    return stored | {part.name for part in ast.walk(node) if isinstance(part, _DEFINITIONS)}
