r"""The value of a short mathematical answer in LaTeX or plain writing: a parser and evaluator of our own.

Read: numbers, ``+ - * / ^ !``, ``\frac \sqrt[n]{} \binom \pi e \sin \cos \tan \ln \log \exp``, absolute values, mixed numbers,
``\pm`` (two values), degrees and percent signs (taken away), implied multiplication, single letters as unknowns (several fixed values
are put in for them), powers and roots exactly where they are rational. What else stands there raises `NotMath`.

A value is a `Fraction` where it is rational and a float elsewhere. Bounded: no number of more than about 3,000 digits is made.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias

VERSION = 1
Value: TypeAlias = Fraction | float
_BITS = 10_000
_CHARS = 1_000
_DEPTH = 60
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{4,}")
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?|\.\d+)|\\([A-Za-z]+)|(\*\*)|(.))", re.DOTALL)
_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "ln": math.log, "log": math.log10, "exp": math.exp,
    "arcsin": math.asin, "arccos": math.acos, "arctan": math.atan,
}  # fmt: skip
_CONSTANTS = {"pi": math.pi}
_GREEK = frozenset({"alpha", "beta", "gamma", "theta", "lambda", "mu", "phi", "omega"})
_SYMBOLS = str.maketrans({"−": "-", "–": "-", "×": "*", "·": "*", "÷": "/", "⋅": "*", "√": "√", "π": "π", "²": "²", "³": "³"})
_DROPPED = re.compile(
    r"\\(?:left|right|big|Big|bigg|displaystyle|textstyle|quad|qquad|,|;|!|:|\s)|\^\s*\{?\s*\\circ\s*\}?|°|\\?%|\\\$|\$|~"
)


class NotMath(ValueError):
    """Not a value that can be read."""


def value_of(text: str, *, upper_sign: bool = True, unknowns: int = 0) -> Value:
    r"""The value of ``text``. ``upper_sign``: which of the two that ``\pm`` stands for; ``unknowns``: which set of values is put in for
    letters.

    Raises:
        NotMath: it has none, or one that is too large.
    """
    if len(text) > _CHARS or _WORD.search(text):
        raise NotMath("prose")
    parser = _Parser(_tokens(text), upper_sign, unknowns)
    try:
        value = parser.sum(0)
    except (ZeroDivisionError, OverflowError, ValueError) as error:
        raise NotMath(str(error)) from error
    if parser.at < len(parser.tokens) or (isinstance(value, float) and not math.isfinite(value)):
        raise NotMath(text)
    return value


def _tokens(text: str) -> list[str]:
    text = _DROPPED.sub(" ", text.translate(_SYMBOLS)).replace("²", "^{2}").replace("³", "^{3}").replace("π", r"\pi ")
    text = text.replace("√", r"\sqrt ")
    text = re.sub(r"(?<=\d)(?:,|\{,\})(?=\d{3}(?!\d))", "", text)
    found: list[str] = []
    for number, command, power, other in _TOKEN.findall(text.strip()):
        if other.strip() or number or command or power:
            found.append(number or (f"\\{command}" if command else "^" if power else other))
    return found


class _Parser:
    """Recursive descent over tokens; each method reads one rule and leaves ``at`` behind it."""

    def __init__(self, tokens: list[str], upper_sign: bool, unknowns: int):
        self.tokens = tokens
        self.at = 0
        self._upper = upper_sign
        self._unknowns = unknowns

    def sum(self, depth: int) -> Value:
        if depth > _DEPTH:
            raise NotMath("nested too deeply")
        sign = self._sign()
        total = self._product(depth) if sign is None else sign * self._product(depth)
        while (sign := self._sign()) is not None:
            total = total + sign * self._product(depth)
        return total

    def _sign(self) -> Fraction | None:
        signs = {"+": 1, "-": -1, r"\pm": 1 if self._upper else -1, "±": 1 if self._upper else -1, r"\mp": -1 if self._upper else 1}
        if self._peek() not in signs:
            return None
        return Fraction(signs[self._next()])

    def _product(self, depth: int) -> Value:
        value = self._power(depth)
        while (piece := self._peek()) is not None:
            if piece in {"*", r"\cdot", r"\times"}:
                self._next()
                value = value * self._signed(depth)
            elif piece in {"/", r"\div"}:
                self._next()
                value = value / self._signed(depth)
            elif piece in ("+", "-", ")", "]", "}", "|", r"\pm", r"\mp", "±", ",", "="):
                break
            else:
                value = self._implied(value, piece, depth)
        return value

    def _implied(self, value: Value, piece: str, depth: int) -> Value:
        """``2\\pi`` multiplies; ``1\\frac{2}{3}`` and ``1 2/3`` are mixed numbers."""
        is_whole = self.tokens[self.at - 1].isdigit() and isinstance(value, Fraction) and value.denominator == 1
        if piece[0].isdigit() or piece[0] == ".":
            if is_whole and self.tokens[self.at + 1 : self.at + 2] == ["/"]:
                return value + self._product(depth)
            raise NotMath("two numbers side by side")
        factor = self._power(depth)
        if piece in {r"\frac", r"\dfrac", r"\tfrac"} and is_whole and isinstance(factor, Fraction) and 0 < factor < 1:
            return value + factor
        return value * factor

    def _signed(self, depth: int) -> Value:
        sign = self._sign()
        return self._power(depth) if sign is None else sign * self._power(depth)

    def _power(self, depth: int) -> Value:
        value = self._atom(depth)
        while self._peek() == "!":
            self._next()
            value = _factorial(value)
        if self._peek() == "^":
            self._next()
            value = _raise(value, self._argument(depth))
        return value

    def _argument(self, depth: int) -> Value:
        r"""What ``^`` or a command takes: a group, or one piece, as ``\frac12`` does."""
        piece = self._peek()
        if piece == "{":
            return self._group("}", depth)
        if piece is not None and piece.isdigit() and len(piece) > 1 and self.tokens[self.at - 1] != "^":
            self.tokens[self.at : self.at + 1] = [piece[0], piece[1:]]
        return self._signed(depth) if piece in {"-", "+"} else self._atom(depth)

    def _atom(self, depth: int) -> Value:
        piece = self._next()
        if piece[0].isdigit() or piece[0] == ".":
            return Fraction(piece)
        if piece in {"(", "{", "["}:
            self.at -= 1
            return self._group({"(": ")", "{": "}", "[": "]"}[piece], depth)
        if piece == "|":
            value = self.sum(depth + 1)
            self._expect("|")
            return value if value >= 0 else -value
        if piece.startswith("\\"):
            return self._command(piece[1:], depth)
        if piece == "e":
            return math.e
        if piece.isalpha() and len(piece) == 1:
            return self._unknown(piece)
        raise NotMath(piece)

    def _command(self, name: str, depth: int) -> Value:
        if name in {"frac", "dfrac", "tfrac", "cfrac"}:
            return self._argument(depth) / self._argument(depth)
        if name in {"binom", "dbinom", "tbinom"}:
            return _choose(self._argument(depth), self._argument(depth))
        if name == "sqrt":
            root = self._group("]", depth) if self._peek() == "[" else Fraction(2)
            return _raise(self._argument(depth), 1 / root)
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if name in _FUNCTIONS:
            return self._function(name, depth)
        if name in _GREEK:
            return self._unknown(name)
        raise NotMath(f"\\{name}")

    def _function(self, name: str, depth: int) -> Value:
        power: Value = Fraction(1)
        if self._peek() == "^":
            self._next()
            power = self._argument(depth)
        return _raise(_FUNCTIONS[name](float(self._power(depth))), power)

    def _group(self, end: str, depth: int) -> Value:
        self._next()
        value = self.sum(depth + 1)
        self._expect(end)
        return value

    def _unknown(self, name: str) -> float:
        """A value in (1, 2) that nothing else is likely to have."""
        number = sum(ord(letter) * 31**place for place, letter in enumerate(name))
        return 1.0 + math.fmod(number * 0.6180339887498949 + self._unknowns * 0.4142135623730951, 1.0)

    def _peek(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _next(self) -> str:
        if self.at >= len(self.tokens):
            raise NotMath("ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def _expect(self, piece: str) -> None:
        if self._next() != piece:
            raise NotMath(f"no {piece}")


def _raise(base: Value, power: Value) -> Value:
    if isinstance(base, Fraction) and isinstance(power, Fraction):
        if power.denominator == 1:
            size = max(base.numerator.bit_length(), base.denominator.bit_length())
            if size * abs(power.numerator) > _BITS:
                raise NotMath("too large")
            return base**power.numerator
        root = _exact_root(base, power.denominator)
        if root is not None:
            return _raise(root, Fraction(power.numerator))
    if base < 0:
        raise NotMath("no real value")
    return math.pow(float(base), float(power))


def _exact_root(value: Fraction, degree: int) -> Fraction | None:
    if value < 0 or degree > 64:
        return None if value >= 0 or degree % 2 == 0 or degree > 64 else _negated(_exact_root(-value, degree))
    roots = [_whole_root(number, degree) for number in (value.numerator, value.denominator)]
    return None if roots[0] is None or roots[1] is None else Fraction(roots[0], roots[1])


def _negated(value: Fraction | None) -> Fraction | None:
    return None if value is None else -value


def _whole_root(number: int, degree: int) -> int | None:
    low, high = 0, 1 << (number.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**degree <= number else (low, middle - 1)
    return low if low**degree == number else None


def _factorial(value: Value) -> Value:
    if not isinstance(value, Fraction) or value.denominator != 1 or not 0 <= value <= 1_000:
        raise NotMath("no such factorial")
    return Fraction(math.factorial(value.numerator))


def _choose(n: Value, k: Value) -> Value:
    if (
        not isinstance(n, Fraction)
        or not isinstance(k, Fraction)
        or n.denominator != 1
        or k.denominator != 1
        or not 0 <= n <= 10_000
        or k < 0
    ):
        raise NotMath("no such coefficient")
    return Fraction(math.comb(n.numerator, k.numerator))
