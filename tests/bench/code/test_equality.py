"""What counts as equal, as evalplus 0.3.1 has it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from assay.bench.code.equality import is_close, is_equal, tolerances
from assay.bench.code.oracles import is_right
from assay.sandbox.inside.values import decode, encode


@pytest.mark.parametrize(
    ("value", "expected", "tolerance", "right"),
    [
        (3, 3, 0.0, True),
        (True, 1, 0.0, True),
        (3.0, 3, 0.0, True),
        ([1, 2], (1, 2), 0.0, False),
        ("a", "b", 0.0, False),
        (0.1 + 0.2, 0.3, 1e-6, True),
        (0.30001, 0.3, 1e-6, False),
        (1e9 + 50, 1e9, 1e-6, True),
        (1e9 + 200, 1e9, 1e-6, False),
        ([0.1 + 0.2, 1.0], [0.3, 1.0], 1e-6, True),
        ([0.3], [0.3, 1.0], 1e-6, False),
        ((0.1 + 0.2,), [0.3], 1e-6, False),
        (3, 3.0000001, 1e-6, False),
        (math.nan, math.nan, 1e-6, False),
        (math.inf, math.inf, 1e-6, True),
        ("a", 0.3, 1e-6, False),
        (["a"], [0.3], 1e-6, False),
        ([[0.1 + 0.2]], [[0.3]], 1e-6, True),
        ([[0.1 + 0.2], []], [[0.3], [0.1]], 1e-6, False),
        ({"a": 0.1 + 0.2}, {"a": 0.3}, 1e-6, False),
        (None, 0.3, 1e-6, False),
        (np.float64(0.5), 0.5, 0.0, True),
        (np.float64(0.1 + 0.2), 0.3, 1e-6, False),
        (np.array([1, 2]), [1, 2], 0.0, False),
        (np.array([3]), 3, 0.0, True),
        (1 + 1e-9j, 1 + 0j, 1e-6, True),
    ],
)
def test_values_are_equal_or_close(value: Any, expected: Any, tolerance: float, right: bool) -> None:
    assert is_right("Small/none", [], value, expected, tolerance) is right


def test_the_first_expected_float_brings_a_tolerance_for_all_that_follow() -> None:
    assert tolerances([1, "a", 0.5, 2], 0.0) == [0.0, 0.0, 1e-6, 1e-6]
    assert tolerances([[0.5, 1.5], [1]], 0.0) == [1e-6, 1e-6]
    assert tolerances([[0.5, 1], [], ()], 0.0) == [0.0, 0.0, 0.0]
    assert tolerances([0.5], 1e-4) == [1e-4]


@pytest.mark.parametrize("nested", [False, True])
def test_a_column_is_not_stretched_over_what_is_expected(nested: bool) -> None:
    """It would take a terabyte."""
    column: Any = decode(encode(np.zeros((1_000_000, 1), np.int8)))
    expected: Any = [0] * 1_000_000
    assert is_right("Small/none", [], [column] if nested else column, [expected] if nested else expected, 0.0) is False


def test_arrays_of_one_shape_are_compared() -> None:
    value = decode(encode(np.array([0.1 + 0.2, math.inf])))
    assert is_right("Small/none", [], value, decode(encode(np.array([0.3, math.inf]))), 1e-6)
    assert not is_right("Small/none", [], value, decode(encode(np.array([0.3, 1.0]))), 1e-6)
    assert is_right("Small/none", [], decode(encode(np.array([3]))), 3, 0.0)


def test_lists_too_deep_to_compare_are_not_equal() -> None:
    deep: list[Any] = []
    other: list[Any] = []
    for _ in range(100_000):
        deep, other = [deep], [other]
    assert not is_equal(deep, other)
    assert not is_close(deep, other, 1e-6)


ORACLES = [
    ("HumanEval/32", [[-1, 1]], 1.0, 1.0, 1e-4, True),
    ("HumanEval/32", [[1, 0, -1]], -1.00001, 1.0, 1e-4, True),
    ("HumanEval/32", [[-1, 1]], 1.001, 1.0, 1e-4, False),
    ("HumanEval/32", [[-1, 1]], "1", 1.0, 1e-4, False),
    ("HumanEval/32", [[-1, 1]], None, 1.0, 1e-4, False),
    ("HumanEval/32", [[-1, 1]], math.nan, 1.0, 1e-4, False),
    ("HumanEval/32", [[-1, 1, 0, 9]], 1e300, 1.0, 1e-4, False),
    ("Mbpp/2", [(1, 2), (2, 1)], [2, 1, 1], (1, 2), 0.0, True),
    ("Mbpp/2", [(1, 2), (2, 1)], {1}, (1, 2), 0.0, False),
    ("Mbpp/2", [(1, 2), (2, 1)], 3, (1, 2), 0.0, False),
    ("Mbpp/2", [(1, 2), (2, 1)], [[1], [2]], (1, 2), 0.0, False),
    ("Mbpp/558", [1, 256], 12, 7, 0.0, True),
    ("Mbpp/558", [1, 256], 7, 7, 0.0, True),
    ("Mbpp/558", [1, 256], 8, 7, 0.0, False),
    ("Mbpp/581", [3, 4], 33, 33, 0.0, True),
    ("Mbpp/581", [3, 4], 35, 33, 0.0, True),
    ("Mbpp/581", [3, 4], 34, 33, 0.0, False),
    ("Mbpp/581", [3, 4], None, 33, 0.0, False),
    ("Mbpp/737", ["annie"], "a", True, 0.0, True),
    ("Mbpp/737", ["annie"], True, True, 0.0, True),
    ("Mbpp/737", ["annie"], False, True, 0.0, False),
    ("Mbpp/737", ["dawood"], None, None, 0.0, True),
    ("Mbpp/737", ["dawood"], "d", None, 0.0, False),
]


@pytest.mark.parametrize(("problem", "arguments", "value", "expected", "tolerance", "right"), ORACLES)
def test_problems_with_several_answers_have_oracles(
    problem: str, arguments: list[Any], value: Any, expected: Any, tolerance: float, right: bool
) -> None:
    assert is_right(problem, arguments, value, expected, tolerance) is right


def test_an_empty_list_is_close_to_none_that_is_not() -> None:
    """numpy would stretch it over the expected one, and find nothing that differs."""
    assert not is_close([[]], [[1.5]], 1e-6)
    assert not is_close([[], []], [[1.5], [2.5]], 1e-6)
    assert is_close([[1.5]], [[1.5 + 1e-9]], 1e-6)
