"""A model that judges two answers by a written rubric, each pair in both orders."""

from __future__ import annotations

from contextlib import aclosing

from assay.core import Answer, Budget, Caller, CallFailed, Refusal, StopReason, fold
from assay.judge.pair import Judgment, Pair
from assay.judge.prompt import ask_for_judgment
from assay.judge.reading import read_verdict
from assay.judge.rubric import DEFAULT_RUBRIC, Rubric

MAX_TOKENS = 8_192
"""How much a judge may say and think. Bounds what a judgment can cost; a judge that gets there has given none."""
_WHOLE: frozenset[StopReason] = frozenset({"end", "stop_sequence"})


class ModelJudge:
    """Asks one deployment for judgments, with the purpose ``judge``. It learns nothing of who wrote what."""

    def __init__(
        self,
        caller: Caller,
        deployment: str,
        rubric: Rubric = DEFAULT_RUBRIC,
        *,
        timeout_s: float = 300,
        max_tokens: int | None = MAX_TOKENS,
    ):
        self.deployment = deployment
        self.rubric = rubric
        self._caller = caller
        self._budget = Budget(timeout_s=timeout_s)
        self._max_tokens = max_tokens

    async def judge(self, pair: Pair, request_id: str | None = None) -> Judgment:
        """What it says of ``pair`` in this one order. A failed call is a judgment with the outcome ``error``, never a choice.

        Raises:
            AssayError: what the caller raises without having asked (no such deployment, no budget left).
        """
        request = ask_for_judgment(pair, self.rubric, self.deployment, max_tokens=self._max_tokens)
        try:
            async with aclosing(
                self._caller.stream(request, self.deployment, "judge", self._budget, request_id=request_id)
            ) as events:
                answer = fold([event async for event in events])
        except CallFailed as failed:
            return Judgment(
                choice=None,
                outcome="error",
                reason=failed.message,
                calls=(failed.call.id,),
                cost=failed.call.cost,
                error=failed.code,
            )
        return _read(answer)


def _read(answer: Answer) -> Judgment:
    choice, reason = read_verdict(answer.message.text)
    if answer.stop not in _WHOLE or any(isinstance(part, Refusal) for part in answer.message.parts):
        choice = None
    call = answer.call
    return Judgment(
        choice=choice,
        outcome="unparsed" if choice is None else "ok",
        reason=reason,
        calls=(call.id,) if call else (),
        cost=call.cost if call else None,
    )
