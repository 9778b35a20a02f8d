"""Read a judge's verdict out of its words, or say that there is none. Nothing is guessed.

The verdict is the last line that holds anything, and nothing else on it: a verdict quoted further up is none, nor is one with
words around it. Bold, code marks and a full stop around it are passed over, as is the case of letters.
"""

from __future__ import annotations

import re

from assay.core import Choice
from assay.judge.visible import visible

_CHOICES: dict[str, Choice] = {"A": "a", "B": "b", "TIE": "tie", "BOTH BAD": "both_bad"}
_DECORATION = r"[\s*_`#>]*+"
_VERDICT = re.compile(
    rf"{_DECORATION}VERDICT{_DECORATION}[:：]{_DECORATION}(A|B|TIE|BOTH[ _]BAD){_DECORATION}\.?{_DECORATION}", re.I | re.A
)
_NOTHING = re.compile(_DECORATION)
_REASON_CHARS = 4_000


def read_verdict(said: str) -> tuple[Choice | None, str]:
    """The choice, None where there is none, and the words before it (all of them where there is none)."""
    lines = said.split("\n")
    while lines and _NOTHING.fullmatch(lines[-1]):
        lines.pop()
    found = _VERDICT.fullmatch(lines[-1]) if lines else None
    if found is None:
        return None, _bounded(said)
    return _CHOICES[found[1].upper().replace("_", " ")], _bounded("\n".join(lines[:-1]))


def _bounded(reason: str) -> str:
    reason = visible(reason.strip())
    return reason if len(reason) <= _REASON_CHARS else f"{reason[:_REASON_CHARS]} …"
