"""Why the reckoner does not answer: a reason that a person can read, in the language asked."""

from __future__ import annotations

from typing import Literal, TypeAlias

Reason: TypeAlias = Literal[
    "ambiguous_date",
    "bad_date",
    "by_zero",
    "domain",
    "lunar",
    "not_integer",
    "not_read",
    "out_of_calendar",
    "too_big",
    "too_deep",
    "too_long",
    "units_differ",
    "units_here",
]


class Refusal(ValueError):
    """``subject`` is the part of the question that it is about."""

    def __init__(self, reason: Reason, subject: str = ""):
        super().__init__(f"{reason}: {subject[:60]}")
        self.reason: Reason = reason
        self.subject = subject
