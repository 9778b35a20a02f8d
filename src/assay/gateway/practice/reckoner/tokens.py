"""A question cut into tokens: numbers, dates, units, operators, functions, words of a question, and what is unknown.

One pass from left to right, longest name first, in time linear in the text (names have a longest length). Nothing is guessed:
what no table knows becomes an ``unknown`` token, and the answer names it.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec

from assay.gateway.practice.reckoner import units
from assay.gateway.practice.reckoner.dates import date_at
from assay.gateway.practice.reckoner.numerals import numeral_at
from assay.gateway.practice.reckoner.refusal import Refusal
from assay.gateway.practice.script import is_han, simplified

Kind: TypeAlias = Literal[
    "number",
    "date",
    "unit",
    "operator",
    "postfix",
    "function",
    "constant",
    "question",
    "base",
    "form",
    "(",
    ")",
    ",",
    "filler",
    "unknown",
]

MOST_TOKENS = 400
LONGEST_NUMBER = 1_000
"""Digits of one number."""

_SUPERSCRIPTS = str.maketrans(
    {"²": "^2", "³": "^3", "⁴": "^4", "½": "(1/2)", "¼": "(1/4)", "¾": "(3/4)", "⅓": "(1/3)", "⅔": "(2/3)"}
)
_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]+|0[bB][01]+|0[oO][0-7]+|(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+")
_FEET_INCHES = re.compile(r"(?<![\d.])(\d{1,3})['′’] ?(\d{1,2}(?:\.\d{1,3})?)(?:\"|″|”|'')")
_DIGITS_OF_BASE = re.compile(r"[\s:]*([0-9A-Za-z]+)")
_SIGNS = {
    "+": "+",
    "-": "-",
    "−": "-",
    "–": "-",
    "*": "*",
    "×": "*",
    "·": "*",
    "⋅": "*",
    "∙": "*",
    "/": "/",
    "÷": "/",
    "^": "^",
    "∶": "/",
}
_MYRIAD = re.compile(r"\s?(万亿|千万|百万|十万|万|亿|千|百)(?![克米瓦卡焦帕字赫比])")
_MYRIADS = {"百": 10**2, "千": 10**3, "万": 10**4, "十万": 10**5, "百万": 10**6, "千万": 10**7, "亿": 10**8, "万亿": 10**12}
_T = TypeVar("_T")
_Word: TypeAlias = tuple[Kind, str, Fraction | None]


class Token(msgspec.Struct, frozen=True):
    """``name`` is the canonical name in the word table; ``value`` what a number, date or unit is; ``text`` what was written."""

    kind: Kind
    text: str
    name: str = ""
    value: Fraction | date | units.Unit | None = None


def tokenise(text: str, today: date) -> list[Token]:
    """At most `MOST_TOKENS` + 1 tokens of ``text``; the one too many tells that there was more."""
    return _Reader(plain(text), today).read()


def plain(text: str) -> str:
    """Full-width signs made half-width, traditional characters simplified, ``5'7"`` spelled out."""
    text = _FEET_INCHES.sub(r"\1 ft \2 in", text)
    return " ".join(simplified(unicodedata.normalize("NFKC", text.translate(_SUPERSCRIPTS))).split())


