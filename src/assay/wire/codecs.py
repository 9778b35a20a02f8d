"""Every protocol by its name: those that clients may speak, and those that upstreams may."""

from __future__ import annotations

from collections.abc import Mapping

from assay.wire import openai_chat
from assay.wire.codec import Codec, Counter, UpstreamCodec

CODECS: Mapping[str, Codec] = {codec.NAME: codec for codec in (openai_chat,)}
UPSTREAM_CODECS: Mapping[str, UpstreamCodec] = {**CODECS}
COUNTERS: Mapping[str, Counter] = {}
