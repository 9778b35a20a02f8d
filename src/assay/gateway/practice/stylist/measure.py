"""What can be counted in a text."""

from __future__ import annotations

import re

import msgspec

from assay.gateway.practice.script import is_han
from assay.gateway.practice.stylist.textrank import sentences_of

_WORD = re.compile(r"[^\W_\u3400-\u9fff]+(?:['’-][^\W_\u3400-\u9fff]+)*")
_VOWELS = re.compile(r"[aeiouy]+")
_WORDS_PER_MINUTE = 230
_HAN_PER_MINUTE = 400


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """``words`` are those of alphabetic scripts, ``han`` Chinese characters. ``ease`` is None where there is too little English."""

    characters: int
    without_spaces: int
    han: int
    words: int
    sentences: int
    paragraphs: int
    seconds: int
    ease: float | None


def counted(text: str) -> Counts:
    """Counts of ``text``; reading time at 230 words or 400 characters a minute."""
    words = _WORD.findall(text)
    han = sum(map(is_han, text))
    sentences = len(sentences_of(text))
    return Counts(
        characters=len(text),
        without_spaces=sum(not char.isspace() for char in text),
        han=han,
        words=len(words),
        sentences=sentences,
        paragraphs=len([part for part in re.split(r"\n\s*\n", text) if part.strip()]),
        seconds=round(60 * (len(words) / _WORDS_PER_MINUTE + han / _HAN_PER_MINUTE)),
        ease=_ease(words, sentences) if len(words) >= 30 and han < len(words) else None,
    )


def _ease(words: list[str], sentences: int) -> float:
    """Reading ease after R. Flesch, A new readability yardstick, J. Appl. Psychol. 32, 1948; syllables are estimated by vowels."""
    syllables = sum(_syllables(word.lower()) for word in words)
    return 206.835 - 1.015 * len(words) / max(1, sentences) - 84.6 * syllables / len(words)


def _syllables(word: str) -> int:
    groups = len(_VOWELS.findall(word))
    return max(1, groups - (word.endswith("e") and not word.endswith("le") and groups > 1))
