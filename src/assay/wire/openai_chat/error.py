"""Errors in the protocol's shape."""

from __future__ import annotations

from typing import Any

from assay.core import AssayError
from assay.wire.document import encode
from assay.wire.said import said_of
from assay.wire.sse import escape_separators

_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


def write_error(error: AssayError, request_id: str = "") -> bytes:
    """The body of an error answer. What an upstream said is passed on in its words, its code and its param.

    ``request_id`` has no place in it; it is in the headers.
    """
    return escape_separators(encode({"error": _fields(error)}))


def write_stream_error(error: AssayError, request_id: str = "") -> bytes:
    """The event that ends a stream which broke off: clients raise its message, and no finish reason pretends an end."""
    return b"data: " + write_error(error) + b"\n\n"


def _fields(error: AssayError) -> dict[str, Any]:
    status, said = said_of(error)
    if said is None:
        return {"message": str(error), "type": _type(status), "param": error.param, "code": error.code}
    return {"message": said.message, "type": said.type or _type(status), "param": said.param, "code": said.code or error.code}


def _type(status: int) -> str:
    return _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
