"""What a report says in words: the answer first, then what it rests on. Plain and short; every sentence can be checked against a number."""

from __future__ import annotations

from collections.abc import Mapping

from assay.challenge.figures import bound, counted, level, listed, money, percent, points
from assay.challenge.report import Estimate, JudgeNote, Report
from assay.challenge.spec import HUMAN, PROGRAM, SIDES, Content, Example, Side, Source, Traffic

METRICS = {
    "cost_per_1000": "Cost of 1,000 answers",
    "ttft_p50": "First token, median",
    "ttft_p95": "First token, 95th percentile",
    "total_p50": "Whole answer, median",
    "total_p95": "Whole answer, 95th percentile",
    "failure_rate": "Failed",
    "refusal_rate": "Refused",
    "truncation_rate": "Cut off by the length limit",
    "schema_valid_rate": "Valid where JSON was asked for",
    "divergence_rate": "Diverged from the recording",
    "length": "Length of the answer, mean",
    "output_tokens": "Tokens out, mean",
}
"""What each metric is called."""

ANSWERS: dict[float | str, str] = {
    "switch": "switch",
    "do_not_switch": "do not switch",
    "cannot_tell": "cannot tell yet",
    "budget_spent": "budget spent",
}
"""What each answer is called within a sentence."""

REASONS = {
    "no_data": "nothing measured",
    "no_price": "no price known",
    "other_currency": "in another currency",
    "no_json_asked": "no JSON asked for",
    "not_both_known": "not known for both",
    "one_cluster": "only one observation",
    "no_spread": "all are alike",
    "too_few": "too few",
    "one_choice": "both always chose the same",
    "one_sided": "one side always won",
    "separated": "length tells all",
    "too_steep": "length tells nearly all",
    "no_taste": "rules, no taste",
    "one_order": "saw one order each",
}
"""Why a number or its interval is missing."""

WARNINGS = {
    "judges_itself": "judges itself: it is one of the two contestants, or the same model, and models tend to prefer their own answers",
    "judges_its_maker": "is made by the organization that made one of the contestants, and models tend to prefer their kin's answers",
}
"""What to beware of in a judge."""

_KINDS = {"human": "a person", "model": "a model", "program": "a program"}


def names(report: Report) -> tuple[str, str]:
    """The challenger and the incumbent."""
    return report.sides["challenger"], report.sides["incumbent"]


def reason_of(estimate: Estimate) -> str:
    """Why the number, or its interval, is missing; empty where nothing is."""
    if estimate.reason is None:
        return "" if estimate.value is not None else REASONS["no_data"]
    return REASONS.get(estimate.reason, estimate.reason.replace("_", " "))


def headline(report: Report) -> str:
    """The answer in one sentence."""
    new, old = names(report)
    word = report.decision.word if report.decision is not None else None
    if word == "switch":
        return f"Switch: {_shown_by_switch(report, new, old)} on this work."
    if word == "do_not_switch":
        return f"Do not switch: {_shown_by_stay(report, new, old)} on this work."
    if word == "budget_spent":
        return f"Budget spent, and no answer yet: {_more(report)}."
    if report.state == "running":
        return "Running: no answer yet."
    if report.state == "stopped":
        return f"Stopped before there was an answer: {_more(report)}."
    if report.state == "interrupted":
        return f"Interrupted before there was an answer: {_more(report)}."
    return f"Cannot tell yet: {_more(report)}."


def evidence(report: Report) -> str:
    """What the answer rests on: the win rate, its bounds, and how many items."""
    new, _ = names(report)
    rate, tally = report.win_rate, report.tally
    if rate.value is None or rate.low is None or rate.high is None:
        return f"No item has been judged yet, of {counted(tally.planned, 'item')} planned."
    of, counts = counted(tally.judged, "judged item"), "ties count half"
    if rate.n != tally.judged:
        of += f" in {counted(rate.n, 'cluster')}"
        counts += ", each cluster counts the same"
    sure = level(report.spec.confidence)
    low, high = (f"{bound(one, report.spec.margin)} %" for one in (rate.low, rate.high))
    return (
        f"{new} won {percent(rate.value)} of {of} ({counts}). Its true win rate is at least {low} and at most "
        f"{high}, each with {sure} confidence, however often somebody looked before."
    )


def cautions(report: Report) -> list[str]:
    """What a reader must know before the answer is acted on, each in a sentence or two; mostly there is nothing."""
    word = report.decision.word if report.decision is not None else None
    told = {one.code: one for one in report.assumptions}
    said = []
    if (failed := told.get("failed")) is not None and word in ("switch", "do_not_switch"):
        lost = failed.values.get("if_lost", word)
        said += (
            [f"Mind the failures: were each failure of the challenger a loss, it would be: {ANSWERS[lost]}."]
            if lost != word
            else []
        )
    if "rests_on_even" in told and 2 * report.tally.tied >= report.tally.judged:
        said.append(told["rests_on_even"].text)
    return said


def shown_so_far(report: Report) -> str:
    """Whether each of the two things that can be shown has been."""
    better = "shown" if report.superior else "not shown"
    no_worse = "shown" if report.no_worse else "not shown"
    return f"Better: {better}. No worse by more than {points(report.spec.margin)}: {no_worse}."


