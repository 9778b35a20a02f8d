"""Token counts. On the wire ``prompt_tokens`` includes what was cached and ``completion_tokens`` what was thought; here no
token is in two buckets.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from assay.core import Money, Usage
from assay.core.money import NANO
from assay.wire.document import decode

_MOST_TOKENS = 1 << 40
_MOST_COST = 1_000_000


def read_usage(raw: dict[str, Any] | bytes) -> Usage:
    """The ``usage`` object of an answer, in disjoint buckets. What is missing or absurd counts as nothing.

    Cached tokens are looked for where OpenAI, DeepSeek (``prompt_cache_hit_tokens``) and Moonshot (``cached_tokens``) put
    them, those written to a cache where OpenRouter and LiteLLM (``cache_creation_tokens``, LiteLLM PR 31724) do. Where the total
    says so they are beside ``prompt_tokens``, as Anthropic counts. xAI and some others leave reasoning out of ``completion_tokens``, and
    some that ask Gemini do not name it at all (any-llm issue 1290); the total tells. OpenRouter's ``cost`` is in US dollars.
    """
    fields = decode(raw) if isinstance(raw, bytes) else raw
    if type(fields) is not dict:
        return Usage()
    into = _object(fields, "prompt_tokens_details")
    out = _object(fields, "completion_tokens_details")
    prompt, completion = _count(fields, "prompt_tokens"), _count(fields, "completion_tokens")
    beyond = _count(fields, "total_tokens") - prompt - completion
    cached = _count(into, "cached_tokens") or _count(fields, "prompt_cache_hit_tokens") or _count(fields, "cached_tokens")
    written = _count(into, "cache_write_tokens") or _count(into, "cache_creation_tokens")
    longer = min(_count(_object(into, "cache_creation_token_details"), "ephemeral_1h_input_tokens"), written)
    thought = _count(out, "reasoning_tokens")
    if cached + written > 0 and (cached + written > prompt or beyond == cached + written != thought):
        prompt, beyond = prompt + cached + written, beyond - cached - written
    heard, seen = _count(into, "audio_tokens"), _count(into, "image_tokens")
    spoken, drawn = _count(out, "audio_tokens"), _count(out, "image_tokens")
    apart = thought > 0 and (thought > completion or beyond == thought)
    if thought == 0 and beyond > 0:
        thought, apart = beyond, True
    return Usage(
        input=max(prompt - cached - written - heard - seen, 0),
        cache_read=cached,
        cache_write_5m=written - longer,
        cache_write_1h=longer,
        audio_input=heard,
        image_input=seen,
        output=max(completion - spoken - drawn - (0 if apart else thought), 0),
        reasoning=thought,
        audio_output=spoken,
        image_output=drawn,
        reported=_cost(fields.get("cost")),
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    """The ``usage`` object for a client. Cache writes of every lifetime are one number here."""
    fields: dict[str, Any] = {
        "prompt_tokens": usage.total_input,
        "completion_tokens": usage.total_output,
        "total_tokens": usage.total_input + usage.total_output,
    }
    into = _told(
        cached_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write_5m + usage.cache_write_1h,
        audio_tokens=usage.audio_input,
        image_tokens=usage.image_input,
    )
    out = _told(reasoning_tokens=usage.reasoning, audio_tokens=usage.audio_output, image_tokens=usage.image_output)
    if into:
        fields["prompt_tokens_details"] = into
    if out:
        fields["completion_tokens_details"] = out
    if usage.reported is not None and usage.reported.currency == "USD":
        fields["cost"] = usage.reported.nano / NANO
    return fields


def _told(**counts: int) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def _object(fields: dict[str, Any], key: str) -> dict[str, Any]:
    value = fields.get(key)
    return value if type(value) is dict else {}


def _count(fields: dict[str, Any], key: str) -> int:
    value = fields.get(key, 0)
    return value if type(value) is int and 0 < value < _MOST_TOKENS else 0


def _cost(value: object) -> Money | None:
    if type(value) not in (int, float) or not 0 <= value < _MOST_COST:  # type: ignore[operator]  # a number, by the first test
        return None
    return Money.of(Decimal(repr(value)))
