"""Put a report together from what is kept. Everything in it is of the items that have entered the evidence, so that all its numbers
are of the same items and an answer that came early is in none of them before its turn; only the notes on judges use all judgments.

5,000 items take well under a second while a challenge runs: what a trial comes to is worked out once (`Known`), and what is only
worth its time at the end (what failures would change) waits until then. Blocking: call it in a thread.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from assay.challenge.assumptions import Findings, assumptions
from assay.challenge.evidence import Evidence, Settled, decides, settle
from assay.challenge.item import Item
from assay.challenge.judge_notes import agreements, benches, note_judges
from assay.challenge.metrics import Fact, Known, fact_of, measure
from assay.challenge.plan import Plan
from assay.challenge.record import Chosen, Record, number_of, read_verdicts
from assay.challenge.repeat import repeat
from assay.challenge.report import Decision, Estimate, Report, Share, Step, Tally
from assay.challenge.spec import HUMAN, SIDES, Side
from assay.core import Money, Verdict, iso
from assay.stats import Interval, bounded_mean, share

MOST_CLEAREST = 5
"""How many wins, and how many losses, are picked to be read."""
_MOST_STEPS = 2_000
_PUBLIC = ("id", "model", "upstream_model")


def assemble(
    record: Record,
    settled: Mapping[int, Settled] | None = None,
    evidence: Evidence | None = None,
    *,
    live: bool = False,
    known: Known | None = None,
) -> Report:
    """The report of ``record`` as it stands.

    ``settled`` and ``evidence`` are worked out where they are not given; ``known`` is filled, and saves work the next time.
    ``live`` leaves out what is worked out only at the end.
    """
    run = record.run
    settled = dict(settled) if settled is not None else settle_all(record)
    evidence = evidence if evidence is not None else weigh(record, settled)
    counted = {number: one for number, one in sorted(settled.items()) if number <= evidence.counted}
    facts = _facts(record, {} if known is None else known)
    chosen = read_verdicts(record.verdicts, run.plan.challenger.id)
    judges = benches(record, chosen)
    tally, histories = _tally(record, counted), _histories(record)
    rate = _win_rate(evidence)
    return Report(
        id=run.id,
        state=run.state,
        at=iso(run.at),
        ended_at=None if run.ended_at is None else iso(run.ended_at),
        spec=run.spec,
        sides={"challenger": run.plan.challenger.id, "incumbent": run.plan.incumbent.id},
        decision=_decision(record, evidence),
        win_rate=rate,
        superior=rate.low is not None and rate.low > 0.5,
        no_worse=rate.low is not None and rate.low > 0.5 - run.spec.margin,
        tally=tally,
        evidence=_thinned(evidence),
        categories=_categories(record, counted),
        metrics=measure({n: facts[n] for n in counted if n in facts}, record.clusters),
        judges=note_judges(record, judges, facts),
        agreements=agreements(record, judges),
        diverged={side: sum(_ended(record, n, side, "diverged") for n in counted) for side in SIDES},
        histories_by_incumbent=histories,
        clearest_wins=_clearest(record, counted, chosen, won=True),
        clearest_losses=_clearest(record, counted, chosen, won=False),
        spent=_spent(record),
        assumptions=assumptions(
            Findings(record=record, settled=settled, evidence=evidence, tally=tally, histories=histories, live=live)
        ),
        repeat=repeat(record),
        waiting_for_people=_waiting(record, settled),
        trouble=run.trouble,
    )


def settle_all(record: Record) -> dict[int, Settled]:
    """What each item came to, of those that are settled."""
    by_number: dict[int, list[Verdict]] = defaultdict(list)
    for verdict in record.verdicts:
        by_number[number_of(verdict)].append(verdict)
    found = {}
    for number, trials in record.trials.items():
        one = settle(record.run.spec, record.run.plan.challenger.id, trials, by_number[number], skipped=number in record.skipped)
        if one is not None:
            found[number] = one
    return found


def weigh(record: Record, settled: Mapping[int, Settled]) -> Evidence:
    """The evidence of all settled items."""
    evidence = Evidence(record.run.spec, record.clusters)
    for number in sorted(settled):
        evidence.add(number, settled[number])
    return evidence


def _facts(record: Record, known: Known) -> dict[int, dict[Side, Fact]]:
    facts: dict[int, dict[Side, Fact]] = {}
    for number, trials in record.trials.items():
        for side, trial in trials.items():
            before = known.get((number, side))
            if before is None or before[0] is not trial:
                before = known[number, side] = (trial, fact_of(record.items[number - 1], trial))
            facts.setdefault(number, {})[side] = before[1]
    return facts


def _decision(record: Record, evidence: Evidence) -> Decision | None:
    """What the evidence says. Where it says nothing yet and the run ended, why it ended."""
    found = evidence.decision
    if record.run.decision == "budget_spent" and evidence.word is None:
        return Decision(word="budget_spent", more_items=None if found is None else found.more_items)
    if found is None and record.run.decision is not None:
        return Decision(word=record.run.decision)
    return found


def _win_rate(evidence: Evidence) -> Estimate:
    if not evidence.steps:
        return Estimate(reason="no_data")
    last = evidence.steps[-1]
    return Estimate(value=last.win_rate, low=last.low, high=last.high, n=last.n)


def _thinned(evidence: Evidence) -> tuple[Step, ...]:
    """All steps, or of very many every k-th and the last: a line through them looks the same."""
    steps = evidence.steps
    every = -(-len(steps) // _MOST_STEPS) or 1
    return tuple(step for at, step in enumerate(steps, 1) if at % every == 0 or at == len(steps))


def _tally(record: Record, counted: Mapping[int, Settled]) -> Tally:
    scores = [one.score for one in counted.values() if one.score is not None]
    return Tally(
        planned=record.run.plan.items,
        asked=len(record.trials),
        judged=len(scores),
        won=sum(score > 0.5 for score in scores),
        tied=sum(score == 0.5 for score in scores),
        lost=sum(score < 0.5 for score in scores),
        diverged=sum(one.outcome == "diverged" for one in counted.values()),
        failed=sum(one.outcome == "failed" for one in counted.values()),
        unjudged=sum(one.outcome == "unjudged" for one in counted.values()),
    )


def _categories(record: Record, counted: Mapping[int, Settled]) -> tuple[Share, ...]:
    """The win rate by category, the largest first."""
    clusters, numbers = record.clusters, defaultdict(list)
    for number, one in counted.items():
        if one.score is not None:
            numbers[record.items[number - 1].category].append((one.score, clusters[number - 1]))
    shares = [
        Share(
            category=category,
            items=len(judged),
            win_rate=_estimate(bounded_mean([score for score, _ in judged], [cluster for _, cluster in judged])),
        )
        for category, judged in numbers.items()
    ]
    return tuple(sorted(shares, key=lambda share: (-share.items, share.category)))


def _estimate(found: Interval) -> Estimate:
    return Estimate(value=found.value, low=found.low, high=found.high, n=found.n, reason=found.reason)


def _histories(record: Record) -> Estimate:
    """The share of asked items with a history that the incumbent is known to have written in part."""
    asked, clusters = sorted(record.trials), record.clusters
    own = [float(_wrote(record.run.plan, record.items[number - 1])) for number in asked]
    found = share(own, len(own), [clusters[number - 1] for number in asked])
    return _estimate(found)


def _wrote(plan: Plan, item: Item) -> bool:
    names = {getattr(plan.incumbent, name).lower() for name in _PUBLIC}
    return any(author.lower() in names for author in item.authors)


def _ended(record: Record, number: int, side: Side, ending: str) -> bool:
    trial = record.trials.get(number, {}).get(side)
    return trial is not None and trial.ending == ending


def _clearest(record: Record, counted: Mapping[int, Settled], chosen: Sequence[Chosen], *, won: bool) -> tuple[int, ...]:
    """The items on which judges agree most that the challenger won (or lost), then those where a program's scores lie furthest
    apart, and of those the quickest to read, of every category in turn."""
    judgments: dict[int, int] = defaultdict(int)
    deciding = {verdict.id: verdict for verdict in record.verdicts if decides(record.run.spec, verdict)}
    apart: dict[int, float] = defaultdict(float)
    for one in chosen:
        if one.score is not None and one.id in deciding:
            judgments[one.number] += 1
            parts = deciding[one.id].parts
            apart[one.number] += abs(parts.get("challenger", 0.0) - parts.get("incumbent", 0.0))
    clear = {
        number: (-abs(one.score - 0.5), -judgments[number], -apart[number])
        for number, one in counted.items()
        if one.score is not None and judgments[number] and (one.score > 0.5 if won else one.score < 0.5)
    }
    taken: dict[tuple[object, str], int] = defaultdict(int)
    ranked = []
    for number in sorted(clear, key=lambda number: (_letters(record, number), number)):
        kind = (clear[number], record.items[number - 1].category)
        ranked.append((clear[number], taken[kind], number))
        taken[kind] += 1
    return tuple(number for *_, number in sorted(ranked, key=lambda one: one[:2])[:MOST_CLEAREST])


def _waiting(record: Record, settled: Mapping[int, Settled]) -> int:
    """How many items both have answered that only a person can settle, while it matters."""
    if record.run.spec.judges[0] != HUMAN or record.run.state == "ended":
        return 0
    return sum(len(trials) == len(SIDES) and number not in settled for number, trials in record.trials.items())


def _letters(record: Record, number: int) -> int:
    """How much there is to read in an item: what was asked, and both answers."""
    asked = sum(len(message.text) for message in record.items[number - 1].request.transcript.messages)
    return asked + sum(len(trial.answer.text) for trial in record.trials[number].values())


def _spent(record: Record) -> Money | None:
    """What it cost, with the most that calls of unknown cost can have cost; of several currencies the budget's, or the largest."""
    budget = record.run.spec.budget
    amounts = {spent.currency: spent.known + spent.held for spent in record.spent}
    if not amounts:
        return None
    currency = budget.currency if budget is not None and budget.currency in amounts else max(amounts, key=lambda c: (amounts[c], c))
    return Money(amounts[currency], currency)
