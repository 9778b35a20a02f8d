"""Names that clients may ask for, as they are kept in the database."""

from __future__ import annotations

import msgspec

from assay.core.alias import Alias
from assay.core.ids import now_us
from assay.store.database import Database
from assay.store.sql import Sql

SELECT_ALIASES = Sql("SELECT name, body FROM aliases ORDER BY name")
UPSERT_ALIAS = Sql("""
    INSERT INTO aliases (name, body, at) VALUES (:name, :body, :at)
    ON CONFLICT (name) DO UPDATE SET body = excluded.body, at = excluded.at
""")
DELETE_ALIAS = Sql("DELETE FROM aliases WHERE name = :name")

_alias = msgspec.json.Decoder(Alias)


async def load_aliases(db: Database) -> dict[str, Alias]:
    """All of them, by name."""
    return {row["name"]: _alias.decode(row["body"]) for row in await db.read(SELECT_ALIASES)}


async def save_alias(db: Database, name: str, alias: Alias) -> None:
    """Store one, in place of an older one of its name."""
    await db.write([(UPSERT_ALIAS, {"name": name, "body": msgspec.json.encode(alias).decode(), "at": now_us()})])


async def delete_alias(db: Database, name: str) -> None:
    """Forget one."""
    await db.write([(DELETE_ALIAS, {"name": name})])
