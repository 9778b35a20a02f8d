"""Chat completions through a real port: what passes, what is refused, and what happens when somebody goes away."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from assay.core import Money, Usage
from assay.gateway import exchange
from assay.store import Database
from assay.store.queries import get_bodies
from tests.gateway.rig import (
    ANSWER,
    MESSAGES,
    Running,
    Wire,
    answering,
    chunk,
    chunks,
    read_reply,
    request,
    running,
    told,
    until,
)

pytestmark = pytest.mark.anyio
NOBODY = "http://127.0.0.1:9/v1"


async def test_an_answer_passes_byte_for_byte_and_is_recorded(db: Database, tmp_path: Path) -> None:
    """And the upstream gets the request as the client wrote it, under the provider's key and its own name of the model."""
    odd = b'{ "id" : "chatcmpl-1","choices":[{"index":0,"message":{"role":"assistant","content":"caf\\u00e9"},"finish_reason":"stop"}] }'

    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.answer(odd)

    body = b'{"messages":[{"role":"user","content":"\xe6\xb0\xb4 \\u0041"}],"model":"up/m","zz":1.0}'
    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        reply = await served.chat(body)
        assert (reply.status, reply.body, reply.headers["content-type"]) == (200, odd, "application/json")
        head, got = upstream.requests[0]
        assert got == body.replace(b"up/m", b"m")
        assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
        assert b"authorization: Bearer sk-upstream\r\n" in head
        assert b"accept-encoding: identity\r\n" in head
        assert b"ask-" not in head
        call = await served.call()
        assert call.request_id == reply.headers["x-request-id"]
        assert (call.outcome, call.status, call.stop, call.stream, call.asked) == ("ok", 200, "end", False, "up/m")


async def test_a_stream_passes_event_by_event_and_is_priced(db: Database, tmp_path: Path) -> None:
    """Each event arrives before the next is sent; usage was asked for and is not shown to who did not ask."""
    go = asyncio.Semaphore(0)

    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.begin_stream()
        for document in chunks(usage=True):
            await go.acquire()
            await wire.event(document)
        await wire.event(b"data: [DONE]\n\n")
        await wire.end_stream()

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        reader, writer = await ask_stream(served)
        for document in chunks(usage=False):
            go.release()
            assert await next_event(reader) == document
        go.release()
        assert await next_event(reader) == "[DONE]"
        writer.close()
        call = await served.call()
        assert json.loads(upstream.requests[0][1])["stream_options"] == {"include_usage": True}
    assert (call.outcome, call.stop, call.usage) == ("ok", "end", Usage(input=10, output=4))
    assert call.cost == Money(18_000)
    assert call.ttft_us is not None
    assert 0 < call.ttft_us < call.duration_us


