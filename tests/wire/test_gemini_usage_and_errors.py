"""Usage in disjoint buckets, errors in Google's shape, counts and lists of models."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai import types
from hypothesis import given

from assay.core import Call, InvalidInput, RateLimited, Unavailable, UpstreamRefused, Usage
from assay.wire import StreamBroken
from assay.wire.gemini import (
    read_count,
    read_usage,
    write_count,
    write_error,
    write_model,
    write_models,
    write_stream_error,
    write_usage,
)
from tests.wire.gemini_values import usages


@given(usages)
def test_usage_goes_there_and_back(usage: Usage) -> None:
    written = write_usage(usage)
    assert read_usage(written) == usage
    assert types.GenerateContentResponseUsageMetadata.model_validate(written)
    total = written["promptTokenCount"] + written["candidatesTokenCount"] + written.get("thoughtsTokenCount", 0)
    assert written["totalTokenCount"] == total


@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        (
            {"promptTokenCount": 100, "cachedContentTokenCount": 60, "candidatesTokenCount": 7, "thoughtsTokenCount": 3},
            Usage(input=40, cache_read=60, output=7, reasoning=3),
        ),
        ({"promptTokenCount": 10, "toolUsePromptTokenCount": 5, "candidatesTokenCount": 1}, Usage(input=15, output=1)),
        ({"promptTokenCount": 10, "totalTokenCount": 14, "thoughtsTokenCount": 1}, Usage(input=10, output=3, reasoning=1)),
        (
            {
                "promptTokenCount": 30,
                "cachedContentTokenCount": 10,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}, {"modality": "AUDIO", "tokenCount": 25}],
                "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}],
                "candidatesTokenCount": 0,
            },
            Usage(input=5, cache_read=10, audio_input=15),
        ),
        ({"promptTokenCount": -1, "candidatesTokenCount": "x"}, Usage()),
        ([], Usage()),
    ],
)
def test_no_token_is_in_two_buckets(raw: Any, usage: Usage) -> None:
    assert read_usage(raw) == usage
    assert read_usage(json.dumps(raw).encode()) == usage


def test_an_error_of_ours_names_the_field_and_how_long_to_wait() -> None:
    limited = json.loads(write_error(RateLimited("limit.requests", "Too many.", retry_after_s=1.2), "req-1"))["error"]
    assert (limited["code"], limited["status"], limited["message"]) == (429, "RESOURCE_EXHAUSTED", "Too many.")
    details = {one["@type"].rpartition(".")[2]: one for one in limited["details"]}
    assert details["RetryInfo"]["retryDelay"] == "2s"
    assert details["RequestInfo"]["requestId"] == "req-1"
    assert details["ErrorInfo"]["reason"] == "limit.requests"
    wrong = json.loads(write_error(InvalidInput("wire.wrong_type", "contents: expected a list.", param="contents")))["error"]
    assert (wrong["code"], wrong["status"]) == (400, "INVALID_ARGUMENT")
    assert wrong["details"][1]["fieldViolations"] == [{"field": "contents", "description": "contents: expected a list."}]


def test_an_upstreams_words_are_passed_on() -> None:
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
        stream=True,
        duration_us=0,
    )
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    error = UpstreamRefused("upstream.refused", "x", call=call, upstream_status=529, upstream_body=body)
    said = json.loads(write_error(error))["error"]
    assert (said["code"], said["status"], said["message"]) == (529, "UNAVAILABLE", "Overloaded")


def test_a_broken_stream_ends_with_an_error_in_its_own_framing() -> None:
    error = Unavailable("upstream.gone", "It broke off.")
    assert write_stream_error(error).startswith(b'data: {"error":')
    assert write_stream_error(error).endswith(b"}\r\n\r\n")
    assert json.loads(b"[{}" + write_stream_error(error, alt="json"))[1]["error"]["message"] == "It broke off."


def test_models_are_listed_as_googles_sdk_reads_them() -> None:
    listed = json.loads(write_models([("a/b:c", 1, "o", "Title"), ("d", 0, "o", None)]))
    assert [(one["name"], one["displayName"]) for one in listed["models"]] == [("models/a/b:c", "Title"), ("models/d", "d")]
    assert json.loads(write_model(("d", 0, "o", None))) == listed["models"][1]


def test_a_count_is_written_and_read_and_a_wrong_one_is_refused() -> None:
    assert read_count(write_count(7)) == 7
    for wrong in (b"{", b"[]", b'{"totalTokens":"7"}', b'{"totalTokens":-1}'):
        with pytest.raises(StreamBroken):
            read_count(wrong)
