"""Calls on their way into the database: what is kept, what is dropped first, and what never is."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from assay.core import (
    Asker,
    Deployment,
    Provider,
    Request,
    Transcript,
    Unavailable,
    Usage,
    assistant,
    content_hash,
    new_id,
    now_us,
    user,
)
from assay.gateway.attempt import Attempt
from assay.gateway.recorder import Recorder
from assay.gateway.snapshot import Route
from assay.gateway.upstream import Upstream
from assay.store import Database, Vault
from assay.store.database import Dialect, Row, Transaction, Write
from assay.store.keys import create_key, list_keys
from assay.store.queries import get_bodies, list_calls
from assay.store.sql import Sql
from tests.gateway.rig import ANSWER, MESSAGES, PRICE, chunk

pytestmark = pytest.mark.anyio
ROUTE = Route(
    Deployment(id="up/m", provider="up", model="m", upstream_model="m", price=PRICE),
    Upstream(Provider(name="up", title="Up", base_url="http://up/v1"), None),
)
BODY = json.dumps({"model": "up/m", "messages": MESSAGES}).encode()


def attempt(reply: bytes = json.dumps(ANSWER).encode(), *, stream: bool = False, body: bytes = BODY) -> Attempt:
    """One that ended well with ``reply``."""
    made = Attempt(ROUTE, asked="up/m", purpose="traffic", stream=stream, request_id=new_id(), body=body)
    made.status = 200
    made.pieces = [(made.started_ns + 5_000_000, reply)]
    made.size = len(reply)
    made.end("ok")
    return made


class AwayDatabase:
    """A database that refuses the next ``away`` writes, and else is the one it stands for."""

    dialect: Dialect = "sqlite"

    def __init__(self, db: Database, away: int):
        self._db = db
        self.away = away
        self.refused = 0

    async def read(self, sql: Sql, **params: Any) -> list[Row]:
        return await self._db.read(sql, **params)

    async def write(self, batch: Sequence[Write]) -> None:
        if self.away:
            self.away -= 1
            self.refused += 1
            raise Unavailable("store.unavailable", "The database is away.")
        await self._db.write(batch)

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        return self._db.transaction()

    async def close(self) -> None:
        await self._db.close()


async def test_bodies_are_kept_as_values_under_their_hash(database: Database) -> None:
    """The same on both databases. What is kept can be read again, and is the transcript that was said."""
    recorder = Recorder(database, days=1)
    recorder.record(attempt())
    await recorder.close()
    (call,) = await list_calls(database, 10)
    reply = Transcript((assistant("good day"),))
    request = Request(model="up/m", transcript=Transcript((user("Say something."),)))
    assert (call.reply, call.request) == (reply.hash, content_hash(request))
    assert call.usage == Usage(input=10, output=4)
    assert (call.upstream_id, call.stop) == ("chatcmpl-1", "end")
    bodies = await get_bodies(database, [reply.hash, content_hash(request)], [call.id])
    assert json.loads(bodies[reply.hash])["messages"][0]["parts"][0]["text"] == "good day"
    assert b"Say something." in bodies[content_hash(request)]


@pytest.mark.parametrize(("policy", "hashes", "contents"), [("full", True, True), ("hashed", True, False), ("off", False, False)])
async def test_the_policy_says_what_is_kept(db: Database, policy: Any, hashes: bool, contents: bool) -> None:
    recorder = Recorder(db, bodies=policy)
    recorder.record(attempt())
    await recorder.close()
    (call,) = await list_calls(db, 10)
    assert (call.request is not None, call.reply is not None) == (hashes, hashes)
    known = call.reply or Transcript((assistant("good day"),)).hash
    assert (known in await get_bodies(db, [known], [call.id])) is contents
    assert call.usage == Usage(input=10, output=4)


async def test_the_time_to_the_first_content_is_that_of_its_bytes(db: Database) -> None:
    """Not of the chunk that only names the role, and not of when the record was made."""
    one = attempt(stream=True)
    one.pieces = [
        (one.started_ns + 1_000_000, b"data: " + json.dumps(chunk({"role": "assistant", "content": ""})).encode() + b"\n\n"),
        (one.started_ns + 9_000_000, b"data: " + json.dumps(chunk({"content": "a"})).encode() + b"\n\n"),
        (one.started_ns + 20_000_000, b"data: " + json.dumps(chunk({"content": "b"}, "stop")).encode() + b"\n\ndata: [DONE]\n\n"),
    ]
    recorder = Recorder(db)
    recorder.record(one)
    await recorder.close()
    (call,) = await list_calls(db, 10)
    assert call.ttft_us == 9000


async def test_the_timeline_says_when_how_much_had_come_and_is_thinned(db: Database) -> None:
    """From the first piece to the last, 200 points at most; a plain answer has none."""
    one, many, plain = attempt(stream=True), attempt(stream=True), attempt()
    one.pieces = [(one.started_ns + 1_000_000, b"data: 1\n\n"), (one.started_ns + 9_000_000, b"data: [DONE]\n\n")]
    many.pieces = [(many.started_ns + number * 1000, b":\n\n") for number in range(1001)]
    recorder = Recorder(db)
    for ended in (one, many, plain):
        recorder.record(ended)
    await recorder.close()
    calls = {call.id: call.timeline for call in await list_calls(db, 10)}
    assert calls[one.id] == ((1000, 9), (9000, 23))
    assert (len(calls[many.id]), calls[many.id][0], calls[many.id][-1]) == (200, (0, 3), (1000, 3003))
    assert calls[plain.id] == ()


async def test_a_database_that_is_away_loses_no_row(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    """And the log names neither prompt nor reply."""
    away = AwayDatabase(db, 3)
    recorder = Recorder(away)
    with caplog.at_level(logging.DEBUG):
        for _ in range(5):
            recorder.record(attempt())
        await recorder.flush()
    assert away.refused == 3
    assert len(await list_calls(db, 10)) == 5
    assert "store.unavailable" in caplog.text
    assert "good day" not in caplog.text
    assert "Say something" not in caplog.text
    await recorder.close()


async def test_bodies_go_first_when_too_much_waits(db: Database) -> None:
    recorder = Recorder(db, max_bytes=5000)
    for number in range(20):
        recorder.record(
            attempt(body=json.dumps({"model": "m", "messages": [{"role": "user", "content": f"{number}" * 400}]}).encode())
        )
    await recorder.close()
    calls = await list_calls(db, 50)
    assert len(calls) == 20
    kept = [call for call in calls if call.request is not None]
    assert 0 < len(kept) < 20
    assert recorder.bodies_dropped == 20 - len(kept)


async def test_full_is_said_before_a_row_is_lost(db: Database) -> None:
    recorder = Recorder(AwayDatabase(db, 2), max_rows=3)
    for _ in range(5):
        recorder.record(attempt())
    assert recorder.is_full
    await recorder.flush()
    assert not recorder.is_full
    assert len(await list_calls(db, 10)) == 5
    await recorder.close()


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"\xff\xfe",
        b'{"choices":"none"}',
        b"[" * 5000,
        b'{"choices":[{"index":0,"message":{"content":"\\u0000"},"finish_reason":"stop"}]}',
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_hostile_replies_cost_no_row(database: Database, reply: bytes, stream: bool) -> None:
    recorder = Recorder(database)
    recorder.record(attempt(reply, stream=stream))
    recorder.record(attempt())
    await recorder.close()
    assert len(await list_calls(database, 10)) == 2


async def test_a_request_that_core_cannot_read_is_counted_all_the_same(db: Database) -> None:
    recorder = Recorder(db)
    recorder.record(attempt(body=b'{"model":"up/m","messages":"a word"}'))
    await recorder.close()
    (call,) = await list_calls(db, 10)
    assert (call.request, call.outcome) == (None, "ok")


async def test_keys_show_when_they_were_last_used(db: Database) -> None:
    key, _ = await create_key(db, Vault(bytes(32), Path("/nowhere")), "k")
    recorder = Recorder(db)
    used = attempt()
    used.asker = Asker(key=key.id)
    before = now_us()
    recorder.record(used)
    await recorder.close()
    (row,) = await list_keys(db)
    assert row.last_used is not None
    assert row.last_used <= now_us()
    assert row.last_used >= before - 1_000_000


class BusyDatabase(AwayDatabase):
    """One of a gateway under load: at every commit, new calls are waiting."""

    recorder: Recorder | None = None

    async def write(self, batch: Sequence[Write]) -> None:
        if self.recorder is not None:
            self.recorder.record(attempt())
        await super().write(batch)


async def test_a_flush_waits_for_what_came_before_and_not_for_what_comes_after(db: Database) -> None:
    busy = BusyDatabase(db, 0)
    busy.recorder = recorder = Recorder(busy)
    first = attempt()
    recorder.record(first)
    await recorder.flush()
    assert first.id in [call.id for call in await list_calls(db, 10)]
    busy.recorder = None
    await recorder.close()
