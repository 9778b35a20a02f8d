"""JSON from outside, read under a bound on its depth, and JSON to the outside.

Depth is bounded because whatever is read here is written, hashed and stored again by code that recurses.
"""

from __future__ import annotations

from typing import Any

import msgspec

from assay.core import InvalidInput

MAX_DEPTH = 128
"""Levels of lists and objects. Tool schemas of real agents stay under 20."""

_CONTAINERS = frozenset((dict, list))
_decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode


def decode(data: bytes) -> Any:
    """The JSON value that ``data`` is.

    Raises:
        InvalidInput: ``wire.not_json``, ``wire.not_utf8`` or ``wire.too_deep``.
    """
    try:
        value = _decode(data)
    except UnicodeDecodeError as error:
        wrong = data[error.start : error.start + 1]
        raise InvalidInput("wire.not_utf8", f"This is not UTF-8: the byte {wrong!r} is out of place.") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise InvalidInput("wire.not_json", f"This is not a JSON document: {_why(data, error)}.") from None
    except RecursionError:
        raise _too_deep() from None
    # Only what has that many brackets can be too deep, and only what has twice that many bytes can have them.
    if len(data) > 2 * MAX_DEPTH and len(data) - len(data.translate(None, b"{[")) > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        raise _too_deep()
    return value


def _too_deep() -> InvalidInput:
    return InvalidInput("wire.too_deep", f"This JSON document is nested deeper than {MAX_DEPTH} levels.")


def _why(data: bytes, error: Exception) -> str:
    if not data.strip():
        return "it is empty"
    if b"\\ud" in data.lower():
        return f"{error} (perhaps half of a surrogate pair such as \\ud83d, which is no character)"
    return str(error)


def _is_deeper(value: Any, levels: int) -> bool:
    """Breadth first, so that it needs no stack of its own."""
    level = [value] if type(value) in _CONTAINERS else []
    for _ in range(levels + 1):
        level = [
            inner for outer in level for inner in (outer.values() if type(outer) is dict else outer) if type(inner) in _CONTAINERS
        ]
        if not level:
            return False
    return True
