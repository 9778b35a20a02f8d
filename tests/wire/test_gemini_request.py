"""Requests of the Gemini API: both spellings are read, nothing is lost in writing, and an upstream takes what is written."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.core import (
    Audio,
    File,
    Image,
    InvalidInput,
    Message,
    OutputFormat,
    Part,
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
    user,
)
from assay.wire.gemini import NAME, read_count_request, read_request, write_count_request, write_request
from assay.wire.gemini import request as module
from tests.upstream.rules.gemini import SKIP, check_request
from tests.wire import chat_values
from tests.wire.gemini_values import requests


def read(body: dict[str, Any]) -> Request:
    return read_request(json.dumps(body).encode(), model="m")


def ask(**fields: Any) -> Request:
    return read({"contents": [{"role": "user", "parts": [{"text": "hi"}]}], **fields})


def written(request: Request) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(write_request(request).body)
    return fields


def write(*messages: Message, **fields: Any) -> dict[str, Any]:
    return written(Request(model="m", transcript=Transcript(messages), **fields))


@given(requests())
@settings(max_examples=60)
def test_reading_what_was_written_gives_the_same_request(request: Request) -> None:
    body = write_request(request).body
    assert read_request(body, model="m", stream=request.stream) == request


@given(requests())
@settings(max_examples=40)
def test_a_request_of_the_same_protocol_loses_nothing_but_what_cannot_be_known(request: Request) -> None:
    losses = write_request(request).losses
    assert set(losses) <= {"approximated:tool_call.signature=checking is skipped"}


@given(chat_values.requests)
@settings(max_examples=80)
def test_a_strict_upstream_takes_any_conversation_of_another_protocol(request: Request) -> None:
    asked = Message(role="user", parts=(Text(text="hi"),))
    names = {tool.name: tool for tool in request.tools if tool.name.isidentifier() and tool.name.isascii()}
    messages = tuple(_with_true_base64(message) for message in request.transcript.messages if not _is_unnameable(message))
    fitted = Request(
        model="m",
        transcript=Transcript((asked, *messages, asked)),
        tools=tuple(names.values()),
        tool_choice=request.tool_choice,
        output=request.output,
        sampling=Sampling(stop=request.sampling.stop, effort=request.sampling.effort, seed=request.sampling.seed),
    )
    check_request(written(fitted))


def _is_unnameable(message: Message) -> bool:
    """Names that no protocol takes are fitted before a codec sees them."""
    return any(isinstance(part, ToolCall) and not (part.name.isidentifier() and part.name.isascii()) for part in message.parts)


def _with_true_base64(message: Message) -> Message:
    return msgspec.structs.replace(message, parts=tuple(_true_part(part) for part in message.parts))


def _true_part(part: Part) -> Part:
    if isinstance(part, ToolResult):
        return msgspec.structs.replace(part, parts=tuple(_true_part(inner) for inner in part.parts))
    if isinstance(part, Image | Audio | File) and part.data is not None:
        return msgspec.structs.replace(part, data=base64.b64encode(part.data.encode()).decode())
    return part


def test_snake_case_and_camel_case_are_read_alike_even_in_one_body() -> None:
    camel = ask(
        systemInstruction={"role": "user", "parts": [{"text": "be brief"}]},
        generationConfig={
            "maxOutputTokens": 5,
            "topP": 0.5,
            "stopSequences": ["x"],
            "responseMimeType": "application/json",
            "responseJsonSchema": {"type": "object", "properties": {"snake_case": {"type": "string"}}},
            "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 1024},
        },
        tools=[{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object", "properties": {"a_b": {}}}}]}],
        toolConfig={"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        labels={"team_name": "a_b"},
    )
    snake = ask(
        system_instruction={"role": "user", "parts": [{"text": "be brief"}]},
        generation_config={
            "max_output_tokens": 5,
            "topP": 0.5,
            "stop_sequences": ["x"],
            "response_mime_type": "application/json",
            "response_json_schema": {"type": "object", "properties": {"snake_case": {"type": "string"}}},
            "thinkingConfig": {"include_thoughts": True, "thinking_budget": 1024},
        },
        tools=[{"function_declarations": [{"name": "f", "parameters_json_schema": {"type": "object", "properties": {"a_b": {}}}}]}],
        tool_config={"function_calling_config": {"mode": "ANY", "allowed_function_names": ["f"]}},
        labels={"team_name": "a_b"},
    )
    assert camel == snake
    assert camel.tools == (Tool(name="f", parameters={"type": "object", "properties": {"a_b": {}}}),)
    assert camel.tool_choice == ToolChoice("named", "f")
    assert camel.output is not None
    assert camel.output.schema == {"type": "object", "properties": {"snake_case": {"type": "string"}}}
    assert camel.sampling == Sampling(max_tokens=5, top_p=0.5, stop=("x",), show_thinking=True, thinking_budget=1024)
    assert camel.extra == {NAME: {"labels": {"team_name": "a_b"}}}


def test_the_request_of_gemini_cli_is_read_whole() -> None:
    body: dict[str, Any] = {
        "contents": [
            {"role": "user", "parts": [{"text": "This is the Gemini CLI."}]},
            {"role": "user", "parts": [{"text": "list the files"}]},
            {
                "role": "model",
                "parts": [
                    {
                        "functionCall": {
                            "name": "run_shell_command",
                            "args": {"command": "ls"},
                            "id": "run_shell_command_17_0",
                        },
                        "thoughtSignature": "CiQBcsjafg==",
                    }
                ],
            },
            {
                "role": "user",
                "parts": [
                    {
                        "functionResponse": {
                            "id": "run_shell_command_17_0",
                            "name": "run_shell_command",
                            "response": {"output": "a.txt\nb.txt"},
                        }
                    }
                ],
            },
        ],
        "systemInstruction": {"role": "user", "parts": [{"text": "You are an agent."}]},
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "run_shell_command", "description": "x", "parametersJsonSchema": {"type": "object"}}
                ]
            }
        ],
        "generationConfig": {"temperature": 1, "topP": 0.95, "topK": 64, "thinkingConfig": {"includeThoughts": True}},
    }
    request = read(body)
    call, result = request.transcript.messages[3].parts[0], request.transcript.messages[4].parts[0]
    assert call == ToolCall(
        id="run_shell_command_17_0",
        name="run_shell_command",
        arguments='{"command":"ls"}',
        signature="CiQBcsjafg==",
        provider=NAME,
    )
    assert result == ToolResult(id="run_shell_command_17_0", parts=(Text(text="a.txt\nb.txt"),))
    assert request.sampling == Sampling(temperature=1.0, top_p=0.95, top_k=64, show_thinking=True)
    assert request.transcript.messages[0] == Message(role="system", parts=(Text(text="You are an agent."),))
    assert request.extra == {}
    assert written(request)["contents"] == body["contents"]


def test_calls_without_ids_are_counted_and_answered_by_name_and_order() -> None:
    request = read(
        {
            "contents": [
                {"role": "user", "parts": [{"text": "hi"}]},
                {
                    "role": "model",
                    "parts": [{"functionCall": {"name": "f"}}, {"functionCall": {"name": "g"}}, {"functionCall": {"name": "f"}}],
                },
                {
                    "role": "function",
                    "parts": [
                        {"functionResponse": {"name": "g", "response": {"result": 1}}},
                        {"functionResponse": {"name": "f", "response": {"output": "first"}}},
                        {"functionResponse": {"name": "f", "response": {"error": "second"}}},
                    ],
                },
            ]
        }
    )
    called, given = request.transcript.messages[1].parts, request.transcript.messages[2].parts
    assert [part.id for part in called if isinstance(part, ToolCall)] == ["call_0", "call_1", "call_2"]
    assert given == (
        ToolResult(id="call_1", parts=(Text(text='{"result":1}'),)),
        ToolResult(id="call_0", parts=(Text(text="first"),)),
        ToolResult(id="call_2", parts=(Text(text="second"),), is_error=True),
    )


def test_the_sdks_alphabet_of_base64_becomes_the_one_that_others_take() -> None:
    data = base64.urlsafe_b64encode(b"\xff\xfe\xfd\xfb").decode()
    request = ask(contents=[{"parts": [{"inline_data": {"mime_type": "image/png", "data": data.rstrip("=")}}]}])
    assert request.transcript.messages[0].parts == (
        Image(data=base64.b64encode(b"\xff\xfe\xfd\xfb").decode(), media_type="image/png"),
    )


def test_googles_schema_becomes_json_schema() -> None:
    schema = {
        "type": "OBJECT",
        "property_ordering": ["b", "a"],
        "properties": {
            "a": {"type": "STRING", "format": "enum", "enum": ["x"], "nullable": True},
            "b": {"type": "ARRAY", "items": {"type": "INTEGER", "format": "int32"}, "minItems": "1"},
            "any_of": {"anyOf": [{"type": "NUMBER"}, {"type": "BOOLEAN"}], "nullable": True, "example": 1},
        },
        "required": ["a"],
    }
    request = ask(tools=[{"functionDeclarations": {"name": "f", "parameters": schema}}])
    parameters = request.tools[0].parameters
    assert parameters == {
        "type": "object",
        "properties": {
            "b": {"type": "array", "items": {"type": "integer", "format": "int32"}, "minItems": 1},
            "a": {"type": ["string", "null"], "enum": ["x", None]},
            "any_of": {"anyOf": [{"type": "number"}, {"type": "boolean"}, {"type": "null"}], "examples": [1]},
        },
        "required": ["a"],
    }
    assert list(parameters["properties"]) == ["b", "a", "any_of"]


@pytest.mark.parametrize(
    ("config", "sampling"),
    [
        ({"thinkingBudget": 0}, Sampling(thinking=False)),
        ({"thinkingBudget": -1}, Sampling(thinking=True)),
        ({"thinkingBudget": 512}, Sampling(thinking_budget=512)),
        ({"thinkingLevel": "HIGH"}, Sampling(effort="high")),
        ({"includeThoughts": False}, Sampling(show_thinking=False)),
    ],
)
def test_how_much_is_thought_goes_there_and_back(config: dict[str, Any], sampling: Sampling) -> None:
    request = ask(generationConfig={"thinkingConfig": config})
    assert request.sampling == sampling
    assert written(request)["generationConfig"]["thinkingConfig"] == config


@pytest.mark.parametrize(
    ("sampling", "config", "losses"),
    [
        (Sampling(effort="none"), {"thinkingBudget": 0}, ()),
        (Sampling(effort="max"), {"thinkingLevel": "HIGH"}, ("approximated:effort=max>high",)),
        (Sampling(effort="low", thinking_budget=2048), {"thinkingBudget": 2048}, ("dropped:effort",)),
        (Sampling(thinking=True, effort="low"), {"thinkingLevel": "LOW"}, ()),
    ],
)
def test_effort_of_another_protocol_is_a_level_or_a_named_loss(
    sampling: Sampling, config: dict[str, Any], losses: tuple[str, ...]
) -> None:
    result = write_request(Request(model="m", transcript=Transcript((user("hi"),)), sampling=sampling))
    assert json.loads(result.body)["generationConfig"]["thinkingConfig"] == config
    assert result.losses == losses


def test_a_schema_of_the_answer_is_read_from_either_field() -> None:
    spelt = ask(generationConfig={"responseMimeType": "application/json", "responseSchema": {"type": "STRING"}})
    plain = ask(generationConfig={"responseJsonSchema": {"type": "string"}})
    assert spelt.output == plain.output == OutputFormat(kind="json_schema", schema={"type": "string"})
    words = ask(generationConfig={"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]}})
    assert words.output is None
    assert written(words)["generationConfig"] == {
        "responseMimeType": "text/x.enum",
        "responseSchema": {"type": "STRING", "enum": ["a"]},
    }


def test_results_of_parallel_calls_stand_together_in_the_next_content_and_first_in_it() -> None:
    calls = tuple(ToolCall(id=f"c{i}", name=f"f{i}", arguments="{}") for i in range(3))
    contents = write(
        user("hi"),
        Message(role="assistant", parts=calls[:1]),
        Message(role="assistant", parts=calls[1:]),
        Message(role="system", parts=(Text(text="reminder"),)),
        Message(role="tool", parts=(ToolResult(id="c1", parts=(Text(text="one"),)),)),
        Message(role="tool", parts=(ToolResult(id="c0", parts=(Text(text="zero"),), is_error=True),)),
    )["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user", "user"]
    assert [part["functionResponse"]["response"] for part in contents[2]["parts"]] == [
        {"output": "one"},
        {"error": "zero"},
        {"error": "The call was not answered."},
    ]
    assert [part["functionResponse"]["name"] for part in contents[2]["parts"]] == ["f1", "f0", "f2"]
    assert contents[3]["parts"] == [{"text": "reminder"}]


def test_a_result_that_no_call_asked_for_is_told_in_words() -> None:
    request = Request(
        model="m", transcript=Transcript((Message(role="tool", parts=(ToolResult(id="x", parts=(Text(text="42"),)),)),))
    )
    result = write_request(request)
    assert json.loads(result.body)["contents"] == [{"role": "user", "parts": [{"text": "42"}]}]
    assert result.losses == ("approximated:tool_result=text",)


def test_the_first_call_of_a_turn_is_signed_or_says_that_it_cannot_be() -> None:
    contents = write(
        user("hi"),
        Message(
            role="assistant",
            parts=(
                Thinking(text="foreign", signature="s", provider="anthropic"),
                Thinking(text="plain"),
                ToolCall(id="a", name="f", arguments="{}"),
                ToolCall(id="b", name="f", arguments="{}"),
            ),
        ),
    )["contents"]
    assert contents[1]["parts"] == [
        {"text": "plain", "thought": True},
        {"functionCall": {"name": "f", "args": {}, "id": "a"}, "thoughtSignature": SKIP},
        {"functionCall": {"name": "f", "args": {}, "id": "b"}},
    ]
    read_again = read({"contents": contents})
    assert all(part.signature is None for part in read_again.transcript.messages[1].parts if isinstance(part, ToolCall))


def test_the_signature_of_words_stays_with_them() -> None:
    contents = [
        {"role": "user", "parts": [{"text": "hi"}]},
        {"role": "model", "parts": [{"text": "hello", "thoughtSignature": "QUJD"}, {"text": "", "thoughtSignature": "REVG"}]},
    ]
    request = read({"contents": contents})
    assert request.transcript.messages[1].parts == (
        Text(text="hello"),
        Thinking(signature="QUJD", provider=NAME, extra={NAME: {"on": "part"}}),
        Thinking(signature="REVG", provider=NAME),
    )
    assert written(request)["contents"] == contents


def test_losses_are_named_in_the_words_of_core() -> None:
    request = Request(
        model="m",
        transcript=Transcript(
            (
                Message(
                    role="user", name="bob", parts=(Text(text="hi", cache="5m"), Image(url="https://x.example/a.png", detail="low"))
                ),
                Message(role="assistant", parts=(ToolCall(id="a", name="f", arguments="not json"),)),
                Message(role="tool", parts=(ToolResult(id="a", parts=(Text(text="ok"),)),)),
                Message(role="developer", parts=(Text(text="now"), File(file_id="file-1"))),
            )
        ),
        tools=(Tool(name="f", strict=True), Tool(name="", extra={"openai_responses": {"type": "web_search"}})),
        tool_choice=ToolChoice("named", "g"),
        parallel_tool_calls=False,
        output=OutputFormat(kind="json_schema", name="n", description="d", schema={"type": "object"}, strict=True),
        sampling=Sampling(seed=1 << 40, stop=tuple("abcdef")),
        user="u",
        extra={"openai_chat": {"service_tier": "auto", "store": True}},
    )
    result = write_request(request)
    check_request(json.loads(result.body))
    assert set(result.losses) == {
        "dropped:service_tier",
        "dropped:messages[].name",
        "dropped:cache",
        "dropped:image.detail",
        "approximated:tool_call.signature=checking is skipped",
        "approximated:tool_call.arguments=an object around them",
        "approximated:messages[].role=user",
        "dropped:file.file_id",
        "dropped:tools[].strict",
        "dropped:tools.web_search",
        "dropped:tool_choice",
        "dropped:parallel_tool_calls",
        "dropped:output.name",
        "dropped:output.description",
        "approximated:seed=its last 31 bits",
        "approximated:stop=the first 5",
        "dropped:user",
    }


def test_a_conversation_of_instructions_alone_is_asked_as_the_users() -> None:
    body = write(Message(role="system", parts=(Text(text="say hi"),)))
    assert body == {"contents": [{"role": "user", "parts": [{"text": "say hi"}]}]}


def test_what_is_to_be_counted_is_read_in_both_forms_and_written_in_the_smaller() -> None:
    contents = [{"role": "user", "parts": [{"text": "hi"}]}]
    alone = read_count_request(json.dumps({"contents": contents}).encode(), model="m")
    assert json.loads(write_count_request(alone).body) == {"contents": contents}
    whole = {"model": "models/m", "contents": contents, "systemInstruction": {"parts": [{"text": "s"}]}}
    asked = read_count_request(json.dumps({"generateContentRequest": whole}).encode())
    assert asked.model == "m"
    assert json.loads(write_count_request(asked).body) == {"generateContentRequest": whole}


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"{", "wire.not_json", None),
        (b"[]", "wire.wrong_type", "body"),
        (b"{}", "wire.missing_field", "contents"),
        (b'{"contents":7}', "wire.wrong_type", "contents"),
        (b'{"contents":[7]}', "wire.wrong_type", "contents[0]"),
        (b'{"contents":[{"parts":[7]}]}', "wire.wrong_type", "contents[0].parts[0]"),
        (b'{"contents":[{"parts":[{"text":7}]}]}', "wire.wrong_type", "contents[0].parts[0].text"),
        (
            b'{"contents":[{"parts":[{"functionCall":{"name":"f","args":[]}}]}]}',
            "wire.wrong_type",
            "contents[0].parts[0].functionCall.args",
        ),
        (
            b'{"contents":[{}],"tools":[{"functionDeclarations":[{}]}]}',
            "wire.missing_field",
            "tools[0].functionDeclarations[0].name",
        ),
        (b'{"contents":[{}],"generationConfig":{"temperature":"x"}}', "wire.wrong_type", "generationConfig.temperature"),
    ],
)
def test_bad_input_is_named_by_its_place(body: bytes, code: str, param: str | None) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_request(body, model="m")
    assert (caught.value.code, caught.value.param) == (code, param)


def test_a_body_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BODY_BYTES", 10)
    with pytest.raises(TooLarge):
        read_request(b'{"contents":[]}', model="m")


@given(
    st.recursive(
        chat_values.json_values,
        lambda inner: st.dictionaries(
            st.sampled_from(
                [
                    "contents",
                    "parts",
                    "text",
                    "role",
                    "functionCall",
                    "functionResponse",
                    "inline_data",
                    "thoughtSignature",
                    "tools",
                    "thought",
                    "functionDeclarations",
                    "generationConfig",
                    "thinkingConfig",
                    "systemInstruction",
                    "toolConfig",
                    "response",
                    "name",
                    "id",
                ]
            ),
            inner | st.lists(inner, max_size=3),
            max_size=4,
        ),
        max_leaves=20,
    )
)
@settings(max_examples=100)
def test_a_hostile_body_is_read_or_refused_and_never_more(value: Any) -> None:
    try:
        request = read_request(json.dumps({"contents": [{}], **value} if type(value) is dict else value).encode(), model="m")
    except InvalidInput:
        return
    write_request(request)
