"""One sample of a run, as it stands in the database: asked or not, answered, scored."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from assay.bench.outcome import Scored
from assay.core import Message, Money, StopReason, Transcript, Usage

ResultState: TypeAlias = Literal["waiting", "answered", "scored"]


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``sample`` is the question's id, ``epoch`` counts from 0 how often it has been asked before in this run.

    ``transcript`` is what was asked last, ``message`` what came. ``calls`` are all attempts. Times in microseconds; ``latency_us`` from
    the question to the last byte. ``cost`` is None where no price is known.
    """

    sample: str
    epoch: int
    state: ResultState
    cluster: str | None = None
    category: str | None = None
    transcript: Transcript | None = None
    message: Message | None = None
    stop: StopReason | None = None
    calls: tuple[str, ...] = ()
    usage: Usage | None = None
    cost: Money | None = None
    latency_us: int | None = None
    ttft_us: int | None = None
    cached: bool = False
    scored: Scored | None = None
