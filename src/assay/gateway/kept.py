"""The table of what is kept for a client's next turn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from assay.store.database import Database
from assay.store.sql import Sql

_AT_ONCE = 64

UPSERT_KEPT = Sql("""
    INSERT INTO gateway_kept (id, key_id, value, kept_until) VALUES (:id, :key_id, :value, :kept_until)
    ON CONFLICT (id) DO UPDATE SET value = excluded.value, kept_until = excluded.kept_until
    WHERE gateway_kept.key_id = excluded.key_id
""")
SELECT_KEPT = Sql(
    "SELECT id, key_id, value FROM gateway_kept WHERE id IN ("  # noqa: S608 - a constant
    + ", ".join(f":id_{i}" for i in range(_AT_ONCE))
    + ")"
)
DELETE_EXPIRED = Sql("DELETE FROM gateway_kept WHERE kept_until <= :now")


async def save_kept(db: Database, rows: Iterable[tuple[str, str | None, str]], *, kept_until: int) -> None:
    """Write (id, gateway key, value) rows."""
    batch = [{"id": id, "key_id": key, "value": value, "kept_until": kept_until} for id, key, value in rows]
    await db.write([(UPSERT_KEPT, batch)])


async def load_kept(db: Database, key: str | None, ids: Sequence[str]) -> dict[str, str]:
    """What is kept for ``key`` under ``ids``."""
    found: dict[str, str] = {}
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        named = {f"id_{i}": some[i] if i < len(some) else "" for i in range(_AT_ONCE)}
        rows = await db.read(SELECT_KEPT, **named)
        found.update({row["id"]: row["value"] for row in rows if row["key_id"] == key})
    return found


async def drop_expired(db: Database, now: int) -> None:
    """Delete what was to be kept until ``now`` (microseconds UTC)."""
    await db.write([(DELETE_EXPIRED, {"now": now})])
