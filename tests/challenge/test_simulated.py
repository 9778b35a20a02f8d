"""Challenges of known truth through the whole engine: how often the answer is wrong, looking after every item.

Truth lies on the edge of the zone within which either answer is right, where a wrong answer is likeliest. Three items in ten are
ties, and items come in clusters that stand or fall together.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assay.challenge.challenges import Challenges
from assay.challenge.check import LOCAL
from assay.challenge.spec import Goal, Spec
from assay.store import Database, migrate, open_database
from assay.web import SCHEMAS
from tests.challenge.scripted import ScriptedCaller, contest, find, items_file, spec_of

pytestmark = pytest.mark.anyio

IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
ITEMS = 60
MARGIN = 0.1
TIES = 0.3
TOGETHER = 0.8
"""How often an item comes out as the rest of its cluster does."""
SPACING = 1000
"""Between the numbers of the items of two challenges."""
WIN, TIE, LOSS = 0.9, 0.5, 0.1
"""What the challenger's answer is worth, where the incumbent's is worth one half."""


@pytest.fixture
async def memory(anyio_backend: str) -> AsyncIterator[Database]:
    """A real database whose file lies in memory where the machine has such a place."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        db = await open_database(f"sqlite:///{folder}/assay.db")
        await migrate(db, *SCHEMAS)
        yield db
        await db.close()


class World:
    """Draws what becomes of each item. The mean score of the challenger is ``mean``."""

    def __init__(self, mean: float, seed: int):
        self._win = mean - TIES / 2
        self._chance = random.Random(seed)
        self._worth: dict[int, float] = {}

    def worth(self, number: int) -> float:
        """What the challenger's answer is worth; the incumbent's is worth one half."""
        return self._worth[number]

    def spec(self, challenge: int, goal: Goal) -> Spec:
        """A challenge on fresh items, in clusters of one to three."""
        lines: list[dict[str, str]] = []
        cluster = 0
        while len(lines) < ITEMS:
            cluster += 1
            shared = self._draw()
            for _ in range(self._chance.randint(1, 3)):
                number = challenge * SPACING + len(lines)
                self._worth[number] = shared if self._chance.random() < TOGETHER else self._draw()
                lines.append({"prompt": f"Question {number}?", "cluster": f"conversation {cluster}"})
        return spec_of(items_file(lines), goal=goal, margin=MARGIN, seed=challenge)

    def _draw(self) -> float:
        drawn = self._chance.random()
        return WIN if drawn < self._win else TIE if drawn < self._win + TIES else LOSS


async def run(db: Database, mean: float, goal: Goal, count: int) -> Counter[str]:
    """How so many challenges end in a world where the challenger's mean score is ``mean``."""
    world = World(mean, seed=round(1000 * mean))
    caller = ScriptedCaller(contest(world.worth))
    challenges = await Challenges.start(db, caller, find)
    words: Counter[str] = Counter()
    for number in range(1, count + 1):
        id = await challenges.begin(world.spec(number, goal), LOCAL)
        async for _ in challenges.watch(id):
            pass
        report = await challenges.report(id)
        assert report.decision is not None, report.trouble
        words[report.decision.word] += 1
        caller.asked.clear()
    await challenges.close()
    return words


EDGES: tuple[tuple[Goal, float, str], ...] = (
    ("better", 0.5, "switch"),
    ("better", 0.5 + MARGIN, "do_not_switch"),
    ("no_worse", 0.5 - MARGIN, "switch"),
    ("no_worse", 0.5, "do_not_switch"),
)


@pytest.mark.parametrize(("goal", "mean", "wrong"), EDGES)
async def test_wrong_answers_are_rare(memory: Database, goal: Goal, mean: float, wrong: str) -> None:
    """Of ten challenges at most three, which has a chance of less than one in a thousand where one in twenty is wrong."""
    words = await run(memory, mean, goal, 10)
    assert words.total() == 10
    assert words[wrong] <= 3


@pytest.mark.prove
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("goal", "mean", "wrong"), EDGES)
async def test_at_most_one_answer_in_twenty_is_wrong(memory: Database, goal: Goal, mean: float, wrong: str) -> None:
    """A thousand challenges, a quarter of them at each edge."""
    words = await run(memory, mean, goal, 250)
    print(f"goal {goal}, true mean {mean}: {dict(words)}")
    assert words.total() == 250
    assert words[wrong] <= 12


@pytest.mark.parametrize(("goal", "mean", "right"), [("better", 0.82, "switch"), ("no_worse", 0.2, "do_not_switch")])
async def test_clear_differences_are_found(memory: Database, goal: Goal, mean: float, right: str) -> None:
    words = await run(memory, mean, goal, 10)
    assert words[right] >= 8
    assert set(words) <= {right, "cannot_tell"}
