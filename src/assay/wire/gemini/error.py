"""Errors in Google's shape (``google.rpc.Status``)."""

from __future__ import annotations

import math
from typing import Any

from assay.core import AssayError
from assay.wire.document import encode
from assay.wire.said import said_of
from assay.wire.sse import escape_separators

_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}


def write_error(error: AssayError, request_id: str = "") -> bytes:
    """The body of an error answer: what an upstream said in its words, else ours, and how long to wait where that is known."""
    return escape_separators(encode({"error": _fields(error, request_id)}))


def write_stream_error(error: AssayError, request_id: str = "", *, alt: str = "sse", begun: bool = True) -> bytes:
    """What ends a stream which broke off, in the framing ``alt`` of that stream; no finish reason pretends an end.

    ``begun`` says whether an array has elements already.
    """
    body = write_error(error, request_id)
    return (b",\r\n" if begun else b"[") + body + b"]" if alt == "json" else b"data: " + body + b"\r\n\r\n"


def _fields(error: AssayError, request_id: str) -> dict[str, Any]:
    status, said = said_of(error)
    message = str(error) if said is None else said.message
    word = _WORDS.get(status, "INVALID_ARGUMENT" if status < 500 else "INTERNAL")
    fields: dict[str, Any] = {"code": status, "message": message, "status": word}
    if details := _details(error, request_id):
        fields["details"] = details
    return fields


def _details(error: AssayError, request_id: str) -> list[dict[str, Any]]:
    details: list[dict[str, Any]] = [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": error.code, "domain": "assay"},
    ]
    if request_id:
        details.append({"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": request_id})
    if error.param is not None:
        violation = {"field": error.param, "description": error.message}
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]})
    if error.retry_after_s is not None:
        details.append(
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{math.ceil(max(error.retry_after_s, 0))}s"}
        )
    return details
