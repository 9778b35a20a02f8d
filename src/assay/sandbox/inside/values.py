"""How plain values cross from a child to the judge: as bytes that can only ever become plain values.

The writer of these bytes may be a liar, so the reader is not an unpickler: there is no opcode that names a class, shares a part
(which could double a small text into an endless one) or nests without bound, and keys that were chosen to collide are refused.
Lists of numbers and of texts, the bulk of what tests return, travel as columns and are read at the speed of C.

    value   = tag byte, then
      N T F                 None, True, False
      i 8 bytes             an integer of 64 bits          I length bytes    any other integer
      d 8 bytes             a float                        c 16 bytes        a complex number
      s length utf-8        a text                         b length bytes    bytes
      [ ( { <  count values a list, tuple, set, frozenset  : count pairs     a dict
      q count 8 bytes each  a list of such integers        e ... of floats
      u count lengths utf-8 a list of texts
      a, A                  a numpy array, a numpy scalar  / and .           a Fraction, a Decimal
      o length name         something that is not plain: it equals nothing

Lengths and counts are four bytes, little endian.
"""

from __future__ import annotations

import hashlib
import pickle
import struct
import sys
from array import array
from collections.abc import Callable
from functools import cache
from itertools import accumulate, pairwise
from typing import Any

MOST_DEPTH = 100
"""Levels of nesting that are read and written; more is not plain."""

_COUNT = struct.Struct("<I")
_INT = struct.Struct("<q")
_FLOAT = struct.Struct("<d")
_COMPLEX = struct.Struct("<dd")
_FEW_KEYS = 64
_MOST_BITS = 10_000
"""Of a fraction's parts and of a decimal's exponent: arithmetic with longer ones could keep the judge busy for hours."""
_NUMPY_KINDS = frozenset("biufcSU")


SMALL_BYTES = 4096
"""Values that pickle to no more are sent even where a digest would do."""


class Unreadable(Exception):
    """The bytes are not a value as `encode` writes them."""


class Opaque:
    """Something that is not plain: only the name of its type came along, and it equals nothing, not even itself."""

    __slots__ = ("name",)
    __hash__ = None  # type: ignore[assignment]  # nothing can be found by it either

    def __init__(self, name: str):
        self.name = name

    def __eq__(self, other: object) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<{self.name}>"


# ---- in the child


def encode(value: object) -> bytes:
    """``value`` as bytes. What is not plain becomes its type's name; a subclass of a plain type becomes the plain type."""
    out: list[bytes] = []
    _write(value, out, 0)
    return b"".join(out)


def digest(value: object) -> bytes | None:
    """32 bytes, which for plain values are equal only where the values are; not for all of those: 1 and 1.0, or a set in another order,
    have others. None for a small value, which is sent as it is. However large the value, this takes no memory to speak of. Raises
    whatever pickling the value does."""
    sink = _Sink()
    pickler = pickle.Pickler(sink, protocol=5)
    pickler.fast = True  # without it, texts that are the same object would be written otherwise than equal ones
    pickler.dump(value)
    return sink.hashing.digest() if sink.size > SMALL_BYTES else None


class _Sink:
    def __init__(self) -> None:
        self.hashing = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self.hashing.update(data)
        self.size += len(data)


def _write(value: Any, out: list[bytes], depth: int) -> None:
    kind = type(value)
    writer = _WRITERS.get(kind)
    if writer is None:
        writer = next((_WRITERS[base] for base in kind.__mro__ if base in _WRITERS), None) or _stranger(kind)
    if depth > MOST_DEPTH:
        raise RecursionError("nested too deeply")
    writer(value, out, depth)


def _write_none(value: None, out: list[bytes], depth: int) -> None:
    out.append(b"N")


def _write_bool(value: bool, out: list[bytes], depth: int) -> None:
    out.append(b"T" if value else b"F")


def _write_int(value: int, out: list[bytes], depth: int) -> None:
    value = int.__index__(value)
    if -(2**63) <= value < 2**63:
        out.append(b"i" + _INT.pack(value))
    else:
        _sized(b"I", value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True), out)


def _write_float(value: float, out: list[bytes], depth: int) -> None:
    out.append(b"d" + _FLOAT.pack(value))


def _write_complex(value: complex, out: list[bytes], depth: int) -> None:
    out.append(b"c" + _COMPLEX.pack(value.real, value.imag))


def _write_str(value: str, out: list[bytes], depth: int) -> None:
    _sized(b"s", str.encode(value, "utf-8", "surrogatepass"), out)


def _write_bytes(value: bytes | bytearray, out: list[bytes], depth: int) -> None:
    _sized(b"b", bytes(memoryview(value)), out)


def _write_list(value: list[Any], out: list[bytes], depth: int) -> None:
    items = value if type(value) is list else list(list.__iter__(value))
    kinds = set(map(type, items))
    column = _column(items, kinds.pop()) if len(kinds) == 1 else None
    if column is None:
        _write_items(b"[", items, out, depth)
    else:
        out.append(column)


