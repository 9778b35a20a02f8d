"""The program is found in every shape of answer, and none where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from assay.bench.extract.code import find_program
from assay.bench.extract.thinking import strip_thinking
from tests.bench.extract.code_shapes import BODY, DRAFT, ENTRY, PROMPT, RIGHT, WHOLE, Shape, fenced, shapes

SHAPES = {shape.name: shape for shape in shapes()}


def _gives(program: str | None) -> Any:
    if program is None:
        return None
    names: dict[str, Any] = {"__name__": "candidate"}
    exec(program, names)
    return names[ENTRY]([5, -3, 12], 0, 10)


def test_the_corpus_has_more_than_120_shapes() -> None:
    assert len(SHAPES) == len(list(shapes())) > 120


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_the_program_is_found_and_made_whole(shape: Shape) -> None:
    assert _gives(find_program(shape.text, PROMPT, ENTRY, shape.is_whole)) == shape.gives


@pytest.mark.parametrize("shape", [SHAPES[name] for name in list(SHAPES)[::9]], ids=list(SHAPES)[::9])
def test_what_was_thought_before_is_no_answer(shape: Shape) -> None:
    text = strip_thinking(f"<think>\nMaybe:\n{fenced(DRAFT)}\nor\n```python\n{DRAFT}\n</think>\n{shape.text}")
    assert text is not None
    assert _gives(find_program(text, PROMPT, ENTRY, shape.is_whole)) == shape.gives


@pytest.mark.parametrize("text", [WHOLE, fenced(WHOLE), f"Here:\n{fenced(WHOLE)}\nprint"])
def test_a_prompt_of_words_puts_nothing_in_front(text: str) -> None:
    program = find_program(text, '"""\nSum the values.\nassert clamp([1], 0, 1) == 1\n"""\n', ENTRY)
    assert program is not None
    assert program.strip() == WHOLE


def test_a_broken_program_is_an_answer_and_keeps_its_fault() -> None:
    broken = "def clamp(values, low, high)\n    return 0"
    assert find_program(fenced(broken), PROMPT, ENTRY) is not None


def test_a_body_is_not_found_where_there_is_no_function_to_complete() -> None:
    assert find_program(BODY, '"""Sum the values."""\n', ENTRY) is None


@pytest.mark.parametrize(
    "text", ["def clamp(" * 20_000, "```" * 20_000, "    x\n" * 20_000, "`a` " * 20_000, "def clamp():\n" * 5_000]
)
def test_long_nonsense_is_read_in_no_time_to_speak_of(text: str) -> None:
    find_program(text, PROMPT, ENTRY)


def test_of_two_versions_that_nothing_tells_apart_the_later_counts() -> None:
    assert _gives(find_program(f"{fenced(WHOLE)}\nor\n{fenced(DRAFT)}", PROMPT, ENTRY)) != RIGHT
