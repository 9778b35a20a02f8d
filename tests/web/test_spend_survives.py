"""Sums and calls are one commit: a server killed in the middle of its work leaves them equal."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from assay.store import open_database
from assay.store.queries import list_calls
from assay.store.spend import Chosen, each_spend, spend_of
from tests.server import running, start, until

QUESTION = {"model": "practice/reckoner", "messages": [{"role": "user", "content": "What is 2 + 2?"}]}


def test_sums_are_those_of_the_calls_after_a_kill(database_url: str, tmp_path: Path) -> None:
    flags = ("--demo", "--database", database_url)
    assay = start(tmp_path, *flags)
    answered: list[int] = []

    def ask(number: int) -> None:
        try:
            answered.append(assay.chat(QUESTION | {"user": str(number)}).status)
        except OSError:
            return  # it was killed meanwhile

    with ThreadPoolExecutor(8) as pool:
        for number in range(400):
            pool.submit(ask, number)
        until(lambda: len(answered) > 40)
        assay.kill()
    assert assay.process.stdout is not None
    assay.process.stdout.close()
    calls, sums = asyncio.run(_kept(database_url))
    assert calls > 0
    assert sums
    with running(tmp_path, *flags) as again:
        again.sign_in()
        shown = again.ask("GET", "/api/v1/spend?by=model").json["rows"]
        assert sum(row["calls"] for row in shown) == calls


async def _kept(url: str) -> tuple[int, bool]:
    """How many calls are on record, and whether the sums are theirs."""
    db = await open_database(url)
    try:
        calls = await list_calls(db, 10_000)
        return len(calls), [one async for one in each_spend(db, Chosen())] == spend_of(calls)
    finally:
        await db.close()
