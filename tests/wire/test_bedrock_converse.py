"""Amazon Bedrock's Converse: requests that AWS's own library takes as valid, and answers that it serialised."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

import botocore.session  # type: ignore[import-untyped]  # botocore has no types
import pytest
from botocore.validate import ParamValidator  # type: ignore[import-untyped]  # botocore has no types
from hypothesis import given
from hypothesis import strategies as st

from assay.core import (
    Audio,
    Citation,
    Event,
    File,
    Image,
    Message,
    OutputFormat,
    PartOpened,
    Refusal,
    Request,
    Sampling,
    Stopped,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Transcript,
    Unknown,
    Usage,
    UsageReported,
    assistant,
    fold,
    user,
)
from assay.wire.bedrock_converse import (
    EventReader,
    read_count,
    read_events,
    write_count_request,
    write_request,
)
from assay.wire.errors import StreamBroken, StreamError, StreamFailed

SERVICE = botocore.session.Session().get_service_model("bedrock-runtime")
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n....").decode()
WEATHER = Tool(
    name="weather", description="Of a place.", parameters={"type": "object", "properties": {"place": {"type": "string"}}}
)
CALL = ToolCall(id="call_1", name="weather", arguments='{"place": "Taipei"}')
RESULT = Message(role="tool", parts=(ToolResult(id="call_1", parts=(Text(text="22 degrees"),)),))


def asked(*messages: Message, **more: Any) -> Request:
    return Request(model="anthropic.claude-x", transcript=Transcript(messages or (user("Hello"),)), **more)


def written(request: Request) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body, which AWS's own library must find valid, and the losses."""
    result = write_request(request)
    body: dict[str, Any] = json.loads(result.body)
    shape = SERVICE.operation_model("Converse").input_shape
    assert set(body) <= set(shape.members)
    report = ParamValidator().validate({"modelId": "m", **body}, shape)
    assert not report.has_errors(), report.generate_report()
    return body, result.losses


def test_a_plain_question_has_nothing_but_the_question() -> None:
    assert written(asked()) == ({"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}, ())


def test_system_text_stands_apart_and_later_instructions_become_the_users_words() -> None:
    system = Message(role="system", parts=(Text(text="Be brief.", cache="5m"),))
    later = Message(role="developer", parts=(Text(text="In rhyme."),))
    body, losses = written(asked(system, user("Hello"), later))
    assert body["system"] == [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}]
    assert body["messages"] == [{"role": "user", "content": [{"text": "Hello"}, {"text": "In rhyme."}]}]
    assert losses == ("approximated:messages[].role=user",)


def test_a_tool_round_trip_keeps_ids_and_puts_results_first() -> None:
    after = Message(role="user", parts=(Text(text="And tomorrow?"), ToolResult(id="call_1", is_error=True)))
    body, losses = written(asked(user("Weather?"), Message(role="assistant", parts=(CALL,)), after, tools=(WEATHER,)))
    assert body["messages"][1]["content"] == [{"toolUse": {"toolUseId": "call_1", "name": "weather", "input": {"place": "Taipei"}}}]
    assert body["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": "call_1", "content": [{"text": "(no content)"}], "status": "error"}},
        {"text": "And tomorrow?"},
    ]
    assert body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"] == {"json": WEATHER.parameters}
    assert losses == ()


@pytest.mark.parametrize(
    ("choice", "expected", "losses"),
    [
        (ToolChoice("auto"), {"auto": {}}, ()),
        (ToolChoice("required"), {"any": {}}, ()),
        (ToolChoice("named", "weather"), {"tool": {"name": "weather"}}, ()),
        (ToolChoice("named", "nobody"), None, ("dropped:tool_choice",)),
        (None, None, ()),
    ],
)
def test_every_choice_of_tools_has_its_form(choice: ToolChoice | None, expected: Any, losses: tuple[str, ...]) -> None:
    body, lost = written(asked(tools=(WEATHER,), tool_choice=choice))
    assert (body["toolConfig"].get("toolChoice"), lost) == (expected, losses)


def test_tools_cannot_be_forbidden_so_they_are_left_out_where_the_history_allows() -> None:
    body, losses = written(asked(tools=(WEATHER,), tool_choice=ToolChoice("none")))
    assert "toolConfig" not in body
    assert losses == ("approximated:tool_choice=no tools",)
    history = (user("Weather?"), Message(role="assistant", parts=(CALL,)), RESULT)
    body, losses = written(asked(*history, tools=(WEATHER,), tool_choice=ToolChoice("none")))
    assert "toolChoice" not in body["toolConfig"]
    assert losses == ("approximated:tool_choice=auto",)


