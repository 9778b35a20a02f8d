"""Counts of tokens over real sockets: who leaves, and what the provider refuses."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from assay.store import Database
from tests.gateway.rig import Wire, request, running, told, until

pytestmark = pytest.mark.anyio
ROW = {"protocol": "anthropic", "auth": "x-api-key", "counts_tokens": True}
COUNT = b'{"model":"up/m","messages":[{"role":"user","content":"Good day."}]}'
PATH = "/v1/messages/count_tokens"


async def test_who_leaves_before_the_count_frees_the_upstream(db: Database, tmp_path: Path) -> None:
    async def silent(wire: Wire) -> None:
        await wire.request()
        await wire.until_closed()

    async with told(silent) as upstream, running(db, tmp_path, upstream.url, row=ROW) as gateway:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(request("POST", PATH, COUNT, x_api_key=gateway.key))
        await until(lambda: len(upstream.requests) == 1)
        writer.close()
        await until(lambda: upstream.left == 1)


@pytest.mark.parametrize(("said", "status"), [("429 Too Many Requests", 429), ("529 Overloaded", 529), ("302 Found", 502)])
async def test_a_refused_count_has_the_providers_status(db: Database, tmp_path: Path, said: str, status: int) -> None:
    async def refusing(wire: Wire) -> None:
        await wire.request()
        error = {"type": "error", "error": {"type": "any_error", "message": "not now, sk-upstream"}}
        await wire.answer(error, status=said, retry_after="7")

    async with told(refusing) as upstream, running(db, tmp_path, upstream.url, row=ROW) as gateway:
        reply = await gateway.ask("POST", PATH, COUNT, x_api_key=gateway.key)
        assert (reply.status, reply.headers["retry-after"], reply.json["type"]) == (status, "7", "error")
        assert b"sk-upstream" not in reply.body


async def test_a_count_that_is_none_is_an_error(db: Database, tmp_path: Path) -> None:
    async def garbled(wire: Wire) -> None:
        await wire.request()
        await wire.answer(b"[]")

    async with told(garbled) as upstream, running(db, tmp_path, upstream.url, row=ROW) as gateway:
        reply = await gateway.ask("POST", "/v1/responses/input_tokens", b'{"model":"up/m","input":"x"}', x_api_key=gateway.key)
        assert reply.status == 502
