"""How an error is told over HTTP: problem JSON (RFC 9457), with our stable code and the way out."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from assay.core.errors import AssayError


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong (``detail``), and the way out (``hint``). ``type`` points into the reference of errors."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str | None = None
    param: str | None = None

    @classmethod
    def of(cls, *, status: int, code: str, detail: str, hint: str | None = None, param: str | None = None) -> Problem:
        """The problem with that code, under the usual name of its status."""
        title = HTTPStatus(status).phrase
        return cls(type=f"/docs/errors#{code}", title=title, status=status, detail=detail, code=code, hint=hint, param=param)


def problem_of(error: AssayError) -> Problem:
    """The problem that says what ``error`` says."""
    return Problem.of(status=error.status, code=error.code, detail=error.message, hint=error.hint, param=error.param)
