"""One call is found by its id, and with it the other attempts at the same request."""

from __future__ import annotations

import pytest

from assay.core import Call, new_id
from assay.store import Database, queries

pytestmark = pytest.mark.anyio


def attempt(request_id: str, deployment: str) -> Call:
    return Call(
        id=new_id(),
        request_id=request_id,
        at=1,
        purpose="traffic",
        outcome="ok",
        asked="m",
        deployment=deployment,
        provider="p",
        model="m",
        protocol="openai_chat",
        stream=False,
        duration_us=1,
    )


async def test_attempts_at_one_request_are_found_around_any_of_them(database: Database) -> None:
    calls = [attempt(request, f"p/{number}") for number, request in enumerate(("other", "mine", "other", "mine", "third", "mine"))]
    calls.sort(key=lambda call: call.id)
    await queries.record_calls(database, calls, [])
    mine = [call for call in calls if call.request_id == "mine"]
    for one in mine:
        assert await queries.list_attempts(database, one) == mine
    assert await queries.get_call(database, mine[0].id) == mine[0]
    assert await queries.get_call(database, "nobody") is None


async def test_the_id_that_a_client_was_told_finds_the_last_attempt(database: Database) -> None:
    told, other = new_id(), new_id()
    calls = sorted((attempt(request, "p/m") for request in (told, other, told)), key=lambda call: call.id)
    await queries.record_calls(database, calls, [])
    assert await queries.find_request(database, told) == [call for call in calls if call.request_id == told][-1]
    assert await queries.find_request(database, new_id()) is None
