"""Reports as HTML, Markdown and text: whole, harmless, and lined up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from assay.challenge import words
from assay.challenge.assemble import assemble
from assay.challenge.figures import bound, money, scale_of
from assay.challenge.record import Record
from assay.challenge.report import Decision, Estimate, Metric, Report
from assay.challenge.shown import ReadItem
from assay.challenge.tables import metric_rows
from assay.challenge.terminal import COLUMNS, as_text
from assay.challenge.write_html import CSP, MOST_CHARS, as_html
from assay.challenge.write_markdown import as_markdown
from assay.core import Money
from assay.core.columns import width, wrapped
from tests.challenge.records import JUDGE, NEW, OLD, Said, Story, judged, read, record_of

ROOT = Path(__file__).parent.parent.parent
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)> | `x` ```\n```\n# Switch\n[l](javascript:1) \x1b[2J\u202eevil &amp; \x00"
)
CJK = "深度求索/深度求索大模型旗舰版本二零二六年十一月"
SECTIONS = ("Switch:", "easured", "Agreement", "Clearest wins", "What it assumed", "How to repeat it")


class Tags(HTMLParser):
    """Every tag of a page with its attributes, and its text."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def decided() -> Record:
    """A challenge that ended with switch, of two categories, with votes as a check and some of everything."""
    stories = [*judged(*["new"] * 30), Story(chose={JUDGE.id: ("new", "old"), "p1": ("new",)}, asked="flips", category="maths")]
    stories = [stories[-1], *stories[:-1], Story(new=Said(ending="failed"), asked="f")]
    return record_of(stories, people={"p1": "王小明"})


def everything(record: Record) -> tuple[Report, list[ReadItem]]:
    report = assemble(record)
    return report, [read(record, number) for number in (*report.clearest_wins, *report.clearest_losses)]


def named(report: Report, new: str, old: str = OLD.id) -> Report:
    judges = tuple(msgspec.structs.replace(note, judge=new) for note in report.judges)
    return msgspec.structs.replace(report, sides={"challenger": new, "incumbent": old}, judges=judges, trouble=new)


def test_the_answer_comes_first_and_every_section_follows() -> None:
    report, items = everything(decided())
    for written in (as_text(report), as_markdown(report, items), Tags(as_html(report, items)).text):
        assert f"Switch: {NEW.id} is better than {OLD.id} on this work." in written
        places = [written.find(section) for section in SECTIONS]
        assert -1 not in places
        assert places == sorted(places)
        assert report.repeat.items_hash in written
        assert str(report.repeat.chain_head) in written
    assert as_text(report).startswith("Switch:")
    assert as_markdown(report, items).startswith("# Switch:")


def test_every_metric_is_written_in_every_form() -> None:
    report, items = everything(decided())
    assert {metric.name for metric in report.metrics} == words.METRICS.keys()
    for written in (as_text(report), as_markdown(report, items), Tags(as_html(report, items)).text):
        for metric in report.metrics:
            assert words.METRICS[metric.name] in written


def test_every_metric_says_of_how_many_items_it_is() -> None:
    record = record_of([*judged("new", "old"), Story(asked="f", new=Said(ending="failed"))])
    report, items = everything(record)
    for written in (as_text(report), as_markdown(report, items), Tags(as_html(report, items)).text):
        flat = " ".join(written.split())
        assert re.search(r"Length of the answer, mean .{0,99}2 items", flat)
        assert re.search(r"Failed .{0,99}3 items", flat)


def test_every_reason_has_words() -> None:
    report, _ = everything(record_of(judged("new")))
    estimates = [e for metric in report.metrics for e in (metric.challenger, metric.incumbent, metric.difference)]
    estimates += [share.win_rate for share in report.categories]
    for note in report.judges:
        estimates += [note.win_rate, note.order_effect, note.order_flips, note.length_effect, note.win_rate_at_equal_length]
    assert {e.reason for e in estimates if e.reason} <= words.REASONS.keys()


