"""Every instruction against answers of our own, and against answers that are meant to break it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.bench.following.registry import ALL, AS_PUBLISHED, IFBENCH, IFEVAL, UnknownInstruction, instruction
from tests.bench.following.cases import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}-{case.follows}-{case.answer[:20]!r}")
def test_an_answer_is_judged_as_the_paper_says(case: Case) -> None:
    assert instruction(case.name, case.arguments)(case.answer) is case.follows


def test_both_papers_are_complete() -> None:
    assert (len(IFEVAL), len(IFBENCH)) == (25, 58)


@pytest.mark.parametrize("name", ALL)
def test_every_instruction_has_an_answer_that_follows_and_one_that_does_not(name: str) -> None:
    assert {case.follows for case in CASES if case.name == name} == {True, False}


ONE_OF_EACH = tuple({case.name: case for case in CASES}.values())
PIECES = st.sampled_from([*".?!,;:*-#<>[](){}\"'“”’|/\\ \n\t", "Dr.", "the", "Question 1.", "😀", "\u0301", "\ud800", "二", "1"])


@given(st.one_of(st.text(max_size=100), st.lists(PIECES, max_size=40).map("".join)))
@settings(max_examples=50)
def test_no_answer_makes_a_check_raise(answer: str) -> None:
    for case in ONE_OF_EACH:
        assert instruction(case.name, case.arguments)(answer) in {True, False}
        assert instruction(case.name, case.arguments, as_published=True)(answer) in {True, False}


@pytest.mark.parametrize(
    "hostile",
    [
        *("\n", " ", "*", "[", "<", '"', "a", "A", ".", "1", "(", "{", "\u0301", "😀", "\ud800", "א", "🏴"),
        *(
            "[a",
            "* ",
            "**a",
            "<<a",
            "a.",
            "a ",
            ". ",
            "?!",
            "Question 1",
            "A) ",
            '"a",',
            "\t",
            "the ",
            "१",
            ".)",
            "Dr. ",
            "@a",
            "http://",
        ),
    ],
    ids=ascii,
)
def test_a_hostile_answer_is_checked_in_time_that_grows_with_its_length(hostile: str) -> None:
    """A check that took the square of it would run for hours, and into the time limit of tests."""
    answer = hostile * (60_000 // len(hostile)) + "x"
    for case in ONE_OF_EACH:
        assert instruction(case.name, case.arguments)(answer) in {True, False}


@pytest.mark.prove
@pytest.mark.timeout(600)
@pytest.mark.parametrize("hostile", ["*", "[", ".", "\n", ". ", "((", "Question 1. ", "aé😀 \u0301\x00"])
def test_a_megabyte_is_checked_too(hostile: str) -> None:
    answer = hostile * (1_000_000 // len(hostile))
    for case in ONE_OF_EACH:
        assert instruction(case.name, case.arguments)(answer) in {True, False}


@pytest.mark.parametrize(
    ("name", "answer", "asked", "published"),
    [
        ("format:sub-bullets", "No bullets at all.", False, True),
        ("count:conjunctions", "And and and, AND", False, True),
        ("repeat:repeat_span", "ell", False, True),
    ],
)
def test_where_a_published_check_contradicts_its_prompt_the_prompt_is_followed_unless_one_asks(
    name: str, answer: str, asked: bool, published: bool
) -> None:
    arguments = next(case.arguments for case in CASES if case.name == name)
    assert name in AS_PUBLISHED
    assert instruction(name, arguments)(answer) is asked
    assert instruction(name, arguments, as_published=True)(answer) is published


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("keywords:nonsense", {}, "there is no instruction 'keywords:nonsense'"),
        ("keywords:existence", {}, "keywords"),
        ("keywords:existence", {"keywords": "oak"}, "array"),
        ("keywords:frequency", {"keyword": "a", "frequency": 1, "relation": "more than"}, "relation"),
        ("count:numbers", {"N": 2.5}, "int"),
        ("count:words_japanese", {"N": 0}, ">= 1"),
        ("punctuation:no_comma", {"keyword": "a"}, "keyword"),
    ],
)
def test_arguments_that_an_instruction_does_not_have_are_an_error(name: str, arguments: dict[str, object], words: str) -> None:
    with pytest.raises(UnknownInstruction, match=words):
        instruction(name, arguments)
