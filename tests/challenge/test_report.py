"""The numbers of a report, against sums done by hand."""

from __future__ import annotations

import shlex
from math import sqrt

import msgspec
import pytest

from assay.challenge.assemble import assemble
from assay.challenge.challenges import Challenges
from assay.challenge.report import Metric, Report
from assay.challenge.report_queries import Reread, load_record
from assay.challenge.runner import Limits
from assay.challenge.spec import Traffic
from assay.core import Deployment, Money, NotFound, OutputFormat
from assay.judge import Format
from assay.store import Database
from tests.challenge.records import JUDGE, NEW, OLD, Said, Story, judged, record_of
from tests.challenge.scripted import ScriptedCaller, contest, find, questions, spec_of

pytestmark = pytest.mark.anyio

T_2 = 4.302653
"""Student's t at 97.5 % with 2 degrees of freedom (any table)."""
SECOND = Deployment(id="stage/second", provider="stage", model="second", upstream_model="second")
FAST = Limits(pauses_s=(0.0, 0.0), saving_pauses_s=(0.0, 0.0))


def metric(report: Report, name: str) -> Metric:
    return next(metric for metric in report.metrics if metric.name == name)


def said_of(report: Report, code: str) -> str:
    return next(one.text for one in report.assumptions if one.code == code)


async def test_the_win_rate_counts_ties_half_and_its_bounds_are_the_last_looks() -> None:
    report = assemble(record_of(judged("new", "new", "old", "tie")))
    assert (report.tally.judged, report.tally.won, report.tally.tied, report.tally.lost) == (4, 2, 1, 1)
    assert report.win_rate.value == 0.625
    assert [step.win_rate for step in report.evidence] == [1, 1, pytest.approx(2 / 3), 0.625]
    assert (report.win_rate.low, report.win_rate.high, report.win_rate.n) == (report.evidence[-1].low, report.evidence[-1].high, 4)
    assert report.decision is not None
    assert report.decision.word == "cannot_tell"
    assert not report.superior


async def test_superior_and_no_worse_are_shown_apart_from_the_goal() -> None:
    report = assemble(record_of(judged(*["new"] * 40), goal="no_worse"))
    assert report.decision is not None
    assert report.decision.word == "switch"
    assert report.no_worse
    worse = assemble(record_of(judged(*["old"] * 40)))
    assert worse.decision is not None
    assert (worse.decision.word, worse.superior, worse.no_worse) == ("do_not_switch", False, False)


async def test_a_judge_that_always_takes_the_first_is_found_out_and_moves_nothing() -> None:
    record = record_of([Story(chose={JUDGE.id: ("new", "old")}, asked=f"Why {n}?") for n in range(30)])
    report = assemble(record)
    note = report.judges[0]
    assert report.win_rate.value == 0.5
    assert note.order_effect.value == 0.5
    assert note.order_flips.value == 1
    assert "order" in note.found
    assert note.decides


async def test_a_judge_that_likes_length_is_found_out_and_the_rest_is_said() -> None:
    stories = []
    for n in range(120):
        longer_is_new = n % 2 == 0
        texts = ("word " * 40, "word " * 10) if longer_is_new else ("word " * 10, "word " * 40)
        likes = longer_is_new if n % 5 else not longer_is_new
        choice = "new" if likes else "old"
        stories.append(
            Story(chose={JUDGE.id: (choice, choice)}, asked=f"Why {n}?", new=Said(text=texts[0]), old=Said(text=texts[1]))
        )
    note = assemble(record_of(stories)).judges[0]
    assert "length" in note.found
    assert note.length_effect.value is not None
    assert note.length_effect.value > 0
    assert note.win_rate_at_equal_length.value == pytest.approx(0.5, abs=0.05)


async def test_costs_are_means_over_the_same_items_with_students_interval() -> None:
    costs = [(1, 2), (2, 2), (3, 5)]
    stories = [
        Story(chose={JUDGE.id: ("tie", "tie")}, asked=f"Why {n}?", new=Said(cents=new), old=Said(cents=old))
        for n, (new, old) in enumerate(costs)
    ]
    cost = metric(assemble(record_of(stories)), "cost_per_1000")
    assert (cost.unit, cost.challenger.n) == ("USD", 3)
    assert cost.challenger.value == pytest.approx(20)
    assert cost.challenger.low == pytest.approx(20 - T_2 * 10 / sqrt(3), abs=1e-4)
    assert cost.incumbent.value == pytest.approx(30)
    assert cost.difference.value == pytest.approx(-10)  # of -10, 0 and -20: standard deviation 10
    assert cost.difference.high == pytest.approx(-10 + T_2 * 10 / sqrt(3), abs=1e-4)


