"""I and you turned around."""

from __future__ import annotations

from collections.abc import Sequence

from assay.gateway.practice.script import Language

_PAIRS = {("i", "am"): ("you", "are"), ("you", "are"): ("I", "am"), ("i", "was"): ("you", "were"), ("you", "were"): ("I", "was")}
_WORDS = {
    "i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself", "am": "are", "you": "I", "your": "my",
    "yours": "mine", "yourself": "myself", "we": "you", "us": "you", "our": "your", "ours": "yours", "ourselves": "yourselves",
}  # fmt: skip
_BEFORE_ME = frozenset(
    [
        "to",
        "for",
        "with",
        "of",
        "about",
        "from",
        "at",
        "on",
        "by",
        "like",
        "than",
        "love",
        "hate",
        "see",
        "tell",
        "ask",
        "give",
        "help",
        "hear",
        "make",
        "let",
        "want",
        "need",
        "trust",
        "and",
        "between",
    ]
)
_SIGNS = {"我们": "你们", "你们": "我们", "咱们": "你们", "我": "你", "你": "我", "您": "我", "們": "們"}


def reflected(words: Sequence[str], language: Language) -> str:
    """``words`` as the other side would say them: ``my work tires me`` is ``your work tires you``."""
    return _english(words) if language == "en" else _chinese("".join(words))


def _english(words: Sequence[str]) -> str:
    turned: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        pair = _PAIRS.get((word.lower(), words[at + 1].lower())) if at + 1 < len(words) else None
        if pair:
            turned += pair
            at += 2
            continue
        if word.lower() == "you":
            last = at + 1 == len(words)
            turned.append("me" if last or (at > 0 and words[at - 1].lower() in _BEFORE_ME) else "I")
        else:
            turned.append(_WORDS.get(word.lower(), word))
        at += 1
    return " ".join(turned)


def _chinese(text: str) -> str:
    turned = ""
    at = 0
    while at < len(text):
        length = 2 if text[at : at + 2] in _SIGNS else 1
        turned += _SIGNS.get(text[at : at + length], text[at : at + length])
        at += length
    return turned.strip("了吧啊呢的 ")
