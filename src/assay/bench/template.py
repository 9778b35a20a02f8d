"""A question's words: a template whose ``{{name}}`` are replaced by the question's fields. There is no code in it, so a template
from anywhere is harmless; what a field holds is put in as it is, and never read as a template again.

``{{a.b}}`` and ``{{list.0}}`` go into nested values. Words stay as they are; anything else is written as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from assay.core import InvalidInput

_FIELD = re.compile(r"\{\{\s*([^\s{}][^{}]*?)\s*\}\}")


def render(template: str, fields: Mapping[str, Any]) -> str:
    """``template`` with its fields filled in.

    Raises:
        InvalidInput: ``task.field_unknown``: there is no such field.
    """
    return _FIELD.sub(lambda found: as_words(look_up(fields, found[1])), template)


def names_in(template: str) -> tuple[str, ...]:
    """The fields that ``template`` asks for, each once."""
    return tuple(dict.fromkeys(_FIELD.findall(template)))


def look_up(fields: Mapping[str, Any], path: str) -> Any:
    """The field named ``path``; where no field has that very name, dots lead into nested values.

    Raises:
        InvalidInput: ``task.field_unknown``.
    """
    if path in fields:
        return fields[path]
    value: Any = fields
    for step in path.split("."):
        try:
            value = value[step] if isinstance(value, Mapping) else value[int(step)]
        except (KeyError, IndexError, TypeError, ValueError):
            raise _unknown(path, fields) from None
    return value


def as_words(value: Any) -> str:
    """Text as it is, nothing for None, anything else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def _unknown(path: str, fields: Mapping[str, Any]) -> InvalidInput:
    close = get_close_matches(path, fields, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(sorted(fields)) or 'none'}."
    return InvalidInput("task.field_unknown", f"The data have no column {path!r}.", hint=hint, param=path)
