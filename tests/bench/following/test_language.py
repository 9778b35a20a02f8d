"""Which language a text is in."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.bench.following.language import UNKNOWN, language_of

TEXTS: dict[str, list[str]] = tomllib.loads(Path(__file__).with_name("languages.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("code", TEXTS)
def test_whole_sentences_are_told_apart(code: str) -> None:
    assert {text: language_of(text) for text in TEXTS[code]} == dict.fromkeys(TEXTS[code], code)


@pytest.mark.parametrize("code", TEXTS)
def test_capitals_do_not_change_the_language(code: str) -> None:
    assert language_of(" ".join(TEXTS[code]).upper()) == code


def test_nine_in_ten_pieces_of_four_words_are_told_apart() -> None:
    pieces = [(code, " ".join(found)) for code, texts in TEXTS.items() for text in texts for found in _fours(text.split())]
    right = sum(language_of(piece) == code for code, piece in pieces)
    assert right / len(pieces) > 0.9


def _fours(words: list[str]) -> list[list[str]]:
    return [words[at : at + 4] for at in range(len(words) - 3)]


@pytest.mark.parametrize("code", [code for code in TEXTS if code != "en"])
def test_a_few_english_words_in_an_answer_do_not_count(code: str) -> None:
    assert language_of(" ".join(TEXTS[code]) + " (API, GPU)") == code


def test_addresses_are_in_no_language() -> None:
    assert (
        language_of("अधिक जानकारी के लिए https://example.org/a-very-long-english-path/with/many/words और help@example.org") == "hi"
    )


@pytest.mark.parametrize("text", ["", "123 !?", "😀 😀", "❤️ 1️⃣", "\u0301"])
def test_a_text_without_letters_is_in_no_language(text: str) -> None:
    assert language_of(text) is None


@pytest.mark.parametrize("text", ["ՀԱՅԵՐԵՆ ՏԵՔՍՏ", "გამარჯობა", "қ ғ ң"])
def test_a_language_that_is_not_known_is_said_to_be_unknown(text: str) -> None:
    assert language_of(text) == UNKNOWN


@given(st.text(max_size=100))
def test_the_same_text_is_always_in_the_same_language(text: str) -> None:
    assert language_of(text) == language_of(text)
