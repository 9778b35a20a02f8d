"""Judges in processes of their own: many programs at once, none lost when a judge is."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from assay.bench.code.judge import CodeJudge
from assay.core import NotFound, Unavailable
from tests.bench.code.small import small_task

pytestmark = pytest.mark.anyio
RIGHT = "def double(x): return 2 * x"
ENDLESS = "def double(x):\n    while True: pass"


async def test_many_programs_are_judged_at_once_and_none_for_another(tmp_path: Path) -> None:
    task, files = small_task(tmp_path / "small.jsonl")
    programs = [f"def double(x): return 2 * x + {n % 3}" for n in range(30)]
    async with CodeJudge.open(task, files, workers=2, folder=tmp_path) as judge:
        examined = await asyncio.gather(*(judge.examine("Small/double", program) for program in programs))
        assert judge.layers.is_enough
    assert [each.fate for each in examined] == ["right" if n % 3 == 0 else "wrong" for n in range(30)]


async def test_the_first_program_for_a_problem_goes_alone_and_other_problems_beside_it(tmp_path: Path) -> None:
    task, files = small_task(tmp_path / "small.jsonl")
    ended: list[str] = []

    async def examine(name: str, problem: str, program: str) -> None:
        await judge.examine(problem, program)
        ended.append(name)

    async with CodeJudge.open(task, files, workers=2, folder=tmp_path) as judge:
        await asyncio.gather(
            examine("first", "Small/double", ENDLESS),
            examine("second", "Small/double", RIGHT),
            examine("other", "Small/half", "def half(x): return x / 2"),
        )
    assert ended == ["other", "first", "second"]


async def test_a_judge_that_is_killed_is_replaced_and_its_program_judged(tmp_path: Path) -> None:
    task, files = small_task(tmp_path / "small.jsonl")
    async with CodeJudge.open(task, files, workers=1, folder=tmp_path) as judge:
        before = await _judges()
        waiting = asyncio.create_task(judge.examine("Small/double", ENDLESS))
        await asyncio.sleep(0)
        os.kill(before[0], signal.SIGKILL)
        assert (await waiting).fate == "timeout"
        assert await _judges() != before


async def test_one_who_waits_no_longer_leaves_the_judge_to_others(tmp_path: Path) -> None:
    task, files = small_task(tmp_path / "small.jsonl")
    async with CodeJudge.open(task, files, workers=1, folder=tmp_path) as judge:
        waiting = asyncio.create_task(judge.examine("Small/double", ENDLESS))
        await asyncio.sleep(0)
        waiting.cancel()
        assert (await judge.examine("Small/double", RIGHT)).fate == "right"


async def test_an_unknown_problem_is_an_error_and_the_judge_goes_on(tmp_path: Path) -> None:
    task, files = small_task(tmp_path / "small.jsonl")
    async with CodeJudge.open(task, files, workers=1, folder=tmp_path) as judge:
        with pytest.raises(NotFound, match="Small/none"):
            await judge.examine("Small/none", RIGHT)
        assert (await judge.examine("Small/double", RIGHT)).fate == "right"


async def test_closing_ends_every_process_and_nothing_is_begun_after(tmp_path: Path) -> None:
    task, files = small_task(tmp_path / "small.jsonl")
    async with CodeJudge.open(task, files, workers=2, folder=tmp_path) as judge:
        waiting = [asyncio.create_task(judge.examine("Small/double", ENDLESS)) for _ in range(5)]
        await asyncio.sleep(0)
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, Unavailable) for result in results)
    assert await _judges() == []


async def _judges() -> list[int]:
    """The judge processes that this process has started and that have not ended."""
    found = await asyncio.to_thread(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text)
    numbers = [int(number) for number in found.split()]
    lines = {number: await asyncio.to_thread(Path(f"/proc/{number}/cmdline").read_bytes) for number in numbers}
    return [number for number, line in lines.items() if b"assay.bench.code.process" in line]
