"""Anthropic Messages, in both directions: what Claude Code and the Anthropic SDKs speak.

Facts as of 2026-11: Anthropic's API reference in its versions 2023-06-01 and 2026-10-21 (whose bodies differ only in what is
refused), the types of its Python SDK 2.12, and what clients were seen to send and need.
"""

from assay.wire.anthropic.error import write_error, write_stream_error
from assay.wire.anthropic.fields import NAME
from assay.wire.anthropic.models import write_model, write_models
from assay.wire.anthropic.outgoing import read_count, write_count, write_count_request, write_request
from assay.wire.anthropic.reader import EventReader, read_events
from assay.wire.anthropic.request import read_count_request, read_request
from assay.wire.anthropic.usage import read_usage, write_usage
from assay.wire.anthropic.writer import EventWriter

HEARTBEAT = b'event: ping\ndata: {"type":"ping"}\n\n'
"""The protocol's own sign of life; clients pass over it at any point of a stream."""

_ENDS = (b"\nevent: message_stop", b'"type":"message_stop"', b'"type": "message_stop"')


def is_finished(last: bytes) -> bool:
    """Whether a stream came to its end, by its last bytes. Within JSON text the quotes and line feeds would be escaped."""
    return any(end in last for end in _ENDS)


__all__ = [
    "HEARTBEAT",
    "NAME",
    "EventReader",
    "EventWriter",
    "is_finished",
    "read_count",
    "read_count_request",
    "read_events",
    "read_request",
    "read_usage",
    "write_count",
    "write_count_request",
    "write_error",
    "write_model",
    "write_models",
    "write_request",
    "write_stream_error",
    "write_usage",
]
