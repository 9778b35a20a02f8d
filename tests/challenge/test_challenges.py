"""Challenges from beginning to end: decided, out of items, out of money, stopped, cut off, resumed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from assay.challenge.challenges import Challenges
from assay.challenge.check import LOCAL
from assay.challenge.people import People
from assay.challenge.queries import CHAIN, load_spent, set_state
from assay.challenge.report import Report
from assay.challenge.runner import AHEAD, AHEAD_OF_PEOPLE, DOWN_AFTER, Limits
from assay.challenge.spec import HUMAN, PROGRAM, Content, Example, Spec, Traffic, Work
from assay.cli.on import read_moment
from assay.core import (
    AssayError,
    CallFailed,
    Choice,
    Conflict,
    Forbidden,
    InvalidInput,
    Message,
    Money,
    NotFound,
    Request,
    Subject,
    ToolCall,
    Unavailable,
    Verdict,
    assistant,
    iso,
    now_us,
    user,
)
from assay.store import Database
from assay.store.chain import append_verdicts, verify_chain
from tests.challenge.faulty import FaultyDatabase
from tests.challenge.scripted import (
    COST,
    JUDGE,
    NEW,
    OLD,
    SECOND,
    Script,
    ScriptedCaller,
    contest,
    find,
    items_file,
    number_asked,
    questions,
    read_pair,
    refusal,
    spec_of,
)
from tests.challenge.work.test_traffic import record

pytestmark = pytest.mark.anyio

FAST = Limits(pauses_s=(0.0, 0.0), saving_pauses_s=(0.0, 0.0))


class Stage:
    """A server's challenges over one database; can be closed and opened again, as by a restart."""

    def __init__(self, db: Database):
        self.db = FaultyDatabase(db)
        self.caller = ScriptedCaller(lambda *_: assistant("Nobody wrote my lines."))
        self._challenges: Challenges | None = None

    @property
    def challenges(self) -> Challenges:
        assert self._challenges is not None
        return self._challenges

    async def open(self, script: Script) -> Challenges:
        self.caller = ScriptedCaller(script)
        self._challenges = await Challenges.start(self.db, self.caller, find, limits=FAST)
        return self.challenges

    async def close(self) -> None:
        if self._challenges is not None:
            await self._challenges.close()
        assert self.caller.open == 0, "an upstream was not let go"

    async def see_through(self, id: str) -> Report:
        """Wait until it runs no longer; how it stands then."""
        async with asyncio.timeout(40):
            async for _ in self.challenges.watch(id):
                pass
        return await self.challenges.report(id)

    async def run(self, spec: Spec, script: Script) -> Report:
        """A challenge from beginning to end."""
        await self.open(script)
        return await self.see_through(await self.challenges.begin(spec, LOCAL))

    async def until(self, id: str, judged: int) -> None:
        """Wait until so many items are judged."""
        async with asyncio.timeout(40):
            async for _ in self.challenges.watch(id):
                if (await self.challenges.report(id)).tally.judged >= judged:
                    return


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    stage = Stage(database)
    yield stage
    await stage.close()


def word(report: Report) -> str | None:
    """What was decided."""
    return report.decision.word if report.decision else None


def mixed(number: int) -> float:
    """Neither better nor worse."""
    return 0.9 if number % 2 else 0.1


# How it ends


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


# Judges


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


# Tools


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


# Going on


async def test_a_run_that_is_cut_off_goes_on_without_asking_anything_twice(stage: Stage) -> None:
    """Cut off three times, it comes to the same as an unbroken run, and only what was being said is asked again."""
    spec = spec_of(questions(60), confidence=0.9999, concurrency=4)
    whole = await stage.run(spec, contest(mixed))
    order = [number_asked(request) for deployment, request, _ in stage.caller.asked if deployment == NEW.id]
    answered: list[object] = []

    def until(stop: int) -> Script:
        """Says nothing to items from ``stop`` on."""
        script, silent = contest(mixed), set(order[stop:])

        def remember(deployment: str, request: Request) -> Message | CallFailed | None:
            number, is_judge = number_asked(request), deployment == JUDGE.id
            if not is_judge and number in silent:
                return None
            answered.append((deployment, number, read_pair(request) if is_judge else None))
            return script(deployment, request)

        return remember

    await stage.open(until(7))
    id = await stage.challenges.begin(spec, LOCAL)
    for stop, next_stop in ((7, 20), (20, 33), (33, 60)):
        await stage.until(id, stop)
        await stage.close()
        await stage.open(until(next_stop))
        await stage.challenges.resume(id)
    report = await stage.see_through(id)
    assert (word(report), report.win_rate, report.evidence) == (word(whole), whole.win_rate, whole.evidence)
    assert len(answered) == len(set(answered)) == 60 * 4
    assert (await verify_chain(stage.db, CHAIN)).ok


