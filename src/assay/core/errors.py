"""Everything that can go wrong, said so that a person can act on it.

    AssayError
    +- InvalidInput          400   the asker can mend it
    |  +- Unprocessable      422   well-formed, yet impossible here
    |  +- TooLarge           413
    +- Unauthorized          401
    +- Spent                 402   a budget is used up
    +- Forbidden             403
    +- NotFound              404
    +- Conflict              409
    +- RateLimited           429
    +- Unavailable           503   nothing is lost; try again
    +- CallFailed                  an attempt at an upstream; carries the Call
       +- UpstreamRefused          the upstream answered with an error status
       +- UpstreamBroken     502   it could not be reached, or broke off
       +- UpstreamTimeout    504

Each has a stable ``code`` (``docs/reference/errors.md`` lists them all), one line that names the value and the reason, and
where there is one a ``hint``: the way out. Each protocol writes them in its own shape.
"""

from __future__ import annotations

from typing import ClassVar

from assay.core.call import Call


class AssayError(Exception):
    """``message`` names the value and the reason; ``hint`` the way out; ``param`` the field at fault."""

    status: ClassVar[int] = 500

    def __init__(
        self, code: str, message: str, *, hint: str | None = None, param: str | None = None, retry_after_s: float | None = None
    ):
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.param = param
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class InvalidInput(AssayError):
    status = 400


class Unprocessable(InvalidInput):
    status = 422


class TooLarge(InvalidInput):
    status = 413


class Unauthorized(AssayError):
    status = 401


class Spent(AssayError):
    status = 402


class Forbidden(AssayError):
    status = 403


class NotFound(AssayError):
    status = 404


class Conflict(AssayError):
    status = 409


class RateLimited(AssayError):
    status = 429


class Unavailable(AssayError):
    status = 503


class CallFailed(AssayError):
    """An attempt failed. ``call`` is its record; ``upstream_status`` and ``upstream_body`` are what the provider said, if it did."""

    status = 502

    def __init__(
        self,
        code: str,
        message: str,
        *,
        call: Call,
        upstream_status: int | None = None,
        upstream_body: bytes | None = None,
        hint: str | None = None,
        retry_after_s: float | None = None,
    ):
        super().__init__(code, message, hint=hint, retry_after_s=retry_after_s)
        self.call = call
        self.upstream_status = upstream_status
        self.upstream_body = upstream_body


class UpstreamRefused(CallFailed):
    """The upstream answered, with an error."""


class UpstreamBroken(CallFailed):
    """The upstream could not be reached, or broke off in the middle."""


class UpstreamTimeout(CallFailed):
    """The upstream was silent for too long."""

    status = 504
