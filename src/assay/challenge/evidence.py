"""From answers and judgments to a decision: what an item came to, and what all of them say so far.

Items enter the evidence strictly in the order drawn at the start: an item waits for all before it, else those that are quick to
answer would come first, and quick is not random. A cluster is one observation, the mean of its judged items, made when its
last item is settled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from assay.challenge.replay import calls_of, same_calls
from assay.challenge.report import Decision, Step, Word
from assay.challenge.spec import HUMAN, PROGRAM, SIDES, Side, Spec
from assay.challenge.trial import Trial
from assay.core import Verdict
from assay.stats.anytime import Betting

Outcome: TypeAlias = Literal["judged", "diverged", "failed", "unjudged"]
"""``unjudged``: both answered, but no judge gave a usable judgment."""
_MOST_MORE = 10_000


class Settled(msgspec.Struct, frozen=True):
    """What an item came to. ``score`` is the challenger's, in [0, 1]; only a judged item has one."""

    outcome: Outcome
    score: float | None = None


def settle(
    spec: Spec, challenger: str, trials: Mapping[Side, Trial], verdicts: Sequence[Verdict], *, skipped: bool = False
) -> Settled | None:
    """What an item came to, or None while an answer or a judgment is still to come.

    ``challenger`` is its deployment's id. ``verdicts`` are all on this item; those by judges who do not decide are passed over.
    """
    if any(side not in trials for side in SIDES):
        return None
    without_judge = settle_unjudged(trials)
    if without_judge is not None:
        return without_judge
    deciding = [verdict for verdict in verdicts if decides(spec, verdict)]
    if len(deciding) < verdicts_needed(spec):
        return Settled("unjudged") if skipped else None
    scores = score_by_judge(deciding, challenger)
    return Settled("judged", math.fsum(scores.values()) / len(scores)) if scores else Settled("unjudged")


def settle_unjudged(trials: Mapping[Side, Trial]) -> Settled | None:
    """What an item came to that needs no judge; None where one must look at it.

    Tool calls are not judged by taste: where the answers still hold some, equal ones are a tie, and others have diverged.
    """
    endings = {trials[side].ending for side in SIDES}
    if "failed" in endings:
        return Settled("failed")
    if "diverged" in endings:
        return Settled("diverged")
    one, other = (trials[side].answer for side in SIDES)
    if calls_of(one) or calls_of(other):
        return Settled("judged", 0.5) if same_calls(one, other) else Settled("diverged")
    return None


def decides(spec: Spec, verdict: Verdict) -> bool:
    """Whether a verdict counts for the decision; the others are checks on the judge."""
    return (verdict.kind == "vote") == (spec.judges[0] == HUMAN)


def verdicts_needed(spec: Spec) -> int:
    """How many verdicts settle an item: one by a person or a program, both orders from each model."""
    return 1 if spec.judges[0] in (HUMAN, PROGRAM) else 2 * len(spec.judges)


def favour(verdict: Verdict, challenger: str) -> float | None:
    """What a verdict gives the challenger: 1, one half, or 0; None where it is no usable one."""
    if verdict.outcome != "ok" or verdict.choice is None:
        return None
    if verdict.choice in ("tie", "both_bad"):
        return 0.5
    chosen = verdict.subjects[0 if verdict.choice == "a" else 1]
    return float(chosen.deployment == challenger)


def score_by_judge(verdicts: Sequence[Verdict], challenger: str) -> dict[str, float]:
    """Each judge's mean over its verdicts on one item. A model counts only with both orders: one alone would carry its bias."""
    favours: dict[str, list[float | None]] = {}
    for verdict in verdicts:
        favours.setdefault(verdict.by, []).append(favour(verdict, challenger))
    needed = {verdict.by: 2 if verdict.kind == "judgment" else 1 for verdict in verdicts}
    return {
        by: math.fsum(usable) / len(usable)
        for by, given in favours.items()
        if len(usable := [one for one in given if one is not None]) >= needed[by]
    }


class Evidence:
    """What the items so far say. ``clusters`` is the cluster of each item in order, so that item n stands at n - 1."""

    def __init__(self, spec: Spec, clusters: Sequence[str]):
        low, high = spec.zone
        self._betting = Betting(low, high, alpha=1 - spec.confidence)
        self._clusters = clusters
        self._waiting: dict[int, Settled] = {}
        self._cluster: list[float] = []
        self._judged = 0
        self.counted = 0
        """How many items have entered, which are all up to the one of that number."""
        self.settled = 0
        """How many items are settled, entered or not."""
        self.steps: list[Step] = []

    def add(self, number: int, settled: Settled) -> None:
        """An item is settled; the numbers start at 1. It enters as soon as all before it have."""
        self._waiting[number] = settled
        self.settled += 1
        while self.word is None and (entering := self._waiting.pop(self.counted + 1, None)) is not None:
            self.counted += 1
            self._enter(entering)

    @property
    def word(self) -> Word | None:
        """The answer, once it stands. What comes in later does not change it."""
        verdict = self._betting.verdict()
        return None if verdict is None else "switch" if verdict == "switch" else "do_not_switch"

    @property
    def decision(self) -> Decision | None:
        """The answer as it stands now; None before the first observation."""
        if not self._betting.n:
            return None
        return Decision(word=self.word or "cannot_tell", more_items=None if self.word else self._more_items())

    def _enter(self, settled: Settled) -> None:
        if settled.score is not None:
            self._judged += 1
            self._cluster.append(settled.score)
        if self.counted < len(self._clusters) and self._clusters[self.counted] == self._clusters[self.counted - 1]:
            return
        if self._cluster:
            self._betting.add(math.fsum(self._cluster) / len(self._cluster))
            self.steps.append(self._step())
        self._cluster = []

    def _step(self) -> Step:
        low, high = self._betting.bounds()
        return Step(
            n=self._betting.n,
            win_rate=self._betting.mean,
            low=low,
            high=high,
            switch=self._betting.log_switch / math.log(10),
            stay=self._betting.log_stay / math.log(10),
        )

    def _more_items(self) -> int | None:
        """Further observations, in items: as many for each as it took so far, those without a score included."""
        more = self._betting.more()
        if more is None:
            return None
        items = math.ceil(more * self.counted / self._betting.n)
        return items if items <= _MOST_MORE else None
