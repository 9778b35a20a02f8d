"""What the page and the API are shown of a battle: nothing of who is who until the vote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from assay.arena.battle import SIDES, Battle, BattleState, Letter, Standing
from assay.core import Choice, Money, iso, now_us

_T = TypeVar("_T")
_V = TypeVar("_V")


class BattleSide(msgspec.Struct, frozen=True, kw_only=True):
    """Who stood on a side, and what all its answers took. None where a call was cut short and nobody knows."""

    model: str
    title: str
    provider: str
    deployment: str
    organization: str | None
    ttft_ms: float | None
    total_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    cost: Money | None
    calls: list[str]


class ShownTurn(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt and both answers, as far as they were shown."""

    prompt: str
    a: str
    b: str


class ShownBattle(msgspec.Struct, frozen=True, kw_only=True):
    """A battle. ``sides`` and ``effect`` are there once it is voted; ``token`` only while its voter can go on.

    ``turns`` is empty after the vote where bodies are not kept.

    ``expired`` says that an open battle is too old for a vote.
    """

    id: str
    state: BattleState
    turns: list[ShownTurn]
    choice: Choice | None
    at: str
    voted_at: str | None
    sides: dict[Letter, BattleSide] | None
    effect: dict[Letter, Standing] | None
    token: str | None
    expired: bool


def show(battle: Battle, token: str | None = None) -> ShownBattle:
    """``battle`` as its voter may see it now."""
    voted = battle.state == "voted"
    return ShownBattle(
        id=battle.id,
        state=battle.state,
        turns=[ShownTurn(prompt=turn.prompt, a=turn.a.text, b=turn.b.text) for turn in battle.turns if turn.prompt],
        choice=battle.choice,
        at=iso(battle.at),
        voted_at=iso(battle.voted_at) if battle.voted_at is not None else None,
        sides={side: _side(battle, side) for side in SIDES} if voted else None,
        effect=battle.effect if voted else None,
        token=token,
        expired=battle.state == "open" and battle.expires <= now_us(),
    )


def _side(battle: Battle, side: Letter) -> BattleSide:
    deployment = battle.deployment(side)
    said = [battle.said(turn, side) for turn in battle.turns]
    usages = _all(said, lambda one: one.usage)
    costs = _all(said, lambda one: one.cost)
    first = [one.ttft_us for one in said if one.ttft_us is not None]
    lasted = _all(said, lambda one: one.duration_us)
    return BattleSide(
        model=deployment.model,
        title=deployment.title or deployment.model,
        provider=deployment.provider,
        deployment=deployment.id,
        organization=deployment.organization,
        ttft_ms=sum(first) / len(first) / 1000 if first else None,
        total_ms=sum(lasted) / 1000 if lasted else None,
        input_tokens=sum(usage.total_input for usage in usages) if usages else None,
        output_tokens=sum(usage.total_output for usage in usages) if usages else None,
        cost=_sum(costs) if costs else None,
        calls=[one.call for one in said if one.call is not None],
    )


def _all(said: Sequence[_T], find: Callable[[_T], _V | None]) -> list[_V] | None:
    """What ``find`` finds in each, or None if it is missing in any."""
    found = [value for one in said if (value := find(one)) is not None]
    return found if found and len(found) == len(said) else None


def _sum(costs: Sequence[Money]) -> Money | None:
    if len({cost.currency for cost in costs}) > 1:
        return None
    return Money(sum(cost.nano for cost in costs), costs[0].currency)
