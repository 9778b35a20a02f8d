"""The arguments of instructions, as the data sets write them."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

Relation: TypeAlias = Literal["less than", "at least"]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
Place: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Percent: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=100)]
Phrase: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]
Phrases: TypeAlias = Annotated[list[Phrase], msgspec.Meta(min_length=1)]


def holds(number: int, relation: Relation, bound: int) -> bool:
    """Whether ``number`` is ``less than``, or ``at least``, ``bound``."""
    return number < bound if relation == "less than" else number >= bound
