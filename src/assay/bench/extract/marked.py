"""The words after which people and models put their final answer, in English and Chinese: ``#### 42``, ``Final answer: 42``, ``the
answer is 42``, ``答案是 42``."""

from __future__ import annotations

import re

VERSION = 1

_FENCE_MARKS = r"[*_`\s]*"
_MARK = re.compile(
    rf"(?:^|\n)[ \t]*#{{4}}{_FENCE_MARKS}"
    rf"|\b(?:final|correct|right|best|my|the)?\s*(?:answer|choice|option)\b{_FENCE_MARKS}"
    rf"(?:(?:is|are|was|would\s+be|should\s+be|must\s+be)\b{_FENCE_MARKS}(?:therefore|thus|then|simply)?\s*[:：]?|[:：=])"
    rf"|(?:最终|最後|最后|正确|正確)?(?:答案|选项|選項|答){_FENCE_MARKS}(?:应该|應該|应|應)?(?:是|为|為|选|選|[:：])\s*[:：]?",
    re.IGNORECASE,
)
_HEADING = re.compile(rf"(?:^|\n)[ \t]*(?:#{{1,6}}[ \t]*|\*\*)?(?:final\s+)?answer{_FENCE_MARKS}\n+", re.IGNORECASE)
_END = re.compile(r"\n|(?<=[.!?])\s+(?=[A-Z(])|[。！？]")
_CHARS = 600
_MARKS = 50
_LEADING = "*_`: ：\t\n"


def marked(text: str) -> list[str]:
    """What follows each of the last such marks, up to the end of its sentence or line, in the order of the text."""
    found = sorted({match.end() for pattern in (_MARK, _HEADING) for match in pattern.finditer(text)})[-_MARKS:]
    return [segment for start in found if (segment := _sentence(text, start))]


def _sentence(text: str, start: int) -> str:
    rest = text[start : start + _CHARS].lstrip(_LEADING)
    end = _END.search(rest)
    return (rest[: end.start()] if end else rest).strip()
