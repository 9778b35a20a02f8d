"""Arguments get the types that the assertions of their problem show."""

from __future__ import annotations

from typing import Any

import pytest

from assay.bench.code.shapes import Shape, shapes_in, take_shape


@pytest.mark.parametrize(
    ("assertion", "given", "taken"),
    [
        ("assert f((1, 2), [3]) == 1", [[4, 5], [6]], [(4, 5), [6]]),
        ("assert f([(1, 2), (3, 4)]) == 1", [[[5, 6], [7, 8]]], [[(5, 6), (7, 8)]]),
        ("assert f(((1, 2), (3,))) == 1", [[[5, 6], [7]]], [((5, 6), (7,))]),
        ("assert f((1, 2)) == 1", [[[5], 6]], [([5], 6)]),
        ("assert f({1, 2}) == 1", [[1, 1]], [{1}]),
        ("assert f([{1}, {2}]) == 1", [[[1], []]], [[{1}, {}]]),
        ("assert f({'a': (1, 2)}, 3) == 1", [{"b": [1]}, 4], [{"b": (1,)}, 4]),
        ("assert f(1, 2j) == 1", [1, "3j"], [1, 3j]),
        ("assert set(f((1, 2))) == set((1,))", [[4]], [(4,)]),
        ("assert not f([1])\nassert f((1, 2)[:1]) == 1", [[4]], [[4]]),
        ("assert f([]) == 0\nassert f([(1, 2)]) == 1", [[[4, 5]]], [[(4, 5)]]),
    ],
)
def test_what_json_made_of_arguments_is_undone(assertion: str, given: list[Any], taken: list[Any]) -> None:
    shapes = shapes_in(assertion, "f")
    assert repr([take_shape(value, shape) for value, shape in zip(given, shapes, strict=True)]) == repr(taken)


@pytest.mark.parametrize(
    ("text", "given", "taken"),
    [
        ("list", [[1]], [[1]]),
        ("tuple of list", [[1]], ([1],)),
        ("deep tuple", [[1, [2]], 3], ((1, (2,)), 3)),
        ("float", "0", 0.0),
        ("complex", "1+2j", 1 + 2j),
        ("any", [1], [1]),
    ],
)
def test_shapes_can_be_written_down(text: str, given: Any, taken: Any) -> None:
    assert repr(take_shape(given, Shape.parse(text))) == repr(taken)
