"""Requests of other protocols as Anthropic's server takes them: every rule is kept, and what cannot be said is listed."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from assay.core import (
    Audio,
    Citation,
    File,
    Image,
    Message,
    OutputFormat,
    Part,
    Refusal,
    Request,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Transcript,
    Unknown,
    Video,
    assistant,
    user,
)
from assay.wire.anthropic import NAME, read_count, write_count, write_count_request, write_request
from assay.wire.anthropic.names import read_name, write_name
from assay.wire.errors import StreamBroken
from tests.upstream.rules.anthropic import check_request
from tests.wire.chat_values import requests

TOOL = Tool(name="f", parameters={"type": "object", "properties": {"a": {"type": "string"}}})
TWO = (TOOL, Tool(name="g"))


def say(*messages: Message, **settings: Any) -> tuple[Any, tuple[str, ...]]:
    """The body that these messages become, which the strict server takes, and what it lost."""
    request = Request(model="m", transcript=Transcript(messages or (user("Hi"),)), **settings)
    written = write_request(request)
    body = json.loads(written.body)
    check_request(body)
    return body, written.losses


def sample(**fields: Any) -> tuple[Any, tuple[str, ...]]:
    return say(sampling=Sampling(**fields))


def told(*parts: Part, role: Any = "user") -> tuple[Any, tuple[str, ...]]:
    """The content of one message of these parts."""
    first = (user("Hi"),) if role == "assistant" else ()
    body, losses = say(*first, Message(role=role, parts=parts), *((user("Go on."),) if role == "assistant" else ()))
    return body["messages"][len(first)]["content"], losses


@given(requests)
@settings(max_examples=25)
def test_any_conversation_of_chat_completions_can_be_written(request: Request) -> None:
    """Calls without answers are refused by both servers; so conversations are written without them here."""
    messages = tuple(
        msgspec.structs.replace(
            message, parts=tuple(part for part in message.parts if not isinstance(part, ToolCall | ToolResult | Image | File))
        )
        for message in request.transcript.messages
        if message.role != "tool"
    )
    tools = tuple({write_name(tool.name): tool for tool in request.tools}.values())
    sampling = msgspec.structs.replace(request.sampling, temperature=None, top_p=None)
    request = msgspec.structs.replace(request, transcript=Transcript(messages), tools=tools, sampling=sampling)
    check_request(json.loads(write_request(request).body))


def test_leading_instructions_become_the_system() -> None:
    body, losses = say(
        Message(role="system", parts=(Text(text="A"),)), Message(role="developer", parts=(Text(text="B"),)), user("Hi")
    )
    assert body["system"] == [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    assert body["messages"] == [{"role": "user", "content": "Hi"}]
    assert losses == ()


def test_later_instructions_become_words_of_the_user_in_their_place() -> None:
    body, losses = say(user("Hi"), assistant("Yes?"), Message(role="developer", parts=(Text(text="Be brief."),)), user("Go on."))
    assert body["messages"][2] == {
        "role": "user",
        "content": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Go on."}],
    }
    assert losses == ("approximated:messages[].role=user",)


def test_a_request_of_nothing_but_instructions_asks_with_them() -> None:
    body, losses = say(Message(role="system", parts=(Text(text="Say hello."),)))
    assert body["messages"] == [{"role": "user", "content": "Say hello."}]
    assert losses == ("approximated:messages[].role=user",)


def test_answers_of_tools_stand_together_and_first_in_the_message_after_their_calls() -> None:
    body, _ = say(
        user("Hi"),
        Message(role="assistant", parts=(Text(text="Let me see."), ToolCall(id="a", name="f", arguments='{"a": "1"}'))),
        Message(role="assistant", parts=(ToolCall(id="b", name="g", arguments=""),)),
        Message(role="developer", parts=(Text(text="Hurry."),)),
        Message(role="tool", parts=(ToolResult(id="a", parts=(Text(text="one"),)),)),
        Message(role="tool", parts=(ToolResult(id="b", parts=(), is_error=True),)),
        user("And?"),
        tools=TWO,
    )
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"a": "1"}},
                {"type": "tool_use", "id": "b", "name": "g", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "one"},
                {"type": "tool_result", "tool_use_id": "b", "content": "(no content)", "is_error": True},
                {"type": "text", "text": "Hurry."},
                {"type": "text", "text": "And?"},
            ],
        },
    ]


@pytest.mark.parametrize("id", ["functions.f:0", "", "call 1", "ä", "call_1"])
def test_ids_become_such_as_the_server_takes_and_no_two_are_alike(id: str) -> None:
    turn = (
        Message(role="assistant", parts=(ToolCall(id=id, name="f", arguments="{}"), ToolCall(id=id, name="f", arguments="{}"))),
        Message(role="tool", parts=(ToolResult(id=id, parts=(Text(text="1"),)),)),
        Message(role="tool", parts=(ToolResult(id=id, parts=(Text(text="2"),)),)),
    )
    once, _ = say(user("Hi"), *turn, tools=(TOOL,))
    twice, _ = say(user("Hi"), *turn, *turn, tools=(TOOL,))
    assert twice["messages"][:3] == once["messages"]
    calls = [block["id"] for block in twice["messages"][1]["content"]]
    assert [block["tool_use_id"] for block in twice["messages"][2]["content"]] == calls
    assert [block["content"] for block in twice["messages"][2]["content"]] == ["1", "2"]


def test_an_answer_without_an_id_answers_the_call_without_one() -> None:
    body, _ = say(
        user("Hi"),
        Message(role="assistant", parts=(ToolCall(id="", name="f", arguments="{}"),)),
        Message(role="tool", name="f", parts=(Text(text="done"),)),
        tools=(TOOL,),
    )
    [result] = body["messages"][2]["content"]
    assert result["tool_use_id"] == body["messages"][1]["content"][0]["id"]


@pytest.mark.parametrize("arguments", ["not json", "[1]", '"x"', "{"])
def test_arguments_that_are_no_object_go_into_one_field(arguments: str) -> None:
    request = Request(
        model="m",
        transcript=Transcript((user("Hi"), Message(role="assistant", parts=(ToolCall(id="a", name="f", arguments=arguments),)))),
        tools=(TOOL,),
    )
    written = write_request(request)
    assert json.loads(written.body)["messages"][1]["content"][0]["input"] == {"input": arguments}
    assert written.losses == ("approximated:tool_call.arguments=input",)


@pytest.mark.parametrize("name", ["a.b", "mcp:server.tool", "ü", "a_x2e_b", "plain", "_x", "a b", "_x2e_x2e_"])
def test_names_of_tools_come_back_as_they_were(name: str) -> None:
    body, losses = say(tools=(Tool(name=name),), tool_choice=ToolChoice("named", name))
    assert read_name(body["tools"][0]["name"]) == name
    assert body["tool_choice"]["name"] == body["tools"][0]["name"]
    assert losses == (() if body["tools"][0]["name"] == name else ("renamed:tools[].name",))


def test_blank_words_are_left_out() -> None:
    body, losses = say(user(" \n"), user("Hi"), assistant(""), Message(role="user", parts=(Text(text=""), Text(text="x"))))
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "x"}]}]
    assert losses == ()


@pytest.mark.parametrize("messages", [(user(""),), (assistant("I say"),), (Message(role="user", parts=(Video(url="https://x"),)),)])
def test_there_is_a_message_and_a_user_begins(messages: tuple[Message, ...]) -> None:
    body, _ = say(*messages)
    assert body["messages"][0] == {"role": "user", "content": "(no content)"}


def test_an_answer_that_is_begun_does_not_end_in_blanks_and_is_not_thought_about() -> None:
    body, losses = say(user("Hi"), assistant("The answer: "), sampling=Sampling(effort="high"))
    assert body["messages"][1]["content"] == "The answer:"
    assert "thinking" not in body
    assert losses == ("dropped:thinking",)


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Image(url="https://example.org/a"), {"type": "image", "source": {"type": "url", "url": "https://example.org/a"}}),
        (
            Image(data="iVBORw0KGgo=", media_type=None),
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
        ),
        (
            Image(data="_9j_4AA-Sg", media_type="image/jpg"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "/9j/4AA+Sg=="}},
        ),
        (
            File(data="JVBERi0x", name="a.pdf"),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"},
                "title": "a.pdf",
            },
        ),
        (
            File(data=base64.b64encode(b"a,b").decode(), media_type="text/csv"),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a,b"}},
        ),
        (File(url="https://example.org/b"), {"type": "document", "source": {"type": "url", "url": "https://example.org/b"}}),
    ],
)
def test_media_that_the_server_reads(part: Part, block: Any) -> None:
    assert told(part) == ([block], ())


@pytest.mark.parametrize(
    ("part", "loss"),
    [
        (Image(data="AAAA", media_type="image/tiff"), "dropped:image"),
        (Image(url="gs://bucket/a"), "dropped:image"),
        (Audio(data="AAAA", media_type="audio/wav"), "dropped:audio"),
        (Video(url="https://example.org/v"), "dropped:video"),
        (File(file_id="file-1"), "dropped:file.file_id"),
        (File(data="AAAA", media_type="application/zip"), "dropped:file"),
        (Unknown(extra={"openai_chat": {"type": "x_part"}}), "dropped:messages[].x_part"),
        (Thinking(text="hm"), "dropped:messages[].thinking"),
    ],
)
def test_parts_that_the_server_cannot_have_are_named(part: Part, loss: str) -> None:
    assert told(part, Text(text="x")) == ("x", (loss,))


def test_fields_that_only_other_protocols_know_are_named() -> None:
    _, losses = say(
        Message(role="user", name="Ada", parts=(Text(text="Hi", extra={"openai_chat": {"x_a": 1}}),), extra={"gemini": {"x_b": 1}}),
        tools=(
            Tool(name="f", extra={"openai_chat": {"x_c": 1}}),
            Tool(name="", extra={"openai_responses": {"type": "web_search"}}),
        ),
        extra={"openai_chat": {"logprobs": True, "store": True}},
    )
    assert losses == (
        "dropped:tools[].x_c",
        "dropped:tools.web_search",
        "dropped:messages[].name",
        "dropped:messages[].x_b",
        "dropped:messages[].x_a",
        "dropped:logprobs",
    )


def test_refusals_are_words_and_sources_of_others_are_named() -> None:
    cited = Text(text="So", citations=(Citation(url="https://example.org"),))
    content, losses = told(cited, Refusal(text="No."), role="assistant")
    assert content == [{"type": "text", "text": "So"}, {"type": "text", "text": "No."}]
    assert losses == ("dropped:citations", "approximated:refusal=text")


def test_a_document_in_an_answer_is_left_out() -> None:
    content, losses = told(Text(text="x"), File(data="JVBERi0x"), role="assistant")
    assert (content, losses) == ("x", ("dropped:file",))


def test_results_hold_pictures_and_name_what_they_cannot() -> None:
    picture = Image(url="https://example.org/a")
    body, losses = say(
        user("Hi"),
        Message(role="assistant", parts=(ToolCall(id="a", name="f", arguments="{}"),)),
        Message(role="tool", parts=(ToolResult(id="a", parts=(Text(text="see"), picture, Audio(data="AA")), is_error=True),)),
        tools=(TOOL,),
    )
    [result] = body["messages"][2]["content"]
    assert result["is_error"]
    assert [block["type"] for block in result["content"]] == ["text", "image"]
    assert losses == ("dropped:audio",)


def test_marks_for_the_cache_are_at_most_four_and_never_longer_later() -> None:
    marked = [Text(text=str(n), cache="5m") for n in range(6)]
    body, losses = say(Message(role="user", parts=(*marked, Text(text="x", cache="1h"))))
    assert [("cache_control" in block) for block in body["messages"][0]["content"]] == [False] * 3 + [True] * 4
    assert losses == ("dropped:cache", "approximated:cache=5m")


@pytest.mark.parametrize(
    ("asked", "thinking", "losses"),
    [
        ({}, None, ()),
        ({"effort": "high"}, {"type": "adaptive"}, ()),
        ({"effort": "none"}, {"type": "disabled"}, ()),
        ({"effort": "minimal"}, {"type": "adaptive"}, ("approximated:effort=minimal>low",)),
        ({"effort": "ultra"}, {"type": "adaptive"}, ("approximated:effort=ultra>medium",)),
        ({"thinking": True}, {"type": "adaptive"}, ()),
        ({"thinking": False, "effort": "high"}, {"type": "disabled"}, ()),
        ({"show_thinking": True}, {"type": "adaptive", "display": "summarized"}, ()),
        ({"show_thinking": False}, None, ()),
        ({"thinking_budget": 8192, "show_thinking": True}, {"type": "enabled", "budget_tokens": 8192}, ()),
        ({"thinking_budget": 0}, {"type": "disabled"}, ()),
        ({"thinking_budget": -1}, {"type": "adaptive"}, ()),
        ({"thinking_budget": 1}, {"type": "enabled", "budget_tokens": 1024}, ("approximated:thinking_budget=1>1024 tokens",)),
        (
            {"thinking_budget": 9000, "max_tokens": 5000},
            {"type": "enabled", "budget_tokens": 4999},
            ("approximated:thinking_budget=9000>4999 tokens",),
        ),
        ({"thinking_budget": 9000, "max_tokens": 500}, None, ("dropped:thinking_budget",)),
    ],
)
def test_effort_and_budget(asked: dict[str, Any], thinking: Any, losses: tuple[str, ...]) -> None:
    body, lost = sample(**asked)
    assert body.get("thinking") == thinking
    assert lost == losses
    assert body.get("output_config", {}).get("effort") in (None, "low", "medium", "high")


@pytest.mark.parametrize(
    ("asked", "sent", "losses"),
    [
        ({"temperature": 0.2, "top_k": 3, "stop": ("x",)}, {"temperature": 0.2, "top_k": 3, "stop_sequences": ["x"]}, ()),
        ({"temperature": 1.7}, {"temperature": 1.0}, ("approximated:temperature=1.7>1",)),
        ({"temperature": 0.3, "top_p": 0.9}, {"temperature": 0.3}, ("dropped:top_p",)),
        ({"temperature": 1.0, "top_p": 0.9}, {"top_p": 0.9}, ()),
        ({"thinking": True, "temperature": 0.3}, {}, ("dropped:temperature",)),
        ({"thinking": True, "temperature": 1.0, "top_k": 3}, {"temperature": 1.0}, ("dropped:top_k",)),
        ({"thinking": True, "top_p": 0.5}, {}, ("dropped:top_p",)),
        ({"thinking": True, "top_p": 0.97}, {"top_p": 0.97}, ()),
        ({"stop": ("\n", "END")}, {"stop_sequences": ["END"]}, ("dropped:stop",)),
        (
            {"seed": 1, "frequency_penalty": 0.1, "presence_penalty": 0.2},
            {},
            ("dropped:seed", "dropped:frequency_penalty", "dropped:presence_penalty"),
        ),
    ],
)
def test_sampling(asked: dict[str, Any], sent: dict[str, Any], losses: tuple[str, ...]) -> None:
    body, lost = sample(**asked)
    assert {key: body[key] for key in ("temperature", "top_p", "top_k", "stop_sequences") if key in body} == sent
    assert lost == losses


def test_the_bound_is_required_and_leaves_room_for_a_budget() -> None:
    assert sample()[0]["max_tokens"] == 32_000
    assert sample(thinking_budget=20_000)[0]["max_tokens"] == 52_000
    assert sample(max_tokens=7)[0]["max_tokens"] == 7


@pytest.mark.parametrize(
    ("choice", "parallel", "sent"),
    [
        (None, None, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("auto"), None, {"type": "auto"}),
        (ToolChoice("required"), False, {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice("named", "f"), None, {"type": "tool", "name": "f"}),
        (ToolChoice("none"), True, {"type": "none"}),
    ],
)
def test_choices(choice: ToolChoice | None, parallel: bool | None, sent: Any) -> None:
    body, losses = say(tools=TWO, tool_choice=choice, parallel_tool_calls=parallel)
    assert body.get("tool_choice") == sent
    assert losses == ()


def test_a_forced_choice_is_kept_and_thinking_given_up() -> None:
    body, losses = say(tools=TWO, tool_choice=ToolChoice("required"), sampling=Sampling(effort="high"))
    assert body["tool_choice"] == {"type": "any"}
    assert "thinking" not in body
    assert losses == ("dropped:thinking",)


@pytest.mark.parametrize("tools", [(), (TOOL,)])
def test_a_choice_of_a_tool_that_is_not_there_is_dropped(tools: tuple[Tool, ...]) -> None:
    body, losses = say(tools=tools, tool_choice=ToolChoice("named", "h"))
    assert "tool_choice" not in body
    assert losses == ("dropped:tool_choice",)


def test_parameters_are_an_object_without_alternatives_at_the_top() -> None:
    branch = {"type": "object", "properties": {"a": {"type": "string"}}}
    body, losses = say(tools=(Tool(name="f"), Tool(name="g", parameters={"anyOf": [branch, {"type": "null"}]})))
    assert body["tools"][0]["input_schema"] == {"type": "object", "properties": {}}
    assert body["tools"][1]["input_schema"] == branch
    assert losses == ("approximated:tools[].parameters",)


def test_a_shape_for_the_answer_closes_its_objects() -> None:
    inner = {"type": "object", "properties": {"b": {"type": "integer"}}}
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": inner}}, "required": ["a"]}
    body, losses = say(output=OutputFormat(kind="json_schema", name="n", schema=schema, strict=True))
    sent = body["output_config"]["format"]["schema"]
    assert (sent["additionalProperties"], sent["properties"]["a"]["items"]["additionalProperties"]) == (False, False)
    assert losses == ("dropped:output.name", "approximated:output=no additional properties")
    assert schema == {"type": "object", "properties": {"a": {"type": "array", "items": inner}}, "required": ["a"]}


def test_any_json_is_more_than_the_server_can_be_asked_for() -> None:
    assert say(output=OutputFormat(kind="json"))[1] == ("dropped:output",)
    assert say(output=OutputFormat(kind="text"))[1] == ()


def test_only_its_own_thoughts_go_back() -> None:
    body, losses = say(
        user("Hi"),
        Message(
            role="assistant",
            parts=(
                Thinking(text="a", signature="s", provider="gemini"),
                Thinking(text="plain"),
                Text(text="x"),
            ),
        ),
        user("Go on."),
    )
    assert body["messages"][1]["content"] == "x"
    assert losses == ("dropped:messages[].thinking",)


def test_a_turn_that_began_without_thoughts_goes_on_without_them() -> None:
    turn = (
        user("Hi"),
        Message(role="assistant", parts=(Thinking(text="plain"), ToolCall(id="a", name="f", arguments="{}"))),
        Message(role="tool", parts=(ToolResult(id="a"),)),
    )
    body, losses = say(*turn, tools=(TOOL,), sampling=Sampling(thinking_budget=2000))
    assert "thinking" not in body
    assert losses == ("dropped:messages[].thinking", "dropped:thinking")
    body, _ = say(*turn, assistant("Done."), user("More."), tools=(TOOL,), sampling=Sampling(thinking_budget=2000))
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2000}


def test_a_turn_with_its_thoughts_goes_on_thinking() -> None:
    request = Request(
        model="m",
        transcript=Transcript(
            (
                user("Hi"),
                Message(
                    role="assistant",
                    parts=(
                        Thinking(redacted="r", provider=NAME),
                        Thinking(text="t", signature="s", provider=NAME),
                        ToolCall(id="a", name="f", arguments="{}", signature="g", provider="gemini"),
                    ),
                ),
                Message(role="tool", parts=(ToolResult(id="a"),)),
            )
        ),
        tools=(TOOL,),
        sampling=Sampling(effort="low"),
    )
    written = write_request(request)
    body = json.loads(written.body)
    assert body["thinking"] == {"type": "adaptive"}
    assert body["messages"][1]["content"][:2] == [
        {"type": "redacted_thinking", "data": "r"},
        {"type": "thinking", "thinking": "t", "signature": "s"},
    ]
    assert written.losses == ("dropped:tool_call.signature",)


def test_a_question_for_a_count_has_only_what_is_counted() -> None:
    request = Request(
        model="m",
        transcript=Transcript((Message(role="system", parts=(Text(text="S"),)), user("Hi"))),
        tools=(TOOL,),
        sampling=Sampling(max_tokens=5, temperature=0.1),
        stream=True,
        user="u",
    )
    body = json.loads(write_count_request(request).body)
    assert set(body) == {"model", "system", "messages", "tools"}
    check_request(body, counting=True)


def test_counts_are_read_and_written() -> None:
    assert read_count(write_count(17)) == 17
    for wrong in (b"{}", b"[]", b'{"input_tokens":-1}', b'{"input_tokens":"3"}', b"no"):
        with pytest.raises(StreamBroken):
            read_count(wrong)


THOUGHT = Thinking(text="Hm.", signature="s", provider=NAME)
CLEARS = {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}, {"type": "clear_tool_uses_20250919"}]}


def fields_of(*messages: Message, **settings: Any) -> tuple[Any, tuple[str, ...]]:
    """As `say`, for signatures that the strict server did not make."""
    written = write_request(Request(model="m", transcript=Transcript(messages), **settings))
    return json.loads(written.body), written.losses


def test_a_message_does_not_end_in_thoughts() -> None:
    cut_off = Message(role="assistant", parts=(Text(text="So."), THOUGHT))
    body, losses = fields_of(user("Hi"), cut_off, user("Go on"), Message(role="assistant", parts=(THOUGHT,)), user("And?"))
    assert [message["content"] for message in body["messages"]] == ["Hi", "So.", "Go on", "(no content)", "And?"]
    assert losses == ("dropped:messages[].thinking",)


@pytest.mark.parametrize("extra", [{}, {NAME: {"context_management": CLEARS}}])
def test_where_no_thinking_may_be_asked_for_none_is_sent_or_cleared(extra: Any) -> None:
    """A turn that began without thoughts, in which another model's follow: with a budget set by hand it cannot think any more."""
    began = Message(role="assistant", parts=(ToolCall(id="a", name="f", arguments="{}"),))
    thought = Message(role="assistant", parts=(THOUGHT, ToolCall(id="b", name="f", arguments="{}")))
    found = [Message(role="user", parts=(ToolResult(id=id, parts=(Text(text="x"),)),)) for id in "ab"]
    sampling = Sampling(thinking=True, thinking_budget=2000, max_tokens=4000)
    body, losses = fields_of(user("Hi"), began, found[0], thought, found[1], sampling=sampling, tools=TWO, extra=extra)
    assert "thinking" not in body
    assert "signature" not in json.dumps(body)
    assert {"dropped:thinking", "dropped:messages[].thinking"} <= set(losses)
    if extra:
        assert body["context_management"] == {"edits": [{"type": "clear_tool_uses_20250919"}]}
        assert "dropped:context_management.clear_thinking" in losses