def test_a_history_with_calls_gets_the_tools_that_the_server_demands() -> None:
    body, losses = written(asked(user("Weather?"), Message(role="assistant", parts=(CALL,)), RESULT))
    assert [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]] == ["weather"]
    assert losses == ("approximated:tools=from history",)


def test_ids_and_names_that_the_server_refuses_are_changed_alike_for_call_and_result() -> None:
    call = ToolCall(id="päge 1/" + "x" * 80, name="weather", arguments="not json")
    body, losses = written(
        asked(user("?"), Message(role="assistant", parts=(call,)), Message(role="user", parts=(ToolResult(id=call.id),)))
    )
    use = body["messages"][1]["content"][0]["toolUse"]
    assert use["toolUseId"] == body["messages"][2]["content"][0]["toolResult"]["toolUseId"]
    assert use["input"] == {"input": "not json"}
    assert "approximated:tool_call.arguments=input" in losses


def test_pictures_and_documents_go_by_value_and_documents_with_words_beside_them() -> None:
    media = (
        Image(data=PIXEL),
        File(data="JVBERi0x", name="report 1.2 (final).pdf"),
        File(data="JVBERi0x", name="report 1.2 (final).pdf"),
    )
    body, losses = written(asked(Message(role="user", parts=media)))
    content = body["messages"][0]["content"]
    assert content[0] == {"image": {"format": "png", "source": {"bytes": PIXEL}}}
    assert [block["document"]["name"] for block in content[1:3]] == ["report 1 2 (final)", "report 1 2 (final) 2"]
    assert content[3] == {"text": "(no content)"}
    assert losses == ()


def test_what_would_have_to_be_fetched_or_is_only_known_elsewhere_is_a_loss() -> None:
    parts = (
        Text(text="See"),
        Image(url="https://example.org/a.png", detail="high"),
        File(file_id="file-1"),
        Audio(data="AAAA", media_type="audio/x-unheard-of"),
        Unknown(extra={"openai_responses": {"type": "computer_screenshot"}}),
    )
    body, losses = written(asked(Message(role="user", name="ann", parts=parts)))
    assert body["messages"] == [{"role": "user", "content": [{"text": "See"}]}]
    assert set(losses) == {
        "dropped:messages[].name",
        "dropped:image.detail",
        "dropped:image",
        "dropped:file.file_id",
        "dropped:audio",
        "dropped:messages[].computer_screenshot",
    }


def test_only_its_own_thoughts_go_back() -> None:
    own = Thinking(text="Hm.", signature="sig", provider="bedrock_converse")
    hidden = Thinking(redacted="b3BhcXVl", provider="bedrock_converse")
    other = Thinking(text="Hmm.", signature="sig", provider="anthropic")
    body, losses = written(
        asked(user("?"), Message(role="assistant", parts=(own, hidden, other, Text(text="Yes. "))), user("Sure?"))
    )
    assert body["messages"][1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}},
        {"reasoningContent": {"redactedContent": "b3BhcXVl"}},
        {"text": "Yes. "},
    ]
    assert losses == ("dropped:messages[].thinking",)


def test_settings_are_said_as_far_as_the_protocol_goes() -> None:
    sampling = Sampling(
        max_tokens=100,
        temperature=1.5,
        top_p=0.5,
        top_k=4,
        stop=("END", ""),
        seed=1,
        effort="high",
        thinking_budget=2000,
        thinking=True,
    )
    shape = OutputFormat(kind="json_schema", name="verdict", schema={"type": "object"}, strict=True)
    body, losses = written(asked(sampling=sampling, output=shape, user="ann", parallel_tool_calls=False, tools=(WEATHER,)))
    assert body["inferenceConfig"] == {"maxTokens": 100, "temperature": 1.0, "topP": 0.5, "stopSequences": ["END"]}
    assert body["outputConfig"] == {
        "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": '{"type":"object"}', "name": "verdict"}}},
        "effort": "high",
    }
    assert set(losses) == {
        "approximated:temperature=1",
        "dropped:top_k",
        "dropped:stop",
        "dropped:seed",
        "dropped:thinking_budget",
        "dropped:user",
        "dropped:parallel_tool_calls",
    }


