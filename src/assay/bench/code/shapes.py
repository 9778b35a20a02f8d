"""The types of arguments that JSON could not keep.

MBPP+ keeps its inputs as JSON, where a tuple is a list and a complex number a text; but each of its problems comes with assertions
in Python. What stands in their calls, ``f((1, 2), [3])``, is what all inputs of the problem are made of, to the depth it shows.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Shape(NamedTuple):
    """``kind`` is a type's name, or ``any`` where nothing is to be done; ``inner`` is the shape of what it holds. ``deep``: the same
    holds for every list at any depth below."""

    kind: str = "any"
    inner: Shape | None = None
    deep: bool = False

    @classmethod
    def parse(cls, text: str) -> Shape:
        """As ``task.toml`` writes it: ``list of tuple``, ``complex``, ``deep tuple``."""
        kind, _, inner = text.removeprefix("deep ").partition(" of ")
        return cls(kind, cls.parse(inner) if inner else None, text.startswith("deep "))


_ANY = Shape()
_MAKE: Mapping[str, Callable[[Any], Any]] = {
    "tuple": tuple,
    "set": lambda items: set(items) if items else {},  # as MBPP's own assertion has it: `{}` is a dict
    "complex": complex,
    "float": float,
}


def shapes_in(assertions: str, entry: str) -> list[Shape]:
    """What the calls of ``entry`` in ``assertions`` show of each argument."""
    found: list[Shape] = []
    for call in ast.walk(ast.parse(assertions)):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == entry):
            continue
        shown = [_shape_of(argument) for argument in call.args]
        found = [_joined(old, new) for old, new in zip(found, shown, strict=True)] if found else shown
    return found


def take_shape(value: Any, shape: Shape) -> Any:
    """``value``, as it came from JSON, in the types that ``shape`` says."""
    if isinstance(value, list):
        inner = shape if shape.deep else shape.inner or _ANY
        value = [take_shape(item, inner) for item in value]
        return value if shape.kind not in {"tuple", "set"} else _MAKE[shape.kind](value)
    if isinstance(value, dict):
        return {key: take_shape(item, shape.inner or _ANY) for key, item in value.items()}
    return _MAKE[shape.kind](value) if shape.kind in {"complex", "float"} else value


def _shape_of(node: ast.expr) -> Shape:
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return Shape(type(node).__name__.lower(), _common(node.elts))
    if isinstance(node, ast.Dict):
        return Shape("dict", _common(node.values))
    if isinstance(node, ast.Constant) and isinstance(node.value, complex):
        return Shape("complex")
    return _ANY


def _common(nodes: list[ast.expr]) -> Shape:
    shape = _ANY
    for node in nodes:
        shape = _joined(shape, _shape_of(node))
    return shape


def _joined(one: Shape, other: Shape) -> Shape:
    if one.kind != other.kind:
        return max(one, other, key=lambda shape: shape.kind != "any")
    return Shape(one.kind, _joined(one.inner or _ANY, other.inner or _ANY) if one.inner or other.inner else None)
