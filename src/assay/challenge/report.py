"""What a challenge found: one value, from which the page, the terminal and the written report are all made."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from assay.challenge.spec import Side, Spec
from assay.core import Money

State: TypeAlias = Literal["running", "interrupted", "stopped", "ended"]
Word: TypeAlias = Literal["switch", "do_not_switch", "cannot_tell", "budget_spent"]


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A number with its interval and how many observations it rests on; all None but ``reason`` where it cannot be had."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    reason: str | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. ``more_items``: about how many further items would settle it; None where nothing points to an end."""

    word: Word
    more_items: int | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence after ``n`` observations (clusters): the win rate with its always-valid bounds, and how strong the evidence
    for *switch* and for *do not switch* is, as log10 of the e-values."""

    n: int
    win_rate: float
    low: float
    high: float
    switch: float
    stay: float


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Items by what became of them. ``unjudged``: both answered, but no judge gave a usable judgment."""

    planned: int
    asked: int
    judged: int
    won: int
    tied: int
    lost: int
    diverged: int
    failed: int
    unjudged: int


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """The win rate within one category. Not corrected for looking at several: for a hint, not for a verdict."""

    category: str
    items: int
    win_rate: Estimate


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One thing measured of both contestants. ``difference`` is challenger less incumbent, paired by item.

    ``name``: cost_per_1000 (in units of ``unit``, a currency), ttft_p50, ttft_p95, total_p50, total_p95 (ms), failure_rate,
    refusal_rate, truncation_rate, schema_valid_rate, divergence_rate (shares), length (characters), output_tokens.
    ``better`` is the direction that is better, None where neither is.
    """

    name: str
    unit: str
    challenger: Estimate
    incumbent: Estimate
    difference: Estimate
    better: Literal["lower", "higher"] | None = None


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How often two judges chose alike on the same pairs (challenger, incumbent, neither), and Cohen's kappa."""

    first: str
    second: str
    pairs: int
    rate: Estimate
    kappa: Estimate


class JudgeNote(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one judge. ``judge``: a deployment, ``program``, or a person's name.

    ``order_effect``: share of decisive judgments for whichever answer stood first, less one half; for a model, that sees each pair in
    both orders, ``order_flips`` is the share of pairs on which the order changed its mind. ``length_effect``: log-odds per
    doubling of length, with who wrote the answer held constant. ``win_rate_at_equal_length`` is what is left then.
    ``found`` names the biases whose interval leaves out none: ``order``, ``length``. ``warnings``: ``judges_itself``.
    """

    judge: str
    kind: Literal["human", "model", "program"]
    decides: bool
    judgments: int
    unparsed: int
    failed: int
    win_rate: Estimate
    order_effect: Estimate
    order_flips: Estimate
    length_effect: Estimate
    win_rate_at_equal_length: Estimate
    found: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    cost: Money | None = None


class Assumption(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the verdict takes for granted: a stable ``code``, what is said of it, and numbers to say it with."""

    code: str
    text: str
    values: dict[str, float | str] = {}


class Repeat(msgspec.Struct, frozen=True, kw_only=True):
    """All that somebody needs to check and repeat it. ``command`` is for a terminal; hashes are SHA-256 in hex."""

    command: str
    seed: int
    version: str
    items_hash: str
    rubric_hash: str | None
    chain_head: str | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge as it stands, or as it ended. ``decision`` is None only before the first look.

    ``win_rate``: share of judged observations won by the challenger, ties half; its bounds hold at every look, each with the
    confidence asked for. ``superior`` and ``no_worse`` say whether each has been shown so far, whatever was the goal.
    ``clearest_wins`` and ``clearest_losses`` are item numbers. ``histories_by_incumbent`` is the share of asked items whose recorded
    prefix the incumbent wrote at least in part.
    """

    id: str
    state: State
    at: str
    ended_at: str | None
    spec: Spec
    sides: dict[Side, str]
    decision: Decision | None
    win_rate: Estimate
    superior: bool
    no_worse: bool
    tally: Tally
    evidence: tuple[Step, ...]
    categories: tuple[Share, ...]
    metrics: tuple[Metric, ...]
    judges: tuple[JudgeNote, ...]
    agreements: tuple[Agreement, ...]
    diverged: dict[Side, int]
    histories_by_incumbent: Estimate
    clearest_wins: tuple[int, ...]
    clearest_losses: tuple[int, ...]
    spent: Money | None
    assumptions: tuple[Assumption, ...]
    repeat: Repeat
    waiting_for_people: int = 0
    trouble: str | None = None
