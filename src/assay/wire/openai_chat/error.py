"""Errors: ours in the protocol's shape, and an upstream's in whatever shape it chose."""

from __future__ import annotations

from typing import Any

from assay.core import AssayError, CallFailed, InvalidInput
from assay.wire.document import decode, encode
from assay.wire.errors import UpstreamSaid
from assay.wire.sse import escape_separators

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_LONGEST = 2000


def write_error(error: AssayError) -> bytes:
    """The body of an error answer. What an upstream said is passed on in its words, its code and its param."""
    return escape_separators(encode({"error": _fields(error)}))


def write_stream_error(error: AssayError) -> bytes:
    """The event that ends a stream which broke off: clients raise its message, and no finish reason pretends an end."""
    return b"data: " + write_error(error) + b"\n\n"


def _fields(error: AssayError) -> dict[str, Any]:
    status = error.status
    said = None
    if isinstance(error, CallFailed) and error.upstream_status is not None:
        status = error.upstream_status
        if error.upstream_body:
            said = read_error(status, error.upstream_body)
    if said is None:
        return {"message": str(error), "type": _type(status), "param": error.param, "code": error.code}
    return {"message": said.message, "type": said.type or _type(status), "param": said.param, "code": said.code or error.code}


def _type(status: int) -> str:
    return _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")


def read_error(status: int, body: bytes) -> UpstreamSaid:
    """What an upstream said with an error status; never raises, since a proxy in between may answer anything."""
    try:
        value = decode(body)
    except InvalidInput:
        text = body.decode("utf-8", "replace").strip()
        return UpstreamSaid(status=status, message=text[:_LONGEST] or f"status {status} without a body")
    return read_error_value(value, status)


def read_error_value(value: Any, status: int | None = None) -> UpstreamSaid:
    """The shapes met: ``{"error": {...}}``, ``{"error": "text"}``, ``[{"error": ...}]``, bare fields, ``{"detail": ...}``."""
    if type(value) is list and value:
        value = value[0]
    inner = value.get("error") if type(value) is dict else value
    if type(inner) is str and type(value) is dict:
        inner = {**value, "message": inner}
    elif type(inner) is not dict:
        inner = value if type(value) is dict else {"message": value}
    message = next((inner[key] for key in ("message", "msg", "detail", "errors") if inner.get(key)), None)
    if message is None:
        message = inner
    text = message if type(message) is str else encode(message).decode()
    return UpstreamSaid(
        message=text[:_LONGEST],
        status=status,
        type=_word(inner.get("type")),
        code=_word(inner.get("code")),
        param=_word(inner.get("param")),
    )


def _word(value: object) -> str | None:
    return str(value)[:200] if type(value) in (str, int) and value != "" else None
