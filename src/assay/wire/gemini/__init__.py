"""Google's Gemini API (``generateContent`` and ``streamGenerateContent``), in both directions.

Facts as of 2026-11: Google's API reference ``v1beta``, the types of its Python SDK ``google-genai`` 3.4, and what Gemini CLI
and the SDKs were seen to send and need.
"""

from assay.wire.gemini.error import write_error, write_stream_error
from assay.wire.gemini.fields import NAME
from assay.wire.gemini.models import read_count, write_count, write_model, write_models
from assay.wire.gemini.reader import EventReader, is_finished, read_events
from assay.wire.gemini.request import read_count_request, read_request, write_count_request, write_request
from assay.wire.gemini.usage import read_usage, write_usage
from assay.wire.gemini.writer import EventWriter

HEARTBEAT = b"\r\n\r\n"
"""Blank lines, which are also white space between the elements of an array. A comment, a lone space or an event of another name
kills Google's SDKs. Tried with google-genai 2.34 and 3.4 (Python), @google/genai 2.32 and @ai-sdk/google 3.0 (JavaScript)."""

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