def test_what_models_wrote_is_text_in_html_and_nothing_else() -> None:
    record = record_of(
        [
            Story(chose={JUDGE.id: ("new", "new")}, asked=f"{HOSTILE} {n}", category=HOSTILE, new=Said(text=HOSTILE))
            for n in range(30)
        ]
    )
    report, items = everything(record)
    page = as_html(named(report, HOSTILE), items)
    found = Tags(page)
    allowed = {"html", "head", "meta", "title", "style", "body", "main", "p", "h1", "h2", "h3", "h4", "figure", "figcaption", "div"}
    allowed |= {"details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td", "bdi", "span", "strong", "ul", "li"}
    allowed |= {"article", "dl", "dt", "dd", "pre", "footer", "svg", "rect", "line", "polyline", "polygon", "circle", "text"}
    assert {tag for tag, _ in found.tags} <= allowed
    names = {name for _, attributes in found.tags for name in attributes}
    assert not {name for name in names if name.startswith("on") or name in ("src", "href", "style", "srcdoc", "action")}
    assert "alert(1)" in found.text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", page)


def test_the_page_needs_nothing_else_and_forbids_everything_else() -> None:
    report, items = everything(decided())
    page = as_html(report, items)
    assert "url(" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert ("meta", {"http-equiv": "Content-Security-Policy", "content": CSP}) in Tags(page).tags
    assert ("html", {"lang": "en"}) in Tags(page).tags
    assert page.count("<table>") == page.count("<caption>")


def test_colours_are_those_of_the_page() -> None:
    report, _ = everything(decided())
    light, dark = (dict(re.findall(r"--([\w-]+): (oklch\([^)]+\));", part)) for part in as_html(report).split("@media screen", 1))
    tokens = (ROOT / "web/src/tokens.css").read_text()
    page = {name: pair for name, *pair in re.findall(r"--([\w-]+): light-dark\((oklch\([^)]+\)), (oklch\([^)]+\))\);", tokens)}
    assert light.keys() == dark.keys()
    assert len(light) > 12
    assert {name: [light[name], dark[name]] for name in light} == {name: page[name] for name in light}


def test_long_texts_are_cut_and_what_is_left_out_is_said() -> None:
    record = record_of(judged(*["new"] * 30, new=Said(text="x" * (MOST_CHARS + 234))))
    report, items = everything(record)
    page = as_html(report, items)
    assert "cut: 234 more characters" in page
    assert "x" * MOST_CHARS in page
    assert "x" * (MOST_CHARS + 1) not in page


def test_tables_of_markdown_line_up_whatever_is_in_them() -> None:
    record = record_of(
        [Story(chose={JUDGE.id: ("new", "new")}, asked=f"{n}", category=["試金|x", HOSTILE][n % 2]) for n in range(30)]
    )
    report, items = everything(record)
    lines = as_markdown(named(report, CJK, "a|b`c"), items).split("\n")
    blocks = "\n".join(line if line.startswith("|") else "" for line in lines).split("\n\n")
    tables = [block.strip("\n").split("\n") for block in blocks if block.strip()]
    assert len(tables) >= 3
    for table in tables:
        assert len({width(line) for line in table}) == 1
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1


def test_what_models_wrote_is_text_in_markdown() -> None:
    record = record_of([Story(chose={JUDGE.id: ("new", "new")}, asked=HOSTILE, new=Said(text=HOSTILE))])
    report, items = everything(record)
    lines = as_markdown(named(report, HOSTILE), items).split("\n")
    inside: list[str] = []
    outside: list[str] = []
    fence = ""
    for line in lines:
        ticks = re.match("`{3,}", line)
        if not fence and ticks:
            fence = ticks[0]
        elif fence and line == fence:
            fence = ""
        else:
            (inside if fence else outside).append(line)
    assert fence == ""
    assert any("<script>" in line for line in inside)
    assert not any(re.search(r"(?<!\\)<", line) for line in outside)
    assert sum(line.startswith("# ") for line in outside) == 1


@pytest.mark.parametrize("name", [NEW.id, CJK, "n" * 200, HOSTILE, "a b " * 60])
def test_the_terminal_shows_at_most_100_columns_and_no_control_character(name: str) -> None:
    record = record_of(
        [Story(chose={JUDGE.id: ("new", "new"), "p1": ("new",)}, asked=f"{n}", category=name) for n in range(30)],
        people={"p1": name},
    )
    report = named(assemble(record), name, name)
    text = as_text(report)
    assert max(width(line) for line in text.split("\n")) <= COLUMNS
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)


