"""Gateway keys in the API: who may ask models, for what, from where and until when.

A member sees all keys and manages their own; an admin manages all. Each change is effective at once.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request

from assay.api import Actor, Endpoint, signed_in
from assay.core import Forbidden, InvalidInput, Limits, Scopes, iso, now_us
from assay.gateway.control.shown import ShownLimits, ShownScopes, show_limits
from assay.gateway.gateway import Gateway
from assay.store import keys, teams, users
from assay.store.keys import KeyRow

LONGEST_OVERLAP_S = 90 * 24 * 3600
_TELLS = ("name", "user", "team", "scopes", "limits", "expires", "overlap_s")


class ShownKey(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a gateway key without knowing the key; ``hint`` is its last four characters.

    ``team`` is the key's own, ``team_name`` that of its team or else of its user's. ``old_until``: how long the secret that it had
    before it was rotated is good.
    """

    id: str
    name: str
    hint: str
    created: str
    last_used: str | None
    revoked: str | None
    expires: str | None
    old_until: str | None
    user: str | None
    user_name: str | None
    team: str | None
    team_name: str | None
    scopes: ShownScopes
    limits: ShownLimits


class MadeKey(ShownKey, frozen=True, kw_only=True):
    """A new gateway key, or an old one's new secret, with the key itself: here and never again."""

    key: str


class KeyList(msgspec.Struct, frozen=True):
    """All gateway keys, the revoked ones too."""

    keys: list[ShownKey]


class NewKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who or what will use the key, and what it is good for. ``expires`` is ISO 8601 with its offset from UTC.

    ``key``: one that its holders have already, from another gateway; only an admin may bring such along.
    """

    name: str
    key: str | None = None
    user: str | None = None
    team: str | None = None
    scopes: Scopes = Scopes()
    limits: Limits = Limits()
    expires: str | None = None


class KeyChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change of a key; null takes it away."""

    name: str | UnsetType = UNSET
    user: str | UnsetType | None = UNSET
    team: str | UnsetType | None = UNSET
    scopes: Scopes | UnsetType | None = UNSET
    limits: Limits | UnsetType | None = UNSET
    expires: str | UnsetType | None = UNSET


class KeyRotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many seconds the secret that a key has now stays good beside the new one."""

    overlap_s: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_OVERLAP_S)] = 24 * 3600


class _Keys:
    """The handlers."""

    def __init__(self, gateway: Gateway):
        self._gateway = gateway

    async def list_keys(self, request: Request) -> KeyList:
        """Gateway keys, without the keys."""
        return KeyList([show_key(row) for row in await keys.list_keys(self._gateway.db)])

    async def create(self, request: Request, body: NewKey) -> MadeKey:
        """Make a gateway key, which is in this answer and in no other. A member's are their own."""
        gateway, actor = self._gateway, signed_in(request)
        user = body.user if actor.is_admin else body.user or actor.user
        if not actor.is_admin and (user != actor.user or body.team not in {None, actor.team}):
            raise _not_yours()
        await self._check_owners(user, body.team)
        facts = {"user": user, "team": body.team, "scopes": body.scopes, "limits": body.limits, "expires": read_end(body.expires)}
        if body.key is not None and not actor.is_admin:
            raise Forbidden("key.not_yours", "Only an admin may bring keys along.", hint="Ask an admin, or let a new one be made.")
        row, key = await keys.create_key(gateway.db, gateway.vault, body.name, brought=body.key, **facts)
        await gateway.changed()
        return _show_made(row, key)

    async def change(self, request: Request, body: KeyChanges) -> ShownKey:
        """Change a key's name, owners, scopes, limits or end."""
        gateway, actor = self._gateway, signed_in(request)
        row = await self._own(actor, request)
        changes: dict[str, Any] = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET}
        if not actor.is_admin and changes.keys() & {"user", "team"}:
            raise _not_yours()
        await self._check_owners(changes.get("user"), changes.get("team"))
        if "expires" in changes:
            changes["expires"] = read_end(changes["expires"])
        for name, nothing in (("scopes", Scopes()), ("limits", Limits())):
            if name in changes:
                changes[name] = changes[name] or nothing
        changed = await keys.change_key(gateway.db, row.id, **changes)
        await gateway.changed()
        return show_key(changed)

    async def rotate(self, request: Request, body: KeyRotation) -> MadeKey:
        """Give a key a new secret, which is in this answer and in no other."""
        gateway = self._gateway
        row = await self._own(signed_in(request), request)
        rotated, key = await keys.rotate_key(gateway.db, gateway.vault, row.id, body.overlap_s)
        await gateway.changed()
        return _show_made(rotated, key)

    async def revoke(self, request: Request) -> ShownKey:
        """Revoke a gateway key, for good."""
        row = await self._own(signed_in(request), request)
        revoked = await keys.revoke_key(self._gateway.db, row.id)
        await self._gateway.changed()
        return show_key(revoked)

    async def _own(self, actor: Actor, request: Request) -> KeyRow:
        """The key that the path names, if whoever asks may change it."""
        row = await keys.get_key(self._gateway.db, request.path_params["id"])
        if not actor.is_admin and row.user != actor.user:
            raise _not_yours()
        return row

    async def _check_owners(self, user: str | None, team: str | None) -> None:
        if user is not None:
            await users.get_user(self._gateway.db, user)
        if team is not None:
            await teams.get_team(self._gateway.db, team)


def key_routes(gateway: Gateway) -> list[Endpoint]:
    """The routes."""
    plane = _Keys(gateway)
    return [
        Endpoint("GET", "/api/v1/keys", plane.list_keys),
        Endpoint("POST", "/api/v1/keys", plane.create, status=HTTPStatus.CREATED, tells=_TELLS),
        Endpoint("PATCH", "/api/v1/keys/{id}", plane.change, tells=_TELLS),
        Endpoint("POST", "/api/v1/keys/{id}/rotate", plane.rotate, tells=_TELLS),
        Endpoint("DELETE", "/api/v1/keys/{id}", plane.revoke),
    ]


def show_key(row: KeyRow) -> ShownKey:
    """One gateway key."""
    return ShownKey(**_facts(row))


def _show_made(row: KeyRow, key: str) -> MadeKey:
    return MadeKey(key=key, **_facts(row))


def _facts(row: KeyRow) -> dict[str, Any]:
    times = ("created", "last_used", "revoked", "expires", "old_until")
    facts = msgspec.structs.asdict(row)
    if row.old_until is not None and row.old_until <= now_us():
        facts["old_until"] = None
    shown = {name: None if facts[name] is None else iso(facts[name]) for name in times}
    return facts | shown | {"scopes": ShownScopes(**msgspec.structs.asdict(row.scopes)), "limits": show_limits(row.limits)}


def read_end(text: str | None) -> int | None:
    """Microseconds UTC of when a key ends.

    Raises:
        InvalidInput: ``key.bad_expiry``: no time, one without an offset from UTC, or one that is over.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        at = int(moment.timestamp() * 1_000_000) if moment.tzinfo is not None else 0
    except (ValueError, OverflowError):
        at = 0
    if at <= now_us():
        raise InvalidInput(
            "key.bad_expiry",
            f"A key cannot end at {text[:64]!r}.",
            hint="Write a time to come with its offset from UTC, such as 2027-01-31T00:00:00Z.",
            param="expires",
        )
    return at


def _not_yours() -> Forbidden:
    return Forbidden(
        "key.not_yours",
        "A member makes and changes keys of their own only, for themselves and their own team.",
        hint="Ask an admin, who can also change whose a key is.",
    )
