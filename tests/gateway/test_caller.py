"""The port by which the rest of Assay asks a model, over the gateway's own way to upstreams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from assay.core import (
    Budget,
    CallFailed,
    Event,
    Finished,
    NotFound,
    Request,
    Sampling,
    Transcript,
    Unavailable,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamTimeout,
    Usage,
    complete,
    fold,
    user,
)
from assay.store import Database
from tests.gateway.rig import Wire, answering, chunk, running, told, until

pytestmark = pytest.mark.anyio
ASK = Request(model="", transcript=Transcript((user("Say something."),)), sampling=Sampling(temperature=0.5))


async def test_an_answer_comes_as_events_and_ends_with_its_call(db: Database, tmp_path: Path) -> None:
    async with told(answering) as upstream, running(db, tmp_path, upstream.url) as served:
        answer = await complete(served.gateway.caller, ASK, "up/m", "battle")
        assert answer.message.text == "good day"
        assert answer.usage == Usage(input=10, output=4)
        assert answer.call == await served.call()
        assert answer.call is not None
        assert (answer.call.purpose, answer.call.outcome, answer.call.stop) == ("battle", "ok", "end")
        assert answer.call.reply is not None


async def test_events_come_as_they_are_sent(db: Database, tmp_path: Path) -> None:
    go = asyncio.Semaphore(0)

    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.begin_stream()
        for word in ("one", "two"):
            await go.acquire()
            await wire.event(chunk({"content": word}))
        await wire.event(chunk({}, "stop"))
        await wire.end_stream()

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        go.release()
        async with aclosing(served.gateway.caller.stream(ASK, "up/m", "test")) as events:
            seen = []
            async for event in events:
                seen.append(type(event).__name__)
                if seen.count("PartGrew") == 1 and go.locked():
                    go.release()
        assert seen == ["Started", "PartOpened", "PartGrew", "PartGrew", "PartClosed", "Stopped", "Finished"]
        assert isinstance(event, Finished)


async def test_closing_stops_the_upstream_and_the_call_is_cancelled(db: Database, tmp_path: Path) -> None:
    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.begin_stream()
        await wire.event(chunk({"content": "hal"}))
        await wire.until_closed()

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        async with aclosing(served.gateway.caller.stream(ASK, "up/m", "battle")) as events:
            async for _ in events:
                break
        await until(lambda: upstream.left == 1, timeout_s=1)
        assert (await served.call()).outcome == "cancelled"


async def test_a_cancelled_task_is_a_cancelled_call(db: Database, tmp_path: Path) -> None:
    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.until_closed()

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        task = asyncio.create_task(complete(served.gateway.caller, ASK, "up/m", "judge"))
        await until(lambda: len(upstream.requests) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: upstream.left == 1, timeout_s=1)
        assert (await served.call()).outcome == "cancelled"


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ("429", UpstreamRefused, "upstream.rate_limited"),
        ("cut", UpstreamBroken, "upstream.broke_off"),
        ("unfinished", UpstreamBroken, "wire.stream_broken"),
        ("error", UpstreamBroken, "wire.stream_error"),
        ("garbage", UpstreamBroken, "wire.not_json"),
        ("stall", UpstreamTimeout, "upstream.timeout"),
    ],
)
async def test_a_failed_attempt_raises_with_its_call(
    db: Database, tmp_path: Path, fault: str, kind: type[CallFailed], code: str
) -> None:
    """The call on the error has the id of the row; what came before the fault was seen, and is kept."""

    async def converse(wire: Wire) -> None:
        await wire.request()
        if fault == "429":
            await wire.answer({"error": {"message": "slow down"}}, "429 Too Many", retry_after="3")
            return
        await wire.begin_stream()
        await wire.event(chunk({"content": "hal"}))
        if fault == "cut":
            wire.reset()
        elif fault == "stall":
            await wire.until_closed()
        elif fault == "error":
            await wire.event({"error": {"message": "overloaded"}})
            await wire.end_stream()
        elif fault == "garbage":
            await wire.event(b"data: oh\n\n")
            await wire.end_stream()
        else:
            await wire.end_stream()

    async with told(converse) as upstream, running(db, tmp_path, upstream.url, idle_timeout_s=0.3) as served:
        events: list[Event] = []
        with pytest.raises(kind) as raised:
            await gather(served.gateway.caller.stream(ASK, "up/m", "battle"), events)
        text = fold(events).message.text
        assert raised.value.code == code
        assert text == ("" if fault == "429" else "hal")
        call = await served.call()
        assert (call.id, call.error) == (raised.value.call.id, code)
        assert call.outcome == ("timeout" if fault == "stall" else "error")
        assert (call.reply is not None) == (fault != "429")
        assert raised.value.retry_after_s == (3 if fault == "429" else None)


async def gather(stream: AsyncGenerator[Event, None], into: list[Event]) -> None:
    """Take events until there are no more, or until one cannot be had."""
    async with aclosing(stream) as events:
        async for event in events:
            into.append(event)  # noqa: PERF401  # what came before an error counts


async def test_a_budget_of_time_is_kept(db: Database, tmp_path: Path) -> None:
    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.until_closed()

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        with pytest.raises(UpstreamTimeout, match=r"0\.2 s in all"):
            await complete(served.gateway.caller, ASK, "up/m", "judge", Budget(timeout_s=0.2))


async def test_what_cannot_be_called_is_said_before_an_attempt_is_made(db: Database, tmp_path: Path) -> None:
    async with running(db, tmp_path, "http://127.0.0.1:9/v1", environ={}) as served:
        with pytest.raises(NotFound):
            await complete(served.gateway.caller, ASK, "nobody", "battle")
        with pytest.raises(Unavailable, match="No key is known"):
            await complete(served.gateway.caller, ASK, "up/m", "battle")
        assert not await served.calls()
