"""How one call of the candidate's program went, as the judge saw it."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec


class Returned(msgspec.Struct, frozen=True):
    """``value`` is what it claims, and plain: whoever compares it decides. It is a `Digest` where that would do and the value is large,
    and the value's bytes where they were asked for as they are. ``seconds`` is how long the judge waited for it."""

    value: Any
    seconds: float


class Digest(bytes):
    """What `assay.sandbox.digest` made of a value that was not sent."""


class Raised(msgspec.Struct, frozen=True):
    """``kind`` is the exception's name, ``message`` its last line; both are the candidate's words."""

    kind: str
    message: str


class TimedOut(msgspec.Struct, frozen=True):
    """It said nothing for ``seconds``, and was ended."""

    seconds: float


class Died(msgspec.Struct, frozen=True):
    """The process ended, or said what nobody could read, and was ended."""

    why: str


class TooMuch(msgspec.Struct, frozen=True):
    """The value is larger than the limit of ``output_bytes``."""

    limit_bytes: int


Ran: TypeAlias = Returned | Raised | TimedOut | Died | TooMuch
