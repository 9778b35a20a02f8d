"""A run whose process is killed again and again, at any moment, comes to what it would have come to without; and nothing that was
on disk is paid for again."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from pathlib import Path

import pytest

from assay.bench.queries import list_runs
from assay.bench.queries_results import load_results
from assay.store import Database, open_database
from tests.bench.run.counting import CountingModel, counting_model
from tests.bench.run.program import CONCURRENCY

pytestmark = pytest.mark.anyio
START_S = 1.5
"""About how long a process takes before it asks; some kills come within this time."""


class Rig:
    """Processes that go on with one run, one after the other."""

    def __init__(self, url: str, model: CountingModel, folder: Path, questions: int):
        self._arguments = [url, str(model.port), str(folder), str(questions)]
        self._model = model

    async def start(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.run.program", *self._arguments, stdout=pipe, stderr=pipe
        )

    async def killed(self, chance: random.Random, most: int) -> None:
        """Start one, and kill it at some moment: by the clock, or after up to ``most`` more questions and a little while."""
        process = await self.start()
        if chance.random() < 0.2:
            await asyncio.sleep(chance.uniform(0, START_S))
        else:
            asked = self._model.asked.total() + chance.randint(1, most)
            over = asyncio.create_task(process.wait())
            until = asyncio.create_task(self._model.until(asked))
            await asyncio.wait({over, until}, return_when=asyncio.FIRST_COMPLETED)
            for task in (over, until):
                task.cancel()
            await asyncio.sleep(chance.uniform(0, 0.05))
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.communicate()

    async def finished(self) -> None:
        """Let one come to its end."""
        process = await self.start()
        _, error = await asyncio.wait_for(process.communicate(), 50)
        assert process.returncode == 0, error.decode()[-2000:]


async def kept(db: Database) -> set[int]:
    """The numbers of the questions whose answers are on disk."""
    runs = await list_runs(db)
    return {int(one.sample[1:]) for one in await load_results(db, runs[0].id) if one.state != "waiting"} if runs else set()


async def survive(url: str, folder: Path, questions: int, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    db = await open_database(url)
    async with counting_model(0.01) as model:
        rig = Rig(url, model, folder, questions)
        for _ in range(kills):
            before = model.asked.copy()
            on_disk = await kept(db)
            await rig.killed(chance, max(2, 2 * questions // kills))
            again = {number for number in on_disk if model.asked[number] > before[number]}
            assert not again, "what was on disk was asked again"
            lost = {number for number in model.asked if model.asked[number] > before[number]} - await kept(db)
            assert len(lost) <= CONCURRENCY, "more was lost than was under way"
        await rig.finished()
        runs = await list_runs(db)
        results = await load_results(db, runs[0].id)
        await db.close()
    assert len(runs) == 1
    outcomes = {result.sample: result.scored.outcome for result in results if result.scored}
    assert outcomes == {f"q{number}": "right" if number % 2 == 0 else "wrong" for number in range(questions)}
    assert set(model.asked) == set(range(questions))
    assert model.asked.total() - questions <= kills * CONCURRENCY


async def test_a_run_survives_five_kills(database_url: str, tmp_path: Path) -> None:
    kills = 5 if database_url.startswith("sqlite") else 2
    await survive(database_url, tmp_path, questions=30 * kills, kills=kills, seed=1)


@pytest.mark.prove
@pytest.mark.timeout(900)
async def test_a_run_survives_fifty_kills(database_url: str, tmp_path: Path) -> None:
    await survive(database_url, tmp_path, questions=1500, kills=50, seed=2)
