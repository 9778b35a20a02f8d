"""Every schema that a database of Assay's ever had, filled with rows, and what those rows say."""

from __future__ import annotations

from typing import Any

from assay.store import Database, Sql
from assay.store.migrate import CREATE_TABLE, INSERT_APPLIED, load_migrations
from assay.web import SCHEMAS

LANDED = (
    "assay.store/0001_shared",
    "assay.arena/0001_battles",
    "assay.challenge/0001_challenges",
    "assay.store/0002_call_timelines",
    "assay.store/0003_bodies_of_calls",
    "assay.gateway/0001_kept",
    "assay.store/0004_operations",
    "assay.store/0005_operation",
    "assay.store/0007_alerts",
    "assay.store/0008_spend_of_calls",
    "assay.challenge/0002_owners",
    "assay.gateway/0002_cache",
    "assay.bench/0001_runs",
)
"""The steps in the order in which they came into the project: each beginning of this list is a schema that somebody may have."""
ROWS = 3

Content = dict[str, list[dict[str, Any]]]

_WORDS = {
    ("calls", "usage"): '{"input": 5, "cache_read": 2, "output": 3}',
    ("transcripts", "kind"): "reply",
    ("arena_battles", "state"): "open",
    ("arena_battles", "choice"): None,
    ("arena_battles", "second_model"): "another",
    ("challenge_runs", "state"): "ended",
    ("bench_runs", "state"): "ended",
    ("bench_results", "state"): "scored",
    ("users", "role"): "member",
    ("budgets", "holder_kind"): "key",
    ("budgets", "measure"): "money",
    ("budgets", "per"): "month",
    ("challenge_pairs", "state"): "voted",
}
"""What the columns hold that take certain words only, or are read by a later step; in other tables ``side`` and ``a`` are sides."""
_SIDES = frozenset(("side", "a"))

COLUMNS = Sql(
    sqlite="""
        SELECT tables.name AS in_table, columns.name AS name, columns.type AS type
        FROM sqlite_master AS tables JOIN pragma_table_info(tables.name) AS columns
        WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite%' AND tables.name <> 'migrations' ORDER BY tables.rowid, columns.cid
    """,
    postgresql="""
        SELECT table_name AS in_table, column_name AS name, data_type AS type FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name <> 'migrations'
        ORDER BY CAST(CAST(quote_ident(table_name) AS regclass) AS oid), ordinal_position
    """,
)


async def make_state(db: Database, steps: int, *, filled: bool = True) -> None:
    """Bring an empty database to the schema that the first ``steps`` made; ``filled``, with rows in every table."""
    shipped = {f"{step.package}/{step.name}": step for package in SCHEMAS for step in load_migrations(package)}
    async with db.transaction() as tx:
        await tx.script(CREATE_TABLE)
        for name in LANDED[:steps]:
            step = shipped[name]
            await tx.script(step.sql(tx.dialect))
            await tx.write(INSERT_APPLIED, {"package": step.package, "name": step.name, "checksum": step.checksum, "at": 1})
    for table, columns in (await columns_of(db)).items() if filled else ():
        names = ", ".join(columns)
        values = ", ".join(f":{name}" for name in columns)
        rows = [{name: _value(table, name, kind, number) for name, kind in columns.items()} for number in range(1, ROWS + 1)]
        await db.write([(Sql(f"INSERT INTO {table} ({names}) VALUES ({values})"), rows)])


async def columns_of(db: Database) -> dict[str, dict[str, str]]:
    """The type of each column by table, in the order in which they were made."""
    found: dict[str, dict[str, str]] = {}
    for row in await db.read(COLUMNS):
        found.setdefault(row["in_table"], {})[row["name"]] = row["type"].lower()
    return found


async def content_of(db: Database, columns: dict[str, dict[str, str]]) -> Content:
    """Every row of those tables, with those columns only, in an order of their own."""
    content = {}
    for table, names in columns.items():
        rows = await db.read(Sql(f"SELECT {', '.join(names)} FROM {table}"))
        plain = [{name: _plain(row[name]) for name in names} for row in rows]
        content[table] = sorted(plain, key=repr)
    return content


def _value(table: str, name: str, kind: str, number: int) -> Any:
    if (table, name) in _WORDS:
        return _WORDS[table, name]
    if table.startswith("challenge_") and name in _SIDES:
        return "challenger"
    if kind in ("bytea", "blob"):
        return f"row {number}".encode()
    if "int" in kind:
        return number % 2 if name in ("known", "done") else number
    if "double" in kind or "real" in kind:
        return number / 2
    return f"row {number} 試金 🪨"  # the same in every column, so that rows refer to each other


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview | bytearray) else value
