"""Which language and script a person wrote in, and simplified forms of traditional characters.

The two Chinese scripts are told apart by the character sets that were made for them: a character that GB 2312 has and
Big5 lacks is simplified, the reverse is traditional. Most characters are in both and say nothing. Words and sentences of the
contestants are written in traditional characters, from which simplified ones follow (the other way is ambiguous).
"""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias

Language: TypeAlias = Literal["en", "zh-Hans", "zh-Hant"]

_LOOKED_AT = 2_000
_LATIN_WORD = re.compile(r"[A-Za-z]+")
_FENCE = re.compile(r"```[^`]*```")


def language_of(text: str) -> Language | None:
    """The language that most of the words of ``text`` are in, or None where it has no words. Fenced code does not count."""
    prose = _FENCE.sub(" ", text[:_LOOKED_AT])
    han = [char for char in prose if is_han(char)]
    latin = len(_LATIN_WORD.findall(prose))
    if not han:
        return "en" if latin else None
    if len(han) < latin:
        return "en"
    return script_of(text) or "zh-Hans"


def script_of(text: str) -> Language | None:
    """The Chinese script that ``text`` leans to, or None where every character belongs to both."""
    leaning = sum(_leaning(char) for char in text[:_LOOKED_AT] if is_han(char))
    return None if leaning == 0 else "zh-Hant" if leaning > 0 else "zh-Hans"


def is_han(char: str) -> bool:
    """Whether ``char`` is a Chinese character of the basic block, extension A or the supplementary planes."""
    return "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf" or "\U00020000" <= char <= "\U0003ffff"


def simplified(text: str) -> str:
    """``text`` with known traditional characters made simplified, character by character, so that positions stay."""
    return text.translate(_pairs())


def written_in(language: Language, text: str) -> str:
    """A sentence of our own, written in traditional characters, in the script of ``language``."""
    if language != "zh-Hans":
        return text
    for taiwan, mainland in _words():
        text = text.replace(taiwan, mainland)
    return simplified(text)


@lru_cache(maxsize=4_096)
def _leaning(char: str) -> int:
    return int(_has("big5", char)) - int(_has("gb2312", char))


def _has(charset: str, char: str) -> bool:
    try:
        char.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


@cache
def _pairs() -> dict[int, str]:
    pairs = list("".join(_table()["pairs"]).replace(" ", ""))
    return {ord(traditional): plain for traditional, plain in zip(pairs[::2], pairs[1::2], strict=True)}


@cache
def _words() -> tuple[tuple[str, str], ...]:
    return tuple((row[0], row[1]) for row in _table()["words"])


@cache
def _table() -> dict[str, list[Any]]:
    table: dict[str, list[Any]] = tomllib.loads((files(__package__) / "script.toml").read_text("utf-8"))
    return table
