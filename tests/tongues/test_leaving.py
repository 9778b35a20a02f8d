"""Clients that leave in the middle: the upstream stops within a second, what is known is booked, and nothing is left behind."""

from __future__ import annotations

import asyncio
import functools
import json
import time
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from assay.core import Model, Provider
from assay.store.queries import list_calls
from tests.gateway.rig import PRICE, until
from tests.tongues.raw import body_of, connect, key_header, path_of
from tests.tongues.rig import PAIRS, PROTOCOLS, Tongues, deployment, running_tongues
from tests.upstream import ScriptedUpstream

PROMISED_S = 1.0
FACES = {
    "openai_chat": "Cancelled in OpenAI's chat",
    "openai_responses": "Cancelled in OpenAI's responses",
    "anthropic": "Cancelled in Anthropic's messages",
    "gemini": "Cancelled in Gemini's contents",
}


class Leaver:
    """One request on a connection of its own, which is cut when it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.reader = reader
        self._writer = writer

    @classmethod
    async def ask(cls, tongues: Tongues, client: str, model: str, *, stream: bool) -> Leaver:
        reader, writer = await connect(tongues)
        body = json.dumps(body_of(client, model, words=FACES[client], stream=stream, tools=True)).encode()
        sent = [("host", "assay"), ("content-length", str(len(body))), *key_header(client, tongues.key)]
        head = "".join(f"{name}: {value}\r\n" for name, value in sent)
        writer.write(f"POST {path_of(client, model, stream=stream)} HTTP/1.1\r\n{head}\r\n".encode() + body)
        return cls(reader, writer)

    async def until_begun(self) -> None:
        """Wait for the first piece of the answer."""
        await self.reader.readuntil(b"\r\n\r\n")
        await self.reader.readuntil(b"\r\n")

    def leave(self) -> None:
        self._writer.transport.abort()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("model", "stream"), [("stall", True), ("stall-tool", True), ("silent", True), ("silent", False), ("stall", False)]
)
async def test_the_upstream_is_stopped_within_a_second_over_every_pair(tmp_path: Path, model: str, stream: bool) -> None:
    async with ScriptedUpstream() as upstream, running_tongues(tmp_path, upstream) as tongues:
        leavers = [await Leaver.ask(tongues, client, deployment(to, model), stream=stream) for client, to in PAIRS]
        await upstream.until(lambda upstream: upstream.started == len(PAIRS), 30)
        if stream and model == "stall":
            for one in leavers:
                await one.until_begun()
        left_at = time.monotonic()
        for one in leavers:
            one.leave()
        await upstream.until(lambda upstream: upstream.aborted == len(PAIRS))
        assert time.monotonic() - left_at < PROMISED_S
        assert upstream.complaints == []
        await until(lambda: tongues.gateway.client.in_flight == 0)
        await tongues.gateway.recorder.flush()
        calls = await list_calls(tongues.db, 100)
        assert {(call.outcome, call.error) for call in calls} == {("cancelled", "client.left")}
        assert {(call.client_protocol, call.protocol) for call in calls} == set(PAIRS)
        for call in calls:
            tells = stream and call.protocol in ("anthropic", "gemini")
            if model != "stall-tool":
                assert call.usage is not None
                assert call.usage.estimated or (tells and model == "stall"), "what was not told is called an estimate"


@pytest.mark.anyio
async def test_what_was_told_before_the_client_left_is_booked(tmp_path: Path) -> None:
    """Anthropic tells what went in at the beginning, and that is what it costs."""
    async with ScriptedUpstream() as upstream:
        row = Provider(
            name="priced", title="Priced", base_url=upstream.url, protocol="anthropic", auth="x-api-key", key_env=("UP_KEY",),
            models=(Model(name="stall", price=PRICE),), origin="file",
        )  # fmt: skip
        await _leave_each_protocol_once(tmp_path, upstream, row)


async def _leave_each_protocol_once(folder: Path, upstream: ScriptedUpstream, row: Provider) -> None:
    async with running_tongues(folder, upstream, more=(row,)) as tongues:
        for client in PROTOCOLS:
            leaver = await Leaver.ask(tongues, client, "priced/stall", stream=True)
            await leaver.until_begun()
            leaver.leave()
        await upstream.until(lambda upstream: upstream.aborted == len(PROTOCOLS))
        await until(lambda: tongues.gateway.client.in_flight == 0)
        await tongues.gateway.recorder.flush()
        for call in await list_calls(tongues.db, 10):
            assert call.usage is not None
            assert call.cost == PRICE.cost(call.usage)
            assert (call.usage.input, call.cost is not None) == (11, True)


async def _leave_again_and_again(folder: Path, count: int) -> None:
    async with ScriptedUpstream() as upstream, running_tongues(folder, upstream) as tongues:
        kinds = [(client, to, model) for client, to in PAIRS for model in ("stall", "silent")]
        first = await Leaver.ask(tongues, "openai_chat", "chat/stall", stream=True)
        await first.until_begun()
        first.leave()
        await upstream.until(lambda upstream: upstream.aborted == 1, 30)
        await until(lambda: tongues.gateway.client.in_flight == 0)
        await tongues.gateway.recorder.flush()
        before = {task.get_name() for task in asyncio.all_tasks()}
        for start in range(0, count, 100):
            batch = range(start, min(start + 100, count))
            asked = [kinds[number % len(kinds)] for number in batch]
            leavers = [
                await Leaver.ask(tongues, client, deployment(to, model), stream=model == "stall") for client, to, model in asked
            ]
            for leaver, (_, _, model) in zip(leavers, asked, strict=True):
                if model == "stall":
                    await leaver.until_begun()
            await until(functools.partial(_has, upstream, "started", batch[-1] + 2), 30)
            for leaver in leavers:
                leaver.leave()
            await until(functools.partial(_has, upstream, "aborted", batch[-1] + 2), 30)
        await until(lambda: tongues.gateway.client.in_flight == 0)
        await until(lambda: len(asyncio.all_tasks()) <= len(before))
        assert tongues.gateway.client.open_connections == 0
        await tongues.gateway.recorder.flush()
        calls = await list_calls(tongues.db, count + 10)
        assert [call.outcome for call in calls] == ["cancelled"] * (count + 1)


def _has(upstream: ScriptedUpstream, what: str, count: int) -> bool:
    return bool(getattr(upstream, what) == count)


@pytest.mark.anyio
async def test_a_hundred_that_leave_leave_nothing_behind(tmp_path: Path) -> None:
    await _leave_again_and_again(tmp_path, 100)


@pytest.mark.anyio
@pytest.mark.prove
@pytest.mark.timeout(600)
async def test_a_thousand_that_leave_leave_nothing_behind(tmp_path: Path) -> None:
    await _leave_again_and_again(tmp_path, 1000)


@pytest.mark.parametrize("upstream", ["anthropic", "openai_chat"])
def test_an_sdk_that_is_told_to_stop_stops_the_upstream(tongues: Tongues, upstream: str) -> None:
    for client in PROTOCOLS:
        before = tongues.upstream.aborted
        _listen_to_one_piece(tongues, client, deployment(upstream, "stall"))
        asyncio.run(until(functools.partial(_has, tongues.upstream, "aborted", before + 1), PROMISED_S))


def _listen_to_one_piece(tongues: Tongues, client: str, model: str) -> None:
    """As users do who press a key to stop."""
    words = "Go on."
    if client == "openai_chat":
        asked: list[Any] = [{"role": "user", "content": words}]
        with (
            openai.OpenAI(base_url=f"{tongues.url}/v1", api_key=tongues.key) as sdk,
            sdk.chat.completions.create(model=model, messages=asked, stream=True) as chunks,
        ):
            assert next(iter(chunks))
    elif client == "openai_responses":
        with (
            openai.OpenAI(base_url=f"{tongues.url}/v1", api_key=tongues.key) as sdk,
            sdk.responses.create(model=model, input=words, stream=True) as events,
        ):
            assert next(iter(events))
    elif client == "anthropic":
        with (
            anthropic.Anthropic(base_url=tongues.url, api_key=tongues.key) as anthropics,
            anthropics.messages.stream(model=model, max_tokens=100, messages=[{"role": "user", "content": words}]) as stream,
        ):
            assert next(iter(stream))
    else:
        googles = genai.Client(api_key=tongues.key, http_options=types.HttpOptions(base_url=tongues.url))
        answers: Any = googles.models.generate_content_stream(model=model, contents=words)
        assert next(answers)
        answers.close()
        googles.close()
