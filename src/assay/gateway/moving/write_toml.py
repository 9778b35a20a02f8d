"""A plan as the text of an ``assay.toml``: TOML 1.0 (https://toml.io/en/v1.0.0), without any secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from assay.core import Alias
from assay.gateway.moving.plan import Plan

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WIDEST = 120


def write_toml(plan: Plan, title: str) -> str:
    """The file, begun by the comment ``title``."""
    return "\n".join([f"# {title}", *_lines(plan)]) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    if plan.settings:
        yield ""
        yield from (f"{name} = {_value(value)}" for name, value in plan.settings.items())
    for name, table in plan.providers.items():
        yield ""
        yield f"[providers.{_key(name)}]"
        yield from (f"{_key(field)} = {_value(value)}" for field, value in table.items())
    if plan.aliases:
        yield ""
        yield "[aliases]"
        yield from (f"{_key(name)} = {_alias(alias)}" for name, alias in plan.aliases.items())


def _alias(alias: Alias) -> str:
    """The short form for another name of one deployment, else the table."""
    if alias == Alias.to(alias.targets[0].deployment):
        return _value(alias.targets[0].deployment)
    return _value(msgspec.to_builtins(alias))


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"{value:g}" if isinstance(value, float) and value == int(value) else repr(value)
        case str():
            return _text(value)
        case Mapping():
            return _table(value)
        case Sequence():
            return _list(value)
    raise TypeError(f"{type(value).__name__} is no TOML value")


def _table(table: Mapping[str, Any]) -> str:
    return "{ " + ", ".join(f"{_key(name)} = {_value(value)}" for name, value in table.items()) + " }" if table else "{}"


def _list(values: Sequence[Any]) -> str:
    """In one line, or with a line each where that would be too long to read."""
    written = [_value(value) for value in values]
    line = f"[{', '.join(written)}]"
    if len(line) <= _WIDEST or not any(isinstance(value, Mapping) for value in values):
        return line
    return "[\n" + "".join(f"    {value},\n" for value in written) + "]"


def _text(text: str) -> str:
    """A basic string; JSON's escapes are TOML's, but for DEL, which TOML wants escaped too."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
