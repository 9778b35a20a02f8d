r"""The number that an answer ends on, as people and models write numbers.

Read: thousands in groups of three (``1,234``, ``1'234``, ``1_234``, thin spaces, LaTeX ``1{,}234`` and ``1\,234``), a decimal
point, signs (also ``−``), an exponent (``1e-3``, ``1.5 × 10^3``), one fraction (``3/4``, ``\frac{3}{4}``), a currency sign before
and any unit after, and decimal digits of every script (full-width ``４２``, Arabic ``٤٢``). A percent sign is a unit: ``42%``
reads 42.
Where the answer boxes a number (``\boxed{42}``), the last boxed one counts, whatever comes after.

Not read: decimal commas (``2,5`` reads as 2 and 5), numbers in words (``forty-two``, ``四十二``), and numbers inside names
(``GPT4``, ``v2``). Three-digit numbers listed without a space (``100,200``) read as one.
"""

from __future__ import annotations

import re
import unicodedata

_BOX = re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\}){0,200})\}")
_FRACTION = re.compile(r"\\[dt]?frac\s*\{\s*([-+]?[\d.]{1,30})\s*\}\s*\{\s*([\d.]{1,30})\s*\}")
_GROUP_MARKS = re.compile(r"(?<=\d)(?:\{,\}|\\[,;!]|[\u2009\u202f'’_٬])(?=\d{3}(?!\d))")
_POWER = re.compile(r"(?<=\d)\s?(?:×|\\times|\\cdot|·|\*)\s?10\s?(?:\^|\*\*)\s?\{?\s?([-+]?\d{1,4})\}?")
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_])(?<!\d\.)"
    r"(?P<sign>(?<![A-Za-z0-9)\]])[-+])?(?:[$€£¥₹]\s?)?"
    r"(?P<digits>(?:\d{1,3}(?:,\d{3})++(?!\d)|\d++)(?:\.\d++)?+|\.\d++)"
    r"(?P<exponent>[eE][-+]?\d{1,4}(?!\d))?"
)
_SLASH = re.compile(r"\s?/\s?")


def last_number(text: str) -> float | None:
    """The number that ``text`` ends on, or None where it holds none."""
    text = _plain(text)
    for boxed in reversed(_BOX.findall(text)):
        if (number := _last(boxed)) is not None:
            return number
    return _last(text)


def first_number(text: str) -> float | None:
    """The number that ``text`` begins with, whatever stands before it, or None where it holds none."""
    text = _plain(text)
    found = list(_NUMBER.finditer(text))
    if not found:
        return None
    end = found[0].end()
    is_fraction = len(found) > 1 and _SLASH.fullmatch(text, end, found[1].start()) and not text.startswith("/", found[1].end())
    return _last(text[: found[1].end() if is_fraction else end])


def _last(text: str) -> float | None:
    found = list(_NUMBER.finditer(text))
    if not found:
        return None
    last = found[-1]
    if len(found) > 1 and _SLASH.fullmatch(text, found[-2].end(), last.start()) and not _in_a_row(text, found):
        divisor = _value(last)
        return _value(found[-2]) / divisor if divisor else None
    return _value(last)


def _in_a_row(text: str, found: list[re.Match[str]]) -> bool:
    """More than one slash: a date or a path, no fraction."""
    before = len(found) > 2 and _SLASH.fullmatch(text, found[-3].end(), found[-2].start())
    return bool(before) or text.startswith("/", found[-1].end())


def _value(found: re.Match[str]) -> float:
    return float(f"{found['sign'] or ''}{found['digits'].replace(',', '')}{found['exponent'] or ''}")


def _plain(text: str) -> str:
    """One way of writing where there are several."""
    text = "".join(map(_plain_character, text))
    text = _FRACTION.sub(r" \1/\2", text)
    text = _GROUP_MARKS.sub(",", text)
    return _POWER.sub(r"e\1", text)


def _plain_character(character: str) -> str:
    if character.isascii():
        return character
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    return _SIGNS.get(character, character)


_SIGNS = {"−": "-", "﹣": "-", "－": "-", "＋": "+", "．": ".", "٫": ".", "／": "/", "％": "%", "⁄": "/"}
