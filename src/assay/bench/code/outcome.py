"""What a judged program is worth."""

from __future__ import annotations

from assay.bench.code.examine import Examined
from assay.bench.outcome import Scored


def scored_as(examined: Examined, program: str) -> Scored:
    """Right or not at all; the parts that passed are told apart (``base``, ``plus``)."""
    return Scored(
        outcome=examined.fate,
        value=1.0 if examined.fate == "right" else 0.0,
        extracted=program,
        parts=examined.parts,
        detail=examined.detail,
    )
