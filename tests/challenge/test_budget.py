"""The budget of a challenge: never overspent, held across cuts, and raised."""

from __future__ import annotations

import msgspec
import pytest

from assay.challenge.check import LOCAL
from assay.challenge.queries import load_spent
from assay.core import (
    AssayError,
    CallFailed,
    Conflict,
    Message,
    Money,
    Request,
)
from tests.challenge.scripted import (
    COST,
    JUDGE,
    NEW,
    contest,
    questions,
    spec_of,
)
from tests.challenge.stage import Stage, mixed, word

pytestmark = pytest.mark.anyio


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
