"""Errors that an upstream tells inside of an answer with status 200: which status they claim, and as which document they are told."""

from __future__ import annotations

from assay.wire.document import encode
from assay.wire.errors import StreamError, UpstreamSaid

_STATUSES = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "invalid_request_error": 400,
    "request_too_large": 413,
    "api_error": 500,
    "server_error": 500,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "context_length_exceeded": 400,
    "invalid_prompt": 400,
}


def status_of(error: StreamError) -> int:
    """The status that it claims by its code or type, else 502."""
    code = error.said.code or ""
    if code.isdigit() and 400 <= int(code) < 600:
        return int(code)
    return _STATUSES.get(error.said.type or "") or _STATUSES.get(code, 502)


def document_of(said: UpstreamSaid) -> bytes:
    """What was said, as the body of an error."""
    fields = {"message": said.message, "type": said.type, "code": said.code, "param": said.param}
    delay = {} if said.retry_after_s is None else {"details": [{"retryDelay": f"{said.retry_after_s}s"}]}
    return encode({"error": fields | delay})
