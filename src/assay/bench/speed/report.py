"""What a measurement of speed found. Times in milliseconds; every number is a mean over repeats with Student's interval over them."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from assay.bench.speed.spec import SpeedSpec
from assay.core import Money
from assay.stats import Interval

Faster: TypeAlias = Literal["A faster", "B faster", "cannot tell"]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A number by name, such as ``ttft_p95_ms``. ``value.n`` counts repeats.

    Besides the reasons of every `Interval`: ``few_requests``, a repeat has too few for that quantile, which is then that of
    all repeats together and has no interval; ``not_counted``, a provider that counts no tokens, or sent an answer in one piece."""

    name: str
    value: Interval


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One deployment. ``asked`` and ``answered`` count requests; ``errors`` are the others, by code. ``late_ms`` is how much later than it
    was due a question was sent, at worst: if that is much, our own side was too slow, and times contain it."""

    model: str
    asked: int
    answered: int
    errors: dict[str, int]
    tokens: int
    tokens_unknown: int
    characters: int
    bytes: int
    cost: tuple[Money, ...]
    late_ms: float
    figures: tuple[Figure, ...]


class PairedFigure(msgspec.Struct, frozen=True, kw_only=True):
    """A less B, repeat by repeat. The verdicts of all numbers hold together."""

    name: str
    difference: Interval
    verdict: Faster


class OwnLimit(msgspec.Struct, frozen=True, kw_only=True):
    """What our own side does with answers that take no time: ``events_per_s`` at most, and by how much it is late to see an event
    when as many answers come at once as here, in milliseconds. ``used`` is how much of the first the measurement needed at its busiest."""

    events_per_s: float
    late_p50_ms: float
    late_p99_ms: float
    used: float


class SpeedReport(msgspec.Struct, frozen=True, kw_only=True):
    """``at`` in microseconds UTC. ``order`` is how repeats took turns, such as ``AB BA AB``."""

    spec: SpeedSpec
    at: int
    took_s: float
    order: str
    a: Side
    b: Side | None
    paired: tuple[PairedFigure, ...]
    own: OwnLimit
    notes: tuple[str, ...]
