"""What a verdict takes for granted, said before somebody else says it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from assay.challenge.evidence import Evidence, Settled
from assay.challenge.figures import counted, level, listed, money, percent
from assay.challenge.record import Record
from assay.challenge.report import Assumption, Estimate, Tally, Word
from assay.challenge.spec import HUMAN, PROGRAM, SIDES, Content, Traffic, Work
from assay.challenge.words import ANSWERS
from assay.core import Money


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What the assumptions are about: what became of the items (``settled`` by number; those up to ``counted`` are evidence)."""

    record: Record
    settled: dict[int, Settled]
    evidence: Evidence
    tally: Tally
    histories: Estimate
    live: bool


def assumptions(found: Findings) -> tuple[Assumption, ...]:
    """All of them, the weightiest first. ``live`` leaves out what is worked out only at the end."""
    return tuple(
        assumption
        for part in (
            _goal,
            _items,
            _order,
            _clusters,
            _ties,
            _evenness,
            _histories,
            _diverged,
            _failed,
            _not_counted,
            _judges,
            _categories,
            _prices,
        )
        for assumption in part(found)
    )


def _goal(found: Findings) -> Iterator[Assumption]:
    spec = found.record.run.spec
    low, high = spec.zone
    switch, stay = f"the true win rate is above {percent(low)}", f"it is below {percent(high)}"
    yield _say(
        "goal",
        f"Switch is said once it is shown that {switch}, do not switch once it is shown that {stay}. Each is wrong with a chance "
        f"of at most {level(1 - spec.confidence)}, at whatever moment one looks or stops (betting, Waudby-Smith and Ramdas 2024). "
        f"In between, where either answer is right, whichever is shown first is given.",
        goal=spec.goal,
        margin=spec.margin,
        confidence=spec.confidence,
        low=low,
        high=high,
    )


def _items(found: Findings) -> Iterator[Assumption]:
    run = found.record.run
    source = run.spec.source
    what = "recorded traffic" if isinstance(source, Traffic) else source.name
    kind = "work" if isinstance(source, Content | Work) else "items"
    yield _say(
        "items_drawn",
        f"The items stand for the {kind} to come: {counted(run.plan.items, 'item')} of {what}. Work of another kind can come out otherwise."
        + "".join(f" {note}" for note in run.plan.notes)
        + (f" {counted(len(run.plan.bad), 'line')} could not be read." if run.plan.bad else ""),
        items=run.plan.items,
        unread=len(run.plan.bad),
    )


def _order(found: Findings) -> Iterator[Assumption]:
    seed = found.record.run.plan.seed
    yield _say(
        "order_shuffled",
        f"The order was shuffled with the seed {seed} before the first question, and items count in that order only: a quick answer "
        "never comes before a slow one.",
        seed=seed,
    )


def _clusters(found: Findings) -> Iterator[Assumption]:
    plan = found.record.run.plan
    alone = plan.clusters == plan.items
    text = (
        "Every item is an observation of its own: none is known to hang together with another."
        if alone
        else f"Items that hang together (turns of one conversation, one template) are one observation: {plan.items:,} items are "
        f"{plan.clusters:,} clusters. Each counts the same, however many items it has."
    )
    yield _say("clusters", text, items=plan.items, clusters=plan.clusters)


def _ties(found: Findings) -> Iterator[Assumption]:
    yield _say(
        "ties_half",
        f"A tie, and both being bad, is half a win: {found.tally.tied:,} of {found.tally.judged:,}.",
        tied=found.tally.tied,
    )


def _evenness(found: Findings) -> Iterator[Assumption]:
    """Two answers say that there is little between the models. So does a judge that cannot tell answers apart."""
    word, low_edge = found.evidence.word, found.record.run.spec.zone[0]
    last = found.evidence.steps[-1] if found.evidence.steps else None
    if last is None or word is None:
        return
    even = last.low <= 0.5 if word == "switch" else low_edge == 0.5 <= last.high
    if even:
        yield _say(
            "rests_on_even",
            f"This answer says that there is little between the two. A judge that cannot tell answers apart says so of any two models: "
            f"{found.tally.tied:,} of {counted(found.tally.judged, 'judged item')} came out even. Read some of them before you act on it.",
            tied=found.tally.tied,
            judged=found.tally.judged,
        )


def _histories(found: Findings) -> Iterator[Assumption]:
    share = found.histories
    if share.value is None:
        return
    interval = f" ({percent(share.low)} to {percent(share.high)})" if share.low is not None and share.high is not None else ""
    text = (
        f"In {percent(share.value)}{interval} of the items asked, the incumbent wrote at least part of the history that both "
        "continue. Going on from its own words may favour it."
        if share.value
        else "No history that is continued is known to be the incumbent's."
    )
    yield _say("histories", text, share=share.value)