class _Reader:
    def __init__(self, text: str, today: date):
        self._text = text
        self._today = today
        self._at = 0
        self._tokens: list[Token] = []

    def read(self) -> list[Token]:
        while self._at < len(self._text) and len(self._tokens) <= MOST_TOKENS:
            if self._text[self._at].isspace():
                self._at += 1
            else:
                token, self._at = self._next()
                self._tokens.append(token)
        return self._tokens

    def _next(self) -> tuple[Token, int]:
        text, at = self._text, self._at
        found = date_at(text, at, self._today)
        if found:
            return Token("date", text[at : found[1]], value=found[0]), found[1]
        return self._based() or self._number() or self._named() or self._numeral() or self._sign()

    def _number(self) -> tuple[Token, int] | None:
        match = _NUMBER.match(self._text, self._at)
        if not match:
            return None
        value = _value_of(match[0])
        end = match.end()
        many = _MYRIAD.match(self._text, end)
        if many:
            value, end = value * _MYRIADS[many[1]], many.end()
        return Token("number", self._text[self._at : end], value=value), end

    def _based(self) -> tuple[Token, int] | None:
        """A number after the name of its base: ``binary 1010``, ``二进制1010``."""
        named = self._longest(lambda name: word if (word := _words().get(name.lower())) and word[0] == "base" else None)
        if not named:
            return None
        base = int(named[0][1])
        digits = _DIGITS_OF_BASE.match(self._text, named[1])
        if digits and digits[1].lower() not in _words():
            if len(digits[1]) > LONGEST_NUMBER:
                raise Refusal("too_big", digits[1])
            try:
                value = int(digits[1], base)
            except ValueError:
                return None
            return Token("number", self._text[self._at : digits.end()], value=Fraction(value)), digits.end()
        return None

    def _named(self) -> tuple[Token, int] | None:
        """The longest name at this place; a unit before a word of the same length where a unit is expected."""
        strict = self._expects_unit()
        as_unit = self._longest(lambda name: units.by_name(name, strict=strict))
        as_word = self._longest(lambda name: _words().get(name.lower()))
        if as_unit and as_word and (as_word[1], not self._is_unit(as_unit[1], as_word[0])) > (as_unit[1], False):
            as_unit = None
        if as_unit:
            return Token("unit", self._text[self._at : as_unit[1]], as_unit[0].symbol, as_unit[0]), as_unit[1]
        if as_word:
            kind, name, value = as_word[0]
            return Token(kind, self._text[self._at : as_word[1]], name, value), as_word[1]
        return None

    def _expects_unit(self) -> bool:
        """After a number, another unit, or the word that asks for a conversion."""
        if not self._tokens:
            return False
        last = self._tokens[-1]
        if last.kind == "operator" and last.name in "*/" and len(self._tokens) > 1:
            return self._tokens[-2].kind == "unit"
        return last.kind in ("number", "unit") or last.name in ("convert", "how_many")

    def _is_unit(self, end: int, word: _Word) -> bool:
        """Whether a name that is both a unit and a word (``in``, ``后``) is the unit here."""
        if word[1] == "convert":
            rest = self._text[end:].split(None, 1)
            return not rest or rest[0].lower() in ("to", "in", "into", "as", "+", "-", "*", "/", "=", "?")
        return word[0] in ("filler", "constant", "function")

    def _numeral(self) -> tuple[Token, int] | None:
        found = numeral_at(self._text, self._at)
        if not found:
            return None
        written = self._text[self._at : found[1]]
        return Token("number", written, "percent" if written.startswith("百分之") else "", found[0]), found[1]

    def _sign(self) -> tuple[Token, int]:
        text, at = self._text, self._at
        if text.startswith("**", at):
            return Token("operator", "**", "^"), at + 2
        char = text[at]
        if char in _SIGNS:
            return Token("operator", char, _SIGNS[char]), at + 1
        if char in "()[]{}":
            return Token("(" if char in "([{" else ")", char), at + 1
        if char == "%":
            return Token("postfix", char, "percent"), at + 1
        if char == "!":
            return Token("postfix", char, "factorial"), at + 1
        if char in ",;、":
            return Token(",", char), at + 1
        if char in "?=.:。!~≈'\"`$¥€£“”‘’":
            return Token("filler", char), at + 1
        end = at + 1
        while end < len(text) and _splits_word(text, end):
            end += 1
        return Token("unknown", text[at:end]), end

    def _longest(self, known: Callable[[str], _T | None]) -> tuple[_T, int] | None:
        """The longest phrase from here on that ``known`` knows, and where it ends."""
        text, at = self._text, self._at
        reach = _reaches().get(text[at].lower(), 0)
        for end in range(min(at + reach, len(text)), at, -1):
            if not _splits_word(text, end):
                found = known(text[at:end])
                if found is not None:
                    return found, end
        return None


def _value_of(written: str) -> Fraction:
    if len(written) > LONGEST_NUMBER:
        raise Refusal("too_big", written)
    if written[:2].lower() in ("0x", "0b", "0o"):
        return Fraction(int(written, 0))
    mantissa, _, exponent = written.replace(",", "").lower().partition("e")
    if abs(int(exponent or 0)) > LONGEST_NUMBER:
        raise Refusal("too_big", written)
    return Fraction(mantissa) * Fraction(10) ** int(exponent or 0)


def _splits_word(text: str, at: int) -> bool:
    """Whether two letters or two digits of the Latin script meet at ``at``."""
    before, after = text[at - 1], text[at : at + 1]
    return (_is_letter(before) and _is_letter(after)) or (before.isdigit() and after.isdigit())


def _is_letter(char: str) -> bool:
    return char.isalpha() and not is_han(char)


@cache
def _words() -> dict[str, _Word]:
    table: dict[str, dict[str, Any]] = tomllib.loads((files(__package__) / "words.toml").read_text("utf-8"))
    kinds: dict[str, Kind] = {"operators": "operator", "postfix": "postfix", "functions": "function", "constants": "constant"}
    kinds |= {"questions": "question", "bases": "base", "forms": "form"}
    words: dict[str, _Word] = {word: ("filler", word, None) for word in table["filler"]["words"]}
    values = {word: Fraction(value) for word, value in table["values"].items()}
    tens = [(word, value) for word, value in values.items() if value in range(20, 100, 10)]
    ones = [(word, value) for word, value in values.items() if value in range(1, 10)]
    values |= {f"{ten}{gap}{one}": many + few for ten, many in tens for one, few in ones for gap in (" ", "-")}
    words |= {word: ("number", "", value) for word, value in values.items()}
    words |= dict.fromkeys(table["joiners"]["words"], (",", "and", None))
    for section, kind in kinds.items():
        words |= {phrase: (kind, name, None) for name, phrases in table[section].items() for phrase in phrases}
    return words


@cache
def _reaches() -> dict[str, int]:
    """For each sign that a word or unit begins with, the length of the longest one."""
    reaches: dict[str, int] = {}
    for phrase in _words().keys() | units.phrases():
        reaches[phrase[0].lower()] = max(len(phrase), reaches.get(phrase[0].lower(), 0))
    return reaches
