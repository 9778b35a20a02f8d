"""Secrets stay where they belong.

A provider key, a gateway key, a prompt and a reply, each with a canary in it, go through more than thirty error paths of a
real server that logs at DEBUG. Then everything that the server left behind is searched, raw, in base64 and JSON-escaped.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.canaries import dump, found
from tests.server import RunningAssay, running

PROVIDER_KEY = 'sk-canary-provider/"é-4f9c2ab17d'
PROMPT = 'canary prompt "quoted" 金絲雀 7b1e55'
REPLY = 'canary reply "quoted" 回覆 90cc1f'


class _Upstream(BaseHTTPRequestHandler):
    """Fails in the way that the model's name says, and repeats all it was told, as careless providers do."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(401, {"error": {"message": f"bad key {self.headers['authorization']}"}})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        echo = f"{self.headers['authorization']} said {asked['messages'][-1]['content']}"
        match asked["model"]:
            case "garbage":
                self._send(200, "text/plain", f"{REPLY} {echo}".encode())
            case "broken-json":
                self._send(200, "application/json", f'{{"choices": [{{"message": {{"content": "{REPLY}'.encode())
            case "cut":
                self._stream([_chunk(REPLY)], tail=b"")
            case "mid-error":
                self._stream([_chunk(REPLY), b"data: " + json.dumps({"error": {"message": echo}}).encode() + b"\n\n"])
            case "bad-chunk":
                self._stream([_chunk(REPLY), b"data: {" + REPLY.encode() + b"\n\n"])
            case "silent":
                self.connection.recv(1)
            case "fine":
                self._answer(
                    200,
                    {
                        "id": "1",
                        "choices": [{"index": 0, "message": {"role": "assistant", "content": REPLY}, "finish_reason": "stop"}],
                    },
                )
            case status:
                self._answer(int(status), {"error": {"message": echo, "type": "x", "code": None}})

    def _answer(self, status: int, body: Any) -> None:
        self._send(status, "application/json", json.dumps(body).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, chunks: list[bytes], tail: bytes = b"0\r\n\r\n") -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self.wfile.write(tail)
        self.close_connection = True


