"""Who changed what, and when; never a secret. Rows are only ever added: the database itself refuses anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from assay.core.ids import new_id, now_us
from assay.store.database import Database, Row
from assay.store.sql import Sql

INSERT_ENTRY = Sql("""
    INSERT INTO audit (id, at, actor, actor_name, address, action, target, detail)
    VALUES (:id, :at, :actor, :actor_name, :address, :action, :target, :detail)
""")
SELECT_ENTRIES = Sql("""
    SELECT id, at, actor, actor_name, address, action, target, detail FROM audit
    WHERE (CAST(:before AS TEXT) IS NULL OR id < :before) AND (CAST(:actor AS TEXT) IS NULL OR actor = :actor)
      AND (CAST(:action AS TEXT) IS NULL OR action = :action)
    ORDER BY id DESC LIMIT :limit
""")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One change: by whom (an account's id, or the way that an admin came), from which address, of what."""

    id: str
    at: int
    actor: str
    actor_name: str
    address: str | None
    action: str
    target: str
    detail: Mapping[str, Any]


async def append_entry(
    db: Database,
    *,
    actor: str,
    actor_name: str,
    address: str | None,
    action: str,
    target: str,
    detail: Mapping[str, Any],
) -> None:
    """Put one change on record; returns after the commit."""
    row = {
        "id": new_id(),
        "at": now_us(),
        "actor": actor,
        "actor_name": actor_name,
        "address": address,
        "action": action,
        "target": _storable(target),
        "detail": _storable(msgspec.json.encode(detail).decode()) if detail else None,
    }
    await db.write([(INSERT_ENTRY, row)])


async def list_entries(
    db: Database, limit: int, *, before: str | None = None, actor: str | None = None, action: str | None = None
) -> list[Entry]:
    """The newest first, before the entry ``before``; of one actor and one action, where they are given."""
    return [_entry(row) for row in await db.read(SELECT_ENTRIES, limit=limit, before=before, actor=actor, action=action)]


def _storable(text: str) -> str:
    """No database holds a NUL or half a character."""
    return text.replace("\0", "␀").encode("utf-8", "replace").decode()


def _entry(row: Row) -> Entry:
    return Entry(
        id=row["id"],
        at=row["at"],
        actor=row["actor"],
        actor_name=row["actor_name"],
        address=row["address"],
        action=row["action"],
        target=row["target"],
        detail={} if row["detail"] is None else msgspec.json.decode(row["detail"]),
    )
