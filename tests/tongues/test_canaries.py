"""Secrets stay where they belong, whatever protocol a client and a provider speak.

A provider key, a gateway key, a prompt and a reply, each with a canary in it, go through every error path of a real server that
logs at DEBUG, in each of the four protocols, before a provider that repeats all that it is told. Then everything that the
server left behind is searched, and whatever it answered.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.canaries import dump, found
from tests.cli.command import command
from tests.tongues.process import Process, running_process
from tests.tongues.raw import Heard, ask, body_of, connect, key_header, path_of
from tests.tongues.rig import PAIRS, PROTOCOLS, deployment
from tests.upstream import ScriptedUpstream
from tests.upstream.places import Place
from tests.upstream.provider import Provider, Said
from tests.upstream.rules.http import key_of
from tests.upstream.script import Answer, Calls, Says, Script, Status, Thinks

PROVIDER_KEY = 'sk-canary-provider/"4f9c2ab17d\\x'
PROMPT = 'canary prompt "quoted" 金絲雀 7b1e55'
REPLY = 'canary reply "quoted" 回覆 90cc1f'
THOUGHT = "canary thought 51d2aa"
DATABASE = "postgresql://canary:canary-database-password-77a1@127.0.0.1:1/assay"
STATUSES = (400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 529)

SCRIPTS: dict[str, Script] = {
    "fine": lambda asked: Answer([Thinks([THOUGHT]), Says([REPLY])]),
    "fine-tool": lambda asked: Answer([Thinks([THOUGHT]), Calls("weather", [json.dumps({"city": REPLY})], "c1")], finish="tools"),
    "cut": lambda asked: Answer([Says([REPLY, REPLY])], fault="cut"),
    "mid-error": lambda asked: Answer([Says([REPLY, REPLY])], fault="error"),
    "stall": lambda asked: Answer([Says([REPLY, REPLY])], fault="stall"),
    "silent": lambda asked: Answer([], headers_after_s=3600),
}


class Careless(Provider):
    """Fails in the way that the model's name says, and repeats its key and the question."""

    def _decide(self, place: Place | None, method: str, path: str, headers: list[tuple[str, str]], body: bytes, key: str | None) -> Said | Status:  # fmt: skip
        given = key_of(place.protocol, headers, place.query) if place else None
        echo = f"{given} said {body.decode()} in {REPLY}"
        if place is None or place.operation == "models":
            return Status(401, f"bad key {given}")
        model = place.model or json.loads(body)["model"]
        if model.isdigit():
            return Status(int(model), echo)
        if model == "garbage":
            return Status(200, body=echo.encode(), headers={"content-type": "text/plain"})
        if model == "broken-json":
            return Status(200, body=json.dumps({"error": echo})[:-2].encode())
        if model == "bad-chunk":
            return Status(200, body=b"data: {" + echo.encode() + b"\n\n", headers={"content-type": "text/event-stream"})
        if model == "fine-after-all" or place.operation == "count":
            return Status(500, echo)
        said = super()._decide(place, method, path, headers, body, key)
        if isinstance(said, Said):
            said.failure = said.failure.replace(b"scripted overload", json.dumps(echo)[1:-1].encode())
        return said


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    server = ScriptedUpstream(scripts=SCRIPTS, key=None)
    server.provider = Careless(server.scripts, server.complaints)
    with server:
        yield server


ENVIRON = {"ASSAY_FIRST_BYTE_TIMEOUT_S": "2", "ASSAY_IDLE_TIMEOUT_S": "1", "ASSAY_MAX_BODY_BYTES": "100000"}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Process]:
    with running_process(tmp_path_factory.mktemp("canaries"), upstream.root, PROVIDER_KEY, ENVIRON) as process:
        yield process


MODELS = ("garbage", "broken-json", "bad-chunk", "cut", "mid-error", "stall", "silent", *map(str, STATUSES))
LISTS = {"openai_chat": "messages", "openai_responses": "input", "anthropic": "messages", "gemini": "contents"}


