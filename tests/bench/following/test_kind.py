"""IFEval and IFBench as tasks: rows are read, answers scored, numbers summed up as the papers do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from assay.bench.kind import kind_of
from assay.bench.library import Library
from assay.bench.outcome import Outcome, Scored
from assay.bench.result import Result
from assay.bench.summary import summarise
from assay.bench.task import Sample, Task
from assay.core import InvalidInput, StopReason
from tests.bench.tasks.answers import said, score, task

TWO = {
    "key": 7,
    "prompt": "Say it in quotes, without commas.",
    "instruction_id_list": ["startend:quotation", "punctuation:no_comma"],
    "kwargs": [{"keyword": None}, {}],
}


def following(**options: Any) -> Task:
    return task("following", fields={"id": "key"}, options=options)


def read(folder: Path, *rows: dict[str, Any]) -> list[Sample]:
    file = folder / "rows.jsonl"
    file.write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    of = following()
    return list(kind_of(of).read(of, {"rows.jsonl": file}))


async def scored(folder: Path, text: str, stop: StopReason = "end", **options: Any) -> Scored:
    return await score(following(**options), read(folder, TWO)[0], said(text, stop), folder=folder)


def test_a_row_is_a_question_whose_instructions_are_never_sent(tmp_path: Path) -> None:
    (sample,) = read(tmp_path, TWO)
    assert sample == Sample(
        id="7",
        fields={"key": 7, "prompt": "Say it in quotes, without commas."},
        target={"instruction_id_list": ["startend:quotation", "punctuation:no_comma"], "kwargs": [{}, {}]},
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"instruction_id_list": ["startend:quotation", "punctuation:no_dots"]}, "there is no instruction 'punctuation:no_dots'"),
        ({"kwargs": [{}]}, "shorter"),
        ({"kwargs": [{}, {"relation": "at least"}]}, "the arguments of 'punctuation:no_comma'"),
        ({"kwargs": "none"}, "kwargs"),
        ({"instruction_id_list": [], "kwargs": []}, "it has no instruction"),
        ({"instruction_id_list": None}, "instruction_id_list"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as raised:
        read(tmp_path, TWO, {**TWO, "key": 8, **change})
    assert raised.value.code == "task.data_invalid"
    assert "row 2 ('8')" in raised.value.message


@pytest.mark.anyio
async def test_an_answer_that_follows_everything_is_right(tmp_path: Path) -> None:
    found = await scored(tmp_path, '"No pause here."')
    assert (found.outcome, found.value) == ("right", 1.0)
    assert found.parts == {
        "prompt_strict": 1.0,
        "prompt_loose": 1.0,
        "instruction_strict": 1.0,
        "instruction_strict:of": 2.0,
        "instruction_loose": 1.0,
        "instruction_loose:of": 2.0,
    }


@pytest.mark.anyio
async def test_what_was_not_followed_is_said(tmp_path: Path) -> None:
    found = await scored(tmp_path, "No pause here.")
    assert (found.outcome, found.value, found.detail) == ("wrong", 0.0, "Not followed: startend:quotation.")
    assert (found.parts["prompt_strict"], found.parts["instruction_strict"]) == (0.0, 0.5)


@pytest.mark.anyio
async def test_the_headline_decides_what_is_right(tmp_path: Path) -> None:
    text = 'Sure, here it is:\n"No pause here."'
    outcomes = [(await scored(tmp_path, text, headline=headline)).outcome for headline in ("prompt_strict", "prompt_loose")]
    assert outcomes == ["wrong", "right"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "stop", "outcome"),
    [
        ("", "end", "unparsed"),
        ("I'm sorry, but I can't help with that.", "end", "refused"),
        ("One, two, three", "length", "truncated"),
        ('"One two three"', "length", "right"),
        ("<think>One", "end", "truncated"),
        ('<think>One, two</think>\n"One two"', "end", "right"),
        ("\ud800, \x00", "end", "wrong"),
    ],
)
async def test_other_outcomes_say_why_and_change_no_score(tmp_path: Path, text: str, stop: StopReason, outcome: Outcome) -> None:
    found = await scored(tmp_path, text, stop)
    assert found.outcome == outcome
    assert found.value == found.parts["prompt_strict"] == (1.0 if outcome == "right" else 0.0)
    assert found.parts["instruction_strict:of"] == 2.0


@pytest.mark.anyio
async def test_a_very_long_answer_is_checked(tmp_path: Path) -> None:
    assert (await scored(tmp_path, '"' + "word " * 30_000 + '"')).outcome == "right"


@pytest.mark.anyio
async def test_an_option_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="headlines"):
        await scored(tmp_path, "One", headlines="prompt_strict")


def test_a_metric_over_instructions_counts_each_instruction_once() -> None:
    """As the papers do: 3 of 4 instructions were followed here, though half of the prompts' shares is 2/3."""
    shares = {"a": (1.0, 1.0), "b": (2 / 3, 3.0)}
    results = [
        Result(
            sample=sample,
            epoch=0,
            state="scored",
            scored=Scored(outcome="wrong", value=0.0, parts={"instruction_strict": share, "instruction_strict:of": size}),
        )
        for sample, (share, size) in shares.items()
    ]
    metrics = summarise(results).metrics
    assert list(metrics) == ["instruction_strict"]
    assert metrics["instruction_strict"].value == pytest.approx(3 / 4)


@pytest.mark.parametrize(("name", "headline"), [("ifeval", "prompt_strict"), ("ifbench", "prompt_loose")])
def test_the_shipped_tasks_score_what_their_papers_report(name: str, headline: str) -> None:
    found = Library().find(name)
    assert (found.kind, found.options) == ("following", {"headline": headline})
    assert found.metrics == ("prompt_strict", "prompt_loose", "instruction_strict", "instruction_loose")
