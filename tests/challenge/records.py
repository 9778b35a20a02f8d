"""Small challenges as they are kept, told item by item, so that every number of their reports can be worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from assay.challenge.item import Item
from assay.challenge.plan import Plan, clusters_of
from assay.challenge.queries import Run
from assay.challenge.record import Record
from assay.challenge.shown import ReadItem, ReadJudgment, ReadSide
from assay.challenge.spec import HUMAN, PROGRAM, SIDES, Content, Side, Spec
from assay.challenge.trial import Ending, Trial
from assay.core import (
    Deployment,
    Money,
    OutputFormat,
    Price,
    Request,
    StopReason,
    Transcript,
    Usage,
    Verdict,
    assistant,
    user,
)
from assay.judge import Judgment

PRICE = Price(input=1_000_000_000, output=4_000_000_000, date="2026-11-01")
NEW, OLD = (
    Deployment(id=f"stage/{name}", provider="stage", model=name, upstream_model=name, price=PRICE) for name in ("new", "old")
)
JUDGE = Deployment(id="stage/judge", provider="stage", model="judge", upstream_model="judge", price=PRICE)
_SIDES: dict[Side, Deployment] = {"challenger": NEW, "incumbent": OLD}


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """How one side fared. ``cents`` of a dollar; None where no price is known."""

    text: str = "An answer."
    ending: Ending = "answered"
    stop: StopReason = "end"
    cents: float | None = 1.0
    ttft_ms: int = 100
    total_ms: int = 1000
    tokens: int = 10


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """One item. ``chose`` is what each judge chose in each order it saw, the challenger first in the first of them:
    ``new``, ``old``, ``tie``, ``unreadable`` or ``broken``."""

    chose: Mapping[str, Sequence[str]] = {}
    new: Said | None = Said()
    old: Said | None = Said()
    asked: str = "Why?"
    category: str = "chat"
    cluster: str = ""
    authors: tuple[str, ...] = ()
    output: OutputFormat | None = None


def judged(*choices: str, **more: Any) -> list[Story]:
    """Items on which the judge that is a model chose so in both orders."""
    return [Story(chose={JUDGE.id: (choice, choice)}, asked=f"Why {n}?", **more) for n, choice in enumerate(choices)]


def record_of(
    stories: Sequence[Story],
    *,
    judges: Sequence[Deployment] = (JUDGE,),
    people: Mapping[str, str] = {},
    run: Mapping[str, Any] = {},
    **spec: Any,
) -> Record:
    """The record of a challenge of ``stories``; without judges people judge. ``people`` maps what verdicts call a person to the name; their choices are votes."""
    items = [_item(story) for story in stories]
    asked = Spec(
        challenger=NEW.id,
        incumbent=OLD.id,
        **{
            "source": Content(name="work.jsonl", text=""),
            "judges": tuple(judge.id for judge in judges) or (HUMAN,),
            "seed": 7,
            **spec,
        },
    )
    plan = Plan(
        seed=7,
        version="0.1.0",
        challenger=NEW,
        incumbent=OLD,
        judges=tuple(judges),
        items=len(items),
        clusters=len(set(clusters_of(items))),
        categories=dict.fromkeys((story.category for story in stories), 1),
        notes=(),
        bad=(),
        estimate=None,
        items_hash="ab" * 32,
        rubric_hash="cd" * 32,
    )
    verdicts = [verdict for n, story in enumerate(stories, 1) for verdict in _verdicts(n, story, people)]
    return Record(
        run=msgspec.structs.replace(
            Run(id="c1", state="ended", at=1_794_000_000_000_000, ended_at=1_794_000_600_000_000, spec=asked, plan=plan), **run
        ),
        items=items,
        trials={n: trials for n, story in enumerate(stories, 1) if (trials := _trials(story))},
        verdicts=verdicts,
        judgments={
            verdict.id: Judgment(choice=verdict.choice, outcome=verdict.outcome, reason="It is plainer.", cost=Money.of("0.001"))
            for verdict in verdicts
            if verdict.kind == "judgment"
        },
        people=dict(people),
        chain_head="ef" * 32,
    )


def read(record: Record, number: int) -> ReadItem:
    """An item as it is read side by side."""
    item = record.items[number - 1]
    return ReadItem(
        number=number,
        category=item.category,
        origin=f"work.jsonl:{number}",
        outcome="won",
        score=1.0,
        prefix=item.request.transcript.messages,
        recorded=(),
        sides={
            side: ReadSide(
                name=_SIDES[side].id,
                ending=trial.ending,
                turns=trial.turns,
                cost=trial.cost,
                ttft_ms=None,
                total_ms=None,
                error=None,
                detail=None,
            )
            for side, trial in record.trials[number].items()
        },
        judgments=(
            ReadJudgment(judge=JUDGE.id, kind="model", first="challenger", won="challenger", outcome="ok", reason="It is plainer."),
        ),
    )


def _item(story: Story) -> Item:
    request = Request(model="", transcript=Transcript((user(story.asked),)), output=story.output)
    return Item(request=request, category=story.category, cluster=story.cluster, authors=story.authors)


def _trials(story: Story) -> dict[Side, Trial]:
    said = {"challenger": story.new, "incumbent": story.old}
    return {side: _trial(side, one) for side in SIDES if (one := said[side]) is not None}


def _trial(side: Side, said: Said) -> Trial:
    answered = said.ending == "answered"
    return Trial(
        side=side,
        ending=said.ending,
        turns=(assistant(said.text),) if answered else (),
        stop=said.stop if answered else None,
        usage=Usage(input=5, output=said.tokens) if answered else None,
        cost=None if said.cents is None or not answered else Money(round(said.cents * 10_000_000)),
        ttft_us=said.ttft_ms * 1000 if answered else None,
        duration_us=said.total_ms * 1000 if answered else None,
    )


def _verdicts(number: int, story: Story, people: Mapping[str, str]) -> list[Verdict]:
    return [
        _verdict(number, judge, order, choice, people)
        for judge, choices in story.chose.items()
        for order, choice in enumerate(choices)
    ]


def _verdict(number: int, judge: str, order: int, choice: str, people: Mapping[str, str]) -> Verdict:
    shown = (NEW, OLD) if order == 0 else (OLD, NEW)
    sides = {"new": "ab"[shown.index(NEW)], "old": "ab"[shown.index(OLD)], "tie": "tie"}
    outcome = {"unreadable": "unparsed", "broken": "error"}.get(choice, "ok")
    kind = "vote" if judge in people else "score" if judge == PROGRAM else "judgment"
    return msgspec.convert(
        {
            "id": f"c1.{number}.{judge}.{order}" if kind == "judgment" else f"c1.{number}.{judge}",
            "kind": kind,
            "subjects": [{"model": one.model, "deployment": one.id} for one in shown],
            "by": judge,
            "at": 1,
            "choice": sides.get(choice),
            "outcome": outcome,
            "source": "c1",
        },
        Verdict,
    )


__all__ = ["JUDGE", "NEW", "OLD", "Said", "Story", "judged", "read", "record_of"]
