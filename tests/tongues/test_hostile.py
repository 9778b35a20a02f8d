"""What a hostile client or model sends, in all four protocols: bombs, odd text, and text that wants to be more than text."""

from __future__ import annotations

import asyncio
import functools
import gzip
import json
import re
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.store import Database
from assay.store.queries import get_bodies
from tests.cli.command import command
from tests.gateway.rig import answering, running, told
from tests.tongues.process import Process, running_process
from tests.tongues.raw import TOOL, Heard, ask, body_of, connect, hear, key_header, path_of
from tests.tongues.rig import PAIRS, PROTOCOLS, deployment
from tests.upstream import ScriptedUpstream
from tests.upstream.script import Answer, Calls, Refuses, Says, Script, Status, Thinks, says
from tests.upstream.scripts import GREETING, INJECTION

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024
LIMIT = 32 * MIB
MOST_MEMORY = 768 * MIB
"""Of the server after all bombs: a body of 32 MiB, held twice, is by far the most that it may read."""

EVIL = 'evil\r\nx-evil: 1\r\n\r\n{"role":"\x1b[31mred\x1b]0;title\x07\u009b2J\u202e'
LISTS = {"openai_chat": "messages", "openai_responses": "input", "anthropic": "messages", "gemini": "contents"}


def evil_error(*_: object) -> Status:
    return Status(418, EVIL, "evil\r\ncode", headers={"retry-after": "5\xff", "x-request-id": "\x9b31mred" * 99})


SCRIPTS: dict[str, Script] = {
    "evil-head": lambda asked: Status(429, "evil", headers={"retry-after": "5\x1b[1m"}),
    "evil": evil_error,
    "evil-words": lambda asked: says(EVIL),
    "inject-all": lambda asked: Answer(
        [Thinks([INJECTION]), Says([INJECTION]), Calls("weather", ['{"city":', json.dumps(INJECTION), "}"], "c1")], finish="tools"
    ),
    "inject-refusal": lambda asked: Answer([Refuses([INJECTION])], finish="refusal"),
    "inject-error": lambda asked: Status(400, INJECTION, INJECTION),
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(scripts=SCRIPTS) as server:
        yield server


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Process]:
    with running_process(tmp_path_factory.mktemp("hostile"), upstream.root, upstream.key or "") as process:
        yield process
        assert b" ERROR " not in process.log, process.log.decode()


# Bombs


