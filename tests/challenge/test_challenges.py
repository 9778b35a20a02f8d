"""Challenges from beginning to end: decided or out of items, judged in both orders, with tools; and what is refused at the beginning."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from assay.challenge.challenges import Challenges
from assay.challenge.check import LOCAL
from assay.challenge.spec import HUMAN, PROGRAM, Content, Example, Spec, Traffic, Work
from assay.cli.on import read_moment
from assay.core import (
    CallFailed,
    Forbidden,
    InvalidInput,
    Message,
    NotFound,
    Request,
    ToolCall,
    assistant,
    iso,
    now_us,
    user,
)
from tests.challenge.scripted import (
    JUDGE,
    NEW,
    OLD,
    SECOND,
    contest,
    find,
    items_file,
    number_asked,
    questions,
    refusal,
    spec_of,
)
from tests.challenge.stage import Stage, mixed, word
from tests.challenge.work.test_traffic import record

pytestmark = pytest.mark.anyio


async def test_a_clearly_better_model_ends_with_switch_before_all_items_are_asked(stage: Stage) -> None:
    report = await stage.run(spec_of(questions(200)), contest(lambda number: 0.9))
    assert (report.state, word(report), report.superior, report.no_worse) == ("ended", "switch", True, True)
    assert report.tally.won == report.tally.judged < 30
    assert report.tally.asked < 70


async def test_a_clearly_worse_model_ends_with_do_not_switch(stage: Stage) -> None:
    report = await stage.run(spec_of(questions(200)), contest(lambda number: 0.1))
    assert (word(report), report.superior, report.no_worse) == ("do_not_switch", False, False)


async def test_a_model_that_is_no_worse_is_enough_where_that_is_the_goal(stage: Stage) -> None:
    spec = spec_of(questions(400), goal="no_worse", margin=0.2)
    assert word(await stage.run(spec, contest(lambda number: 0.5))) == "switch"


async def test_items_that_run_out_leave_it_open_and_say_how_many_more(stage: Stage) -> None:
    report = await stage.run(spec_of(questions(12)), contest(lambda number: 0.9 if number % 3 else 0.1))
    assert (report.state, word(report)) == ("ended", "cannot_tell")
    assert report.decision is not None
    assert report.decision.more_items is not None
    assert report.decision.more_items > 0
    assert report.tally.judged == report.tally.planned == 12


async def test_both_are_asked_word_for_word_under_their_own_names_and_judged_in_both_orders(stage: Stage) -> None:
    await stage.run(spec_of(questions(4)), contest(mixed))
    asked = Counter((deployment, request.transcript.messages[-1].text) for deployment, request, _ in stage.caller.asked)
    for number in range(1, 5):
        assert asked[NEW.id, f"Question {number}?"] == asked[OLD.id, f"Question {number}?"] == 1
    assert stage.caller.count(JUDGE) == 8
    filed = [request_id for _, _, request_id in stage.caller.asked]
    assert len(set(filed)) == len(filed)


async def test_the_order_is_drawn_by_the_seed(stage: Stage) -> None:
    async def order(seed: int) -> list[int]:
        await stage.run(spec_of(questions(8), concurrency=1, seed=seed), contest(mixed))
        asked = [request for deployment, request, _ in stage.caller.asked if deployment == NEW.id]
        return [number_asked(request) for request in asked]

    first = await order(1)
    assert sorted(first) == list(range(1, 9)) != first
    assert await order(1) == first != await order(2)


async def test_a_judge_that_prefers_whatever_stands_first_says_nothing(stage: Stage) -> None:
    """The verdict is unaffected: with both orders its leaning cancels, and it is reported."""
    report = await stage.run(spec_of(questions(60)), contest(lambda number: 0.9, lambda a, b: "A"))
    assert word(report) != "switch"
    assert (report.tally.tied, report.win_rate.value) == (report.tally.judged, 0.5)
    assert report.judges[0].found == ("order",)
    assert report.judges[0].order_flips.value == 1.0


async def test_an_order_bias_does_not_change_what_a_judge_decides(stage: Stage) -> None:
    """It takes whatever stands first where the two are near, and still finds the better one."""

    def leaning(a: str, b: str) -> str:
        return "A" if "0.6" in a + b else "A" if "0.9" in a else "B"

    report = await stage.run(spec_of(questions(300)), contest(lambda number: 0.6 if number % 2 else 0.9, leaning))
    assert word(report) == "switch"
    assert report.judges[0].found == ("order",)


async def test_a_length_bias_is_found_and_reported(stage: Stage) -> None:
    """The judge takes the longer answer four times in five; the two are equally good, and each is as often the longer."""

    def longer(a: str, b: str) -> str:
        odd = sum(map(ord, min(a, b) + max(a, b))) % 5 == 0
        return "TIE" if len(a) == len(b) else "A" if (len(a) > len(b)) != odd else "B"

    judge = contest(mixed, longer)

    def script(deployment: str, request: Request) -> Message | CallFailed | None:
        if deployment == JUDGE.id:
            return judge(deployment, request)
        number = number_asked(request)
        extent = (number * 7919 + (0 if deployment == NEW.id else 5)) % 11
        return assistant(f"Number {number}. " + "And so on. " * extent)

    report = await stage.run(spec_of(questions(120), confidence=0.9999), script)
    assert "length" in report.judges[0].found
    assert "order" not in report.judges[0].found


async def test_a_judge_that_never_gives_a_verdict_ends_the_run_early(stage: Stage) -> None:
    def script(deployment: str, request: Request) -> Message:
        return assistant("Hard to say.")

    report = await stage.run(spec_of(questions(200)), script)
    assert report.state == "interrupted"
    assert report.trouble is not None
    assert report.trouble.startswith("challenge.judge_down")
    assert report.tally.asked < 60


async def test_a_judge_that_fails_on_some_items_leaves_those_unjudged(stage: Stage) -> None:
    def script(deployment: str, request: Request) -> Message | CallFailed:
        if deployment == JUDGE.id and "Question 3?" in request.transcript.messages[-1].text:
            return refusal(JUDGE.id, 400)
        said = contest(mixed)(deployment, request)
        assert said is not None
        return said

    report = await stage.run(spec_of(questions(8)), script)
    assert (report.tally.unjudged, report.tally.judged) == (1, 7)


async def test_a_jury_decides_by_its_mean_and_shows_where_it_disagrees(stage: Stage) -> None:
    def script(deployment: str, request: Request) -> Message:
        if deployment == SECOND.id:
            return assistant("VERDICT: TIE")
        said = contest(lambda number: 0.9)(deployment, request)
        assert isinstance(said, Message)
        return said

    report = await stage.run(spec_of(questions(8), (JUDGE.id, SECOND.id)), script)
    assert report.win_rate.value == 0.75
    assert (report.tally.won, report.agreements[0].rate.value) == (8, 0.0)


async def test_a_program_judges_by_the_checks_of_each_item(stage: Stage) -> None:
    items = items_file(
        {"prompt": f"Question {number}?", "checks": [{"check": "number", "value": number}]} for number in range(1, 41)
    )

    def script(deployment: str, request: Request) -> Message:
        number = number_asked(request)
        return assistant(str(number) if deployment == NEW.id or number % 4 == 0 else "0")

    report = await stage.run(spec_of(items, (PROGRAM,)), script)
    assert word(report) == "switch"
    assert report.tally.lost == 0
    assert stage.caller.count(JUDGE) == 0


async def test_a_model_that_calls_other_valid_tools_is_not_scored_worse_and_its_items_are_counted(stage: Stage) -> None:
    """On every second item new calls a tool of its own choice; where both answer, it wins and loses alike."""
    tool = {"name": "look_up", "parameters": {"type": "object"}}

    def item(number: int) -> dict[str, object]:
        asked = {"role": "user", "content": f"Question {number}?"}
        called = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": f'{{"n": {number}}}'}}
        return {
            "messages": [
                asked,
                {"role": "assistant", "content": None, "tool_calls": [called]},
                {"role": "tool", "tool_call_id": "c1", "content": "found"},
                {"role": "assistant", "content": "So it is."},
            ],
            "tools": [{"type": "function", "function": tool}],
        }

    def call(number: int, name: str) -> Message:
        return Message(role="assistant", parts=(ToolCall(id="mine", name=name, arguments=f'{{"n":{number}}}'),))

    def script(deployment: str, request: Request) -> Message:
        if deployment == JUDGE.id:
            return assistant("VERDICT: TIE")
        last = request.transcript.messages[-1]
        if last.role == "tool":
            return assistant("Found.")
        number = number_asked(request)
        return call(number, "search" if deployment == NEW.id and number % 2 == 0 else "look_up")

    report = await stage.run(spec_of(items_file(item(number) for number in range(1, 21))), script)
    assert (report.tally.diverged, report.diverged) == (10, {"challenger": 10, "incumbent": 0})
    assert (report.tally.judged, report.tally.lost, report.win_rate.value) == (10, 0, 0.5)


async def test_traffic_is_drawn_up_to_the_moment_it_began(stage: Stage) -> None:
    """The command that repeats it then draws from the same calls."""
    for word_ in ("One", "Two"):
        await record(stage.db, user(f"Question {word_}?"), at=now_us())
    challenges = await stage.open(lambda deployment, request: None)
    before = now_us()
    first = await challenges.report(await challenges.begin(spec_of(Traffic()), LOCAL))
    source = first.spec.source
    assert isinstance(source, Traffic)
    assert source.until is not None
    assert before <= source.until <= now_us()
    assert f"--until {iso(source.until)} " in first.repeat.command
    assert read_moment(iso(source.until)) == source.until
    await record(stage.db, user("Question Three?"), at=now_us())
    again = await challenges.report(await challenges.begin(first.spec, LOCAL))
    assert (again.repeat.items_hash, again.tally.planned) == (first.repeat.items_hash, 2)
    later = await challenges.report(await challenges.begin(spec_of(Traffic()), LOCAL))
    assert later.tally.planned == 3
    await challenges.close()


def ten(**more: Any) -> Spec:
    return spec_of(questions(10), **more)


@pytest.mark.parametrize(
    ("spec", "session", "code"),
    [
        (ten(incumbent="new"), LOCAL, "challenge.same_model"),
        (ten(challenger="newest"), LOCAL, "model.not_found"),
        (spec_of(questions(10), ("newest",)), LOCAL, "model.not_found"),
        (spec_of(questions(10), (HUMAN, JUDGE.id)), LOCAL, "challenge.bad_judges"),
        (spec_of(questions(10), (JUDGE.id, "judge")), LOCAL, "challenge.bad_judges"),
        (spec_of(questions(10), (PROGRAM,)), LOCAL, "challenge.no_checks"),
        (ten(budget={"nano": 10**9, "currency": "CNY"}), LOCAL, "challenge.currency"),
        (ten(rerun={"look_up": ["true"]}), "some-session", "challenge.rerun_local_only"),
        (ten(rerun={"look_up": ["/nowhere/look-up"]}), LOCAL, "challenge.no_command"),
        (spec_of(Example(name="nothing")), LOCAL, "challenge.no_example"),
        (spec_of(Work(name="nothing")), LOCAL, "work.not_found"),
        (spec_of(Traffic()), LOCAL, "challenge.no_items"),
    ],
)
async def test_what_cannot_be_run_is_refused_before_anybody_is_asked(stage: Stage, spec: Spec, session: str, code: str) -> None:
    challenges = await stage.open(contest(mixed))
    with pytest.raises((InvalidInput, NotFound, Forbidden)) as raised:
        await challenges.begin(spec, session)
    assert raised.value.code == code
    assert (stage.caller.asked, await challenges.list()) == ([], [])


async def test_a_budget_needs_every_price(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    free = msgspec.structs.replace(JUDGE, price=None)
    challenges = await Challenges.start(stage.db, stage.caller, lambda name: free if name == JUDGE.id else find(name))
    with pytest.raises(InvalidInput, match="No price is known for stage/judge") as raised:
        await challenges.begin(ten(budget={"nano": 10**9}), LOCAL)
    assert raised.value.code == "challenge.no_price"


async def test_items_without_checks_are_named(stage: Stage) -> None:
    items = items_file([{"prompt": "With?", "checks": [{"check": "exact", "value": "yes"}]}, {"prompt": "Without?"}])
    challenges = await stage.open(contest(mixed))
    with pytest.raises(InvalidInput, match=r"have none: items\.jsonl:2\."):
        await challenges.begin(spec_of(items, (PROGRAM,)), LOCAL)


async def test_a_plan_asks_nobody_and_tells_what_would_be_asked(stage: Stage) -> None:
    challenges = await stage.open(contest(mixed))
    plan = await challenges.plan(spec_of(Content(name="q.txt", text="One?\nTwo?\nOne?\n")), LOCAL)
    assert (plan.items, plan.clusters, stage.caller.asked) == (2, 2, [])
    assert any("asked once" in note for note in plan.notes)
    assert plan.estimate is not None
    assert plan.estimate.nano > 0


async def test_the_file_that_was_sent_along_is_not_kept_beside_its_items(stage: Stage) -> None:
    report = await stage.run(spec_of(questions(3)), contest(mixed))
    assert report.spec.source == Content(name="questions.txt", text="")


async def test_all_challenges_are_listed_the_newest_first(stage: Stage) -> None:
    first = await stage.run(spec_of(questions(2)), contest(mixed))
    second = await stage.run(spec_of(questions(3)), contest(mixed))
    assert [report.id for report in await stage.challenges.list()] == [second.id, first.id]
    assert await stage.challenges.list() == [second, first]


async def test_one_item_is_shown_with_all_that_became_of_it(stage: Stage) -> None:
    report = await stage.run(spec_of(questions(3)), contest(mixed))
    looked = await stage.challenges.item(report.id, 2)
    assert looked.trials.keys() == {"challenger", "incumbent"}
    assert {verdict.id for verdict in looked.verdicts} == looked.judgments.keys()
    assert [judgment.reason for judgment in looked.judgments.values()] == ["As I see it.", "As I see it."]
    assert looked.settled is not None
    with pytest.raises(NotFound) as raised:
        await stage.challenges.item(report.id, 4)
    assert raised.value.code == "challenge.no_item"