def _column(items: list[Any], kind: type) -> bytes | None:
    if kind is int:
        try:
            return b"q" + _COUNT.pack(len(items)) + _little(array("q", items)).tobytes()
        except OverflowError:
            return None
    if kind is float:
        return b"e" + _COUNT.pack(len(items)) + _little(array("d", items)).tobytes()
    if kind is str:
        lengths = _little(array("I", map(len, items))).tobytes()
        text = "".join(items).encode("utf-8", "surrogatepass")
        return b"u" + _COUNT.pack(len(items)) + lengths + _COUNT.pack(len(text)) + text
    return None


def _write_tuple(value: tuple[Any, ...], out: list[bytes], depth: int) -> None:
    _write_items(b"(", list(tuple.__iter__(value)), out, depth)


def _write_set(value: set[Any], out: list[bytes], depth: int) -> None:
    _write_items(b"{", list(set.__iter__(value)), out, depth)


def _write_frozenset(value: frozenset[Any], out: list[bytes], depth: int) -> None:
    _write_items(b"<", list(frozenset.__iter__(value)), out, depth)


def _write_dict(value: dict[Any, Any], out: list[bytes], depth: int) -> None:
    pairs = list(dict.items(value))
    out.append(b":" + _COUNT.pack(len(pairs)))
    for key, item in pairs:
        _write(key, out, depth + 1)
        _write(item, out, depth + 1)


def _write_items(tag: bytes, items: list[Any], out: list[bytes], depth: int) -> None:
    out.append(tag + _COUNT.pack(len(items)))
    for item in items:
        _write(item, out, depth + 1)


def _stranger(kind: type) -> Callable[[Any, list[bytes], int], None]:
    """The writer of a type that is not built in: numpy's, fractions and decimals keep their value, others only their name."""
    name = f"{kind.__module__}.{kind.__qualname__}"
    numpy = sys.modules.get("numpy")
    if numpy is not None and issubclass(kind, (numpy.ndarray, numpy.generic)):
        return _write_numpy
    return {"fractions.Fraction": _write_fraction, "decimal.Decimal": _write_decimal}.get(name, _write_opaque)


def _write_numpy(value: Any, out: list[bytes], depth: int) -> None:
    if value.dtype.kind not in _NUMPY_KINDS:
        return _write_opaque(value, out, depth)
    scalar = not isinstance(value, sys.modules["numpy"].ndarray)
    dtype = value.dtype.newbyteorder("<")
    body = sys.modules["numpy"].asarray(value, dtype=dtype)
    out.append((b"A" if scalar else b"a") + _COUNT.pack(len(body.shape)) + b"".join(_COUNT.pack(n) for n in body.shape))
    _sized(b"", dtype.str.encode(), out)
    return _sized(b"", body.tobytes(), out)


def _write_fraction(value: Any, out: list[bytes], depth: int) -> None:
    out.append(b"/")
    _write_int(value.numerator, out, depth)
    _write_int(value.denominator, out, depth)


def _write_decimal(value: Any, out: list[bytes], depth: int) -> None:
    _sized(b".", str(value).encode(), out)


def _write_opaque(value: object, out: list[bytes], depth: int) -> None:
    _sized(b"o", type(value).__qualname__.encode("utf-8", "replace")[:200], out)


def _sized(tag: bytes, body: bytes, out: list[bytes]) -> None:
    out.append(tag + _COUNT.pack(len(body)))
    out.append(body)


_WRITERS: dict[type, Callable[[Any, list[bytes], int], None]] = {
    type(None): _write_none,
    bool: _write_bool,
    int: _write_int,
    float: _write_float,
    complex: _write_complex,
    str: _write_str,
    bytes: _write_bytes,
    bytearray: _write_bytes,
    list: _write_list,
    tuple: _write_tuple,
    set: _write_set,
    frozenset: _write_frozenset,
    dict: _write_dict,
}


def _little(column: array[Any]) -> array[Any]:
    if sys.byteorder == "big":
        column.byteswap()
    return column


# ---- in the judge


def decode(data: bytes) -> Any:
    """The value that ``data`` holds. Raises `Unreadable` for everything that `encode` would not have written."""
    reader = _Reader(data)
    try:
        value = reader.value(0)
    except (struct.error, ValueError, OverflowError, TypeError, ArithmeticError, IndexError, RecursionError, MemoryError) as error:
        raise Unreadable(str(error)) from None
    if reader.at != len(data):
        raise Unreadable("something follows the value")
    return value


@cache
def _array() -> type[Any]:
    """numpy's array, which is told equal by element only from what has its shape. A liar's column beside a list would otherwise become
    as large as the product of both, and the judge's memory would be gone."""
    import numpy as np

    class Array(np.ndarray[Any, Any]):
        def __eq__(self, other: object) -> Any:
            return (self.size < 2 or self.shape == np.shape(other)) and super().__eq__(other)  # type: ignore[call-overload]  # as numpy's

    return Array


