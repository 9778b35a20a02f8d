"""Upstreams that fail, in every way and over all sixteen pairs: one coherent error in the client's own protocol, never a fake end.

All pairs are asked at once, so that the time in which upstreams are silent is spent together.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from assay.core import Call, Provider
from assay.store.queries import list_calls
from tests.gateway.certificates import certificate_for
from tests.tongues.raw import Heard, ask
from tests.tongues.rig import PAIRS, PROTOCOLS, Tongues, deployment, running_tongues
from tests.tongues.spoiled import SpoiledUpstream, chunked, with_ends
from tests.upstream.scripts import ANSWER_429_S, CALLS, GREETING

pytestmark = pytest.mark.anyio

STATUSES = (400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 529)
IDLE_S = 0.6
BOTH = (False, True)


@asynccontextmanager
async def spoiled(folder: Path, **chosen: Any) -> AsyncIterator[Tongues]:
    """A gateway before an upstream whose streams can be spoiled."""
    async with SpoiledUpstream() as upstream, running_tongues(folder, upstream, **chosen) as tongues:
        yield tongues


@pytest.fixture(scope="module")
def warm(tongues: Tongues) -> None:
    """The upstream has made its rules out of the SDKs' types, which takes longer than an impatient gateway waits."""
    asyncio.run(everywhere(tongues, "text", tools=True))


async def everywhere(
    tongues: Tongues, model: str, *, streams: tuple[bool, ...] = BOTH, **about: Any
) -> dict[tuple[str, str, bool], Heard]:
    """The same question over all pairs at once."""
    cases = [(client, upstream, stream) for client, upstream in PAIRS for stream in streams]
    asked = [ask(tongues, client, deployment(upstream, model), stream=stream, **about) for client, upstream, stream in cases]
    return dict(zip(cases, await asyncio.gather(*asked), strict=True))


async def calls_of(tongues: Tongues) -> list[Call]:
    await tongues.gateway.recorder.flush()
    return await list_calls(tongues.db, 1000)


def message_of(heard: Heard) -> str:
    error = heard.error
    assert error is not None, heard
    return str(error["message"])


async def test_an_error_keeps_its_status_and_words_in_the_clients_own_envelope_and_is_asked_for_once(tmp_path: Path) -> None:
    async with spoiled(tmp_path) as tongues:
        for status in STATUSES:
            tongues.upstream.requests.clear()
            answers = await everywhere(tongues, f"error-{status}")
            assert len(tongues.upstream.requests) == len(answers), "each is asked for once, and never again"
            for case, heard in answers.items():
                assert heard.status == status, (case, heard)
                assert not heard.is_stream, (case, "an error that comes first has a status of its own")
                assert f"scripted {status}" in message_of(heard), (case, heard)
                waits = heard.header("retry-after")
                assert waits == (str(ANSWER_429_S) if status == 429 else None), (case, status, heard.headers)
                assert heard.header("x-request-id"), case
        for call in await calls_of(tongues):
            assert (call.outcome, call.usage, call.cost) == ("error", None, None), call


@pytest.mark.parametrize("stream", BOTH)
async def test_who_cannot_be_reached_is_named_in_every_protocol(tmp_path: Path, stream: bool) -> None:
    """Nobody listens; the certificate is nobody's; what answers does not speak TLS."""
    context = certificate_for("127.0.0.1", tmp_path)
    async with _listening(_silent, context) as untrusted, _listening(_plain, None) as plain:
        addresses = {
            "refused": "http://127.0.0.1:1",
            "untrusted": f"https://127.0.0.1:{untrusted}",
            "plain": f"https://127.0.0.1:{plain}",
        }
        more = tuple(
            Provider(
                name=f"{why}-{protocol.replace('_', '-')}",
                title=why,
                base_url=address,
                protocol=protocol,
                auth="none",
                origin="file",
            )
            for why, address in addresses.items()
            for protocol in PROTOCOLS
        )
        async with spoiled(tmp_path, more=more) as tongues:
            cases = [(client, provider.name) for client in PROTOCOLS for provider in more]
            answers = await asyncio.gather(*(ask(tongues, client, f"{name}/m", stream=stream) for client, name in cases))
            for case, heard in zip(cases, answers, strict=True):
                assert heard.status == 502, (case, heard)
                assert case[1].split("-")[0] in message_of(heard), (case, heard)
                assert "127.0.0.1" in message_of(heard), (case, heard)
            assert {call.error for call in await calls_of(tongues)} == {"upstream.unreachable"}


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def _plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
    await writer.drain()
    writer.close()


