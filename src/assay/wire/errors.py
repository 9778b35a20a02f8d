"""What an upstream's answer can turn out to be, other than an answer.

The codecs know neither the call nor the provider; whoever reads the socket turns these into a `CallFailed` that does.
"""

from __future__ import annotations

import msgspec

from assay.core import AssayError, Event


class UpstreamSaid(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error in the upstream's own words, whatever shape they came in. ``status`` is None inside a stream.

    ``retry_after_s`` is when to come again, where the words say it; most say it in a header.
    """

    message: str
    status: int | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None
    retry_after_s: float | None = None


class StreamFailed(AssayError):
    """An answer that did not come whole. ``events`` are those that came with the same bytes, before the fault."""

    status = 502

    def __init__(self, code: str, message: str, *, hint: str | None = None):
        super().__init__(code, message, hint=hint)
        self.events: list[Event] = []


class StreamBroken(StreamFailed):
    """It ended early, or is not what the protocol says: ``wire.stream_broken`` and its kin."""


class StreamError(StreamFailed):
    """The upstream reported an error in the middle: ``wire.stream_error``. ``said`` holds its words."""

    def __init__(self, said: UpstreamSaid):
        super().__init__("wire.stream_error", f"The upstream broke off its answer with an error: {said.message}")
        self.said = said
