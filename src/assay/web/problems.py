"""Errors towards the page and the command line: problem JSON (RFC 9457), with our stable code and the way out."""

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from assay.core import AssayError, Problem, problem_of

log = logging.getLogger(__name__)


def respond(problem: Problem, retry_after_s: float | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """``problem`` as a response."""
    sent = dict(headers or {})
    if retry_after_s is not None:
        sent["retry-after"] = str(max(1, math.ceil(retry_after_s)))
    return Response(msgspec.json.encode(problem), problem.status, sent, media_type="application/problem+json")


async def on_assay_error(request: Request, error: Exception) -> Response:
    """An error that we raised ourselves."""
    assert isinstance(error, AssayError)
    log.debug("refused method=%s code=%s", request.method, error.code)
    return respond(problem_of(error), error.retry_after_s)


async def on_http_error(request: Request, error: Exception) -> Response:
    """An error that the router raised: no such path, no such method."""
    assert isinstance(error, HTTPException)
    code = {404: "api.no_such_path", 405: "api.method_not_allowed"}.get(error.status_code, "api.refused")
    is_api = request.url.path.startswith("/api/")
    problem = Problem.of(
        status=error.status_code,
        code=code,
        detail=f"{request.method} {request.url.path[:200]!r}: {HTTPStatus(error.status_code).phrase}.",
        hint=None if is_api else "Clients of the gateway use the base URL that ends in `/v1`.",
    )
    return respond(problem, headers=error.headers)


async def on_bug(request: Request, error: Exception) -> Response:
    """A defect of ours. The server logs its trace; the asker gets a code to quote."""
    log.error("unexpected error kind=%s at=%s", type(error).__name__, getattr(request.scope.get("endpoint"), "__qualname__", "?"))
    return respond(
        Problem.of(
            status=500,
            code="api.defect",
            detail="Assay ran into a defect of its own.",
            hint="The server's log has the details; please report it.",
        )
    )