async def ask_stream(served: Running, **fields: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    body = json.dumps({"model": "up/m", "messages": MESSAGES, "stream": True, **fields}).encode()
    writer.write(request("POST", "/v1/chat/completions", body, authorization=f"Bearer {served.key}"))
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in head, head
    return reader, writer


async def next_event(reader: asyncio.StreamReader) -> Any:
    async with asyncio.timeout(5):
        while not (line := await reader.readline()).startswith(b"data: "):
            assert line, "the stream ended"
    data = line[6:].strip()
    return data.decode() if data == b"[DONE]" else json.loads(data)


@pytest.mark.parametrize(
    ("body", "status", "code", "says"),
    [
        (b"{", 400, "request.json", "JSON object"),
        (b'{"model":"up/m","x":"\xff"}', 400, "request.encoding", "not UTF-8"),
        (b'{"model":"up/m","x":' + b"[" * 10_000, 400, "request.json", "deep"),
        (b"{}", 400, "request.model", "model"),
        (b'{"model":"upp/m"}', 404, "model.not_found", "Did you mean 'up/m'?"),
        (b'{"model":"ollama/x"}', 404, "model.not_found", "not enabled"),
        (b'{"model":"openai/gpt"}', 503, "provider.key_missing", "OPENAI_API_KEY"),
        (b"x" * 20_000, 413, "request.too_large", "16384"),
    ],
)
async def test_bad_input_is_refused_in_the_protocols_own_shape(
    db: Database, tmp_path: Path, body: bytes, status: int, code: str, says: str
) -> None:
    async with running(db, tmp_path, NOBODY, max_body_bytes=16384) as served:
        reply = await served.chat(body)
        assert (reply.status, reply.error["code"]) == (status, code)
        assert says in reply.error["message"]
        assert reply.error.keys() == {"message", "type", "param", "code"}
        assert reply.headers["x-request-id"]
        assert not await served.calls()


@pytest.mark.parametrize("authorization", [None, "Bearer ask-wrong", "Bearer ", "Basic eDp5", "bearer\tx", "Bearer ask-é"])
async def test_a_wrong_key_gets_the_same_answer_whatever_is_wrong_with_it(
    db: Database, tmp_path: Path, authorization: str | None
) -> None:
    """Before the body is read, and without echoing the key."""
    async with running(db, tmp_path, NOBODY) as served:
        headers = {} if authorization is None else {"authorization": authorization}
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(
            request("POST", "/v1/chat/completions", b"", **headers | {"content-length": "1000000"}).decode().encode("latin-1")
        )
        reply = await read_reply(reader)
        writer.close()
        assert reply.status == 401
        assert reply.error["code"] == ("key.missing" if authorization is None else "key.invalid")
        assert "wrong" not in reply.error["message"]


async def test_a_body_of_unknown_length_is_cut_off_at_the_cap(db: Database, tmp_path: Path) -> None:
    async with running(db, tmp_path, NOBODY, max_body_bytes=16384) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        head = request("POST", "/v1/chat/completions", authorization=f"Bearer {served.key}", transfer_encoding="chunked")
        writer.write(head.replace(b"content-length: 0\r\n", b""))
        for _ in range(8):
            writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        reply = await read_reply(reader)
        writer.close()
        assert (reply.status, reply.error["code"]) == (413, "request.too_large")


async def test_compressed_bodies_are_refused(db: Database, tmp_path: Path) -> None:
    async with running(db, tmp_path, NOBODY) as served:
        reply = await served.ask(
            "POST", "/v1/chat/completions", b"\x1f\x8b", authorization=f"Bearer {served.key}", content_encoding="gzip"
        )
        assert (reply.status, reply.error["code"]) == (400, "request.encoding")


async def test_models_are_listed_and_other_paths_are_named(db: Database, tmp_path: Path) -> None:
    async with running(db, tmp_path, NOBODY, aliases={"best": "up/m"}) as served:
        key = f"Bearer {served.key}"
        listed = (await served.ask("GET", "/v1/models", authorization=key)).json
        assert [model["id"] for model in listed["data"]] == ["up/m", "best"]
        assert (await served.ask("GET", "/v1/models/up/m", authorization=key)).json["id"] == "up/m"
        assert (await served.ask("GET", "/v1/models/up/any", authorization=key)).json["id"] == "up/any"
        for method, path in (("GET", "/v1/models/none"), ("GET", "/v1/chat/completions"), ("POST", "/v1/audio"), ("GET", "/v1/")):
            reply = await served.ask(method, path, authorization=key)
            assert (reply.status, reply.error["type"]) == (404, "not_found_error")


@pytest.mark.parametrize("name", ["up/m", "m", "best", "up/never-listed"])
async def test_a_model_goes_by_its_id_its_bare_name_an_alias_or_any_name_at_a_provider(
    db: Database, tmp_path: Path, name: str
) -> None:
    async with told(answering) as upstream, running(db, tmp_path, upstream.url, aliases={"best": "up/m"}) as served:
        assert (await served.chat(model=name)).status == 200
        assert json.loads(upstream.requests[0][1])["model"] == ("never-listed" if "never" in name else "m")
        assert (await served.call()).asked == name


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "body", "passed"),
    [
        (
            "400 Bad Request",
            {"error": {"message": "no such role", "type": "invalid_request_error", "param": "messages", "code": "x"}},
            True,
        ),
        ("429 Too Many Requests", {"error": {"message": "slow down", "type": "rate", "param": None, "code": None}}, True),
        ("500 Oops", b"<html>down</html>", False),
        ("422 Unprocessable", {"detail": "bad field"}, False),
        ("401 Unauthorized", {"error": {"message": "Incorrect API key provided: sk-upstream", "code": "invalid_api_key"}}, False),
    ],
)
async def test_an_upstreams_error_keeps_its_status_and_words(
    db: Database, tmp_path: Path, status: str, body: Any, passed: bool, stream: bool
) -> None:
    """In its own bytes where they have the protocol's shape. Our key is not among them, and a 401 says whose key it is about."""

    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.answer(body, status, retry_after="7")

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        reply = await served.chat(stream=stream)
        number = int(status.split()[0])
        assert reply.status == number
        assert b"sk-upstream" not in reply.body
        assert reply.headers["retry-after"] == "7"
        if passed:
            assert reply.json == body
        elif number == 401:
            assert reply.error["code"] == "upstream.unauthorized"
            assert "provider key" in reply.error["message"]
            assert "Your gateway key is fine" in reply.error["message"]
        else:
            assert ("down" in reply.error["message"]) or ("bad field" in reply.error["message"])
        call = await served.call()
        assert (call.outcome, call.status) == ("error", number)
        assert call.error is not None
        assert call.error.startswith("upstream.")


