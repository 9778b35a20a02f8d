"""The tables of a report, as the three written forms share them: what stands in each cell, not how it is drawn."""

from __future__ import annotations

from typing import Literal

import msgspec

from assay.challenge.figures import SHARES, Scale, bound, counted, percent, scale_of
from assay.challenge.report import Estimate, JudgeNote, Metric, Report
from assay.challenge.words import METRICS, reason_of

_LOG_ODDS = Scale(1, "", 2, "")
_KAPPA = Scale(1, "", 2, "")


class Cell(msgspec.Struct, frozen=True):
    """A number with its unit, or a word where there is none; under it the interval, or why there is none.

    ``mark`` says in a word what a difference means, where its interval tells.
    """

    value: str
    note: str = ""
    mark: Literal["", "better", "worse"] = ""


class MetricRow(msgspec.Struct, frozen=True):
    """One metric of both. ``items``: of how many items it is."""

    title: str
    items: str
    challenger: Cell
    incumbent: Cell
    difference: Cell


class CategoryRow(msgspec.Struct, frozen=True):
    """The win rate in one category."""

    category: str
    items: str
    win_rate: Cell
    estimate: Estimate


class JudgeRow(msgspec.Struct, frozen=True):
    """One judge in numbers."""

    judge: str
    role: str
    judgments: str
    win_rate: Cell
    order_effect: Cell
    order_flips: Cell
    length_effect: Cell
    at_equal_length: Cell


class AgreementRow(msgspec.Struct, frozen=True):
    """How two judges agree."""

    judges: str
    pairs: str
    rate: Cell
    kappa: Cell


def metric_rows(report: Report) -> list[MetricRow]:
    """All metrics, in the report's order."""
    return [_metric_row(metric) for metric in report.metrics]


def win_rate_cell(report: Report) -> Cell:
    """The win rate of all items with its bounds."""
    rate = report.win_rate
    if rate.value is None or rate.low is None or rate.high is None:
        return cell(rate, SHARES)
    return Cell(percent(rate.value), " to ".join(bound(one, report.spec.margin) for one in (rate.low, rate.high)))


def category_rows(report: Report) -> list[CategoryRow]:
    """All categories, the largest first."""
    return [
        CategoryRow(share.category, f"{share.items:,}", cell(share.win_rate, SHARES), share.win_rate) for share in report.categories
    ]


def judge_rows(report: Report) -> list[JudgeRow]:
    """All judges, those who decide first."""
    return [_judge_row(note) for note in sorted(report.judges, key=lambda note: not note.decides)]


def agreement_rows(report: Report) -> list[AgreementRow]:
    """Every two judges with pairs in common."""
    return [
        AgreementRow(f"{one.first}, {one.second}", f"{one.pairs:,}", cell(one.rate, SHARES), cell(one.kappa, _KAPPA))
        for one in report.agreements
    ]


def cell(estimate: Estimate, scale: Scale, *, signed: bool = False) -> Cell:
    """An estimate as a cell."""
    value = scale.value(estimate, signed=signed)
    if value is None:
        return Cell(reason_of(estimate))
    return Cell(value, scale.interval(estimate, signed=signed) or reason_of(estimate))


def _metric_row(metric: Metric) -> MetricRow:
    scale = scale_of(metric)
    difference = cell(metric.difference, scale, signed=True)
    return MetricRow(
        METRICS[metric.name],
        counted(max(metric.challenger.n, metric.incumbent.n), "item"),
        cell(metric.challenger, scale),
        cell(metric.incumbent, scale),
        msgspec.structs.replace(difference, mark=_mark(metric)),
    )


def _mark(metric: Metric) -> Literal["", "better", "worse"]:
    """Whether the challenger is better or worse, where that is known of the metric and its interval, as it is written, leaves out
    zero."""
    low, high = metric.difference.low, metric.difference.high
    if metric.better is None or low is None or high is None:
        return ""
    scale = scale_of(metric)
    if round(low * scale.factor, scale.decimals) <= 0 <= round(high * scale.factor, scale.decimals):
        return ""
    return "better" if (high < 0) == (metric.better == "lower") else "worse"


def _judge_row(note: JudgeNote) -> JudgeRow:
    trouble = [f"{count:,} {what}" for count, what in ((note.unparsed, "unreadable"), (note.failed, "failed")) if count]
    return JudgeRow(
        judge=note.judge,
        role=f"{note.kind}, {'decides' if note.decides else 'checks'}",
        judgments=", ".join((f"{note.judgments:,}", *trouble)),
        win_rate=cell(note.win_rate, SHARES),
        order_effect=cell(note.order_effect, SHARES, signed=True),
        order_flips=cell(note.order_flips, SHARES),
        length_effect=cell(note.length_effect, _LOG_ODDS, signed=True),
        at_equal_length=cell(note.win_rate_at_equal_length, SHARES),
    )


JUDGE_COLUMNS = {
    "win_rate": "Win rate",
    "order_effect": "For the first shown, over half",
    "order_flips": "Turned round by the order",
    "length_effect": "Log-odds per doubling of length",
    "at_equal_length": "Win rate at equal length",
}
"""What the columns of a judge are called."""
