"""The version of all that can be changed while Assay runs: another one means that something was changed."""

from __future__ import annotations

from assay.core.ids import new_id, now_us
from assay.store.database import Database
from assay.store.sql import Sql

_NAME = "gateway.version"

SELECT_VERSION = Sql("SELECT value FROM settings WHERE name = :name")
UPSERT_VERSION = Sql("""
    INSERT INTO settings (name, value, at) VALUES (:name, :value, :at)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at
""")


async def load_version(db: Database) -> str:
    """The version; empty where nothing was ever changed."""
    rows = await db.read(SELECT_VERSION, name=_NAME)
    return str(rows[0]["value"]) if rows else ""


async def save_version(db: Database) -> str:
    """Make a new version."""
    row = version_row()
    await db.write([(UPSERT_VERSION, row)])
    return str(row["value"])


def version_row() -> dict[str, str | int]:
    """A new version, for who saves it together with what changed."""
    return {"name": _NAME, "value": f'"{new_id()}"', "at": now_us()}
