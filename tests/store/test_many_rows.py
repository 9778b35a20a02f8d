"""Rows that are written in blocks are all written, each once."""

from __future__ import annotations

import pytest

from assay.store import Database, Sql
from assay.store.budgets import create_budget, delete_budget
from assay.store.meters import load_used, spend
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


async def test_what_is_used_is_added_to_every_meter_but_to_those_of_budgets_that_are_gone(database: Database) -> None:
    made = [
        await create_budget(database, 0, holder_kind="key", holder=f"k{n}", measure="requests", amount=9, currency="", per="total")
        for n in range(BLOCK // 8)
    ]
    gone = made.pop()
    await delete_budget(database, gone.id)
    readings = [(budget.id, starts, 1 + place) for place, budget in enumerate((*made, gone)) for starts in (0, 7)]
    for _ in range(2):
        await database.write(spend(readings, None))
    used = await load_used(database, [(meter, starts) for meter, starts, _ in readings])
    assert used == {(meter, starts): 2 * amount for meter, starts, amount in readings if meter != gone.id}
