"""When a value counts as the expected one: equal, or for numbers that are not whole, close.

The rules are those of evalplus 0.3.1 (``evalplus/eval/__init__.py``): exact equality; else, with the problem's absolute tolerance,
the same type, the same length and ``|value - expected| <= tolerance + 1e-7 * |expected|`` for every number. A problem without a
tolerance gets 1e-6 from the first expected value on that is a float or a list or tuple of floats.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

RELATIVE = 1e-7
FOR_FLOATS = 1e-6


def tolerances(expected: Iterable[Any], tolerance: float) -> list[float]:
    """The tolerance of each input of one part, in their order, which matters: see above."""
    found = []
    for value in expected:
        if tolerance == 0 and _is_floats(value):
            tolerance = FOR_FLOATS
        found.append(tolerance)
    return found


def is_equal(value: Any, expected: Any) -> bool:
    """As Python compares. An array of several, which is neither true nor false, is not equal."""
    try:
        return bool(value == expected)
    except (ValueError, RecursionError, MemoryError):
        return False


def is_close(value: Any, expected: Any, tolerance: float) -> bool:
    """Within ``tolerance`` and `RELATIVE`, and of the same type. Both are plain values: nothing in them runs when compared."""
    if type(value) is not type(expected):
        return False
    if isinstance(expected, list | tuple) and len(value) != len(expected):
        return False
    if isinstance(expected, float):
        return bool(value == expected or abs(value - expected) <= tolerance + RELATIVE * abs(expected))
    import numpy as np  # few values need it, and it takes a judge process a tenth of a second

    try:
        with np.errstate(all="ignore"):
            # an empty array is close to everything that it can be stretched over
            return np.shape(value) == np.shape(expected) and np.allclose(value, expected, rtol=RELATIVE, atol=tolerance)
    except (TypeError, ValueError, ArithmeticError, RecursionError, MemoryError):
        return False


def _is_floats(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(item, float) for item in value)
    return isinstance(value, float)
