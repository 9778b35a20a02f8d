"""Blocks of code in Markdown, as models write it: fences of any length, indented, quoted, or left open at the end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_OPEN = re.compile(r"(?P<indent>[ \t]*+(?:> ?|[-*+] |\d+[.)] )*[ \t]*)(?P<fence>`{3,}+|~{3,}+)(?P<label>[^`]*+)$")
_ONE_LINE = re.compile(
    r"[ \t]*+(`{3,}+)(?:[ \t]*+(?P<label>python3?|py)(?=[ \t]++[^`\s]))?[ \t]++(?P<code>[^`]++)\1[ \t]*+$", re.IGNORECASE
)
_PYTHON = re.compile(r"[{.\s]*(?:python|py|ipython|cpython|pycon|sage|code)?[\d.]*(?:[\s,:{}].*)?$", re.IGNORECASE)

_LABEL_CHARS = 200


class Block(NamedTuple):
    """What stands between two fences, and the label after the first."""

    code: str
    label: str = ""
    is_closed: bool = True

    @property
    def is_python(self) -> bool:
        """Whether the label says so, or says nothing."""
        return _PYTHON.match(self.label[:_LABEL_CHARS]) is not None


def blocks_in(text: str) -> Iterator[Block]:
    """The blocks in their order. One that is never closed ends with the text."""
    lines = iter(text.replace("\r\n", "\n").split("\n"))
    for line in lines:
        if found := _ONE_LINE.match(line):
            yield Block(found["code"].rstrip(" \t"), found["label"] or "")
        elif found := _OPEN.match(line):
            yield _read(lines, found["label"].strip(" \t"), found["fence"], found["indent"])


def _read(lines: Iterator[str], label: str, fence: str, indent: str) -> Block:
    close = re.compile(rf"[ \t>]*{re.escape(fence[0])}{{{len(fence)},}}[ \t]*$")
    quote = indent.count(">")
    width = len(indent.expandtabs(4)) - quote * 2
    code: list[str] = []
    for line in lines:
        if close.match(line):
            return Block("\n".join(code), label)
        unquoted = re.sub(rf"^[ \t]*(?:> ?){{{quote}}}", "", line) if quote else line
        code.append(_without_indent(unquoted, width))
    return Block("\n".join(code), label, is_closed=False)


def _without_indent(line: str, width: int) -> str:
    """Up to ``width`` columns of the spaces before a line taken away: an indented fence indents what is in it."""
    taken = 0
    while taken < width and line[:1] in (" ", "\t"):
        taken += 4 if line[0] == "\t" else 1
        line = line[1:]
    return line
