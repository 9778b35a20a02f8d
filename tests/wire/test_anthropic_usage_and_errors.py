"""Token counts in disjoint buckets, and errors in the protocol's shape."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from assay.core import AssayError, Call, InvalidInput, NotFound, TooLarge, Unauthorized, UpstreamRefused, Usage
from assay.wire.anthropic import read_usage, write_error, write_usage
from tests.wire.anthropic_values import usages
from tests.wire.chat_values import json_values


@given(usages)
def test_counts_that_were_written_read_the_same(usage: Usage) -> None:
    assert read_usage(write_usage(usage)) == usage


@given(json_values)
def test_whatever_stands_for_counts_is_read(value: Any) -> None:
    names = ("input_tokens", "output_tokens", "cache_creation", "output_tokens_details", "cache_read_input_tokens")
    assert read_usage(dict.fromkeys(names, value)).total_input >= 0
    assert read_usage(json.dumps(value).encode()).total_output >= 0


@pytest.mark.parametrize(
    ("fields", "usage"),
    [
        ({"input_tokens": 3, "output_tokens": 4}, Usage(input=3, output=4)),
        ({"input_tokens": 3, "cache_creation_input_tokens": 9}, Usage(input=3, cache_write_5m=9)),
        (
            {
                "cache_creation_input_tokens": 9,
                "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 7},
            },
            Usage(cache_write_5m=2, cache_write_1h=7),
        ),
        (
            {"cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 7}},
            Usage(cache_write_5m=2, cache_write_1h=7),
        ),
        ({"output_tokens": 10, "output_tokens_details": {"thinking_tokens": 4}}, Usage(output=6, reasoning=4)),
        ({"output_tokens": 1, "output_tokens_details": {"thinking_tokens": 4}}, Usage(reasoning=4)),
        ({"input_tokens": -1, "output_tokens": True, "cache_read_input_tokens": 1 << 50}, Usage()),
    ],
)
def test_counts_of_every_shape(fields: dict[str, Any], usage: Usage) -> None:
    assert read_usage(fields) == usage


def test_sound_and_pictures_are_tokens_like_others() -> None:
    written = write_usage(Usage(input=1, audio_input=2, image_input=3, output=4, audio_output=5))
    assert (written["input_tokens"], written["output_tokens"]) == (6, 9)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidInput("wire.not_json", "No.", param="messages[0]"), "invalid_request_error"),
        (Unauthorized("key.unknown", "Who?"), "authentication_error"),
        (NotFound("model.unknown", "Which?"), "not_found_error"),
        (TooLarge("wire.too_large", "Much."), "request_too_large"),
    ],
)
def test_the_gateways_own_errors_have_their_code_in_the_details(error: AssayError, kind: str) -> None:
    body = json.loads(write_error(error, "req_1"))
    details = {"error_code": error.code, **({"param": error.param} if error.param else {})}
    assert body == {
        "type": "error",
        "error": {"type": kind, "message": str(error), "details": details},
        "request_id": "req_1",
    }


def refused(status: int, body: dict[str, Any]) -> Any:
    call = Call(
        id="c",
        request_id="r",
        at=0,
        purpose="traffic",
        outcome="error",
        asked="m",
        deployment="d",
        provider="p",
        model="m",
        protocol="anthropic",
        stream=False,
        duration_us=1,
    )
    error = UpstreamRefused("upstream.refused", "x", call=call, upstream_status=status, upstream_body=json.dumps(body).encode())
    return json.loads(write_error(error))["error"]


def test_an_upstreams_words_are_passed_on() -> None:
    own = refused(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    assert (own["type"], own["message"]) == ("overloaded_error", "Overloaded")
    foreign = refused(429, {"error": {"type": "insufficient_quota", "message": "Pay.", "code": "quota", "param": "model"}})
    assert foreign == {
        "type": "rate_limit_error",
        "message": "Pay.",
        "details": {"error_code": "quota", "param": "model"},
    }
    assert refused(500, {"error": "boom"})["type"] == "api_error"
