"""Requests of Anthropic clients: nothing that a client wrote is lost, and what is wrong is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.core import (
    AssayError,
    Citation,
    File,
    Image,
    InvalidInput,
    Message,
    OutputFormat,
    Request,
    Sampling,
    Text,
    Thinking,
    Tool,
    TooLarge,
    ToolCall,
    ToolChoice,
    ToolResult,
    Unknown,
    user,
)
from assay.wire.anthropic import NAME, read_count_request, read_request, write_request
from assay.wire.anthropic import request as request_module
from tests.wire.anthropic_values import bodies
from tests.wire.chat_values import json_values

USER = {"role": "user", "content": "Hi"}


def ask(*messages: Any, **fields: Any) -> Request:
    return read_request(json.dumps({"model": "m", "max_tokens": 100, "messages": list(messages), **fields}).encode())


def again(request: Request) -> Request:
    return read_request(write_request(request).body)


@given(bodies())
@settings(max_examples=60)
def test_reading_what_was_written_gives_the_same_request(body: dict[str, Any]) -> None:
    request = read_request(json.dumps(body).encode())
    written = write_request(request)
    assert read_request(written.body) == request
    assert written.losses == ()


@given(st.dictionaries(st.text(min_size=1).map(lambda key: "x" + key), json_values, max_size=5))
def test_unknown_fields_of_every_level_survive(fields: dict[str, Any]) -> None:
    call = {"type": "tool_use", "id": "a", "name": "f", "input": fields, **fields}
    picture = {"type": "image", "source": {"type": "url", "url": "https://x"}, **fields}
    result = {"type": "tool_result", "tool_use_id": "a", "content": [picture], **fields}
    body = {
        "model": "m",
        "max_tokens": 9,
        "system": [{"type": "text", "text": "s", **fields}, {"type": "text", "text": "t"}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "a", **fields}, picture], **fields},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s", **fields}, call], **fields},
            {"role": "user", "content": [result, {"type": "x_new", **fields}], **fields},
        ],
        "tools": [{"name": "f", "input_schema": {"type": "object", **fields}, **fields}],
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object", **fields}, **fields}, **fields},
        "metadata": {"user_id": "u", **fields},
        **fields,
    }
    assert json.loads(write_request(read_request(json.dumps(body).encode())).body) == body


CLAUDE_CODE: dict[str, Any] = {
    "model": "anything",
    "max_tokens": 32000,
    "stream": True,
    "metadata": {"user_id": '{"device_id":"d","session_id":"s"}'},
    "thinking": {"type": "adaptive", "display": "omitted"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "output_config": {"effort": "high"},
    "system": [
        {"type": "text", "text": "x-billing: 1"},
        {"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "Long words.", "cache_control": {"type": "ephemeral"}},
    ],
    "tools": [
        {
            "name": "Bash",
            "description": "Runs a command.",
            "input_schema": {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "properties": {"command": {"type": "string"}},
                "required": ["command"],
                "additionalProperties": False,
            },
        },
        {"name": "Later", "description": "", "defer_loading": True, "input_schema": {"type": "object", "properties": {}}},
    ],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "List the files."}]},
        {"role": "system", "content": "Today is a fine day."},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "", "signature": "EqQB"},
                {"type": "tool_use", "id": "toolu_01A", "name": "Bash", "input": {"command": "ls"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_01A",
                    "content": "no such file",
                    "is_error": True,
                    "cache_control": {"type": "ephemeral"},
                }
            ],
        },
    ],
}


def test_a_request_of_claude_code_becomes_core_nouns() -> None:
    request = read_request(json.dumps(CLAUDE_CODE).encode())
    assert request.transcript.messages == (
        Message(
            role="system",
            parts=(Text(text="x-billing: 1"), Text(text="You are an agent.", cache="5m"), Text(text="Long words.", cache="5m")),
        ),
        user("List the files."),
        Message(role="system", parts=(Text(text="Today is a fine day."),)),
        Message(
            role="assistant",
            parts=(
                Thinking(signature="EqQB", provider=NAME),
                ToolCall(id="toolu_01A", name="Bash", arguments='{"command":"ls"}'),
            ),
        ),
        Message(
            role="user",
            parts=(ToolResult(id="toolu_01A", parts=(Text(text="no such file"),), is_error=True, cache="5m"),),
        ),
    )
    assert request.sampling == Sampling(max_tokens=32000, thinking=True, show_thinking=False, effort="high")
    assert request.user == '{"device_id":"d","session_id":"s"}'
    assert request.stream
    assert request.tools[1] == Tool(
        name="Later", description="", parameters={"type": "object", "properties": {}}, extra={NAME: {"defer_loading": True}}
    )
    assert set(request.extra[NAME]) == {"context_management"}


def test_a_request_of_claude_code_is_written_as_it_came() -> None:
    written = write_request(read_request(json.dumps(CLAUDE_CODE).encode()))
    body = json.loads(written.body)
    assert written.losses == ()
    assert body.pop("messages")[0] == {"role": "user", "content": "List the files."}
    assert body == {key: value for key, value in CLAUDE_CODE.items() if key != "messages"}


def test_an_older_request_says_its_budget_and_how_it_wants_to_see_thoughts() -> None:
    request = ask(USER, thinking={"type": "enabled", "budget_tokens": 31999, "display": "updates"})
    assert request.sampling == Sampling(max_tokens=100, thinking=True, thinking_budget=31999, show_thinking=True)
    assert json.loads(write_request(request).body)["thinking"] == {
        "type": "enabled",
        "budget_tokens": 31999,
        "display": "updates",
    }


@pytest.mark.parametrize(("display", "shown"), [({}, True), ({"display": "omitted"}, False), ({"display": "summarized"}, True)])
def test_who_gives_a_budget_is_shown_the_thoughts_unless_asked_not_to(display: dict[str, str], shown: bool) -> None:
    request = ask(USER, thinking={"type": "enabled", "budget_tokens": 2000, **display})
    assert request.sampling.show_thinking is shown
    assert again(request) == request


@pytest.mark.parametrize("thinking", [{"type": "between_tools"}, {"type": "adaptive"}, {"type": "enabled"}, {"type": "disabled"}])
def test_every_kind_of_thinking_is_kept(thinking: dict[str, Any]) -> None:
    request = ask(USER, thinking=thinking)
    assert request.sampling.thinking is (thinking["type"] != "disabled")
    assert json.loads(write_request(request).body)["thinking"] == thinking


def test_media_become_parts() -> None:
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"}
    request = ask(
        {
            "role": "user",
            "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
                {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
                {"type": "document", "title": "D", "source": pdf, "citations": {"enabled": True}},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
                {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
                {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "w"}]},
            ],
        }
    )
    parts = request.transcript.messages[0].parts
    assert parts[:5] == (
        Image(data="iVBORw0KGgo=", media_type="image/png"),
        Image(url="https://example.org/a.png"),
        File(data="JVBERi0x", media_type="application/pdf", name="D", extra={NAME: {"citations": {"enabled": True}}}),
        File(data="d29yZHM=", media_type="text/plain"),
        File(file_id="file_1"),
    )
    assert isinstance(parts[5], Unknown)
    assert again(request) == request


def test_results_of_tools_hold_pictures_and_errors() -> None:
    picture = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
    request = ask(
        USER,
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [picture], "is_error": True}]},
    )
    [result] = request.transcript.messages[2].parts
    assert result == ToolResult(id="a", parts=(Image(url="https://example.org/a.png"),), is_error=True)


def test_sources_of_an_answer_are_kept_with_their_place() -> None:
    cited = {
        "type": "page_location",
        "cited_text": "said",
        "document_index": 0,
        "document_title": "T",
        "start_page_number": 1,
        "end_page_number": 2,
    }
    request = ask(USER, {"role": "assistant", "content": [{"type": "text", "text": "four", "citations": [cited]}]}, USER)
    [part] = request.transcript.messages[1].parts
    assert isinstance(part, Text)
    [citation] = part.citations
    assert (citation.title, citation.quote, citation.start, citation.end) == ("T", "said", 0, 4)
    assert isinstance(citation, Citation)
    assert again(request) == request


@pytest.mark.parametrize(
    ("given", "choice", "parallel"),
    [
        ({"type": "auto"}, ToolChoice("auto"), None),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice("required"), False),
        ({"type": "tool", "name": "f", "disable_parallel_tool_use": False}, ToolChoice("named", "f"), True),
        ({"type": "none"}, ToolChoice("none"), None),
    ],
)
def test_choices_of_tools(given: dict[str, Any], choice: ToolChoice, parallel: bool | None) -> None:
    request = ask(USER, tools=[{"name": "f", "input_schema": {"type": "object"}}], tool_choice=given)
    assert (request.tool_choice, request.parallel_tool_calls) == (choice, parallel)
    assert json.loads(write_request(request).body)["tool_choice"] == given


def test_a_tool_of_the_providers_own_is_kept_whole_and_has_no_name() -> None:
    tool = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    request = ask(USER, tools=[tool])
    assert request.tools == (Tool(name="", extra={NAME: tool}),)
    assert json.loads(write_request(request).body)["tools"] == [tool]


@pytest.mark.parametrize("place", ["output_config", "output_format"])
def test_a_schema_for_the_answer_in_its_new_place_and_its_old(place: str) -> None:
    form: dict[str, Any] = {"type": "json_schema", "schema": {"type": "object", "additionalProperties": False}}
    request = ask(USER, **{place: {"format": form} if place == "output_config" else form})
    assert request.output == OutputFormat(kind="json_schema", schema=form["schema"])
    assert json.loads(write_request(request).body)["output_config"] == {"format": form}


def test_instructions_before_the_first_words_belong_to_the_system() -> None:
    request = ask({"role": "system", "content": "B"}, USER, system="A")
    assert request.transcript.messages[0] == Message(role="system", parts=(Text(text="A"), Text(text="B")))
    assert again(request) == request


def test_the_address_may_say_the_model_and_whether_to_stream() -> None:
    request = read_request(b'{"messages":[],"anthropic_version":"bedrock-2023-05-31"}', model="m", stream=True)
    assert (request.model, request.stream) == ("m", True)
    assert request.extra == {NAME: {"anthropic_version": "bedrock-2023-05-31"}}


def test_a_question_for_a_count_needs_no_bound() -> None:
    request = read_count_request(b'{"model":"m","messages":[{"role":"user","content":"Hi"}],"system":"S"}')
    assert request.sampling == Sampling()


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": []}, "model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": {}}, "messages"),
        ({"model": "m", "messages": [{"content": "x"}]}, "messages[0].role"),
        ({"model": "m", "messages": [{"role": "user"}]}, "messages[0].content"),
        ({"model": "m", "messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
        ({"model": "m", "messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"model": "m", "messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
        ({"model": "m", "messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages[0].content[0].source"),
        ({"model": "m", "messages": [], "tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"model": "m", "messages": [], "thinking": {}}, "thinking.type"),
        ({"model": "m", "messages": [], "thinking": {"type": "enabled", "budget_tokens": 0}}, "thinking.budget_tokens"),
        ({"model": "m", "messages": [], "max_tokens": "many"}, "max_tokens"),
        ({"model": "m", "messages": [], "stop_sequences": [1]}, "stop_sequences"),
        ({"model": "m", "messages": [], "tool_choice": "auto"}, "tool_choice"),
        ({"model": "m", "messages": [], "output_config": []}, "output_config"),
        ({"model": "m", "messages": [], "metadata": "u"}, "metadata"),
        ([], "body"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(body: Any, param: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_request(json.dumps(body).encode())
    assert caught.value.param == param


def test_a_body_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_module, "MAX_BODY_BYTES", 10)
    with pytest.raises(TooLarge):
        ask(USER)


hostile = st.recursive(
    json_values
    | st.sampled_from(["text", "thinking", "tool_use", "tool_result", "image", "document", "ephemeral", "assay.e30", "user"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "text",
                    "content",
                    "role",
                    "source",
                    "data",
                    "cache_control",
                    "input",
                    "id",
                    "name",
                    "signature",
                    "citations",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(
    st.fixed_dictionaries(
        {"model": st.just("m"), "messages": st.lists(hostile, max_size=3)},
        optional=dict.fromkeys(("system", "tools", "tool_choice", "thinking", "output_config", "metadata", "max_tokens"), hostile),
    )
)
@settings(max_examples=150)
def test_whatever_is_sent_is_read_or_refused_and_what_is_read_can_be_written(body: dict[str, Any]) -> None:
    try:
        request = read_request(json.dumps(body).encode())
    except AssayError as error:
        assert error.status in (400, 413)  # noqa: PT017  # most bodies here are refused
        return
    assert read_request(write_request(request).body).model == "m"


@given(st.binary(max_size=200))
def test_bytes_that_are_no_request_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_request(data)
