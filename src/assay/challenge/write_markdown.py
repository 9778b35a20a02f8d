"""A report as Markdown (CommonMark with GitHub's tables), lined up so that it can also be read as it is.

What models, providers and people wrote is never markup here: in a line its special characters are escaped, and answers stand in
fences longer than any run of the fence's character within them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assay.challenge import words
from assay.challenge.excerpt import Cut, Excerpt, excerpt
from assay.challenge.figures import level, money
from assay.challenge.report import Report
from assay.challenge.shown import ReadItem
from assay.challenge.tables import JUDGE_COLUMNS, Cell, agreement_rows, category_rows, judge_rows, metric_rows, win_rate_cell
from assay.core.columns import padded, printable, width

MOST_CHARS = 800
"""Of each text that is shown side by side."""
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$])")
_LINK = re.compile(r"(\bwww|\bhttps?|\bftp)([.:])", re.IGNORECASE)
"""Beginnings that GitHub makes a link of."""
_LIST = re.compile(r"^(\d*)([-+=#]|(?<=\d)[.)])")
_TICKS = re.compile(r"`+")


def as_markdown(report: Report, items: Sequence[ReadItem] = ()) -> str:
    """The whole report. ``items`` are those of ``clearest_wins`` and ``clearest_losses``."""
    read = {item.number: excerpt(item, MOST_CHARS) for item in items}
    lines = [
        *_answer(report),
        *_categories(report),
        *_metrics(report),
        *_judges(report),
        *_to_read(report, read),
        *_assumptions(report),
        *_repeat(report),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _answer(report: Report) -> Iterator[str]:
    yield from (f"# {_plain(words.headline(report))}", "")
    if report.trouble:
        yield from (_plain(report.trouble), "")
    yield from (_plain(words.evidence(report)), "")
    for caution in words.cautions(report):
        yield from (f"**{_plain(caution)}**", "")
    yield from (_plain(words.shown_so_far(report)), "")
    if rests := " ".join(filter(None, (words.left_out(report), words.histories(report)))):
        yield from (_plain(rests), "")
    spent = f" Spent: {money(report.spent)}." if report.spent is not None else ""
    yield from (_plain(words.asked(report) + spent), "")


def _categories(report: Report) -> Iterator[str]:
    rows = category_rows(report)
    if not rows:
        return
    yield from ("## Win rate", "")
    total = _one(win_rate_cell(report))
    body = [[_plain(row.category), row.items, _one(row.win_rate)] for row in rows]
    every = f"all, at any look, {level(report.spec.confidence)} each bound"
    yield from _table(["Category", "Items", "Win rate, interval"], [[every, f"{report.tally.judged:,}", total], *body])


def _metrics(report: Report) -> Iterator[str]:
    new, old = map(_plain, words.names(report))
    yield from ("## Measured", "")
    rows = []
    for row in metric_rows(report):
        difference = _one(row.difference) + (f", {row.difference.mark}" if row.difference.mark else "")
        rows.append([f"{row.title} ({row.items})", _one(row.challenger), _one(row.incumbent), difference])
    yield from _table(["", new, old, "Difference"], rows)


def _judges(report: Report) -> Iterator[str]:
    yield from ("## Judges", "")
    for note in sorted(report.judges, key=lambda note: not note.decides):
        yield "- " + " ".join(_plain(said) for said in (words.judge(note), *words.biases(note)))
    yield ""
    rows = [
        [_plain(row.judge), row.role, row.judgments]
        + [_one(of) for of in (row.win_rate, row.order_effect, row.order_flips, row.length_effect, row.at_equal_length)]
        for row in judge_rows(report)
    ]
    yield from _table(["Judge", "Role", "Judgments", *JUDGE_COLUMNS.values()], rows)
    if report.agreements:
        yield from _table(
            ["Agreement of", "Pairs", "Chose alike", "Kappa"],
            [[_plain(row.judges), row.pairs, _one(row.rate), _one(row.kappa)] for row in agreement_rows(report)],
        )


def _to_read(report: Report, read: dict[int, Excerpt]) -> Iterator[str]:
    new, old = map(_plain, words.names(report))
    for title, numbers in (("Clearest wins", report.clearest_wins), ("Clearest losses", report.clearest_losses)):
        found = [read[number] for number in numbers if number in read]
        if found:
            yield from (f"## {title}", "", f"Texts are cut at {MOST_CHARS:,} characters.", "")
        for one in found:
            where = f" ({_plain(one.origin)})" if one.origin else ""
            yield from (f"### Item {one.number}: {_plain(one.category)}{where}", "")
            for who, text in (("Asked", one.asked), (new, one.challenger), (old, one.incumbent)):
                yield from (f"**{who}**" + (f" ({text.note})" if text.note else ""), "", *_fenced(text), "")
            yield from (*(f"- {_plain(opinion)}" for opinion in one.opinions), "")


def _assumptions(report: Report) -> Iterator[str]:
    if report.assumptions:
        yield from ("## What it assumed", "", *(f"- {_plain(one.text)}" for one in report.assumptions), "")


def _repeat(report: Report) -> Iterator[str]:
    how = report.repeat
    yield from ("## How to repeat it", "", *_fenced(Cut(printable(how.command)), "sh"), "")
    facts = {
        "challenge": report.id,
        "Assay": how.version,
        "seed": str(how.seed),
        "items, SHA-256": how.items_hash,
        "rubric, SHA-256": how.rubric_hash,
        "last judgment in the chain, SHA-256": how.chain_head,
    }
    yield from (f"- {name}: `{value}`" for name, value in facts.items() if value is not None)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    lines = [list(heads), *map(list, rows)]
    widths = [max(3, *(width(line[at]) for line in lines)) for at in range(len(heads))]
    for number, line in enumerate(lines):
        yield (
            "| "
            + " | ".join(padded(text, size, to_right=at > 0) for at, (text, size) in enumerate(zip(line, widths, strict=True)))
            + " |"
        )
        if number == 0:
            yield "| " + " | ".join("-" * size if at == 0 else "-" * (size - 1) + ":" for at, size in enumerate(widths)) + " |"
    yield ""


def _one(of: Cell) -> str:
    """A number and its interval in one cell."""
    return f"{of.value} ({of.note})" if of.note else of.value


def _plain(text: str) -> str:
    """``text`` in a line, as words and nothing else."""
    flat = _SPECIAL.sub(r"\\\1", printable(" ".join(text.split())))
    flat = _LINK.sub(r"\1\\\2", flat)
    return _LIST.sub(r"\1\\\2", flat)


def _fenced(text: Cut, language: str = "text") -> Iterator[str]:
    fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(text.text)), default=0))
    yield from (fence + language, *text.text.split("\n"), fence)