@pytest.mark.parametrize(
    ("sampling", "effort", "losses"),
    [
        (Sampling(thinking_budget=8000), "medium", ("approximated:thinking_budget=effort medium",)),
        (Sampling(thinking=True), None, ("dropped:thinking",)),
        (Sampling(thinking=False), None, ("dropped:thinking",)),
        (Sampling(effort="low"), "low", ()),
    ],
)
def test_thinking_is_said_in_a_word_or_lost(sampling: Sampling, effort: str | None, losses: tuple[str, ...]) -> None:
    body, lost = written(asked(sampling=sampling))
    assert (body.get("outputConfig", {}).get("effort"), lost) == (effort, losses)


def test_what_a_row_adds_for_one_makers_models_is_sent() -> None:
    more = {"bedrock_converse": {"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2000}}}}
    body, losses = written(asked(extra={**more, "openai_chat": {"logprobs": True}}))
    assert body["additionalModelRequestFields"]["thinking"]["budget_tokens"] == 2000
    assert losses == ("dropped:logprobs",)


def test_too_many_cache_points_are_a_loss_and_long_ones_say_so() -> None:
    parts = tuple(Text(text=f"part {n}", cache="1h") for n in range(6))
    body, losses = written(asked(Message(role="user", parts=parts)))
    points = [block for block in body["messages"][0]["content"] if "cachePoint" in block]
    assert points == [{"cachePoint": {"type": "default", "ttl": "1h"}}] * 4
    assert losses == ("dropped:cache",)


def test_odd_beginnings_and_ends_are_mended() -> None:
    body, losses = written(asked(assistant("I was saying "), user(" "), assistant("that ")))
    assert body["messages"] == [
        {"role": "user", "content": [{"text": "(no content)"}]},
        {"role": "assistant", "content": [{"text": "I was saying "}, {"text": "that"}]},
    ]
    assert losses == ()
    assert written(asked(Message(role="assistant", parts=(Refusal(text="No."),))))[1] == ("approximated:refusal=text",)
    assert written(Request(model="m", transcript=Transcript()))[0]["messages"][0]["role"] == "user"


def test_a_count_is_asked_for_without_what_is_about_the_answer() -> None:
    body = json.loads(write_count_request(asked(sampling=Sampling(max_tokens=5), tools=(WEATHER,))).body)
    report = ParamValidator().validate({"modelId": "m", **body}, SERVICE.operation_model("CountTokens").input_shape)
    assert not report.has_errors(), report.generate_report()
    assert set(body["input"]["converse"]) == {"messages", "toolConfig"}
    assert read_count(b'{"inputTokens": 7}') == 7
    with pytest.raises(StreamBroken):
        read_count(b'{"inputTokens": "7"}')


def sse(*events: tuple[str, dict[str, Any]]) -> bytes:
    return b"".join(b"event: %b\ndata: %b\n\n" % (name.encode(), json.dumps(fields).encode()) for name, fields in events)


STREAM = sse(
    ("messageStart", {"role": "assistant", "p": "abc"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Hm."}}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "sig"}}}),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "It is\u2028 "}}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "warm."}, "p": "ab"}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"citation": {"title": "Almanac", "sourceContent": [{"text": "22"}]}}}),
    ("contentBlockStop", {"contentBlockIndex": 1}),
    ("contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t1", "name": "weather"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"place":'}}}),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '"Taipei"}'}}}),
    ("contentBlockStop", {"contentBlockIndex": 2}),
    ("contentBlockStart", {"contentBlockIndex": 3, "start": {"toolUse": {"toolUseId": "t2", "name": "now"}}}),
    ("contentBlockStop", {"contentBlockIndex": 3}),
    ("messageStop", {"stopReason": "tool_use"}),
    (
        "metadata",
        {
            "usage": {
                "inputTokens": 5,
                "outputTokens": 7,
                "totalTokens": 112,
                "cacheReadInputTokens": 60,
                "cacheWriteInputTokens": 40,
                "cacheDetails": [{"ttl": "1h", "inputTokens": 30}, {"ttl": "5m", "inputTokens": 10}],
            },
            "metrics": {"latencyMs": 5},
        },
    ),
)
PARTS = (
    Thinking(text="Hm.", signature="sig", provider="bedrock_converse"),
    Text(text="It is\u2028 warm.", citations=(Citation(title="Almanac", quote="22", start=0, end=12),)),
    ToolCall(id="t1", name="weather", arguments='{"place":"Taipei"}'),
    ToolCall(id="t2", name="now", arguments="{}"),
)
USAGE = Usage(input=5, cache_read=60, cache_write_5m=10, cache_write_1h=30, output=7)


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=8))
def test_a_stream_is_read_alike_in_any_pieces(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    events = read_events([STREAM[a:b] for a, b in itertools.pairwise(edges)], stream=True)
    answer = fold(events)
    assert (answer.message.parts, answer.usage, answer.stop) == (PARTS, USAGE, "tool_calls")


def test_usage_is_told_before_the_stop() -> None:
    kinds: list[type[Event]] = [type(event) for event in read_events([STREAM], stream=True)]
    assert kinds[-2:] == [UsageReported, Stopped]


def test_a_whole_answer_is_read_like_a_stream() -> None:
    content = [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}},
        {
            "citationsContent": {
                "content": [{"text": "It is\u2028 warm."}],
                "citations": [{"title": "Almanac", "sourceContent": [{"text": "22"}]}],
            }
        },
        {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"place": "Taipei"}}},
        {"toolUse": {"toolUseId": "t2", "name": "now", "input": {}}},
        {"reasoningContent": {"redactedContent": "b3BhcXVl"}},
        {"searchResult": {"source": "x"}},
    ]
    document = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "tool_use",
        "usage": {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12},
        "metrics": {"latencyMs": 5},
    }
    answer = fold(read_events([json.dumps(document).encode()], stream=False))
    assert answer.message.parts[:4] == PARTS
    assert answer.message.parts[4] == Thinking(redacted="b3BhcXVl", provider="bedrock_converse")
    assert answer.message.parts[5] == Unknown(extra={"bedrock_converse": {"searchResult": {"source": "x"}}})
    assert (answer.usage, answer.stop) == (Usage(input=5, output=7), "tool_calls")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("end_turn", "end"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("stop_sequence", "stop_sequence"),
        ("guardrail_intervened", "content_filter"),
        ("malformed_tool_use", "other"),
        ("never_heard_of", "other"),
    ],
)
def test_every_reason_to_stop_has_its_word(raw: str, reason: str) -> None:
    stream = sse(("messageStart", {"role": "assistant"}), ("messageStop", {"stopReason": raw}))
    assert fold(read_events([stream], stream=True)).stop == reason


