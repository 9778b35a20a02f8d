"""How many words of a class, numbers, names or marks."""

from __future__ import annotations

import re

from assay.bench.following.checks.amounts import Count, Place, Relation, holds
from assay.bench.following.lexicon import CONJUNCTIONS, PERSON_NAMES, PRONOUNS
from assay.bench.following.splitting import bare, tokens, without_marks, words

_NUMBER = re.compile(r"\d+")
_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_PAIRS = ("?!", "!?")
_INTERROBANG = "‽"


def conjunctions(answer: str, *, small_n: Count) -> bool:
    """At least so many different coordinating conjunctions."""
    return len(CONJUNCTIONS & {bare(word).lower() for word in answer.split()}) >= small_n


def conjunctions_as_published(answer: str, *, small_n: Count) -> bool:
    """The same, where ``And``, ``and`` and ``and,`` are taken for different conjunctions."""
    return len({word for word in answer.split() if bare(word).lower() in CONJUNCTIONS}) >= small_n


def person_names(answer: str, *, n: Count) -> bool:
    """At least ``n`` different names of the list in the prompt."""
    return len(PERSON_NAMES.intersection(words(answer))) >= n


def numbers(answer: str, *, n: Count) -> bool:
    """Exactly ``n`` numbers; ``3.5`` and ``1,000`` are one each."""
    return len(_NUMBER.findall(without_marks(answer))) == n


def pronouns(answer: str, *, n: Count) -> bool:
    """At least ``n`` pronouns; ``she/her`` are two."""
    return sum(token in PRONOUNS for token in tokens(answer.replace("/", " ").lower())) >= n


def punctuation(answer: str) -> bool:
    """A full stop, a comma, an exclamation mark, a question mark, a semicolon, a colon, and besides those an interrobang."""
    if not any(mark in answer for mark in (*_PAIRS, _INTERROBANG)):
        return False
    pair = next((pair for pair in _PAIRS if pair in answer), "")
    return set(".,!?;:") <= set(answer.replace(pair, "", 1) if pair else answer)


def japanese_words(answer: str, *, n: Place) -> bool:
    """Every ``n``-th word between spaces has a Japanese character; numbers and marks alone may stand in its place."""
    every_nth = (bare(word) for word in answer.split()[n - 1 :: n])
    return all(not word or word.isdigit() or _JAPANESE.search(word) for word in every_nth)


def capital_words(answer: str, *, capital_frequency: Count, capital_relation: Relation) -> bool:
    """So many words all in capitals; ``I`` is one, ``COVID-19`` too, and ``DON'T`` is two, as the Penn Treebank splits it."""
    return holds(sum(token.isupper() for token in tokens(answer)), capital_relation, capital_frequency)
