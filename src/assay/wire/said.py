"""Errors: an upstream's in whatever shape it chose, and what of one is passed on to a client of any protocol."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from assay.core import AssayError, CallFailed, InvalidInput
from assay.wire.document import decode, encode
from assay.wire.errors import UpstreamSaid

_LONGEST = 2000
_DELAY = re.compile(r"[0-9]{1,6}(\.[0-9]{1,9})?s")


def said_of(error: AssayError) -> tuple[int, UpstreamSaid | None]:
    """The status a client should see, and the upstream's own words where there are any to pass on.

    Google's code is only the status again; then ours tells more.
    """
    if not isinstance(error, CallFailed) or error.upstream_status is None:
        return error.status, None
    status = error.upstream_status if 400 <= error.upstream_status < 600 else error.status
    if not error.upstream_body:
        return status, None
    said = read_error(status, error.upstream_body)
    if said.code is not None and said.code.isdigit():
        said = msgspec.structs.replace(said, code=None)
    return status, said


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
        retry_after_s=_retry_delay(inner.get("details")),
    )


def _retry_delay(details: object) -> float | None:
    """Google's way to say when to come again (``google.rpc.RetryInfo``): seconds with an ``s`` behind them."""
    for detail in details if type(details) is list else ():
        delay = detail.get("retryDelay") if type(detail) is dict else None
        if type(delay) is str and _DELAY.fullmatch(delay):
            return float(delay[:-1])
    return None


def _word(value: object) -> str | None:
    return str(value)[:200] if type(value) in (str, int) and value != "" else None
