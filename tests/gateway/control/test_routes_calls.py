"""The record of calls in the API: what is shown, what is not yet, and calls as they come."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from assay.api import Actor
from assay.core import AssayError
from assay.gateway.control.live import LiveCalls
from assay.gateway.control.routes_calls import HiddenRequests, call_routes
from assay.store import Database
from assay.web import problems
from assay.web.serve import listening
from tests.gateway.rig import Reply, Running, answering, running, told

pytestmark = pytest.mark.anyio
KEYED = {"UP_KEY": "sk-x"}


class Record:
    """The record's API on a port of its own, beside a gateway whose upstream answers."""

    def __init__(self, served: Running, url: str):
        self.served = served
        self._api = Running(served.gateway, url, served.key, served.db)
        self.port = self._api.port

    async def ask(self, path: str) -> Reply:
        return await self._api.ask("GET", f"/api/v1{path}")


@asynccontextmanager
async def record(db: Database, folder: Path, hidden: HiddenRequests | None = None) -> AsyncIterator[Record]:
    async def nothing() -> list[str]:
        return []

    async with told(answering) as upstream, running(db, folder, upstream.url, environ=KEYED) as served:
        app = Starlette(
            routes=call_routes(served.gateway, hidden or nothing), exception_handlers={AssayError: problems.on_assay_error}
        )

        async def signed_in(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("state", {})["actor"] = Actor(id="u", name="Mei", role="member")
            await app(scope, receive, send)

        async with listening(signed_in, served.gateway.settings) as address:
            yield Record(served, address)


async def test_calls_of_open_battles_are_not_shown(db: Database, tmp_path: Path) -> None:
    shown: list[str] = []

    async def hidden() -> list[str]:
        return [] if shown else [call.request_id for call in await api.served.calls()]

    async with record(db, tmp_path, hidden) as api:
        await api.served.chat()
        (kept,) = await api.served.calls()
        assert (await api.ask("/calls")).json == {"calls": [], "next": None}
        assert (await api.ask("/calls/sums")).json["calls"] == 0
        assert (await api.ask(f"/calls/{kept.id}")).json["code"] == "call.not_found"
        shown.append("now")
        (call,) = (await api.ask("/calls?limit=10")).json["calls"]
        assert (call["deployment"], call["cost"], call["usage"]["input"]) == ("up/m", {"nano": 18000, "currency": "USD"}, 10)
        assert call["at"].endswith("Z")
        assert (await api.ask(f"/calls/{kept.id}")).status == 200


async def test_calls_are_summed_over_a_span(db: Database, tmp_path: Path) -> None:
    async with record(db, tmp_path) as api:
        assert (await api.ask("/calls/sums")).json["since"] is None
        await api.served.chat()
        await api.served.calls()
        sums = (await api.ask("/calls/sums?since=2026-01-01T00:00:00Z&outcome=ok")).json
        assert (sums["calls"], sums["costs"], sums["whole"]) == (1, [{"nano": 18000, "currency": "USD"}], True)
        assert (await api.ask("/calls?until=2026-01-01T00:00:00Z")).json["calls"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=9999", "purpose=fun", "since=yesterday", "outcome=fine"])
async def test_odd_questions_about_calls_are_refused(db: Database, tmp_path: Path, query: str) -> None:
    async with record(db, tmp_path) as api:
        reply = await api.ask(f"/calls?{query}")
        assert (reply.status, reply.json["status"]) == (400, 400)


async def test_new_calls_are_told_to_whoever_follows(db: Database, tmp_path: Path) -> None:
    """Over the wire: the first lot is what ended a moment ago, the next what comes on record then."""
    async with record(db, tmp_path) as api:
        await api.served.chat()
        (first,) = await api.served.calls()
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        writer.write(b"GET /api/v1/calls/events HTTP/1.1\r\nhost: localhost\r\n\r\n")
        seen = await _until_told(reader, first.id)
        await api.served.chat()
        second = next(call for call in await api.served.calls() if call.id != first.id)
        seen |= await _until_told(reader, second.id)
        writer.close()
        assert seen == {first.id, second.id}


async def test_a_listener_that_keeps_up_hears_each_call_and_one_that_does_not_is_let_go(db: Database) -> None:
    async def nothing() -> list[str]:
        return []

    live = LiveCalls(db, nothing)
    async with aclosing(live.listen()) as lots, aclosing(live.listen()) as idle:
        assert await anext(lots) == []
        assert await anext(idle) == []
        queues = tuple(live._listeners)  # what waits for whom is nobody's business but the test's
        for queue in queues:
            for _ in range(100):
                live._tell(queue, [])
        assert [lot async for lot in idle] == [[]] * 29
    assert live._polling is None


async def _until_told(reader: asyncio.StreamReader, id: str) -> set[str]:
    """Read events until one tells of the call ``id``; the ids of all that were told."""
    seen: set[str] = set()
    async with asyncio.timeout(20):
        while id not in seen:
            line = (await reader.readline()).strip()
            if line.startswith(b"data: "):
                told: Any = json.loads(line[6:])
                seen |= {call["id"] for call in told["calls"]}
    return seen