@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_inside_a_good_status_is_an_error(db: Database, tmp_path: Path, stream: bool) -> None:
    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.answer({"error": {"message": "no credits", "code": 402}})

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        reply = await served.chat(stream=stream)
        assert (reply.status, reply.error["message"]) == (402, "no credits")
        assert (await served.call()).outcome == "error"


async def test_a_provider_that_is_down_is_named(db: Database, tmp_path: Path) -> None:
    async with running(db, tmp_path, NOBODY) as served:
        reply = await served.chat()
        assert (reply.status, reply.error["code"]) == (502, "upstream.unreachable")
        assert "Up: Cannot reach 127.0.0.1:9" in reply.error["message"]
        call = await served.call()
        assert (call.outcome, call.error, call.status) == ("error", "upstream.unreachable", None)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("begun", [False, True])
async def test_a_stalled_upstream_times_out(db: Database, tmp_path: Path, stream: bool, begun: bool) -> None:
    """504 before anything was sent to the client; an error event in the stream after that."""

    async def converse(wire: Wire) -> None:
        await wire.request()
        if begun:
            await wire.begin_stream()
            await wire.event(chunk({"content": "hal"}))
            await wire.send(b'20\r\ndata: {"id": "x", "choi')
        await wire.until_closed()

    async with (
        told(converse) as upstream,
        running(db, tmp_path, upstream.url, first_byte_timeout_s=0.2, idle_timeout_s=0.2) as served,
    ):
        reply = await served.chat(stream=stream)
        if stream and begun:
            assert reply.status == 200
            assert [event.get("error", {}).get("code") for event in reply.events] == [None, "upstream.timeout"]
            assert b"[DONE]" not in reply.body
        else:
            assert (reply.status, reply.error["code"]) == (504, "upstream.timeout")
        await until(lambda: upstream.left == 1)
        assert (await served.call()).outcome == "timeout"


@pytest.mark.parametrize("how", ["reset", "end", "half", "garbage"])
async def test_a_broken_stream_is_never_a_clean_end(db: Database, tmp_path: Path, how: str) -> None:
    """What came whole is passed on; then an error event that clients raise; no event is invented or cut."""

    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.begin_stream()
        await wire.event(chunk({"content": "水"}))
        if how == "half":
            await wire.event(b'data: {"id": "x", "choices": [{"delta": {"content": "\xe6\xb0')
        if how in ("end", "half"):
            await wire.end_stream()
        elif how == "garbage":
            await wire.send(b"this is no chunk\r\n")
        else:
            wire.reset()

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        reply = await served.chat(stream=True)
        assert reply.complete
        first, last = reply.events
        assert first == chunk({"content": "水"})
        assert last["error"]["code"] in ("upstream.broke_off", "upstream.garbled")
        assert b"[DONE]" not in reply.body
        call = await served.call()
        assert call.outcome == "error"
        assert call.usage is not None
        assert call.usage.estimated
        assert call.reply is not None


@pytest.mark.parametrize("answer", [b"<html>hello</html>", b"[1]", b'{"choices": [', b""])
async def test_an_answer_that_is_no_answer_is_502(db: Database, tmp_path: Path, answer: bytes) -> None:
    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.answer(answer)

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        reply = await served.chat()
        assert (reply.status, reply.error["code"]) == (502, "upstream.garbled")
        assert (await served.call()).outcome == "error"


