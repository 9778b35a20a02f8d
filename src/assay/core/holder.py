"""Who uses models here, and how much they may: keys belong to users, users to teams, and each may have bounds of its own."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

HolderKind: TypeAlias = Literal["key", "user", "team", "provider"]
Measure: TypeAlias = Literal["money", "tokens", "requests"]
Per: TypeAlias = Literal["hour", "day", "week", "month", "total"]
"""A budget's window: of the calendar, in UTC; a week begins on Monday. ``total`` never begins anew."""
AccountRole: TypeAlias = Literal["viewer", "member", "admin"]
"""A viewer sees numbers; a member also asks models, votes and starts challenges; an admin also changes what everybody uses."""

_Bound: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=(1 << 62) - 1)]
"""What is leased of it stands in a database's integers, in one transaction with what others lease."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How much at a time: in any 60 seconds, and at once. None: no bound."""

    requests_per_minute: _Bound | None = None
    tokens_per_minute: _Bound | None = None
    concurrent: _Bound | None = None


class Scopes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a key is good for; an empty list allows all.

    ``models`` are names as clients ask for them, ``*`` standing for anything; ``protocols`` those of the clients; ``addresses``
    networks such as ``10.0.0.0/8`` that requests must come from.
    """

    models: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


class Holder(msgspec.Struct, frozen=True):
    """Somebody or something that a budget or a limit can be for."""

    kind: HolderKind
    id: str
    name: str = ""
    limits: Limits = Limits()


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, as the data plane knows them: a key, whose it is, what it is good for, and all that its use counts against.

    ``expires`` in microseconds UTC. ``holders`` are the key, its user and its team, as far as there are any.
    """

    key: str
    user: str | None = None
    team: str | None = None
    scopes: Scopes = Scopes()
    expires: int | None = None
    holders: tuple[Holder, ...] = ()


LOCAL = Asker(key="local")
"""Whoever came through the socket that only this user can open."""
