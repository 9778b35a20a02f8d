"""Every protocol by its name: those that clients may speak, those that upstreams may, and those that count tokens."""

from __future__ import annotations

from collections.abc import Mapping

from assay.wire import anthropic, bedrock_converse, gemini, openai_chat, openai_responses
from assay.wire.codec import Codec, Counter, UpstreamCodec, UpstreamCounter

CODECS: Mapping[str, Codec] = {codec.NAME: codec for codec in (openai_chat, openai_responses, anthropic, gemini)}
UPSTREAM_CODECS: Mapping[str, UpstreamCodec] = {**CODECS, bedrock_converse.NAME: bedrock_converse}
COUNTERS: Mapping[str, Counter] = {codec.NAME: codec for codec in (openai_responses, anthropic, gemini)}
UPSTREAM_COUNTERS: Mapping[str, UpstreamCounter] = {**COUNTERS, bedrock_converse.NAME: bedrock_converse}
