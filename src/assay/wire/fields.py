"""Typed fields out of a JSON object: what is known is taken, and what is left over is kept."""

from __future__ import annotations

from typing import Any, TypeAlias

from assay.core import InvalidInput

Json: TypeAlias = dict[str, Any]


def wrong(at: str, expected: str, got: object) -> InvalidInput:
    """The error for a field of the wrong kind; ``at`` is its JSON path."""
    return InvalidInput("wire.wrong_type", f"{at}: expected {expected}, got {_named(got)}.", param=at)


def _named(value: object) -> str:
    """A small value itself, of a large one the kind: an error must not quote a prompt."""
    if type(value) in (dict, list):
        return "an object" if type(value) is dict else "a list"
    if type(value) is str:
        return "a string"
    return "null" if value is None else str(value).lower()[:40]


def missing(at: str) -> InvalidInput:
    """The error for a field that must be there."""
    return InvalidInput("wire.missing_field", f"{at} is missing.", param=at)


def take_str(fields: Json, key: str, at: str = "") -> str | None:
    """Take an optional string; null counts as not given."""
    value = fields.pop(key, None)
    if value is None or type(value) is str:
        return value
    raise wrong(_path(at, key), "a string", value)


def take_bool(fields: Json, key: str, at: str = "") -> bool | None:
    """Take an optional boolean."""
    value = fields.pop(key, None)
    if value is None or value is True or value is False:
        return value
    raise wrong(_path(at, key), "a boolean", value)


def take_number(fields: Json, key: str, at: str = "") -> float | None:
    """Take an optional number."""
    value = fields.pop(key, None)
    if value is None or type(value) is float:
        return value
    if type(value) is int and abs(value) < 1 << 53:
        return float(value)
    raise wrong(_path(at, key), "a number", value)


def take_count(fields: Json, key: str, at: str = "") -> int | None:
    """Take an optional whole number that fits in 64 bits."""
    value = fields.pop(key, None)
    if value is None or (type(value) is int and abs(value) < 1 << 63):
        return value
    if type(value) is float and value.is_integer() and abs(value) < 1 << 53:
        return int(value)
    raise wrong(_path(at, key), "a whole number", value)


def _path(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key


def split_data_url(url: str) -> tuple[str | None, str | None, str | None]:
    """(url, data, media type): a base64 ``data:`` URL comes apart, any other address stays whole."""
    if url.startswith("data:"):
        head, comma, data = url.partition(",")
        media_type = head[5:].removesuffix(";base64")
        if comma and data and head.endswith(";base64") and media_type and ";" not in media_type:
            return None, data, media_type
    return url, None, None
