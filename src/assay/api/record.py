"""What goes on record of a change: which one, to what, and which fields came. Whoever keeps the record puts a `Recording` on each
request, as ``request.state.record``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, TypeAlias

import msgspec
from starlette.requests import Request

_LONGEST_TARGET = 200


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """``action`` is the endpoint (``POST /keys/{id}/rotate``), ``target`` what the path or the answer names. ``detail`` has the
    fields of the body: the values of those that are no secrets, None for the others."""

    action: str
    target: str
    detail: Mapping[str, Any] = {}

    @classmethod
    def of(cls, method: str, path: str, params: Mapping[str, Any], body: object, answer: object, tells: Collection[str]) -> Change:
        """What an endpoint did."""
        target = "/".join(str(value) for value in params.values()) or str(getattr(answer, "id", getattr(answer, "name", "")))
        return cls(
            action=f"{method} {path.removeprefix('/api/v1')}",
            target=target[:_LONGEST_TARGET],
            detail={name: value if name in tells else None for name, value in _given(body)},
        )


Recording: TypeAlias = Callable[[Change], Awaitable[None]]


async def record(request: Request, change: Change) -> None:
    """Put a change on record; returns once it is."""
    recording: Recording | None = getattr(request.state, "record", None)
    if recording is not None:
        await recording(change)


def _given(body: object) -> list[tuple[str, Any]]:
    """The fields of a body that say something."""
    if not isinstance(body, msgspec.Struct):
        return []
    fields = [(field.name, getattr(body, field.name), field.default) for field in msgspec.structs.fields(body)]
    return [(name, value) for name, value, default in fields if value != default and value is not msgspec.UNSET]
