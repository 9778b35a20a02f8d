"""The tables in ``assay.toml``: what in them means nothing, and what in them came from where."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

_HIDDEN = re.compile(r"headers|url|key|.*(secret|token|password).*")
"""Fields that may hold a secret: that they are set is shown, not what they are."""


def unknown_keys(value: Any, kind: Any, at: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """The keys in ``value``, read from TOML, that ``kind`` does not have: where each stands, and the keys that could have been meant."""
    yield from _unknown(value, msgspec.inspect.type_info(kind), at)


def _unknown(value: Any, kind: msgspec.inspect.Type, at: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    match kind:
        case msgspec.inspect.Metadata(type=inner):
            yield from _unknown(value, inner, at)
        case msgspec.inspect.UnionType(types=types):
            for inner in types:
                yield from _unknown(value, inner, at)
        case msgspec.inspect.DictType(value_type=inner) if isinstance(value, dict):
            for name, one in value.items():
                yield from _unknown(one, inner, _place(at, name))
        case msgspec.inspect.ListType(item_type=inner) | msgspec.inspect.VarTupleType(item_type=inner) if isinstance(value, list):
            for number, one in enumerate(value):
                yield from _unknown(one, inner, f"{at}[{number}]")
        case msgspec.inspect.StructType(fields=fields) if isinstance(value, dict):
            known = {field.encode_name: field.type for field in fields}
            for name, one in value.items():
                if name in known:
                    yield from _unknown(one, known[name], _place(at, name))
                else:
                    yield _place(at, name), tuple(known)


def values_in(file: Path) -> Iterator[tuple[str, Any]]:
    """Each value that the file gives inside a table, by where it stands, such as ``providers.openai.key_env``."""
    for name, value in tomllib.loads(file.read_text("utf-8")).items():
        if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict) for one in value)):
            yield from _values(value, name)


def _values(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, one in value.items():
            yield from [(_place(at, name), "***")] if _HIDDEN.fullmatch(name) else _values(one, _place(at, name))
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        for number, one in enumerate(value):
            yield from _values(one, f"{at}[{number}]")
    else:
        yield at, value


def _place(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