@asynccontextmanager
async def _listening(
    converse: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], context: ssl.SSLContext | None
) -> AsyncIterator[int]:
    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("model", ["silent", "stall-first", "stall", "stall-tool"])
async def test_an_upstream_that_falls_silent_is_left_after_the_idle_time(warm: None, tmp_path: Path, model: str) -> None:
    async with spoiled(tmp_path, idle_timeout_s=IDLE_S, first_byte_timeout_s=IDLE_S) as tongues:
        answers = await everywhere(tongues, model, tools=True)
        await tongues.upstream.until(lambda upstream: upstream.aborted == len(answers))
        for case, heard in answers.items():
            assert not heard.ended_well, (case, heard)
            assert "no answer began" in message_of(heard).lower() or "stalled" in message_of(heard), (case, heard)
            if not heard.is_stream:
                assert heard.status == 504, (case, heard)
            if case[2] and model.endswith("-tool"):
                _is_begun(heard.arguments.replace(" ", ""), CALLS["Paris"], case)
            elif case[2]:
                _is_begun(heard.text, GREETING, case)
        calls = await calls_of(tongues)
        assert len(calls) == len(answers), "one attempt at each"
        for call in calls:
            assert (call.outcome, call.error) == ("timeout", "upstream.timeout"), call
            if call.stream and call.protocol == "anthropic" and model != "silent":
                assert call.usage is not None, "what the upstream told of its tokens before it fell silent is booked"


def _is_begun(said: str, whole: str, case: object) -> None:
    assert whole.startswith(said), (case, said)
    assert "\N{REPLACEMENT CHARACTER}" not in said, case


@pytest.mark.parametrize(
    "model", ["cut", "cut-utf8", "cut-tool", "cut-thought", "mid-stream-error", "mid-stream-event", "mid-tool-error", "unfinished"]
)
async def test_an_answer_that_breaks_off_ends_in_an_error_of_the_clients_protocol(tmp_path: Path, model: str) -> None:
    async with spoiled(tmp_path) as tongues:
        answers = await everywhere(tongues, model, tools=True, streams=(True,))
        for case, heard in answers.items():
            assert not heard.ended_well, (case, heard)
            if model == "unfinished" and case[:2] == ("openai_chat", "openai_chat"):
                continue  # [DONE] without a finish reason: it passes as the upstream sent it
            said = message_of(heard)
            if "error" in model or "event" in model:
                assert "scripted overload" in said, (case, heard)
            if "tool" not in model:
                _is_begun(heard.text, GREETING, case)
        assert {call.outcome for call in await calls_of(tongues)} == {"error"}
        assert len(tongues.upstream.requests) == len(answers)


async def test_events_of_a_failed_stream_are_numbered_through(warm: None, tmp_path: Path) -> None:
    """Clients of Responses check that the numbers rise by one."""
    async with spoiled(tmp_path, idle_timeout_s=IDLE_S) as tongues:
        for model in ("cut", "mid-stream-error", "stall", "cut-tool"):
            for upstream in PROTOCOLS:
                heard = await ask(tongues, "openai_responses", deployment(upstream, model), stream=True, tools=True)
                numbers = [event["sequence_number"] for event in heard.documents]
                assert numbers == list(range(len(numbers))), (model, upstream, heard.body)
                last = heard.documents[-1]["response"]
                assert last["id"] == heard.documents[0]["response"]["id"], (model, upstream)


