"""What every provider's front refuses, and what the endpoints that are no conversation refuse."""

from __future__ import annotations

import pytest

from tests.upstream import others
from tests.upstream.refusals import refusal, rules_of
from tests.upstream.rules import http, strict

PLAIN = [("host", "x"), ("content-type", "application/json"), ("content-length", "2")]
FORM = "multipart/form-data; boundary=b"
BROKEN_HEADS: dict[str, tuple[list[tuple[str, str]], str]] = {
    "a user agent twice": ([*PLAIN, ("user-agent", "a"), ("user-agent", "b")], "Duplicate 'user-agent'"),
    "no host": (PLAIN[1:], "host header is missing"),
    "another content": ([PLAIN[0], ("content-type", "text/plain")], "content type"),
}
BROKEN_BODIES: dict[str, tuple[str, str, bytes, str]] = {
    "embeddings of nothing": ("embeddings", "application/json", b'{"model":"m"}', "input"),
    "a picture with a field too many": ("images", "application/json", b'{"model":"m","prompt":"x","messages":[]}', "messages"),
    "a form that is none": ("transcription", "application/json", b"{}", "multipart/form-data"),
    "a form without an end": (
        "transcription",
        FORM,
        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx',
        "does not end",
    ),
    "a field without a name": ("transcription", FORM, b"--b\r\n\r\nx\r\n--b--\r\n", "no name"),
    "a form without a file": (
        "transcription",
        FORM,
        b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--b--\r\n',
        "file: field required",
    ),
}


@pytest.mark.parametrize("name", BROKEN_HEADS)
def test_a_head_that_servers_refuse_is_refused(name: str) -> None:
    headers, said = BROKEN_HEADS[name]
    http.check_http("openai_chat", PLAIN, b"{}")
    assert said in refusal(http, http.check_http, "openai_chat", headers, b"{}")[1]


@pytest.mark.parametrize("name", BROKEN_BODIES)
def test_what_is_no_conversation_has_rules_too(name: str) -> None:
    operation, kind, body, said = BROKEN_BODIES[name]
    assert said in refusal(others, others.answer_other, operation, kind, body)[1]


def test_no_rule_is_without_a_request_that_breaks_it() -> None:
    heads = {refusal(http, http.check_http, "openai_chat", headers, b"{}")[0] for headers, _ in BROKEN_HEADS.values()}
    bodies = {refusal(others, others.answer_other, *asked[:3])[0] for asked in BROKEN_BODIES.values()}
    assert {line: words for line, words in rules_of(http).items() if line not in heads} == {}
    assert {line: words for line, words in rules_of(others).items() if line not in bodies} == {}


@pytest.mark.parametrize(
    ("protocol", "headers", "key"),
    [
        ("openai_chat", [("authorization", "Bearer k")], "k"),
        ("openai_chat", [("x-api-key", "k")], None),
        ("anthropic", [("x-api-key", "k")], "k"),
        ("anthropic", [("authorization", "Bearer k")], "k"),
        ("anthropic", [("authorization", "Bearer k"), ("x-api-key", "l")], None),
        ("gemini", [("x-goog-api-key", "k")], "k"),
        ("gemini", [("authorization", "Bearer k")], None),
    ],
)
def test_a_key_counts_only_where_the_protocol_has_it(protocol: str, headers: list[tuple[str, str]], key: str | None) -> None:
    assert http.key_of(protocol, headers, {}) == key


def test_the_query_may_hold_geminis_key() -> None:
    assert http.key_of("gemini", [], {"key": "k"}) == "k"


def test_fields_of_tests_are_looked_through() -> None:
    assert strict.without_test_fields({"a": {"x_b": 1, "c": [{"x_d": 1, "e": 2}]}}) == {"a": {"c": [{"e": 2}]}}
