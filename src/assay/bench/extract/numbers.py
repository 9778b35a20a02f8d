"""The number that an answer gives, in this order: the last that is boxed, that follows a mark of a final answer, and at last, if the
answer is whole, the last of all. How numbers are written is the business of `assay.judge.numbers`.

After a mark the first number counts, since units and explanations follow (``the answer is 18 dollars for 7 days``), unless the sentence
computes (``the answer is 16 - 7 = 9``): then what follows the last ``=``.
"""

from __future__ import annotations

from assay.bench.extract.boxed import boxes
from assay.bench.extract.marked import marked
from assay.judge.numbers import first_number, last_number

VERSION = 1


def find_number(text: str, whole: bool = True) -> float | None:
    """The number that ``text`` answers with. ``whole``: it was not cut off."""
    for boxed in reversed(boxes(text)):
        if (number := last_number(boxed)) is not None:
            return number
    for segment in reversed(marked(text)):
        if (number := _of_segment(segment)) is not None:
            return number
    return last_number(text) if whole else None


def _of_segment(segment: str) -> float | None:
    before, equals, after = segment.rpartition("=")
    if equals and (number := first_number(after)) is not None:
        return number
    return first_number(before or after)
