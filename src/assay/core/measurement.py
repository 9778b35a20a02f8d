"""One published number, with everything needed to doubt it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Measurement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``value`` of ``metric`` for ``subject``. None needs a ``reason``; an estimate needs ``n``, ``low`` and ``high``.

    ``source`` says whether it was ``measured`` here or ``claimed`` elsewhere (then ``link`` is where). ``rows`` links to the
    records behind it. ``conditions`` names what it was measured under, ``method`` how; ``at`` is microseconds UTC.
    """

    kind: Literal["estimate", "count", "fact"]
    subject: str
    metric: str
    at: int
    method: str
    source: Literal["measured", "claimed"]
    value: float | int | str | None = None
    reason: str | None = None
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    conditions: dict[str, Any] = {}
    rows: str | None = None
    link: str | None = None
