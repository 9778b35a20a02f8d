"""Token counts. On the wire ``promptTokenCount`` includes what was cached, and thoughts are beside ``candidatesTokenCount``;
here no token is in two buckets.
"""

from __future__ import annotations

from typing import Any

from assay.core import Usage
from assay.wire.document import decode
from assay.wire.fields import Json

_MOST_TOKENS = 1 << 40


def read_usage(raw: dict[str, Any] | bytes) -> Usage:
    """The ``usageMetadata`` of an answer, in disjoint buckets. What is missing or absurd counts as nothing.

    What tools of the provider put into the prompt (``toolUsePromptTokenCount``) is input too.
    """
    fields = decode(raw) if isinstance(raw, bytes) else raw
    if type(fields) is not dict:
        return Usage()
    prompt, cached = _count(fields, "promptTokenCount"), _count(fields, "cachedContentTokenCount")
    tools, thought = _count(fields, "toolUsePromptTokenCount"), _count(fields, "thoughtsTokenCount")
    said = _count(fields, "candidatesTokenCount")
    if "candidatesTokenCount" not in fields:
        said = max(_count(fields, "totalTokenCount") - prompt - tools - thought, 0)
    heard = seen = spoken = drawn = 0
    if "promptTokensDetails" in fields:
        kept = fields.get("cacheTokensDetails")
        heard = max(_modality(fields["promptTokensDetails"], "AUDIO") - _modality(kept, "AUDIO"), 0)
        seen = max(_modality(fields["promptTokensDetails"], "IMAGE") - _modality(kept, "IMAGE"), 0)
    if "candidatesTokensDetails" in fields:
        spoken = _modality(fields["candidatesTokensDetails"], "AUDIO")
        drawn = _modality(fields["candidatesTokensDetails"], "IMAGE")
    return Usage(
        input=max(prompt + tools - cached - heard - seen, 0),
        cache_read=cached,
        audio_input=heard,
        image_input=seen,
        output=max(said - spoken - drawn, 0),
        reasoning=thought,
        audio_output=spoken,
        image_output=drawn,
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    """The ``usageMetadata`` for a client. What was written to a cache is part of the prompt here."""
    said = usage.output + usage.audio_output + usage.image_output
    fields: Json = {"promptTokenCount": usage.total_input, "candidatesTokenCount": said}
    if usage.cache_read:
        fields["cachedContentTokenCount"] = usage.cache_read
    if usage.reasoning:
        fields["thoughtsTokenCount"] = usage.reasoning
    fields["totalTokenCount"] = usage.total_input + usage.total_output
    words = usage.total_input - usage.audio_input - usage.image_input
    if usage.audio_input or usage.image_input:
        fields["promptTokensDetails"] = _details(words, usage.audio_input, usage.image_input)
    if usage.audio_output or usage.image_output:
        fields["candidatesTokensDetails"] = _details(usage.output, usage.audio_output, usage.image_output)
    return fields


def _details(text: int, audio: int, image: int) -> list[Json]:
    counts = {"TEXT": text, "AUDIO": audio, "IMAGE": image}
    return [{"modality": modality, "tokenCount": count} for modality, count in counts.items() if count]


def _modality(details: object, modality: str) -> int:
    if type(details) is not list:
        return 0
    return sum(_count(one, "tokenCount") for one in details if type(one) is dict and one.get("modality") == modality)


def _count(fields: dict[str, Any], key: str) -> int:
    value = fields.get(key, 0)
    return value if type(value) is int and 0 < value < _MOST_TOKENS else 0
