"""What SQLite and PostgreSQL promise alike."""

from __future__ import annotations

import asyncio
import traceback

import pytest

from assay.core import Conflict, InvalidInput, Unavailable, new_id
from assay.store import Database, Sql, open_database

pytestmark = pytest.mark.anyio

INSERT = Sql("INSERT INTO settings (name, value, at) VALUES (:name, :value, :at)")
UPDATE = Sql("UPDATE settings SET value = :value WHERE name = :name")
SELECT = Sql("SELECT name, value, at FROM settings ORDER BY at")
AMONG = Sql(
    sqlite="SELECT name FROM settings WHERE name IN (SELECT value FROM json_each(:names)) ORDER BY at",
    postgresql="SELECT name FROM settings WHERE name = ANY(:names) ORDER BY at",
)


def row(number: int, value: str = "v") -> dict[str, object]:
    return {"name": f"n{number}", "value": value, "at": number}


async def names(database: Database) -> list[str]:
    return [found["name"] for found in await database.read(SELECT)]


async def test_what_was_written_is_read_by_name_and_by_index(database: Database) -> None:
    await database.write([(INSERT, row(1, "字𠀀")), (INSERT, [row(2), row(3)])])
    found = await database.read(SELECT)
    assert [(one["name"], one["value"], one[2]) for one in found] == [("n1", "字𠀀", 1), ("n2", "v", 2), ("n3", "v", 3)]


async def test_a_list_is_one_parameter(database: Database) -> None:
    await database.write([(INSERT, [row(number) for number in range(4)])])
    assert [found["name"] for found in await database.read(AMONG, names=["n3", "n1", "n9"])] == ["n1", "n3"]


async def test_an_empty_batch_and_an_empty_list_of_rows_do_nothing(database: Database) -> None:
    await database.write([])
    await database.write([(INSERT, [])])
    async with database.transaction() as tx:
        assert await tx.write(INSERT, []) == 0
    assert await names(database) == []


async def test_a_batch_that_fails_in_its_last_row_leaves_nothing(database: Database) -> None:
    with pytest.raises(Conflict) as refused:
        await database.write([(INSERT, row(1)), (INSERT, [row(2), row(1)])])
    assert refused.value.code == "store.conflict"
    assert await names(database) == []


async def test_what_a_refused_row_holds_is_in_no_error_and_no_traceback(database: Database) -> None:
    """It may be a prompt, or the name of a model in an open battle."""
    odd = Sql("INSERT INTO transcripts (hash, kind, content) VALUES (:hash, :kind, :hash)")
    canary = new_id()
    with pytest.raises(Conflict) as refused:
        await database.write([(odd, {"hash": b"1", "kind": canary})])
    assert canary not in "".join(traceback.format_exception(refused.value))


async def test_of_batches_written_at_once_only_the_bad_ones_fail(database: Database) -> None:
    await database.write([(INSERT, row(0))])
    batches = [[(INSERT, row(number)), (INSERT, row(number + 100 if number % 3 else 0))] for number in range(1, 20)]
    results = await asyncio.gather(*(database.write(batch) for batch in batches), return_exceptions=True)
    assert [isinstance(result, Conflict) for result in results] == [number % 3 == 0 for number in range(1, 20)]
    good = [number for number in range(1, 20) if number % 3]
    assert await names(database) == ["n0"] + [f"n{number}" for number in good] + [f"n{number + 100}" for number in good]


async def test_a_transaction_sees_its_own_writes_and_counts_rows(database: Database) -> None:
    async with database.transaction() as tx:
        assert await tx.write(INSERT, [row(1), row(2)]) == 2
        assert await tx.write(UPDATE, {"name": "n1", "value": "w"}) == 1
        assert await tx.write(UPDATE, [{"name": "n1", "value": "x"}, {"name": "n9", "value": "x"}]) == 1
        assert [found["value"] for found in await tx.read(SELECT)] == ["x", "v"]
        assert await names(database) == []
    assert await names(database) == ["n1", "n2"]


async def test_any_exception_rolls_a_transaction_back(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as tx:
            await tx.write(INSERT, row(1))
            raise TimeoutError("the caller's own")

    with pytest.raises(TimeoutError, match="the caller's own"):
        await fail()
    assert await names(database) == []


async def test_a_cancelled_transaction_rolls_back_and_frees_the_writer(database: Database) -> None:
    begun = asyncio.Event()

    async def hold() -> None:
        async with database.transaction() as tx:
            await tx.write(INSERT, row(1))
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await database.write([(INSERT, row(2))])
    assert await names(database) == ["n2"]


async def test_a_writer_that_is_cancelled_at_any_moment_blocks_nobody(database: Database) -> None:
    for steps in range(12):
        task = asyncio.create_task(_insert_in_transaction(database, steps))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    await database.write([(INSERT, row(1000))])
    assert (await names(database))[-1] == "n1000"


async def _insert_in_transaction(database: Database, number: int) -> None:
    async with database.transaction() as tx:
        await tx.write(INSERT, row(number))


async def test_writes_from_many_tasks_all_arrive(database: Database) -> None:
    await asyncio.gather(*(database.write([(INSERT, row(number))]) for number in range(100)))
    assert len(await names(database)) == 100


@pytest.mark.parametrize(("value", "code"), [("a\0b", "store.nul"), ("\ud800", "store.bad_text"), (1 << 63, "store.out_of_range")])
async def test_what_no_column_can_hold_is_refused_alike(database: Database, value: object, code: str) -> None:
    bad = {**row(1), "at" if isinstance(value, int) else "value": value}
    for rows in (bad, [row(2), bad]):
        with pytest.raises(InvalidInput) as refused:
            await database.write([(INSERT, rows)])
        assert refused.value.code == code
        with pytest.raises(InvalidInput):
            async with database.transaction() as tx:
                await tx.write(INSERT, rows)
    assert await names(database) == []


async def test_a_closed_database_says_so(database_url: str) -> None:
    database = await open_database(database_url)
    await database.close()
    await database.close()
    for ask in (database.read(SELECT), database.write([(INSERT, row(1))]), _insert_in_transaction(database, 1)):
        with pytest.raises(Unavailable) as refused:
            await ask
        assert refused.value.code == "store.unavailable"


@pytest.mark.parametrize(
    "url", ["mysql://u:hunter2@h/d", "sqlite://x.db", "sqlite:///", "/path.db", "postgresql://u:hunter2@h:port/d"]
)
async def test_a_url_of_another_kind_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await open_database(url)
    assert refused.value.code == "store.bad_url"
    assert "hunter2" not in str(refused.value)
