"""What became of one sample: right, or one of the ways not to be."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Outcome: TypeAlias = Literal["right", "wrong", "graded", "unparsed", "refused", "truncated", "timeout", "error"]
"""``right`` and ``wrong``: answered, and checked. ``graded``: answered, and given a value between worst and best. ``unparsed``: there
was text, and no answer to be found in it. ``refused``: the model declined. ``truncated``: it ran into its bound of tokens, or never
stopped thinking. ``timeout``: the program it wrote ran out of time. ``error``: no answer came, or none could be scored; that says
nothing of the model, scores nothing and lowers the coverage."""

OUTCOMES: tuple[Outcome, ...] = ("right", "wrong", "graded", "unparsed", "refused", "truncated", "timeout", "error")


OF = ":of"
"""``name:of`` among the parts is how many things the part ``name`` is a share of, where that is not one answer."""


class Scored(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``value`` in [0, 1] is what counts towards the score: 1 for ``right``, anything for ``graded``, 0 for the other ways of
    having answered, None for ``error``.

    ``extracted`` is the answer that was found in the text, ``parts`` named sub-scores in [0, 1] (``base``, ``plus``,
    ``prompt_strict`` ...), ``detail`` why, in words that never contain a hidden value, ``error`` a stable code. ``calls`` are the
    judge's.
    """

    outcome: Outcome
    value: float | None
    extracted: str | None = None
    parts: dict[str, float] = {}
    detail: str = ""
    error: str | None = None
    calls: tuple[str, ...] = ()


def right(extracted: str | None = None, **more: object) -> Scored:
    """Answered, and correct."""
    return msgspec.structs.replace(Scored(outcome="right", value=1.0, extracted=extracted), **more)


def wrong(extracted: str | None = None, **more: object) -> Scored:
    """Answered, and not correct."""
    return msgspec.structs.replace(Scored(outcome="wrong", value=0.0, extracted=extracted), **more)