def test_a_challenge_that_has_only_begun_is_written_too() -> None:
    record = record_of(
        [Story(asked="1", new=None, old=None)], run={"state": "running", "ended_at": None}, goal="no_worse", budget=Money.of("5")
    )
    report, items = everything(record)
    assert report.decision is None
    for written in (as_text(report), as_markdown(report, items), as_html(report, items)):
        assert "Running: no answer yet." in written
        assert "No item has been judged yet, of 1 item planned." in written


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "Switch: stage/new is better than stage/old on this work."),
        ({"superior": False}, "Switch: stage/new is no worse than stage/old, within 5 points of win rate, on this work."),
        ({"decision": Decision(word="do_not_switch")}, "Do not switch: stage/new is not better than stage/old by 5 points of win rate or more on this work."),
        (
            {"decision": Decision(word="do_not_switch"), "win_rate": Estimate(value=0.3, low=0.1, high=0.45, n=40)},
            "Do not switch: stage/new is worse than stage/old on this work.",
        ),
        ({"decision": Decision(word="cannot_tell", more_items=120)}, "Cannot tell yet: about 120 more items would settle it, should they go on like these."),
        ({"decision": Decision(word="cannot_tell")}, "Cannot tell yet: how much more it takes is not in sight."),
        ({"decision": Decision(word="budget_spent", more_items=1)}, "Budget spent, and no answer yet: about 1 more item would settle it, should they go on like these."),
        ({"decision": Decision(word="cannot_tell"), "state": "running"}, "Running: no answer yet."),
        ({"decision": Decision(word="cannot_tell", more_items=9), "state": "stopped"}, "Stopped before there was an answer: about 9 more items would settle it, should they go on like these."),
        ({"decision": Decision(word="cannot_tell", more_items=9), "state": "interrupted"}, "Interrupted before there was an answer: about 9 more items would settle it, should they go on like these."),
    ],
)  # fmt: skip
def test_the_headline_says_the_answer(changes: dict[str, object], sentence: str) -> None:
    assert words.headline(msgspec.structs.replace(assemble(decided()), **changes)) == sentence


def test_the_shares_of_diverged_items_and_of_the_incumbents_histories_stand_in_the_verdict() -> None:
    stories = [
        *judged("new", "old", authors=("old",)),
        Story(new=Said(ending="diverged"), asked="d"),
        Story(asked="f", new=Said(ending="failed")),
    ]
    report = assemble(record_of(stories))
    for written in (as_text(report), as_markdown(report), Tags(as_html(report)).text):
        flat = " ".join(written.replace("\\", "").split())
        assert (
            "1 item (25.0 %; challenger 1, incumbent 0) diverged from the recording and 1 item (25.0 %; challenger 1, incumbent 0) failed: no evidence for either side."
            in flat
        )
        assert "The incumbent wrote at least part of the history of 50.0 % (" in flat
    none = assemble(record_of(judged("new")))
    assert words.left_out(none) == "No item diverged from the recording."
    assert words.histories(none) == "No item continues a history that the incumbent is known to have written."


def test_a_bias_that_was_found_is_said_in_words() -> None:
    record = record_of([Story(chose={JUDGE.id: ("new", "old")}, asked=f"{n}") for n in range(30)])
    said = words.biases(assemble(record).judges[0])
    assert said == [
        "Order effect found: it chose whichever answer stood first in 100.0 % of its decisive judgments. "
        "Both orders are counted, so it favours neither model; what it turns round counts as even."
    ]


def test_a_verdict_that_failures_would_change_says_so_at_once() -> None:
    fails, wins = Story(new=Said(ending="failed"), asked="f"), judged(*["new"] * 12)
    report = assemble(record_of([*wins[:6], *[msgspec.structs.replace(fails, asked=f"f{n}") for n in range(12)], *wins[6:]]))
    assert report.decision is not None
    assert report.decision.word == "switch"
    for written in (as_text(report), as_markdown(report), Tags(as_html(report)).text):
        before, _, _ = " ".join(written.split()).partition("Better: shown")
        assert "were each failure of the challenger a loss, it would be: cannot tell yet." in before


@pytest.mark.parametrize("goal", ["no_worse", "better"])
def test_a_judge_that_tells_nothing_apart_is_no_quiet_proof_that_two_models_are_alike(goal: str) -> None:
    """Always the first, in both orders: all pairs are even, which shows *no worse* soon, and *not better* as well."""
    record = record_of([Story(chose={JUDGE.id: ("new", "old")}, asked=f"{n}") for n in range(60)], goal=goal)
    report = assemble(record)
    assert report.decision is not None
    assert report.decision.word == ("switch" if goal == "no_worse" else "do_not_switch")
    (caution,) = words.cautions(report)
    assert f"{report.tally.judged} of {report.tally.judged} judged items came out even" in caution
    assert not words.cautions(assemble(decided()))


