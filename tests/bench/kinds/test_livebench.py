"""The rules of LiveBench's tasks, on answers of our own making."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from assay.bench.kind import kind_of
from assay.bench.task import Sample
from tests.bench.tasks.answers import said, score, task

FOURS = "a,b,c,d,e,f,g,h"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("rule", "known", "text", "value"),
    [
        ("connections", FOURS, "<solution>h, g, f, e, d, c, b, a</solution>", 1.0),
        ("connections", FOURS, "<solution>a, b, c, e, d, f, g, h</solution>", 0.0),
        ("connections", "a,b,c,d,e,f,g,h,i,j,k,l", "<solution>a,b,c,d,e,f,g,i,h,j,k,l</solution>", 1 / 3),
        ("connections", FOURS, "no groups", None),
        ("typos", "It was late.", "<solution>It was late.\n</solution>", 1.0),
        ("typos", "It was late.", "Here you are: It was late. Bye.", 1.0),
        ("typos", "It was late.", "It was laet.", 0.0),
        ("plot_unscrambling", "One dog. Two cats. Three mice.", "<PLOT_SUMMARY>One dog. Two cats. Three mice.</PLOT_SUMMARY>", 1.0),
        (
            "plot_unscrambling",
            "One dog. Two cats. Three mice.",
            "<PLOT_SUMMARY>Two cats. One dog. Three mice.</PLOT_SUMMARY>",
            1 / 3,
        ),
        ("web_of_lies_v2", "yes, no, yes", "So **yes, no, yes**.", 1.0),
        ("web_of_lies_v2", "yes, no, yes", "**yes**, **no**, **no**", 0.0),
        ("web_of_lies_v2", "yes, no, yes", "<solution>yes, no, yes</solution>", 1.0),
        ("web_of_lies_v2", "yes, no, yes", "It is yes, no, yes", 1.0),
        ("web_of_lies_v2", "yes, no, yes", "I cannot tell.", None),
        ("zebra_puzzle", "red,dog,3", "<solution>red, dog, 3</solution>", 1.0),
        ("zebra_puzzle", "red,dog,3", "<solution>red, cat, 4</solution>", 1 / 6),
        ("zebra_puzzle", "red,dog,3", "Done.\nred, dog, 3", 1.0),
        ("spatial", "3", "**Three**", 1.0),
        ("spatial", "3", "**4**", 0.0),
        ("spatial", "tetrahedra", "**two tetrahedra**", 1.0),
        ("spatial", "square", r"\boxed{\text{square}}", 1.0),
        ("amc", "B", "So BBBBB", 1.0),
        ("2023_amc", "B", "AAAA is not it: BBBBB", 1.0),
        ("smc", "B", r"\boxed{\textbf{C}}", 0.0),
        ("amc", "B", "The answer is\n(B)", 1.0),
        ("aime", "073", "The answer is 073", 1.0),
        ("aime", "073", "The answer is 74", 0.0),
        ("aime", "073", "No number.", None),
        ("imo", "1,2,3", "Answer: 1, 2, 3", 1.0),
        ("usamo", "1,2,3", "**Answer:** 1, 3, 2", 1 / 3),
        ("imo", "1,2", "I do not know", None),
    ],
)
async def test_each_task_has_its_rule(tmp_path: Path, rule: str, known: str, text: str, value: float | None) -> None:
    sample = Sample(id="1", fields={"question": "?", "rule": rule, "released": "2025-04-02"}, target=known)
    scored = await score(task("livebench"), sample, said(text), folder=tmp_path)
    if value is None:
        assert scored.outcome == "unparsed"
    else:
        assert scored.value == pytest.approx(value)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("rule", "known", "text", "value"),
    [
        ("zebra_puzzle", "three", "It is ***3***", 1.0),
        ("zebra_puzzle", "three", "It is ***4***", 0.0),
        ("connections", FOURS, "First **a, b, c, e, d, f, g, h**, no: **d, c, b, a, e, f, g, h**", 1.0),
    ],
)
async def test_older_questions_have_the_older_rule(tmp_path: Path, rule: str, known: str, text: str, value: float) -> None:
    sample = Sample(id="1", fields={"question": "?", "rule": rule, "released": "2024-07-26"}, target=known)
    assert (await score(task("livebench"), sample, said(text), folder=tmp_path)).value == value


def test_tasks_without_a_rule_and_questions_taken_out_are_left_out(tmp_path: Path) -> None:
    row = {"category": "math", "task": "x", "ground_truth": "1", "turns": ["?"], "livebench_release_date": "2024-11-25"}
    rows = [
        {**row, "question_id": "kept", "subtask": "aime", "livebench_removal_date": ""},
        {**row, "question_id": "gone", "subtask": "aime", "livebench_removal_date": "2025-01-01"},
        {**row, "question_id": "AMPS", "subtask": "amps_hard_integral", "livebench_removal_date": ""},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    of = task("livebench", fields={"id": "question_id", "target": "ground_truth", "category": "category"})
    assert [sample.id for sample in kind_of(of).read(of, {"rows.jsonl": path})] == ["kept"]
