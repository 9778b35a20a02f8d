"""What was spent, through the API: shown, exported, and kept with the calls whatever happens."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from assay.api import Actor
from assay.core import AssayError, Call, Money, Unavailable, Usage, new_id
from assay.gateway.control.routes_spend import spend_routes
from assay.gateway.recorder import Recorder
from assay.gateway.spend import SpendBook
from assay.store import Database
from assay.store.database import Dialect, Row, Transaction, Write
from assay.store.queries import list_calls, record_calls
from assay.store.spend import DAY_US, Chosen, each_spend, spend_of, write_spend
from assay.store.sql import Sql
from assay.web import problems
from assay.web.serve import listening
from tests.gateway.rig import Reply, Running, answering, running, told
from tests.gateway.test_recorder import attempt

pytestmark = pytest.mark.anyio
DAY = 20_000  # 2024-10-04


def call(**known: object) -> Call:
    usual = Call(
        request_id=new_id(),
        id=new_id(),
        at=DAY * DAY_US + 5,
        purpose="traffic",
        outcome="ok",
        asked="m",
        deployment="up/m",
        provider="up",
        model="m",
        protocol="openai_chat",
        stream=False,
        duration_us=1,
        key="k1",
        usage=Usage(input=10, cache_read=5, output=4),
        cost=Money(30),
    )
    return msgspec.structs.replace(usual, **known)


class Books:
    """The API of what was spent, on a port of its own."""

    def __init__(self, served: Running, url: str):
        self.served = served
        self._api = Running(served.gateway, url, served.key, served.db)

    async def ask(self, path: str) -> Reply:
        return await self._api.ask("GET", f"/api/v1{path}")

    async def record(self, *calls: Call) -> None:
        await record_calls(self.served.db, calls, (), write_spend(calls))


@asynccontextmanager
async def books(db: Database, folder: Path, hidden: Sequence[str] = ()) -> AsyncIterator[Books]:
    async def hide() -> Sequence[str]:
        return hidden

    async with told(answering) as upstream, running(db, folder, upstream.url, environ={"UP_KEY": "sk-x"}) as served:
        app = Starlette(routes=spend_routes(served.gateway, hide), exception_handlers={AssayError: problems.on_assay_error})

        async def signed_in(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("state", {})["actor"] = Actor(id="u", name="Mei", role="viewer")
            await app(scope, receive, send)

        async with listening(signed_in, served.gateway.settings) as address:
            yield Books(served, address)


async def test_a_request_is_in_the_sums_when_its_call_is_on_record(db: Database, tmp_path: Path) -> None:
    async with books(db, tmp_path) as api:
        for _ in range(3):
            await api.served.chat()
        made = await api.served.calls()
        (row,) = (await api.ask("/spend?by=key")).json["rows"]
        assert (row["what"], row["name"], row["calls"], row["input_tokens"], row["output_tokens"]) == (
            made[0].key,
            "tests",
            3,
            30,
            12,
        )
        assert row["costs"] == [{"nano": 54_000, "currency": "USD", "low": 54_000, "high": 54_000}]


async def test_sums_are_shown_by_anything_with_their_names_and_bounds(db: Database, tmp_path: Path) -> None:
    async with books(db, tmp_path) as api:
        await api.record(
            call(),
            call(cost=Money(70, "CNY"), model="dear"),
            call(at=(DAY + 1) * DAY_US, outcome="cancelled", cost=Money(9), cost_between=(5, 20)),
            call(cost=None, key="local", model="free"),
        )
        by_day = (await api.ask("/spend")).json
        assert [(row["what"], row["name"], row["calls"]) for row in by_day["rows"]] == [
            ("2024-10-05", "2024-10-05", 1),
            ("2024-10-04", "2024-10-04", 3),
        ]
        assert by_day["rows"][0]["costs"] == [{"nano": 9, "currency": "USD", "low": 5, "high": 20}]
        assert by_day["rows"][1]["costs"] == [
            {"nano": 70, "currency": "CNY", "low": 70, "high": 70},
            {"nano": 30, "currency": "USD", "low": 30, "high": 30},
        ]
        by_key = (await api.ask("/spend?by=key")).json["rows"]
        assert [(row["what"], row["name"]) for row in by_key] == [("k1", "k1"), ("local", "the local door")]
        chosen = (await api.ask("/spend?by=model&since=2024-10-04T08:00:00Z&until=2024-10-04T09:00:00Z&key=k1")).json
        assert [row["what"] for row in chosen["rows"]] == ["dear", "m"]
        assert (chosen["since"], chosen["until"]) == ("2024-10-04", "2024-10-05")


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "until=2024-13-01",
        "until=9999-12-31T23:00:00Z",
        "since=0001-01-01T00:00:00%2B14:00",
        "by=weather",
        "format=xlsx",
    ],
)
async def test_what_cannot_be_asked_is_refused_with_a_code(db: Database, tmp_path: Path, query: str) -> None:
    async with books(db, tmp_path) as api:
        reply = await api.ask(f"/spend/export?{query}" if "format" in query else f"/spend?{query}")
        assert (reply.status, reply.json["code"]) == (
            400,
            "api.bad_query" if query.startswith(("by", "format")) else "spend.bad_day",
        )


async def test_an_export_runs_no_formulas(db: Database, tmp_path: Path) -> None:
    """A model's name is what a client wrote; a spreadsheet takes some names for formulas."""
    names = ('=HYPERLINK("http://evil")', "+1+1", "-2+3", "@SUM(A1)", "\tx", "\rx", 'quo"ted, and\nbroken', "plain", "-5")
    async with books(db, tmp_path) as api:
        await api.record(*[call(model=name) for name in names])
        reply = await api.ask("/spend/export?format=csv")
        assert reply.headers["content-disposition"] == 'attachment; filename="spend.csv"'
        rows = list(csv.DictReader(io.StringIO(reply.body.decode(), newline="")))
        assert {row["model"] for row in rows} == {f"'{name}" for name in names[:6]} | {names[6], "plain", "'-5"}
        assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
        lines = [json.loads(line) for line in (await api.ask("/spend/export?format=jsonl")).body.splitlines()]
        assert {line["model"] for line in lines} == set(names)
        assert (lines[0]["day"], lines[0]["cost_nano"], lines[0]["key_id"]) == ("2024-10-04", 30, "k1")