class _Reader:
    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    def value(self, depth: int) -> Any:
        if depth > MOST_DEPTH:
            raise Unreadable("nested too deeply")
        tag = self.data[self.at : self.at + 1]
        self.at += 1
        read = _READERS.get(tag)
        if read is None:
            raise Unreadable(f"no value begins with {tag!r}")
        return read(self, depth)

    def take(self, size: int) -> bytes:
        start = self.at
        self.at += size
        if self.at > len(self.data):
            raise Unreadable("it ends too early")
        return self.data[start : self.at]

    def count(self) -> int:
        count: int = _COUNT.unpack(self.take(4))[0]
        if count > len(self.data) - self.at:
            raise Unreadable(f"{count} of something, and too few bytes for them")
        return count

    def sized(self) -> bytes:
        return self.take(self.count())

    def items(self, depth: int) -> list[Any]:
        return [self.value(depth + 1) for _ in range(self.count())]

    def column(self, code: str, width: int) -> array[Any]:
        column = array(code)
        column.frombytes(self.take(self.count() * width))
        return _little(column)

    def texts(self) -> list[str]:
        lengths = self.column("I", 4)
        text = self.sized().decode("utf-8", "surrogatepass")
        ends = list(accumulate(lengths, initial=0))
        if ends[-1] != len(text):
            raise Unreadable("the texts have other lengths than announced")
        return [text[start:end] for start, end in pairwise(ends)]

    def distinct(self, depth: int) -> list[Any]:
        """Keys. A liar could choose them so that all fall into one place of the table, which would take the judge hours."""
        keys = self.items(depth)
        if len(keys) > _FEW_KEYS and len(set(map(hash, keys))) < len(keys) * 0.9:
            raise Unreadable("keys that collide")
        return keys

    def pairs(self, depth: int) -> dict[Any, Any]:
        count = self.count()
        keys, items = [], []
        for _ in range(count):
            keys.append(self.value(depth + 1))
            items.append(self.value(depth + 1))
        if count > _FEW_KEYS and len(set(map(hash, keys))) < count * 0.9:
            raise Unreadable("keys that collide")
        return dict(zip(keys, items, strict=True))

    def numpy(self) -> Any:
        import numpy as np

        shape = [_COUNT.unpack(self.take(4))[0] for _ in range(self.count())]
        dtype = self.sized().decode("ascii")
        if len(dtype) > 12 or dtype[0] not in "<|" or dtype[1] not in _NUMPY_KINDS or len(shape) > 32:
            raise Unreadable("an array that is not of plain numbers or texts")
        return np.frombuffer(self.sized(), dtype=np.dtype(dtype)).reshape(shape)

    def fraction(self) -> Any:
        from fractions import Fraction

        numerator, denominator = self.value(MOST_DEPTH), self.value(MOST_DEPTH)
        if type(numerator) is not int or type(denominator) is not int:
            raise Unreadable("a fraction of no integers")
        if max(numerator.bit_length(), denominator.bit_length()) > _MOST_BITS:
            raise Unreadable("a fraction of endless integers")
        return Fraction(numerator, denominator)

    def decimal(self) -> Any:
        from decimal import Decimal

        value = Decimal(self.sized().decode("ascii"))
        if value.is_finite() and abs(value.adjusted()) > _MOST_BITS:
            raise Unreadable("a decimal of endless digits")
        return value


_READERS: dict[bytes, Callable[[_Reader, int], Any]] = {
    b"N": lambda reader, depth: None,
    b"T": lambda reader, depth: True,
    b"F": lambda reader, depth: False,
    b"i": lambda reader, depth: _INT.unpack(reader.take(8))[0],
    b"I": lambda reader, depth: int.from_bytes(reader.sized(), "little", signed=True),
    b"d": lambda reader, depth: _FLOAT.unpack(reader.take(8))[0],
    b"c": lambda reader, depth: complex(*_COMPLEX.unpack(reader.take(16))),
    b"s": lambda reader, depth: reader.sized().decode("utf-8", "surrogatepass"),
    b"b": lambda reader, depth: reader.sized(),
    b"[": lambda reader, depth: reader.items(depth),
    b"(": lambda reader, depth: tuple(reader.items(depth)),
    b"{": lambda reader, depth: set(reader.distinct(depth)),
    b"<": lambda reader, depth: frozenset(reader.distinct(depth)),
    b":": lambda reader, depth: reader.pairs(depth),
    b"q": lambda reader, depth: reader.column("q", 8).tolist(),
    b"e": lambda reader, depth: reader.column("d", 8).tolist(),
    b"u": lambda reader, depth: reader.texts(),
    b"a": lambda reader, depth: reader.numpy().view(_array()),
    b"A": lambda reader, depth: reader.numpy()[()],
    b"/": lambda reader, depth: reader.fraction(),
    b".": lambda reader, depth: reader.decimal(),
    b"o": lambda reader, depth: Opaque(reader.sized().decode("utf-8", "replace")),
}
