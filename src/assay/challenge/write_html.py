"""A report as one HTML file that needs nothing else: no script, no link that loads, light and dark, and good on paper.

All that models, providers and people wrote is escaped and shown as text, never as markup. `CSP` forbids everything but the style
sheet within; it is in the file, and whoever serves the file sends it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from html import escape
from importlib.resources import files

from assay.challenge import words
from assay.challenge.charts import WIDTHS, evidence_chart, strength_chart, whisker
from assay.challenge.excerpt import Cut, Excerpt, excerpt
from assay.challenge.figures import bound, level, money, percent
from assay.challenge.report import Report
from assay.challenge.shown import ReadItem
from assay.challenge.tables import JUDGE_COLUMNS, Cell, agreement_rows, category_rows, judge_rows, metric_rows, win_rate_cell
from assay.core.columns import printable

CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
MOST_CHARS = 1_500
"""Of each text that is shown side by side."""
_MOST_ROWS = 20
_MOST_COLUMNS = 4
"""A table of more is wider than a phone, and scrolls there."""


def as_html(report: Report, items: Sequence[ReadItem] = ()) -> str:
    """The whole report. ``items`` are those of ``clearest_wins`` and ``clearest_losses``."""
    read = {item.number: excerpt(item, MOST_CHARS) for item in items}
    title = _text(words.headline(report))
    body = "\n".join(
        part
        for section in (_answer, _evidence, _categories, _metrics, _judges, lambda r: _to_read(r, read), _assumptions, _repeat)
        for part in section(report)
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{CSP}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>\n{_css()}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _answer(report: Report) -> Iterator[str]:
    yield f'<p class="kind">Assay, challenge · {_text(words.period(report))}</p>'
    yield f"<h1>{_text(words.headline(report))}</h1>"
    if report.trouble:
        yield f'<p class="trouble">{_text(report.trouble)}</p>'
    yield f'<p class="lede">{_text(words.evidence(report))}</p>'
    for caution in words.cautions(report):
        yield f"<p><strong>{_text(caution)}</strong></p>"
    yield f"<p>{_text(words.shown_so_far(report))} {_text(words.left_out(report))} {_text(words.histories(report))}</p>"
    spent = f" Spent: {money(report.spent)}." if report.spent is not None else ""
    waiting = f" Waiting for a vote: {report.waiting_for_people:,}." if report.waiting_for_people else ""
    yield f'<p class="muted">{_text(words.asked(report) + spent)}{waiting}</p>'


def _evidence(report: Report) -> Iterator[str]:
    if not report.evidence:
        return
    low, high = report.spec.zone
    sure = level(report.spec.confidence)
    yield "<h2>Evidence</h2>"
    yield _figure(
        report,
        evidence_chart,
        f"Win rate of the challenger after each observation. The band holds the true win rate, each edge with {sure} confidence at all looks "
        f"at once. Grey, {percent(low)} to {percent(high)}: either answer is right. The lower edge above the grey's foot says switch; "
        "the upper edge below the grey's top says do not switch.",
    )
    yield _figure(
        report,
        strength_chart,
        "How strong the evidence for either answer was (e-values, on a scale of powers of ten). At the dotted line it is enough.",
    )
    every, margin = -(-len(report.evidence) // _MOST_ROWS), report.spec.margin
    rows = [step for at, step in enumerate(report.evidence, 1) if at % every == 0 or at == len(report.evidence)]
    yield "<details><summary>The numbers behind the charts</summary>"
    yield from _table(
        "Evidence after so many observations",
        ("Observations", "Win rate", "Lower", "Upper", "For switch", "For do not switch"),
        [
            (
                f"{step.n:,}",
                percent(step.win_rate),
                *(f"{bound(one, margin)} %" for one in (step.low, step.high)),
                *(f"{10**evidence:,.4g}" for evidence in (step.switch, step.stay)),
            )
            for step in rows
        ],
    )
    yield "</details>"


def _categories(report: Report) -> Iterator[str]:
    rows = category_rows(report)
    if not rows:
        return
    zone, total = report.spec.zone, win_rate_cell(report)
    yield "<h2>Win rate by category</h2>"
    yield '<div class="wide-table shares"><table><caption>Share won by the challenger, ties half. The first row holds at any look; the others are '
    yield "95 % intervals for a hint, corrected neither for being several nor for stopping early.</caption>"
    yield '<thead><tr><th scope="col">Category</th><th scope="col">Items</th><th scope="col">Win rate</th>'
    yield '<th scope="col" class="scale">0 to 100 %</th></tr></thead><tbody>'
    yield _share("all", f"{report.tally.judged:,}", total, whisker(report.win_rate, zone), "all")
    for row in rows:
        yield _share(row.category, row.items, row.win_rate, whisker(row.estimate), "")
    yield "</tbody></table></div>"


def _share(name: str, items: str, of: Cell, drawn: str, kind: str) -> str:
    return (
        f'<tr class="{kind}"><th scope="row"><bdi>{_text(name)}</bdi></th><td>{items}</td>'
        f'<td>{_cell(of)}</td><td class="scale">{drawn}</td></tr>'
    )


def _metrics(report: Report) -> Iterator[str]:
    new, old = words.names(report)
    yield "<h2>What else was measured</h2>"
    rows = [
        (f'{row.title}<span class="note"> {row.items}</span>', *map(_cell, (row.challenger, row.incumbent, row.difference)))
        for row in metric_rows(report)
    ]
    yield from _table(
        "Both on the same items, with 95 % intervals. The difference is challenger less incumbent, item by item.",
        ("", f'<bdi class="a">{_text(new)}</bdi>', f'<bdi class="b">{_text(old)}</bdi>', "Difference"),
        rows,
    )


def _judges(report: Report) -> Iterator[str]:
    if not report.judges:
        return
    yield "<h2>Judges</h2><ul>"
    for note in sorted(report.judges, key=lambda note: not note.decides):
        said = "</strong> <strong>".join(_text(one) for one in words.biases(note))
        yield f"<li>{_text(words.judge(note))}" + (f" <strong>{said}</strong>" if said else "") + "</li>"
    yield "</ul>"
    yield from _table(
        "How each judge chose, and what swayed it, with 95 % intervals",
        ("Judge", "Judgments", *JUDGE_COLUMNS.values()),
        [
            (
                f'<bdi>{_text(row.judge)}</bdi><span class="note"> {row.role}</span>',
                row.judgments,
                *map(_cell, (row.win_rate, row.order_effect, row.order_flips, row.length_effect, row.at_equal_length)),
            )
            for row in judge_rows(report)
        ],
    )
    if report.agreements:
        yield from _table(
            "Agreement of every two judges on the pairs that both judged: challenger, incumbent or neither; kappa is agreement beyond chance",
            ("Judges", "Pairs", "Chose alike", "Kappa"),
            [(f"<bdi>{_text(row.judges)}</bdi>", row.pairs, _cell(row.rate), _cell(row.kappa)) for row in agreement_rows(report)],
        )


def _to_read(report: Report, read: dict[int, Excerpt]) -> Iterator[str]:
    new, old = words.names(report)
    for title, numbers in (("Clearest wins", report.clearest_wins), ("Clearest losses", report.clearest_losses)):
        found = [read[number] for number in numbers if number in read]
        if found:
            yield f'<h2>{title}</h2><p class="muted">Of those on which the judges agree most, the quickest to read, of every category in turn.</p>'
        for one in found:
            where = f' <span class="muted">{_text(one.origin)}</span>' if one.origin else ""
            yield f"<article><h3>Item {one.number}: {_text(one.category)}{where}</h3>"
            yield _said("asked", "Asked", one.asked)
            yield f'<div class="sides">{_said("side", new, one.challenger, "a")}{_said("side", old, one.incumbent, "b")}</div>'
            yield (
                '<ul class="opinions">'
                + "".join(f'<li dir="auto">{_text(opinion)}</li>' for opinion in one.opinions)
                + "</ul></article>"
            )


def _said(kind: str, who: str, text: Cut, side: str = "") -> str:
    """What somebody wrote: text in its own language and direction, whatever it looks like."""
    note = f'<p class="note">{text.note}</p>' if text.note else ""
    said = _text(text.text) if text.text else '<span class="muted">nothing</span>'
    return f'<div class="{kind}"><h4 class="{side}"><bdi>{_text(who)}</bdi></h4><div class="said" dir="auto" lang="">{said}</div>{note}</div>'


def _assumptions(report: Report) -> Iterator[str]:
    if report.assumptions:
        yield "<h2>What it assumed</h2><ul>" + "".join(f"<li>{_text(one.text)}</li>" for one in report.assumptions) + "</ul>"


def _repeat(report: Report) -> Iterator[str]:
    how = report.repeat
    facts = {
        "Challenge": report.id,
        "Assay": how.version,
        "Seed": str(how.seed),
        "Items, SHA-256": how.items_hash,
        "Rubric, SHA-256": how.rubric_hash,
        "Last judgment in the chain, SHA-256": how.chain_head,
    }
    yield f'<h2>How to repeat it</h2><pre class="command">{_text(how.command)}</pre><dl>'
    for name, value in facts.items():
        if value is not None:
            yield f'<dt>{name}</dt><dd class="hash">{_text(value)}</dd>'
    yield '</dl><footer class="muted">Made by Assay. Nothing on this page is loaded from anywhere, and nothing in it runs.</footer>'


def _figure(report: Report, chart: Callable[[Report, int], str], caption: str) -> str:
    drawn = "".join(f'<div class="{name}">{chart(report, pixels)}</div>' for name, pixels in WIDTHS)
    return f"<figure>{drawn}<figcaption>{caption}</figcaption></figure>"


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """``heads`` and ``rows`` are markup already."""
    kind = "wide-table many" if len(heads) > _MOST_COLUMNS else "wide-table"
    yield f'<div class="{kind}" tabindex="0" role="region" aria-label="{caption}"><table><caption>{caption}</caption><thead><tr>'
    yield "".join(f'<th scope="col">{head}</th>' if head else "<td></td>" for head in heads) + "</tr></thead><tbody>"
    for first, *others in rows:
        yield f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{other}</td>" for other in others) + "</tr>"
    yield "</tbody></table></div>"


def _cell(of: Cell) -> str:
    mark = f' <span class="{of.mark}">{of.mark}</span>' if of.mark else ""
    kind = "note interval" if " to " in of.note else "note"
    note = f' <span class="{kind}">{_text(of.note)}</span>' if of.note else ""
    return f"{_text(of.value)}{mark}{note}"


def _text(text: str) -> str:
    """``text`` as text: no markup, no control character, no turn of the reading direction that outlasts it."""
    return escape(printable(text))


@cache
def _css() -> str:
    return files("assay.challenge").joinpath("report.css").read_text("utf-8")
