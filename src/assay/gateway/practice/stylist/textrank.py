"""Which sentences of a text stand for it: TextRank (R. Mihalcea and P. Tarau, TextRank: Bringing Order into Texts, EMNLP 2004).

Sentences are nodes, their overlap the weight between them, and PageRank on that graph their rank. English sentences overlap in
words, Chinese ones in pairs of neighbouring characters, for which no dictionary is needed.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from assay.gateway.practice.script import is_han, simplified

MOST_SENTENCES = 120
"""Sentences that are ranked; of a longer text the first ones."""

DAMPING = 0.85
_ROUNDS = 40
_END = re.compile(r"(?<=[.!?])[\"'”’)\]]?\s+|(?<=[。！？；…])[”’」』）]?\s*|\n\s*\n|\n(?=\s*[-*#\d])")
_WORD = re.compile(r"[A-Za-zÀ-ɏ]+(?:['’-][A-Za-zÀ-ɏ]+)*")


def sentences_of(text: str) -> list[str]:
    """``text`` cut after its full stops, at empty lines and before list items."""
    return [sentence for part in _END.split(text) if part and (sentence := " ".join(part.split()))]


def central_sentences(text: str, most: int) -> list[str]:
    """The ``most`` sentences of the highest rank, in the order of the text."""
    sentences = sentences_of(text)[:MOST_SENTENCES]
    if len(sentences) <= most:
        return sentences
    ranks = ranked([features(sentence) for sentence in sentences])
    best = sorted(range(len(sentences)), key=lambda at: (-ranks[at], at))[:most]
    return [sentences[at] for at in sorted(best)]


def ranked(bags: Sequence[frozenset[str]]) -> list[float]:
    """PageRank of each bag of features on the graph of their similarities."""
    size = len(bags)
    weights = [[_similarity(one, other) if at != to else 0.0 for to, other in enumerate(bags)] for at, one in enumerate(bags)]
    totals = [sum(row) for row in weights]
    ranks = [1.0] * size
    for _ in range(_ROUNDS):
        shares = [rank / total if total else 0.0 for rank, total in zip(ranks, totals, strict=True)]
        ranks = [1 - DAMPING + DAMPING * sum(map(_product, shares, row)) for row in weights]
    return ranks


def keywords(text: str, most: int) -> list[tuple[str, int]]:
    """The words, pairs of words, or in Chinese runs of characters that return most often, with their counts."""
    han = sum(map(is_han, text))
    return _han_keywords(text, most) if han > len(_WORD.findall(text)) else _word_keywords(text, most)


def features(sentence: str) -> frozenset[str]:
    """What two sentences can have in common."""
    words = {word.lower() for word in _WORD.findall(sentence)} - common_english()
    han = [char for char in simplified(sentence) if is_han(char)]
    common = common_chinese()
    pairs = {a + b for a, b in pairwise(han) if a not in common and b not in common}
    return frozenset(words | pairs)


@cache
def table() -> dict[str, Any]:
    """The word lists of ``words.toml``."""
    return tomllib.loads((files(__package__) / "words.toml").read_text("utf-8"))


@cache
def common_english() -> frozenset[str]:
    """English words that say little."""
    return frozenset(table()["common"]["english"].split())


@cache
def common_chinese() -> frozenset[str]:
    """Chinese characters that say little."""
    return frozenset(table()["common"]["chinese"])


def _similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared features over the logarithms of both sizes, as in the paper, section 4.1."""
    shared = len(one & other)
    size = math.log(len(one) or 1) + math.log(len(other) or 1)
    return shared / size if shared and size else 0.0


def _product(one: float, other: float) -> float:
    return one * other


def _word_keywords(text: str, most: int) -> list[tuple[str, int]]:
    words = [word.lower().removesuffix("'s") for word in _WORD.findall(text)]
    common = common_english()
    single = Counter(word for word in words if len(word) > 2 and word not in common)
    pairs = Counter(f"{a} {b}" for a, b in pairwise(words) if {a, b}.isdisjoint(common) and min(len(a), len(b)) > 2)
    chosen = {pair: count for pair, count in pairs.items() if count > 1}
    for pair, count in chosen.items():
        for word in pair.split():
            single[word] -= count
    chosen |= {word: count for word, count in single.items() if count > 0}
    return sorted(chosen.items(), key=lambda item: (-item[1] * (1 + 0.5 * item[0].count(" ")), item[0]))[:most]


def _han_keywords(text: str, most: int) -> list[tuple[str, int]]:
    common = common_chinese()
    counts: Counter[str] = Counter()
    for run in re.findall(r"[\u4e00-\u9fff]+", text):
        for size in (2, 3, 4):
            for at in range(len(run) - size + 1):
                piece = run[at : at + size]
                if not any(char in common for char in simplified(piece)):
                    counts[piece] += 1
    frequent = {piece: count for piece, count in counts.items() if count > 1} or dict(counts.most_common(most))
    whole = {
        piece: count
        for piece, count in frequent.items()
        if not any(piece != longer and piece in longer and frequent[longer] >= count for longer in frequent)
    }
    return sorted(whole.items(), key=lambda item: (-item[1] * len(item[0]) ** 0.5, item[0]))[:most]
