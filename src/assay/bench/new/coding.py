"""One row of a table of functions to write, in the format of HumanEval: the tests call the function by the name ``candidate``."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from assay.core import InvalidInput


def humaneval_row(number: int, given: Mapping[str, str]) -> dict[str, str]:
    """The row for ``task``, ``function`` (a signature), ``tests`` and ``solution``.

    Raises:
        InvalidInput: ``task.data_invalid``: one of them is no Python, or no assertion calls the function.
    """
    name, signature = _signature(number, given["function"])
    tests = _tests(number, name, given["tests"])
    indented = "".join(f"    {line}\n" for line in tests.splitlines())
    return {
        "task_id": f"{number}",
        "prompt": f'{signature}\n    """{_quoted(given["task"])}"""\n',
        "entry_point": name,
        "canonical_solution": _body(number, name, given["solution"]),
        "test": f"def check(candidate):\n{indented}",
    }


def _signature(number: int, text: str) -> tuple[str, str]:
    head = text.strip().rstrip(":")
    head = head if head.startswith(("def ", "async def ")) else f"def {head}"
    node = _parsed(number, "function", f"{head}:\n    pass").body[0]
    if not isinstance(node, ast.FunctionDef):
        raise InvalidInput("task.data_invalid", f"Row {number}: {text!r} is no signature of a function.")
    return node.name, f"{head}:"


def _tests(number: int, name: str, text: str) -> str:
    tree = _parsed(number, "tests", text)
    calls = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            node.func.id = "candidate"
            calls += 1
    if not calls or not any(isinstance(node, ast.Assert) for node in tree.body):
        raise InvalidInput("task.data_invalid", f"Row {number}: the tests assert nothing of {name!r}.")
    return ast.unparse(tree)


def _body(number: int, name: str, text: str) -> str:
    """The function's body, where a whole function is given; a body as it is."""
    tree = _parsed(number, "solution", text if not text.startswith((" ", "\t")) else f"if True:\n{text}")
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    body = found[0].body if found else tree.body[0].body if isinstance(tree.body[0], ast.If) else tree.body
    before = [node for node in tree.body if node is not found[0]] if found else []
    return "".join(f"    {line}\n" for node in (*before, *body) for line in ast.unparse(node).splitlines())


def _parsed(number: int, what: str, text: str) -> ast.Module:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise InvalidInput("task.data_invalid", f"Row {number}: the {what} is no Python: {error}.") from None
    if not tree.body:
        raise InvalidInput("task.data_invalid", f"Row {number}: the {what} is empty.")
    return tree


def _quoted(text: str) -> str:
    return text.strip().replace("\\", "\\\\").replace('"""', "'''").replace("\n", "\n    ")
