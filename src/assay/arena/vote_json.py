"""Vote files in JSON: one array of objects, or one object a line.

Only the fields that a vote needs are decoded, so that the conversations in such files cost little. Each element is decoded on
its own: a bad one is reported and the rest is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import RawIOBase

import msgspec

from assay.arena.vote_formats import BadVote, Fields, Format, find_format
from assay.core import InvalidInput

Rows = Iterator[tuple[int, Format, "Fields | BadVote"]]


class _Battle(msgspec.Struct):
    """The fields of all formats. Text, or a number or truth value where the real files have such."""

    a: str | None = None
    b: str | None = None
    choice: str | None = None
    voter: str | int | None = None
    at: str | float | None = None
    prompt: str | None = None
    left: str | None = None
    right: str | None = None
    model_a: str | None = None
    model_b: str | None = None
    winner: str | None = None
    worker: str | int | None = None
    judge: str | int | None = None
    annotator: str | int | None = None
    tstamp: str | float | None = None
    timestamp: str | float | None = None
    anony: bool | None = None


_battle = msgspec.json.Decoder(_Battle)
_array = msgspec.json.Decoder(list[msgspec.Raw])
_DECODING = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def json_rows(source: RawIOBase, name: str) -> Rows:
    """Each element with the line it begins on.

    Raises:
        InvalidInput: ``votes.not_json`` or ``votes.unknown_format``.
    """
    data = source.read().removeprefix(b"\xef\xbb\xbf")
    elements = _elements(data) if data.lstrip()[:1] == b"[" else _lines(data)
    shape: Format | None = None
    waiting: list[tuple[int, BadVote]] = []
    for line, element in elements:
        fields = element if isinstance(element, BadVote) else _fields(element)
        if shape is None and not isinstance(fields, BadVote):
            shape = find_format(fields)
            fields = fields if shape else BadVote("wrong_columns", f"no known vote: fields {', '.join(sorted(fields)) or 'none'}")
        if shape is None:
            waiting.append((line, fields if isinstance(fields, BadVote) else BadVote("wrong_columns", "no known vote")))
            continue
        yield from ((earlier, shape, reason) for earlier, reason in waiting)
        waiting.clear()
        yield line, shape, fields
    if shape is None:
        reason = waiting[0][1].reason if waiting else "it has no elements"
        raise InvalidInput(
            "votes.unknown_format",
            f"{name!r} holds no vote in a known format: {reason}.",
            hint="Expected objects with model_a, model_b and winner, or a, b and choice.",
        )


def _fields(element: bytes) -> Fields | BadVote:
    try:
        battle = _battle.decode(element)
    except _DECODING as error:
        return BadVote("broken_row", f"not a vote object: {error}")
    return {field: _text(value) for field in battle.__struct_fields__ if (value := getattr(battle, field)) is not None}


def _text(value: object) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _lines(data: bytes) -> Iterator[tuple[int, bytes | BadVote]]:
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            yield number, line


def _elements(data: bytes) -> Iterator[tuple[int, bytes | BadVote]]:
    try:
        raw = [bytes(element) for element in _array.decode(data)]
    except _DECODING:
        yield from _elements_before_break(data)
        return
    line, end = 1, 0
    for element in raw:
        start = data.index(element, end)
        line += data.count(b"\n", end, start)
        yield line, element
        end = start + len(element)
        line += data.count(b"\n", start, end)


def _elements_before_break(data: bytes) -> Iterator[tuple[int, bytes | BadVote]]:
    """Of an array that is cut off or broken in the middle, what came before; then one bad row for the rest."""
    text = data.decode("utf-8", "replace")
    decoder, line, counted, at = json.JSONDecoder(), 1, 0, text.index("[") + 1
    while True:
        at = _skip(text, at)
        line, counted = line + text.count("\n", counted, at), at
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            yield line, BadVote("broken_row", f"the JSON array breaks off here: {error}")
            return
        yield line, text[at:end].encode()
        at = _skip(text, end)
        if text[at : at + 1] != ",":
            yield line, BadVote("broken_row", "the JSON array breaks off after this element")
            return
        at += 1


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
