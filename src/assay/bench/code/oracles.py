"""Problems with more than one right answer, and how an answer to them is told from a wrong one.

The list is that of evalplus 0.3.1 (``evalplus/eval/_special_oracle.py``), as far as its data have these problems.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from assay.bench.code.equality import is_close, is_equal

Oracle = Callable[[Sequence[Any], Any, Any, float], bool]
"""Told the arguments, the value, what the canonical solution returned, and the tolerance."""


def is_right(problem: str, arguments: Sequence[Any], value: Any, expected: Any, tolerance: float) -> bool:
    """Whether ``value`` is a right answer of ``problem`` to ``arguments``: equal for most, what the oracle accepts for some, and for
    all but `_is_root`, which knows its own, what is close enough."""
    oracle = ORACLES.get(problem, _is_same)
    try:
        if oracle(arguments, value, expected, tolerance):
            return True
    except (TypeError, ValueError, ArithmeticError, RecursionError):
        return False  # it is not of the kind that could be right
    return tolerance > 0 and oracle is not _is_root and is_close(value, expected, tolerance)


def _is_same(arguments: Sequence[Any], value: Any, expected: Any, tolerance: float) -> bool:
    return is_equal(value, expected)


def _is_root(arguments: Sequence[Any], value: Any, expected: Any, tolerance: float) -> bool:
    """Any root of the polynomial will do. evalplus 0.3.1 leaves this problem's inputs uncounted, so that nothing ever passes it."""
    terms = [factor * math.pow(value, power) for power, factor in enumerate(arguments[0])]
    return bool(abs(sum(terms)) <= tolerance)


def _has_same_members(arguments: Sequence[Any], value: Any, expected: Any, tolerance: float) -> bool:
    return set(value) == set(expected)


def _is_found(arguments: Sequence[Any], value: Any, expected: Any, tolerance: float) -> bool:
    """A match may be said by anything but None; ``expected`` is what the canonical solution says, likewise."""
    said = value if isinstance(value, bool) else value is not None
    return said is (expected if isinstance(expected, bool) else expected is not None)


def _is_surface(arguments: Sequence[Any], value: Any, expected: Any, tolerance: float) -> bool:
    """Of a square pyramid; the text does not say whether the height is that of the body or of its sides."""
    edge, height = arguments
    upright = round(edge**2 + 2 * edge * math.sqrt((edge / 2) ** 2 + height**2))
    return is_equal(value, expected) or bool(abs(value - upright) <= tolerance)


def _is_digit_distance(arguments: Sequence[Any], value: Any, expected: Any, tolerance: float) -> bool:
    """Of two numbers that are not equally long, the shorter may have noughts put in front."""
    one, other = map(str, arguments)
    width = max(len(one), len(other))
    padded = sum(abs(int(a) - int(b)) for a, b in zip(one.zfill(width), other.zfill(width), strict=True))
    return is_equal(value, expected) or is_equal(value, padded)


ORACLES: dict[str, Oracle] = {
    "HumanEval/32": _is_root,
    **dict.fromkeys(
        ("Mbpp/2", "Mbpp/7", "Mbpp/111", "Mbpp/140", "Mbpp/232", "Mbpp/249", "Mbpp/579", "Mbpp/769"), _has_same_members
    ),
    "Mbpp/558": _is_digit_distance,
    "Mbpp/581": _is_surface,
    "Mbpp/737": _is_found,
    "Mbpp/787": _is_found,
    "Mbpp/794": _is_found,
}
