"""What comes from a child is plain, or nothing; and reading it never costs the judge more than its size."""

from __future__ import annotations

import collections
import contextlib
import enum
import struct
import time
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.sandbox.inside.values import MOST_DEPTH, Opaque, Unreadable, decode, encode

_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text()
    | st.binary()
    | st.fractions()
)
_hashable = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4).map(tuple) | st.frozensets(inner, max_size=4), max_leaves=8
)
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=5).map(tuple)
        | st.sets(_hashable, max_size=5)
        | st.dictionaries(_hashable, inner, max_size=5)
    ),
    max_leaves=20,
)


def _same_types(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, list | tuple):
        return all(map(_same_types, left, right))
    return True


@given(_values)
def test_plain_values_come_back_equal_and_of_the_same_types(value: Any) -> None:
    back = decode(encode(value))
    assert back == value
    assert _same_types(back, value)


@pytest.mark.parametrize(
    "value",
    [
        [2**63, 1],
        [1, 2.5, "x", None],
        ["", "a", "é", "\ud800", "😀"],
        [True, False],
        list(range(1000)),
        [0.1] * 1000,
        Decimal("1.50"),
        {"a": [1, {"b": (2, {3})}]},
    ],
)
def test_these_come_back_as_they_were(value: object) -> None:
    assert decode(encode(value)) == value


@pytest.mark.parametrize(
    "value",
    [
        np.float32(1.5),
        np.int64(-3),
        np.bool_(True),
        np.arange(6).reshape(2, 3),
        np.array(["a", "bcd"]),
        np.array([1 + 2j]),
        np.zeros((0, 3)),
    ],
)
def test_numpy_values_keep_their_type_and_shape(value: Any) -> None:
    back = decode(encode(value))
    assert back.dtype == value.dtype
    assert back.shape == value.shape
    assert np.array_equal(back, value)


def test_a_subclass_of_a_plain_type_comes_as_the_plain_type() -> None:
    class Level(enum.IntEnum):
        ONE = 1

    pair = collections.namedtuple("pair", "a b")  # as programs under test make them
    for value, plain in (
        (Level.ONE, 1),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (pair(1, 2), (1, 2)),
        (bytearray(b"x"), b"x"),
    ):
        back = decode(encode(value))
        assert back == plain
        assert type(back) is type(plain)


def test_a_subclass_that_lies_about_its_content_tells_the_real_one() -> None:
    class Liar(list[int]):
        def __iter__(self) -> Any:
            return iter([9, 9])

        def __len__(self) -> int:
            return 2

        def __eq__(self, other: object) -> bool:
            return True

    assert decode(encode(Liar([1]))) == [1]


def test_what_is_not_plain_equals_nothing() -> None:
    for value in (object(), range(3), (x for x in [1]), np.array([object()], dtype=object)):
        back = decode(encode(value))
        assert isinstance(back, Opaque)
        assert back != value
        assert back != back  # not even itself
    assert repr(decode(encode([collections.deque()]))) == "[<deque>]"


def test_what_never_ends_is_refused_by_the_writer() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(RecursionError):
        encode(endless)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_unreadable(data: bytes) -> None:
    with contextlib.suppress(Unreadable):
        decode(data)


@given(_values, st.data())
def test_a_value_that_was_tampered_with_is_a_value_or_unreadable(value: Any, data: st.DataObject) -> None:
    raw = bytearray(encode(value))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Unreadable):
        decode(bytes(raw))


def _count(tag: bytes, count: int) -> bytes:
    return tag + struct.pack("<I", count)


def _integer(value: int) -> bytes:
    body = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return _count(b"I", len(body)) + body


_COLLIDING = [_integer(k * (2**61 - 1)) for k in range(1, 100_000)]
_PAIRS = [b"(" + struct.pack("<I", 1) + item for item in _COLLIDING]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"?",
        b"NN",
        _count(b"s", 2**32 - 1),
        _count(b"[", 2**32 - 1),
        _count(b"q", 2**32 - 1),
        _count(b"u", 2**30) + b"\1" * 100,
        _count(b"[", 1) * (MOST_DEPTH + 5) + b"N",
        _count(b"(", 1) * 1_000_000 + b"N",
        _count(b"{", 1) + _count(b"[", 0),
        _count(b":", 1) + _count(b"{", 0) + b"N",
        _count(b"{", len(_COLLIDING)) + b"".join(_COLLIDING),
        _count(b"<", len(_PAIRS)) + b"".join(_PAIRS),
        _count(b":", len(_COLLIDING)) + b"".join(key + b"N" for key in _COLLIDING),
        _count(b".", 12) + b"1e9999999999",
        b"/" + _integer(2**20000) + _integer(3**9999),
        b"/" + b"i" + bytes(8) + b"i" + bytes(8),
        _count(b"a", 1) + struct.pack("<I", 2**31) + _count(b"", 3) + b"<f8" + _count(b"", 0),
        _count(b"a", 0) + _count(b"", 2) + b"|O" + _count(b"", 8) + bytes(8),
        _count(b"a", 0) + _count(b"", 5) + b"<M8[s" + _count(b"", 8) + bytes(8),
    ],
    ids=range(20),
)
def test_what_a_liar_could_write_is_refused_at_once(data: bytes) -> None:
    began = time.process_time()
    with pytest.raises(Unreadable):
        decode(data)
    assert time.process_time() - began < 10