async def test_a_redirect_is_not_followed(db: Database, tmp_path: Path) -> None:
    """Our key would go along to wherever it points."""

    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.answer(b"", "302 Found", location="http://127.0.0.1:9/steal")

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        reply = await served.chat()
        assert (reply.status, reply.error["code"]) == (502, "upstream.redirected")


async def test_a_slow_upstream_is_bridged_by_comments(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both before its first byte and between events; the answer is whole all the same."""
    monkeypatch.setattr(exchange, "HEARTBEAT_S", 0.15)

    async def converse(wire: Wire) -> None:
        await wire.request()
        await asyncio.sleep(0.6)
        await wire.begin_stream()
        first, *rest = chunks(usage=False)
        await wire.event(first)
        await asyncio.sleep(0.6)
        for document in rest:
            await wire.event(document)
        await wire.end_stream()

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        reply = await served.chat(stream=True)
        before, _, after = reply.body.partition(b"data: ")
        assert before.count(b": waiting\n\n") >= 1
        assert after.count(b": waiting\n\n") >= 1
        assert reply.events == chunks(usage=False)
        assert (await served.call()).outcome == "ok"


async def test_an_error_after_the_first_comment_comes_inside_the_stream(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "HEARTBEAT_S", 0.1)

    async def converse(wire: Wire) -> None:
        await wire.request()
        await asyncio.sleep(0.6)
        await wire.answer({"error": {"message": "too late", "code": "x"}}, "429 Too Many")

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        reply = await served.chat(stream=True)
        assert reply.status == 200
        assert reply.events[-1]["error"]["message"] == "too late"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("begun", [False, True])
async def test_a_client_that_leaves_stops_the_upstream_within_a_second(
    db: Database, tmp_path: Path, stream: bool, begun: bool
) -> None:
    arrived = asyncio.Event()

    async def converse(wire: Wire) -> None:
        await wire.request()
        if begun:
            await wire.begin_stream()
            await wire.event(chunk({"content": "hal"}))
        arrived.set()
        await wire.until_closed()

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        body = json.dumps({"model": "up/m", "messages": MESSAGES, "stream": stream}).encode()
        writer.write(request("POST", "/v1/chat/completions", body, authorization=f"Bearer {served.key}"))
        await arrived.wait()
        if begun and stream:
            assert await next_event(reader) == chunk({"content": "hal"})
        left_at = time.monotonic()
        writer.transport.abort()
        await until(lambda: upstream.left == 1)
        assert time.monotonic() - left_at < 1
        await until(lambda: served.gateway.client.in_flight == 0)
        await until(lambda: not leftovers())
        call = await served.call()
        assert (call.outcome, call.error) == ("cancelled", "client.left")


async def test_two_hundred_that_leave_leave_nothing_behind(db: Database, tmp_path: Path) -> None:
    """No task, no connection, and a row for each."""

    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.begin_stream()
        await wire.event(chunk({"content": "hal"}))
        await wire.until_closed()

    async def leave(served: Running) -> None:
        reader, writer = await ask_stream(served)
        await next_event(reader)
        writer.transport.abort()

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        await served.chat(b"{")
        before = len(asyncio.all_tasks())
        await asyncio.gather(*(leave(served) for _ in range(200)))
        await until(lambda: upstream.left == 200)
        await until(lambda: len(asyncio.all_tasks()) <= before)
        assert served.gateway.client.open_connections == 0
        assert [call.outcome for call in await served.calls()] == ["cancelled"] * 200


def leftovers() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "client watcher"]


async def test_a_slow_reader_slows_its_own_upstream_only(db: Database, tmp_path: Path) -> None:
    """The gateway holds no more of a stream than fits its buffers, and other clients are answered meanwhile."""
    sent = 0

    async def converse(wire: Wire) -> None:
        nonlocal sent
        if not json.loads(await wire.request()).get("stream"):
            await wire.answer()
            return
        await wire.begin_stream()
        while True:
            await wire.event(chunk({"content": "x" * 20_000}))
            sent += 20_000

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        _, writer = await ask_stream(served)
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.2)
            assert (await served.chat()).status == 200
        assert sent < 32 * 1024 * 1024
        writer.transport.abort()
        await until(lambda: served.gateway.client.in_flight == 0)


async def test_concurrent_answers_are_each_their_own(db: Database, tmp_path: Path) -> None:
    """64 at once, whole and streamed, over connections that are used again."""

    async def converse(wire: Wire) -> None:
        while True:
            body = json.loads(await wire.request())
            words = body["messages"][0]["content"]
            if body.get("stream"):
                await wire.begin_stream()
                await wire.event(chunk({"content": words}))
                await wire.event(chunk({}, "stop"))
                await wire.event(b"data: [DONE]\n\n")
                await wire.end_stream()
            else:
                message = {"role": "assistant", "content": words}
                await wire.answer({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    async def ask(served: Running, number: int) -> None:
        words = f"number {number} " * (1 + number % 9)
        reply = await served.chat(messages=[{"role": "user", "content": words}], stream=number % 2 == 0)
        choice = (reply.events[0] if number % 2 == 0 else reply.json)["choices"][0]
        assert (choice.get("delta") or choice.get("message"))["content"] == words

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        for start in range(0, 512, 64):
            await asyncio.gather(*(ask(served, number) for number in range(start, start + 64)))
        assert upstream.connections <= 64
        assert len(await served.calls()) == 512


async def test_a_full_queue_refuses_new_requests_and_keeps_every_row(db: Database, tmp_path: Path) -> None:
    async with told(answering) as upstream, running(db, tmp_path, upstream.url) as served:
        served.gateway.recorder._max_rows = 0
        reply = await served.chat()
        assert (reply.status, reply.error["code"], reply.headers["retry-after"]) == (503, "gateway.busy", "1")
        served.gateway.recorder._max_rows = 10
        assert (await served.chat()).json == ANSWER
        assert len(await served.calls()) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_a_key_that_the_upstream_repeats_reaches_neither_client_nor_record(
    db: Database, tmp_path: Path, stream: bool
) -> None:
    """Not even when it comes in two pieces."""
    words = 'you sent "sk-upstream", right?'

    async def converse(wire: Wire) -> None:
        await wire.request()
        if stream:
            await wire.begin_stream()
            data = b"data: " + json.dumps(chunk({"content": words}, "stop")).encode() + b"\n\ndata: [DONE]\n\n"
            at = data.index(b"upstream")
            await wire.event(data[:at])
            await wire.event(data[at:])
            await wire.end_stream()
        else:
            await wire.answer(
                {"choices": [{"index": 0, "message": {"role": "assistant", "content": words}, "finish_reason": "stop"}]}
            )

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        reply = await served.chat(stream=stream)
        assert reply.status == 200
        assert b"[key]" in reply.body
        assert b"sk-upstream" not in reply.body
        call = await served.call()
        assert call.outcome == "ok"
        (kept,) = (await get_bodies(db, [call.reply or ""], [call.id])).values()
        assert b"[key]" in kept
        assert b"sk-upstream" not in kept


@pytest.mark.parametrize(
    "name",
    [
        "up/\u202eevil",
        "up/𠀀\u200b",
        "up/nul\0",
        "up/line\nbreak\x1b[31m",
        "up/" + "x" * 5000,
        "up/a/b:c?d#e%20",
        "up/'; DROP TABLE calls; --",
    ],
)
async def test_odd_names_of_models_pass_and_are_recorded(database: Database, tmp_path: Path, name: str) -> None:
    """Nothing is gated on a model's name, and no name breaks a row, a header or a log line."""
    async with told(answering) as upstream, running(database, tmp_path, upstream.url) as served:
        assert (await served.chat(model=name)).status == 200
        assert json.loads(upstream.requests[0][1])["model"] == name.removeprefix("up/")
        assert (await served.call()).asked == name.replace("\0", "␀")


@pytest.mark.parametrize(
    "messages",
    [[{"role": "user", "content": "水" * 3_500_000}], [{"role": "user", "content": "m"}] * 100_000],
    ids=["ten megabytes", "a hundred thousand messages"],
)
async def test_large_prompts_pass(db: Database, tmp_path: Path, messages: Any) -> None:
    async with told(answering, limit=1 << 26) as upstream, running(db, tmp_path, upstream.url) as served:
        assert (await served.chat(messages=messages)).status == 200
        assert json.loads(upstream.requests[0][1])["messages"] == messages
        assert (await served.call()).request is not None
