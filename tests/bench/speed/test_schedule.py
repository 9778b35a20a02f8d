"""Questions are asked when they are due, and their times count from then."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest

from assay.bench.speed.schedule import poisson, run_closed, run_open
from assay.bench.speed.timing import Timed, ask_timed
from assay.core import Budget, Request, Transcript, Usage, user
from tests.bench.speed.made import MS, PacedCaller

pytestmark = pytest.mark.anyio
ASK = Request(model="p/m", transcript=Transcript((user("?"),)), stream=True)


async def ask_with(caller: PacedCaller, number: int, due_ns: int) -> Timed:
    return await ask_timed(caller, ASK, "p/m", due_ns, Budget())


def test_arrivals_are_poissons() -> None:
    """As many a second as was asked for, the gaps between them exponential, and the same for the same seed."""
    gaps = np.diff(poisson(20_000, 5, 1))
    assert gaps.mean() == pytest.approx(0.2, rel=0.03)
    assert gaps.std() == pytest.approx(0.2, rel=0.04)
    assert (gaps > 0.4).mean() == pytest.approx(np.exp(-2), abs=0.01)
    assert poisson(5, 2, 7) == poisson(5, 2, 7) != poisson(5, 2, 8)
    assert poisson(1, 2, 7) == [0.0]


async def test_an_open_schedule_asks_on_however_slow_the_answers_are() -> None:
    caller = PacedCaller(wait_s=lambda number: 1.0)
    found = await run_open(lambda number, due_ns: ask_with(caller, number, due_ns), [0.0, 0.01, 0.02, 0.03])
    assert caller.most_open == 4
    assert [(later.due_ns - earlier.due_ns) / MS for earlier, later in pairwise(found)] == pytest.approx([10] * 3)
    assert all(one.asked_ns >= one.due_ns for one in found)


async def test_a_wait_that_our_own_side_causes_is_in_the_times() -> None:
    """The second question blocks everything for 0.3 s. Those due meanwhile are sent late, and their times say so: none is left out."""

    def stall(number: int) -> float:
        if number == 1:
            time.sleep(0.3)  # the whole process is busy
        return 0.0

    caller = PacedCaller(wait_s=stall)
    found = await run_open(lambda number, due_ns: ask_with(caller, number, due_ns), [0.0, 0.05, 0.1, 0.15, 0.2])
    to_first = [((one.first_ns or 0) - one.due_ns) / MS for one in found]
    since_sent = [((one.first_ns or 0) - one.asked_ns) / MS for one in found]
    assert to_first[2] >= 240
    assert to_first[3] >= 190
    assert to_first[4] >= 140
    assert since_sent[3] < to_first[3] - 100


async def test_a_closed_schedule_never_has_more_than_so_many_under_way() -> None:
    caller = PacedCaller(wait_s=lambda number: 0.01 * (number % 3))
    found = await run_closed(lambda number, due_ns: ask_with(caller, number, due_ns), 20, 4)
    assert caller.most_open == 4
    assert len(found) == len(caller.asked) == 20
    few = PacedCaller()
    assert len(await run_closed(lambda number, due_ns: ask_with(few, number, due_ns), 2, 8)) == 2


async def test_an_answer_is_timed_piece_by_piece() -> None:
    caller = PacedCaller(wait_s=lambda number: 0.05, pace_s=0.02)
    found = await ask_timed(caller, ASK, "p/m", time.monotonic_ns(), Budget())
    assert found.first_ns is not None
    assert found.last_ns is not None
    assert found.first_ns - found.due_ns >= 50 * MS
    assert len(found.pauses_ns) == 2
    assert all(pause >= 19 * MS for pause in found.pauses_ns)
    assert found.last_ns - found.first_ns >= 59 * MS
    assert (found.characters, found.bytes, found.characters_after_first, found.bytes_after_first) == (9, 15, 6, 10)
    assert (found.tokens, found.error) == (9, None)


async def test_a_failed_question_says_why() -> None:
    found = await ask_timed(PacedCaller(fails=lambda number: True), ASK, "p/m", 5, Budget())
    assert (found.error, found.first_ns, found.characters) == ("upstream.refused", None, 0)
    assert found.cost is not None


async def test_tokens_that_were_guessed_are_no_count() -> None:
    found = await ask_timed(PacedCaller(usage=Usage(output=9, estimated=True)), ASK, "p/m", 0, Budget())
    assert found.tokens is None
    assert (await ask_timed(PacedCaller(usage=None), ASK, "p/m", 0, Budget())).tokens is None