async def test_a_server_that_was_killed_leaves_its_runs_interrupted(stage: Stage, database: Database) -> None:
    challenges = await stage.open(lambda deployment, request: None)
    id = await challenges.begin(spec_of(questions(5)), LOCAL)
    await stage.caller.until(10)
    other = await Challenges.start(database, stage.caller, find)
    report = await other.report(id)
    assert (report.state, report.trouble) == ("interrupted", None)
    await other.close()


async def test_a_run_cut_off_between_its_answer_and_its_end_asks_nobody_when_it_goes_on(stage: Stage) -> None:
    report = await stage.run(spec_of(questions(200)), contest(lambda number: 0.9))
    await set_state(stage.db, report.id, "interrupted")
    challenges = await stage.open(contest(mixed))
    await challenges.resume(report.id)
    after = await stage.see_through(report.id)
    assert (after.state, word(after), after.evidence) == ("ended", "switch", report.evidence)
    assert stage.caller.asked == []


async def test_a_person_can_stop_it_and_let_it_go_on(stage: Stage) -> None:
    def script(deployment: str, request: Request) -> Message | CallFailed | None:
        return None if deployment == OLD.id and number_asked(request) == 5 else contest(mixed)(deployment, request)

    challenges = await stage.open(script)
    id = await challenges.begin(spec_of(questions(20)), LOCAL)
    await stage.caller.until(40)
    await challenges.stop(id)
    assert stage.caller.open == 0
    report = await challenges.report(id)
    assert (report.state, report.trouble) == ("stopped", None)
    await challenges.stop(id)
    stage.caller.script = contest(mixed)
    await challenges.resume(id)
    report = await stage.see_through(id)
    assert (report.state, report.tally.judged) == ("ended", 20)


async def test_the_report_of_a_run_that_rests_is_put_together_once(stage: Stage) -> None:
    """The list of all challenges asks for it again and again."""
    challenges = await stage.open(contest(mixed))
    id = await challenges.begin(spec_of(questions(60)), LOCAL)
    await stage.until(id, 3)
    await challenges.stop(id)
    first = await challenges.report(id)
    assert await challenges.report(id) is first
    await cast(stage, id, 1, "a")
    checked = await challenges.report(id)
    assert (checked.agreements[0].pairs, checked.tally) == (1, first.tally)
    await challenges.resume(id)
    report = await stage.see_through(id)
    assert (report.state, report.tally.judged) == ("ended", 60)


async def test_whoever_stops_it_twice_does_not_undo_the_first_time(stage: Stage) -> None:
    challenges = await stage.open(lambda deployment, request: None)
    id = await challenges.begin(spec_of(questions(20)), LOCAL)
    await stage.caller.until(16)
    stage.db.may_save.clear()
    once = asyncio.create_task(challenges.stop(id))
    await asyncio.wait_for(stage.db.held.wait(), 20)
    again = asyncio.create_task(challenges.stop(id))
    await challenges.item(id, 1)  # takes longer than to look up what is to be stopped
    stage.db.may_save.set()
    await asyncio.gather(once, again)
    assert (await challenges.report(id)).state == "stopped"


async def test_what_runs_cannot_be_resumed_and_what_is_over_neither(stage: Stage) -> None:
    challenges = await stage.open(lambda deployment, request: None)
    id = await challenges.begin(spec_of(questions(5)), LOCAL)
    with pytest.raises(Conflict) as raised:
        await challenges.resume(id)
    assert raised.value.code == "challenge.running"
    report = await stage.run(spec_of(questions(2)), contest(mixed))
    with pytest.raises(Conflict) as raised:
        await stage.challenges.resume(report.id)
    assert raised.value.code == "challenge.over"
    with pytest.raises(NotFound):
        await stage.challenges.resume("nothing")
    await challenges.close()


async def test_it_stops_asking_the_moment_the_answer_stands(stage: Stage) -> None:
    """What is under way then is let go: half of the items hang, behind those that decide."""
    script = contest(lambda number: 0.9)
    order = await _order_of(stage)
    hanging = set(order[40:])

    def slow(deployment: str, request: Request) -> Message | CallFailed | None:
        return None if deployment != JUDGE.id and number_asked(request) in hanging else script(deployment, request)

    report = await stage.run(spec_of(questions(80)), slow)
    assert word(report) == "switch"
    assert stage.caller.open == 0


