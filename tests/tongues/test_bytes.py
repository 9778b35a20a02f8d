"""The same protocol on both sides: what a client wrote reaches the provider as it was written, and the answer as it was sent."""

from __future__ import annotations

import http.client
import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.tongues.raw import ask, key_header, path_of
from tests.tongues.rig import PROTOCOLS, Tongues, deployment

ODD = (
    b'{ "z":1e-7 ,"a":[ null,true, 12345678901234567890,1.0,-0.0 ],"":{}, "s":"\\u00e9\\u2028\\/\\ud83d\\ude00 \xe7\x95\x8c","a":2}'
)
"""Digits, escapes, spaces, order, even a name that comes twice: JSON that no library writes again as it was.

Only spaces between the fields at the top are not kept.
"""

QUESTIONS = {
    "openai_chat": b'{"model":%b,"messages":[ {"role":"user","content":"Go on.","x_message":%b} ],"x_top":%b,"seed":7,'
    b'"logit_bias":{ "50256":-100},"x_none":null}',
    "openai_responses": b'{"model":%b,"input":[{"role":"user" ,"content":[{"type":"input_text","text":"Go on.","x_part":%b}]}],"x_top":%b,'
    b'"store":false,"metadata":{ "k":"v" },"x_none":null}',
    "anthropic": b'{"model":%b,"max_tokens":500,"messages":[{"role":"user" ,"content":[{"type":"text","text":"Go on.","x_block":%b}]}],'
    b'"x_top":%b,"metadata":{ "user_id":"{\\"device\\":1}" },"x_none":null}',
    "gemini": b'{"contents":[ {"role":"user","parts":[{"text":"Go on.","x_part":%b}]}],"x_top":%b,"labels":{ "snake_case":"v"},'
    b'"generation_config":{"max_output_tokens": 50,"topP":0.90},"x_none":null}',
}
BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
SAME = pytest.mark.parametrize("protocol", PROTOCOLS)


def question(protocol: str, model: str, *, stream: bool) -> bytes:
    """A request that holds what nobody knows, at several levels."""
    named = () if protocol == "gemini" else (json.dumps(model).encode(),)
    body = QUESTIONS[protocol] % (*named, ODD, ODD)
    if stream and protocol != "gemini":
        more = b',"stream_options":{ "include_usage":true}' if protocol == "openai_chat" else b""
        body = body[:-1] + b',"stream":true' + more + b"}"
    return body


@pytest.mark.anyio
@SAME
@BOTH
async def test_what_nobody_knows_passes_byte_for_byte(tongues: Tongues, protocol: str, stream: bool) -> None:
    tongues.upstream.complaints.clear()
    body = question(protocol, deployment(protocol, "text"), stream=stream)
    heard = await ask(tongues, protocol, deployment(protocol, "text"), stream=stream, body=body)
    assert heard.status == 200, heard.body
    assert tongues.upstream.last.body == question(protocol, "text", stream=stream)
    assert heard.header("x-assay-losses") is None
    assert tongues.upstream.complaints == []


@pytest.mark.anyio
@SAME
@BOTH
@pytest.mark.parametrize("model", ["text", "refusal", "cited", "usage", "separators", "error-400", "error-429"])
async def test_answers_pass_byte_for_byte(tongues: Tongues, protocol: str, stream: bool, model: str) -> None:
    """Towards Gemini's clients line separators are escaped, which are the same in JSON."""
    straight = _straight(tongues, protocol, model, stream=stream)
    body = question(protocol, deployment(protocol, model), stream=stream)
    heard = await ask(tongues, protocol, deployment(protocol, model), stream=stream, body=body)
    if protocol == "gemini":
        for sign in "\u2028\u2029\u0085":
            straight = straight.replace(sign.encode(), f"\\u{ord(sign):04x}".encode())
    assert _without_number(heard.body) == _without_number(straight)


def _without_number(said: bytes) -> bytes:
    """The upstream counts its responses."""
    return re.sub(rb"resp_scripted[0-9]+", b"resp_scripted", said)


def _straight(tongues: Tongues, protocol: str, model: str, *, stream: bool) -> bytes:
    """The upstream's own answer."""
    connection = http.client.HTTPConnection(urlsplit(tongues.upstream.root).netloc, timeout=20)
    headers = {"content-type": "application/json", **dict(key_header(protocol, tongues.upstream.key or ""))}
    connection.request("POST", path_of(protocol, model, stream=stream), question(protocol, model, stream=stream), headers)
    said = connection.getresponse().read()
    connection.close()
    return said


