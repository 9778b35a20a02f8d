"""Token counts in disjoint buckets, and errors in every shape that upstreams use."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from assay.core import AssayError, Call, InvalidInput, Money, NotFound, RateLimited, UpstreamRefused, Usage
from assay.wire import UpstreamSaid
from assay.wire.openai_chat import read_usage, write_error, write_stream_error, write_usage
from assay.wire.said import read_error
from tests.wire.chat_values import json_values, usages


@given(usages)
def test_usage_written_and_read_is_the_same(usage: Usage) -> None:
    assert read_usage(write_usage(usage)) == usage


@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}, Usage(input=9, output=5)),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 10, "cache_write_tokens": 20},
                "completion_tokens_details": {"reasoning_tokens": 30, "audio_tokens": 5, "accepted_prediction_tokens": 3},
            },
            Usage(input=10, cache_read=60, cache_write_5m=20, audio_input=10, output=15, reasoning=30, audio_output=5),
        ),
        (
            {"prompt_tokens": 100, "completion_tokens": 5, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36},
            Usage(input=36, cache_read=64, output=5),
        ),
        ({"prompt_tokens": 100, "completion_tokens": 5, "cached_tokens": 64}, Usage(input=36, cache_read=64, output=5)),
        (
            {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 34, "completion_tokens_details": {"reasoning_tokens": 20}},
            Usage(input=9, output=5, reasoning=20),
        ),
        ({"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.00014}, Usage(input=1, output=1, reported=Money.of("0.00014"))),
        ({"prompt_tokens": 9, "prompt_tokens_details": None, "completion_tokens": None}, Usage(input=9)),
        ({"prompt_tokens": -1, "completion_tokens": 1e99, "cost": "free"}, Usage()),
        ({"prompt_tokens": 10**30, "completion_tokens": True, "cost": 1e300}, Usage()),
    ],
    ids=["plain", "openai", "deepseek", "moonshot", "xai", "openrouter", "nulls", "absurd", "huge"],
)
def test_usage_of_each_provider_falls_into_disjoint_buckets(raw: dict[str, Any], usage: Usage) -> None:
    assert read_usage(raw) == usage
    assert read_usage(json.dumps(raw).encode()) == usage


@given(json_values)
def test_no_usage_is_too_odd_to_read(raw: Any) -> None:
    assert read_usage({"prompt_tokens": raw, "cost": raw, "prompt_tokens_details": raw}).total_input >= 0


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidInput("wire.wrong_type", "stop: expected a string.", param="stop"), "invalid_request_error"),
        (NotFound("model.unknown", "No model is named 'x'.", hint="See /v1/models."), "not_found_error"),
        (RateLimited("key.rate_limited", "Too many."), "rate_limit_error"),
        (AssayError("internal", "Something broke."), "server_error"),
    ],
)
def test_our_errors_have_the_protocols_shape(error: AssayError, kind: str) -> None:
    written = json.loads(write_error(error))
    assert written == {"error": {"message": str(error), "type": kind, "param": error.param, "code": error.code}}
    assert write_stream_error(error) == b"data: " + write_error(error) + b"\n\n"


def refused(status: int, body: bytes) -> UpstreamRefused:
    call = Call(
        id="1", request_id="1", at=0, purpose="traffic", outcome="error", asked="m", deployment="p/m", provider="p", model="m",
        protocol="openai_chat", stream=False, duration_us=1,
    )  # fmt: skip
    return UpstreamRefused("upstream.refused", "The upstream said no.", call=call, upstream_status=status, upstream_body=body)


def test_what_an_upstream_said_reaches_the_client_in_its_words() -> None:
    said = {"message": "You exceeded your quota\u2028", "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}
    body = json.dumps({"error": said}, ensure_ascii=False).encode()
    written = write_error(refused(429, body))
    assert json.loads(written) == {"error": said}
    assert "\u2028" not in written.decode()


def test_an_upstream_that_said_nothing_is_described() -> None:
    assert json.loads(write_error(refused(401, b"")))["error"] == {
        "message": "The upstream said no.",
        "type": "authentication_error",
        "param": None,
        "code": "upstream.refused",
    }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"error": {"message": "m", "type": "t", "code": "c", "param": "p"}},
            UpstreamSaid(message="m", type="t", code="c", param="p"),
        ),
        ({"error": "m"}, UpstreamSaid(message="m")),
        ([{"error": {"message": "m", "code": 400}}], UpstreamSaid(message="m", code="400")),
        ({"object": "error", "message": "m", "type": "t", "code": 40001}, UpstreamSaid(message="m", type="t", code="40001")),
        ({"code": "c", "msg": "m"}, UpstreamSaid(message="m", code="c")),
        ({"detail": "m"}, UpstreamSaid(message="m")),
        ({"detail": [{"loc": ["body"]}]}, UpstreamSaid(message='[{"loc":["body"]}]')),
        ("m", UpstreamSaid(message="m")),
        ({}, UpstreamSaid(message="{}")),
    ],
    ids=["openai", "ollama", "gemini", "vllm", "dashscope", "fastapi", "validation", "text", "nothing"],
)
def test_an_upstreams_error_is_read_in_every_shape(body: Any, said: UpstreamSaid) -> None:
    found = read_error(400, json.dumps(body).encode())
    assert (found.message, found.type, found.code, found.param) == (said.message, said.type, said.code, said.param)
    assert found.status == 400


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"<html>502 Bad Gateway</html>", "<html>502 Bad Gateway</html>"), (b"", "status 502 without a body"), (b"\xff", "\ufffd")],
)
def test_an_error_page_of_a_proxy_is_quoted(body: bytes, message: str) -> None:
    assert read_error(502, body) == UpstreamSaid(status=502, message=message)


@given(json_values)
def test_no_error_is_too_odd_to_read(value: Any) -> None:
    assert isinstance(read_error(500, json.dumps({"error": value}).encode()).message, str)
    assert isinstance(read_error(500, json.dumps(value).encode()).message, str)
