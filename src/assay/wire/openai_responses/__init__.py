"""OpenAI Responses, in both directions: OpenAI's own protocol for models that think and use tools, and the only one of Codex.

Facts as of 2026-11: OpenAI's API reference, the types of its Python SDK 3.54, and what Codex was seen to send and need.
"""

from assay.wire.openai_responses.count import read_count, read_count_request, write_count, write_count_request
from assay.wire.openai_responses.error import end_in_error, write_error, write_stream_error
from assay.wire.openai_responses.fields import NAME
from assay.wire.openai_responses.models import write_model, write_models
from assay.wire.openai_responses.reader import EventReader, is_finished, read_events
from assay.wire.openai_responses.request import read_request, write_request
from assay.wire.openai_responses.usage import read_usage, write_usage
from assay.wire.openai_responses.writer import EventWriter

PATH = "/responses"
COUNT_PATH = "/responses/input_tokens"
HEARTBEAT = b": waiting\n\n"

__all__ = [
    "COUNT_PATH",
    "HEARTBEAT",
    "NAME",
    "PATH",
    "EventReader",
    "EventWriter",
    "end_in_error",
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
