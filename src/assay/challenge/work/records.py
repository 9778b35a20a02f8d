"""A file's records with the line on which each begins: JSON Lines, one JSON document, or plain lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec

from assay.core import InvalidInput, TooLarge
from assay.wire.document import decode

Json: TypeAlias = dict[str, Any]
Record: TypeAlias = tuple[int, "Json | str", int]
"""Line, the object or why there is none, and the size of its text in bytes."""

MOST_RECORDS = 1_000_000
_wrapped = msgspec.json.Decoder(dict[str, msgspec.Raw])
_value = msgspec.json.Decoder(msgspec.Raw)
_scan = json.JSONDecoder().raw_decode
_DECODING = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)
_SPACE = re.compile(r"[ \t\r\n]*")
_WRAPPERS = ("data", "conversations", "items")


def text_lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Lines that hold something, with their number from 1.

    Raises:
        TooLarge: ``work.too_much``.
    """
    start, number, found = 0, 0, 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        number += 1
        line = data[start:end].strip()
        if line:
            found += 1
            bound(found)
            yield number, line
        start = end + 1


def bound(records: int) -> None:
    """Refuse a file that holds too many.

    Raises:
        TooLarge: ``work.too_much``.
    """
    if records > MOST_RECORDS:
        raise TooLarge("work.too_much", f"The file holds more than {MOST_RECORDS} records.", hint="Bring it in parts.")


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
    """The elements of a JSON array, of an array that an object wraps, or the objects of JSON Lines; or the one object there is.

    An array that is broken off or damaged gives what comes before.

    Raises:
        TooLarge: ``work.too_much``.
    """
    start = data.lstrip()[:1]
    if start == b"[" and not _first_line_is_whole(data):
        yield from _elements(data, 0)
        return
    if start == b"{" and not _first_line_is_whole(data) and (fields := _one_document(data)) is not None:
        yield from _of_document(data, fields)
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


def _first_line_is_whole(data: bytes) -> bool:
    """Whether the first of several lines is JSON by itself: then each is a record."""
    lines = text_lines(data)
    _, first = next(lines)
    return next(lines, None) is not None and _raw(first) is not None


def _raw(text: bytes) -> Any:
    try:
        return _value.decode(text)
    except _DECODING:
        return None


def _one_document(data: bytes) -> dict[str, msgspec.Raw] | None:
    try:
        return _wrapped.decode(data)
    except _DECODING:
        return None


def _of_document(data: bytes, fields: dict[str, msgspec.Raw]) -> Iterator[Record]:
    for wrapper in _WRAPPERS:
        inner = bytes(fields[wrapper]) if wrapper in fields and "messages" not in fields else b""
        if inner.startswith(b"["):
            yield from _elements(inner, data.count(b"\n", 0, data.index(inner)))
            return
    lead = len(data) - len(data.lstrip())
    yield data.count(b"\n", 0, lead) + 1, object_of(data), len(data)


def _elements(data: bytes, before: int) -> Iterator[Record]:
    """The elements of an array, ``before`` lines into its file."""
    text = data.decode("utf-8", "surrogateescape")
    at, line, counted, found = text.index("[") + 1, before + 1, 0, 0
    while True:
        at = _skip(text, at)
        line, counted = line + text.count("\n", counted, at), at
        if text[at : at + 1] == "]":
            return
        try:
            _, end = _scan(text, at)
        except (ValueError, RecursionError) as error:
            yield line, f"the array breaks off here: {getattr(error, 'msg', error)}", 0
            return
        found += 1
        bound(found)
        element = text[at:end].encode("utf-8", "surrogateescape")
        yield line, object_of(element), len(element)
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at += 1
        elif text[at : at + 1] != "]":
            yield line + text.count("\n", counted, at), "the array breaks off after this element", 0
            return


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