async def _order_of(stage: Stage) -> list[int]:
    await stage.run(spec_of(questions(80), concurrency=1, confidence=0.999999), contest(mixed))
    return [number_asked(request) for deployment, request, _ in stage.caller.asked if deployment == NEW.id]


async def test_it_never_runs_far_ahead_of_the_evidence(stage: Stage) -> None:
    """The first item hangs: nothing counts, and no more is asked than a few times what is asked at once."""
    script = contest(mixed)
    first = (await _order_of(stage))[0]

    def hang(deployment: str, request: Request) -> Message | CallFailed | None:
        return None if deployment == OLD.id and number_asked(request) == first else script(deployment, request)

    challenges = await stage.open(hang)
    id = await challenges.begin(spec_of(questions(80), concurrency=2), LOCAL)
    most = AHEAD * 2
    await stage.caller.until(2 * most + 2 * (most - 1))
    report = await challenges.report(id)
    assert (report.tally.asked, report.decision) == (most, None)
    await challenges.stop(id)
    assert stage.caller.count(NEW) == most


# Trouble


async def test_a_contestant_that_fails_on_everything_ends_the_run_early_and_is_asked_again_later(stage: Stage) -> None:
    def down(deployment: str, request: Request) -> Message | CallFailed | None:
        return refusal(NEW.id, 401) if deployment == NEW.id else contest(mixed)(deployment, request)

    report = await stage.run(spec_of(questions(100)), down)
    assert report.state == "interrupted"
    assert report.trouble is not None
    assert report.trouble.startswith(f"challenge.contestant_down: {NEW.id} failed on")
    assert DOWN_AFTER <= stage.caller.count(NEW) <= DOWN_AFTER + 8
    stage.caller.script = contest(lambda number: 0.9)
    await stage.challenges.resume(report.id)
    report = await stage.see_through(report.id)
    assert (word(report), report.tally.failed, report.trouble) == ("switch", 0, None)


async def test_items_that_fail_now_and_then_score_nothing_and_are_shown(stage: Stage) -> None:
    def flaky(deployment: str, request: Request) -> Message | CallFailed | None:
        if deployment == NEW.id and number_asked(request) % 4 == 0:
            return refusal(NEW.id, 400)
        return contest(mixed)(deployment, request)

    report = await stage.run(spec_of(questions(20)), flaky)
    assert (report.tally.failed, report.tally.judged, report.tally.lost) == (5, 15, 5)


async def test_storage_that_fails_for_a_moment_is_waited_for(stage: Stage) -> None:
    await stage.open(contest(mixed))
    id = await stage.challenges.begin(spec_of(questions(10)), LOCAL)
    stage.db.refusals = 2
    report = await stage.see_through(id)
    assert (report.state, report.tally.judged) == ("ended", 10)
    assert stage.caller.count(NEW) == 10


async def test_storage_that_fails_interrupts_the_run_and_nothing_is_invented(stage: Stage) -> None:
    challenges = await stage.open(contest(mixed))
    id = await challenges.begin(spec_of(questions(60), confidence=0.9999), LOCAL)
    await stage.until(id, 10)
    stage.db.broken = True
    report = await stage.see_through(id)
    assert report.state == "interrupted"
    assert report.trouble is not None
    assert report.trouble.startswith("store.write_failed")
    with pytest.raises(Unavailable):
        await challenges.resume(id)
    stage.db.broken = False
    stage.db.refusals = 0
    await challenges.resume(id)
    report = await stage.see_through(id)
    assert (report.state, report.tally.judged, report.trouble) == ("ended", 60, None)
    assert stage.caller.count(NEW) <= 60 + 8 + 1
    assert (await verify_chain(stage.db, CHAIN)).ok


async def test_a_storage_that_fails_at_the_beginning_asks_nobody(stage: Stage) -> None:
    challenges = await stage.open(contest(mixed))
    stage.db.broken = True
    with pytest.raises(Unavailable):
        await challenges.begin(spec_of(questions(5)), LOCAL)
    assert stage.caller.asked == []


# Money


async def test_the_budget_ends_the_run_and_is_never_overspent(stage: Stage) -> None:
    budget = Money.of("0.12")
    spec = spec_of(questions(2000), budget=msgspec.to_builtins(budget), limit=2000, confidence=0.999999, concurrency=8)
    report = await stage.run(spec, contest(mixed))
    assert (report.state, word(report)) == ("ended", "budget_spent")
    assert 0 < stage.caller.paid <= budget.nano
    assert report.spent is not None
    assert report.spent.nano == stage.caller.paid
    assert report.tally.judged < 2000


