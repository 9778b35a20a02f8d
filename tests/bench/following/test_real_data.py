"""Both data sets whole: every row is read, every instruction is known, and every arguments are its own."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from assay.bench.data import Sources, fetch
from assay.bench.following.registry import IFBENCH, IFEVAL
from assay.bench.kind import kind_of
from assay.bench.library import Library
from assay.bench.task import Context
from assay.bench.template import render
from tests.bench.tasks.answers import said

pytestmark = [pytest.mark.data, pytest.mark.anyio]


@pytest.mark.parametrize(
    ("name", "rows", "instructions", "known"), [("ifeval", 541, 834, set(IFEVAL)), ("ifbench", 300, 344, set(IFBENCH))]
)
async def test_every_row_is_read_and_can_be_scored(
    tmp_path: Path, name: str, rows: int, instructions: int, known: set[str]
) -> None:
    task = Library().find(name)
    files = await fetch(task, Sources(cache=tmp_path, data_dir=Path(os.environ["ASSAY_DATA_DIR"]), tokens={}))
    samples = kind_of(task).read(task, files)
    asked = Counter(name for sample in samples for name in sample.target["instruction_id_list"])
    assert (len(samples), asked.total(), set(asked) - known) == (rows, instructions, set())
    assert known - set(asked) == set()
    async with kind_of(task).scorer(task, files, Context(folder=tmp_path)) as scorer:
        for sample in samples:
            assert render(task.prompt, sample.fields) == sample.fields["prompt"]
            scored = await scorer.score(sample, said("Certainly. Here is one answer, and no other."))
            assert scored.outcome in {"right", "wrong"}
            assert scored.parts["instruction_strict:of"] == len(sample.target["kwargs"])
