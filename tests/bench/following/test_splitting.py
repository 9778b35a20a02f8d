"""Words, tokens, sentences, syllables, emoji and verbs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.bench.following.emoji import is_emoji
from assay.bench.following.splitting import sentences, tokens, words
from assay.bench.following.syllables import syllables
from assay.bench.following.verbs import is_verb


@pytest.mark.parametrize(
    "split",
    [
        "One.|Two!|Three?|four",
        'He said "No."|Then (he left.)|Why?!|Because.',
        "Dr. Ash met Mrs. Elm at 5 p.m. in St. Ives.",
        "It is in the U.S.|The end.",
        "He is from the U.S. Navy.",
        "J. K. Oak wrote it, e.g. in 1.5 hours.",
        "Wait... and see.|Wait...|And see.",
        "1.|First\n2.|Second",
        "Item no. 3 is here.",
        "See a.b.c and v1.2.3 or x.py for more.|Bye",
        "“Yes.”|She left.",
        "Bye.|P.S.|Feed the cat.",
        "A line\nand another one\n\nand a third.",
        "well.|yes.|no",
        "今天很好。明天也好。",
    ],
)
def test_sentences_end_where_a_reader_would_end_them(split: str) -> None:
    text = split.replace("no. 3", "No. 3").replace("|", " ")
    expected = [part.strip() for part in split.replace("no. 3", "No.|3").split("|")]
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's 3.5%!", "It|'s|3.5|%|!"),
        ("Don't, can't and CANNOT.", "Do|n't|,|ca|n't|and|CAN|NOT|."),
        ('He said "no" (twice)...', 'He|said|"|no|"|(|twice|)|...'),
        ("the U.S. and 1,000 a:b", "the|U.S.|and|1,000|a|:|b"),
        ("well-known; COVID-19 & co.", "well-known|;|COVID-19|&|co|."),
        ("One. Two.", "One|.|Two|."),
        ("“Hi”", "“|Hi|”"),
    ],
)
def test_tokens_are_those_of_the_penn_treebank(text: str, expected: str) -> None:
    assert tokens(text) == expected.split("|")


def test_words_are_runs_of_letters_with_their_marks() -> None:
    assert words("don't stop_it: 1.5 हैं naïve") == ["don", "t", "stop_it", "1", "5", "हैं", "naïve"]


@given(st.text(max_size=200))
def test_splitting_loses_nothing_but_space(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
    assert "".join(tokens(text)) == "".join(text.split())


@pytest.mark.parametrize(
    ("count", "examples"),
    [
        (0, "123 4th - !"),
        (1, "a the oak stone loved talked quite tongue eyes friend months"),
        (2, "water open table wanted houses being ruin science lion quiet movement something"),
        (3, "banana together area realism beautiful important everyone radio employee"),
        (4, "experience information material immediate"),
    ],
)
def test_syllables_are_counted(count: int, examples: str) -> None:
    assert {word: syllables(word) for word in examples.split()} == dict.fromkeys(examples.split(), count)


def test_emoji_are_told_from_other_marks() -> None:
    assert all(map(is_emoji, "😀👍🏽🚀☹❤©🇫🫡🪐⌚"))
    assert not any(map(is_emoji, "aZ1#*.→√♪文·\u200d\ufe0f"))


@pytest.mark.parametrize(
    "opening",
    ["Consider the oak", "Running water", "Is it", "Went home", "Plan your trip", "Tries hard", "Stopped it", "Whirring softly"],
)
def test_a_verb_opens(opening: str) -> None:
    assert is_verb(opening.split())


@pytest.mark.parametrize(
    "opening", ["The oak", "Plan B", "Can you", "Oak trees", "Time flies", "Very well", "String theory", "During it"]
)
def test_no_verb_opens(opening: str) -> None:
    assert not is_verb(opening.split())
