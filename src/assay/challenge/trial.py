"""How one contestant fared on one item."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from assay.challenge.spec import Side
from assay.core import Message, Money, StopReason, Usage

Ending: TypeAlias = Literal["answered", "diverged", "failed"]
"""``diverged``: it called a tool in a way that the recording has no result for. ``failed``: no whole answer came."""


class Trial(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a contestant said to one item, and what that took.

    ``turns`` is all that followed the prefix: its own messages and the tool results it was given; the last is the answer that
    is judged. Times in microseconds of the monotonic clock: ``ttft_us`` of the first call, ``duration_us`` of all of them.
    ``usage`` and ``cost`` are sums over its ``calls``; None where not known. ``error`` is a stable code, ``detail`` says more:
    of a failure what went wrong, of a divergence which call was recorded and which was made.
    """

    side: Side
    ending: Ending
    turns: tuple[Message, ...] = ()
    stop: StopReason | None = None
    calls: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    usage: Usage | None = None
    cost: Money | None = None
    ttft_us: int | None = None
    duration_us: int | None = None
    error: str | None = None
    detail: str | None = None

    @property
    def answer(self) -> Message:
        """What is judged."""
        return self.turns[-1] if self.turns else Message(role="assistant")


def filed_under(challenge: str, number: int, side: Side) -> str:
    """The request id of all calls by which one contestant is asked one item."""
    return f"{challenge}.{number}.{side}"
