"""The audit log in the API."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.requests import Request

from assay.api import Endpoint
from assay.core import iso
from assay.store import Database
from assay.store.audit import Entry, list_entries


class ShownEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One change. ``actor`` is an account's id; "admin" for whoever runs this server and came by a link or a password, "local" for
    the command line there, empty for nobody who got in. ``detail`` has the fields that came, null where the value is not kept."""

    id: str
    at: str
    actor: str
    actor_name: str
    address: str | None
    action: str
    target: str
    detail: dict[str, Any]


class AuditPage(msgspec.Struct, frozen=True):
    """Some entries, newest first; ``next`` is the ``before`` of the page after this one."""

    entries: list[ShownEntry]
    next: str | None


class Audited(msgspec.Struct, frozen=True):
    """Which entries: at most ``limit``, those before the entry ``before``, those of one actor and one action."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50
    before: str | None = None
    actor: str | None = None
    action: str | None = None


def audit_routes(db: Database) -> list[Endpoint]:
    """The routes."""

    async def show(request: Request, query: Audited) -> AuditPage:
        """Who changed what, newest first."""
        found = await list_entries(db, query.limit, before=query.before, actor=query.actor, action=query.action)
        return AuditPage([_shown(entry) for entry in found], found[-1].id if len(found) == query.limit else None)

    return [Endpoint("GET", "/api/v1/audit", show, role="admin")]


def _shown(entry: Entry) -> ShownEntry:
    return ShownEntry(**msgspec.structs.asdict(entry) | {"at": iso(entry.at), "detail": dict(entry.detail)})
