"""A verdict is read, or there is none; never is one guessed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.judge.reading import read_verdict

PLAIN = {"A": "a", "B": "b", "TIE": "tie", "BOTH BAD": "both_bad"}


@pytest.mark.parametrize(
    ("line", "choice"),
    [
        ("VERDICT: A", "a"),
        ("VERDICT: B", "b"),
        ("VERDICT: TIE", "tie"),
        ("VERDICT: BOTH BAD", "both_bad"),
        ("Verdict: both_bad", "both_bad"),
        ("**VERDICT: B**", "b"),
        ("VERDICT: **B**.", "b"),
        ("### Verdict: `A`", "a"),
        ("VERDICT：TIE", "tie"),
        ("> VERDICT:A  ", "a"),
    ],
)
def test_a_verdict_is_read_through_its_decoration(line: str, choice: str) -> None:
    assert read_verdict(f"Because.\n\n{line}") == (choice, "Because.")


@pytest.mark.parametrize(
    "said",
    [
        "",
        "\n\n",
        "A",
        "A is better.",
        "VERDICT:",
        "VERDICT: ",
        "VERDICT: C",
        "VERDICT: AB",
        "VERDICT: A or B",
        "VERDICT: A|B|TIE|BOTH BAD",
        "VERDICT: BOTH",
        "VERDICT: BOTH GOOD",
        "VERDICT: not A",
        "VERDICT: A VERDICT: B",
        "My VERDICT: A",
        "The verdict is A",
        "VERDICT: A, because it is right.",
        "VERDICT: \u0410",  # a Cyrillic letter that looks like A
        "VERDICT: Ａ",
        "VERDICT: A\nOn second thoughts, I am not sure.",
        "VERDICT: A\nVERDICT:",
        'Answer A says:\n"VERDICT: A"',
        "VERDICT\n: A",
        "VERD\u0131CT: A",
    ],
)
def test_anything_else_is_none(said: str) -> None:
    assert read_verdict(said) == (None, said.strip())


def test_the_last_line_counts() -> None:
    assert read_verdict("VERDICT: A\nNo, wait.\nVERDICT: B\n```\n") == ("b", "VERDICT: A\nNo, wait.")


def test_a_very_long_reason_is_cut_and_a_hostile_one_made_visible() -> None:
    choice, reason = read_verdict("\x1b]0;title\x07" + "x" * 100_000 + "\nVERDICT: A")
    assert choice == "a"
    assert reason.startswith("<U+001B>]0;title<U+0007>xx")
    assert len(reason) < 5_000


@pytest.mark.parametrize("bomb", ["*" * 500_000 + "x", "VERDICT:A" + " " * 200_000 + "." + " " * 200_000 + "x", "*\n" * 200_000])
def test_reading_takes_no_longer_for_hostile_words(bomb: str) -> None:
    """Longer than the timeout of a test, if it went back and forth."""
    assert read_verdict(bomb)[0] is None


@given(st.text(max_size=300))
def test_words_without_a_verdict_line_never_make_a_verdict(said: str) -> None:
    """A plain twin of the rule: the last line that has a letter or a digit is the word, a colon, and one choice."""
    choice, _ = read_verdict(said)
    lines = [line for line in said.split("\n") if re.sub(r"[\s*_`#>]", "", line)]
    bare = re.sub(r"[*_`#>\s.]", "", lines[-1]).upper() if lines else ""
    assert choice is None or bare in {f"VERDICT{colon}{word.replace(' ', '')}" for colon in ":：" for word in PLAIN}


@given(st.text(max_size=100), st.sampled_from(sorted(PLAIN)), st.text(max_size=20))
def test_a_verdict_with_anything_readable_after_it_is_none(before: str, word: str, after: str) -> None:
    choice, _ = read_verdict(f"{before}\nVERDICT: {word}{after}")
    if re.search(r"[^\s*_`#>.]", after):
        assert choice is None or after.split("\n")[-1].strip("*_`#> .").upper().startswith("VERDICT") or _completes(word, after)
    else:
        assert choice in {PLAIN[word], None}


def _completes(word: str, after: str) -> bool:
    return f"{word}{after}".strip("*_`#>. \n").upper().replace("_", " ") in PLAIN


@given(st.text(max_size=200), st.sampled_from(sorted(PLAIN)))
def test_whatever_the_reason_the_line_at_the_end_is_read(reason: str, word: str) -> None:
    assert read_verdict(f"{reason}\nVERDICT: {word}\n")[0] == PLAIN[word]
