"""Finders are given what a model said: nothing of it makes them raise, or work for long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.bench.extract.boxed import boxes
from assay.bench.extract.choice import find_choice
from assay.bench.extract.code import find_program
from assay.bench.extract.mathematics import find_answer, same_answer
from assay.bench.extract.numbers import find_number
from assay.bench.extract.promotion import find_promotion
from assay.bench.kinds import livebench

PIECES = (
    *(
        "a ",
        "*",
        "(",
        "{",
        "\\boxed{",
        "answer is ",
        "Answer: ",
        "1",
        "1,",
        "1 ",
        "$",
        "$a ",
        "\\frac{",
        "\n",
        "####",
        "答案是",
        "。",
    ),
    *(
        "buy ",
        "available at ",
        "https://a?",
        "use the code ",
        "淘宝",
        "**a",
        "<solution>",
        "yes, ",
        ".-",
        "```\n",
        "_",
        "x=",
        " ",
        "a.",
    ),
    *("答", "\\(", "\\[", "\\\\[", "\t", "~", "`", "f(1)\n"),
    *("A or ", "\\text{", "1/", "-", "^", "!", "\\pm ", "|", "sqrt", "\\sqrt", "[", "\\%"),
)
RULES = {
    "connections": "a,b,c,d",
    "typos": "It was.",
    "plot_unscrambling": "One. Two.",
    "web_of_lies_v2": "yes, no, no",
    "zebra_puzzle": "1,2,3",
    "spatial": "3",
    "amc": "B",
    "aime": "073",
    "imo": "1,2,3",
}
WORDS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30).map("".join)


def find_all(text: str) -> None:
    """Everything that reads an answer."""
    find_number(text)
    find_number(text, False)
    find_choice(text, ["one", "two", "three"])
    found = find_answer(text)
    same_answer(found or "", "1")
    same_answer(text[:500], "x")
    boxes(text)
    find_program(text, "", "f")
    find_promotion(text)
    for name, known in RULES.items():
        rule = livebench._rule(name)
        assert rule is not None
        for is_old in (False, True):
            value = rule(known, text, is_old)
            assert value is None or 0 <= value <= 1


@given(WORDS)
def test_no_words_make_a_finder_raise(text: str) -> None:
    find_all(text)


@pytest.mark.parametrize("piece", PIECES)
def test_the_same_again_and_again_is_soon_read(piece: str) -> None:
    """Within the patience of any test: what goes with the square of the length would take minutes."""
    find_all(piece * (20_000 // len(piece)))


@pytest.mark.parametrize("head", ["答", "``` ", "```", "~~~", "```\ndef f():\n    return 1\n", "answer is "])
@pytest.mark.parametrize("piece", [" ", ".", "~", "f(1)\n"])
@pytest.mark.parametrize("tail", ["", "x", "`x"])
def test_what_opens_something_and_never_closes_it_is_soon_read(head: str, piece: str, tail: str) -> None:
    find_all(head + piece * (20_000 // len(piece)) + tail)


def test_a_row_that_ends_with_a_distance_begins_no_formula() -> None:
    assert find_answer(r"So \[ (1, 2 \\[2pt]) \] it is.") == r"(1, 2 \\[2pt])"


@pytest.mark.parametrize("deep", ["1" + " + 1" * 600, "not " * 600 + "1", "lambda: " * 600 + "1"])
def test_a_program_with_something_nested_deeply_is_found_all_the_same(deep: str) -> None:
    """An answer that makes its finder raise would be an error, which counts for less than a wrong one."""
    function = "def f(x):\n    return z"
    assert find_program(f"```python\nif {deep}:\n    z = 1\n{function}\n```", "", "f") is not None
    assert find_program(f"```python\nz = {deep}\n```\n```python\n{function}\n```", "", "f") is not None
