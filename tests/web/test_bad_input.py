"""Bad input gets a clear error in the protocol's own shape: the value, the reason, a stable code, and the server goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.server import Reply, RunningAssay
from tests.web.conftest import LIMIT, raw

GOOD: dict[str, Any] = {"model": "practice/reckoner", "messages": [{"role": "user", "content": "1+1"}]}
BODY = json.dumps(GOOD).encode()
DEEP = b"[" * 20_000 + b"]" * 20_000


def chat_error(reply: Reply) -> dict[str, Any]:
    """The error of an answer in OpenAI's shape."""
    assert reply.headers["content-type"] == "application/json"
    assert set(reply.json) == {"error"}
    error: dict[str, Any] = reply.json["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return error


def with_field(name: str, value: bytes) -> bytes:
    return BODY[:-1] + b',"' + name.encode() + b'":' + value + b"}"


@pytest.mark.parametrize(
    ("body", "status", "code", "says"),
    [
        (b"", 400, "request.json", "truncated"),
        (b"[]", 400, "request.json", "got `array`"),
        (b"null", 400, "request.json", "got `null`"),
        (b'"text"', 400, "request.json", "got `str`"),
        (BODY[:-3], 400, "request.json", "truncated"),
        (BODY + b"}", 400, "request.json", "trailing characters"),
        (BODY + BODY, 400, "request.json", "trailing characters"),
        (b"\xef\xbb\xbf" + BODY, 400, "request.json", "byte 0"),
        (BODY.decode().encode("utf-16"), 400, "request.encoding", "not UTF-8"),
        (BODY.replace(b"1+1", b"\xff\xfe"), 400, "request.encoding", "not UTF-8"),
        (with_field("temperature", b"NaN"), 400, "request.json", "invalid character"),
        (with_field("temperature", b"1e999"), 400, "wire.not_json", "out of range"),
        (with_field("seed", b"9" * 5000), 400, "wire.not_json", "out of range"),
        (with_field("x", DEEP), 400, "request.json", "nested too deep"),
        (with_field("x", b'"' + b"a" * LIMIT + b'"'), 413, "request.too_large", f"larger than {LIMIT} bytes"),
        (b'{"messages":[]}', 400, "request.model", "'model'"),
        (BODY.replace(b'"practice/reckoner"', b"null"), 400, "request.model", "GET /v1/models"),
        (BODY.replace(b"practice/reckoner", b"nobody/nothing"), 404, "model.not_found", "'nobody/nothing'"),
        (BODY.replace(b"practice/reckoner", b"practice/recknoer"), 404, "practice.unknown_model", "'recknoer'"),
        (BODY.replace(b"practice/reckoner", b"openai/gpt-9"), 503, "provider.key_missing", "OPENAI_API_KEY"),
        (BODY.replace(b"practice/reckoner", b"ollama/any"), 404, "model.not_found", "'ollama/any'"),
        (BODY.replace(b"practice/reckoner", b"down/any"), 502, "upstream.unreachable", "Connection refused"),
        (b'{"model":"practice/reckoner"}', 400, "wire.missing_field", "messages"),
        (BODY.replace(b'"1+1"', b"5"), 400, "wire.wrong_type", "messages[0].content"),
        (with_field("stream", b'"yes"'), 400, "request.stream", "'stream'"),
        (with_field("temperature", b'"hot"'), 400, "wire.wrong_type", "temperature"),
    ],
)
def test_a_bad_chat_request_is_named(assay: RunningAssay, body: bytes, status: int, code: str, says: str) -> None:
    reply = assay.chat(body)
    error = chat_error(reply)
    assert (reply.status, error["code"]) == (status, code)
    assert says in error["message"]
    assert reply.headers["x-request-id"]


@pytest.mark.parametrize(
    ("headers", "code", "says"),
    [
        ({}, "key.missing", "Authorization: Bearer ask-"),
        ({"authorization": "Bearer "}, "key.invalid", "assay key create"),
        ({"authorization": "Bearer ask-0000000000-wrong"}, "key.invalid", "assay key create"),
        ({"authorization": "Basic dXNlcjpwYXNz"}, "key.invalid", "assay key create"),
        ({"authorization": "Bearer \xe9"}, "key.invalid", "assay key create"),
    ],
)
def test_a_wrong_gateway_key_is_refused_whatever_else_is_wrong(
    assay: RunningAssay, headers: dict[str, str], code: str, says: str
) -> None:
    """Also with a page's session, which opens the pages only."""
    for method, path, body in (("POST", "/v1/chat/completions", b"{"), ("GET", "/v1/models", None), ("GET", "/v1/nothing", None)):
        reply = assay.ask(method, path, body, headers)
        error = chat_error(reply)
        assert (reply.status, error["code"], error["type"]) == (401, code, "authentication_error")
        assert says in error["message"]
        assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/chat/completions"),
        ("PUT", "/v1/chat/completions"),
        ("POST", "/v1/moderations"),
        ("POST", "/v1/models"),
        ("GET", "/v1/"),
    ],
)
def test_what_is_not_answered_under_v1_is_named_with_what_is(assay: RunningAssay, method: str, path: str) -> None:
    error = chat_error(assay.ask(method, path, None, {"authorization": f"Bearer {assay.gateway_key}"}))
    assert error["code"] == "route.not_found"
    assert path in error["message"]
    assert "POST /v1/chat/completions" in error["message"]


