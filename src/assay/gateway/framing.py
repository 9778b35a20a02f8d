"""AWS's binary event streams (``application/vnd.amazon.eventstream``) as server-sent events.

Bedrock sends every event of a stream in a frame with two checksums. `AwsFrames` gives its payload as the server-sent event
that a codec reads: under the event's own name for Converse, and for a model that is invoked in Anthropic's protocol the event
that is wrapped inside. Frames are taken apart by AWS's own library.
"""

from __future__ import annotations

import base64
import re
import struct
from typing import Any

import msgspec

from assay.gateway.connection import Fault
from assay.gateway.signing import library_missing
from assay.wire.sse import escape_separators

_NAME = re.compile(r"[\w.-]{0,100}", re.ASCII)
LARGEST_FRAME = 25 * 1024 * 1024

_ERRORS = {
    "internalServerException": "api_error",
    "modelStreamErrorException": "api_error",
    "modelTimeoutException": "timeout_error",
    "serviceUnavailableException": "overloaded_error",
    "throttlingException": "rate_limit_error",
    "validationException": "invalid_request_error",
}
"""Bedrock's names for what can go wrong in a stream, in the words of Anthropic's protocol."""


class _Wrapped(msgspec.Struct):
    bytes: str


class _Typed(msgspec.Struct):
    type: str


class _Message(msgspec.Struct):
    message: str | None = None


_wrapped = msgspec.json.Decoder(_Wrapped)
_typed = msgspec.json.Decoder(_Typed)
_message = msgspec.json.Decoder(_Message)


class AwsFrames:
    """Bytes of frames in, bytes of server-sent events out, in any chunking.

    Raises:
        Unavailable: ``provider.library_missing``.
    """

    __slots__ = ("_broken", "_buffer", "_held", "_is_wrapped")

    def __init__(self, *, wrapped: bool):
        self._is_wrapped = wrapped
        self._held = 0
        try:
            from botocore import eventstream  # type: ignore[import-untyped]  # botocore has no types
        except ImportError:
            raise library_missing("botocore", "aws") from None
        self._buffer: Any = eventstream.EventStreamBuffer()
        self._broken: type[Exception] = eventstream.ParserError

    def feed(self, data: bytes) -> bytes:
        """The events that ``data`` completes.

        Raises:
            Fault: ``upstream.garbled``: a checksum is wrong, or a frame is none. ``upstream.too_large``: a frame never ends.
        """
        self._held += len(data)
        self._buffer.add_data(data)
        events = []
        try:
            for frame in self._buffer:
                events.append(self._event(frame.headers, frame.payload))
                self._held = 0
        # Of headers that are cut short or of unknown types, the library says it with whatever failed.
        except (self._broken, msgspec.MsgspecError, struct.error, KeyError, ValueError) as error:
            raise Fault("upstream.garbled", f"The stream holds a broken frame: {error}.") from error
        if self._held > LARGEST_FRAME:
            raise Fault("upstream.too_large", f"One event of the stream is larger than {LARGEST_FRAME} bytes.")
        return b"".join(events)

    def _event(self, headers: dict[str, Any], payload: bytes) -> bytes:
        if headers.get(":message-type") == "error":
            return self._error(str(headers.get(":error-code", "")), str(headers.get(":error-message", "")))
        if headers.get(":message-type") == "exception":
            kind = str(headers.get(":exception-type", ""))
            return self._error(kind, _message.decode(payload).message or kind)
        if not self._is_wrapped:
            return _written(str(headers.get(":event-type", "")), payload)
        if headers.get(":event-type") != "chunk":
            return b""
        inner = base64.b64decode(_wrapped.decode(payload).bytes, validate=True)
        return _written(_typed.decode(inner).type, inner)

    def _error(self, kind: str, message: str) -> bytes:
        if self._is_wrapped:
            error = {"type": "error", "error": {"type": _ERRORS.get(kind, "api_error"), "message": message}}
            return b"event: error\ndata: %b\n\n" % escape_separators(msgspec.json.encode(error))
        return b"event: exception\ndata: %b\n\n" % escape_separators(msgspec.json.encode({"type": kind, "message": message}))


def _written(name: str, data: bytes) -> bytes:
    """One server-sent event. Raises `ValueError` for a name that would break out of its line."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:40]!r} is no event's name")
    # Line breaks between the parts of a JSON document are white space.
    return b"event: %b\ndata: %b\n\n" % (name.encode(), escape_separators(data).replace(b"\r", b" ").replace(b"\n", b" "))
