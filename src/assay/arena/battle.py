"""A battle as it is kept: two sides, the turns shown so far, and what the voter made of them."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from assay.core import Choice, Deployment, Message, Money, Transcript, Usage, assistant, user

BattleState: TypeAlias = Literal["open", "voted", "void"]
Letter: TypeAlias = Literal["a", "b"]
SIDES: tuple[Letter, Letter] = ("a", "b")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one voter may ask for, and the pace at which answers are shown."""

    prompt_chars: int = 32_000
    turns: int = 20
    answer_chars: int = 200_000
    streaming_per_session: int = 3
    open_per_session: int = 50
    starts_per_minute: int = 60
    life_s: float = 24 * 3600
    """How long after its last turn a battle can still be voted on."""
    answer_timeout_s: float = 600
    reading_s: float = 1.0
    """The least time between both columns beginning to show and a vote that does not wait for their end."""
    tick_s: float = 0.05
    chars_per_tick: int = 60
    """Most characters a column grows by in one tick, so that neither a head start nor the size of chunks shows."""
    heartbeat_s: float = 10


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one side showed in one turn. ``whole`` is False where the voter did not wait for the end.

    Times in microseconds of the monotonic clock, tokens, cost and ``call`` as the finished `Call` has them; None if unknown.
    """

    text: str
    request_id: str
    whole: bool
    call: str | None = None
    ttft_us: int | None = None
    duration_us: int | None = None
    usage: Usage | None = None
    cost: Money | None = None


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt and both answers. ``number`` grows with every attempt, so that one that was lost leaves a gap."""

    number: int
    at: int
    prompt: str
    a: Said
    b: Said

    def without_words(self) -> Turn:
        """The turn as it is kept where bodies are not: what it took stays, what was said does not."""
        a, b = (msgspec.structs.replace(said, text="") for said in (self.a, self.b))
        return msgspec.structs.replace(self, prompt="", a=a, b=b)


class Battle(msgspec.Struct, frozen=True, kw_only=True):
    """One blind comparison. ``voter`` is a keyed hash; ``turn`` the number of the newest turn that was begun."""

    id: str
    state: BattleState
    voter: str
    at: int
    expires: int
    turn: int
    a: Deployment
    b: Deployment
    propensity: float
    sampling: str
    turns: tuple[Turn, ...] = ()
    choice: Choice | None = None
    voted_at: int | None = None
    effect: dict[Letter, Standing] | None = None

    @property
    def deployments(self) -> tuple[str, str]:
        """The ids of both sides' deployments."""
        return self.a.id, self.b.id

    def transcript(self, side: Letter) -> Transcript:
        """The conversation as the voter saw it on ``side``."""
        messages: list[Message] = []
        for turn in self.turns:
            messages += [user(turn.prompt), assistant(self.said(turn, side).text)]
        return Transcript(tuple(messages))

    def said(self, turn: Turn, side: Letter) -> Said:
        """What ``side`` said in ``turn``."""
        return turn.a if side == "a" else turn.b

    def deployment(self, side: Letter) -> Deployment:
        """Who stands on ``side``."""
        return self.a if side == "a" else self.b


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A model's rating and rank without and with one vote; None where it cannot be compared yet."""

    before: float | None = None
    after: float | None = None
    rank_before: int | None = None
    rank_after: int | None = None


def request_id(battle: str, turn: int, side: Letter) -> str:
    """What the calls of one side in one turn are filed under."""
    return f"{battle}.{turn}{side}"


def request_ids(battle: str, turns: int) -> list[str]:
    """What the calls of all turns up to number ``turns`` are filed under."""
    return [request_id(battle, turn, side) for turn in range(1, turns + 1) for side in SIDES]
