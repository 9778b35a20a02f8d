"""The letter that an answer chooses, in this order: the last that is boxed, the last after a mark of a final answer, the whole of the
answer or of its last line, and at last, if the answer is whole, an option's own words as the last line.

Small letters count only where nothing but a letter can be meant (``(b)``, ``**b**``, a whole line), since ``a`` is a word. Several
letters in one place are none: they are no choice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assay.bench.extract.boxed import boxes
from assay.bench.extract.marked import marked

VERSION = 1
_TEXT_COMMAND = re.compile(r"\\(?:textbf|text|mathrm|mathbf|mathit|rm|bf)\s*\{?")
_AROUND = " \t\n*_`$\"'“”‘’()[]{}（）【】<>.:：,，;。"
_FIRST = re.compile(
    r"(?:(?:option|choice|answer|选项|選項)\s*)?[*_`$\"'“‘]*[(\[（【{]?\s*([A-Z])\s*[)\]）】}]?(?![A-Za-z'’])", re.IGNORECASE
)
_BRACED = re.compile(r"[*_`\"'“‘]*(?:[(\[（【{]\s*[A-Z]\s*[)\]）】}]|\*\*[A-Z]\*\*)", re.IGNORECASE)
_ALSO = re.compile(r"\s*[*_`)\]）】}]*\s*(?:,|and|or|&|/|、|和|或|及)\s*[*_`(\[（【{]*([A-Z])(?![A-Za-z'’])")


def letters_for(count: int) -> str:
    """The letters of so many options: ``ABCD`` for four."""
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:count]


def find_choice(text: str, options: Sequence[str], whole: bool = True) -> str | None:
    """The letter chosen among ``options`` (in the order of their letters). ``whole``: the answer was not cut off."""
    letters = letters_for(len(options))
    for boxed in reversed(boxes(text)):
        if (letter := _bare(_TEXT_COMMAND.sub("", boxed), letters)) or (letter := _first(_TEXT_COMMAND.sub("", boxed), letters)):
            return letter
    for segment in reversed(marked(text)):
        if letter := _first(_TEXT_COMMAND.sub("", segment), letters) or _worded(segment, options, letters):
            return letter
    if not whole:
        return None
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return None
    return (
        _bare(text, letters)
        or _bare(lines[-1], letters)
        or (_leading(lines[0], letters) if len(lines) == 1 else None)
        or _leading(lines[-1], letters)
        or _worded(lines[-1], options, letters)
    )


def _bare(text: str, letters: str) -> str | None:
    """A letter and nothing else."""
    letter = text.strip(_AROUND).upper()
    return letter if len(letter) == 1 and letter in letters else None


def _first(segment: str, letters: str) -> str | None:
    """The letter that a segment begins with."""
    found = _FIRST.match(segment)
    if not found or found[1].upper() not in letters:
        return None
    is_sure = found[1].isupper() or _BRACED.match(segment) or not segment[found.end() :].strip(_AROUND)
    also = _ALSO.match(segment, found.end())
    return found[1].upper() if is_sure and not (also and also[1] in letters) and not _is_article(segment, found) else None


def _is_article(segment: str, found: re.Match[str]) -> bool:
    """``A good choice``: a word, not a letter."""
    return found[0] == "A" and bool(re.match(r"\s+[a-z]", segment[found.end() :]))


def _leading(line: str, letters: str) -> str | None:
    """``C) because ...``: a line that begins with a letter in the dress of an option."""
    found = re.match(r"\s*[*_`]*[(\[（【]?([A-Z])[)\]）】.:：][*_`]*(?:\s|$)", line)
    return found[1] if found and found[1] in letters else None


def _worded(text: str, options: Sequence[str], letters: str) -> str | None:
    """The one option whose own words these are."""
    said = _plain(text)
    found = [letter for letter, option in zip(letters, options, strict=True) if said and said == _plain(option)]
    return found[0] if len(found) == 1 else None


def _plain(text: str) -> str:
    return " ".join(text.strip(_AROUND).casefold().split())
