"""Answers given again: to whom, for how long, in which protocol, and when not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from assay.core import Alias, Money, Target
from assay.gateway.cached import CachedRow, drop_cached, find_cached, shrink_cached, write_cached
from assay.store import Database, migrate
from assay.store.keys import create_key
from assay.store.sql import Sql
from tests.gateway.rig import ANSWER, MESSAGES, Reply, Running, Wire, chunk, chunks, running, told

pytestmark = pytest.mark.anyio
COUNT = Sql("SELECT COUNT(*) AS rows, SUM(size) AS bytes FROM gateway_cache")
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Hualien"}'}}


class Counted:
    """A gateway whose upstream answers each time otherwise: ``asked`` is how often it was asked."""

    def __init__(self, served: Running, requests: list[tuple[bytes, bytes]]):
        self.served = served
        self._requests = requests
        self._answered = 0

    @property
    def asked(self) -> int:
        return len(self._requests)

    async def chat(
        self, wish: str | None = "600", *, key: str | None = None, path: str = "/v1/chat/completions", **fields: Any
    ) -> Reply:
        body = {"model": "up/m", "messages": MESSAGES, **fields}
        headers = {"authorization": f"Bearer {key or self.served.key}"} | ({} if wish is None else {"assay-cache": wish})
        reply = await self.served.ask("POST", path, json.dumps(body).encode(), **headers)
        self._answered += reply.status != 400
        async with asyncio.timeout(20):
            while len(await self.served.calls()) < self._answered:  # noqa: ASYNC110  # a stream's record comes after its last byte
                await asyncio.sleep(0.01)
        return reply


@asynccontextmanager
async def counted(
    db: Database, folder: Path, *, message: dict[str, Any] | None = None, finish: str = "stop", **settings: Any
) -> AsyncIterator[Counted]:
    await migrate(db, "assay.store", "assay.gateway")

    async def converse(wire: Wire) -> None:
        while True:
            asked = json.loads(await wire.request())
            said = message or {"role": "assistant", "content": f"answer {len(wire.upstream.requests)}"}
            if asked.get("stream"):
                await wire.begin_stream()
                for document in [
                    chunk({"role": "assistant", "content": "in "}),
                    chunk({"content": "pieces"}),
                    *chunks(usage=True)[-2:],
                ]:
                    await wire.event(document)
                await wire.event(b"data: [DONE]\n\n")
                await wire.end_stream()
            else:
                await wire.answer(ANSWER | {"choices": [{"index": 0, "message": said, "finish_reason": finish}]})

    async with told(converse) as upstream, running(db, folder, upstream.url, **settings) as served:
        yield Counted(served, upstream.requests)


def text(reply: Reply) -> str:
    said: str = reply.json["choices"][0]["message"]["content"]
    return said


async def test_the_same_request_gets_the_same_answer_and_costs_nothing(db: Database, tmp_path: Path) -> None:
    async with counted(db, tmp_path) as gateway:
        first, second = await gateway.chat(), await gateway.chat()
        assert (text(first), text(second), gateway.asked) == ("answer 1", "answer 1", 1)
        assert (first.headers["x-assay-cache"], second.headers["x-assay-cache"]) == ("miss", "hit")
        assert second.json["usage"]["prompt_tokens"] == 10
        again, original = await gateway.served.calls()
        assert (again.cached, again.cost, again.usage, again.outcome) == (original.id, Money(0), None, "ok")
        assert (again.id, again.reply, original.cached) == (second.headers["x-request-id"], original.reply, None)
        assert again.deployment == "up/m"


async def test_nobody_gets_it_who_did_not_ask_for_it(db: Database, tmp_path: Path) -> None:
    """Neither is their answer kept nor is one given to them."""
    async with counted(db, tmp_path) as gateway:
        replies = [await gateway.chat(None), await gateway.chat("600"), await gateway.chat(None), await gateway.chat("0")]
        assert [text(reply) for reply in replies] == ["answer 1", "answer 2", "answer 3", "answer 4"]
        assert [reply.headers.get("x-assay-cache") for reply in replies] == [None, "miss", None, None]


async def test_an_alias_may_ask_for_all_its_requests(db: Database, tmp_path: Path) -> None:
    alias = Alias(targets=(Target(deployment="up/m"),), cache_s=60)
    async with counted(db, tmp_path, aliases={"often": alias}) as gateway:
        replies = [await gateway.chat(wish, model="often") for wish in (None, None, "0")]
        assert [text(reply) for reply in replies] == ["answer 1", "answer 1", "answer 2"]
        assert text(await gateway.chat("600", model="up/m")) == "answer 3"  # another name, and perhaps another model tomorrow


async def test_all_processes_share_what_is_kept(db: Database, tmp_path: Path) -> None:
    """Two gateways at one database: what one was told, the other gives again."""
    async with counted(db, tmp_path) as one, counted(db, tmp_path) as other:
        first = await one.chat()
        again = await other.chat(key=one.served.key)
        assert (text(first), text(again), again.headers["x-assay-cache"], other.asked) == ("answer 1", "answer 1", "hit", 0)


async def test_an_answer_that_is_too_long_is_not_kept(db: Database, tmp_path: Path) -> None:
    message = {"role": "assistant", "content": "x" * 600_000}
    async with counted(db, tmp_path, message=message) as gateway:
        assert [(await gateway.chat()).headers["x-assay-cache"] for _ in range(2)] == ["miss", "miss"]


async def test_it_crosses_no_border_between_tenants(db: Database, tmp_path: Path) -> None:
    """Keys of one team share answers; keys without a team share with nobody."""
    async with counted(db, tmp_path) as gateway:
        vault = gateway.served.gateway.vault
        _, stranger = await create_key(db, vault, "stranger")
        await db.write([(Sql("INSERT INTO teams (id, name, limits, created) VALUES ('t', 'T', '{}', 1)"), {})])
        mates = [await create_key(db, vault, f"mate {number}") for number in (1, 2)]
        for row, _ in mates:
            await db.write([(Sql("UPDATE keys SET team_id = 't' WHERE id = :id"), {"id": row.id})])
        await gateway.served.gateway.refresh()
        replies = [await gateway.chat(key=key) for key in (None, stranger, mates[0][1], mates[1][1], None, stranger)]
        assert [text(reply) for reply in replies] == ["answer 1", "answer 2", "answer 3", "answer 3", "answer 1", "answer 2"]


OTHERWISE: tuple[dict[str, Any], ...] = (
    {"temperature": 0.5},
    {"max_tokens": 7},
    {"messages": [{"role": "user", "content": "Say something!"}]},
    {"messages": [{"role": "system", "content": "Be brief."}, *MESSAGES]},
    {"seed": 4},
    {"response_format": {"type": "json_object"}},
    {"user": "another"},
    {"some_field_of_tomorrow": [1]},
    {"reasoning_effort": "low"},
)


async def test_whatever_changes_the_request_changes_the_answer(db: Database, tmp_path: Path) -> None:
    async with counted(db, tmp_path) as gateway:
        first = await gateway.chat()
        others = [await gateway.chat(**fields) for fields in OTHERWISE]
        assert len({text(reply) for reply in (first, *others)}) == gateway.asked == 1 + len(OTHERWISE)
        again = [await gateway.chat(**fields) for fields in OTHERWISE]
        assert [text(reply) for reply in again] == [text(reply) for reply in others]


async def test_whole_or_in_pieces_it_is_the_same_answer(db: Database, tmp_path: Path) -> None:
    async with counted(db, tmp_path) as gateway:
        streamed = await gateway.chat(stream=True, stream_options={"include_usage": True})
        whole = await gateway.chat()
        again = await gateway.chat(stream=True, stream_options={"include_usage": True})
        assert (text(whole), gateway.asked) == ("in pieces", 1)
        for reply in (streamed, again):
            said = "".join(event["choices"][0]["delta"].get("content") or "" for event in reply.events if event["choices"])
            assert said == "in pieces"
            assert reply.events[-1]["usage"]["completion_tokens"] == 4
            assert reply.body.endswith(b"data: [DONE]\n\n")
        assert again.headers["content-type"].startswith("text/event-stream")


async def test_it_is_given_in_each_clients_own_protocol(db: Database, tmp_path: Path) -> None:
    """The same question in three protocols: each has an answer of its own kept, and gets it in its own shape."""
    async with counted(db, tmp_path) as gateway:
        for _ in range(2):
            anthropic = await gateway.chat(path="/v1/messages", max_tokens=50)
            responses = await gateway.chat(path="/v1/responses", messages=None, input="Say something.")
            gemini = await gateway.chat(
                path="/v1beta/models/up%2Fm:generateContent",
                messages=None,
                contents=[{"role": "user", "parts": [{"text": "Say something."}]}],
            )
        assert anthropic.headers["x-assay-cache"] == responses.headers["x-assay-cache"] == gemini.headers["x-assay-cache"] == "hit"
        assert anthropic.json["content"][0]["text"].startswith("answer")
        assert responses.json["output"][0]["content"][0]["text"].startswith("answer")
        assert gemini.json["candidates"][0]["content"]["parts"][0]["text"].startswith("answer")
        asked = gateway.asked
        follow_up = await gateway.chat(
            None, path="/v1/responses", messages=None, input="And?", previous_response_id=responses.json["id"]
        )
        assert (follow_up.status, gateway.asked) == (200, asked + 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [TOOL]},
        {
            "messages": [
                *MESSAGES,
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "c1", "content": "rain"},
            ]
        },
    ],
)
async def test_where_tools_are_it_must_be_asked_for_twice(db: Database, tmp_path: Path, fields: dict[str, Any]) -> None:
    async with counted(db, tmp_path) as gateway:
        wishes = ("600", "600", "600, tools", "600, tools", "600")
        replies = [await gateway.chat(wish, **fields) for wish in wishes]
        assert [text(reply) for reply in replies] == ["answer 1", "answer 2", "answer 3", "answer 3", "answer 4"]


async def test_calls_of_tools_are_given_again_with_their_arguments(db: Database, tmp_path: Path) -> None:
    message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    async with counted(db, tmp_path, message=message, finish="tool_calls") as gateway:
        await gateway.chat("600, tools", tools=[TOOL])
        again = await gateway.chat("600, tools", tools=[TOOL])
        (called,) = again.json["choices"][0]["message"]["tool_calls"]
        assert (called["function"], again.json["choices"][0]["finish_reason"], gateway.asked) == (CALL["function"], "tool_calls", 1)


@pytest.mark.parametrize("finish", ["length", "content_filter"])
async def test_an_answer_that_was_cut_short_is_not_given_again(db: Database, tmp_path: Path, finish: str) -> None:
    async with counted(db, tmp_path, finish=finish) as gateway:
        assert [text(await gateway.chat()) for _ in range(2)] == ["answer 1", "answer 2"]


async def test_a_failure_is_not_given_again(db: Database, tmp_path: Path) -> None:
    await migrate(db, "assay.store", "assay.gateway")

    async def converse(wire: Wire) -> None:
        while True:
            await wire.request()
            await (wire.answer({"error": {"message": "busy"}}, "503 Busy") if len(wire.upstream.requests) == 1 else wire.answer())

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        gateway = Counted(served, upstream.requests)
        assert [(await gateway.chat()).status for _ in range(3)] == [503, 200, 200]
        assert gateway.asked == 2


@pytest.mark.parametrize(("setting", "value"), [("bodies", "off"), ("bodies", "hashed"), ("cache_bytes", 0)])
async def test_where_nothing_is_kept_nothing_is_given_again(db: Database, tmp_path: Path, setting: str, value: Any) -> None:
    async with counted(db, tmp_path, **{setting: value}) as gateway:
        assert [text(await gateway.chat()) for _ in range(2)] == ["answer 1", "answer 2"]
        assert (await db.read(COUNT))[0]["rows"] == 0


async def test_a_wish_that_is_not_understood_is_refused(db: Database, tmp_path: Path) -> None:
    async with counted(db, tmp_path) as gateway:
        for wish in ("soon", "-5", "60, toys", "60 tools", "1e3", ""):
            reply = await gateway.chat(wish)
            assert (reply.status, reply.error["code"]) == (400, "cache.header"), wish
        assert gateway.asked == 0


async def test_an_answer_older_than_the_asker_allows_is_not_given(database: Database) -> None:
    row = CachedRow("k", "call", "up/m", "openai_chat", b"[]", 2, at=1_000_000, kept_until=9_000_000)
    await database.write(write_cached([row]))
    assert await find_cached(database, "k", since=500_000, now=2_000_000) == row
    assert await find_cached(database, "k", since=1_500_000, now=2_000_000) is None
    assert await find_cached(database, "k", since=0, now=9_000_000) is None
    await drop_cached(database, 9_000_000)
    assert (await database.read(COUNT))[0]["rows"] == 0


async def test_the_newest_answers_stay_where_not_all_fit(database: Database) -> None:
    rows = [CachedRow(f"k{number}", "call", "up/m", "openai_chat", b"x" * 10, 10, at=number, kept_until=99) for number in range(20)]
    await database.write(write_cached(rows))
    await shrink_cached(database, 55)
    left = [number for number in range(20) if await find_cached(database, f"k{number}", since=0, now=1) is not None]
    assert left == [15, 16, 17, 18, 19]


async def test_the_table_stays_within_its_bound(db: Database, tmp_path: Path) -> None:
    async with counted(db, tmp_path, cache_bytes=10_000) as gateway:
        for batch in range(5):
            questions = [[{"role": "user", "content": f"Question {batch} {number}"}] for number in range(12)]
            await asyncio.gather(*[gateway.chat(messages=messages) for messages in questions])
    (kept,) = await db.read(COUNT)
    assert 5_000 < kept["bytes"] <= 10_000
    assert kept["rows"] < 60
