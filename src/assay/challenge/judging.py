"""What judges that are no people make of an item: models, each in both orders, and programs. Each judgment becomes a verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeAlias

from assay.challenge.item import Item
from assay.challenge.queries import Run
from assay.challenge.spec import PROGRAM, SIDES, Side
from assay.challenge.trial import Trial
from assay.core import AssayError, Choice, Deployment, Subject, Transcript, Verdict, now_us
from assay.core.together import together
from assay.judge import Check, CheckScore, Judgment, ModelJudge, Pair, run_checks

Keep: TypeAlias = Callable[[int, Verdict, Judgment], Awaitable[None]]
"""Commits a judgment of the item of that number."""


class Judging:
    """The judges of one challenge. ``models`` is empty where a program judges."""

    def __init__(self, run: Run, models: Sequence[ModelJudge], keep: Keep):
        self._run = run
        self._models = models
        self._keep = keep
        self._deployments: dict[Side, Deployment] = {"challenger": run.plan.challenger, "incumbent": run.plan.incumbent}

    async def judge(self, number: int, item: Item, trials: Mapping[Side, Trial], known: Collection[str]) -> None:
        """All judgments of an item that are not ``known`` by their verdict's id; each is kept as soon as it is there."""
        if self._models:
            wanted = [(model, order) for model in self._models for order in (0, 1)]
            missing = [one for one in wanted if self._id(number, one[0].deployment, one[1]) not in known]
            await together(*(self._ask(number, item, trials, model, order) for model, order in missing))
        elif self._id(number, PROGRAM) not in known:
            await self._check(number, item, trials)

    async def _ask(self, number: int, item: Item, trials: Mapping[Side, Trial], model: ModelJudge, order: int) -> None:
        """Ask one model in one order: 0 shows the challenger first."""
        id = self._id(number, model.deployment, order)
        shown: tuple[Side, ...] = SIDES if order == 0 else SIDES[::-1]
        first, second = (trials[side].turns for side in shown)
        pair = Pair(transcript=item.request.transcript, a=first, b=second, output=item.request.output)
        try:
            judgment = await model.judge(pair, request_id=id)
        except AssayError as error:  # it could not even be asked
            judgment = Judgment(choice=None, outcome="error", reason=error.message, error=error.code)
        subjects = tuple(self._subject(item, trials[side]) for side in shown)
        verdict = Verdict(
            id=id,
            kind="judgment",
            subjects=subjects,
            by=model.deployment,
            at=now_us(),
            choice=judgment.choice,
            outcome=judgment.outcome,
            rubric=model.rubric.hash,
            prompt=item.id,
            source=self._run.id,
        )
        await self._keep(number, verdict, judgment)

    async def _check(self, number: int, item: Item, trials: Mapping[Side, Trial]) -> None:
        checks = (*self._run.spec.checks, *item.checks)
        challenger, incumbent = await asyncio.to_thread(_run_both, checks, trials)
        choice = _better(challenger.score, incumbent.score)
        verdict = Verdict(
            id=self._id(number, PROGRAM),
            kind="score",
            subjects=tuple(self._subject(item, trials[side]) for side in SIDES),
            by=PROGRAM,
            at=now_us(),
            choice=choice,
            parts={"challenger": challenger.score, "incumbent": incumbent.score},
            prompt=item.id,
            source=self._run.id,
        )
        reason = f"A {_told(challenger)}. B {_told(incumbent)}."
        await self._keep(number, verdict, Judgment(choice=choice, outcome="ok", reason=reason))

    def _subject(self, item: Item, trial: Trial) -> Subject:
        return subject(self._deployments[trial.side], item, trial)

    def _id(self, number: int, judge: str, order: int | None = None) -> str:
        """The same for the same judgment, so that it cannot be there twice."""
        return f"{self._run.id}.{number}.{judge}" + (f".{order}" if order is not None else "")


def subject(deployment: Deployment, item: Item, trial: Trial) -> Subject:
    """What is judged of one side: all that it said after what was asked."""
    transcript = Transcript((*item.request.transcript.messages, *trial.turns))
    return Subject(model=deployment.model, deployment=deployment.id, transcript=transcript.hash, calls=trial.calls)


def _run_both(checks: Sequence[Check], trials: Mapping[Side, Trial]) -> tuple[CheckScore, CheckScore]:
    return run_checks(checks, trials["challenger"].answer), run_checks(checks, trials["incumbent"].answer)


def _better(challenger: float, incumbent: float) -> Choice:
    if challenger == incumbent:
        return "tie" if challenger > 0 else "both_bad"
    return "a" if challenger > incumbent else "b"


def _told(score: CheckScore) -> str:
    return "; ".join(score.failed) if score.failed else "keeps all rules"
