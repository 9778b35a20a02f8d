"""Answers cut into pieces, and the pace at which the pieces leave.

Pieces are what the practice contestants count as tokens: a word with the space before it, a run of digits, one Chinese
character, or one other sign. The pace is the same for every contestant, so that it tells nobody which one is speaking.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import msgspec

_PIECE = re.compile(r"\s?[^\W\d_\u3400-\u9fff]{1,24}|\s?\d{1,3}|\s?[\u3400-\u9fff]|\s{1,8}|[^\w\s]{1,3}|.", re.DOTALL)


def pieces_of(text: str) -> list[str]:
    """``text`` in order, nothing added and nothing lost."""
    return _PIECE.findall(text)


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast pieces leave: ``pieces_per_s``, after ``first_s`` seconds, each with a jitter that depends only on the answer.

    ``pieces_per_s=None`` sends everything at once.
    """

    pieces_per_s: float | None = 60.0
    first_s: float = 0.35

    def waits(self, answer: str) -> Iterator[float]:
        """Seconds to wait before each piece of ``answer``, without end; equal answers wait alike."""
        if self.pieces_per_s is None:
            while True:
                yield 0.0
        jitter = hashlib.sha256(answer.encode("utf-8", "surrogatepass")).digest()
        yield self.first_s * (0.75 + jitter[0] / 512)
        place = 0
        while True:
            place = (place + 1) % len(jitter)
            yield (0.6 + 0.8 * jitter[place] / 255) / self.pieces_per_s
