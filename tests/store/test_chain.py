"""Verdicts are appended once, in order, and nothing that happened to them afterwards goes unseen."""

from __future__ import annotations

import asyncio

import pytest

from assay.core import Conflict, Subject, Verdict, new_id
from assay.store import Database, Sql
from assay.store.chain import GENESIS, append_verdicts, list_sources, page_verdicts, read_verdicts, verify_chain

pytestmark = pytest.mark.anyio

COUNT = Sql("SELECT COUNT(*) AS n FROM verdicts")
DISARM = {
    "sqlite": "DROP TRIGGER verdicts_no_update; DROP TRIGGER verdicts_no_delete;",
    "postgresql": "DROP TRIGGER verdicts_no_change ON verdicts;",
}


def vote(number: int = 0, *, source: str = "here") -> Verdict:
    subjects = (Subject(model=f"m{number % 3}"), Subject(model=f"n{number % 2}"))
    return Verdict(id=new_id(), kind="vote", subjects=subjects, by="v1:ab", at=1_000 + number, choice="a", source=source)


async def cast(database: Database, *verdicts: Verdict) -> None:
    async with database.transaction() as tx:
        await append_verdicts(tx, verdicts)


async def test_an_empty_chain_holds(database: Database) -> None:
    report = await verify_chain(database)
    assert (report.ok, report.length, report.head) == (True, 0, GENESIS)


async def test_appended_verdicts_come_back_equal_and_in_order(database: Database) -> None:
    votes = [vote(number) for number in range(5)]
    await cast(database, *votes[:3])
    await cast(database, *votes[3:])
    assert await read_verdicts(database) == votes
    assert await read_verdicts(database, after_seq=2, limit=2) == votes[2:4]
    assert (await verify_chain(database)).length == 5


async def test_sources_are_listed_with_their_counts_and_times(database: Database) -> None:
    await cast(database, vote(1), vote(2, source="llmfao"), vote(3))
    assert await list_sources(database) == [
        {"source": "here", "votes": 2, "first": 1_001, "last": 1_003},
        {"source": "llmfao", "votes": 1, "first": 1_002, "last": 1_002},
    ]
    assert [v.at for v in await read_verdicts(database, source="llmfao")] == [1_002]


async def test_chains_are_apart_in_their_sources_their_order_and_their_heads(database: Database) -> None:
    await cast(database, vote(1))
    async with database.transaction() as tx:
        await append_verdicts(tx, [vote(2, source="a-challenge")], "challenges")
    assert [found["source"] for found in await list_sources(database)] == ["here"]
    assert [found["source"] for found in await list_sources(database, chain="challenges")] == ["a-challenge"]
    assert [(await verify_chain(database, chain)).length for chain in ("votes", "challenges")] == [1, 1]


async def test_a_second_verdict_of_one_id_is_refused_and_leaves_nothing(database: Database) -> None:
    first = vote()
    await cast(database, first)
    with pytest.raises(Conflict, match=first.id) as refused:
        await cast(database, first)
    assert refused.value.code == "vote.already_cast"
    with pytest.raises(Conflict):
        await cast(database, vote(1), first)
    report = await verify_chain(database)
    assert (report.ok, report.length) == (True, 1)


async def test_eight_tasks_at_once_make_one_dense_chain(database: Database) -> None:
    async def voter(number: int) -> None:
        for _ in range(6):
            await cast(database, vote(number))

    await asyncio.gather(*(voter(number) for number in range(8)))
    report = await verify_chain(database)
    assert (report.ok, report.length) == (True, 48)


async def test_a_long_chain_is_read_in_pages_that_miss_and_repeat_nothing(database: Database) -> None:
    votes = [vote(number, source=("here", "other")[number % 2]) for number in range(4_500)]
    await cast(database, *votes)
    pages = [page async for page in page_verdicts(database)]
    assert len(pages) > 1
    assert [verdict for page in pages for verdict in page] == votes
    assert [verdict async for page in page_verdicts(database, source="other") for verdict in page] == votes[1::2]


async def test_votes_cast_while_the_chain_is_checked_raise_no_alarm(database: Database) -> None:
    await cast(database, *(vote(number) for number in range(2_500)))  # more than one page, so that votes come in between
    checking = asyncio.create_task(verify_chain(database))
    later = 0
    while not checking.done():
        await cast(database, vote(later))
        later += 1
    report = await checking
    assert later > 1
    assert (report.ok, report.reason) == (True, None)
    assert 2_500 <= report.length <= 2_500 + later


@pytest.mark.parametrize("statement", ["UPDATE verdicts SET choice = 'b'", "DELETE FROM verdicts"])
async def test_the_database_itself_refuses_to_change_a_verdict(database: Database, statement: str) -> None:
    await cast(database, vote())
    with pytest.raises(Conflict, match="append-only"):
        await database.write([(Sql(statement), {})])
    assert (await verify_chain(database)).ok


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("id = 'other'", "its id differs"),
        ("source = 'other'", "its source differs"),
        ("kind = 'score'", "its kind differs"),
        ("at = at + 1", "its at differs"),
        ("choice = 'b'", "its choice differs"),
        ("choice = NULL", "its choice differs"),
        ("a = 'other'", "its a differs"),
        ("b = 'other'", "its b differs"),
        ("by = 'other'", "its by differs"),
        ("body = REPLACE(body, 'm1', 'm2')", "does not have its hash"),
        ("prev = hash", "does not continue"),
        ("hash = prev", "does not have its hash"),
        ("seq = 77", "it is missing; the next one is 3"),
        ("chain = 'other'", "it is missing; the next one is 3"),
    ],
)
async def test_any_changed_field_is_found_and_its_place_named(database: Database, change: str, said: str) -> None:
    await cast(database, *(vote(number) for number in range(4)))
    await tamper(database, f"UPDATE verdicts SET {change} WHERE seq = 2")
    report = await verify_chain(database)
    assert not report.ok
    assert report.first_bad == 2
    assert said in (report.reason or "")


async def test_a_verdict_taken_from_the_end_is_missed(database: Database) -> None:
    await cast(database, *(vote(number) for number in range(4)))
    await tamper(database, "DELETE FROM verdicts WHERE seq = 4")
    report = await verify_chain(database)
    assert (report.ok, report.first_bad, report.reason) == (False, 4, "the chain ends at 3, but 4 verdicts were appended")


async def test_a_verdict_put_at_the_end_by_hand_is_found(database: Database) -> None:
    await cast(database, vote(), vote(1))
    await tamper(database, "UPDATE chains SET seq = 1")
    assert (await verify_chain(database)).first_bad == 1
    await tamper(database, "UPDATE chains SET seq = 1, hash = (SELECT hash FROM verdicts WHERE seq = 1)")
    assert (await verify_chain(database)).first_bad == 2


async def tamper(database: Database, statement: str) -> None:
    async with database.transaction() as tx:
        await tx.script(DISARM[database.dialect].replace("DROP TRIGGER", "DROP TRIGGER IF EXISTS"))
        await tx.script(f"{statement};")