def test_an_answer_goes_back_as_it_came() -> None:
    message = fold(read_events([STREAM], stream=True)).message
    body, _ = written(asked(user("Weather?"), message, RESULT, tools=(WEATHER,)))
    assert body["messages"][1]["content"][0] == {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}}


def test_an_exception_inside_a_stream_is_an_error_and_what_came_before_is_kept() -> None:
    stream = STREAM[: STREAM.index(b"event: contentBlockStop")] + sse(
        ("exception", {"type": "throttlingException", "message": "Too fast."})
    )
    with pytest.raises(StreamError) as raised:
        read_events([stream], stream=True)
    assert (raised.value.said.type, raised.value.said.message) == ("throttlingException", "Too fast.")
    assert any(isinstance(event, PartOpened) for event in raised.value.events)


def test_an_answer_that_breaks_off_is_never_taken_for_a_whole_one() -> None:
    with pytest.raises(StreamBroken):
        read_events([STREAM[: STREAM.index(b"event: messageStop")]], stream=True)
    with pytest.raises(StreamBroken):
        read_events([b'{"output":{"message":{"role":"assistant","content":[]}}}'], stream=False)


NAMES = ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", "exception", "x"]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["contentBlockIndex", "delta", "start", "toolUse", "text", "reasoningContent", "usage", "stopReason", "citation"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@given(st.lists(st.tuples(st.sampled_from(NAMES), JUNK), max_size=6), st.booleans())
def test_hostile_events_end_in_a_typed_error_at_worst(events: list[tuple[str, Any]], stream: bool) -> None:
    data = b"".join(b"event: %b\ndata: %b\n\n" % (name.encode(), json.dumps(fields).encode()) for name, fields in events)
    try:
        fold(read_events([data], stream=stream))
    except StreamFailed:
        return


@given(st.binary(max_size=200), st.booleans())
def test_hostile_bytes_end_in_a_typed_error_at_worst(data: bytes, stream: bool) -> None:
    reader = EventReader(stream=stream)
    try:
        reader.feed(data)
        reader.close()
    except StreamFailed:
        return
