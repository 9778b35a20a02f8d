"""Content that is words and nothing else, which most of it is."""

from __future__ import annotations

from collections.abc import Sequence

from assay.core import Part, Text


def only_words(parts: Sequence[Part]) -> str | None:
    """The text, where ``parts`` are one, without sources, marks or fields of a protocol; else None."""
    if len(parts) != 1:
        return None
    part = parts[0]
    return part.text if type(part) is Text and not (part.extra or part.citations or part.cache) else None
