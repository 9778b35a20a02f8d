"""Something that somebody should hear of though nobody asked."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

AlertKind: TypeAlias = Literal["budget.near", "budget.spent", "provider.down", "provider.up", "price.changed"]


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """``id`` is made of what it is about, so that several processes that notice the same say it once.

    ``at`` in microseconds UTC; ``subject`` is the budget, provider or deployment; ``text`` is for people, ``detail`` for machines.
    """

    id: str
    kind: AlertKind
    at: int
    subject: str
    text: str
    detail: dict[str, str | int | float | None] = {}
