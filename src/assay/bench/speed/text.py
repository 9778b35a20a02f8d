"""A measurement of speed, for reading in the terminal."""

from __future__ import annotations

from assay.bench.speed.report import Side, SpeedReport
from assay.bench.speed.spec import SpeedSpec
from assay.core.columns import padded, width
from assay.stats import Interval

_NAMES = {
    "ttft": "to the first piece",
    "between_tokens": "between tokens",
    "pause": "between pieces",
    "total": "in all",
    "tokens_per_s_each": "tokens/s, one answer",
    "characters_per_s_each": "characters/s, one answer",
    "bytes_per_s_each": "bytes/s, one answer",
    "requests_per_s": "answers/s, together",
    "tokens_per_s": "tokens/s, together",
    "characters_per_s": "characters/s, together",
    "bytes_per_s": "bytes/s, together",
    "goodput_per_s": "answers/s within the bounds",
    "within_slo": "share within the bounds",
}
_REASONS = {"few_requests": "too few requests", "not_counted": "not counted", "no_spread": "no spread", "one_cluster": "one repeat"}
NOTES = {
    "errors": "One question in a hundred failed, or more: the times are those of the rest, and only goodput is compared.",
    "own_limit": "Our own side worked at more than half of what it can: its delays are in these times.",
    "late": "Some questions were sent more than 5 ms after they were due: our own side was busy. The wait is in their times.",
    "tokens_unknown": "Some answers came without a count of tokens; they are in no number of tokens.",
}


def as_text(report: SpeedReport) -> str:
    """The schedule, a table of all numbers with their intervals, and our own limit."""
    sides = [report.a] if report.b is None else [report.a, report.b]
    verdicts = {one.name: (_interval(one.difference), one.verdict) for one in report.paired}
    heads = ["", *(side.model for side in sides), *(("A less B", "") if report.b is not None else ())]
    lines = [heads]
    for at, figure in enumerate(report.a.figures):
        cells = [_interval(side.figures[at].value) for side in sides]
        lines.append([_name(figure.name), *cells, *(verdicts.get(figure.name, ("", "")) if report.b is not None else ())])
    own = report.own
    return "\n".join(
        [
            _schedule(report.spec, report.order),
            "",
            *_columns(lines),
            "",
            *(_counts(side) for side in sides),
            f"own side: {own.events_per_s:,.0f} events/s at most, {own.used:.2%} of it used; late by {own.late_p50_ms:.2f} ms (p50), "
            f"{own.late_p99_ms:.2f} ms (p99); questions sent at most {max(side.late_ms for side in sides):.2f} ms late",
            *(NOTES[note] for note in report.notes),
        ]
    )


def _schedule(spec: SpeedSpec, order: str) -> str:
    how = f"open, {spec.rate_per_s:g} questions/s" if spec.schedule == "open" else f"closed, {spec.concurrency} at once"
    return f"{how}; {spec.repeats} repeats of {spec.requests} ({order}); numbers are means over repeats with 95 % intervals"


def _counts(side: Side) -> str:
    errors = ", ".join(f"{count} {code}" for code, count in side.errors.items())
    cost = " + ".join(map(str, side.cost)) or "no price known"
    said = f"{side.tokens:,} tokens, {side.characters:,} characters, {side.bytes:,} bytes"
    return f"{side.model}: {side.answered} of {side.asked} answered{f' ({errors})' if errors else ''}; {said}; {cost}"


def _name(figure: str) -> str:
    if figure in _NAMES:
        return _NAMES[figure]
    name, quantile, unit = figure.rsplit("_", 2)
    return f"{_NAMES[name]}, {quantile} ({unit})"


def _interval(found: Interval) -> str:
    if found.value is None:
        return _REASONS.get(found.reason or "", found.reason or "")
    if found.low is None or found.high is None:
        return f"{_number(found.value)} ({_REASONS.get(found.reason or '', found.reason or '')})"
    return f"{_number(found.value)} ({_number(found.low)} to {_number(found.high)})"


def _number(value: float) -> str:
    """Three figures, and no digits before the point lost."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _columns(lines: list[list[str]]) -> list[str]:
    widths = [max(width(line[at]) for line in lines) for at in range(len(lines[0]))]
    return ["  ".join(padded(cell, size) for cell, size in zip(line, widths, strict=True)).rstrip() for line in lines]
