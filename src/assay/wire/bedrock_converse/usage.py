"""Token counts. ``inputTokens`` excludes what was cached; what was thought is part of ``outputTokens``, and not told apart."""

from __future__ import annotations

from typing import Any

from assay.core import Usage
from assay.wire.document import decode
from assay.wire.fields import Json

_MOST_TOKENS = 1 << 40


def read_usage(raw: dict[str, Any] | bytes) -> Usage:
    """The ``usage`` object of an answer, in disjoint buckets. What is missing or absurd counts as nothing."""
    fields = decode(raw) if isinstance(raw, bytes) else raw
    if type(fields) is not dict:
        return Usage()
    details = fields.get("cacheDetails")
    for_an_hour = sum(
        _count(one, "inputTokens")
        for one in (details if type(details) is list else ())
        if type(one) is dict and one.get("ttl") == "1h"
    )
    return Usage(
        input=_count(fields, "inputTokens"),
        cache_read=_count(fields, "cacheReadInputTokens"),
        cache_write_5m=max(_count(fields, "cacheWriteInputTokens") - for_an_hour, 0),
        cache_write_1h=for_an_hour,
        output=_count(fields, "outputTokens"),
    )


def _count(fields: Json, key: str) -> int:
    value = fields.get(key, 0)
    return value if type(value) is int and 0 < value < _MOST_TOKENS else 0