async def test_the_budget_holds_across_a_cut_and_counts_what_was_never_learnt(stage: Stage) -> None:
    budget = Money.of("0.16")
    spec = spec_of(questions(2000), budget=msgspec.to_builtins(budget), limit=2000, confidence=0.999999, concurrency=1)

    def until_30(deployment: str, request: Request) -> Message | CallFailed | None:
        if deployment != JUDGE.id and stage.caller.count(NEW) > 30:
            return None
        return contest(mixed)(deployment, request)

    await stage.open(until_30)
    id = await stage.challenges.begin(spec, LOCAL)
    await stage.caller.until(30 * 4 + 2)
    await stage.close()
    first, held = stage.caller, sum(spent.held for spent in await load_spent(stage.db, id))
    assert held > 0
    await stage.open(contest(mixed))
    await stage.challenges.resume(id)
    report = await stage.see_through(id)
    assert word(report) == "budget_spent"
    assert first.paid + stage.caller.paid + held <= budget.nano
    assert stage.caller.paid > 0


async def test_a_spent_budget_that_is_raised_goes_on_where_it_stood_and_asks_nothing_twice(stage: Stage) -> None:
    """It ends like a run that had the larger budget from the beginning."""
    small, large = Money.of("0.12"), Money.of("1")
    unbroken = await stage.run(spec_of(questions(120), budget=msgspec.to_builtins(large), confidence=0.999, seed=3), contest(mixed))
    first = await stage.run(spec_of(questions(120), budget=msgspec.to_builtins(small), confidence=0.999, seed=3), contest(mixed))
    assert word(first) == "budget_spent"
    spent = stage.caller.paid
    for too_little, code in (
        (None, "challenge.over"),
        (small, "challenge.budget_not_raised"),
        (Money(10, "CNY"), "challenge.budget_not_raised"),
    ):
        with pytest.raises(AssayError) as raised:
            await stage.challenges.resume(first.id, too_little)
        assert raised.value.code == code
    await stage.challenges.resume(first.id, large)
    report = await stage.see_through(first.id)
    assert (report.state, word(report), report.evidence) == ("ended", word(unbroken), unbroken.evidence)
    assert (report.spec.budget, report.spent) == (large, Money(stage.caller.paid))
    assert spent < stage.caller.paid <= large.nano
    contestants = [filed for deployment, _, filed in stage.caller.asked if deployment != JUDGE.id]
    assert len(contestants) == len(set(contestants))
    with pytest.raises(Conflict):
        await stage.challenges.resume(first.id, Money.of("2"))


async def test_a_budget_too_small_for_a_single_call_asks_nobody(stage: Stage) -> None:
    report = await stage.run(spec_of(questions(5), budget={"nano": 1000}), contest(mixed))
    assert (report.state, word(report), stage.caller.asked) == ("ended", "budget_spent", [])


async def test_without_a_budget_what_it_cost_is_told(stage: Stage) -> None:
    report = await stage.run(spec_of(questions(5)), contest(mixed))
    assert report.spent == Money(20 * COST.nano)


# People


def vote(id: str, number: int, choice: Choice, item: str) -> Verdict:
    """A vote for the challenger (``a``) or the incumbent (``b``)."""
    subjects = tuple(Subject(model=one.model, deployment=one.id) for one in (NEW, OLD))
    return Verdict(
        id=f"{id}.{number}.anna", kind="vote", subjects=subjects, by="anna", at=now_us(), choice=choice, prompt=item, source=id
    )


async def cast(stage: Stage, id: str, number: int, choice: Choice) -> None:
    """A vote, as it comes in."""
    looked = await stage.challenges.item(id, number)
    verdict = vote(id, number, choice, looked.item.id)
    async with stage.db.transaction() as tx:
        await append_verdicts(tx, [verdict], CHAIN)
    stage.challenges.hear(id, number, verdict)


async def test_a_few_pairs_wait_for_people_and_their_votes_decide(stage: Stage) -> None:
    challenges = await stage.open(contest(mixed))
    id = await challenges.begin(spec_of(questions(100), (HUMAN,)), LOCAL)
    await stage.caller.until(2 * AHEAD_OF_PEOPLE)
    assert len(await challenges.hidden_requests()) == 200
    for number in range(1, 100):
        await cast(stage, id, number, "a")
        if word(await challenges.report(id)) == "switch":
            break
        await stage.caller.until(2 * min(AHEAD_OF_PEOPLE + number, 100))
        assert stage.caller.count(NEW) <= AHEAD_OF_PEOPLE + number
    report = await stage.see_through(id)
    assert (report.state, word(report)) == ("ended", "switch")
    assert number < 20
    assert await challenges.hidden_requests() == []


