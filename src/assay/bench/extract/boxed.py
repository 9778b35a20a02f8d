r"""What stands in ``\boxed{...}`` (also ``\fbox{...}``, and ``\boxed 5`` without braces), with braces inside in balance."""

from __future__ import annotations

import re

VERSION = 1
_BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])\s*(?=[{\w])")
_CHARS = 4_000
"""No answer is longer; what never closes its brace is none."""


def boxes(text: str) -> list[str]:
    """The contents of all boxes, in the order in which they open. A box in a box is part of the outer one."""
    found: list[str] = []
    at = 0
    while box := _BOX.search(text, at):
        content = _braced(text, box.end()) if text.startswith("{", box.end()) else re.match(r"[\w.]+", text[box.end() :])
        if content is None:
            at = box.end()
            continue
        inside = content if isinstance(content, str) else content[0]
        found.append(inside.strip())
        at = box.end() + len(inside)
    return found


def last_box(text: str) -> str | None:
    """What the last box holds; None where there is none, or it is empty."""
    found = boxes(text)
    return found[-1] or None if found else None


def _braced(text: str, start: int) -> str | None:
    depth = 0
    at = start
    while at < min(len(text), start + _CHARS):
        if text[at] == "\\":
            at += 1
        elif text[at] in "{}":
            depth += 1 if text[at] == "{" else -1
            if depth == 0:
                return text[start + 1 : at]
        at += 1
    return None
