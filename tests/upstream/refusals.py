"""Which rule refused a request, by its line: so that a test can tell that no rule is without a test of its own."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from tests.upstream.rules.strict import Broken

_SHARED = ("conform", "check_base64", "check_json_object", "check_strict_schema")


def refusal(module: ModuleType, check: Callable[..., Any], *asked: Any, **how: Any) -> tuple[int, str]:
    """The first line of the rule in ``module`` that refused, and its words. A request that passes is an `AssertionError`."""
    try:
        check(*asked, **how)
    except Broken as broken:
        trace, line = broken.__traceback__, 0
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == module.__file__:
                line = trace.tb_lineno
            trace = trace.tb_next
        return next((first for first, last in _sites(module) if first <= line <= last), line), str(broken)
    raise AssertionError("the request was taken")


def rules_of(module: ModuleType) -> dict[int, str]:
    """The rules of a module: every place that refuses, by its first line."""
    lines = inspect.getsource(module).split("\n")
    return {first: lines[first - 1].strip() for first, _ in _sites(module)}


def _sites(module: ModuleType) -> list[tuple[int, int]]:
    found = []
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        is_shared = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SHARED
        if isinstance(node, ast.Raise) or is_shared:
            assert isinstance(node, ast.Raise | ast.Call)
            found.append((node.lineno, node.end_lineno or node.lineno))
    return sorted(found)