def test_no_bound_is_rounded_to_the_other_side_of_what_was_shown() -> None:
    written = [bound(share, 0.05) for share in (0.5, 0.50002, 0.4999, 0.55, 0.5496, 0.45000001, 0.632)]
    assert written == ["50.0", "50.002", "49.99", "55.0", "54.96", "just above 45.0", "63.2"]
    close = msgspec.structs.replace(assemble(decided()), win_rate=Estimate(value=0.56, low=0.5002, high=0.61, n=700))
    for text in (as_text(close), as_markdown(close), Tags(as_html(close)).text):
        assert "50.02 to 61.0" in text
        assert "at least 50.02 % and" in text


def test_better_is_not_said_of_an_interval_that_is_written_as_reaching_zero() -> None:
    one, other = Estimate(value=0.02, low=0.01, high=0.04, n=900), Estimate(value=0.05, low=0.03, high=0.07, n=900)
    found = [
        metric_rows(msgspec.structs.replace(assemble(decided()), metrics=(Metric(name="failure_rate", unit="share", challenger=one, incumbent=other, difference=Estimate(value=-0.03, low=-0.06, high=high, n=900), better="lower"),)))
        for high in (-0.002, -0.0003)
    ]  # fmt: skip
    assert [row.difference.mark for (row,) in found] == ["better", ""]


def test_a_difference_is_as_fine_as_its_own_interval() -> None:
    side = Estimate(value=10.0, low=5.0, high=15.0, n=90)
    scale = scale_of(
        Metric(name="x", unit="USD", challenger=side, incumbent=side, difference=Estimate(value=0.2, low=0.16, high=0.24))
    )
    assert scale.number(0.2, signed=True) == "+0.200"


@pytest.mark.parametrize(
    ("unit", "estimate", "written"),
    [
        ("ms", Estimate(value=412.3, low=389.7, high=437.9, n=9), ("412 ms", "390 to 438")),
        ("ms", Estimate(value=12_345, low=11_000, high=14_000, n=9), ("12.3 s", "11.0 to 14.0")),
        ("USD", Estimate(value=0.012345, low=0.0119, high=0.0128, n=9), ("0.01235 USD", "0.01190 to 0.01280")),
        ("share", Estimate(value=0.025, low=0.004, high=0.139, n=9), ("2.5 %", "0.4 to 13.9")),
        ("ms", Estimate(value=1234.5, n=9, reason="one_cluster"), ("1,234 ms", None)),
        ("ms", Estimate(value=495, low=415, n=9, reason="too_few"), ("495 ms", "at least 415")),
        ("USD", Estimate(reason="no_price"), (None, None)),
    ],
)
def test_precision_ends_where_the_interval_says(unit: str, estimate: Estimate, written: tuple[str | None, str | None]) -> None:
    scale = scale_of(Metric(name="x", unit=unit, challenger=estimate, incumbent=Estimate(), difference=Estimate()))
    assert (scale.value(estimate), scale.interval(estimate)) == written


def test_differences_bear_their_sign_and_nothing_is_minus_zero() -> None:
    metric = Metric(name="x", unit="share", challenger=Estimate(), incumbent=Estimate(), difference=Estimate())
    scale = scale_of(metric)
    assert [scale.number(value, signed=True) for value in (0.05, -0.05, -0.0001, 0)] == ["+5.0", "−5.0", "0.0", "0.0"]


def test_money_is_short() -> None:
    assert [money(Money(nano)) for nano in (1_200_000_000, 1_000_000, 12_345_678, 0)] == [
        "1.20 USD",
        "0.001 USD",
        "0.01235 USD",
        "0.00 USD",
    ]


def test_text_is_wrapped_by_the_columns_it_takes() -> None:
    assert wrapped("one two three", 7) == ["one two", "three"]
    assert wrapped("試金試金試金", 5) == ["試金", "試金", "試金"]
    assert wrapped("a " + "b" * 12, 5) == ["a bbb", "bbbbb", "bbbb"]
    assert wrapped("", 5) == []
