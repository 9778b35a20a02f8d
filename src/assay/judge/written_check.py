"""Checks as one writes them on a command line: ``regex:^\\d+$``, ``number:42~0.01``, ``max_words:50``, ``json``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from assay.core import InvalidInput
from assay.judge.check import Check

_LENGTH = re.compile(r"(min|max)_(characters|words|lines)")
_BOUND = {"min": "least", "max": "most"}
_NEEDS_VALUE = frozenset({"exact", "one_of", "regex", "number", "json_schema"})
_HINT = (
    "Write exact:TEXT, one_of:A|B, regex:PATTERN, number:42~0.01 (or ~1%), json_schema:@FILE, min_ or max_ with characters, words or "
    "lines (max_words:50), starts_with:TEXT, ends_with:TEXT, contains:TEXT, lacks:TEXT, json, one_line, bullets, or a check as JSON."
)


def parse_check(written: str) -> Check:
    """The check that ``written`` stands for.

    Raises:
        InvalidInput: it stands for none, or for one that cannot be followed.
    """
    try:
        check: Check = msgspec.convert(_fields(written.strip()), Check)
    except (ValueError, OSError) as error:
        raise InvalidInput("judge.bad_check", f"{written!r} is no check: {error}.", hint=_HINT, param="checks") from None
    return check


def _fields(written: str) -> dict[str, Any]:
    """The fields that a check of a file would have."""
    if written.startswith("{"):
        return msgspec.json.decode(written, type=dict)
    name, _, value = written.partition(":")
    if name in _NEEDS_VALUE and not value.strip():
        raise ValueError(f"{name} needs a value")
    if found := _LENGTH.fullmatch(name):
        return {"check": "length", "unit": found[2], _BOUND[found[1]]: int(value)}
    match name:
        case "exact":
            return {"check": name, "value": value}
        case "one_of":
            return {"check": name, "values": value.split("|")}
        case "regex":
            return {"check": name, "pattern": value}
        case "number":
            return {"check": name, **_number(value)}
        case "json_schema":
            schema = Path(value[1:]).read_bytes() if value.startswith("@") else value
            return {"check": name, "schema": msgspec.json.decode(schema)}
        case _:
            return {"check": "format", "rule": name, "value": value}


def _number(value: str) -> dict[str, float]:
    """``42``, ``42~0.01`` give or take, ``42~1%`` of it."""
    number, _, tolerance = value.partition("~")
    if tolerance.endswith("%"):
        return {"value": float(number), "relative": float(tolerance[:-1]) / 100}
    return {"value": float(number), "tolerance": float(tolerance or 0)}