def test_the_content_type_is_not_what_decides(assay: RunningAssay) -> None:
    """Many clients send none, or the wrong one; the body says what it is."""
    key = {"authorization": f"Bearer {assay.gateway_key}"}
    assert assay.ask("POST", "/v1/chat/completions", BODY, key | {"content-type": "text/plain"}).status == 200
    form = assay.ask("POST", "/v1/chat/completions", b"model=x", key | {"content-type": "application/x-www-form-urlencoded"})
    assert chat_error(form)["code"] == "request.json"
    packed = assay.ask("POST", "/v1/chat/completions", BODY, key | {"content-encoding": "gzip"})
    assert (packed.status, chat_error(packed)["code"]) == (400, "request.encoding")
    assert "uncompressed" in packed.json["error"]["message"]


def test_the_last_of_two_equal_fields_counts(assay: RunningAssay) -> None:
    """As everywhere: RFC 8259 leaves it open, every parser that clients use takes the last."""
    assert assay.chat(b'{"model":"nobody/nothing",' + BODY[1:]).status == 200
    assert assay.chat(with_field("model", b'"nobody/nothing"')).status == 404


CHUNK = b"10000\r\n" + b"a" * 65536 + b"\r\n"


@pytest.mark.parametrize(
    ("path", "limit"),
    [("/v1/chat/completions", LIMIT), ("/api/v1/keys", 65536), ("/api/v1/session", 65536), ("/api/v1/battles", 524288)],
)
def test_a_body_whose_length_is_not_announced_ends_at_the_limit(assay: RunningAssay, path: str, limit: int) -> None:
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {assay.gateway_key}\r\ncookie: {assay.cookie}\r\n"
    answer = raw(assay, head.encode() + b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n" + CHUNK * 40)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert str(limit).encode() in answer


def test_a_body_that_is_announced_too_large_is_refused_before_it_comes(assay: RunningAssay) -> None:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {assay.gateway_key}\r\n"
    answer = raw(assay, head.encode() + b"content-length: 99999999\r\nconnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"request.too_large" in answer


@pytest.mark.parametrize(
    "lengths",
    [
        b"content-length: -1\r\n",
        b"content-length: 5\r\ntransfer-encoding: chunked\r\n",
        b"content-length: 1\r\ncontent-length: 2\r\n",
    ],
)
def test_lengths_that_contradict_themselves_are_no_request(assay: RunningAssay, lengths: bytes) -> None:
    """Else two servers in a row could disagree where a request ends."""
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {assay.gateway_key}\r\n"
    assert raw(assay, head.encode() + lengths + b"connection: close\r\n\r\n0\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def problem(reply: Reply) -> dict[str, Any]:
    """A problem as RFC 9457 has it."""
    assert reply.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = reply.json
    assert found["status"] == reply.status
    assert found["detail"]
    return found


TAKES: dict[str, dict[str, Any]] = {
    "/session": {"token": "x"},
    "/keys": {"name": "x"},
    "/providers": {"name": "x", "base_url": "x"},
    "/providers/ollama/enabled": {"enabled": True},
    "/battles": {"prompt": "x"},
    "/battles/none/turns": {"prompt": "x", "token": "x"},
    "/battles/none/vote": {"choice": "a", "token": "x"},
}


@pytest.mark.parametrize("path", TAKES)
def test_a_bad_body_is_named_by_the_api(assay: RunningAssay, path: str) -> None:
    good = json.dumps(TAKES[path]).encode()
    first = next(iter(TAKES[path]))
    bad = {
        b"": f"missing required field `{first}`",
        good[:-1]: "truncated",
        b"[]": "got `array`",
        b"null": "got `null`",
        good[:-1] + b',"zzz":1}': "unknown field `zzz`",
        json.dumps({name: [1] for name in TAKES[path]}).encode(): f"`$.{first}`",
        b'{"' + first.encode() + b'":NaN}': "invalid character",
        b'{"' + first.encode() + b'":"\\ud800"}': "",
        b'{"' + first.encode() + b'":"\xff"}': "",
        b'{"zzz":' + DEEP + b"}": "",
    }
    if path == "/session":  # one signs in by one thing or another, so none of them is required
        del bad[b""]
    for body, says in bad.items():
        reply = assay.ask("POST", f"/api/v1{path}", body)
        found = problem(reply)
        assert (reply.status, found["code"]) == (400, "api.bad_body"), body[:80]
        assert says in found["detail"]
        assert "openapi.json" in found["hint"]


@pytest.mark.parametrize(
    ("request_line", "status", "code", "says"),
    [
        ("GET /battles?limit=x", 400, "api.bad_query", "limit"),
        ("GET /battles?limit=0", 400, "api.bad_query", "limit"),
        ("GET /calls?limit=-1", 400, "api.bad_query", "limit"),
        ("GET /calls?purpose=x", 400, "api.bad_query", "'x'"),
        ("GET /board?ties=x", 400, "api.bad_query", "'x'"),
        ("GET /votes?format=xml", 400, "api.bad_query", "'xml'"),
        ("GET /board?source=nowhere", 404, "board.unknown_source", "'nowhere'"),
        ("GET /battles/none", 404, "battle.not_found", "'none'"),
        ("GET /battles/%00", 400, "store.nul", "NUL"),
        ("DELETE /keys/none", 404, "key.not_found", "'none'"),
        ("DELETE /keys/%00", 400, "store.nul", "NUL"),
        ("DELETE /providers/openai", 409, "provider.shipped", "'openai'"),
        ("DELETE /providers/nobody", 404, "provider.not_found", "'nobody'"),
        ("POST /providers/nobody/test", 404, "provider.not_found", "'nobody'"),
        ("GET /providers/nobody/models", 404, "provider.not_found", "'nobody'"),
        ("POST /providers/ollama/verify", 400, "provider.no_model", "'ollama'"),
        ("POST /datasets/nothing/import", 404, "dataset.not_found", "'nothing'"),
        ("POST /votes?source=here&name=x", 400, "votes.empty_file", "'x'"),
    ],
)
def test_what_is_not_there_or_not_possible_is_named(
    assay: RunningAssay, request_line: str, status: int, code: str, says: str
) -> None:
    method, path = request_line.split(" ")
    reply = assay.ask(method, f"/api/v1{path}", b"" if method == "POST" else None)
    found = problem(reply)
    assert (reply.status, found["code"]) == (status, code), found
    assert says in found["detail"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://x/v1",
        "http://",
        "http://me:pw@x/v1",
        "http://x:99999/v1",
        "http://x/v1\r\nhost: y",
        "javascript:alert(1)",
        "x" * 5000,
    ],
)
def test_an_address_that_cannot_be_called_is_no_provider(assay: RunningAssay, url: str) -> None:
    found = problem(assay.ask("POST", "/api/v1/providers", {"name": "strange", "base_url": url}))
    assert found["status"] == 400, found
    assert len(found["detail"]) < 1000
    assert "pw" not in found["detail"]


@pytest.mark.parametrize("name", ["", "A B", "../x", "x/y", "UPPER", "n" * 500, "openai"])
def test_a_name_that_is_none_or_taken_is_refused(assay: RunningAssay, name: str) -> None:
    found = problem(assay.ask("POST", "/api/v1/providers", {"name": name, "base_url": "http://127.0.0.1:9/v1"}))
    assert found["status"] in {400, 409}, found
    assert found["param"] == "name"


def test_the_server_goes_on_and_calls_none_of_it_a_defect(assay: RunningAssay) -> None:
    """Runs last."""
    assert assay.chat(GOOD).status == 200
    assert assay.ask("GET", "/api/v1/board").status == 200
    assert b"Traceback" not in assay.stderr
    assert b"unexpected error" not in assay.stderr
