"""The shipped tasks on their whole real data."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pytest

from assay.bench.data import Sources, fetch, hash_files
from assay.bench.kind import kind_of
from assay.bench.library import Library
from assay.bench.recipe import recipe_of
from assay.bench.spec import Spec
from assay.bench.task import Context, Sample, Task
from tests.bench.tasks.answers import said

pytestmark = [pytest.mark.data, pytest.mark.anyio]


async def load(name: str, tmp_path: Path) -> tuple[Task, dict[str, Path], list[Sample]]:
    task = Library().find(name)
    files = await fetch(task, Sources(cache=tmp_path, data_dir=Path(os.environ["ASSAY_DATA_DIR"]), tokens={}))
    return task, files, list(kind_of(task).read(task, files))


async def test_every_solution_of_gsm8k_is_right_and_every_other_wrong(tmp_path: Path) -> None:
    """The data's own worked solutions, as written and without their mark; and each question with the solution of the next."""
    task, files, samples = await load("gsm8k", tmp_path)
    assert len(samples) == 1319
    async with kind_of(task).scorer(task, files, Context(folder=tmp_path)) as scorer:
        for sample, other in zip(samples, samples[1:] + samples[:1], strict=True):
            words = re.sub(r"<<.*?>>", "", sample.target)
            for text in (words, words.replace("#### ", "")):
                assert (await scorer.score(sample, said(text))).outcome == "right", text
            goal, theirs = (one.target.rsplit("####", 1)[1].strip().replace(",", "") for one in (sample, other))
            strange = await scorer.score(sample, said(re.sub(r"<<.*?>>", "", other.target)))
            assert strange.outcome == ("right" if float(goal) == float(theirs) else "wrong")


async def test_xstest_has_both_halves(tmp_path: Path) -> None:
    _, _, samples = await load("xstest", tmp_path)
    assert Counter(sample.category for sample in samples) == {"safe": 250, "unsafe": 200}


async def test_mt_bench_has_references_where_they_count(tmp_path: Path) -> None:
    task, files, samples = await load("mt-bench", tmp_path)
    assert Counter(sample.category for sample in samples if sample.target) == {"math": 10, "reasoning": 10, "coding": 10}
    assert {len(sample.fields["turns"]) for sample in samples} == {2}
    assert set(files) == {"question.jsonl", "reference.jsonl", "judge_prompts.jsonl"}
    assert len(samples) == task.rows == 80


@pytest.mark.parametrize(("name", "rows", "groups"), [("arena-hard-v0.1", 500, 250), ("arena-hard-v2.0", 750, 3)])
async def test_arena_hard_is_whole(tmp_path: Path, name: str, rows: int, groups: int) -> None:
    _, _, samples = await load(name, tmp_path)
    assert len(samples) == rows
    assert len({sample.cluster or sample.category for sample in samples}) == groups


async def test_the_recipe_of_a_shipped_task_holds_the_hashes_of_its_data(tmp_path: Path) -> None:
    task, files, _ = await load("xstest", tmp_path)
    recipe = recipe_of(task, await hash_files(files), Spec(task="xstest", model="m"))
    assert recipe.parts["data"]["hashes"] == {file.name: file.sha256 for file in task.data}
