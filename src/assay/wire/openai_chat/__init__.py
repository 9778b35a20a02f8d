"""OpenAI Chat Completions, in both directions: the protocol that most providers and most clients speak.

Facts as of 2026-11: OpenAI's API reference, the types of its Python SDK 3.54, and what clients were seen to send and need.
"""

from assay.wire.openai_chat.answer import read_answer
from assay.wire.openai_chat.error import write_error, write_stream_error
from assay.wire.openai_chat.fields import NAME
from assay.wire.openai_chat.models import write_model, write_models
from assay.wire.openai_chat.reader import EventReader, is_finished, read_events
from assay.wire.openai_chat.request import COMMON, read_request, write_request
from assay.wire.openai_chat.usage import read_usage, write_usage
from assay.wire.openai_chat.writer import EventWriter

PATH = "/chat/completions"
HEARTBEAT = b": waiting\n\n"

__all__ = [
    "COMMON",
    "HEARTBEAT",
    "NAME",
    "PATH",
    "EventReader",
    "EventWriter",
    "is_finished",
    "read_answer",
    "read_events",
    "read_request",
    "read_usage",
    "write_error",
    "write_model",
    "write_models",
    "write_request",
    "write_stream_error",
    "write_usage",
]
