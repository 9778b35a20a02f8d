"""The scripted upstream, asked by hand: all it says is of the SDKs' own types, and its faults are those that it promises."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from google.genai.types import GenerateContentResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent

from tests.upstream import ScriptedUpstream
from tests.upstream.rules.strict import conform, strict
from tests.upstream.script import words_of
from tests.upstream.scripts import GREETING, SCRIPTS, SEPARATORS

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WAITING = ("paced", "slow-headers", "silent", "stall", "stall-tool", "stall-first")
BREAKING = (
    "html-502",
    "not-json",
    "mid-stream-error",
    "mid-stream-event",
    "mid-tool-error",
    "cut",
    "cut-utf8",
    "cut-tool",
    "cut-thought",
)
NEEDY = ("image", "unfinished", *WAITING, *BREAKING)
WORDY = [name for name in SCRIPTS if name not in NEEDY]
BEYOND_TYPES = {
    "openai_chat": (
        "reasoning_content",
        "reasoning",
        "annotations",
    ),  # DeepSeek's thoughts; citations, which the deltas' types lack
    "openai_responses": ("store",),
    "gemini": ("citationSources",),  # the SDK renames it
}


@pytest.fixture(scope="module")
def running() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as server:
        yield server


@pytest.fixture
def upstream(running: ScriptedUpstream) -> Iterator[ScriptedUpstream]:
    """Afterwards nobody has broken a rule."""
    running.complaints.clear()
    yield running
    assert running.complaints == []


def body_of(protocol: str, model: str, *, stream: bool = False) -> tuple[str, dict[str, Any]]:
    """A path and a body that ask for everything that the protocol can show."""
    form = {"type": "json_schema", "name": "n", "schema": SCHEMA}
    match protocol:
        case "openai_chat":
            tool: dict[str, Any] = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
            said = {"messages": [{"role": "user", "content": "x"}], "tools": [tool]}
            shape = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
            more: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
            return "/v1/chat/completions", {"model": model, **said, "response_format": shape, **more}
        case "openai_responses":
            tool = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}
            shown: Any = {"reasoning": {"summary": "auto"}, "include": ["reasoning.encrypted_content"], "text": {"format": form}}
            return "/v1/responses", {"model": model, "input": "x", "tools": [tool], **shown, "stream": stream}
        case "anthropic":
            tool = {"name": "weather", "input_schema": SCHEMA}
            shown = {"thinking": {"type": "adaptive"}, "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}
            asked = {"model": model, "max_tokens": 99, "messages": [{"role": "user", "content": "x"}], "tools": [tool], **shown}
            return "/v1/messages", {**asked, "stream": stream}
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    settings = {"thinkingConfig": {"includeThoughts": True}, "responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    tools = [{"functionDeclarations": [{"name": "weather", "parametersJsonSchema": SCHEMA}]}]
    return f"/v1beta/models/{model}:{verb}", {
        "contents": [{"role": "user", "parts": [{"text": "x"}]}],
        "generationConfig": settings,
        "tools": tools,
    }


def ask(
    upstream: ScriptedUpstream, path: str, body: Any, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """One request with the key in every place where a protocol has it."""
    keys = {"authorization": "Bearer sk-upstream", "x-goog-api-key": "sk-upstream", "anthropic-version": "2023-06-01"}
    connection = http.client.HTTPConnection(urlsplit(upstream.url).netloc, timeout=20)
    try:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("POST", path, data, {"content-type": "application/json", **keys, **(headers or {})})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def events_of(raw: bytes) -> list[Any]:
    """The JSON of the events, read as the SSE specification says and no smarter."""
    lines = raw.replace(b"\r\n", b"\n").split(b"\n")
    return [json.loads(line[6:]) for line in lines if line.startswith(b"data: ") and line != b"data: [DONE]"]


WHOLE: dict[str, Any] = {
    "openai_chat": ChatCompletion,
    "openai_responses": Response,
    "anthropic": Message,
    "gemini": GenerateContentResponse,
}
PIECE: dict[str, Any] = {
    "openai_chat": ChatCompletionChunk,
    "openai_responses": ResponseStreamEvent,
    "anthropic": RawMessageStreamEvent,
    "gemini": GenerateContentResponse,
}


@pytest.mark.parametrize("model", WORDY)
@pytest.mark.parametrize("protocol", WHOLE)
def test_all_it_says_is_of_the_sdks_own_types(upstream: ScriptedUpstream, protocol: str, model: str) -> None:
    status, _, raw = ask(upstream, *body_of(protocol, model))
    assert status == 200, raw
    known = strict(WHOLE[protocol])
    conform(known, _as_typed(protocol, json.loads(raw)))
    _, _, raw = ask(upstream, *body_of(protocol, model, stream=True))
    known = strict(PIECE[protocol])
    for event in events_of(raw):
        if event.get("type") != "ping":
            conform(known, _as_typed(protocol, event))


def _as_typed(protocol: str, value: Any) -> Any:
    """The value without the few fields that servers send beyond the types."""
    if type(value) is list:
        return [_as_typed(protocol, inner) for inner in value]
    if type(value) is not dict:
        return value
    return {key: _as_typed(protocol, inner) for key, inner in value.items() if key not in BEYOND_TYPES.get(protocol, ())}


@pytest.mark.parametrize("protocol", WHOLE)
def test_separators_of_lines_arrive_raw(upstream: ScriptedUpstream, protocol: str) -> None:
    _, _, raw = ask(upstream, *body_of(protocol, "separators", stream=True))
    assert all(piece.encode() in raw for piece in words_of(SEPARATORS))
    assert len(events_of(raw)) > 1


@pytest.mark.parametrize("protocol", WHOLE)
def test_keys_are_taken_from_where_the_protocol_has_them(upstream: ScriptedUpstream, protocol: str) -> None:
    path, body = body_of(protocol, "text")
    wrong = {"authorization": "Bearer sk-other", "x-goog-api-key": "sk-other"}
    status, _, raw = ask(upstream, path, body, wrong)
    assert status == 401
    assert "error" in json.loads(raw)


def test_gemini_streams_an_array_when_events_are_not_asked_for(upstream: ScriptedUpstream) -> None:
    _, body = body_of("gemini", "text")
    _, headers, raw = ask(upstream, "/v1beta/models/text:streamGenerateContent", body)
    chunks = json.loads(raw)
    assert headers["content-type"] == "application/json"
    parts = [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]
    assert "".join(part["text"] for part in parts) == GREETING
    _, _, raw = ask(upstream, "/v1beta/models/mid-stream-error:streamGenerateContent", body)
    assert json.loads(raw)[-1]["error"]["status"] == "UNAVAILABLE"


@pytest.mark.parametrize("protocol", WHOLE)
def test_an_unknown_model_is_not_found(upstream: ScriptedUpstream, protocol: str) -> None:
    assert ask(upstream, *body_of(protocol, "nobody"))[0] == 404


@pytest.mark.parametrize("protocol", WHOLE)
@pytest.mark.parametrize("model", ["unfinished", "mid-stream-error", "mid-stream-event", "mid-tool-error"])
def test_a_stream_that_fails_never_says_that_it_ended(upstream: ScriptedUpstream, protocol: str, model: str) -> None:
    _, _, raw = ask(upstream, *body_of(protocol, model, stream=True))
    for end in (b'"finish_reason": "', b'"finishReason"', b"message_stop", b"response.completed"):
        assert end not in raw
    assert (b"scripted overload" in raw) == (model != "unfinished")
