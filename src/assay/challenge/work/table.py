"""Records of a CSV file (RFC 4180) with the line on which each begins.

The csv module bounds a field for the whole process, and a column of a log may hold a conversation; so the few rules are kept here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from assay.challenge.work.records import Record, bound

_LONGEST_HEADER = 64 * 1024
_CELL = re.compile(rb'"((?:[^"]++|"")*+)"(?=[,\r\n]|\Z)|([^,\r\n"][^,\r\n]*|)')


def csv_columns(data: bytes) -> list[str]:
    """The names in the first line; empty where it is not text."""
    first = next(_rows(data[:_LONGEST_HEADER]), (1, None))[1]
    return [] if first is None else [cell.strip().lower() for cell in first]


def csv_records(data: bytes) -> Iterator[Record]:
    """Each row as an object of texts under the names in the header, empty cells left out."""
    rows = _rows(data)
    header = next(rows, (1, None))[1] or []
    names = [cell.strip() for cell in header]
    for found, (line, cells) in enumerate(rows):
        bound(found)
        if cells is None:
            yield line, "this is not a row of CSV in UTF-8", 0
        elif len(cells) != len(names):
            yield line, f"{len(cells)} columns where the header has {len(names)}", 0
        else:
            fields = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
            yield line, fields, sum(map(len, cells))


def _rows(data: bytes) -> Iterator[tuple[int, list[str] | None]]:
    """Line and cells of each row that is not blank; None for one that is broken, which ends with its line."""
    at, line = 0, 1
    while at < len(data):
        cells: list[bytes] = []
        begin, start = line, at
        while True:
            found = _CELL.match(data, at)
            if found is None:
                break
            cells.append(found[2] if found[1] is None else found[1].replace(b'""', b'"'))
            at = found.end()
            if data[at : at + 1] != b",":
                break
            at += 1
        ended = at >= len(data) or data[at : at + 1] in (b"\r", b"\n")
        if not ended:
            at = data.find(b"\n", start)
            at = len(data) if at < 0 else at
        at += 2 if data[at : at + 2] == b"\r\n" else 1
        line += data.count(b"\n", start, at)
        if not ended:
            yield begin, None
        elif cells != [b""]:
            try:
                yield begin, [cell.decode() for cell in cells]
            except UnicodeDecodeError:
                yield begin, None
