"""Shares of one thing in another."""

from __future__ import annotations

from assay.bench.following.checks.amounts import Percent
from assay.bench.following.lexicon import STOP_WORDS
from assay.bench.following.splitting import sentences, words

_WITHIN_PERCENT = 2


def stop_words(answer: str, *, percentage: Percent) -> bool:
    """At most so many in a hundred words are stop words."""
    found = words(answer.lower())
    return bool(found) and 100 * sum(word in STOP_WORDS for word in found) / len(found) <= percentage


def overlap(answer: str, *, reference_text: str, percentage: Percent) -> bool:
    """Of the different runs of three characters in the answer, so many in a hundred are in the reference, give or take 2."""
    own = _trigrams(answer)
    if not own:
        return False
    shared = 100 * len(own & _trigrams(reference_text)) / len(own)
    return percentage - _WITHIN_PERCENT <= shared <= percentage + _WITHIN_PERCENT


def two_statements_a_question(answer: str) -> bool:
    """Twice as many sentences end in a full stop as in a question mark."""
    ends = _ends(answer)
    return ends.count(".") == 2 * ends.count("?")


def balanced_sentences(answer: str) -> bool:
    """As many statements as questions as exclamations."""
    ends = _ends(answer)
    return ends.count(".") == ends.count("?") == ends.count("!")


def equally_long_sentences(answer: str) -> bool:
    """Three sentences with the same number of characters. That all their words differ is asked for, and not checked, as published."""
    found = sentences(answer)
    return len(found) == 3 and len({len(sentence) for sentence in found}) == 1


def _trigrams(text: str) -> set[str]:
    return {text[at : at + 3] for at in range(len(text) - 2)}


def _ends(answer: str) -> list[str]:
    return [sentence[-1] for sentence in sentences(answer)]
