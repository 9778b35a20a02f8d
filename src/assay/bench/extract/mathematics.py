r"""The mathematical answer of a text, and whether two such answers are the same.

Found: the last box; else what follows the last mark of a final answer; else, in a whole answer, the last formula between dollar signs
or the last number. Compared: as values (`assay.bench.extract.latex`), exactly where both are rational, else to 9 digits; letters as
unknowns under three sets of values. Lists are compared without order, tuples and intervals with it. ``x = 5`` is 5. What has no value
is compared as text without spaces.

An approximation is not the same as what it approximates: 1.414 is not ``\sqrt{2}``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction

from assay.bench.extract.boxed import last_box
from assay.bench.extract.latex import NotMath, Value, value_of
from assay.bench.extract.marked import marked

VERSION = 1
_CHARS = 1_000
_FORMULA = re.compile(
    r"\$\$(.+?)\$\$|\$([^$\n]+)\$|(?<!\\)\\\(((?:(?!(?<!\\)\\\().)+?)\\\)|(?<!\\)\\\[((?:(?!(?<!\\)\\\[).)+?)\\\]",
    re.DOTALL,
)
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:/\d+)?(?!\w)")
_WORDS = re.compile(r"\\(?:text|textbf|mathrm|mathbf|operatorname|mbox)\s*\{([^{}]*)\}")
_UNITS = re.compile(
    r"(?<=[\d})])\s*(?:units?|square units?|degrees?|cm|km|mm|m|dollars?|cents?|ways?)\s*(?:\^\{?\d\}?)?\s*$", re.IGNORECASE
)
_ASSIGNED = re.compile(r"^\s*\\?[A-Za-z](?:_\{?\w+\}?)?(?:\([^()]*\))?\s*(?:=|\\in)\s*")
_AND = re.compile(r"\b(?:and|or)\b|;")
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_UNKNOWNS = 3
_DIGITS = 1e-9


def find_answer(text: str, whole: bool = True) -> str | None:
    """The answer as it is written. ``whole``: the text was not cut off."""
    if boxed := last_box(text):
        return boxed
    for segment in reversed(marked(text)):
        if found := _answer_in(segment):
            return found
    return _answer_in(text) if whole else None


def _answer_in(text: str) -> str | None:
    formulas = [next(filter(None, match.groups())) for match in _FORMULA.finditer(text)]
    if formulas:
        return formulas[-1].rpartition("=")[2].strip() or None
    if len(text) < 80 and re.search(r"[\d\\]", text) and _value(text.rstrip(". "), 0) is not None:
        return text.rstrip(". ")
    numbers = _NUMBER.findall(text)
    return numbers[-1] if numbers else None


def same_answer(a: str, b: str) -> bool:
    """Whether ``a`` and ``b`` say the same. What is longer than any answer is compared as text."""
    if max(len(a), len(b)) > _CHARS:
        return _squeezed(a) == _squeezed(b)
    return _same(_cleaned(a), _cleaned(b), 0)


def _same(a: str, b: str, depth: int) -> bool:
    if _squeezed(a) == _squeezed(b):
        return bool(_squeezed(a))
    if depth > 4:
        return False
    (left, ordered), (right, also_ordered) = _parts(a), _parts(b)
    if len(left) != len(right):
        return False
    if len(left) == 1:
        return _same_values(left[0], right[0]) if (left[0], right[0]) == (a, b) else _same(left[0], right[0], depth + 1)
    if ordered and also_ordered:
        return _outer(a) == _outer(b) and all(_same(*pair, depth + 1) for pair in zip(left, right, strict=True))
    return _same_bags(left, right, depth)


def _same_bags(left: Sequence[str], right: Sequence[str], depth: int) -> bool:
    rest = list(right)
    for one in left:
        match = next((index for index, other in enumerate(rest) if _same(one, other, depth + 1)), None)
        if match is None:
            return False
        del rest[match]
    return True


def _same_values(a: str, b: str) -> bool:
    for unknowns in range(_UNKNOWNS):
        left, right = _value(a, unknowns), _value(b, unknowns)
        if left is None or right is None or not _close(left, right):
            return False
    return True


def _close(a: Value, b: Value) -> bool:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a == b
    try:
        return math.isclose(a, b, rel_tol=_DIGITS, abs_tol=1e-12)
    except OverflowError:  # one is a whole number of hundreds of digits, the other is not
        return False


def _value(text: str, unknowns: int) -> Value | None:
    try:
        return value_of(text, unknowns=unknowns)
    except NotMath:
        return None


def _cleaned(text: str) -> str:
    """Without what says nothing: formula marks, words in commands, units, the name of what is found."""
    text = text.strip().strip("$").strip()
    text = re.sub(r"^\\[(\[]|\\[)\]]$", "", text).strip().rstrip(".。 ")
    text = _WORDS.sub(lambda word: f" {word[1]} ", text)
    text = re.sub(r"\\(?:left|right|displaystyle)(?![A-Za-z])|\\[,;!:]", "", text)
    text = _UNITS.sub("", text)
    return _ASSIGNED.sub("", text).strip()


def _squeezed(text: str) -> str:
    text = re.sub(r"\\[dtc]frac", r"\\frac", text)
    return re.sub(r"(?<!\d)\s+|\s+(?!\d)", "", text).casefold()


def _parts(text: str) -> tuple[list[str], bool]:
    r"""The members of a list, and whether their order counts. ``\pm`` makes two."""
    text = re.sub(r"\\([{}])", r"\1", text).strip()
    ordered = False
    if _is_wrapped(text):
        inside = _split(text[1:-1])
        if len(inside) > 1 or text[0] == "{":
            return [_ASSIGNED.sub("", part) for part in inside], text[0] != "{"
    parts = [part for chunk in _AND.split(text) for part in _split(chunk) if part.strip()]
    if len(parts) == 1 and (r"\pm" in text or "±" in text):
        bare = text.replace("±", r"\pm")
        return [bare.replace(r"\pm", "+").replace(r"\mp", "-"), bare.replace(r"\pm", "-").replace(r"\mp", "+")], False
    return [_ASSIGNED.sub("", part).strip() for part in parts], ordered


def _is_wrapped(text: str) -> bool:
    """One pair of brackets around all of it; an interval may be half open."""
    if len(text) < 2 or text[0] not in _PAIRS or text[-1] not in ")]}":
        return False
    depth = 0
    for at, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and at < len(text) - 1:
            return False
    return depth == 0


def _outer(text: str) -> tuple[str, str]:
    return text.strip()[0], text.strip()[-1]


def _split(text: str) -> list[str]:
    """At commas outside brackets that are no marks of thousands."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0 and not _is_thousands(text, at):
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()]


def _is_thousands(text: str, at: int) -> bool:
    return bool(re.search(r"(?<!\d)\d{1,3}(?:,\d{3})*$", text[:at]) and re.match(r"\d{3}(?!\d)", text[at + 1 :]))
