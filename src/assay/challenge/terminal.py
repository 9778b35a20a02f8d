"""A report in the terminal: the answer first, within 100 columns."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from assay.challenge import words
from assay.challenge.figures import level, money
from assay.challenge.report import Report
from assay.challenge.tables import Cell, agreement_rows, category_rows, judge_rows, metric_rows, win_rate_cell
from assay.core.columns import padded, printable, shortened, width, wrapped

COLUMNS = 100
_GAP = "  "
_WHISKER = 41
"""Columns of a scale from 0 to 100 %: 2.5 points each."""


def as_text(report: Report) -> str:
    """The whole report. Only the command to repeat it may be wider, where one of its words is: it must work when it is copied."""
    sections = (_answer, _categories, _metrics, _judges, _reading, _assumptions, _repeat)
    return "\n\n".join("\n".join(lines) for section in sections if (lines := list(section(report))))


def _answer(report: Report) -> Iterator[str]:
    yield from _paragraph(words.headline(report))
    if report.trouble:
        yield from _paragraph(report.trouble)
    yield ""
    yield from _paragraph(words.evidence(report))
    for caution in words.cautions(report):
        yield from _paragraph(caution)
    yield from _paragraph(words.shown_so_far(report))
    yield from _paragraph(f"{words.left_out(report)} {words.histories(report)}")
    yield from _paragraph(words.asked(report))
    if report.spent is not None:
        yield from _paragraph(f"Spent: {money(report.spent)}.")
    if report.waiting_for_people:
        yield from _paragraph(f"Waiting for a vote: {report.waiting_for_people:,}.")


def _categories(report: Report) -> Iterator[str]:
    rows = category_rows(report)
    total = win_rate_cell(report)
    if not rows or report.win_rate.value is None:
        return
    wide = min(24, max(width(_flat(row.category)) for row in rows))
    wide = max(wide, width("all (at any look)"))
    yield f"{padded('Win rate', wide)}{_GAP}{'items':>6}{_GAP}{'':>7}{_GAP}{'interval':<14}{_GAP}0 %{'50':^{_WHISKER - 8}}100 %"
    bounds = (report.win_rate.low, report.win_rate.value, report.win_rate.high)
    yield _share("all (at any look)", f"{report.tally.judged:,}", total, bounds, wide)
    for row in rows:
        e = row.estimate
        yield _share(row.category, row.items, row.win_rate, (e.low, e.value, e.high), wide)


def _share(name: str, items: str, of: Cell, bounds: tuple[float | None, float | None, float | None], wide: int) -> str:
    name = padded(shortened(_flat(name), wide), wide)
    return f"{name}{_GAP}{items:>6}{_GAP}{of.value:>7}{_GAP}{shortened(of.note, 14):<14}{_GAP}{_whisker(*bounds)}".rstrip()


def _whisker(low: float | None, value: float | None, high: float | None) -> str:
    """``├──●──┤`` on a scale from 0 to 100 % with a stroke at 50."""
    cells = [" "] * _WHISKER
    cells[_WHISKER // 2] = "┊"
    if low is not None and high is not None:
        start, end = _place(low), _place(high)
        cells[start : end + 1] = "─" * (end + 1 - start)
        cells[start], cells[end] = "├", "┤"
    if value is not None:
        cells[_place(value)] = "●"
    return "".join(cells)


def _place(share: float) -> int:
    return round(share * (_WHISKER - 1))


def _metrics(report: Report) -> Iterator[str]:
    rows = [(row.title, (row.challenger, row.incumbent, row.difference)) for row in metric_rows(report)]
    under = [f"  {row.items}" for row in metric_rows(report)]
    yield from _table("Measured", (*words.names(report), "difference"), rows, under)


def _judges(report: Report) -> Iterator[str]:
    for note in sorted(report.judges, key=lambda note: not note.decides):
        yield from _paragraph(words.judge(note))
        for said in words.biases(note):
            yield from _paragraph(said, "  ")
    rows = [(f"{row.judge} ({row.role})", (row.win_rate, row.order_effect, row.length_effect)) for row in judge_rows(report)]
    if any(note.judgments for note in report.judges):
        yield ""
        yield from _table("Judge", ("win rate", "first shown, over ½", "log-odds/doubling"), rows)
    if report.agreements:
        yield ""
        pairs = [(f"{row.judges} ({row.pairs})", (row.rate, row.kappa)) for row in agreement_rows(report)]
        yield from _table("Agreement (pairs)", ("chose alike", "kappa"), pairs)


def _reading(report: Report) -> Iterator[str]:
    for what, numbers in (("wins", report.clearest_wins), ("losses", report.clearest_losses)):
        if numbers:
            yield f"Clearest {what} to read: items {', '.join(map(str, numbers))}"


def _assumptions(report: Report) -> Iterator[str]:
    if report.assumptions:
        yield "What it assumed"
        for one in report.assumptions:
            yield from _paragraph(one.text, "  ", first="- ")


def _repeat(report: Report) -> Iterator[str]:
    how = report.repeat
    yield "How to repeat it"
    yield from _command(how.command)
    yield f"  challenge {report.id}, confidence {level(report.spec.confidence)}, Assay {how.version}, seed {how.seed}"
    for name, value in (("items", how.items_hash), ("rubric", how.rubric_hash), ("judgments", how.chain_head)):
        if value is not None:
            yield f"  {name:<9} sha256 {value}"


def _command(command: str) -> Iterator[str]:
    """The command, broken between its words so that it can be copied whole."""
    line = " "
    for word in map(shlex.quote, shlex.split(_flat(command))):
        if width(line) + 1 + width(word) > COLUMNS - 2 and line.strip():
            yield f"{line} \\"
            line = "   "
        line += f" {word}"
    yield line


def _table(
    title: str, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[Cell]]], under: Sequence[str] = ()
) -> Iterator[str]:
    """Two lines a row: numbers, and below them their intervals, and ``under`` below the row's name."""
    size = 20
    first = COLUMNS - len(heads) * (size + len(_GAP))
    first = min(first, max(width(title), *(width(_flat(name)) for name, _ in rows)))
    yield padded(title, first) + "".join(_right(head, size) for head in heads)
    for (name, cells), below in zip(rows, under or [""] * len(rows), strict=True):
        values = "".join(_right(" ".join(filter(None, (of.mark, of.value))), size) for of in cells)
        yield padded(shortened(_flat(name), first), first) + values
        if below or any(of.note for of in cells):
            yield (padded(below, first) + "".join(_right(of.note, size) for of in cells)).rstrip()


def _right(text: str, size: int) -> str:
    return _GAP + padded(shortened(_flat(text), size), size, to_right=True)


def _paragraph(text: str, indent: str = "", *, first: str = "") -> Iterator[str]:
    hanging = indent + " " * len(first)
    for number, line in enumerate(wrapped(_flat(text), COLUMNS - len(hanging))):
        yield (hanging if number else indent + first) + line


def _flat(text: str) -> str:
    """On one line, and harmless: names come from providers."""
    return printable(" ".join(text.split()))