@pytest.mark.parametrize("model", ["bytes", "crlf", "burst", "heartbeats", "tools-bytes", "long-line"])
async def test_odd_but_lawful_streams_are_read_right(tmp_path: Path, model: str) -> None:
    async with spoiled(tmp_path) as tongues:
        for (client, upstream), heard in zip(
            PAIRS,
            [await ask(tongues, client, deployment(upstream, model), stream=True, tools=True) for client, upstream in PAIRS],
            strict=True,
        ):
            assert heard.ended_well, (client, upstream, heard)
            if model == "tools-bytes":
                assert heard.arguments.replace(" ", "") == "".join(CALLS.values()), (client, upstream)
            else:
                expected = {"burst": GREETING * 20, "long-line": "界" * 350_000}.get(model, GREETING)
                assert heard.text == expected, (client, upstream)


ENDS = {
    "LF": [b"\n"],
    "CR LF": [b"\r\n"],
    "CR": [b"\r"],
    "LF and CR LF in turn": [b"\n", b"\r\n"],
    "CR LF and LF in turn": [b"\r\n", b"\n"],
    "all three": [b"\r", b"\n", b"\r\n", b"\n", b"\n", b"\r\n", b"\r"],
}


@pytest.mark.parametrize("ends", list(ENDS.values()), ids=list(ENDS))
async def test_line_ends_may_be_mixed_and_cut_in_the_middle(tmp_path: Path, ends: list[bytes]) -> None:
    async with spoiled(tmp_path) as tongues:
        assert isinstance(tongues.upstream, SpoiledUpstream)
        for size in (1, 7):
            tongues.upstream.spoil = lambda events, size=size: chunked(b"".join(with_ends(events, ends)), size)
            for case, heard in (await everywhere(tongues, "text", streams=(True,))).items():
                assert (heard.text, heard.ended_well) == (GREETING, True), (case, size, heard)


async def test_a_stream_may_end_without_its_last_blank_line_or_done(tmp_path: Path) -> None:
    def without_done(events: list[bytes]) -> list[bytes]:
        return [event for event in events if b"[DONE]" not in event]

    async with spoiled(tmp_path) as tongues:
        assert isinstance(tongues.upstream, SpoiledUpstream)
        for spoil in (without_done, lambda events: [b"".join(without_done(events)).rstrip(b"\r\n") + b"\n"]):
            tongues.upstream.spoil = spoil
            for case, heard in (await everywhere(tongues, "text", streams=(True,))).items():
                assert heard.text == GREETING, (case, heard)
                assert heard.ended_well or heard.error is not None, (case, heard)
                assert spoil is not without_done or heard.ended_well, (case, heard)


async def _cut_at(tongues: Tongues, model: str, whole: str, size: int) -> None:
    """Every pair before an upstream that resets the connection after so many bytes."""
    assert isinstance(tongues.upstream, SpoiledUpstream)
    tongues.upstream.cut_after(size, chunk=random.Random(size).choice([1, 3, 1000]))
    for case, heard in (await everywhere(tongues, model, streams=(True,), tools=True)).items():
        said = heard.arguments if model == "tools" else heard.text
        assert "\N{REPLACEMENT CHARACTER}" not in said, (case, size, heard)
        if heard.ended_well:
            assert said.replace(" ", "") == whole.replace(" ", ""), (case, size, heard)
        else:
            assert message_of(heard), (case, size, heard)
            assert model == "tools" or whole.startswith(said), (case, size, heard)


@pytest.mark.parametrize(("model", "whole"), [("text", GREETING), ("tools", "".join(CALLS.values()))])
async def test_a_reset_at_any_byte_is_an_error_or_the_whole_answer(tmp_path: Path, model: str, whole: str) -> None:
    draw = random.Random(model)
    async with spoiled(tmp_path) as tongues:
        for size in [1, 5, *(draw.randrange(6, 3000) for _ in range(3))]:
            await _cut_at(tongues, model, whole, size)


@pytest.mark.prove
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("model", "whole"), [("text", GREETING), ("tools", "".join(CALLS.values()))])
async def test_a_reset_at_every_byte_is_an_error_or_the_whole_answer(tmp_path: Path, model: str, whole: str) -> None:
    async with spoiled(tmp_path) as tongues:
        for size in range(1, 3000):
            await _cut_at(tongues, model, whole, size)
