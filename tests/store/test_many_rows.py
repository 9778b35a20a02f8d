"""Rows that are written in blocks are all written, each once."""

from __future__ import annotations

import pytest

from assay.store import Database, Sql
from assay.store.queries import DELETE_SETTING, INSERT_BODIES, INSERT_CALL, SELECT_SETTINGS, UPSERT_BODY, UPSERT_SETTING
from assay.store.sql import BLOCKS

BLOCK = BLOCKS[0]
pytestmark = pytest.mark.anyio
COUNT = Sql("SELECT COUNT(*) AS n FROM settings")


@pytest.mark.parametrize("insert", [INSERT_CALL, INSERT_BODIES, UPSERT_BODY, UPSERT_SETTING])
def test_the_rows_of_calls_go_in_blocks(insert: Sql) -> None:
    """However the statement's lines are broken: row by row, each would cost two turns of the interpreter's lock."""
    assert [(size, text.count("?")) for size, text in insert.sqlite.many] == [(n, n * len(insert.sqlite.names)) for n in BLOCKS]
    assert insert.postgresql.many == ()


@pytest.mark.parametrize("count", [1, 3, 4, 7, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 21])
async def test_every_row_of_a_batch_is_stored(database: Database, count: int) -> None:
    await database.write(
        [(UPSERT_SETTING, [{"name": f"n{number:04d}", "value": str(number), "at": number} for number in range(count)])]
    )
    stored = await database.read(SELECT_SETTINGS)
    assert [(row["name"], row["value"]) for row in stored] == [(f"n{number:04d}", str(number)) for number in range(count)]


async def test_the_rows_touched_are_counted_over_blocks(database: Database) -> None:
    rows = [{"name": f"n{number}", "value": "1", "at": 1} for number in range(BLOCK + 5)]
    async with database.transaction() as tx:
        assert await tx.write(UPSERT_SETTING, rows) == BLOCK + 5
        assert await tx.write(UPSERT_SETTING, rows) == BLOCK + 5
        assert await tx.write(DELETE_SETTING, rows) == BLOCK + 5
    assert (await database.read(COUNT))[0]["n"] == 0
