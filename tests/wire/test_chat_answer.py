"""Answers that are read at once: the same as by events, whatever they hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from assay.core import Event, fold
from assay.wire import StreamBroken, StreamError, StreamFailed
from assay.wire.openai_chat import read_answer, read_events
from tests.wire.chat_values import answer_events
from tests.wire.test_chat_events import write

CHUNK: dict[str, Any] = {"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m", "system_fingerprint": "fp"}


def chunk(delta: dict[str, Any], finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {**CHUNK, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}], **fields}


def stream(*chunks: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in chunks) + b"data: [DONE]\n\n"


HELLO = (chunk({"role": "assistant", "content": ""}), chunk({"content": "Hel"}), chunk({"content": "lo\n\ndata: [DONE]\n\n"}))
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


@given(answer_events())
@settings(max_examples=100)
def test_a_stream_read_at_once_is_what_its_events_fold_to(events: list[Event]) -> None:
    """For every kind of answer, plain text or not."""
    body = write(events, stream=True)
    assert read_answer(body, stream=True) == fold(read_events([body], stream=True))


@given(answer_events(whole=True))
@settings(max_examples=100)
def test_a_document_read_at_once_is_what_its_events_fold_to(events: list[Event]) -> None:
    body = write(events, stream=False)
    assert read_answer(body, stream=False) == fold(read_events([body], stream=False))


@pytest.mark.parametrize(
    "chunks",
    [
        (*HELLO, chunk({}, "stop")),
        (*HELLO, chunk({}, "length"), {**CHUNK, "choices": [], "usage": USAGE}),
        (*HELLO, chunk({"content": "!"}, "stop", usage=USAGE)),
        (*HELLO, chunk({}, "stop"), chunk({"content": "late"})),
        (chunk({"content": ""}), chunk({}, "stop")),
        (chunk({"reasoning_content": "hm"}), *HELLO, chunk({}, "stop")),
        (*HELLO, chunk({}, "stop", service_tier="flex", provider="X")),
        ({"id": "", "choices": [], "prompt_filter_results": []}, *HELLO, chunk({}, "stop")),
        (chunk({"tool_calls": [{"index": 0, "id": "t", "type": "function", "function": {"name": "f"}}]}), chunk({}, "tool_calls")),
    ],
)
def test_streams_of_every_shape_are_read_alike(chunks: tuple[dict[str, Any], ...]) -> None:
    """Those that the short way takes, and those that it must not."""
    body = stream(*chunks)
    assert read_answer(body, stream=True) == fold(read_events([body], stream=True))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (stream(*HELLO), StreamBroken),
        (stream(*HELLO)[:-14] + b'data: {"id": "c1", "cho', StreamBroken),
        (stream(*HELLO, {"error": {"message": "overloaded"}}), StreamError),
        (b"<html>", StreamBroken),
        (b"", StreamBroken),
    ],
)
def test_what_did_not_come_whole_is_no_answer(body: bytes, kind: type[StreamFailed]) -> None:
    with pytest.raises(kind):
        read_answer(body, stream=True)