def _deep(depth: int) -> bytes:
    return b'{"a":' * (depth // 2) + b"[" * (depth // 2) + b"]" * (depth // 2) + b"}" * (depth // 2)


def _with(protocol: str, model: str, field: str, value: bytes) -> bytes:
    return json.dumps(body_of(protocol, model)).encode()[:-1] + f',"{field}":'.encode() + value + b"}"


def _many(protocol: str, model: str, count: int) -> bytes:
    one = json.dumps(body_of(protocol, model, words="x")[LISTS[protocol]][0], separators=(",", ":")).encode()
    return _with(protocol, model, LISTS[protocol], b"[" + b",".join([one] * count) + b"]")


Bomb = Callable[[str, str], bytes]
BOMBS: dict[str, Bomb] = {
    "a hundred thousand levels in an unknown field": lambda protocol, model: _with(protocol, model, "x", _deep(100_000)),
    "a hundred thousand levels in the conversation": lambda protocol, model: _with(
        protocol, model, LISTS[protocol], _deep(100_000)
    ),
    "a hundred thousand levels in the tools": lambda protocol, model: _with(protocol, model, "tools", _deep(100_000)),
    "a million messages": lambda protocol, model: _many(protocol, model, 1_000_000 if protocol != "gemini" else 500_000),
    "a hundred thousand and one messages": lambda protocol, model: _many(protocol, model, 100_001),
    "ten million lists": lambda protocol, model: _with(protocol, model, "x", b"[" + b"[]," * 10_000_000 + b"1]"),
    "no end": lambda protocol, model: json.dumps(body_of(protocol, model)).encode()[:-1],
    "NaN": lambda protocol, model: _with(protocol, model, "x", b"NaN"),
    "infinity": lambda protocol, model: _with(protocol, model, "x", b"-Infinity"),
    "half of a surrogate pair as a byte": lambda protocol, model: _with(protocol, model, "x", b'"\xed\xa0\x80"'),
    "bytes that are no UTF-8": lambda protocol, model: _with(protocol, model, "x", b'"\xff\xfe"'),
    "an overlong NUL": lambda protocol, model: _with(protocol, model, "x", b'"\xc0\x80"'),
}
REFUSED = (400, 413)


@pytest.mark.parametrize("client", PROTOCOLS)
@pytest.mark.parametrize("bomb", list(BOMBS.values()), ids=list(BOMBS))
async def test_a_bomb_is_refused_in_the_clients_own_protocol(process: Process, client: str, bomb: Bomb) -> None:
    for upstream in (client, PROTOCOLS[(PROTOCOLS.index(client) + 1) % 4]):
        model = deployment(upstream, "text")
        heard = await ask(process, client, model, body=bomb(client, model))
        assert heard.status in REFUSED, heard
        assert heard.error is not None
        assert len(heard.body) < 1000, "the error does not repeat what was sent"


async def test_large_numbers_and_twice_given_fields_are_read_or_refused(process: Process, upstream: ScriptedUpstream) -> None:
    for client, to in PAIRS:
        model = deployment(to, "text")
        for field, value in (
            ("max_tokens", b"9" * 5000),
            ("temperature", b"1e999"),
            ("x", b"9" * 400),
            ("top_k", b"-" + b"9" * 30),
        ):
            heard = await ask(process, client, model, body=_with(client, model, field, value))
            assert heard.status in (200, 400), (client, to, field, heard)
        body = _with(client, model, LISTS[client], json.dumps(body_of(client, model, words="the last")[LISTS[client]]).encode())
        heard = await ask(process, client, deployment(to, "echo"), body=body.replace(b"/text", b"/echo"))
        assert heard.text == "the last", (client, to, heard)


@pytest.mark.parametrize("client", PROTOCOLS)
async def test_a_body_that_is_too_large_is_refused_announced_or_not(process: Process, client: str) -> None:
    announced = await _send_head(process, client, [("content-length", str(100 * MIB))], b"")
    assert (announced.status, announced.error is not None) == (413, True)
    piece = b"%x\r\n%b\r\n" % (MIB, b" " * MIB)
    in_chunks = await _send_head(process, client, [("transfer-encoding", "chunked")], piece, times=100)
    assert (in_chunks.status, in_chunks.error is not None) == (413, True)


@functools.cache
def compressed() -> dict[str, bytes]:
    """A hundred megabytes of nothing; for two that Python has no library for, the beginning of something."""
    nothing = bytes(100 * MIB)
    return {
        "gzip": gzip.compress(nothing, 1),
        "deflate": zlib.compress(nothing, 1),
        "br": b"\xcf\xff\xff\x7f",
        "zstd": b"(\xb5/\xfd",
    }


@pytest.mark.parametrize("client", PROTOCOLS)
async def test_a_compressed_body_is_refused_before_it_is_unpacked(process: Process, client: str) -> None:
    for kind, bomb in compressed().items():
        heard = await ask(process, client, deployment(client, "text"), body=bomb, headers=[("content-encoding", kind)])
        assert heard.status == 400, (kind, heard)
        assert heard.error is not None
        assert kind in heard.error["message"]


async def _send_head(process: Process, client: str, headers: list[tuple[str, str]], piece: bytes, *, times: int = 0) -> Heard:
    """A head, and then so many pieces of a body as the server takes."""
    reader, writer = await connect(process)
    sent = [("host", "assay"), ("content-type", "application/json"), *key_header(client, process.key), *headers]
    head = "".join(f"{name}: {value}\r\n" for name, value in sent)
    writer.write(f"POST {path_of(client, 'chat/text', stream=False)} HTTP/1.1\r\n{head}\r\n".encode())
    hearing = asyncio.create_task(hear(reader, client))
    try:
        for _ in range(times):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass
    async with asyncio.timeout(20):
        heard = await hearing
    writer.transport.abort()
    return heard


@pytest.mark.parametrize("client", PROTOCOLS)
async def test_a_prompt_of_ten_megabytes_passes(process: Process, upstream: ScriptedUpstream, client: str) -> None:
    words = "水" * (10 * MIB // 3)
    heard = await ask(process, client, deployment(PROTOCOLS[(PROTOCOLS.index(client) + 1) % 4], "text"), words=words)
    assert (heard.status, heard.text) == (200, GREETING)
    assert words in upstream.last.body.decode()


@pytest.mark.timeout(120)
async def test_others_are_answered_while_a_huge_conversation_is_translated(process: Process) -> None:
    huge = _many("gemini", "responses/text", 20_000)
    translating = asyncio.create_task(ask(process, "gemini", "responses/text", body=huge))
    answered = 0
    while not translating.done():
        assert (await ask(process, "openai_chat", "chat/text")).status == 200
        answered += 1
    assert (await translating).status == 200
    assert answered > 5


async def test_after_all_that_the_server_answers_and_is_no_larger_than_it_may_be(process: Process) -> None:
    for client in PROTOCOLS:
        assert (await ask(process, client, "chat/text")).text == GREETING
    assert process.most_memory_bytes < MOST_MEMORY


@pytest.mark.prove
async def test_bombs_are_refused_within_a_tenth_of_a_second(process: Process) -> None:
    """From the last byte that is sent; the best of ten, since cores are shared."""
    for client in PROTOCOLS:
        for name, bomb in BOMBS.items():
            body = bomb(client, "chat/text")
            assert min([await _time_to_refuse(process, client, body) for _ in range(10)]) < 0.1, (client, name)


async def _time_to_refuse(process: Process, client: str, body: bytes) -> float:
    reader, writer = await connect(process)
    sent = [("host", "assay"), ("content-length", str(len(body))), *key_header(client, process.key)]
    head = "".join(f"{name}: {value}\r\n" for name, value in sent)
    writer.write(f"POST {path_of(client, 'chat/text', stream=False)} HTTP/1.1\r\n{head}\r\n".encode() + body[:-1])
    await writer.drain()
    started = time.monotonic()
    writer.write(body[-1:])
    heard = await hear(reader, client)
    took = time.monotonic() - started
    assert heard.status in REFUSED
    writer.transport.abort()
    return took


# Odd text

ODD = "NUL:\0 bidi:\u202eevil\u202c isolate:\u2066x\u2069 zero:\u200b\u200d\ufeff CJK:\U00020000\U0003134a 👩\u200d🔬 \x7f\u0085 \ufffe\uffff e\u0301"


@pytest.mark.parametrize(("client", "to"), PAIRS)
async def test_odd_text_comes_back_as_it_was_sent(process: Process, client: str, to: str) -> None:
    for stream in (False, True):
        for escaped in (False, True):
            body = json.dumps(body_of(client, deployment(to, "echo"), words=ODD, stream=stream), ensure_ascii=escaped).encode()
            heard = await ask(process, client, deployment(to, "echo"), stream=stream, body=body)
            assert (heard.status, heard.text) == (200, ODD), heard


@pytest.mark.parametrize(("client", "to"), PAIRS)
async def test_half_of_a_surrogate_pair_is_refused_and_never_changed(process: Process, client: str, to: str) -> None:
    """It is no character: no protocol's JSON can hold it. What is passed on unread, the upstream refuses."""
    for half in ("\\ud800", "\\udc00x", "\\ud83d\\ud83d"):
        body = json.dumps(body_of(client, deployment(to, "echo"), words="HALF")).encode().replace(b"HALF", half.encode())
        heard = await ask(process, client, deployment(to, "echo"), body=body)
        assert heard.status in (200, 400), heard
        assert "\N{REPLACEMENT CHARACTER}" not in heard.body.decode()


@pytest.mark.parametrize("client", PROTOCOLS)
@pytest.mark.parametrize("key", ["\udcff\udcfe", "ask-\u202e", "ask-1\t2", "", "ask-" + "x" * 8000, "ключ"])
async def test_an_odd_key_is_a_wrong_key(process: Process, client: str, key: str) -> None:
    heard = await ask(process, client, "chat/text", keys=key_header(client, key))
    assert heard.status == 401, heard
    assert heard.error is not None


async def test_odd_text_is_kept_as_it_was_in_both_databases(database: Database, tmp_path: Path) -> None:
    async with told(answering) as upstream, running(database, tmp_path, upstream.url) as served:
        reply = await served.chat(messages=[{"role": "user", "content": ODD}], user=ODD)
        assert reply.status == 200
        call = await served.call()
        assert call.request is not None
        kept = (await get_bodies(database, [call.request], [call.id]))[call.request]
        assert ODD.replace("\0", "\\u0000") in json.dumps(json.loads(kept), ensure_ascii=False)


# Text that wants to be more than text

NAMES = re.compile(r"event: (error|ping|message_(start|delta|stop)|content_block_(start|delta|stop)|response\.[a-z_.]+)")


@pytest.mark.parametrize(("client", "to"), PAIRS)
@pytest.mark.parametrize("model", ["inject-all", "inject-refusal", "injection", "inject-error"])
async def test_what_looks_like_events_stays_inside_of_one_data_field(process: Process, client: str, to: str, model: str) -> None:
    heard = await ask(process, client, deployment(to, model), stream=True, tools=True)
    lines = heard.body.decode().replace("\r\n", "\n").split("\n")
    if heard.is_stream:
        ends = [line for line in lines if line in ("data: [DONE]", "event: message_stop")]
        assert len(ends) <= 1
        for line in lines:
            assert not line or line.startswith("data: ") or NAMES.fullmatch(line), line
    if model == "inject-error":
        assert heard.error is not None
        assert INJECTION in heard.error["message"]
    elif model != "inject-refusal":
        assert heard.text == INJECTION
    if model == "inject-all":
        assert json.loads(heard.arguments) == {"city": INJECTION}


@pytest.mark.parametrize(("client", "to"), PAIRS)
async def test_nothing_of_a_request_or_an_answer_breaks_out_of_its_header(process: Process, client: str, to: str) -> None:
    """Names of models, words of errors, and what is listed as lost."""
    agents = [("user-agent", "\x9b31mred"), ("x-app", "\x9b2J")]
    refused = await ask(process, client, deployment(to, "evil"), headers=agents)
    assert refused.status == 418, refused
    assert refused.error is not None
    assert EVIL in refused.error["message"]
    unknown = await ask(process, client, deployment(to, EVIL), headers=agents, path=_path_with(client, deployment(to, EVIL)))
    assert unknown.status in (400, 404), unknown
    nobody = await ask(process, client, EVIL, path=_path_with(client, EVIL))
    assert nobody.status == 404, nobody
    lossy = await ask(process, client, deployment(to, "text"), body=_lossy(client, deployment(to, "text")))
    assert lossy.status in (200, 400), lossy
    garbled = await ask(process, client, deployment(to, "evil-head"))
    assert garbled.status == 502, garbled
    for heard in (refused, unknown, nobody, lossy, garbled):
        assert heard.header("x-evil") is None
        for name, value in heard.headers:
            assert re.fullmatch(r"[a-z-]+", name), heard.headers
            assert re.fullmatch(r"[\t\x20-\x7e]*", value), heard.headers


def _path_with(client: str, model: str) -> str:
    """A path may hold anything, percent-encoded."""
    if client != "gemini":
        return path_of(client, "", stream=False)
    return "/v1beta/models/" + "".join(f"%{byte:02x}" for byte in model.encode()) + ":generateContent"


def _lossy(client: str, model: str) -> dict[str, Any]:
    """Fields and tools that another protocol cannot have, with hostile names."""
    body = body_of(client, model) | {EVIL: 1, f"x_{EVIL}": 2}
    if client == "openai_responses":
        return body | {"tools": [{"type": EVIL}]}
    if client == "anthropic":
        return body | {"tools": [{"type": EVIL, "name": "x"}]}
    if client == "gemini":
        return body | {"tools": [{EVIL: {}}]}
    return body | {"tools": [{"type": "function", "function": {**TOOL, EVIL: 1}}]}


async def test_logs_are_lines_without_control_characters_whatever_was_sent(process: Process) -> None:
    for client in PROTOCOLS:
        await ask(process, client, EVIL, path=_path_with(client, EVIL), headers=[("user-agent", "\x1b[31mred")])
        await ask(process, client, deployment(client, "evil"), headers=[("user-agent", "\x1b[31mred")])
    lines = process.log.decode().split("\n")
    assert any(" DEBUG " in line for line in lines)
    for line in lines[:-1]:
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ [\w.]+ ", line), line
        assert line.isprintable(), line
        assert "evil" not in line


@pytest.mark.parametrize("model", ["chat/evil", "chat/evil-words", "gemini/evil", "anthropic/evil-words", EVIL.replace("\0", "")])
def test_the_command_line_shows_control_characters_instead_of_obeying_them(process: Process, model: str) -> None:
    """What a provider or a model says, as a person sees it in a terminal."""
    done = command(process.assay.folder, "chat", model, "--message", "Go on.")
    said = done.out + done.err
    assert (done.code == 0) is model.endswith("words"), done
    assert "evil" in said
    for line in said.splitlines():
        assert line.isprintable(), done
