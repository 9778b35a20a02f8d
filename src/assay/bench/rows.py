"""Rows of a data file: JSON Lines, CSV, one JSON list, or Parquet; the first three also under gzip."""

from __future__ import annotations

import csv
import gzip
import importlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from assay.core import InvalidInput, Unavailable

_GZIP = b"\x1f\x8b"


def read_rows(file: Path, form: str) -> Iterator[dict[str, Any]]:
    """One dict for each row, columns by name.

    Raises:
        InvalidInput: ``task.data_invalid``, with the row's number.
        Unavailable: ``task.extra_missing``: Parquet, and pyarrow is not installed.
    """
    if form == "parquet":
        return _parquet(file)
    if form not in _READERS:
        raise InvalidInput("task.data_invalid", f"Files of the format {form!r} have no rows of their own.", param="format")
    return _READERS[form](file)


def _jsonl(file: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_bytes(file).split(b"\n"), 1):
        if line.strip():
            yield _decoded(file, f"line {number}", line, dict[str, Any])


def _json(file: Path) -> Iterator[dict[str, Any]]:
    yield from _decoded(file, "the file", _bytes(file), list[dict[str, Any]])


def _csv(file: Path) -> Iterator[dict[str, Any]]:
    try:
        text = _bytes(file).decode("utf-8-sig")
        for number, row in enumerate(csv.DictReader(io.StringIO(text, newline="")), 1):
            if None in row or None in row.values():
                raise InvalidInput("task.data_invalid", f"{file}, row {number} has not as many columns as the first line names.")
            yield dict(row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput("task.data_invalid", f"{file} is not CSV in UTF-8: {error}.") from None


def _parquet(file: Path) -> Iterator[dict[str, Any]]:
    try:
        arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise Unavailable(
            "task.extra_missing", f"{file} is a Parquet file, and pyarrow is not installed.", hint="Install `modelassay[parquet]`."
        ) from None
    try:
        for batch in parquet.ParquetFile(file).iter_batches(batch_size=256):
            yield from batch.to_pylist()
    except (arrow.ArrowException, OSError) as error:
        raise InvalidInput("task.data_invalid", f"{file} is no Parquet file: {error}.") from None


_READERS = {"jsonl": _jsonl, "json": _json, "csv": _csv}


def _bytes(file: Path) -> bytes:
    content = file.read_bytes()
    try:
        return gzip.decompress(content) if content.startswith(_GZIP) else content
    except (OSError, EOFError) as error:
        raise InvalidInput("task.data_invalid", f"{file} is broken gzip: {error}.") from None


def _decoded(file: Path, where: str, content: bytes, form: Any) -> Any:
    try:
        return msgspec.json.decode(content, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput("task.data_invalid", f"{file}, {where}: {error}.") from None
