"""Protocols as pure functions between bytes and the nouns of core. No sockets, no clock, no provider's name."""

from assay.wire.errors import StreamBroken, StreamError, StreamFailed, UpstreamSaid

__all__ = ["StreamBroken", "StreamError", "StreamFailed", "UpstreamSaid"]
