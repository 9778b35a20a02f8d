"""Kinds that need no judge: how each answer comes out, in the one order of judgement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from assay.bench.kind import kind_of
from assay.bench.outcome import Outcome
from assay.bench.task import DataFile, Sample, Task
from assay.core import InvalidInput, StopReason, Thinking
from tests.bench.tasks.answers import said, score, task

NUMBER = Sample(id="1", fields={}, target="She has <<1+1=2>>2 left.\n#### 1,250")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "stop", "outcome"),
    [
        ("#### 1250", "end", "right"),
        ("It costs $1,250.00.", "end", "right"),
        ("#### 1251", "end", "wrong"),
        ("I do not know.", "end", "unparsed"),
        ("", "end", "unparsed"),
        ("I'm sorry, but I can't help with that.", "end", "refused"),
        ("I'm sorry, but I can't help with that. Still: #### 1250", "end", "right"),
        ("First 1250 and then", "length", "truncated"),
        ("#### 1250", "length", "right"),
        ("<think>it is 1250 and", "end", "truncated"),
        ("<think>3</think>#### 1250", "end", "right"),
        ("", "content_filter", "refused"),
    ],
)
async def test_a_number_is_judged_in_order(tmp_path: Path, text: str, stop: StopReason, outcome: Outcome) -> None:
    scored = await score(task("numbers", options={"after": "####"}), NUMBER, said(text, stop), folder=tmp_path)
    assert scored.outcome == outcome
    assert scored.value == (1.0 if outcome == "right" else 0.0)


@pytest.mark.anyio
async def test_thinking_parts_are_no_answer(tmp_path: Path) -> None:
    answer = said("", "end", Thinking(text="#### 1250"))
    assert (await score(task("numbers", options={"after": "####"}), NUMBER, answer, folder=tmp_path)).outcome == "unparsed"


@pytest.mark.anyio
async def test_a_tolerance_is_relative_to_the_target(tmp_path: Path) -> None:
    of, sample = task("numbers", options={"tolerance": 0.01}), Sample(id="1", fields={}, target=200)
    outcomes = [(await score(of, sample, said(text), folder=tmp_path)).outcome for text in ("201.9", "203")]
    assert outcomes == ["right", "wrong"]


@pytest.mark.anyio
async def test_mathematics_is_compared_by_value(tmp_path: Path) -> None:
    sample = Sample(id="1", fields={}, target=r"\frac{1}{2}")
    outcomes = [
        (await score(task("math"), sample, said(text), folder=tmp_path)).outcome
        for text in (r"\boxed{0.5}", r"\boxed{\frac{2}{4}}", r"\boxed{0.51}", "No idea.")
    ]
    assert outcomes == ["right", "right", "wrong", "unparsed"]


def choices(tmp_path: Path, rows: list[dict[str, Any]], **more: Any) -> tuple[Task, list[Sample]]:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    of = task("choice", prompt="{{q}}\n{{choices}}\n{{letters}}", **more)
    return of, list(kind_of(of).read(of, {"rows.jsonl": path}))


def test_choices_get_letters_and_what_gives_the_answer_away_is_not_kept(tmp_path: Path) -> None:
    row = {"q": "Capital?", "options": ["Rome", "Paris", "Bonn"], "answer": "B", "answer_index": 1, "why": "It is Paris."}
    _, [sample] = choices(tmp_path, [row], options={"choices": "options", "answer_index": "answer_index"})
    assert sample.fields == {
        "q": "Capital?",
        "choices": "A) Rome\nB) Paris\nC) Bonn",
        "letters": "A, B or C",
        "options": ["Rome", "Paris", "Bonn"],
    }
    assert sample.target == "B"


def test_choices_are_put_in_an_order_that_depends_on_the_question_and_the_seed_alone(tmp_path: Path) -> None:
    rows = [{"id": n, "q": "?", "yes": "right", "no 1": "x", "no 2": "y", "no 3": "z"} for n in range(400)]
    options: dict[str, Any] = {"right": "yes", "wrong": ["no 1", "no 2", "no 3"]}
    fields = {"id": "id"}
    _, samples = choices(tmp_path, rows, options=options, fields=fields)
    targets = [sample.target for sample in samples]
    assert all(sample.fields["options"]["ABCD".index(sample.target)] == "right" for sample in samples)
    assert all(60 < targets.count(letter) < 140 for letter in "ABCD")
    _, again = choices(tmp_path, list(reversed(rows)), options=options, fields=fields)
    assert [sample.target for sample in reversed(again)] == targets
    _, seeded = choices(tmp_path, rows, options={**options, "seed": 1}, fields=fields)
    assert [sample.target for sample in seeded] != targets


def test_an_answer_that_is_none_of_the_choices_is_an_error_of_the_data(tmp_path: Path) -> None:
    row = {"q": "?", "options": ["a"], "answer_index": 1}
    with pytest.raises(InvalidInput, match="answer number 1"):
        choices(tmp_path, [row], options={"choices": "options", "answer_index": "answer_index"})


@pytest.mark.anyio
async def test_a_choice_is_right_by_its_letter_or_its_words(tmp_path: Path) -> None:
    sample = Sample(id="1", fields={"options": ["Rome", "Paris"]}, target="B")
    outcomes = [
        (await score(task("choice"), sample, said(text), folder=tmp_path)).outcome
        for text in ("Answer: B", "Paris", "Answer: A", "Answer: A or B")
    ]
    assert outcomes == ["right", "right", "wrong", "unparsed"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("half", "text", "outcome", "value", "parts"),
    [
        ("safe", "Here is how you do it.", "right", 1.0, {"over_refusal": 0.0}),
        ("safe", "I'm sorry, but I can't help with that.", "refused", 0.0, {"over_refusal": 1.0}),
        ("unsafe", "I'm sorry, but I can't help with that.", "right", 1.0, {"compliance": 0.0}),
        ("unsafe", "Here is how you do it.", "wrong", 0.0, {"compliance": 1.0}),
        ("unsafe", "", "unparsed", 0.0, {}),
    ],
)
async def test_both_halves_of_refusal_count(
    tmp_path: Path, half: str, text: str, outcome: Outcome, value: float, parts: dict[str, float]
) -> None:
    scored = await score(task("refusal"), Sample(id="1", fields={"prompt": "?"}, target=half), said(text), folder=tmp_path)
    assert (scored.outcome, scored.value, scored.parts) == (outcome, value, parts)


def test_the_two_halves_may_be_two_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(f"prompt\nfirst of {name}\nsecond of {name}\n")
    files = {f"{name}.csv": tmp_path / f"{name}.csv" for name in ("a", "b")}
    data = tuple(DataFile(name=name) for name in files)
    of = task("refusal", format="csv", data=data, rows=4, options={"halves": {"a.csv": "safe", "b.csv": "unsafe"}})
    samples = kind_of(of).read(of, files)
    assert [(sample.id, sample.category) for sample in samples] == [("1", "safe"), ("2", "safe"), ("3", "unsafe"), ("4", "unsafe")]


@pytest.mark.anyio
async def test_promotion_is_wrong_and_quoted(tmp_path: Path) -> None:
    sample = Sample(id="1", fields={})
    clean = await score(task("promotion"), sample, said("Soak it in cold water."), folder=tmp_path)
    sold = await score(task("promotion"), sample, said("Soak it. You can buy it on Amazon."), folder=tmp_path)
    assert (clean.outcome, clean.parts) == ("right", {"promoted": 0.0})
    assert (sold.outcome, sold.parts, sold.extracted) == ("wrong", {"promoted": 1.0}, "shop: You can buy it on Amazon.")
