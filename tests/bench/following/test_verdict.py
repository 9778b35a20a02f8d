"""Strict and loose: what the eight versions of an answer forgive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.bench.following.registry import instruction
from assay.bench.following.verdict import judge, versions

NO_COMMA = instruction("punctuation:no_comma", {})
QUOTED = instruction("startend:quotation", {})
ENDS = instruction("startend:end_checker", {"end_phrase": "The end."})


def test_an_answer_that_follows_as_it_stands_follows_both_ways() -> None:
    assert judge("No pause here.", [NO_COMMA]).strict == judge("No pause here.", [NO_COMMA]).loose == (True,)


@pytest.mark.parametrize(
    ("answer", "follows"),
    [
        ("Sure, here it is:\nNo pause.", NO_COMMA),
        ("No pause.\nHope it helps, friend.", NO_COMMA),
        ("Sure, here it is:\nNo pause.\nHope it helps, friend.", NO_COMMA),
        ('**"All of it."**', QUOTED),
        ('Sure:\n\n*"All of it."*', QUOTED),
        ("*It stops.*\n**The end.**\nHope it helps.", ENDS),
        ('Sure:\n**"All of it."**\nHope it helps.', QUOTED),
    ],
)
def test_a_first_line_a_last_line_and_asterisks_are_forgiven_loosely(answer: str, follows: object) -> None:
    verdict = judge(answer, [follows])  # type: ignore[list-item]  # a check, whichever
    assert (verdict.strict, verdict.loose) == ((False,), (True,))


def test_nothing_else_is_forgiven() -> None:
    assert judge("Sure,\nwell,\nno pause.\nBye.\n", [NO_COMMA]).loose == (False,)


def test_each_instruction_may_be_followed_in_another_version() -> None:
    """As published: one version need not follow them all."""
    verdict = judge('Sure, "as you like":\n"All of it."\nThe end.', [QUOTED, ENDS])
    assert verdict.loose == (True, True)


@pytest.mark.parametrize("blank", ["", " \n\t", "\u3000"])
def test_a_blank_answer_follows_nothing(blank: str) -> None:
    verdict = judge(blank, [NO_COMMA])
    assert (verdict.strict, verdict.loose) == ((False,), (False,))


def test_a_version_that_is_blank_follows_nothing() -> None:
    assert judge("One, two.", [NO_COMMA]).loose == (False,)


def test_there_are_eight_versions_and_the_first_is_the_answer_itself() -> None:
    found = versions(" *a*\nb\n*c* ")
    assert found[0] == " *a*\nb\n*c* "
    assert set(found) == {" *a*\nb\n*c* ", "*a*\nb", "b\n*c*", "b", " a\nb\nc ", "a\nb", "b\nc"}
    assert len(found) == 8


@given(st.text(alphabet='ab,*\n "', max_size=60))
def test_what_follows_strictly_follows_loosely(answer: str) -> None:
    verdict = judge(answer, [NO_COMMA, QUOTED])
    assert all(loose for strict, loose in zip(verdict.strict, verdict.loose, strict=True) if strict)