def _diverged(found: Findings) -> Iterator[Assumption]:
    if not found.tally.diverged:
        return
    share = found.tally.diverged / max(1, found.evidence.counted)
    yield _say(
        "diverged",
        f"{counted(found.tally.diverged, 'item')} ({percent(share)}) ended where a contestant called a tool in a way that the recording holds "
        "no result for. No result is made up: these items count for neither side, and the verdict is about the others.",
        items=found.tally.diverged,
        share=share,
    )


def _failed(found: Findings) -> Iterator[Assumption]:
    if not found.tally.failed:
        return
    failed = [n for n, settled in found.settled.items() if settled.outcome == "failed" and n <= found.evidence.counted]
    by_side = {side: sum(_failed_at(found.record, n, side) for n in failed) for side in SIDES}
    text = (
        f"{counted(found.tally.failed, 'item')} failed and {'is' if found.tally.failed == 1 else 'are'} left out "
        f"(challenger {by_side['challenger']:,}, incumbent {by_side['incumbent']:,}): a failure is never an answer."
    )
    values: dict[str, float | str] = {"items": found.tally.failed, **{str(side): count for side, count in by_side.items()}}
    if by_side["challenger"] and not found.live:
        word = _if_failures_lost(found)
        values["if_lost"] = word
        text += f" Were each failure of the challenger a loss, the verdict would be: {ANSWERS[word]}."
    yield Assumption(code="failed", text=text, values=values)


def _not_counted(found: Findings) -> Iterator[Assumption]:
    waiting = sum(number > found.evidence.counted for number in found.settled)
    if waiting:
        yield _say(
            "not_counted",
            f"{counted(waiting, 'item')} came in after the answer stood, or still wait for an earlier one. They count in no number here.",
            items=waiting,
        )


def _judges(found: Findings) -> Iterator[Assumption]:
    judges = found.record.run.spec.judges
    if judges[0] == HUMAN:
        yield _say("judges_are_people", "Better is what the people who voted prefer, without knowing who wrote what.")
    elif judges[0] == PROGRAM:
        yield _say("judge_is_program", "Better is what passes more of the checks. What no check looks at does not count.")
    else:
        plural = "s are models" if len(judges) > 1 else " is a model"
        yield _say(
            "judge_is_model",
            f"The judge{plural}, not a person, and what it prefers may differ from what people do. Agreement with people is shown "
            "where both judged the same pairs. Each pair is judged in both orders, and the mean counts.",
            judges=len(judges),
        )


def _categories(found: Findings) -> Iterator[Assumption]:
    plan = found.record.run.plan
    if len(plan.categories) > 1:
        yield _say(
            "categories_uncorrected",
            f"Intervals of the {len(plan.categories)} categories, of the metrics and of the judges are 95 % each, corrected neither for being "
            "several nor for a run that ends when it is sure: they give hints, the verdict rests on none of them.",
            categories=len(plan.categories),
        )
    else:
        yield _say(
            "metrics_uncorrected",
            "Intervals of the metrics and of the judges are 95 % each, corrected neither for being several nor for a run that ends when it "
            "is sure: they give hints, the verdict rests on none of them.",
        )


def _prices(found: Findings) -> Iterator[Assumption]:
    plan = found.record.run.plan
    deployments = {one.id: one for one in (plan.challenger, plan.incumbent, *plan.judges)}
    unknown = [id for id, one in deployments.items() if one.price is None]
    dated = [f"{id} {one.price.date or 'without a date'}" for id, one in deployments.items() if one.price is not None]
    if dated:
        yield _say("prices", f"Costs are worked out from list prices as of: {listed(dated)}.", known=len(dated))
    if unknown:
        yield _say(
            "prices_unknown",
            f"No price is known of {listed(unknown)}: what it costs is not known, which is not nothing.",
            unknown=len(unknown),
        )
    held = [Money(spent.held, spent.currency) for spent in found.record.spent if spent.held]
    if held:
        yield _say(
            "costs_held",
            f"What some calls cost was never learnt. The most they can have cost is counted as spent: {listed([money(m) for m in held])}.",
            held=held[0].nano / 1e9,
        )


def _failed_at(record: Record, number: int, side: str) -> bool:
    trial = next((trial for of, trial in record.trials.get(number, {}).items() if of == side), None)
    return trial is not None and trial.ending == "failed"


def _if_failures_lost(found: Findings) -> Word:
    """The verdict, had the challenger lost every item on which it alone failed."""
    record = found.record
    evidence = Evidence(record.run.spec, record.clusters)
    for number, settled in sorted(found.settled.items()):
        lost = _failed_at(record, number, "challenger") and not _failed_at(record, number, "incumbent")
        evidence.add(number, Settled("judged", 0.0) if lost else settled)
    return evidence.word or "cannot_tell"


def _say(code: str, text: str, **values: float | str) -> Assumption:
    return Assumption(code=code, text=text, values=values)
