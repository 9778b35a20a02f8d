"""Capitals, small letters, and the language that a whole answer is in."""

from __future__ import annotations

from assay.bench.following.checks.amounts import Phrase
from assay.bench.following.language import language_of
from assay.bench.following.splitting import tokens


def response_language(answer: str, *, language: Phrase) -> bool:
    """Most of the answer is in this language (ISO 639-1). An answer without letters is in every language, as published."""
    return language_of(answer) in {language, None}


def english_capital(answer: str) -> bool:
    """English, and no letter is small."""
    return answer.isupper() and language_of(answer) in {"en", None}


def english_lowercase(answer: str) -> bool:
    """English, and no letter is a capital."""
    return answer.islower() and language_of(answer) in {"en", None}


def title_case(answer: str) -> bool:
    """No word is written small throughout, not even ``of``; nor small at first and then in capitals. ``iPhone`` passes."""
    return not any(token[0].isalpha() and _is_small(token) for token in tokens(answer))


def _is_small(word: str) -> bool:
    rest = word[1:]
    return word[0].islower() and (not rest or rest.islower() or rest.isupper())