CALL = {
    "function_call": {"name": "weather", "args": {"snake_case": 1, "camelCase": 2}},
    "thought_signature": "skip_thought_signature_validator",
}
SNAKE: dict[str, Any] = {
    "system_instruction": {"parts": [{"text": "Be brief."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "Look."}, {"inline_data": {"mime_type": "image/png", "data": "iVBORw0KGgo="}}]},
        {"role": "model", "parts": [CALL]},
        {"role": "user", "parts": [{"function_response": {"name": "weather", "response": {"snake_out": "fine"}}}]},
    ],
    "tools": [
        {
            "function_declarations": [
                {
                    "name": "weather",
                    "parameters_json_schema": {"type": "object", "properties": {"snake_case": {"type": "integer"}}},
                }
            ]
        }
    ],
    "tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["weather"]}},
    "generation_config": {
        "max_output_tokens": 3000,
        "stop_sequences": ["END"],
        "top_p": 0.5,
        "thinking_config": {"include_thoughts": True, "thinking_budget": 1500},
    },
}
_CAMEL = {
    "system_instruction": "systemInstruction",
    "inline_data": "inlineData",
    "thought_signature": "thoughtSignature",
    "mime_type": "mimeType",
    "function_call": "functionCall",
    "function_response": "functionResponse",
    "function_declarations": "functionDeclarations",
    "parameters_json_schema": "parametersJsonSchema",
    "tool_config": "toolConfig",
    "function_calling_config": "functionCallingConfig",
    "allowed_function_names": "allowedFunctionNames",
    "generation_config": "generationConfig",
    "max_output_tokens": "maxOutputTokens",
    "stop_sequences": "stopSequences",
    "top_p": "topP",
    "thinking_config": "thinkingConfig",
    "include_thoughts": "includeThoughts",
    "thinking_budget": "thinkingBudget",
}


def _in_camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {_CAMEL.get(key, key): _in_camel(inner) for key, inner in value.items()}
    return [_in_camel(one) for one in value] if isinstance(value, list) else value


@pytest.mark.anyio
@pytest.mark.parametrize("upstream", PROTOCOLS)
async def test_both_spellings_of_gemini_mean_the_same(tongues: Tongues, upstream: str) -> None:
    """Names of arguments, results and properties are the user's: they stay as they are."""
    tongues.upstream.complaints.clear()
    received = []
    for body in (SNAKE, _in_camel(SNAKE)):
        heard = await ask(tongues, "gemini", deployment(upstream, "text"), body=body)
        assert heard.status == 200, heard.body
        received.append((tongues.upstream.last.json, heard.header("x-assay-losses")))
    if upstream == "gemini":
        assert received == [(SNAKE, None), (_in_camel(SNAKE), None)]
    else:
        assert received[0] == received[1]
        told = json.dumps(received[0][0])
        for word in ("snake_case", "camelCase", "snake_out", "Be brief.", "iVBORw0KGgo=", "3000"):
            assert word in told, word
    assert tongues.upstream.complaints == []


@pytest.mark.anyio
@pytest.mark.parametrize("upstream", PROTOCOLS)
@pytest.mark.parametrize("model", ["text", "tools", "usage", "separators", "refusal", "cited"])
async def test_a_stream_without_events_is_one_array(tongues: Tongues, upstream: str, model: str) -> None:
    """``streamGenerateContent`` without ``alt=sse``: the same chunks, as elements of one JSON document."""
    heard = [
        await ask(tongues, "gemini", deployment(upstream, model), stream=True, as_list=as_list, tools=model == "tools")
        for as_list in (True, False)
    ]
    array, events = heard
    assert (array.status, array.header("content-type")) == (200, "application/json")
    assert array.ended_well
    chunks = json.loads(array.body)
    assert isinstance(chunks, list)
    assert len(chunks) > 1
    assert [_lasting(chunk) for chunk in chunks] == [_lasting(chunk) for chunk in events.documents]


def _lasting(chunk: dict[str, Any]) -> dict[str, Any]:
    """What two answers to the same question have in common."""
    said = json.loads(json.dumps(chunk))
    for candidate in said.get("candidates", ()):
        for part in candidate.get("content", {}).get("parts", ()):
            part.get("functionCall", {}).pop("id", None)
            part.pop("thoughtSignature", None)
    said.pop("responseId", None)
    return dict(said)


@pytest.mark.anyio
@pytest.mark.parametrize("upstream", PROTOCOLS)
@pytest.mark.parametrize("model", ["mid-stream-error", "cut", "unfinished"])
async def test_an_array_that_breaks_ends_with_the_error_and_is_still_json(tongues: Tongues, upstream: str, model: str) -> None:
    heard = await ask(tongues, "gemini", deployment(upstream, model), stream=True, as_list=True)
    chunks = json.loads(heard.body)
    assert heard.status == 200
    assert chunks[-1]["error"]["message"]
    assert not heard.ended_well
