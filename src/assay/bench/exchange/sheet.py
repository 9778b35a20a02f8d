"""A run as it travels: what was measured, and every sample of it with its words. All formats are read into this and written from it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from assay.bench.outcome import Scored
from assay.bench.result import Result
from assay.core import InvalidInput

LARGEST = 256 * 1024 * 1024
"""Bytes of a file that is read: a thousand samples take about two million."""


MALFORMED = (AttributeError, LookupError, OverflowError, TypeError, ValueError)
"""What is raised where a document of another shape is read as if it had the right one."""


class Sheet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``source`` is the program it comes from, ``at`` when it was made (microseconds UTC), ``parts`` what is known of the recipe.
    ``targets`` are right answers by sample, where they are known and may be shown; ``sampling`` is what was asked for."""

    task: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    title: str
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    source: str
    at: int
    results: tuple[Result, ...]
    version: str = "1"
    parts: dict[str, Any] = {}
    targets: dict[str, str] = {}
    sampling: dict[str, Any] = {}


def scored_of(value: object, extracted: str | None = None, *, truncated: bool = False, detail: str = "") -> Scored:
    """What became of a sample to which another program gave ``value``: a bool, a number, or Inspect's letters C, P, I and N.

    Numbers other than 0 and 1 count as they are, if they lie between. A wrong one that ran into its bound of tokens is truncated.

    Raises:
        InvalidInput: it is none of these.
    """
    letters = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
    number = letters.get(value) if isinstance(value, str) else float(value) if isinstance(value, int | float) else None
    if number is None or not 0 <= number <= 1:
        raise InvalidInput(
            "exchange.value_unknown",
            f"The score {value!r} is neither right nor wrong, nor a number from 0 to 1.",
            hint="Name the score to read with --metric, where the file has several.",
        )
    if number == 1:
        return Scored(outcome="right", value=1.0, extracted=extracted, detail=detail)
    if number:
        return Scored(outcome="graded", value=number, extracted=extracted, detail=detail)
    if truncated:
        return Scored(outcome="truncated", value=0.0, extracted=extracted, detail=detail)
    return Scored(outcome="unparsed" if value == "N" else "wrong", value=0.0, extracted=extracted, detail=detail)


def failed(detail: str, code: str = "exchange.failed_elsewhere") -> Scored:
    """A sample that came to no answer in the other program."""
    return Scored(outcome="error", value=None, detail=detail, error=code)
