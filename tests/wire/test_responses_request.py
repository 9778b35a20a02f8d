"""Requests of Responses: nothing that a client wrote is lost, what is wrong is named, and servers get what they demand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assay.core import (
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
from assay.wire import openai_chat
from assay.wire.carry import seal
from assay.wire.openai_responses import NAME, read_request, write_request
from assay.wire.openai_responses import request as request_module
from tests.upstream.rules.responses import check_request
from tests.wire.responses_values import bodies, closed, foreign_requests, json_values

CODEX_TOOLS = [
    {
        "type": "function",
        "name": "exec_command",
        "description": "Runs a command.",
        "strict": False,
        "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}, "required": ["cmd"]},
    },
    {
        "type": "namespace",
        "name": "collab",
        "description": "Other agents.",
        "tools": [{"type": "function", "name": "spawn", "strict": False, "parameters": {"type": "object", "properties": {}}}],
    },
    {
        "type": "custom",
        "name": "apply_patch",
        "description": "Edits files.",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
    },
    {"type": "web_search", "external_web_access": False},
]
CODEX: dict[str, Any] = {
    "model": "m",
    "input": [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "You are a coding agent."}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "List the files."}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "ls"}], "content": None, "encrypted_content": "gAAAAB"},
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": "exec_command",
            "arguments": '{"cmd":"ls"}',
            "status": "completed",
        },
        {"type": "function_call_output", "id": "fco_1", "call_id": "call_1", "output": "a.txt"},
    ],
    "tools": CODEX_TOOLS,
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"summary": "auto"},
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "0199",
    "client_metadata": {"originator": "codex_exec"},
    "stream": True,
}


def read(body: Any) -> Request:
    return read_request(json.dumps(body).encode())


def ask(*items: Any, **fields: Any) -> Request:
    return read({"model": "m", "input": list(items), **fields})


def written(request: Request) -> Any:
    return json.loads(write_request(request).body)


def said(*parts: Any, **fields: Any) -> Request:
    """A request from another protocol."""
    return Request(model="m", transcript=Transcript((user("hi"), Message(role="assistant", parts=parts), user("go"))), **fields)


@given(bodies)
@settings(max_examples=200, deadline=None)
@example(CODEX)
def test_reading_what_was_written_gives_the_same_request(body: dict[str, Any]) -> None:
    request = read(body)
    assert read_request(write_request(request).body) == request


@given(bodies)
@settings(max_examples=50, deadline=None)
def test_nothing_is_reported_lost_towards_the_same_protocol(body: dict[str, Any]) -> None:
    assert not write_request(read(body)).losses


@given(foreign_requests())
@settings(max_examples=200, deadline=None)
def test_a_strict_server_takes_what_is_written_for_requests_from_elsewhere(request: Request) -> None:
    check_request(written(request))


@given(st.dictionaries(st.text(min_size=1).map(lambda key: "x_" + key), json_values, max_size=5))
def test_unknown_fields_of_every_level_survive(fields: dict[str, Any]) -> None:
    body = {
        "model": "m",
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": text, **fields} for text in "ab"],
                **fields,
            },
            {
                "type": "message",
                "id": "msg_asy1",
                "role": "assistant",
                "status": "completed",
                "phase": "final_answer",
                "content": [{"type": "output_text", "text": "a", "annotations": [], **fields}],
                **fields,
            },
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", **fields},
            {"type": "function_call_output", "call_id": "c", "output": "ok", **fields},
            {"type": "x_item", **fields},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": None, "strict": False, **fields}, {"type": "x_tool", **fields}],
        "text": {"format": {"type": "json_schema", "name": "n", "schema": fields, **fields}, **fields},
        **fields,
    }
    given = json.loads(json.dumps(body))
    assert written(read(body)) == given


def test_what_codex_sends_becomes_core_nouns() -> None:
    request = read(CODEX)
    developer, asked, turn, result = request.transcript.messages
    assert (developer.role, developer.text) == ("developer", "You are a coding agent.")
    assert asked == user("List the files.")
    assert turn.role == "assistant"
    assert turn.parts == (
        Thinking(text="ls", signature="gAAAAB", provider=NAME),
        ToolCall(id="call_1", name="exec_command", arguments='{"cmd":"ls"}'),
    )
    assert result.role == "tool"
    assert result.parts == (ToolResult(id="call_1", parts=(Text(text="a.txt"),)),)
    assert [tool.name for tool in request.tools] == ["exec_command", "collab__spawn", "apply_patch", ""]
    assert request.sampling == Sampling(show_thinking=True)
    assert request.extra[NAME].keys() == {"store", "include", "prompt_cache_key", "client_metadata"}


def test_what_codex_sends_is_written_as_it_came_but_for_what_goes_without_saying() -> None:
    again = written(read(CODEX))
    assert again.keys() == CODEX.keys()
    assert again["tools"] == CODEX_TOOLS
    check_request({**again, "input": again["input"][:2]})
    assert [item["type"] for item in again["input"]] == [item["type"] for item in CODEX["input"]]


def test_namespaces_and_free_text_tools_are_functions_for_everyone_else() -> None:
    request = ask(
        {"type": "function_call", "call_id": "a", "name": "spawn", "namespace": "collab", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "b", "name": "apply_patch", "input": "*** Begin"},
        {"type": "function_call_output", "call_id": "a", "output": "ok"},
        {"type": "custom_tool_call_output", "call_id": "b", "output": "done"},
        tools=CODEX_TOOLS,
    )
    spawn, patch = request.transcript.messages[0].parts
    assert spawn == ToolCall(id="a", name="collab__spawn", arguments="{}")
    assert patch == ToolCall(id="b", name="apply_patch", arguments='{"input":"*** Begin"}')
    names = [tool["function"]["name"] for tool in json.loads(openai_chat.write_request(request).body)["tools"]]
    assert names == ["exec_command", "collab__spawn", "apply_patch"]
    assert "dropped:tools.web_search" in openai_chat.write_request(request).losses
    kinds = [item["type"] for item in written(request)["input"]]
    assert kinds == ["function_call", "custom_tool_call", "function_call_output", "custom_tool_call_output"]
    assert written(request)["input"][0]["namespace"] == "collab"


def test_a_long_name_in_a_namespace_stays_within_what_all_servers_take() -> None:
    tool = {"type": "function", "name": "f" * 60, "parameters": {}}
    space = {"type": "namespace", "name": "n" * 30, "description": "", "tools": [tool]}
    call = {"type": "function_call", "call_id": "a", "name": "f" * 60, "namespace": "n" * 30, "arguments": "{}"}
    request = ask(call, tools=[space])
    assert len(request.tools[0].name) == 64
    assert request.transcript.messages[0].parts == (ToolCall(id="a", name=request.tools[0].name, arguments="{}"),)
    assert written(request)["input"] == [call]


def test_instructions_are_the_first_message_of_the_system() -> None:
    body = {"model": "m", "instructions": "Be brief.", "input": "hi"}
    request = read(body)
    assert request.transcript.messages == (Message(role="system", parts=(Text(text="Be brief."),)), user("hi"))
    assert written(request)["instructions"] == "Be brief."


def test_consecutive_items_of_the_model_are_one_turn() -> None:
    request = ask(
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "phase": "commentary",
            "content": [{"type": "output_text", "text": "a"}],
        },
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "message", "id": "msg_2", "role": "assistant", "content": [{"type": "output_text", "text": "b"}]},
        {"role": "user", "content": "more"},
        {"role": "assistant", "content": "c"},
        {"role": "assistant", "content": "d"},
    )
    assert [(message.role, message.text) for message in request.transcript.messages] == [
        ("assistant", "a"),
        ("assistant", "b"),
        ("user", "more"),
        ("assistant", "c"),
        ("assistant", "d"),
    ]
    again = written(request)["input"]
    assert [item["type"] for item in again[:4]] == ["reasoning", "message", "web_search_call", "message"]
    assert [again[0]["id"], again[2]["id"], again[1]["phase"]] == ["rs_1", "ws_1", "commentary"]
    assert request.transcript.messages[0].parts[2:] == (
        Unknown(extra={NAME: {"item.web_search_call": {"type": "web_search_call", "id": "ws_1", "status": "completed"}}}),
    )


def test_media_files_and_results_with_pictures() -> None:
    picture = {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"}
    request = ask(
        {"role": "user", "content": [picture, {"type": "input_file", "file_data": "QUJD", "filename": "a.pdf"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "see"}, picture]},
    )
    image = Image(data="AAAA", media_type="image/png", detail="low")
    assert request.transcript.messages[0].parts == (image, File(data="QUJD", media_type="application/pdf", name="a.pdf"))
    assert request.transcript.messages[2].parts == (ToolResult(id="c", parts=(Text(text="see"), image)),)
    check_request(written(request))


def test_settings_become_core_nouns_and_come_back() -> None:
    body = {
        "model": "m",
        "input": "hi",
        "max_output_tokens": 50,
        "temperature": 0.5,
        "reasoning": {"effort": "high", "summary": "detailed"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}, "verbosity": "low"},
        "tool_choice": {"type": "function", "name": "f"},
        "tools": [{"type": "function", "name": "f", "parameters": closed, "strict": True}],
    }
    request = read(body)
    assert request.sampling == Sampling(max_tokens=50, temperature=0.5, effort="high", show_thinking=True)
    assert request.output == OutputFormat(kind="json_schema", name="n", schema={"type": "object"}, strict=True)
    assert request.tool_choice == ToolChoice("named", "f")
    again = written(request)
    assert {key: again[key] for key in body if key != "input"} == {key: body[key] for key in body if key != "input"}


def test_thoughts_and_signatures_that_were_sealed_come_back_as_their_makers() -> None:
    thought = Thinking(text="hm", signature="S", provider="anthropic")
    call = ToolCall(id="c", name="f", signature="TS", provider="gemini")
    request = ask(
        {
            "type": "reasoning",
            "id": "rs_asy0",
            "summary": [{"type": "summary_text", "text": "hm"}],
            "encrypted_content": seal(Thinking(signature="S", provider="anthropic")),
        },
        {"type": "reasoning", "id": "rs_asy1", "summary": [], "encrypted_content": seal(call=call)},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "d", "name": "f", "arguments": "{}"},
    )
    parts = request.transcript.messages[0].parts
    assert parts[0] == thought
    assert [part.signature for part in parts[1:] if isinstance(part, ToolCall)] == ["TS", None]
    assert len(parts) == 3


def test_a_damaged_seal_leaves_words_that_nobody_is_given_as_thoughts() -> None:
    request = ask({"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "assay.!"})
    assert request.transcript.messages[0].parts == (Thinking(text="hm", provider="unknown"),)
    assert write_request(request).losses == ("dropped:messages[].thinking",)


def test_own_thoughts_go_back_with_what_they_led_to() -> None:
    thought = Thinking(text="hm", signature="gAAA", provider=NAME)
    items = written(said(thought, Text(text="x")))["input"]
    assert items[1] == {
        "type": "reasoning",
        "id": "rs_asy1",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": "gAAA",
    }
    alone = write_request(said(Text(text="x"), thought))
    assert [item["type"] for item in json.loads(alone.body)["input"]] == ["message"] * 3
    assert alone.losses == ("dropped:messages[].thinking",)


@pytest.mark.parametrize(
    ("part", "loss"),
    [
        (Thinking(text="plain"), "dropped:messages[].thinking"),
        (Thinking(text="x", signature="S", provider="anthropic"), "dropped:messages[].thinking"),
        (ToolCall(id="c", name="f", arguments="{}", signature="S", provider="gemini"), "dropped:tool_call.signature"),
        (ToolCall(id="c", name="f", arguments="{"), "approximated:tool_call.arguments=input"),
        (Image(url="https://example.org"), "dropped:image"),
        (Unknown(extra={"anthropic": {"server_tool_use": {}}}), "dropped:messages[].server_tool_use"),
        (Refusal(text="no", cache="5m"), "dropped:cache"),
    ],
)
def test_what_of_an_answer_cannot_go_back_is_named(part: Any, loss: str) -> None:
    assert loss in write_request(said(part)).losses


@pytest.mark.parametrize(
    ("sampling", "losses", "sent"),
    [
        (Sampling(top_k=5), ["dropped:top_k"], {}),
        (Sampling(stop=("a",), seed=1), ["dropped:stop", "dropped:seed"], {}),
        (Sampling(frequency_penalty=1.0, presence_penalty=1.0), ["dropped:frequency_penalty", "dropped:presence_penalty"], {}),
        (Sampling(max_tokens=1), ["approximated:max_tokens=16"], {"max_output_tokens": 16}),
        (Sampling(thinking_budget=1024), ["approximated:thinking_budget=effort minimal"], {"reasoning": {"effort": "minimal"}}),
        (Sampling(thinking_budget=9, effort="high"), ["dropped:thinking_budget"], {"reasoning": {"effort": "high"}}),
        (Sampling(thinking=True), ["dropped:thinking"], {}),
        (Sampling(thinking=False), [], {"reasoning": {"effort": "none"}}),
        (Sampling(show_thinking=True), [], {"reasoning": {"summary": "auto"}}),
    ],
)
def test_settings_from_elsewhere_are_sent_or_named(sampling: Sampling, losses: list[str], sent: dict[str, Any]) -> None:
    out = write_request(said(Text(text="x"), sampling=sampling))
    assert list(out.losses) == losses
    fields = json.loads(out.body)
    assert {key: fields.get(key) for key in sent} == sent


def test_a_request_from_elsewhere_is_not_stored_and_asks_for_thoughts_that_can_come_back() -> None:
    plain, thinking = written(said(Text(text="x"))), written(said(Text(text="x"), sampling=Sampling(effort="low")))
    assert plain["store"] is thinking["store"] is False
    assert "include" not in plain
    assert thinking["include"] == ["reasoning.encrypted_content"]
    assert "store" not in written(read({"model": "m", "input": "hi"}))


def test_a_choice_of_tools_that_are_not_there_is_named_as_lost() -> None:
    hosted = Tool(name="", extra={"anthropic": {"type": "web_search_20250305"}})
    out = write_request(said(Text(text="x"), tools=(hosted,), tool_choice=ToolChoice("required")))
    assert out.losses == ("dropped:tools.web_search_20250305", "dropped:tool_choice")
    check_request(json.loads(out.body))


def test_ids_of_calls_are_short_and_each_only_once() -> None:
    long = "x" * 90
    turns = [
        message
        for _ in range(2)
        for message in (
            Message(role="assistant", parts=(ToolCall(id=long, name="f"), ToolCall(id="0", name="f"))),
            Message(role="tool", parts=(ToolResult(id=long),)),
            Message(role="tool", parts=(ToolResult(id="0"),)),
        )
    ]
    body = written(Request(model="m", transcript=Transcript(tuple(turns))))
    check_request(body)
    calls = [item["call_id"] for item in body["input"] if item["type"] == "function_call"]
    assert len(set(calls)) == 4
    assert calls == [item["call_id"] for item in body["input"] if item["type"] == "function_call_output"]


def test_cache_marks_stay_with_their_own_protocol() -> None:
    """OpenAI's older models refuse them, and all of its models keep beginnings by themselves."""
    marked = {"type": "input_text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}}
    request = ask({"role": "user", "content": [marked]})
    assert request.transcript.messages[0].parts == (Text(text="x", cache="5m"),)
    assert written(request)["input"][0]["content"] == [marked]
    foreign = write_request(Request(model="m", transcript=request.transcript))
    assert foreign.losses == ("dropped:cache",)
    assert b"prompt_cache_breakpoint" not in foreign.body


def test_strict_is_left_open_where_the_client_left_it_open() -> None:
    open_, closed = ask(tools=[{"type": "function", "name": "f"}, {"type": "function", "name": "g", "strict": False}]).tools
    assert (open_.strict, closed.strict) == (None, False)
    assert [tool["strict"] for tool in written(ask(tools=[{"type": "function", "name": "f"}]))["tools"]] == [None]
    assert [tool["strict"] for tool in written(said(tools=(Tool(name="f"),)))["tools"]] == [False]


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"input": "x"}, "wire.missing_field", "model"),
        ({"model": 5}, "wire.wrong_type", "model"),
        ({"model": "m", "input": 5}, "wire.wrong_type", "input"),
        ({"model": "m", "input": [5]}, "wire.wrong_type", "input[0]"),
        ({"model": "m", "input": [{}]}, "wire.missing_field", "input[0].type"),
        ({"model": "m", "input": [{"type": 5}]}, "wire.wrong_type", "input[0].type"),
        ({"model": "m", "input": [{"type": "message"}]}, "wire.missing_field", "input[0].role"),
        ({"model": "m", "input": [{"type": "function_call"}]}, "wire.missing_field", "input[0].name"),
        ({"model": "m", "input": [{"role": "user", "content": [{"text": "x"}]}]}, "wire.missing_field", "input[0].content[0].type"),
        (
            {"model": "m", "input": [{"role": "user", "content": [{"type": "input_text"}]}]},
            "wire.missing_field",
            "input[0].content[0].text",
        ),
        ({"model": "m", "input": [{"type": "function_call_output", "output": 5}]}, "wire.wrong_type", "input[0].output"),
        ({"model": "m", "tools": {}}, "wire.wrong_type", "tools"),
        ({"model": "m", "tools": [{"type": "function"}]}, "wire.missing_field", "tools[0].name"),
        (
            {"model": "m", "tools": [{"type": "namespace", "name": "n", "tools": [{"type": "function"}]}]},
            "wire.missing_field",
            "tools[0].tools[0].name",
        ),
        ({"model": "m", "tool_choice": "maybe"}, "wire.wrong_type", "tool_choice"),
        ({"model": "m", "text": "x"}, "wire.wrong_type", "text"),
        ({"model": "m", "reasoning": {"effort": 5}}, "wire.wrong_type", "reasoning.effort"),
        ({"model": "m", "max_output_tokens": "x"}, "wire.wrong_type", "max_output_tokens"),
    ],
)
def test_what_is_wrong_is_named(body: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(body)
    assert (caught.value.code, caught.value.param) == (code, param)


def test_a_model_in_the_address_counts_more_than_one_in_the_body() -> None:
    assert read_request(b'{"model":"a"}', model="b", stream=True) == Request(
        model="b", transcript=Transcript(()), stream=True, extra={NAME: {}}
    )


def test_a_body_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_module, "MAX_BODY_BYTES", 10)
    with pytest.raises(TooLarge):
        read_request(b'{"model": "m"}')


_SHAPES = [
    "type",
    "role",
    "content",
    "name",
    "namespace",
    "tools",
    "tool_choice",
    "input",
    "text",
    "reasoning",
    "format",
    "call_id",
]
_KINDS = [
    "message",
    "reasoning",
    "function_call",
    "custom_tool_call",
    "function_call_output",
    "namespace",
    "function",
    "custom",
    "user",
]
_hostile = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([*_KINDS, "assistant", "", "assay.x", "input_text", "auto"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [*_SHAPES, "output", "summary", "lengths", "item.id", "item.type", "encrypted_content", "custom", "strict"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(_hostile, _hostile, _hostile)
@settings(max_examples=400, deadline=None)
def test_hostile_bodies_are_read_or_refused_and_written_when_read(items: Any, tools: Any, extra: Any) -> None:
    fields = extra if type(extra) is dict else {}
    try:
        request = read({**fields, "model": "m", "input": items, "tools": tools})
    except InvalidInput:
        return
    assert write_request(request).body
    assert openai_chat.write_request(request).body


@given(st.binary(max_size=50))
def test_hostile_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_request(data)
