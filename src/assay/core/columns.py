"""Text in columns: how wide it is, and what of it is harmless to show.

Widths are those of a terminal with a fixed pitch; Markdown tables are lined up by the same measure.
"""

from __future__ import annotations

import unicodedata


def width(text: str) -> int:
    """How many terminal columns ``text`` takes: two for a wide East Asian letter (UAX 11), none for a mark or a joiner."""
    return sum(0 if unicodedata.category(c) in _NO_WIDTH else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def padded(text: str, size: int, *, to_right: bool = False) -> str:
    """``text`` in ``size`` columns."""
    space = " " * (size - width(text))
    return space + text if to_right else text + space


def shortened(text: str, size: int) -> str:
    """``text`` in at most ``size`` columns: what is cut off its end is replaced by an ellipsis."""
    if width(text) <= size:
        return text
    kept, used = [], 1
    for letter in text:
        used += width(letter)
        if used > size:
            break
        kept.append(letter)
    return "".join(kept) + "…"


def wrapped(text: str, size: int) -> list[str]:
    """``text`` as lines of at most ``size`` columns, broken at spaces. A word that fits on no line is broken where it has to be,
    and so is one with wide letters, which East Asian scripts write without spaces."""
    lines, line = [], ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if width(joined) <= size:
            line = joined
            continue
        if width(word) <= size and width(word) == len(word):
            lines.append(line)
            line = word
            continue
        for letter in f" {word}" if line else word:
            if width(line + letter) > size:
                lines.append(line.rstrip())
                line = ""
            line += letter
    return [*lines, line] if line else lines


def pieces(line: str, size: int) -> list[str]:
    """``line`` cut wherever ``size`` columns are full, its spaces kept; one empty piece where there is nothing in it."""
    cut, used = [""], 0
    for letter in line:
        wide = width(letter)
        if used + wide > size:
            cut.append("")
            used = 0
        cut[-1] += letter
        used += wide
    return cut


def printable(text: str) -> str:
    """``text`` without control characters: what a model or a provider wrote must not drive the terminal.

    The two joiners stay: emoji, Persian and the scripts of India are written with them.
    """
    return "".join(c if c in _HARMLESS or unicodedata.category(c) not in _CONTROLS else "�" for c in text)


_HARMLESS = "\n\t\u200c\u200d"
_CONTROLS = frozenset({"Cc", "Cf", "Co", "Cs"})
_NO_WIDTH = frozenset({"Mn", "Me", "Cf"})
