"""Two answers side by side, and what a judge made of them."""

from __future__ import annotations

from typing import Literal

import msgspec

from assay.core import Choice, Message, Money, OutputFormat, Transcript


class Pair(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``transcript`` is what was asked; ``a`` and ``b`` what each side said to it, in the order shown. The last message of a side
    is its answer, those before it are the way there (tool calls and their results). ``output`` is the form that was asked for."""

    transcript: Transcript
    a: tuple[Message, ...]
    b: tuple[Message, ...]
    output: OutputFormat | None = None


class Judgment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a judge said of a pair, in the order that it was shown.

    ``choice`` is there only where ``outcome`` is ``ok``. ``unparsed``: it answered, but not with a verdict, or not to the end.
    ``error``: no answer came; ``error`` is the stable code and ``reason`` says what went wrong. ``cost`` is None where not known.
    """

    choice: Choice | None
    outcome: Literal["ok", "error", "unparsed"]
    reason: str = ""
    calls: tuple[str, ...] = ()
    cost: Money | None = None
    error: str | None = None
