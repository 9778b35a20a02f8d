"""Whole runs of models whose skill is known: how often the interval that a run reports covers it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from assay.bench.runs import Runs
from assay.store import migrate, open_database
from assay.web import SCHEMAS
from tests.bench.run.quiz import FAST, Pupil, Quiz, QuizTasks, find, spec_of

pytestmark = pytest.mark.anyio
QUESTIONS = 80


class Examinee:
    """Knows a question by chance: each with a chance of its own, drawn around ``skill``, or all with the very same."""

    def __init__(self, skill: float, spread: float, chance: random.Random):
        self._chance = chance
        self._chances = [chance.betavariate(skill / spread, (1 - skill) / spread) if spread else skill for _ in range(QUESTIONS)]

    def __call__(self, number: int, before: int) -> str:
        return str(number) if self._chance.random() < self._chances[number] else "?"


async def covered(folder: Path, runs: int, samples: int, spread: float) -> int:
    """Of so many runs, how many had the truth in their interval."""
    db = await open_database(f"sqlite:///{folder}/assay.db")
    await migrate(db, *SCHEMAS)
    hits = 0
    for seed in range(runs):
        chance = random.Random(seed)
        skill = chance.uniform(0.2, 0.8)
        server = await Runs.start(
            db, Pupil(Examinee(skill, spread, chance)), find, QuizTasks(Quiz(QUESTIONS)), folder=folder, limits=FAST
        )
        id = await server.begin(spec_of(samples=samples, concurrency=16))
        async for _ in server.watch(id):
            pass
        report = await server.report(id)
        await server.close()
        assert report.state == "ended", report.trouble
        assert report.summary is not None
        score = report.summary.score
        assert score.low is not None
        assert score.high is not None
        hits += score.low <= skill <= score.high
    await db.close()
    return hits


@pytest.mark.parametrize(("samples", "spread"), [(1, 0.0), (3, 0.5)])
async def test_the_interval_covers_the_truth_of_most_runs(tmp_path: Path, samples: int, spread: float) -> None:
    assert await covered(tmp_path, 5, samples, spread) >= 4


@pytest.mark.prove
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("samples", "spread"), [(1, 0.0), (3, 0.5)])
async def test_it_does_so_for_95_of_100(tmp_path: Path, samples: int, spread: float) -> None:
    hits = await covered(tmp_path, 200, samples, spread)
    print(f"{hits} of 200 intervals cover the truth, each question asked {samples} times")
    assert 0.92 <= hits / 200 <= 0.98