def left_out(report: Report) -> str:
    """The share of items that give no evidence, by why; empty before the first item."""
    tally = report.tally
    of = tally.judged + tally.diverged + tally.failed + tally.unjudged
    if not of:
        return ""
    failures = next((one.values for one in report.assumptions if one.code == "failed"), {})
    parts = [
        (tally.diverged, _by_side(report.diverged), "diverged from the recording"),
        (tally.failed, _by_side(failures), "failed"),
        (
            tally.unjudged,
            "",
            "got no usable judgment" if report.spec.judges[0] != HUMAN else "went unjudged, since a person skipped the pair",
        ),
    ]
    said = [f"{counted(count, 'item')} ({percent(count / of)}{by_side}) {what}" for count, by_side, what in parts if count]
    diverged = "" if tally.diverged else "No item diverged from the recording. "
    return f"{diverged}{listed(said)}: no evidence for either side." if said else diverged.strip()


def histories(report: Report) -> str:
    """The share of items that go on from the incumbent's own words; empty before the first item."""
    share = report.histories_by_incumbent
    if share.value is None:
        return ""
    if not share.value:
        return "No item continues a history that the incumbent is known to have written."
    return f"The incumbent wrote at least part of the history of {_share(share)} of the items asked."


def asked(report: Report) -> str:
    """What was asked, of whom, judged by whom, and when."""
    new, old = names(report)
    goal = "better than" if report.spec.goal == "better" else "no worse than"
    return (
        f"Is {new} {goal} {old}? Asked of both: {source(report.spec.source)}. Judged blind by {judged_by(report.spec.judges)}. "
        f"{period(report)}."
    )


def period(report: Report) -> str:
    """When it ran, to the minute, UTC."""
    began = _minute(report.at)
    return f"Begun {began} UTC" if report.ended_at is None else f"{began} to {_minute(report.ended_at)} UTC"


def source(source: Source) -> str:
    """Where the items came from."""
    if isinstance(source, Traffic):
        limits = [f"{name} {value}" for name, value in (("key", source.key), ("alias", source.alias), ("tag", source.tag)) if value]
        return f"recorded traffic ({', '.join(limits)})" if limits else "recorded traffic"
    if isinstance(source, Content):
        return f"the file {source.name}"
    if isinstance(source, Example):
        return f"the shipped example {source.name}"
    return f"the work {source.name}"


def judged_by(judges: tuple[str, ...]) -> str:
    """Who decides."""
    if judges[0] == HUMAN:
        return "people"
    if judges[0] == PROGRAM:
        return "a program"
    return judges[0] if len(judges) == 1 else f"a jury of {listed(judges)}"


def judge(note: JudgeNote) -> str:
    """One judge in a sentence or two."""
    said = [f"{note.judge} ({_KINDS[note.kind]}) {'decides' if note.decides else 'checks'}: {counted(note.judgments, 'judgment')}"]
    said += [f"{note.unparsed:,} unreadable"] if note.unparsed else []
    said += [f"{note.failed:,} failed"] if note.failed else []
    said += [f"cost {money(note.cost)}"] if note.cost is not None else []
    return ", ".join(said) + "."


def biases(note: JudgeNote) -> list[str]:
    """What was found to sway a judge, and what to beware of."""
    said = [f"{note.judge} {WARNINGS.get(warning, warning)}." for warning in note.warnings]
    order, length = note.order_effect.value, note.length_effect.value
    if "order" in note.found and order is not None:
        which = "first" if order > 0 else "second"
        first = (
            f"Order effect found: it chose whichever answer stood {which} in {percent(0.5 + abs(order))} of its decisive judgments."
        )
        after = (
            " Both orders are counted, so it favours neither model; what it turns round counts as even."
            if note.kind == "model"
            else ""
        )
        said.append(first + after)
    if "length" in note.found and length is not None:
        which = "longer" if length > 0 else "shorter"
        equal = note.win_rate_at_equal_length
        left = f" At equal length the win rate is estimated at {_share(equal)}." if equal.value is not None else ""
        said.append(
            f"Length effect found: {which} answers win more with it, whoever wrote them, be it for their length or for what is in them.{left}"
        )
    return said


def _shown_by_switch(report: Report, new: str, old: str) -> str:
    if report.superior:
        return f"{new} is better than {old}"
    return f"{new} is no worse than {old}, within {points(report.spec.margin)} of win rate,"


def _shown_by_stay(report: Report, new: str, old: str) -> str:
    if report.win_rate.high is not None and report.win_rate.high < 0.5:
        return f"{new} is worse than {old}"
    by = f" by {points(report.spec.margin)} of win rate or more" if report.spec.margin else ""
    return f"{new} is not better than {old}{by}"


def _more(report: Report) -> str:
    more = report.decision.more_items if report.decision is not None else None
    if more is None:
        return (
            "too little has been judged to say how much more it takes"
            if report.win_rate.n < 2
            else "how much more it takes is not in sight"
        )
    return f"about {counted(more, 'more item', 'more items')} would settle it, should they go on like these"


def _by_side(counts: Mapping[Side, int] | Mapping[str, float | str]) -> str:
    """How many of some items it was with each contestant; with both it may be the same item."""
    known = {str(side): count for side, count in counts.items()}
    return "".join(f"{sign} {side} {known[side]:,}" for sign, side in zip(";,", SIDES, strict=True) if side in known)


def _share(estimate: Estimate) -> str:
    if estimate.value is None:
        return reason_of(estimate)
    if estimate.low is None or estimate.high is None:
        return f"{percent(estimate.value)} ({reason_of(estimate)})"
    return f"{percent(estimate.value)} ({percent(estimate.low)} to {percent(estimate.high)})"


def _minute(iso: str) -> str:
    return iso[:16].replace("T", " ")
