"""A file's records with the line on which each begins: JSON Lines, one JSON document, or plain lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec

from assay.core import InvalidInput
from assay.wire.document import decode

Json: TypeAlias = dict[str, Any]
Record: TypeAlias = tuple[int, "Json | str", int]
"""Line, the object or why there is none, and the size of its text in bytes."""

_array = msgspec.json.Decoder(list[msgspec.Raw])
_wrapped = msgspec.json.Decoder(dict[str, msgspec.Raw])
_DECODING = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)
_WRAPPERS = ("data", "conversations", "items", "response")


def text_lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Lines that hold something, with their number from 1."""
    start, number = 0, 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        number += 1
        line = data[start:end].strip()
        if line:
            yield number, line
        start = end + 1


class Records:
    """The records of a file, read anew each time they are gone through, so that a large file is never held as objects."""

    def __init__(self, data: bytes):
        self._data = data

    def __iter__(self) -> Iterator[Record]:
        return json_records(self._data)

    def objects(self) -> Iterator[Json]:
        """Those that are objects."""
        for _, fields, _ in self:
            if isinstance(fields, dict):
                yield fields


def json_records(data: bytes) -> Iterator[Record]:
    """The elements of a JSON array, of an array that an object wraps, or the objects of JSON Lines; or the one object there is."""
    start = data.lstrip()[:1]
    if start == b"[" and (elements := _elements(data, 0)) is not None:
        yield from elements
        return
    if start == b"{" and _is_one_document(data):
        yield from _one_document(data)
        return
    for number, line in text_lines(data):
        yield number, object_of(line), len(line)


def object_of(text: bytes) -> Json | str:
    """The JSON object that ``text`` is, or why it is none."""
    try:
        value = decode(text)
    except InvalidInput as error:
        return error.message
    return value if type(value) is dict else "this is JSON, but not an object"


def _is_one_document(data: bytes) -> bool:
    """Whether all of ``data`` is one object; of JSON Lines the second line says at once that it is not."""
    try:
        _wrapped.decode(data)
    except _DECODING:
        return False
    return True


def _one_document(data: bytes) -> Iterator[Record]:
    fields = _wrapped.decode(data)
    for wrapper in _WRAPPERS:
        inner = bytes(fields[wrapper]) if wrapper in fields and "messages" not in fields else b""
        if inner.startswith(b"[") and (elements := _elements(inner, data.count(b"\n", 0, data.index(inner)))) is not None:
            yield from elements
            return
    lead = len(data) - len(data.lstrip())
    yield data.count(b"\n", 0, lead) + 1, object_of(data), len(data)


def _elements(data: bytes, before: int) -> Iterator[Record] | None:
    """The elements of an array, ``before`` lines into its file; None where it is none as a whole."""
    try:
        raw = _array.decode(data)
    except _DECODING:
        return None

    def located() -> Iterator[Record]:
        line, end = before + 1, 0
        for one in raw:
            element = bytes(one)
            start = data.index(element, end)
            line += data.count(b"\n", end, start)
            yield line, object_of(element), len(element)
            end = start + len(element)
            line += data.count(b"\n", start, end)

    return located()
