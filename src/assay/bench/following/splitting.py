"""Words, tokens and sentences of English text.

The originals split with NLTK: sentences by Punkt (Kiss and Strunk 2006), tokens by the conventions of the Penn Treebank. These are
the same conventions, in a few rules instead of trained tables; where verdicts come to differ is in docs/concepts/following.md. Every
pattern is linear in the length of the text.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

import regex

from assay.bench.following.lexicon import ABBREVIATIONS, STARTERS

PUNCTUATION = string.punctuation
"""The 32 marks of ASCII. Typographic quotes and dashes are not among them, as in the originals."""

_EDGE = PUNCTUATION + " "
_NO_MARKS = str.maketrans("", "", PUNCTUATION)
_WORD = regex.compile(r"\w+")

_END = re.compile(r"(?<![.?!])[.?!]++(?P<closing>[\"')\]}”’»]*+)(?=[\s*]|$)(?:\s++[\"')\]}]++(?=\s|$))?")
"""A run of marks, the quotes and brackets that close behind it, and such as stand alone after a space. An asterisk may follow: it begins
what comes next, as Punkt has it."""

_NEXT = re.compile(r"\s*(\S{1,40})")
_LONGEST_TOKEN = 60
_OPENING = "\"'([{*_“‘«"
_CLOSING = "\"'”’»)]}>*"

_POSTSCRIPTS = frozenset({"p.s", "p.p.s"})
"""Sentences of their own, as Punkt has it."""

_SEPARATE = re.compile(r"(\.{2,}|--|[][(){}<>\"“”„«»`;@#$%&?!*]|[:,](?!\d))")
_CLITIC = re.compile(r"(?i)(n't|'(?:s|m|d|ll|re|ve))$")
_TWO_IN_ONE = {"cannot": 3, "gonna": 3, "gotta": 3, "wanna": 3, "gimme": 3, "lemme": 3}


def words(text: str) -> list[str]:
    """Runs of letters, with the marks upon them, digits and underscores: ``don't`` is two, ``हैं`` is one."""
    return _WORD.findall(text)


def without_marks(text: str) -> str:
    """``text`` without any punctuation of ASCII."""
    return text.translate(_NO_MARKS)


def bare(word: str) -> str:
    """``word`` without punctuation and spaces at its ends."""
    return word.strip(_EDGE)


def sentences(text: str) -> list[str]:
    """Sentences, each with its closing mark and the quotes and brackets behind it; a line break alone ends none."""
    return list(_sentences(text))


def _sentences(text: str) -> Iterator[str]:
    begin = 0
    for end in _END.finditer(text):
        if _ends_sentence(text, begin, end):
            yield text[begin : end.end()].strip()
            begin = end.end()
    if rest := text[begin:].strip():
        yield rest


def _ends_sentence(text: str, begin: int, end: re.Match[str]) -> bool:
    marks = text[end.start() : end.start("closing")]
    following = _NEXT.match(text, end.end())
    if following is None or "?" in marks or "!" in marks:
        return True
    after = following[1].lstrip(_OPENING)
    is_capital = after[:1].isupper()
    starts = is_capital and bare(after).lower().partition("'")[0] in STARTERS
    if len(marks) > 1:
        return is_capital
    before = text[max(begin, end.start() - _LONGEST_TOKEN) : end.start()].split()
    word = before[-1].lstrip(_OPENING) if before and not text[end.start() - 1].isspace() else ""
    if word.isdecimal():
        return not after[:1].islower()
    if len(word) == 1 and word.isalpha():
        return starts if word.isupper() else is_capital
    word = word.lower()
    if word in _POSTSCRIPTS:
        return True
    return starts if "." in word.strip(".") or word in ABBREVIATIONS else True


def tokens(text: str) -> list[str]:
    """Words and marks apart, as in the Penn Treebank: ``"It's 3.5%!"`` is ``" It 's 3.5 % ! "``."""
    return [token for sentence in _sentences(text) for token in _tokens(sentence)]


def _tokens(sentence: str) -> Iterator[str]:
    chunks = sentence.split()
    for number, chunk in enumerate(chunks, 1):
        ends = number == len(chunks)
        word = chunk.rstrip(_CLOSING) if ends else chunk
        pieces = [piece for piece in _SEPARATE.split(word) if piece]
        for piece in pieces[:-1]:
            yield from _apart(piece, is_last=False)
        yield from _apart(pieces[-1], is_last=ends) if pieces else ()
        yield from chunk[len(word) :]


def _apart(piece: str, is_last: bool) -> Iterator[str]:
    if len(piece) == 1 or _SEPARATE.fullmatch(piece):
        yield piece
        return
    period = is_last and piece.endswith(".")
    word = piece[:-1] if period else piece
    quote = word.endswith("'")
    word = word[:-1] if quote else word
    clitic = _CLITIC.search(word, max(0, len(word) - 3))
    cut = clitic.start() if clitic else _TWO_IN_ONE.get(word.lower(), len(word))
    yield from (part for part in (word[:cut], word[cut:], "'" * quote, "." * period) if part)
