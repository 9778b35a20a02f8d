"""Which language a text is in.

First the script that most letters belong to; where several languages share it, the one with the most evidence in words: its common
words, its own letters, its endings (``languages.toml``). The same text always gives the same language, and more text never takes
longer than its first ten thousand characters do.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from importlib.resources import files

import msgspec

UNKNOWN = "und"
_CHARS = 10_000
_AROUND = ".,;:!?\"'()[]{}<>*_#`~|/\\-–—…“”„‘’«»।॥،؛؟¿¡0123456789"
_IN_ADDRESSES = ("://", "www.", "@")
_PLAIN_WEIGHT = 0.3
"""For English where all letters are plain ones and hardly a word says anything, as in ``Silent moonlight``."""

_LETTER_WEIGHT = 0.5
_ENDING_WEIGHT = 0.4

_SCRIPTS = (
    (0x0041, 0x024F, "latin"),
    (0x0370, 0x03FF, "el"),
    (0x0400, 0x052F, "cyrillic"),
    (0x0590, 0x05FF, "he"),
    (0x0600, 0x077F, "arabic"),
    (0x0900, 0x097F, "devanagari"),
    (0x0980, 0x09FF, "bn"),
    (0x0A00, 0x0A7F, "pa"),
    (0x0A80, 0x0AFF, "gu"),
    (0x0B80, 0x0BFF, "ta"),
    (0x0C00, 0x0C7F, "te"),
    (0x0C80, 0x0CFF, "kn"),
    (0x0D00, 0x0D7F, "ml"),
    (0x0E00, 0x0E7F, "th"),
    (0x1100, 0x11FF, "ko"),
    (0x1E00, 0x1EFF, "latin"),
    (0x3040, 0x30FF, "ja"),
    (0x4E00, 0x9FFF, "zh"),
    (0xAC00, 0xD7AF, "ko"),
    (0xFB50, 0xFDFF, "arabic"),
    (0xFE70, 0xFEFF, "arabic"),
)
"""First and last code point, and the script, or the one language that is written in it (ISO 639-1)."""

_SHARED = frozenset({"latin", "cyrillic", "arabic", "devanagari"})
_KANA_SHARE = 0.05
"""Japanese is mostly Han characters at times; Chinese has no kana."""


class Language(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``words`` are common in it, ``letters`` are in it and in few others of its script, ``endings`` are of its words."""

    script: str
    words: str
    letters: str = ""
    endings: str = ""


class Evidence:
    """What words say about the languages of one script. Evidence that several languages share is divided among them."""

    def __init__(self, languages: dict[str, Language]):
        self._words = _shares({code: one.words.split() for code, one in languages.items()}, 1.0)
        self._letters = _shares({code: list(one.letters) for code, one in languages.items()}, _LETTER_WEIGHT)
        self._endings = _shares({code: one.endings.split() for code, one in languages.items()}, _ENDING_WEIGHT)
        self._longest = max(map(len, self._endings), default=0)

    def weigh(self, words: Iterable[str]) -> defaultdict[str, float]:
        """How much speaks for each language that anything speaks for."""
        total: defaultdict[str, float] = defaultdict(float)
        for word in words:
            for share in self._signs(word):
                for code, weight in share.items():
                    total[code] += weight
        return total

    def _signs(self, word: str) -> Iterator[dict[str, float]]:
        yield self._words.get(word, {})
        yield from (self._letters[letter] for letter in dict.fromkeys(word) if letter in self._letters)
        yield from (self._endings.get(word[-size:], {}) for size in range(2, min(self._longest, len(word) - 1) + 1))


def language_of(text: str) -> str | None:
    """The ISO 639-1 code of the language that most of ``text`` is in; ``und`` where it is none of those known; None where there are no
    letters."""
    words = [word for word in text[:_CHARS].lower().replace("’", "'").split() if not any(mark in word for mark in _IN_ADDRESSES)]
    script = _script_of(words)
    return _by_words(words, script) if script in _SHARED else script


def _script_of(words: Iterable[str]) -> str | None:
    counts = Counter(script for word in words for letter in word if (script := _script(letter)))
    if not counts:
        return None
    if counts["ja"] > _KANA_SHARE * (counts["ja"] + counts["zh"]):
        counts["ja"] += counts.pop("zh", 0)
    return max(sorted(counts), key=counts.__getitem__)


@lru_cache(4096)
def _script(letter: str) -> str | None:
    """None for what is neither a letter nor a mark on one; marks that no script has for its own, such as those on emoji, are none."""
    kind, code = unicodedata.category(letter)[0], ord(letter)
    if kind not in "LM":
        return None
    return next((name for first, last, name in _SCRIPTS if first <= code <= last), UNKNOWN if kind == "L" else None)


def _by_words(words: Sequence[str], script: str) -> str:
    total = _evidence(script).weigh(bare for word in words if (bare := word.strip(_AROUND)))
    if script == "latin" and all(map(str.isascii, words)):
        total["en"] += _PLAIN_WEIGHT
    return max(sorted(total), key=total.__getitem__, default=UNKNOWN)


@cache
def _evidence(script: str) -> Evidence:
    table = files("assay.bench.following").joinpath("languages.toml").read_bytes()
    languages = msgspec.toml.decode(table, type=dict[str, Language])
    return Evidence({code: one for code, one in languages.items() if one.script == script})


def _shares(signs: dict[str, list[str]], weight: float) -> dict[str, dict[str, float]]:
    languages: defaultdict[str, list[str]] = defaultdict(list)
    for code, own in signs.items():
        for sign in dict.fromkeys(own):
            languages[sign].append(code)
    return {sign: dict.fromkeys(codes, weight / len(codes)) for sign, codes in languages.items()}
