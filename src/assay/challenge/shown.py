"""What the page and the command line are shown of challenges.

`ShownPair` is for whoever votes: it holds nothing that tells which answer is whose. The other shapes name both sides, and are for
those who may read the result.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from assay.challenge.item import Exchange
from assay.challenge.report import Decision, Estimate, Report, State
from assay.challenge.spec import Goal, Side
from assay.challenge.trial import Ending
from assay.challenge.work import BadLine
from assay.core import Choice, File, Message, Money, Part, Refusal, Text, Thinking, ToolCall, ToolResult

ItemOutcome: TypeAlias = Literal["won", "tied", "lost", "diverged", "failed", "unjudged"]
"""What became of an item: for the challenger, or for nobody."""


class Started(msgspec.Struct, frozen=True):
    """The challenge that runs now."""

    id: str


class Resumption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With what to go on: a new ``budget`` in place of the one before, which includes what was spent."""

    budget: Money | None = None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge in one line. ``challenger`` and ``incumbent`` are deployments."""

    id: str
    state: State
    at: str
    ended_at: str | None
    challenger: str
    incumbent: str
    goal: Goal
    judges: tuple[str, ...]
    decision: Decision | None
    win_rate: Estimate
    judged: int
    planned: int
    spent: Money | None


class SummaryList(msgspec.Struct, frozen=True):
    """All challenges, the newest first."""

    challenges: list[Summary]


class ShownPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a challenge would ask, before anything is asked. ``estimate`` is a rough guess; None where a price is not known."""

    challenger: str
    incumbent: str
    items: int
    clusters: int
    categories: dict[str, int]
    notes: tuple[str, ...]
    bad: tuple[BadLine, ...]
    estimate: Money | None


class Progress(msgspec.Struct, frozen=True):
    """How a challenge stands now."""

    report: Report


class Concluded(msgspec.Struct, frozen=True):
    """How a challenge stands, now that it runs no longer."""

    report: Report


class ShownItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item in one line; ``prompt`` is the beginning of what was asked last. No answers: those who vote may read the list."""

    number: int
    category: str
    origin: str
    outcome: ItemOutcome
    score: float | None
    prompt: str


class ItemPage(msgspec.Struct, frozen=True):
    """Some of the items that were asked; ``next`` is the ``after`` of the page after this one."""

    items: list[ShownItem]
    next: int | None


class ReadSide(msgspec.Struct, frozen=True, kw_only=True):
    """How a contestant fared on one item. ``turns`` is all that followed the prefix; the last is the answer."""

    name: str
    ending: Ending
    turns: tuple[Message, ...]
    cost: Money | None
    ttft_ms: float | None
    total_ms: float | None
    error: str | None
    detail: str | None


class ReadJudgment(msgspec.Struct, frozen=True, kw_only=True):
    """One judgment. ``first`` is the side that was shown first, ``won`` the side that it prefers; None where it gave no usable choice."""

    judge: str
    kind: Literal["human", "model", "program"]
    first: Side | None
    won: Literal["challenger", "incumbent", "tie", "both_bad"] | None
    outcome: Literal["ok", "error", "unparsed"]
    reason: str


class ReadItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item with both answers, to read side by side. A side is None until it has answered."""

    number: int
    category: str
    origin: str
    outcome: ItemOutcome
    score: float | None
    prefix: tuple[Message, ...]
    recorded: tuple[Exchange, ...]
    sides: dict[Side, ReadSide | None]
    judgments: tuple[ReadJudgment, ...]


class NewPerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to invite."""

    name: str


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """A link for one person, good until its guest is shown a first pair. ``this_machine_only``: others cannot reach ``url``."""

    person: str
    name: str
    url: str
    this_machine_only: bool


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who judges. ``invited``: their link was not used yet. ``removed``: they may vote no more; what they cast stands."""

    person: str
    name: str
    votes: int
    invited: bool
    removed: bool


class PeopleList(msgspec.Struct, frozen=True):
    """All who judge a challenge, in the order they came."""

    people: list[Person]


class ShownPair(msgspec.Struct, frozen=True, kw_only=True):
    """Two answers to one item, in an order that a coin decided. ``transcript`` is what was asked, ``a`` and ``b`` what followed.

    ``voted`` counts this person's votes, ``waiting`` the pairs that wait for one, this one included.
    """

    number: int
    transcript: tuple[Message, ...]
    a: tuple[Message, ...]
    b: tuple[Message, ...]
    voted: int
    waiting: int


class Ballot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which side was better."""

    choice: Choice


class Voted(msgspec.Struct, frozen=True, kw_only=True):
    """How many votes this person has cast, and how many pairs wait for one."""

    voted: int
    waiting: int


class Voting(msgspec.Struct, frozen=True, kw_only=True):
    """How voting stands for one person. ``open``: more pairs may come. ``decides``: votes make the verdict here; elsewhere they
    only check the judge."""

    name: str
    open: bool
    decides: bool
    voted: int
    waiting: int


def summarise(report: Report) -> Summary:
    """A challenge in one line."""
    return Summary(
        id=report.id,
        state=report.state,
        at=report.at,
        ended_at=report.ended_at,
        challenger=report.spec.challenger,
        incumbent=report.spec.incumbent,
        goal=report.spec.goal,
        judges=report.spec.judges,
        decision=report.decision,
        win_rate=report.win_rate,
        judged=report.tally.judged,
        planned=report.tally.planned,
        spent=report.spent,
    )


def blind(messages: Iterable[Message]) -> tuple[Message, ...]:
    """``messages`` without what only the writer's provider puts there: thinking, ids, signatures, fields that we do not know. A
    refusal is words: only some providers tell it from an answer."""
    return _bare(messages, is_blind=True)


def bare(messages: Iterable[Message]) -> tuple[Message, ...]:
    """``messages`` as they are read with their names: thinking stays."""
    return _bare(messages, is_blind=False)


def _bare(messages: Iterable[Message], *, is_blind: bool) -> tuple[Message, ...]:
    ids: dict[str, str] = {}
    return tuple(
        Message(
            role=message.role,
            parts=_bare_parts(message.parts, ids, is_blind=is_blind),
            name=message.name if message.role == "user" else None,
        )
        for message in messages
    )


def _bare_parts(parts: Iterable[Part], ids: dict[str, str], *, is_blind: bool) -> tuple[Part, ...]:
    return tuple(_bare_part(part, ids, is_blind=is_blind) for part in parts if not (is_blind and isinstance(part, Thinking)))


def _bare_part(part: Part, ids: dict[str, str], *, is_blind: bool) -> Part:
    """Calls and results are numbered, so that they can still be told to belong together."""
    match part:
        case Thinking():
            return Thinking(text=part.text)
        case ToolCall():
            return ToolCall(id=ids.setdefault(part.id, str(len(ids) + 1)), name=part.name, arguments=part.arguments)
        case ToolResult():
            inner = _bare_parts(part.parts, ids, is_blind=is_blind)
            return ToolResult(id=ids.setdefault(part.id, str(len(ids) + 1)), parts=inner, is_error=part.is_error)
        case Refusal() if is_blind:
            return Text(text=part.text)
        case File():
            return msgspec.structs.replace(part, extra={}, file_id=None)
        case _:
            return msgspec.structs.replace(part, extra={})
