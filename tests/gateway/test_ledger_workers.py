"""Budgets in the whole product with several workers, on one file and on a server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.store import open_database
from tests.gateway.bookkeeping import check_books
from tests.server import RunningAssay
from tests.upstream import ScriptedUpstream
from tests.workers.rig import chat, eventually, serving, upstream

pytestmark = pytest.mark.anyio
PRICE = """
[[providers.scripted.models]]
name = "fast"
[providers.scripted.models.price]
input = 1000000000000
output = 1000000000000
"""
LITTLE = "reserve_output_tokens = 100"  # so that what is asked costs more than there is, however far apart the requests come


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedUpstream]:
    with upstream() as server:
        yield server


async def spend(assay: RunningAssay, requests: int, amount: str) -> tuple[list[int], int, int]:
    """Ask so many at once on a budget of ``amount``: the statuses, and what the budget says then of how much, in nano-dollars."""
    (key,) = assay.ask("GET", "/api/v1/keys").json["keys"]
    budget = {"holder_kind": "key", "holder": key["id"], "measure": "money", "amount": amount, "per": "month"}
    assert assay.ask("POST", "/api/v1/budgets", budget).status == 201
    replies = await asyncio.gather(*(chat(assay.url, assay.gateway_key, "scripted/fast") for _ in range(requests)))

    def stands() -> tuple[int, int, int]:
        (shown,) = assay.ask("GET", "/api/v1/budgets").json["budgets"]
        return shown["used"], shown["reserved"], shown["amount"]

    await eventually(lambda: stands()[1] == 0)
    used, _, most = stands()
    return [reply.status for reply in replies], used, most


async def check(assay: RunningAssay, url: str, requests: int, amount: str) -> None:
    """Some are answered, others refused; the budget is not overspent, and is the sum of the calls."""
    statuses, used, most = await spend(assay, requests, amount)
    assert set(statuses) == {200, 402}
    assert 0 < used <= most
    db = await open_database(url)
    (sums,) = (await check_books(db)).values()
    await db.close()
    assert sum(sums.values()) == used


async def test_two_workers_share_a_budget(provider: ScriptedUpstream, tmp_path: Path) -> None:
    with serving(tmp_path / "a", provider, 2, more=LITTLE, after=PRICE) as assay:
        await check(assay, f"sqlite:///{tmp_path}/a/data/assay.db", 40, "0.5")


@pytest.mark.prove
async def test_four_workers_overspend_nothing_at_the_last_cent(
    provider: ScriptedUpstream, tmp_path: Path, database_url: str
) -> None:
    flags = ("--database", database_url)
    with serving(tmp_path / "a", provider, 4, *flags, more=LITTLE, after=PRICE) as assay:
        await check(assay, database_url, 200, "2")
