"""Samples that were made elsewhere are scored row by row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assay.bench.code.score_file import FileSummary, Row, score_file
from assay.core import InvalidInput
from tests.bench.code.small import small_task

pytestmark = pytest.mark.anyio


async def _score(folder: Path, *rows: dict[str, Any]) -> list[Row | FileSummary]:
    task, files = small_task(folder / "small.jsonl")
    samples = folder / "samples.jsonl"
    samples.write_text("".join(json.dumps(row) + "\n\n" for row in rows))
    return [row async for row in score_file(task, files, samples, folder=folder / "cache", workers=2)]


async def test_each_row_is_told_in_order_and_the_summary_last(tmp_path: Path) -> None:
    told = await _score(
        tmp_path,
        {"task_id": "Small/double", "completion": "    return 2 * x\n"},
        {"task_id": "Small/half", "solution": "def half(x): return 0"},
        {"task_id": "Small/double", "solution": "def double(x): return 2 * x if x < 9 else 0"},
        {"task_id": "Small/double", "completion": "    while True: pass\n", "other": 1},
        {"task_id": "Small/nan", "completion": "    raise KeyError(x)\n"},
    )
    assert [(row.task_id, row.index, row.outcome) for row in told[:-1] if isinstance(row, Row)] == [
        ("Small/double", 0, "right"),
        ("Small/half", 0, "wrong"),
        ("Small/double", 1, "wrong"),
        ("Small/double", 2, "timeout"),
        ("Small/nan", 0, "wrong"),
    ]
    summary = told[-1]
    assert isinstance(summary, FileSummary)
    assert (summary.samples, summary.problems, summary.of, summary.right) == (5, 3, 7, 1)
    assert summary.outcomes == {"right": 1, "wrong": 3, "timeout": 1}
    assert summary.parts == {"base": 0.4, "plus": 0.2}
    assert "seccomp" in summary.layers
    assert json.loads(msgspec.json.encode(told[2])).keys() == {"task_id", "index", "outcome", "parts", "detail"}


async def test_a_sample_that_cannot_be_scored_is_an_error_and_lowers_no_score(tmp_path: Path) -> None:
    task, files = small_task(tmp_path / "small.jsonl")
    broken = files["problems"].read_text().replace("return 2 * x\\n", "return 1 / 0\\n")
    files["problems"].write_text(broken)
    samples = tmp_path / "samples.jsonl"
    samples.write_text(
        '{"task_id": "Small/double", "completion": ""}\n{"task_id": "Small/half", "completion": "    return x / 2"}\n'
    )
    told = [row async for row in score_file(task, files, samples, folder=tmp_path / "cache", workers=1)]
    assert isinstance(told[0], Row)
    assert (told[0].outcome, told[0].error) == ("error", "code.reference_failed")
    assert isinstance(told[-1], FileSummary)
    assert told[-1].parts == {"base": 1.0, "plus": 1.0}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ('{"task_id": "Small/double"}', "neither"),
        ('{"task_id": "Small/none", "completion": ""}', "no problem 'Small/none'"),
        ('{"completion": ""}', "task_id"),
        ('{"task_id": "Small/double", "completion": 3}', "completion"),
        ("{", "line 2"),
    ],
)
async def test_rows_that_are_no_samples_are_named_before_any_is_scored(tmp_path: Path, row: str, why: str) -> None:
    task, files = small_task(tmp_path / "small.jsonl")
    samples = tmp_path / "samples.jsonl"
    samples.write_text('{"task_id": "Small/double", "completion": ""}\n' + row)
    with pytest.raises(InvalidInput, match=r"line 2") as refused:
        await anext(score_file(task, files, samples, folder=tmp_path))
    assert why in str(refused.value)


async def test_tasks_without_programs_are_refused(tmp_path: Path) -> None:
    task, files = small_task(tmp_path / "small.jsonl")
    with pytest.raises(InvalidInput, match="only programs"):
        await anext(score_file(msgspec.structs.replace(task, kind="numbers"), files, tmp_path, folder=tmp_path))
