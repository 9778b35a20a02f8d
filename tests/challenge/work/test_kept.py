"""Work that was brought in is kept by name, whole and in order."""

from __future__ import annotations

import pytest

from assay.challenge.work import read_work
from assay.challenge.work_queries import delete_work, list_work, load_work, save_work
from assay.core import Conflict, InvalidInput, NotFound
from assay.store import Database
from tests.challenge.work.files import ALL, jsonl

pytestmark = pytest.mark.anyio

FIRST = read_work(jsonl({"prompt": "a"}, {"prompt": "b", "category": "x"}), "first.jsonl")
SECOND = read_work(jsonl({"prompt": "b"}, {"prompt": "c"}), "second.jsonl")


async def test_every_format_comes_back_equal_and_in_order(database: Database) -> None:
    for file, content in ALL.items():
        brought = read_work(content, file)
        await save_work(database, file, brought, origin=file)
        assert await load_work(database, file) == brought.items


async def test_a_long_collection_comes_back_whole(database: Database) -> None:
    brought = read_work(b"".join(b"prompt %d\n" % number for number in range(1001)), "a.txt")
    assert await save_work(database, "long", brought) == 1001
    assert await load_work(database, "long") == brought.items


async def test_collections_are_listed_with_what_is_in_them(database: Database) -> None:
    await save_work(database, "mine", FIRST, origin="first.jsonl")
    (found,) = await list_work(database)
    assert (found.name, found.items, found.format, found.origin) == ("mine", 2, "prompts", "first.jsonl")
    assert found.categories == {"chat": 1, "x": 1}


async def test_a_name_that_is_taken_is_not_overwritten_by_other_work(database: Database) -> None:
    await save_work(database, "mine", FIRST)
    with pytest.raises(Conflict) as failed:
        await save_work(database, "mine", SECOND)
    assert failed.value.code == "work.name_taken"
    assert await load_work(database, "mine") == FIRST.items


async def test_bringing_in_the_same_again_changes_nothing(database: Database) -> None:
    await save_work(database, "mine", FIRST)
    assert [await save_work(database, "mine", FIRST, mode=mode) for mode in ("new", "add")] == [0, 0]
    assert await load_work(database, "mine") == FIRST.items


async def test_work_can_be_added_and_replaced(database: Database) -> None:
    await save_work(database, "mine", FIRST, origin="first.jsonl")
    assert await save_work(database, "mine", SECOND, origin="second.jsonl", mode="add") == 1
    assert await load_work(database, "mine") == (*FIRST.items, SECOND.items[1])
    assert (await list_work(database))[0].origin == "first.jsonl, second.jsonl"
    assert await save_work(database, "mine", SECOND, origin="second.jsonl", mode="replace") == 2
    assert await load_work(database, "mine") == SECOND.items
    assert (await list_work(database))[0].origin == "second.jsonl"


async def test_work_can_be_forgotten(database: Database) -> None:
    await save_work(database, "mine", FIRST)
    await delete_work(database, "mine")
    assert await list_work(database) == []
    for gone in (load_work, delete_work):
        with pytest.raises(NotFound) as failed:
            await gone(database, "mine")
        assert failed.value.code == "work.not_found"


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "x" * 65, "a\0b"])
async def test_a_name_that_cannot_be_one_is_refused(database: Database, name: str) -> None:
    with pytest.raises(InvalidInput) as failed:
        await save_work(database, name, FIRST)
    assert failed.value.code == "work.bad_name"
