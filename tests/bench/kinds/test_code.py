"""An answer to a programming question is judged from its words to its value."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.bench.kind import kind_of
from assay.bench.outcome import Scored
from assay.bench.task import Context
from assay.core import Answer, Message, StopReason, Text
from tests.bench.code.small import small_task

pytestmark = pytest.mark.anyio


async def _scored(folder: Path, answers: list[tuple[str, StopReason]]) -> list[Scored]:
    task, files = small_task(folder / "small.jsonl")
    kind = kind_of(task)
    sample = next(sample for sample in kind.read(task, files) if sample.id == "Small/double")
    async with kind.scorer(task, files, Context(folder=folder, workers=1)) as scorer:
        return [await scorer.score(sample, _answer(*each)) for each in answers]


def _answer(text: str, stop: StopReason) -> Answer:
    return Answer(messages=(Message(role="assistant", parts=(Text(text=text),)),), stop=stop, usage=None, started=None)


async def test_each_way_of_answering_has_its_outcome(tmp_path: Path) -> None:
    answers: list[tuple[str, StopReason]] = [
        ("```python\ndef double(x):\n    return 2 * x\n```", "end"),
        ("<think>\n```python\ndef double(x): return 0\n```\n</think>\n    return 2 * x", "end"),
        ("```python\ndef double(x):\n    return 3 * x\n```", "end"),
        ("```python\ndef double(x):\n    while True: pass\n```", "end"),
        ("```python\ndef double(x):\n    retu", "length"),
        ("<think>\n```python\ndef double(x): return 2 * x\n```\nbut wait", "end"),
        ("I'm sorry, but I can't help with that.", "end"),
        ("It doubles the number.", "end"),
        ("", "end"),
    ]
    scored = await _scored(tmp_path, answers)
    assert [each.outcome for each in scored] == [
        "right", "right", "wrong", "timeout", "truncated", "truncated", "refused", "unparsed", "unparsed",
    ]  # fmt: skip
    assert scored[0].value == 1.0
    assert scored[0].parts == {"base": 1.0, "plus": 1.0}
    assert scored[2].extracted is not None
    assert "return 3 * x" in scored[2].extracted
    assert scored[3].detail.startswith("base: it was still running")


async def test_what_a_template_may_use_tells_no_answer(tmp_path: Path) -> None:
    task, files = small_task(tmp_path / "small.jsonl")
    for sample in kind_of(task).read(task, files):
        assert set(sample.fields) == {"prompt", "entry"}
        assert sample.target is None
