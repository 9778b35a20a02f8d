"""Errors in the protocol's shape."""

from __future__ import annotations

from typing import Any

from assay.core import AssayError
from assay.wire.document import encode
from assay.wire.said import said_of
from assay.wire.sse import escape_separators

_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_CODES = {"thread.unsupported": "thread_unsupported_request"}
"""Codes of ours that SDKs act on, in Anthropic's words: this one makes the tool runner send whole conversations."""
_KNOWN = frozenset((*_TYPES.values(), "invalid_request_error", "api_error"))


def write_error(error: AssayError, request_id: str = "") -> bytes:
    """The body of an error answer. What an upstream said is passed on in its words.

    SDKs choose their exception by the status, and from 2.0 on read ``error.details.error_code``, which is our code.
    """
    status, said = said_of(error)
    details = {"error_code": _CODES.get(error.code, error.code) if said is None or said.code is None else said.code}
    param = error.param if said is None else said.param
    if param is not None:
        details["param"] = param
    kind = _TYPES.get(status)
    if kind is None:
        kind = said.type if said is not None and said.type in _KNOWN else _type(status)
    fields: dict[str, Any] = {
        "type": "error",
        "error": {"type": kind, "message": str(error) if said is None else said.message, "details": details},
    }
    if request_id:
        fields["request_id"] = request_id
    return escape_separators(encode(fields))


def write_stream_error(error: AssayError, request_id: str = "") -> bytes:
    """The event that ends a stream which broke off: clients raise its message, and no ``message_stop`` pretends an end."""
    return b"event: error\ndata: " + write_error(error, request_id) + b"\n\n"


def _type(status: int) -> str:
    return _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
