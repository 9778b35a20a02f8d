"""What budgets, rates and places at a time have in common."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias


class Meter(Protocol):
    """Something of which a request takes a part. None of it waits."""

    def has(self, need: int, at_us: int, now_s: float) -> bool:
        """Whether so much can be set aside, at a time of the steady clock (microseconds UTC, seconds)."""
        ...


Need: TypeAlias = tuple[Any, int]
"""A `Meter`, and how much of it."""


class Rate(Meter, Protocol):
    """So much in any minute. There is ``room`` for this much, at least."""

    room: int

    def take(self, need: int, now_s: float) -> Any:
        """Let so much in; by what it gives back, `settle` knows it again."""
        ...

    def settle(self, need: int, mark: Any, tokens: int) -> None:
        """What was let in turned out to be ``tokens``."""
        ...
