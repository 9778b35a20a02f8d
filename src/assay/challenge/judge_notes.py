"""What is known of the judges themselves: how they chose, what swayed them, and whether they agree.

A judge's choice on an item is that of its judgments together: a model that sees both orders and is turned round by them has
chosen neither. Agreement is counted on such choices. A judge that helps to decide is held against people who voted as a check.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import log2
from statistics import fmean

import msgspec

from assay.challenge.metrics import Facts
from assay.challenge.plan import Plan
from assay.challenge.record import Chosen, JudgeKind, Record, kind_of
from assay.challenge.report import Agreement, Estimate, JudgeNote
from assay.challenge.spec import HUMAN, PROGRAM
from assay.core import Deployment, Money
from assay.stats import Interval, LengthEffect, agree, bounded_mean, length_effect, order_effect, share

PEOPLE = "people"
"""All persons together, in agreements."""


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """All judgments of one judge: ``by`` is what verdicts call it, ``name`` what people call it."""

    by: str
    name: str
    kind: JudgeKind
    judgments: Sequence[Chosen]

    def scores(self) -> dict[int, float]:
        """The mean score by item, over the judgments that chose; of a model only where both orders did, as in the evidence."""
        by_item: dict[int, list[float]] = {}
        for chosen in self.judgments:
            if chosen.score is not None:
                by_item.setdefault(chosen.number, []).append(chosen.score)
        needed = 2 if self.kind == "model" else 1
        return {number: fmean(scores) for number, scores in by_item.items() if len(scores) >= needed}


def benches(record: Record, chosen: Iterable[Chosen]) -> list[Bench]:
    """The judges: first those named in the spec, in that order, then whoever else judged, in the order they came."""
    by_judge: dict[str, list[Chosen]] = {judge.id: [] for judge in record.run.plan.judges}
    if PROGRAM in record.run.spec.judges:
        by_judge[PROGRAM] = []
    for one in chosen:
        by_judge.setdefault(PROGRAM if one.kind == "program" else one.judge, []).append(one)
    return [
        Bench(by=by, name=record.people.get(by, by), kind=all_of[0].kind if all_of else kind_of(by), judgments=all_of)
        for by, all_of in by_judge.items()
    ]


def note_judges(record: Record, judges: Sequence[Bench], facts: Facts) -> tuple[JudgeNote, ...]:
    """A note on each judge."""
    return tuple(_note(record, bench, facts) for bench in judges)


def agreements(record: Record, judges: Sequence[Bench]) -> tuple[Agreement, ...]:
    """Agreement of every two judges that judged an item in common, and of every other judge with all persons together."""
    clusters, scores = record.clusters, {bench.by: bench.scores() for bench in judges}
    found = []
    for one, other in combinations(judges, 2):
        common = sorted(scores[one.by].keys() & scores[other.by].keys())
        pairs = [(number, scores[one.by][number], scores[other.by][number]) for number in common]
        found.append(_agreement(one.name, other.name, pairs, clusters))
    persons = [bench for bench in judges if bench.kind == "human"]
    if len(persons) > 1:
        for bench in judges:
            if bench.kind != "human":
                own = scores[bench.by]
                votes = [(n, own[n], score) for person in persons for n, score in scores[person.by].items() if n in own]
                found.append(_agreement(bench.name, PEOPLE, sorted(votes), clusters))
    return tuple(agreement for agreement in found if agreement.pairs)


def _note(record: Record, bench: Bench, facts: Facts) -> JudgeNote:
    clusters, scores = record.clusters, bench.scores()
    by_item = [clusters[number - 1] for number in scores]
    decisive = [chosen for chosen in bench.judgments if chosen.score in (0, 1)]
    order = order_effect(
        [float((chosen.score == 1) == chosen.challenger_first) for chosen in decisive],
        [clusters[chosen.number - 1] for chosen in decisive],
    )
    length = _length_effect(scores, facts, clusters)
    has_taste = (
        bench.kind != "program"
    )  # rules lean to no place and to no length: what length tells there is which answers are right
    biases = {"order": order, "length": length.per_doubling} if has_taste else {}
    return JudgeNote(
        judge=bench.name,
        kind=bench.kind,
        decides=bench.by in record.run.spec.judges or (bench.kind == "human" and record.run.spec.judges == (HUMAN,)),
        judgments=sum(chosen.score is not None for chosen in bench.judgments),
        unparsed=sum(chosen.outcome == "unparsed" for chosen in bench.judgments),
        failed=sum(chosen.outcome == "error" for chosen in bench.judgments),
        win_rate=_estimate(bounded_mean(list(scores.values()), by_item)),
        order_effect=_estimate(order) if has_taste else Estimate(reason="no_taste"),
        order_flips=_order_flips(bench, clusters) if bench.kind == "model" else Estimate(reason="one_order"),
        length_effect=_estimate(length.per_doubling) if has_taste else Estimate(reason="no_taste"),
        win_rate_at_equal_length=_estimate(length.win_rate_at_equal_length) if has_taste else Estimate(reason="no_taste"),
        found=tuple(name for name, effect in biases.items() if _leaves_out_none(effect)),
        warnings=_warnings(bench, record.run.plan),
        cost=_cost(bench, record),
    )


def _length_effect(scores: Mapping[int, float], facts: Facts, clusters: Sequence[str]) -> LengthEffect:
    known = []
    for number, score in scores.items():
        sides = facts.get(number, {})
        lengths = [sides[side].length for side in ("challenger", "incumbent") if side in sides]
        if len(lengths) == 2 and lengths[0] and lengths[1]:
            known.append((score, log2(lengths[0] / lengths[1]), clusters[number - 1]))
    return length_effect([row[0] for row in known], [row[1] for row in known], [row[2] for row in known])


def _order_flips(bench: Bench, clusters: Sequence[str]) -> Estimate:
    """The share of pairs judged in both orders on which the judge did not choose the same answer, or none, both times."""
    seen: dict[int, dict[bool, float]] = {}
    for chosen in bench.judgments:
        if chosen.score is not None:
            seen.setdefault(chosen.number, {})[chosen.challenger_first] = chosen.score
    both = {number: orders for number, orders in seen.items() if len(orders) == 2}
    flips = [float(orders[True] != orders[False]) for orders in both.values()]
    return _estimate(share(flips, len(flips), [clusters[number - 1] for number in both]))


def _agreement(first: str, second: str, pairs: Sequence[tuple[int, float, float]], clusters: Sequence[str]) -> Agreement:
    by_item = [clusters[number - 1] for number, _, _ in pairs]
    rate, kappa = agree([_code(one) for _, one, _ in pairs], [_code(other) for _, _, other in pairs], by_item)
    return Agreement(first=first, second=second, pairs=len(pairs), rate=_estimate(rate), kappa=_estimate(kappa))


def _code(score: float) -> int:
    """Challenger, incumbent or neither."""
    return 0 if score > 0.5 else 1 if score < 0.5 else 2


def _leaves_out_none(effect: Interval) -> bool:
    return effect.low is not None and effect.high is not None and not effect.low <= 0 <= effect.high


def _warnings(bench: Bench, plan: Plan) -> tuple[str, ...]:
    """``judges_itself``: the judge is a contestant, or the same model elsewhere. ``judges_its_maker``: its maker made one of them."""
    judge = next((deployment for deployment in plan.judges if deployment.id == bench.by), None)
    if judge is None:
        return ()
    contestants = (plan.challenger, plan.incumbent)
    if any(_is_same(judge, one) for one in contestants):
        return ("judges_itself",)
    if judge.organization is not None and any(judge.organization == one.organization for one in contestants):
        return ("judges_its_maker",)
    return ()


def _is_same(one: Deployment, other: Deployment) -> bool:
    return one.id == other.id or one.model == other.model


def _cost(bench: Bench, record: Record) -> Money | None:
    """What its judgments cost; None where that of any is not known, or they are of several currencies."""
    if bench.kind != "model" or not bench.judgments:
        return None
    costs = [record.judgments[one.id].cost for one in bench.judgments if one.id in record.judgments]
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs) or len({cost.currency for cost in known}) != 1:
        return None
    return sum(known[1:], known[0])


def _estimate(found: Interval) -> Estimate:
    return Estimate(value=found.value, low=found.low, high=found.high, n=found.n, reason=found.reason)