def _chunk(text: str) -> bytes:
    return (
        b"data: "
        + json.dumps({"id": "1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}}]}).encode()
        + b"\n\n"
    )


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Upstream) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()


@pytest.fixture(scope="module")
def assay(tmp_path_factory: pytest.TempPathFactory, upstream: str) -> Iterator[RunningAssay]:
    environ = {
        "ASSAY_LOG_LEVEL": "DEBUG",
        "ASSAY_FIRST_BYTE_TIMEOUT_S": "1",
        "ASSAY_MAX_BODY_BYTES": "100000",
        "DEEPSEEK_API_KEY": PROVIDER_KEY.encode("ascii", "ignore").decode(),
    }
    with running(tmp_path_factory.mktemp("canaries"), "--demo", environ=environ) as server:
        server.sign_in()
        for name, address in {"careless": upstream, "gone": f"http://127.0.0.1:{_closed_port()}/v1"}.items():
            made = server.ask(
                "POST", "/api/v1/providers", {"name": name, "title": name, "base_url": address, "key": _ascii(PROVIDER_KEY)}
            )
            assert made.status < 300, made
        yield server


def _ascii(text: str) -> str:
    return text.encode("ascii", "ignore").decode()


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ask(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": PROMPT}], **more}


def _leave_early(assay: RunningAssay) -> int:
    """Ask a silent upstream, and go away."""
    connection = http.client.HTTPConnection(urlsplit(assay.url).netloc, timeout=5)
    connection.request(
        "POST",
        "/v1/chat/completions",
        json.dumps(_ask("careless/silent", stream=True)),
        {"authorization": f"Bearer {assay.gateway_key}"},
    )
    connection.close()
    return 499


def _deep(assay: RunningAssay) -> int:
    body = (
        b'{"model":"careless/fine","messages":[{"role":"user","content":"'
        + PROMPT.replace('"', "'").encode()
        + b'","x":'
        + b"[" * 5000
        + b"]" * 5000
        + b"}]}"
    )
    return assay.chat(body).status


def _forged_vote(assay: RunningAssay) -> int:
    return assay.ask(
        "POST", "/api/v1/battles/01a2018b-4440-735b-91b4-43c0b7cae0c2/vote", {"choice": "a", "token": assay.gateway_key}
    ).status


def _asks(model: str, assay: RunningAssay) -> int:
    return assay.chat(_ask(model)).status


STATUSES = (400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 529)
PATHS: dict[str, Callable[[RunningAssay], int]] = {
    "wrong key": lambda assay: assay.chat(_ask("careless/fine"), key=assay.gateway_key[:-4] + "xxxx").status,
    "provider's key as gateway key": lambda assay: assay.chat(_ask("careless/fine"), key=_ascii(PROVIDER_KEY)).status,
    "no key": lambda assay: assay.ask("POST", "/v1/chat/completions", _ask("careless/fine")).status,
    "basic auth": lambda assay: assay.ask("GET", "/v1/models", headers={"authorization": f"Basic {assay.gateway_key}"}).status,
    "key in the address": lambda assay: assay.ask("GET", f"/v1/models/nobody?key={assay.gateway_key}").status,
    "unknown path": lambda assay: (
        assay.ask("GET", f"/v1/{quote(PROMPT)}", headers={"authorization": f"Bearer {assay.gateway_key}"}).status
    ),
    "unknown model": lambda assay: assay.chat(_ask(f"nobody/{PROMPT}")).status,
    "broken JSON": lambda assay: assay.chat(json.dumps(_ask("careless/fine")).encode()[:-3]).status,
    "invalid UTF-8": lambda assay: (
        assay.chat(json.dumps(_ask("careless/fine"), ensure_ascii=False).encode().replace("金".encode(), b"\xff\xfe")).status
    ),
    "no messages": lambda assay: assay.chat({"model": PROMPT}).status,
    "model is no text": lambda assay: assay.chat(_ask("x") | {"model": [PROMPT]}).status,
    "too large": lambda assay: assay.chat(_ask("careless/fine", extra=PROMPT * 5000)).status,
    "too deep": _deep,
    "provider gone": lambda assay: assay.chat(_ask("gone/any")).status,
    "provider gone, stream": lambda assay: assay.chat(_ask("gone/any", stream=True)).status,
    "garbage": lambda assay: assay.chat(_ask("careless/garbage")).status,
    "broken answer": lambda assay: assay.chat(_ask("careless/broken-json")).status,
    "cut stream": lambda assay: assay.chat(_ask("careless/cut", stream=True)).status,
    "error in the stream": lambda assay: assay.chat(_ask("careless/mid-error", stream=True)).status,
    "bad chunk": lambda assay: assay.chat(_ask("careless/bad-chunk", stream=True)).status,
    "silence": lambda assay: assay.chat(_ask("careless/silent")).status,
    "client leaves": _leave_early,
    "stream asked, document came": lambda assay: assay.chat(_ask("careless/fine", stream=True)).status,
    "test with a refused key": lambda assay: assay.ask("POST", "/api/v1/providers/careless/test").status,
    "test of a gone provider": lambda assay: assay.ask("POST", "/api/v1/providers/gone/test").status,
    "key body broken": lambda assay: (
        assay.ask("PUT", "/api/v1/providers/careless/key", f'{{"key": "{_ascii(PROVIDER_KEY)}'.encode()).status
    ),
    "key of wrong type": lambda assay: assay.ask("PUT", "/api/v1/providers/careless/key", {"key": [_ascii(PROVIDER_KEY)]}).status,
    "key of an unknown provider": lambda assay: (
        assay.ask("PUT", "/api/v1/providers/nobody/key", {"key": _ascii(PROVIDER_KEY)}).status
    ),
    "key with a line break": lambda assay: (
        assay.ask("PUT", "/api/v1/providers/careless/key", {"key": f"{_ascii(PROVIDER_KEY)}\r\nx: y"}).status
    ),
    "key in the base URL": lambda assay: (
        assay.ask(
            "POST",
            "/api/v1/providers",
            {"name": "p2", "title": "p", "base_url": f"http://me:{quote(PROVIDER_KEY, safe='')}@127.0.0.1/v1"},
        ).status
    ),
    "login with a key": lambda assay: assay.ask("POST", "/api/v1/session", {"token": assay.gateway_key}).status,
    "forged vote": _forged_vote,
    "empty prompt": lambda assay: assay.ask("POST", "/api/v1/battles", {"prompt": "", "x": PROMPT}).status,
    "votes that are none": lambda assay: (
        assay.ask("POST", "/api/v1/votes?source=x&name=y", f"a,b,choice\n{PROMPT}".encode()).status
    ),
    **{f"upstream says {status}": partial(_asks, f"careless/{status}") for status in STATUSES},
}


@pytest.fixture(scope="module")
def after_all(assay: RunningAssay) -> RunningAssay:
    """The server after every error path, and one call that went well."""
    went = {name: path(assay) for name, path in PATHS.items()}
    wrongly_fine = [
        name
        for name, status in went.items()
        if status < 400 and "stream" not in name and name not in {"bad chunk", "test with a refused key", "test of a gone provider"}
    ]
    assert not wrongly_fine, wrongly_fine
    assert len(went) >= 30
    fine = assay.chat(_ask("careless/fine"))
    assert (fine.status, fine.json["choices"][0]["message"]["content"]) == (200, REPLY)
    return assay


def _all_secrets(assay: RunningAssay) -> dict[str, str]:
    return _keys(assay) | {"prompt": PROMPT, "reply": REPLY}


def _keys(assay: RunningAssay) -> dict[str, str]:
    return {"provider key": _ascii(PROVIDER_KEY), "gateway key": assay.gateway_key, "gateway key's secret": assay.gateway_key[-30:]}


def test_the_search_finds_what_it_looks_for() -> None:
    secrets = {"prompt": PROMPT}
    for form in (
        PROMPT.encode(),
        json.dumps(PROMPT).encode(),
        base64.b64encode(b"xy" + PROMPT.encode() + b"tail"),
        quote(PROMPT).encode(),
    ):
        assert found(secrets, b"before " + form + b" after") == ["prompt"]
    assert found(secrets, b"before " + PROMPT.encode()[:-4] + b" after") == []


def test_nothing_secret_is_logged_even_at_debug(after_all: RunningAssay) -> None:
    assert b"DEBUG" in after_all.stderr
    assert found(_all_secrets(after_all), after_all.stderr) == []


def test_no_key_is_in_the_data_folder_in_clear(after_all: RunningAssay) -> None:
    for path in after_all.folder.rglob("*"):
        if path.is_file():
            assert found(_keys(after_all), path.read_bytes()) == [], path


def test_prompts_and_replies_are_stored_as_bodies_and_nowhere_else(after_all: RunningAssay) -> None:
    rest, bodies = dump(after_all.folder / "data" / "assay.db")
    assert found(_all_secrets(after_all), rest) == []
    assert bodies > 0


def test_no_page_and_no_answer_of_the_api_shows_a_secret(after_all: RunningAssay) -> None:
    for path in (
        "/",
        "/providers",
        "/api/v1/session",
        "/api/v1/models",
        "/api/v1/providers",
        "/api/v1/keys",
        "/api/v1/calls?limit=200",
        "/api/v1/battles",
        "/api/v1/board",
        "/healthz",
    ):
        reply = after_all.ask("GET", path)
        assert found(_all_secrets(after_all), reply.body + json.dumps(reply.headers).encode()) == [], path


def test_an_upstream_that_repeats_our_key_is_not_passed_on_with_it(after_all: RunningAssay) -> None:
    for status in STATUSES:
        reply = after_all.chat(_ask(f"careless/{status}"))
        assert found({"provider key": _ascii(PROVIDER_KEY)}, reply.body) == [], status
    for model in ("garbage", "mid-error"):
        assert (
            found(
                {"provider key": _ascii(PROVIDER_KEY)}, after_all.chat(_ask(f"careless/{model}", stream=model == "mid-error")).body
            )
            == []
        )


def test_the_command_line_of_the_process_shows_no_secret(after_all: RunningAssay) -> None:
    processes = [Path(f"/proc/{after_all.process.pid}/cmdline"), *Path(f"/proc/{after_all.process.pid}/task").glob("*/cmdline")]
    for path in processes:
        assert found(_all_secrets(after_all), path.read_bytes()) == []
