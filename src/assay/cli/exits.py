"""Exit codes, and how an error is said."""

from assay.cli.output import say
from assay.core import AssayError, CallFailed, Forbidden, RateLimited, Unauthorized, Unavailable

OK, FAILED, USAGE, UPSTREAM, NOT_ALLOWED, PARTLY, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130


def exit_code(error: AssayError) -> int:
    """The exit code that says what kind of thing went wrong."""
    if error.code == "provider.key_missing":  # to a client of the gateway it is a 503: its own key is fine
        return NOT_ALLOWED
    match error:
        case Unauthorized() | Forbidden():
            return NOT_ALLOWED
        case CallFailed() | Unavailable() | RateLimited():
            return UPSTREAM
        case _:
            return USAGE if error.status < 500 else UPSTREAM


def explain(error: AssayError) -> None:
    """Say what went wrong, the way out, and the code to look up."""
    say(f"error: {error.message}")
    if error.hint:
        say(f"hint: {error.hint}")
    say(f"code: {error.code}")
