"""Answers in the shapes that models give them, each with what it answers: a corpus of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from assay.bench.extract.boxed import boxes
from assay.bench.extract.choice import find_choice
from assay.bench.extract.mathematics import find_answer, same_answer
from assay.bench.extract.numbers import find_number
from assay.bench.extract.promotion import find_promotion

CORPUS = Path(__file__).with_name("corpus")


def cases(name: str) -> list[Any]:
    rows = [msgspec.json.decode(line) for line in (CORPUS / f"{name}.jsonl").read_bytes().splitlines()]
    return [pytest.param(row, id=f"{name}-{number}") for number, row in enumerate(rows, 1)]


@pytest.mark.parametrize("case", cases("numbers"))
def test_the_number_is_found(case: dict[str, Any]) -> None:
    assert find_number(case["text"], case.get("whole", True)) == case["want"], case["text"]


@pytest.mark.parametrize("case", cases("choice"))
def test_the_letter_is_found(case: dict[str, Any]) -> None:
    assert find_choice(case["text"], case["options"], case.get("whole", True)) == case["want"], case["text"]


@pytest.mark.parametrize("case", cases("mathematics"))
def test_the_answer_of_a_calculation_is_found(case: dict[str, Any]) -> None:
    found = find_answer(case["text"], case.get("whole", True))
    if case["want"] is None or found is None:
        assert found == case["want"], case["text"]
    else:
        assert same_answer(found, case["want"]), (case["text"], found)


@pytest.mark.parametrize("case", cases("boxed"))
def test_boxes_are_read_with_their_braces(case: dict[str, Any]) -> None:
    assert boxes(case["text"]) == case["want"]


@pytest.mark.parametrize("case", cases("equal"))
def test_answers_are_compared_by_value_in_both_directions(case: dict[str, Any]) -> None:
    assert same_answer(case["a"], case["b"]) is case["same"], case
    assert same_answer(case["b"], case["a"]) is case["same"], case


@pytest.mark.parametrize("case", cases("promotion"))
def test_what_sells_is_seen_and_what_does_not_is_left_alone(case: dict[str, Any]) -> None:
    assert [one.rule for one in find_promotion(case["text"])] == case["rules"], find_promotion(case["text"])


def test_the_corpus_is_large_enough() -> None:
    assert sum(len(cases(path.stem)) for path in CORPUS.glob("*.jsonl") if path.stem != "promotion") >= 150
