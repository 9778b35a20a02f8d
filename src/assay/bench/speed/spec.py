"""What a measurement of speed was asked to do."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

_Positive = Annotated[float, msgspec.Meta(gt=0)]


class Slo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What an answer has to keep to count towards goodput, in milliseconds: to its first piece, between tokens on average, in all."""

    ttft_ms: _Positive | None = None
    between_ms: _Positive | None = None
    total_ms: _Positive | None = None


NO_SLO = Slo()


class SpeedSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """``open``: questions come by chance (Poisson), ``rate_per_s`` of them on average, however slow the answers are, as people's do.
    ``closed``: ``concurrency`` askers, each of whom waits for an answer before the next question, as a batch job does.

    ``requests`` are asked in each of the ``repeats``, the same ones in the same order at the same intervals; ``against`` is asked the
    very same, in turns. ``warmup`` questions before each repeat are not counted. ``prompts`` replace our own of about
    ``input_words`` words; a line in front makes each one new to any cache, unless ``may_be_cached``.
    """

    model: str
    against: str | None = None
    schedule: Literal["open", "closed"] = "closed"
    rate_per_s: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 2.0
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=512)] = 4
    requests: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 24
    repeats: Annotated[int, msgspec.Meta(ge=3, le=100)] = 5
    warmup: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 1
    input_words: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 100
    prompts: tuple[str, ...] = ()
    may_be_cached: bool = False
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] = 128
    temperature: float | None = None
    slo: Slo = NO_SLO
    seed: int = 0
    timeout_s: _Positive = 120.0
