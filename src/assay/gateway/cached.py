"""The table of answers that may be given again."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from assay.store.database import Database, Write
from assay.store.sql import Sql

UPSERT_CACHED = Sql("""
    INSERT INTO gateway_cache (key, call, deployment, protocol, value, size, at, kept_until)
    VALUES (:key, :call, :deployment, :protocol, :value, :size, :at, :kept_until)
    ON CONFLICT (key) DO UPDATE SET call = excluded.call, deployment = excluded.deployment, protocol = excluded.protocol,
      value = excluded.value, size = excluded.size, at = excluded.at, kept_until = excluded.kept_until
""")
SELECT_CACHED = Sql("SELECT * FROM gateway_cache WHERE key = :key AND at >= :since AND kept_until > :now")
DELETE_EXPIRED = Sql("DELETE FROM gateway_cache WHERE kept_until <= :now")
# The newest stay, as many as fit: everything up to the first that does not goes, by age and, within a microsecond, by key.
DELETE_OLDEST = Sql("""
    DELETE FROM gateway_cache WHERE key IN (
        SELECT key FROM (SELECT key, SUM(size) OVER (ORDER BY at DESC, key DESC) AS together FROM gateway_cache) AS newest
        WHERE together > :most
    )
""")


class Repeatable(msgspec.Struct, frozen=True):
    """That an answer may be given again for so many ``seconds``, to whoever asks for it by its ``name``."""

    name: str
    seconds: int


class CachedRow(msgspec.Struct, frozen=True):
    """An answer under the hash of what was asked, the id of the call that it is of, and the protocol that its events came in."""

    key: str
    call: str
    deployment: str
    protocol: str
    value: bytes
    size: int
    at: int
    kept_until: int


def write_cached(rows: Sequence[CachedRow]) -> list[Write]:
    """What keeps ``rows``, each in place of an older answer to the same. In one order, so that writers never deadlock."""
    by_key = {row.key: row for row in rows}
    return [(UPSERT_CACHED, [msgspec.structs.asdict(by_key[key]) for key in sorted(by_key)])] if by_key else []


async def find_cached(db: Database, key: str, *, since: int, now: int) -> CachedRow | None:
    """The answer that was kept under ``key`` no earlier than ``since`` and is good ``now`` (microseconds UTC)."""
    rows = await db.read(SELECT_CACHED, key=key, since=since, now=now)
    if not rows:
        return None
    told = {name: rows[0][name] for name in CachedRow.__struct_fields__}
    return CachedRow(**told | {"value": bytes(told["value"])})


async def drop_cached(db: Database, now: int) -> None:
    """Delete what was good until ``now`` (microseconds UTC)."""
    await db.write([(DELETE_EXPIRED, {"now": now})])


async def shrink_cached(db: Database, most: int) -> None:
    """Delete the oldest until at most ``most`` bytes are left."""
    await db.write([(DELETE_OLDEST, {"most": most})])
