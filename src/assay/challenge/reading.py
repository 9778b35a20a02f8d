"""Items as they are read with their names: the list of what they came to, and one with both answers side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Literal

from assay.challenge.assemble import settle_all
from assay.challenge.challenges import Challenges, Looked
from assay.challenge.evidence import Settled
from assay.challenge.item import Exchange, Item
from assay.challenge.people_queries import load_names
from assay.challenge.queries import Run, load_run
from assay.challenge.record import Chosen, Record, read_verdicts
from assay.challenge.report_queries import load_record
from assay.challenge.shown import ItemOutcome, ItemPage, ReadItem, ReadJudgment, ReadSide, ShownItem, bare
from assay.challenge.spec import SIDES
from assay.challenge.trial import Trial
from assay.core import Verdict
from assay.store import Database

_PROMPT_CHARS = 200


async def list_settled(
    db: Database, id: str, *, outcome: ItemOutcome | None, category: str | None, after: int, limit: int
) -> ItemPage:
    """The items that have come to their end, by number.

    Raises:
        NotFound: ``challenge.not_found``.
    """
    record = await load_record(db, id)
    settled = await asyncio.to_thread(settle_all, record)
    found = [
        shown
        for number in sorted(settled)
        if number > after
        and (shown := _line(record, number, settled[number])).outcome == (outcome or shown.outcome)
        and shown.category == (category or shown.category)
    ]
    return ItemPage(found[:limit], found[limit - 1].number if len(found) > limit else None)


async def read_item(db: Database, challenges: Challenges, id: str, number: int) -> ReadItem:
    """One item with both answers, and what its judges said.

    Raises:
        NotFound: ``challenge.not_found``, ``challenge.no_item``.
    """
    looked = await challenges.item(id, number)
    run = await load_run(db, id)
    assert run is not None, "its item was found"
    return _read(run, number, looked, await load_names(db, id))


def _read(run: Run, number: int, looked: Looked, names: Mapping[str, str]) -> ReadItem:
    item, settled = looked.item, looked.settled
    reasons = {id: judgment.reason or judgment.error or "" for id, judgment in looked.judgments.items()}
    chosen = read_verdicts(looked.verdicts, run.plan.challenger.id)
    deployments = {"challenger": run.plan.challenger.id, "incumbent": run.plan.incumbent.id}
    return ReadItem(
        number=number,
        category=item.category,
        origin=item.origin,
        outcome=outcome_of(settled) if settled is not None else "unjudged",
        score=settled.score if settled is not None else None,
        prefix=bare(item.request.transcript.messages),
        recorded=tuple(Exchange(said=bare([one.said])[0], results=bare(one.results)) for one in item.recorded),
        sides={side: _side(trial, deployments[side]) if (trial := looked.trials.get(side)) else None for side in SIDES},
        judgments=tuple(
            _judgment(verdict, one, names, reasons.get(verdict.id, ""))
            for verdict, one in zip(looked.verdicts, chosen, strict=True)
        ),
    )


def outcome_of(settled: Settled) -> ItemOutcome:
    """What an item came to, in a word."""
    if settled.outcome != "judged" or settled.score is None:
        return "unjudged" if settled.outcome == "judged" else settled.outcome
    return "tied" if settled.score == 0.5 else "won" if settled.score > 0.5 else "lost"


def _line(record: Record, number: int, settled: Settled) -> ShownItem:
    item = record.items[number - 1]
    return ShownItem(
        number=number,
        category=item.category,
        origin=item.origin,
        outcome=outcome_of(settled),
        score=settled.score,
        prompt=_prompt(item),
    )


def _prompt(item: Item) -> str:
    asked = [message.text for message in item.request.transcript.messages if message.role == "user" and message.text.strip()]
    text = " ".join(asked[-1].split()) if asked else ""
    return text if len(text) <= _PROMPT_CHARS else f"{text[: _PROMPT_CHARS - 1]}…"


def _side(trial: Trial, deployment: str) -> ReadSide:
    return ReadSide(
        name=deployment,
        ending=trial.ending,
        turns=bare(trial.turns),
        cost=trial.cost,
        ttft_ms=trial.ttft_us / 1000 if trial.ttft_us is not None else None,
        total_ms=trial.duration_us / 1000 if trial.duration_us is not None else None,
        error=trial.error,
        detail=trial.detail,
    )


def _judgment(verdict: Verdict, chosen: Chosen, names: Mapping[str, str], reason: str) -> ReadJudgment:
    return ReadJudgment(
        judge=names.get(chosen.judge, chosen.judge),
        kind=chosen.kind,
        first="challenger" if chosen.challenger_first else "incumbent",
        won=_winner(verdict, chosen),
        outcome=chosen.outcome,
        reason=reason,
    )


def _winner(verdict: Verdict, chosen: Chosen) -> Literal["challenger", "incumbent", "tie", "both_bad"] | None:
    match verdict.choice:
        case "tie" | "both_bad" as neither:
            return neither
        case None:
            return None
        case choice:
            return "challenger" if (choice == "a") == chosen.challenger_first else "incumbent"
