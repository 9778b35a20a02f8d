"""Token counts. On the wire ``input_tokens`` includes what was cached and ``output_tokens`` what was thought; here no token
is in two buckets.
"""

from __future__ import annotations

from typing import Any

from assay.core import Usage
from assay.wire.document import decode

_MOST_TOKENS = 1 << 40


def read_usage(raw: dict[str, Any] | bytes) -> Usage:
    """The ``usage`` object of an answer, in disjoint buckets. What is missing or absurd counts as nothing.

    Some servers leave reasoning out of ``output_tokens``; the total tells.
    """
    fields = decode(raw) if isinstance(raw, bytes) else raw
    if type(fields) is not dict:
        return Usage()
    into, out = _object(fields, "input_tokens_details"), _object(fields, "output_tokens_details")
    given, said = _count(fields, "input_tokens"), _count(fields, "output_tokens")
    cached, written = _count(into, "cached_tokens"), _count(into, "cache_write_tokens")
    longer = min(_count(_object(into, "cache_write_tokens_details"), "ttl_12h_tokens"), written)
    thought = _count(out, "reasoning_tokens")
    apart = thought > 0 and (thought > said or _count(fields, "total_tokens") == given + said + thought)
    return Usage(
        input=max(given - cached - written, 0),
        cache_read=cached,
        cache_write_5m=written - longer,
        cache_write_1h=longer,
        output=max(said - (0 if apart else thought), 0),
        reasoning=thought,
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    """The ``usage`` object for a client. Tokens of sound and pictures are in the totals, without a count of their own."""
    return {
        "input_tokens": usage.total_input,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
        },
        "output_tokens": usage.total_output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total_input + usage.total_output,
    }


def _object(fields: dict[str, Any], key: str) -> dict[str, Any]:
    value = fields.get(key)
    return value if type(value) is dict else {}


def _count(fields: dict[str, Any], key: str) -> int:
    value = fields.get(key, 0)
    return value if type(value) is int and 0 < value < _MOST_TOKENS else 0