async def _provoke(process: Process) -> dict[tuple[str, ...], Heard]:
    """Every error path, over every pair where the pair matters, with what was answered."""
    answers: dict[tuple[str, ...], Heard] = {}
    for client, to in PAIRS:  # the upstream makes its rules when it is first asked, which takes a while
        await ask(process, client, deployment(to, "fine"), words=PROMPT, tools=True)
    for model in MODELS:
        paths = [(client, to, stream) for client, to in PAIRS for stream in (False, True)]
        asked = [ask(process, client, deployment(to, model), stream=stream, words=PROMPT) for client, to, stream in paths]
        for (client, to, stream), heard in zip(paths, await asyncio.gather(*asked), strict=True):
            answers[client, to, model, "streamed" if stream else "whole"] = heard
    for client in PROTOCOLS:
        async for name, heard in _wrong_requests(process, client):
            answers[client, name] = heard
    return answers


async def _wrong_requests(process: Process, client: str) -> AsyncIterator[tuple[str, Heard]]:
    """What a client of the protocol can do wrong by itself."""
    model = deployment(client, "fine")
    body = json.dumps(body_of(client, model, words=PROMPT)).encode()
    for name, key in {"a wrong key": process.key[:-4] + "xxxx", "the provider's key": PROVIDER_KEY, "no key": ""}.items():
        yield name, await ask(process, client, model, body=body, keys=key_header(client, key))
    yield "a key of another scheme", await ask(process, client, model, body=body, keys=[("authorization", f"Basic {process.key}")])
    nowhere = {"gemini": f"/v1beta/models/{quote(PROMPT)}:no"}.get(client) or f"{path_of(client, '', stream=False)}/{quote(PROMPT)}"
    yield "a path that there is not", await ask(process, client, model, body=body, path=f"{nowhere}?key={process.key}")
    nobody = f"nobody/{PROMPT}"
    where = path_of(client, quote(nobody), stream=False) if client == "gemini" else None
    yield "a model that there is not", await ask(process, client, nobody, body=body_of(client, nobody), path=where)
    wrong: dict[str, Any] = {
        "JSON that breaks off": body[:-3],
        "bytes that are no UTF-8": body.replace(b"canary", b"canary \xff\xfe", 1),
        "too much": body[:-1] + b',"x":"' + PROMPT.encode() * 5000 + b'"}',
        "too deep": body[:-1] + b',"x":' + b"[" * 5000 + b"]" * 5000 + b"}",
        "a list where an object is due": [PROMPT],
        "no conversation": {"model": model, "x": PROMPT},
        "words where an object is due": json.loads(body) | {LISTS[client]: [[PROMPT]]},
        "tools that are none": json.loads(body) | {"tools": [PROMPT]},
    }
    other = deployment(PROTOCOLS[(PROTOCOLS.index(client) + 1) % 4], "fine")
    for name, value in wrong.items():
        yield name, await ask(process, client, other, body=value if isinstance(value, bytes) else json.dumps(value).encode())
    yield "a client that leaves", await _leave(process, client, body)
    if client != "openai_chat":
        path = {"openai_responses": "/v1/responses/input_tokens", "anthropic": "/v1/messages/count_tokens"}.get(client)
        gemini = path_of(client, model, stream=False).replace("generateContent", "countTokens")
        yield "a count that fails", await ask(process, client, model, body=body, path=path or gemini)
    else:
        for path in ("embeddings", "images/generations", "audio/speech"):
            asked = {"model": "chat/500", "input": PROMPT, "prompt": PROMPT, "voice": "alloy"}
            yield path, await ask(process, client, "chat/500", body=asked, path=f"/v1/{path}")


async def _leave(process: Process, client: str, body: bytes) -> Heard:
    _, writer = await connect(process)
    silent = deployment(client, "silent")
    body = body.replace(b"/fine", b"/silent")
    head = "".join(f"{name}: {value}\r\n" for name, value in key_header(client, process.key))
    writer.write(
        f"POST {path_of(client, silent, stream=True)} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n{head}\r\n".encode()
        + body
    )
    await writer.drain()
    writer.transport.abort()
    return Heard(client, 499)


@pytest.fixture(scope="module")
def after_all(process: Process) -> tuple[Process, dict[tuple[str, ...], Heard]]:
    """The server after every error path, and after answers that went well."""
    answers = asyncio.run(_provoke(process))
    for client, to in PAIRS:
        for model in ("fine", "fine-tool"):
            heard = asyncio.run(ask(process, client, deployment(to, model), words=PROMPT, tools=True))
            assert REPLY in heard.text + heard.arguments.encode().decode("unicode-escape", "ignore") or heard.arguments, heard
    return process, answers