async def test_a_large_export_comes_in_pieces(db: Database, tmp_path: Path) -> None:
    async with books(db, tmp_path) as api:
        await api.record(*[call(key=f"key-{number:05}") for number in range(3000)])
        reply = await api.ask("/spend/export")
        assert reply.headers["transfer-encoding"] == "chunked"
        assert len(reply.body.splitlines()) == 3001


async def test_an_open_battle_is_in_no_sum_and_no_export(db: Database, tmp_path: Path) -> None:
    secret = call(model="hush", purpose="battle")
    async with books(db, tmp_path, [secret.request_id]) as api:
        await api.record(call(), secret)
        for path in ("/spend?by=model", "/spend/export", "/spend/export?format=jsonl", "/spend?by=day"):
            reply = await api.ask(path)
            assert b"hush" not in reply.body
            assert b"m" in reply.body


class Forgetful:
    """A database whose ``lost`` next commits are made, and their answers lost on the way."""

    dialect: Dialect = "sqlite"

    def __init__(self, db: Database, lost: int):
        self._db = db
        self.dialect = db.dialect
        self.lost = lost

    async def read(self, sql: Sql, **params: Any) -> list[Row]:
        return await self._db.read(sql, **params)

    async def write(self, batch: Sequence[Write]) -> None:
        await self._db.write(batch)
        if self.lost:
            self.lost -= 1
            raise Unavailable("store.unavailable", "The connection was lost.")

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        return self._db.transaction()

    async def close(self) -> None:
        await self._db.close()


async def test_a_commit_whose_answer_was_lost_is_not_summed_twice(database: Database) -> None:
    recorder = Recorder(Forgetful(database, 1), books=[SpendBook()])
    for _ in range(5):
        recorder.record(attempt())
    await recorder.close()
    calls = await list_calls(database, 100)
    assert len(calls) == 5
    assert [one async for one in each_spend(database, Chosen())] == spend_of(calls)
