"""Token counts. On the wire ``input_tokens`` excludes what was cached, and ``output_tokens`` includes what was thought."""

from __future__ import annotations

from typing import Any

from assay.core import Usage
from assay.wire.document import decode
from assay.wire.fields import Json

_MOST_TOKENS = 1 << 40
_COUNTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")


def read_usage(raw: dict[str, Any] | bytes) -> Usage:
    """The ``usage`` object of an answer, in disjoint buckets. What is missing or absurd counts as nothing."""
    fields = decode(raw) if isinstance(raw, bytes) else raw
    if type(fields) is not dict:
        return Usage()
    written = _object(fields, "cache_creation")
    for_an_hour = _count(written, "ephemeral_1h_input_tokens")
    for_minutes = _count(written, "ephemeral_5m_input_tokens")
    total_written = _count(fields, "cache_creation_input_tokens")
    thought = _count(_object(fields, "output_tokens_details"), "thinking_tokens")
    out = _count(fields, "output_tokens")
    return Usage(
        input=_count(fields, "input_tokens"),
        cache_read=_count(fields, "cache_read_input_tokens"),
        cache_write_5m=max(total_written - for_an_hour, for_minutes),
        cache_write_1h=for_an_hour,
        output=max(out - thought, 0),
        reasoning=thought,
    )


def join_usage(before: Json, after: Json) -> Json:
    """A report and a later one of the same answer. Counts are totals, so none gets smaller; a null says nothing new.

    Some servers repeat only what is new in ``message_delta``, others write zeros there for what ``message_start`` told.
    """
    joined = {**before, **{key: value for key, value in after.items() if value is not None}}
    for key in _COUNTS:
        if key in before:
            joined[key] = max(_count(before, key), _count(joined, key))
    return joined


def write_usage(usage: Usage) -> Json:
    """The ``usage`` object for a client. Sound and pictures are ordinary tokens here."""
    fields: Json = {
        "input_tokens": usage.input + usage.audio_input + usage.image_input,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.total_output,
    }
    if usage.cache_write_1h:
        fields["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        }
    if usage.reasoning:
        fields["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return fields


def _object(fields: Json, key: str) -> Json:
    value = fields.get(key)
    return value if type(value) is dict else {}


def _count(fields: Json, key: str) -> int:
    value = fields.get(key, 0)
    return value if type(value) is int and 0 < value < _MOST_TOKENS else 0