def _keys(process: Process) -> dict[str, str]:
    cookie = process.assay.cookie.partition("=")[2]
    return {
        "provider key": PROVIDER_KEY,
        "gateway key": process.key,
        "gateway key's secret": process.key[-30:],
        "cookie": cookie,
        "master key": (process.assay.folder / "secret" / "master.key").read_bytes().hex(),
    }


def _secrets(process: Process) -> dict[str, str]:
    return _keys(process) | {"prompt": PROMPT, "reply": REPLY, "thought": THOUGHT}


def test_every_path_is_an_error_in_the_clients_protocol(after_all: tuple[Process, dict[tuple[str, ...], Heard]]) -> None:
    _, answers = after_all
    assert len(answers) >= 30 * len(PROTOCOLS)
    for name, heard in answers.items():
        assert heard.status != 504 or name[2] in ("silent", "stall"), "the server was asked more than it can answer in time"
        if name[:-2] in [(protocol, protocol) for protocol in PROTOCOLS] and name[-2:] == ("bad-chunk", "streamed"):
            assert b"upstream.broke_off" in heard.body, "what is no JSON passes as it was sent, and ours follows it"
            continue
        assert not heard.ended_well, (name, heard)
        assert heard.status == 499 or heard.error is not None, (name, heard)


def test_no_answer_shows_a_key(after_all: tuple[Process, dict[tuple[str, ...], Heard]]) -> None:
    process, answers = after_all
    for name, heard in answers.items():
        assert found(_keys(process), heard.body + json.dumps(heard.headers).encode()) == [], (name, heard)


def test_nothing_secret_is_logged_even_at_debug(after_all: tuple[Process, dict[tuple[str, ...], Heard]]) -> None:
    process, _ = after_all
    assert b"DEBUG" in process.log
    assert found(_secrets(process), process.log) == []


def test_no_key_is_in_the_data_folder_in_clear(after_all: tuple[Process, dict[tuple[str, ...], Heard]]) -> None:
    process, _ = after_all
    for path in (process.assay.folder / "data").rglob("*"):
        if path.is_file():
            assert found(_keys(process), path.read_bytes()) == [], path


def test_what_was_said_is_stored_as_bodies_and_nowhere_else(after_all: tuple[Process, dict[tuple[str, ...], Heard]]) -> None:
    process, _ = after_all
    rest, bodies = dump(process.assay.folder / "data" / "assay.db")
    assert found(_secrets(process), rest) == []
    assert bodies > 0


def test_no_page_and_no_command_shows_a_secret(after_all: tuple[Process, dict[tuple[str, ...], Heard]]) -> None:
    process, _ = after_all
    for path in (
        "/",
        "/traffic",
        "/api/v1/calls?limit=500",
        "/api/v1/providers",
        "/api/v1/keys",
        "/api/v1/models",
        "/api/v1/session",
    ):
        reply = process.assay.ask("GET", path)
        assert reply.status == 200, path
        assert found(_secrets(process), reply.body + json.dumps(reply.headers).encode()) == [], path
    for call in process.assay.ask("GET", "/api/v1/calls?limit=50").json["calls"]:
        shown = process.assay.ask("GET", f"/api/v1/calls/{call['id']}")
        assert found(_keys(process), shown.body) == [], call


@pytest.mark.parametrize(
    "words",
    ["doctor", "doctor --json", "config show --json", "config show", "provider list", "key list --json", "model list"],
)
def test_what_people_paste_into_reports_holds_no_secret(
    after_all: tuple[Process, dict[tuple[str, ...], Heard]], words: str
) -> None:
    process, _ = after_all
    environ = ENVIRON | {f"CANARY_{name}": PROVIDER_KEY for name in ("CHAT", "RESPONSES", "ANTHROPIC", "GEMINI")}
    if words in ("doctor --json", "config show"):
        environ["ASSAY_DATABASE"] = DATABASE
    done = command(process.assay.folder, *words.split(), environ=environ)
    assert done.out
    assert found(_secrets(process) | {"database's password": "canary-database-password-77a1"}, (done.out + done.err).encode()) == []
