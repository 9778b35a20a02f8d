"""Several runs in order, with the range that each rank may lie in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assay.bench.ranking import rank_runs
from assay.bench.ranking_routes import ranking_routes
from assay.bench.result import Result
from assay.core import Unprocessable
from assay.store import Database
from tests.asgi import Session
from tests.bench.marked import answered, marks, result
from tests.bench.run.quiz import QUIZ, School, knows, knows_even


def test_the_best_comes_first_and_equals_share_a_range() -> None:
    rng = np.random.default_rng(1)
    hard = rng.random(400) * 0.5
    found = rank_runs(
        {name: answered(hard + more, rng) for name, more in (("weak", 0.0), ("even", 0.2), ("alike", 0.2), ("best", 0.45))}
    )
    assert (found[0].name, found[-1].name) == ("best", "weak")
    assert [(one.low, one.high) for one in found] == [(1, 1), (2, 3), (2, 3), (4, 4)]
    assert {one.questions for one in found} == {400}


def test_questions_that_one_has_no_answer_to_are_left_out_for_all() -> None:
    a, b = marks([1, 1, 0, 1]), [*marks([0, 1, 0]), result("q3", "error"), result("other")]
    found = rank_runs({"a": a, "b": b})
    assert [(one.name, round(one.value * 3), one.questions) for one in found] == [("a", 2, 3), ("b", 1, 3)]


def test_of_a_balanced_task_each_category_counts_the_same() -> None:
    def run(easy: int, hard: int) -> list[Result]:
        many = [result(f"e{at}", "right" if at < easy else "wrong", category="easy") for at in range(90)]
        return many + [result(f"h{at}", "right" if at < hard else "wrong", category="hard") for at in range(10)]

    runs = {"broad": run(45, 9), "narrow": run(60, 1)}
    assert [one.name for one in rank_runs(runs)] == ["narrow", "broad"]
    found = rank_runs(runs, balanced=True)
    assert [one.name for one in found] == ["broad", "narrow"]
    assert [one.value for one in found] == pytest.approx([0.7, (60 / 90 + 0.1) / 2])


def test_several_samples_count_by_question() -> None:
    found = rank_runs({"a": [*marks([1, 0]), *marks([0, 0], 1)], "b": marks([1, 1])})
    assert {one.name: one.value for one in found} == {"a": 0.25, "b": 1.0}


def test_runs_without_a_common_question_have_no_order() -> None:
    for runs in ({}, {"a": marks([1]), "b": [result("other")]}, {"a": [result("q0", "error")]}):
        with pytest.raises(Unprocessable) as refused:
            rank_runs(runs)
        assert refused.value.code == "bench.nothing_shared"


@pytest.mark.anyio
async def test_runs_are_ranked_over_the_api(database: Database, tmp_path: Path) -> None:
    school = School(database, tmp_path)
    sure = (await school.run(knows)).id
    await school.close()
    half = (await school.run(knows_even)).id
    session = Session(ranking_routes(school.db, school.runs))
    said = (await session.get(f"/api/v1/bench/rank?runs={half},{sure}")).json
    assert (said["task"], said["same_recipe"]) == (QUIZ.id, True)
    assert [(one["ranked"]["name"], one["ranked"]["low"], one["ranked"]["high"]) for one in said["runs"]] == [
        (sure, 1, 1),
        (half, 2, 2),
    ]
    assert (await session.get(f"/api/v1/bench/rank?runs={half},{half}")).json["code"] == "bench.ranked_runs"
    assert (await session.get(f"/api/v1/bench/rank?runs={half},nobody")).status == 404
    await school.close()
