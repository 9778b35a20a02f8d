"""Bringing a database to the schema of this version, in steps that are never edited once released.

A package with a ``migrations/`` folder holds ``0001_name.sql``, ``0002_...``: one text for both databases. What only one of them
reads stands in a comment that names it: ``/*sqlite: ... */`` or ``/*postgresql: ... */``. All pending steps run in one transaction
under a lock, so that two servers may start at once and a step that fails leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files

import msgspec

from assay.core.errors import Unavailable
from assay.core.ids import now_us
from assay.store.database import Database, Dialect, Row, Transaction
from assay.store.sql import Sql

_LOCK = 0x61737361
"""The key of the advisory lock: "assa" in ASCII."""

TAKE_LOCK = Sql("SELECT 1", postgresql=f"SELECT pg_advisory_xact_lock({_LOCK})")
TABLE_EXISTS = Sql(
    sqlite="SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations'",
    postgresql="SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'migrations'",
)
CREATE_TABLE = """
CREATE TABLE migrations (
    package TEXT NOT NULL,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (package, name)
);
"""
SELECT_APPLIED = Sql("SELECT package, name, checksum FROM migrations")
INSERT_APPLIED = Sql("INSERT INTO migrations (package, name, checksum, at) VALUES (:package, :name, :checksum, :at)")

_ONLY = re.compile(r"/\*(sqlite|postgresql):(.*?)\*/", re.DOTALL)


class Migration(msgspec.Struct, frozen=True):
    """One step: ``name`` is its file's stem, ``text`` both dialects' SQL, ``checksum`` the SHA-256 of that."""

    package: str
    name: str
    text: str
    checksum: str

    def sql(self, dialect: Dialect) -> str:
        """The text as ``dialect`` reads it."""
        return _ONLY.sub(lambda found: found[2] if found[1] == dialect else "", self.text)


def load_migrations(package: str) -> list[Migration]:
    """The steps that ``package`` ships, in order; none where it has no ``migrations/``."""
    folder = files(package) / "migrations"
    if not folder.is_dir():
        return []
    steps = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    texts = [(entry.name.removesuffix(".sql"), entry.read_text(encoding="utf-8")) for entry in steps]
    return [Migration(package, name, text, hashlib.sha256(text.encode()).hexdigest()) for name, text in texts]


async def migrate(db: Database, *packages: str) -> list[str]:
    """Run what is pending, in the order of ``packages``; the names of what ran, such as ``assay.store/0001_shared``.

    Raises:
        Unavailable: ``store.newer_schema`` when a newer Assay has been here, ``store.changed_migration`` when a step that ran
            differs from the one shipped now. Nothing is changed then.
    """
    if not await pending(db, *packages):
        return []
    async with db.transaction() as tx:
        await tx.read(TAKE_LOCK)
        if not await tx.read(TABLE_EXISTS):
            await tx.script(CREATE_TABLE)
        todo = _compare(await tx.read(SELECT_APPLIED), packages)
        for step in todo:
            await _apply(tx, step)
    return [f"{step.package}/{step.name}" for step in todo]


async def pending(db: Database, *packages: str) -> list[str]:
    """The names of the steps that `migrate` would run now. Raises as `migrate` does."""
    applied = await db.read(SELECT_APPLIED) if await db.read(TABLE_EXISTS) else []
    return [f"{step.package}/{step.name}" for step in _compare(applied, packages)]


async def _apply(tx: Transaction, step: Migration) -> None:
    await tx.script(step.sql(tx.dialect))
    row = {"package": step.package, "name": step.name, "checksum": step.checksum, "at": now_us()}
    await tx.write(INSERT_APPLIED, row)


def check_steps(applied: Iterable[tuple[str, str, str]], packages: tuple[str, ...]) -> None:
    """See whether this version can go on from a schema that these steps made: package, name and checksum of each. Raises as `migrate`."""
    _compare([{"package": package, "name": name, "checksum": checksum} for package, name, checksum in applied], packages)


def _compare(applied: Sequence[Row], packages: tuple[str, ...]) -> list[Migration]:
    todo = []
    for package in packages:
        shipped = load_migrations(package)
        ran = {row["name"]: row["checksum"] for row in applied if row["package"] == package}
        unknown = sorted(ran.keys() - {step.name for step in shipped})
        if unknown:
            raise Unavailable(
                "store.newer_schema",
                f"The database has the step {package}/{unknown[-1]}, which this version of Assay does not know.",
                hint="Start the newer version that made it, or restore a backup from before.",
            )
        for step in shipped:
            if step.name not in ran:
                todo.append(step)
            elif ran[step.name] != step.checksum:
                raise Unavailable(
                    "store.changed_migration",
                    f"The step {package}/{step.name} that made this database differs from the one shipped now.",
                    hint="Install a released version; released steps never change.",
                )
    return todo
