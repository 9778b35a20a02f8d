"""Requests of Chat Completions: nothing that a client wrote is lost, and what is wrong is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.core import (
    AssayError,
    File,
    Image,
    InvalidInput,
    Message,
    OutputFormat,
    Refusal,
    Request,
    Sampling,
    Text,
    Thinking,
    Tool,
    TooLarge,
    ToolCall,
    ToolChoice,
    ToolResult,
    Transcript,
    Unknown,
    user,
)
from assay.wire.fields import Json
from assay.wire.openai_chat import NAME, read_request, write_request
from assay.wire.openai_chat import request as request_module
from tests.chat_rules import check_request
from tests.wire.chat_values import json_values, requests


def ask(*messages: Any, **fields: Any) -> Request:
    return read_request(json.dumps({"model": "m", "messages": list(messages), **fields}).encode())


def written(request: Request) -> Any:
    return json.loads(write_request(request).body)


ALL = ("top_k", "thinking_budget", "cache_control", "video_url", "file_url", "stop")


def again(request: Request) -> Request:
    return read_request(write_request(request, extensions=ALL).body)


@given(requests)
@settings(max_examples=100)
def test_reading_what_was_written_gives_the_same_request(request: Request) -> None:
    assert again(request) == request


@given(st.dictionaries(st.text(min_size=1).map(lambda key: "x" + key), json_values, max_size=5))
def test_unknown_fields_of_every_level_survive(fields: dict[str, Any]) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}", **fields}, **fields}
    body = {
        "model": "m",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": text, **fields} for text in "ab"], **fields},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x", **fields}, **fields}]},
            {"role": "assistant", "content": None, "tool_calls": [call], **fields},
            {"role": "tool", "tool_call_id": "c", "content": "ok", **fields},
        ],
        "tools": [{"type": "function", "function": {"name": "f", **fields}, **fields}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": fields, **fields}, **fields},
        "stream_options": {"include_usage": True, **fields},
        **fields,
    }
    assert json.loads(write_request(read_request(json.dumps(body).encode())).body) == body


def test_a_request_of_the_openai_sdk_becomes_core_nouns() -> None:
    request = ask(
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "name": "ann",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO", "detail": "low"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"}},
            ],
        },
        max_completion_tokens=5,
        reasoning_effort="low",
        stop="END",
        n=2,
        stream=True,
        stream_options={"include_usage": True},
    )
    image = Image(data="iVBO", media_type="image/png", detail="low")
    file = File(data="JVBE", media_type="application/pdf", name="a.pdf")
    assert request == Request(
        model="m",
        transcript=Transcript(
            (
                Message(role="developer", parts=(Text(text="Be brief."),)),
                Message(role="user", name="ann", parts=(Text(text="What is this?"), image, file)),
            )
        ),
        sampling=Sampling(max_tokens=5, effort="low", stop=("END",)),
        stream=True,
        stream_usage=True,
        extra={NAME: {"max_completion_tokens": 5, "n": 2}},
    )


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_the_token_limit_is_written_under_the_name_that_the_client_used(field: str) -> None:
    request = ask(**{field: 7})
    assert request.sampling.max_tokens == 7
    assert written(request) == {"model": "m", "messages": [], field: 7}


def test_both_token_limits_survive_and_the_newer_one_counts() -> None:
    request = ask(max_tokens=7, max_completion_tokens=5)
    assert request.sampling.max_tokens == 5
    assert written(request) == {"model": "m", "messages": [], "max_tokens": 7, "max_completion_tokens": 5}


def test_parallel_tool_calls_and_their_results() -> None:
    """As Qwen Code sends them: content null beside the calls, a list of parts in the results, a tool without parameters."""
    calls = [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
        {"id": "b", "type": "function", "function": {"name": "g", "arguments": ""}},
    ]
    request = ask(
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "1"}]},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
        tools=[{"type": "function", "function": {"name": "f"}}],
        tool_choice={"type": "function", "function": {"name": "f"}},
    )
    assert [message.parts for message in request.transcript.messages] == [
        (ToolCall(id="a", name="f", arguments='{"x":1}'), ToolCall(id="b", name="g")),
        (ToolResult(id="a", parts=(Text(text="1"),)),),
        (ToolResult(id="b", parts=(Text(text="2"),)),),
    ]
    assert request.tool_choice == ToolChoice("named", "f")
    assert written(request)["messages"][0] == {"role": "assistant", "content": None, "tool_calls": calls}


def test_results_that_another_protocol_put_in_one_message_become_messages_of_their_own() -> None:
    results = (ToolResult(id="a", parts=(Text(text="1"),)), ToolResult(id="b", parts=(Text(text="2"),)))
    request = Request(model="m", transcript=Transcript((Message(role="user", parts=(*results, Text(text="go on"))),)))
    assert written(request)["messages"] == [
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
        {"role": "user", "content": "go on"},
    ]


@pytest.mark.parametrize(
    "choice",
    ["auto", "none", "required", {"type": "custom", "custom": {"name": "f"}}, {"type": "allowed_tools", "allowed_tools": {}}],
)
def test_every_form_of_tool_choice_survives(choice: Any) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert written(ask(tool_choice=choice, tools=tools))["tool_choice"] == choice


@pytest.mark.parametrize("choice", ["auto", "none", "required", {"type": "function", "function": {"name": "f"}}])
def test_no_word_about_calls_is_said_where_no_tool_is(choice: Any) -> None:
    asked = write_request(ask(tool_choice=choice, parallel_tool_calls=False))
    assert json.loads(asked.body).keys() == {"model", "messages"}
    assert asked.losses == (() if choice in ("auto", "none") else ("dropped:tool_choice",))


SCHEMA: Json = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        (SCHEMA, True),
        (None, True),
        ({**SCHEMA, "required": []}, False),
        ({**SCHEMA, "additionalProperties": True}, False),
        ({**SCHEMA, "properties": {"a": {"type": "array", "items": {"type": "object"}}}}, False),
        ({**SCHEMA, "properties": {"a": {"type": "object", **SCHEMA}}}, True),
        ({**SCHEMA, "properties": {"a": {"enum": [{"type": "object"}]}}}, True),
        ({**SCHEMA, "$defs": {"b": {"type": "object", "properties": {}}}}, False),
    ],
)
def test_strictness_that_openai_would_refuse_is_not_asked_for(schema: Json | None, fits: bool) -> None:
    request = Request(model="m", transcript=Transcript((user("x"),)), tools=(Tool(name="f", parameters=schema, strict=True),))
    asked = write_request(request)
    assert json.loads(asked.body)["tools"][0]["function"].get("strict", False) is fits
    assert asked.losses == (() if fits else ("dropped:tools[].strict",))
    check_request(json.loads(asked.body))


def test_the_forms_before_tools_survive() -> None:
    body = {
        "model": "m",
        "messages": [
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "3"},
        ],
        "functions": [{"name": "f", "parameters": {}}],
        "function_call": {"name": "f"},
    }
    assert written(read_request(json.dumps(body).encode())) == body


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "custom", "custom": {"name": "sql", "format": {"type": "grammar"}}},
        {"type": "builtin_function", "function": {"name": "$web_search"}},
        {"type": "web_search", "web_search": {"enable": True}},
        {"type": "web_search", "max_results": 3},
    ],
)
def test_tools_of_other_types_survive(tool: dict[str, Any]) -> None:
    assert written(ask(tools=[tool]))["tools"] == [tool]


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning_content": "hmm"},
        {"reasoning": "hmm"},
        {"reasoning": "hmm", "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]},
        {"reasoning_details": [{"type": "reasoning.text", "text": "hmm", "signature": "s"}]},
        {"reasoning_content": "hmm", "reasoning": "hmm"},
    ],
)
def test_thoughts_go_back_in_the_fields_that_they_came_in(fields: dict[str, Any]) -> None:
    """DeepSeek and Kimi answer 400 when the thoughts before a tool call are missing, OpenRouter when the details are changed."""
    message = {"role": "assistant", "content": "4", **fields}
    request = ask(message)
    [thought, _] = request.transcript.messages[0].parts
    assert isinstance(thought, Thinking)
    assert thought.text == "hmm"
    assert written(request)["messages"] == [message]


def test_a_refusal_and_an_unknown_part_survive() -> None:
    part = {"type": "hologram", "hologram": {"depth": 3}}
    request = ask({"role": "user", "content": [part]}, {"role": "assistant", "content": None, "refusal": "No."})
    assert request.transcript.messages[0].parts == (Unknown(extra={NAME: part}),)
    assert request.transcript.messages[1].parts == (Refusal(text="No."),)
    assert again(request) == request


def test_a_string_and_a_list_of_one_text_are_the_same_question() -> None:
    assert ask({"role": "user", "content": "hi"}) == ask({"role": "user", "content": [{"type": "text", "text": "hi"}]})


def test_null_settings_are_settings_that_were_not_given() -> None:
    nothing = dict.fromkeys(["temperature", "stop", "tools", "tool_choice", "response_format", "stream_options", "user", "seed"])
    assert ask(**nothing) == ask()


def test_settings_that_were_not_given_are_not_sent() -> None:
    assert written(Request(model="m", transcript=Transcript((user("hi"),)))) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
    }


def test_what_core_asks_is_what_a_strict_server_takes() -> None:
    picture = Image(data="iVBO", media_type="image/png", detail="low")
    calls = (ToolCall(id="a", name="f", arguments="{}"), ToolCall(id="b", name="f", arguments="{}"))
    request = Request(
        model="m",
        transcript=Transcript(
            (
                Message(role="system", parts=(Text(text="Be brief."),)),
                Message(role="user", parts=(Text(text="What is this?"), picture)),
                Message(role="assistant", parts=calls),
                Message(
                    role="tool", parts=(ToolResult(id="a", parts=(Text(text="1"),)), ToolResult(id="b", parts=(Text(text="2"),)))
                ),
                Message(role="assistant", parts=(Text(text="A cat."),)),
                Message(role="assistant", parts=(Refusal(text="No."),)),
                Message(role="assistant"),
                user("Sure?"),
            )
        ),
        tools=(Tool(name="f", description="d", parameters=SCHEMA, strict=True),),
        tool_choice=ToolChoice("named", "f"),
        parallel_tool_calls=True,
        output=OutputFormat(kind="json_schema", name="n", schema=SCHEMA, strict=True),
        sampling=Sampling(max_tokens=5, temperature=0.5, top_p=1.0, stop=("x",), seed=1, effort="low"),
        stream=True,
        stream_usage=True,
        user="ann",
    )
    check_request(written(request))


@pytest.mark.parametrize(
    ("fields", "param", "reason"),
    [
        ({"model": None}, "model", "model is missing."),
        ({"model": 5}, "model", "model: expected a string, got 5."),
        ({"messages": None}, "messages", "messages is missing."),
        ({"messages": [3]}, "messages[0]", "messages[0]: expected an object, got 3."),
        ({"messages": [{"content": "x"}]}, "messages[0].role", "messages[0].role is missing."),
        ({"messages": [{"role": "user", "content": 1.5}]}, "messages[0].content", None),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text", None),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].image_url", None),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "messages[0].tool_calls[0].function", None),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name", None),
        ({"tool_choice": "sometimes"}, "tool_choice", "tool_choice: 'sometimes' is not auto, none or required."),
        ({"temperature": True}, "temperature", "temperature: expected a number, got true."),
        ({"max_tokens": 1.5}, "max_tokens", "max_tokens: expected a whole number, got 1.5."),
        ({"stream": "yes"}, "stream", "stream: expected a boolean, got a string."),
        ({"stop": [1]}, "stop", None),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", None),
    ],
)
def test_what_is_wrong_is_named_with_its_place(fields: dict[str, Any], param: str, reason: str | None) -> None:
    body = json.dumps({"model": "m", "messages": [], **fields}).encode()
    with pytest.raises(InvalidInput) as raised:
        read_request(body)
    assert raised.value.param == param
    assert reason is None or raised.value.message == reason


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "wire.not_json"),
        (b"{", "wire.not_json"),
        (b'{"model": NaN}', "wire.not_json"),
        (b'{"model": "\\ud83d"}', "wire.not_json"),
        (b'{"model": "\xff"}', "wire.not_utf8"),
        (b"[" * 200 + b"]" * 200, "wire.too_deep"),
        (b"[" * 100_000, "wire.too_deep"),
        (b'{"model":"m","messages":[],"x":' + b'{"a":' * 130 + b"1" + b"}" * 131, "wire.too_deep"),
        (b"[]", "wire.wrong_type"),
    ],
)
def test_a_body_that_is_no_request_is_refused_by_its_fault(body: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_request(body)
    assert raised.value.code == code


def test_a_body_beyond_the_bound_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_module, "MAX_BODY_BYTES", 10)
    with pytest.raises(TooLarge):
        read_request(b'{"model": "m"}')


_KEYS = ["model", "messages", "role", "content", "type", "text", "image_url", "url", "tool_calls", "function", "name", "tools"]
_KEYS += ["arguments", "stop", "reasoning_content", "reasoning_details", "response_format", "json_schema", "stream_options", "file"]
_WORDS = st.sampled_from(
    ["m", "user", "assistant", "tool", "function", "text", "image_url", "custom", "json_schema", "data:a;base64,b"]
)
hostile = st.recursive(
    json_values | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5),
    max_leaves=15,
)


@given(hostile.filter(lambda value: isinstance(value, list)) | st.just([]), hostile)
@settings(max_examples=200)
def test_hostile_json_is_read_or_refused_and_nothing_else(messages: Any, rest: Any) -> None:
    """What is read at all is read the same a second time."""
    body = {**(rest if isinstance(rest, dict) else {}), "model": "m", "messages": messages}
    try:
        request = read_request(json.dumps(body).encode())
    except AssayError:
        return
    assert again(again(request)) == again(request)


@given(st.binary(max_size=200))
def test_hostile_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(AssayError):
        read_request(body)


def test_nothing_stands_between_the_results_of_calls_that_were_made_at_once() -> None:
    """Neither a picture out of one of them nor what the user said beside them."""
    calls = tuple(ToolCall(id=id, name="f", arguments="{}") for id in "abc")
    picture = Image(data="iVBO", media_type="image/png")
    request = Request(
        model="m",
        transcript=Transcript(
            (
                user("Look."),
                Message(role="assistant", parts=calls),
                Message(role="tool", parts=(ToolResult(id="a", parts=(picture,)),)),
                Message(role="user", parts=(ToolResult(id="b", parts=(Text(text="2"),)), Text(text="And?"))),
                Message(role="tool", parts=(ToolResult(id="c", parts=(Text(text="3"),)),)),
                user("Sure?"),
            )
        ),
        tools=(Tool(name="f"),),
    )
    sent = written(request)
    check_request(sent)
    assert [message["role"] for message in sent["messages"]] == [
        "user",
        "assistant",
        "tool",
        "tool",
        "tool",
        "user",
        "user",
        "user",
    ]
