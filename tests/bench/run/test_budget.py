"""A budget is never passed: with failures, restarts, and several workers."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from assay.bench.queries_costs import load_costs
from assay.bench.runs import Runs
from assay.core import InvalidInput, Money
from assay.core.purse import most_of
from tests.bench.run.quiz import COST, FAST, PRICE, Pupil, QuizTasks, School, find, knows, spec_of

pytestmark = pytest.mark.anyio
ROOM = 40_000_000
"""More than the most that one call may cost, in nano-units; its true cost is 380,000."""


async def test_it_stops_before_the_call_that_could_pass_it(school: School) -> None:
    budget = ROOM + 10 * COST.nano
    report = await school.run(budget={"nano": budget})
    assert report.state == "interrupted"
    assert report.trouble is not None
    assert report.trouble.startswith("bench.budget_spent")
    assert 0 < report.counts.answered < 40
    assert school.pupil.paid <= budget
    most = most_of(school.pupil.requests[-1], PRICE)
    assert school.pupil.paid > budget - most - COST.nano, "there was room for more"


async def test_a_larger_one_lets_it_go_on_and_a_smaller_one_is_refused(school: School) -> None:
    report = await school.run(budget={"nano": ROOM})
    with pytest.raises(InvalidInput):
        await school.runs.resume(report.id, Money(ROOM - 1))
    await school.runs.resume(report.id, Money(100 * ROOM))
    after = await school.see_through(report.id)
    assert after.state == "ended", after.trouble
    assert after.cost == Money(40 * COST.nano)
    assert after.set_aside is None


async def test_workers_share_it(school: School) -> None:
    budget = 150 * COST.nano
    school.quiz.count = 400
    await school.open(seconds=0.005)
    pupil = Pupil(knows, 0.005)
    other = await Runs.start(school.db, pupil, find, QuizTasks(school.quiz), folder=school.folder, owner="other", limits=FAST)
    id = await school.runs.begin(spec_of(budget={"nano": budget}, sampling={"max_tokens": 100}))
    helping = asyncio.create_task(other.help(id))
    report = await school.see_through(id)
    await asyncio.gather(helping, return_exceptions=True)  # it may find the budget spent, too
    await other.close()
    costs = await load_costs(school.db, id)
    assert report.trouble is not None
    assert pupil.paid
    assert school.pupil.paid
    assert school.pupil.paid + pupil.paid <= budget
    assert sum(one.held for one in costs) <= budget


async def test_what_a_killed_worker_held_stays_set_aside(school: School) -> None:
    await school.open(lambda number, before: None if number > 5 else str(number))
    id = await school.runs.begin(spec_of(budget={"nano": 100 * ROOM}))
    await school.pupil.until(9)
    await school.close()
    await school.open(knows)
    report = await school.runs.report(id)
    assert report.set_aside is not None
    assert report.set_aside.nano > 0
    await school.runs.resume(id)
    assert (await school.see_through(id)).outcomes == {"right": 40}


async def test_without_a_price_there_is_no_budget(school: School) -> None:
    await school.open()
    unpriced = lambda name: msgspec.structs.replace(find(name), price=None)  # noqa: E731
    runs = await Runs.start(school.db, school.pupil, unpriced, QuizTasks(school.quiz), folder=school.folder, owner="x")
    with pytest.raises(InvalidInput):
        await runs.begin(spec_of(budget={"nano": 1}))
    await runs.close()