async def test_people_still_judge_what_the_budget_paid_for(stage: Stage) -> None:
    """One question may cost 0.033 dollars and costs 0.0004: the budget is spent with some pairs answered, and none judged yet."""
    challenges = await stage.open(contest(mixed))
    spec = spec_of(questions(40), (HUMAN,), budget={"nano": 40_000_000})
    id = await challenges.begin(spec, LOCAL)
    asked = await _asked_no_more(stage, id)
    assert 0 < asked < AHEAD_OF_PEOPLE
    await cast(stage, id, 1, "a")
    await stage.close()
    challenges = await stage.open(contest(mixed))
    await challenges.resume(id)
    for number in range(2, asked + 1):
        assert (await challenges.report(id)).state == "running"
        await cast(stage, id, number, "b")
    report = await stage.see_through(id)
    assert (report.state, word(report), report.tally.judged, report.waiting_for_people) == ("ended", "budget_spent", asked, 0)
    assert report.tally.lost == asked - 1
    assert stage.caller.asked == []


async def _asked_no_more(stage: Stage, id: str) -> int:
    """How many pairs wait once the purse lets nobody ask any more."""
    async with asyncio.timeout(20):
        while True:
            live = stage.challenges._live[id]
            if live.runner is not None and live.runner._is_budget_spent:
                return (await stage.challenges.report(id)).waiting_for_people
            await asyncio.sleep(0.01)


async def test_what_was_read_with_its_names_is_not_asked_again_for_people(stage: Stage) -> None:
    """Whoever read that it failed could not judge it, and if nobody else can, all after it would wait for ever."""
    is_down = True

    def script(deployment: str, request: Request) -> Message | CallFailed | None:
        if stage.caller.count(NEW) == 9:
            stage.db.may_save.clear()
        return refusal(deployment) if is_down and deployment == NEW.id else contest(mixed)(deployment, request)

    challenges = await stage.open(script)
    people = People(stage.db, challenges.hear, challenges.pass_over)
    id = await challenges.begin(spec_of(questions(12), (HUMAN,), concurrency=1), LOCAL)
    async with asyncio.timeout(20):
        async for _ in challenges.watch(id):
            if (await challenges.report(id)).tally.failed >= 2:
                break
    await people.read(id, "one", 1)
    stage.db.may_save.set()
    await stage.see_through(id)
    is_down = False
    await challenges.resume(id)
    async with asyncio.timeout(30):
        while (await challenges.report(id)).state == "running":
            if (pair := await people.next_pair(id, "one")) is not None:
                await people.vote(id, pair.number, "one", "tie")
            await asyncio.sleep(0)
    tally = (await challenges.report(id)).tally
    assert (tally.failed, tally.judged) == (1, 11)


async def test_a_pair_that_nobody_will_judge_does_not_hold_up_the_rest(stage: Stage) -> None:
    challenges = await stage.open(contest(mixed))
    id = await challenges.begin(spec_of(questions(3), (HUMAN,)), LOCAL)
    await stage.caller.until(6)
    await cast(stage, id, 2, "a")
    await cast(stage, id, 3, "tie")
    challenges.pass_over(id, 1)
    async with asyncio.timeout(20):
        async for _ in challenges.watch(id):
            pass


async def test_votes_of_before_a_restart_count(stage: Stage) -> None:
    challenges = await stage.open(contest(mixed))
    id = await challenges.begin(spec_of(questions(3), (HUMAN,)), LOCAL)
    await stage.caller.until(6)
    while len((await challenges.item(id, 2)).trials) < 2:
        await asyncio.wait_for(anext(aiter(challenges.watch(id))), 20)
    await cast(stage, id, 1, "a")
    await stage.close()
    await cast(stage, id, 2, "b")
    challenges = await stage.open(contest(mixed))
    await challenges.resume(id)
    await cast(stage, id, 3, "a")
    report = await stage.see_through(id)
    assert (report.state, report.tally.won, report.tally.lost) == ("ended", 2, 1)


async def test_a_vote_that_only_checks_the_judge_is_in_the_report_even_after_the_end(stage: Stage) -> None:
    report = await stage.run(spec_of(questions(3)), contest(mixed))
    assert report.agreements == ()
    await cast(stage, report.id, 2, "a")
    after = await stage.challenges.report(report.id)
    assert (after.agreements[0].pairs, after.decision, after.win_rate) == (1, report.decision, report.win_rate)
    assert await stage.challenges.report(report.id) == after


# What is refused at the beginning


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
