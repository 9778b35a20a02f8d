"""Rules that hear something in a clause: literal words between stars, matched from left to right without going back.

The design follows J. Weizenbaum, ELIZA, CACM 9(1), 1966, 36-45: keywords with ranks, decomposition at wildcards, reassembly with
the pronouns turned around, and a memory of what was said before. The rules are our own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

import msgspec

from assay.gateway.practice.script import Language, simplified

LONGEST_CLAUSE = 100
"""Words (in Chinese: characters) of one clause that are listened to."""

MOST_CLAUSES = 12

_CLAUSE_END = re.compile(r"[.!?;,:\n。!?;,、:…—()\[\]\"“”]+")
_WORD = re.compile(r"[^\s]+")
_CHOICES = re.compile(r"\(([^)]*)\)|([^()]+)")
_LONG_FORMS = {
    "i'm": "i am", "i've": "i have", "i'll": "i will", "i'd": "i would", "you're": "you are", "you've": "you have", "it's": "it is",
    "don't": "do not", "doesn't": "does not", "didn't": "did not", "can't": "cannot", "couldn't": "could not", "won't": "will not",
    "isn't": "is not", "aren't": "are not", "wasn't": "was not", "what's": "what is", "that's": "that is", "who's": "who is",
    "wouldn't": "would not", "shouldn't": "should not", "haven't": "have not", "im": "i am", "dont": "do not", "cant": "cannot",
}  # fmt: skip


class Clause(msgspec.Struct, frozen=True):
    """``tokens`` are compared, ``said`` is given back: words as they were written, or characters in their own script."""

    tokens: tuple[str, ...]
    said: tuple[str, ...]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What is heard, and what is answered. ``captures``: what it caught is worth remembering as a topic."""

    name: str
    rank: int
    patterns: tuple[str, ...]
    answers: tuple[str, ...]
    captures: bool = False


class Rules(msgspec.Struct, frozen=True):
    """All rules of one language."""

    rule: tuple[Rule, ...]
    fallbacks: tuple[str, ...]
    recalls: tuple[str, ...]
    empty: str


class Heard(msgspec.Struct, frozen=True):
    """A rule, what its stars caught in order, and the keyword that was said."""

    rule: Rule
    caught: tuple[tuple[str, ...], ...]
    keyword: tuple[str, ...]


@cache
def rules_of(language: Language) -> Rules:
    """The rules for English, or for both Chinese scripts."""
    name = "rules_en.toml" if language == "en" else "rules_zh.toml"
    table: dict[str, Any] = tomllib.loads((files(__package__) / name).read_text("utf-8"))
    return msgspec.convert(table, Rules)


def clauses_of(text: str, language: Language) -> list[Clause]:
    """``text`` at its punctuation, in words or, in Chinese, in characters."""
    parts = [part.strip() for part in _CLAUSE_END.split(text.replace("’", "'")) if part.strip()]
    cut = _words if language == "en" else _characters
    return [cut(part) for part in parts[:MOST_CLAUSES]]


def hear(clauses: Sequence[Clause], language: Language, *, topics: bool = False) -> Heard | None:
    """What the rule of the highest rank hears; of two equal ones, in the earlier clause. ``topics``: only rules that capture."""
    best: Heard | None = None
    for clause in clauses:
        for rule in rules_of(language).rule:
            if (rule.captures or not topics) and (best is None or rule.rank > best.rule.rank):
                best = _heard_by(rule, clause, language) or best
    return best


def _heard_by(rule: Rule, clause: Clause, language: Language) -> Heard | None:
    present = frozenset(clause.tokens)
    for pattern in rule.patterns:
        match = _match(_compiled(pattern, language == "en"), clause, present)
        if match:
            return Heard(rule, *match)
    return None


def _match(
    pattern: tuple[tuple[tuple[str, ...], ...] | None, ...], clause: Clause, present: frozenset[str]
) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]] | None:
    """What the stars (None) caught between the literal parts, and the last literal that was found."""
    at, floating = 0, False
    caught: list[tuple[str, ...]] = []
    keyword: tuple[str, ...] = ()
    for element in pattern:
        if element is None:
            floating = True
            continue
        found = _find(element, clause.tokens, at, present, anchored=not floating)
        if found is None:
            return None
        start, length = found
        if floating:
            caught.append(clause.said[at:start])
        keyword = clause.said[start : start + length]
        at, floating = start + length, False
    if floating:
        caught.append(clause.said[at:])
    elif at < len(clause.tokens):
        return None
    return tuple(caught), keyword


def _find(
    literals: tuple[tuple[str, ...], ...], tokens: tuple[str, ...], at: int, present: frozenset[str], *, anchored: bool
) -> tuple[int, int] | None:
    possible = [literal for literal in literals if literal[0] in present]
    for start in range(at, at + 1 if anchored else len(tokens)):
        for literal in possible:
            if tokens[start : start + len(literal)] == literal:
                return start, len(literal)
    return None


@cache
def _compiled(pattern: str, in_words: bool) -> tuple[tuple[tuple[str, ...], ...] | None, ...]:
    """A pattern as stars (None) and literal parts, each with its choices, the longest first."""
    elements: list[tuple[tuple[str, ...], ...] | None] = []
    for number, part in enumerate(pattern.split("*")):
        if number:
            elements.append(None)
        if part.strip():
            options = [(inner or plain).split("|") for inner, plain in _CHOICES.findall(part.strip())]
            joined = ["".join(choice) for choice in product(*options)]
            literals = (tuple(text.split()) if in_words else tuple(text) for text in joined)
            elements.append(tuple(sorted(literals, key=len, reverse=True)))
    return tuple(elements)


def _words(text: str) -> Clause:
    said: list[str] = []
    for word in _WORD.findall(text)[:LONGEST_CLAUSE]:
        said += _LONG_FORMS.get(word.lower(), word).split()
    return Clause(tuple(word.lower() for word in said), tuple(said))


def _characters(text: str) -> Clause:
    said = text.replace(" ", "")[:LONGEST_CLAUSE]
    return Clause(tuple(simplified(said)), tuple(said))
