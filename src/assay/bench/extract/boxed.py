r"""What stands in ``\boxed{...}`` (also ``\fbox{...}``, and ``\boxed 5`` without braces), with braces inside in balance."""

from __future__ import annotations

import re

VERSION = 1
_BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])\s*(?=[{\w])")
_WORD = re.compile(r"[\w.]+")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_CHARS = 4_000
"""No answer is longer; what never closes its brace is none."""


def boxes(text: str) -> list[str]:
    """The contents of all boxes, in the order in which they open. A box in a box is part of the outer one."""
    found: list[str] = []
    ends = _ends(text) if _BOX.search(text) else {}
    after = 0
    for box in _BOX.finditer(text):
        if box.start() < after:
            continue
        if text.startswith("{", box.end()):
            end = ends.get(box.end(), -1)
            inside = text[box.end() + 1 : end]
            after = end + 1
        else:
            word = _WORD.match(text, box.end())
            inside = word[0] if word else ""
            end = after = box.end() + len(inside)
        if 0 <= end <= box.end() + _CHARS:
            found.append(inside.strip())
    return found


def last_box(text: str) -> str | None:
    """What the last box holds; None where there is none, or it is empty."""
    found = boxes(text)
    return found[-1] or None if found else None


def _ends(text: str) -> dict[int, int]:
    """Where each brace that opens is closed. What is escaped is no brace."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for brace in _BRACE.finditer(text):
        if brace[0] == "{":
            opened.append(brace.start())
        elif brace[0] == "}" and opened:
            ends[opened.pop()] = brace.start()
    return ends
