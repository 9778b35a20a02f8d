"""What commands print: one JSON document for machines, aligned tables for people, talk on standard error."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from assay.core.columns import padded, printable, width

__all__ = ["emit", "padded", "printable", "say", "table", "width"]


def say(line: str) -> None:
    """Tell the person something that is not data."""
    click.echo(printable(line), err=True)


def emit(value: Any, as_json: bool, people: str) -> None:
    """Print ``value`` as one JSON document, or ``people``, the same for reading. It is out when this returns."""
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value, enc_hook=_path), indent=2) + b"\n")
        sys.stdout.flush()
    elif people:
        click.echo(printable(people))


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> str:
    """``rows`` as an aligned table; ``columns`` maps a field to its heading. Numbers stand to the right."""
    cells = [list(columns.values())] + [[_cell(row.get(field)) for field in columns] for row in rows]
    right = [all(isinstance(row.get(field), int | float | None) for row in rows) and bool(rows) for field in columns]
    widths = [max(width(line[i]) for line in cells) for i in range(len(columns))]
    return "\n".join(
        "  ".join(padded(text, size, to_right=to_right) for text, size, to_right in zip(line, widths, right, strict=True)).rstrip()
        for line in cells
    )


def _path(value: Any) -> str:
    """The only type in our documents that msgspec does not know."""
    if not isinstance(value, Path):
        raise NotImplementedError(type(value).__name__)
    return str(value)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(str(value)).replace("\n", " ").replace("\t", " ")