async def test_items_that_failed_or_diverged_for_one_side_are_in_no_cost_and_no_time() -> None:
    stories = [*judged("new", "new", "old"), Story(new=Said(ending="failed"), old=Said(cents=99, ttft_ms=9999))]
    report = assemble(record_of(stories))
    assert metric(report, "cost_per_1000").incumbent.value == pytest.approx(10)
    assert metric(report, "ttft_p95").incumbent.value == 100
    assert metric(report, "failure_rate").challenger.value == 0.25
    assert metric(report, "failure_rate").difference.value == 0.25


async def test_an_unknown_price_is_no_number() -> None:
    stories = judged("new", "old", new=Said(cents=None))
    cost = metric(assemble(record_of(stories)), "cost_per_1000")
    assert (cost.challenger.value, cost.challenger.reason) == (None, "no_price")
    assert cost.incumbent.value == pytest.approx(10)
    assert (cost.difference.value, cost.difference.reason) == (None, "not_both_known")


async def test_medians_of_time_are_in_milliseconds_and_paired() -> None:
    times = [(100, 150), (200, 150), (300, 150), (400, 150)]
    stories = [
        Story(chose={JUDGE.id: ("tie", "tie")}, asked=f"Why {n}?", new=Said(ttft_ms=new), old=Said(ttft_ms=old))
        for n, (new, old) in enumerate(times)
    ]
    ttft = metric(assemble(record_of(stories)), "ttft_p50")
    assert (ttft.challenger.value, ttft.incumbent.value, ttft.difference.value) == (250, 150, 100)


async def test_a_live_report_has_every_number_of_the_last_one() -> None:
    record = record_of(judged(*["new", "old"] * 10))
    live, at_end = assemble(record, live=True), assemble(record)
    assert metric(at_end, "ttft_p50").difference.low == 0
    assert (live.win_rate, live.metrics, live.judges) == (at_end.win_rate, at_end.metrics, at_end.judges)


async def test_the_share_of_valid_json_is_of_the_items_that_asked_for_it() -> None:
    form = OutputFormat(kind="json")
    stories = [
        Story(chose={JUDGE.id: ("new", "new")}, asked="1", new=Said(text='{"a": 1}'), old=Said(text="{"), output=form),
        Story(chose={JUDGE.id: ("new", "new")}, asked="2", new=Said(text='{"a": 2}'), old=Said(text="{}"), output=form),
        *judged("new"),
    ]
    valid = metric(assemble(record_of(stories)), "schema_valid_rate")
    assert (valid.challenger.value, valid.incumbent.value, valid.challenger.n) == (1, 0.5, 2)
    none = metric(assemble(record_of(judged("new"))), "schema_valid_rate")
    assert none.challenger.reason == "no_json_asked"


async def test_cut_off_and_refused_answers_are_counted() -> None:
    stories = judged("new", "old", new=Said(stop="length"), old=Said(stop="refusal"))
    report = assemble(record_of(stories))
    assert metric(report, "truncation_rate").challenger.value == 1
    assert metric(report, "refusal_rate").incumbent.value == 1


async def test_where_nothing_ever_failed_the_difference_still_has_an_interval() -> None:
    failed = metric(assemble(record_of(judged(*["new", "old"] * 20))), "failure_rate")
    assert failed.difference.value == 0
    assert failed.difference.low is not None
    assert -0.15 < failed.difference.low < -0.05


async def test_items_of_a_cluster_are_one_observation() -> None:
    stories = [*judged("new", "old", cluster="one"), *judged("new", cluster="two")]
    stories = [Story(chose=story.chose, asked=f"{n}", cluster=story.cluster) for n, story in enumerate(stories)]
    report = assemble(record_of(stories))
    assert (report.tally.judged, report.win_rate.n, report.win_rate.value) == (3, 2, 0.75)


async def test_an_item_waits_for_those_before_it_and_is_in_no_number_until_then() -> None:
    first, second, third = judged("new", "old", "old")
    waiting = Story(chose={}, asked=second.asked, new=None)
    report = assemble(record_of([first, waiting, third]))
    assert (report.tally.judged, report.tally.asked, report.tally.lost) == (1, 3, 0)
    assert metric(report, "length").challenger.n == 1
    assert said_of(report, "not_counted").startswith("1 item ")


