"""What comes with a request, bounded, and checked against the type that is asked for."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from starlette.requests import Request

from assay.core import InvalidInput, TooLarge

_T = TypeVar("_T")
_LONGEST_REASON = 300
_FIELD = re.compile(r"at `\$\.([\w.]+)")


async def read_body(request: Request, largest: int) -> bytes:
    """The whole body.

    Raises:
        TooLarge: ``api.body_too_large``, more than ``largest`` bytes.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > largest:
            raise TooLarge("api.body_too_large", f"The body has more than {largest} bytes.", hint="Send less at once.")
    return bytes(body)


async def read_json(request: Request, kind: type[_T], largest: int) -> _T:
    """The body as a ``kind``; no body is an empty object.

    Raises:
        InvalidInput: ``api.bad_body``. TooLarge: ``api.body_too_large``.
    """
    body = await read_body(request, largest)
    try:
        return msgspec.json.decode(body if body.strip() else b"{}", type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(
            "api.bad_body",
            f"The body is not what is needed here: {_reason(error)}.",
            hint="GET /api/v1/openapi.json says what it takes.",
            param=_field(error),
        ) from error


def read_query(request: Request, kind: type[_T]) -> _T:
    """The query as a ``kind``; an empty value is one that is not given, and no value holds a NUL, which no database takes.

    Raises:
        InvalidInput: ``api.bad_query``.
    """
    given = {name: value for name, value in request.query_params.items() if value}
    if any("\0" in value for value in given.values()):
        raise InvalidInput("api.bad_query", "The query holds a NUL character.", hint="Leave out %00.")
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidInput(
            "api.bad_query",
            f"The query is not what is needed here: {_reason(error)}.",
            hint="GET /api/v1/openapi.json says what it takes.",
            param=_field(error),
        ) from error


def _reason(error: Exception) -> str:
    return str(error)[:_LONGEST_REASON]


def _field(error: Exception) -> str | None:
    """The field that msgspec names, if it names one."""
    found = _FIELD.search(str(error))
    return found[1] if found else None
