"""The protocol's name, what is kept of its fields that core has no word for, and its marks for the prompt cache."""

from __future__ import annotations

from assay.core import CacheTime, Extra
from assay.wire.fields import Json, wrong

NAME = "anthropic"

NOTHING = "(no content)"
"""What is said where the server demands words and there are none, as Claude Code does it."""

THOUGHTS = frozenset(("thinking", "redacted_thinking"))
"""The types of blocks that hold thoughts."""

MAX_BODY_BYTES = 64 * 1024 * 1024


def left_over(fields: Json) -> Extra:
    """``extra`` for the fields that nobody took."""
    return {NAME: fields} if fields else {}


def take_cache(fields: Json, at: str) -> CacheTime | None:
    """Take ``cache_control``; a form other than the two of core stays in ``fields``."""
    if "cache_control" not in fields:
        return None
    mark = fields["cache_control"]
    if mark is None:
        del fields["cache_control"]
        return None
    if type(mark) is not dict:
        raise wrong(f"{at}.cache_control", "an object", mark)
    if mark in ({"type": "ephemeral"}, {"type": "ephemeral", "ttl": "5m"}):
        del fields["cache_control"]
        return "5m"
    if mark == {"type": "ephemeral", "ttl": "1h"}:
        del fields["cache_control"]
        return "1h"
    return None


def take_list(fields: Json, key: str, at: str = "") -> list[object]:
    """Take an optional list; null counts as empty."""
    value = fields.pop(key, None)
    if value is None:
        return []
    if type(value) is not list:
        raise wrong(f"{at}.{key}" if at else key, "a list", value)
    return value
