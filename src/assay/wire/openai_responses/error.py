"""Errors in the protocol's shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.core import AssayError, InvalidInput
from assay.wire.document import decode, encode
from assay.wire.fields import Json
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
    _, fields = _said(error)
    return escape_separators(encode({"error": fields}))


def write_stream_error(error: AssayError, request_id: str = "") -> bytes:
    """The end of a stream that broke off, for whoever does not know how far it had come; else there is `EventWriter.fail`."""
    return stream_error(error, _nothing_said(request_id), 0)


def stream_error(error: AssayError, about: Json, sequence: int) -> bytes:
    """Two events that end a stream: ``error``, of which SDKs raise the message, and ``response.failed``, which Codex shows.

    ``about`` is the response so far, ``sequence`` the number of the first of the two.
    """
    status, fields = _said(error)
    said = {"type": "error", "code": fields["code"], "message": fields["message"], "param": fields["param"], "error": fields}
    required = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    failure = {"code": _code(status, fields["code"]), "message": fields["message"]}
    response = {**required, **about, "status": "failed", "error": failure}
    return event({**said, "sequence_number": sequence}) + event(
        {"type": "response.failed", "sequence_number": sequence + 1, "response": response}
    )


def end_in_error(error: AssayError, events: Sequence[bytes], request_id: str = "") -> bytes:
    """The end of a stream of somebody else's; ``events`` are the data of its first and of its last event so far."""
    about: Json = {}
    sequence = 0
    for data in events:
        try:
            value = decode(data)
        except InvalidInput:
            continue
        if type(value) is dict and type(value.get("response")) is dict and not about:
            about = value["response"]
        if type(value) is dict and type(value.get("sequence_number")) is int:
            sequence = value["sequence_number"] + 1
    return stream_error(error, {**_nothing_said(request_id), **about}, sequence)


def _nothing_said(request_id: str) -> Json:
    return {"id": f"resp_{request_id.replace('-', '')}", "object": "response", "created_at": 0, "model": "", "output": []}


def event(fields: Json) -> bytes:
    """One server-sent event, named by its type."""
    kind: str = fields["type"]
    return b"event: " + kind.encode() + b"\ndata: " + escape_separators(encode(fields)) + b"\n\n"


_CODES = frozenset(("server_error", "rate_limit_exceeded", "invalid_prompt", "context_length_exceeded", "insufficient_quota"))


def _code(status: int, code: object) -> str:
    """Of the words that this protocol has for a failed response, the one that is nearest."""
    if code in _CODES:
        return str(code)
    if status == 429:
        return "rate_limit_exceeded"
    return "invalid_prompt" if 400 <= status < 500 else "server_error"


def _said(error: AssayError) -> tuple[int, dict[str, Any]]:
    status, said = said_of(error)
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    if said is None:
        return status, {"message": str(error), "type": kind, "param": error.param, "code": error.code}
    return status, {"message": said.message, "type": said.type or kind, "param": said.param, "code": said.code or error.code}
