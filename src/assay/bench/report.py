"""A run as it stands, or as it ended: one value, from which the page, the terminal and the exports are all made."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from assay.bench.outcome import Outcome
from assay.bench.spec import Spec
from assay.bench.summary import Summary
from assay.core import Money

State: TypeAlias = Literal["running", "interrupted", "stopped", "ended"]
"""``interrupted``: cut short by a kill, or by a ``trouble``; ``stopped``: by a person. Both can go on."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Samples: how many there are to be, how many are answered, and how many of those are scored."""

    planned: int
    answered: int
    scored: int


class RunReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``recipe`` is the hash of ``parts``, which decide the number. ``summary`` is None until something is scored.

    ``cost`` is what is known to be paid, in the currency of the model's price; ``other_costs`` what was paid in others.
    ``set_aside`` is what of the budget is neither spent nor free: for calls under way, and for those whose cost was never learnt.
    Times in microseconds UTC; ``worked_s`` is how long it ran, pauses left out. ``rate_per_s`` counts samples scored in the last half
    minute, ``left_s`` is what the rest will take at that rate. ``cached`` answers were given before. ``layers`` are those of the
    sandbox that were active, ``missing`` the others, where the task runs code. ``trouble`` says why a run was interrupted.
    """

    id: str
    task: str
    version: int
    title: str
    model: str
    state: State
    at: int
    spec: Spec
    recipe: str
    parts: dict[str, Any]
    counts: Counts
    outcomes: dict[Outcome, int]
    gated: bool = False
    summary: Summary | None = None
    ended_at: int | None = None
    worked_s: float = 0.0
    cost: Money | None = None
    other_costs: tuple[Money, ...] = ()
    set_aside: Money | None = None
    cached: int = 0
    rate_per_s: float | None = None
    left_s: float | None = None
    workers: int = 0
    layers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    trouble: str | None = None