async def test_categories_have_their_own_win_rates() -> None:
    stories = [*judged("new", "new", "new", "old", category="code"), *judged("old", category="maths")]
    stories = [Story(chose=story.chose, asked=f"{n}", category=story.category) for n, story in enumerate(stories)]
    code, maths = assemble(record_of(stories)).categories
    assert (code.category, code.items, code.win_rate.value) == ("code", 4, 0.75)
    assert (code.win_rate.low, code.win_rate.high) == pytest.approx((0.300642, 0.954413), abs=1e-6)  # Wilson's, of 3 in 4
    assert (maths.category, maths.win_rate.value, maths.win_rate.low) == ("maths", 0, 0)
    assert maths.win_rate.high == pytest.approx(0.793451, abs=1e-6)  # one loss says little, but not nothing


async def test_failures_are_left_out_and_what_they_would_change_is_said() -> None:
    stories = [*judged(*["new"] * 25), *(Story(new=Said(ending="failed"), asked=f"F{n}") for n in range(40))]
    stories = [stories[n // 2 if n % 2 else 25 + n // 2] for n in range(50)]
    report = assemble(record_of(stories))
    assert report.decision is not None
    assert report.decision.word == "switch"
    assert report.tally.failed > 0
    failed = next(one for one in report.assumptions if one.code == "failed")
    assert failed.values["challenger"] == report.tally.failed
    assert failed.values["if_lost"] == "cannot_tell"
    assert "the verdict would be: cannot tell yet" in failed.text


async def test_diverged_items_are_counted_by_side_and_score_for_nobody() -> None:
    stories = [*judged("new"), Story(new=Said(ending="diverged"), asked="d"), *judged("old", category="z")]
    report = assemble(record_of(stories))
    assert (report.tally.diverged, report.diverged) == (1, {"challenger": 1, "incumbent": 0})
    assert report.win_rate.value == 0.5
    assert said_of(report, "diverged").startswith("1 item (33.3 %)")


async def test_judgments_that_are_none_are_counted_and_choose_nothing() -> None:
    stories = [Story(chose={JUDGE.id: ("unreadable", "broken")}, asked="1"), *judged("new")]
    report = assemble(record_of(stories))
    note = report.judges[0]
    assert (note.judgments, note.unparsed, note.failed) == (2, 1, 1)
    assert (report.tally.unjudged, report.tally.judged) == (1, 1)
    assert note.cost == Money.of("0.004")


async def test_one_order_alone_is_no_win_in_any_number() -> None:
    """It would carry the judge's leaning to the first answer; the evidence does not count it either."""
    stories = [*judged("new", "old"), *(Story(chose={JUDGE.id: ("new", "unreadable")}, asked=f"half {n}") for n in range(8))]
    report = assemble(record_of(stories))
    assert report.judges[0].win_rate.value == report.win_rate.value == 0.5
    assert (report.judges[0].judgments, report.judges[0].unparsed, report.tally.unjudged) == (12, 8, 8)


async def test_agreement_of_two_judges_is_on_what_they_chose_in_both_orders() -> None:
    stories = [
        Story(chose={JUDGE.id: ("new", "new"), "p1": ("new",)}, asked="1"),
        Story(chose={JUDGE.id: ("old", "old"), "p1": ("old",)}, asked="2"),
        Story(chose={JUDGE.id: ("new", "old"), "p1": ("tie",)}, asked="3"),
        Story(chose={JUDGE.id: ("new", "new"), "p1": ("old",)}, asked="4"),
        Story(chose={JUDGE.id: ("new", "new")}, asked="5"),
    ]
    found = assemble(record_of(stories, people={"p1": "Ada"})).agreements[0]
    assert (found.first, found.second, found.pairs) == (JUDGE.id, "Ada", 4)
    assert found.rate.value == 0.75
    chance = 0.5 * 0.25 + 0.25 * 0.5 + 0.25 * 0.25  # both new, both old, both neither
    assert found.kappa.value == pytest.approx((0.75 - chance) / (1 - chance))


async def test_a_judge_is_also_held_against_all_people_together() -> None:
    stories = [Story(chose={JUDGE.id: ("new", "new"), "p1": ("new",), "p2": ("old",)}, asked=f"{n}") for n in range(3)]
    report = assemble(record_of(stories, people={"p1": "Ada", "p2": "Bo"}))
    pooled = report.agreements[-1]
    assert (pooled.first, pooled.second, pooled.pairs, pooled.rate.value) == (JUDGE.id, "people", 6, 0.5)
    ada = next(note for note in report.judges if note.judge == "Ada")
    assert (ada.kind, ada.decides, ada.order_flips.reason) == ("human", False, "one_order")


async def test_votes_decide_where_people_judge_and_pairs_that_wait_are_counted() -> None:
    stories = [Story(chose={"p1": ("new",)}, asked="1"), Story(asked="2"), Story(asked="3", new=None)]
    record = record_of(stories, judges=(), people={"p1": "Ada"}, run={"state": "running", "ended_at": None})
    report = assemble(record)
    assert report.win_rate.value == 1
    assert report.waiting_for_people == 1
    assert report.judges[0].decides
    ended = msgspec.structs.replace(record, run=msgspec.structs.replace(record.run, state="ended"))
    assert assemble(ended).waiting_for_people == 0, "once it has ended a vote decides nothing"


async def test_a_contestant_that_judges_itself_is_warned_of() -> None:
    stories = [Story(chose={OLD.id: ("old", "old"), SECOND.id: ("new", "new")}, asked="1")]
    report = assemble(record_of(stories, judges=(OLD, SECOND)))
    assert [note.warnings for note in report.judges] == [("judges_itself",), ()]


async def test_the_clearest_wins_are_unanimous_and_quick_to_read() -> None:
    long = Said(text="word " * 500)
    stories = [
        Story(chose={JUDGE.id: ("new", "new")}, asked="long", new=long),
        Story(chose={JUDGE.id: ("new", "tie")}, asked="not unanimous"),
        Story(chose={JUDGE.id: ("new", "new")}, asked="short"),
        Story(chose={JUDGE.id: ("old", "old")}, asked="lost"),
        Story(chose={JUDGE.id: ("tie", "tie")}, asked="tied"),
    ]
    report = assemble(record_of(stories))
    assert report.clearest_wins == (3, 1, 2)
    assert report.clearest_losses == (4,)


async def test_the_clearest_wins_are_of_every_category_in_turn() -> None:
    stories = [
        Story(chose={JUDGE.id: ("new", "new")}, asked="why " * length, category=category)
        for length, category in ((1, "chat"), (2, "chat"), (3, "chat"), (4, "code"), (5, "maths"))
    ]
    assert assemble(record_of(stories)).clearest_wins == (1, 4, 5, 2, 3)


async def test_the_share_of_histories_by_the_incumbent_is_said() -> None:
    stories = [*judged("new", authors=("OLD",)), *judged("old", authors=("stage/old",)), *judged("new", "old", authors=("else",))]
    stories = [Story(chose=story.chose, asked=f"{n}", authors=story.authors) for n, story in enumerate(stories)]
    report = assemble(record_of(stories))
    assert report.histories_by_incumbent.value == 0.5
    assert said_of(report, "histories").startswith("In 50.0 %")


async def test_the_command_repeats_every_option_that_is_not_as_usual() -> None:
    record = record_of(
        judged("new"),
        goal="no_worse",
        margin=0.1,
        limit=50,
        budget=Money.of("2.5"),
        checks=(Format(rule="json"),),
        rerun={"search": ("./search.sh", "-n 1")},
        source=Traffic(alias="it's", since=1_794_000_000_000_000),
    )
    command = assemble(record).repeat.command
    assert shlex.split(command) == [
        *("assay", "challenge", NEW.id, "--against", OLD.id, "--on", "traffic", "--alias", "it's"),
        *("--since", "2026-11-06T21:20:00.000000Z", "--judge", JUDGE.id, "--goal", "no-worse", "--margin", "0.1", "--limit", "50"),
        *("--budget", "2.5", "--check", '{"check":"format","rule":"json"}', "--rerun", "search=./search.sh '-n 1'", "--seed", "7"),
    ]


async def test_many_looks_are_thinned_and_end_with_the_last() -> None:
    stories = judged(*["new", "old"] * 1500)
    report = assemble(record_of(stories, confidence=0.9999, margin=0.01), live=True)
    assert len(report.evidence) <= 2000
    assert report.evidence[-1].n == report.win_rate.n == 3000


async def test_what_is_kept_comes_back_and_what_is_new_is_read_when_it_is_looked_at_again(database: Database) -> None:
    challenges = await Challenges.start(
        database, ScriptedCaller(contest(lambda number: 0.9 if number % 3 else 0.1)), find, limits=FAST
    )
    id = await challenges.begin(spec_of(questions(12)), "local")
    reread = Reread(database, id)
    await reread.load()
    async for _ in challenges.watch(id):
        await reread.load()
    record = await reread.load()
    assert record == await load_record(database, id)
    assert assemble(record, known=reread.known) == await challenges.report(id)
    assert record.chain_head is not None
    await challenges.close()


async def test_a_challenge_that_is_not_there_has_no_record(database: Database) -> None:
    with pytest.raises(NotFound, match="no challenge"):
        await load_record(database, "nowhere")
