"""Answers of Chat Completions: any chunking gives equal events, and what is written reads the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from assay.core import (
    Answer,
    AssayError,
    Event,
    PartClosed,
    PartGrew,
    PartOpened,
    Refusal,
    Request,
    Started,
    Stopped,
    Text,
    Thinking,
    ToolCall,
    Transcript,
    UsageReported,
    fold,
)
from assay.wire import StreamBroken, StreamError, StreamFailed
from assay.wire.openai_chat import NAME, EventReader, EventWriter, read_events
from tests.wire.chat_values import answer_events, json_values


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, choice: int = 0, **fields: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": choice, "delta": delta, "finish_reason": finish}]
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **fields}


def stream(*chunks: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in chunks) + b"data: [DONE]\n\n"


def whole(message: dict[str, Any], finish: str | None = "stop", **fields: Any) -> bytes:
    choices = [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}]
    return json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, **fields}).encode()


def read(*chunks: dict[str, Any]) -> list[Event]:
    return read_events([stream(*chunks)], stream=True)


def answered(*chunks: dict[str, Any]) -> Answer:
    return fold(read(*chunks))


def asking(*, stream: bool, include_usage: bool = True) -> Request:
    return Request(model="m", transcript=Transcript(), stream=stream, stream_usage=include_usage)


def write(events: list[Event], *, stream: bool, include_usage: bool = True) -> bytes:
    writer = EventWriter(asking(stream=stream, include_usage=include_usage), id="1", created=0)
    return b"".join([writer.write(event) for event in events]) + writer.close()


def chunks_of(written: bytes) -> list[Any]:
    blocks = written.removesuffix(b"\n\n").split(b"\n\n")
    assert blocks.pop() == b"data: [DONE]"
    return [json.loads(block.removeprefix(b"data: ")) for block in blocks]


@given(answer_events())
@settings(max_examples=50)
def test_reading_a_written_stream_gives_the_same_events(events: list[Event]) -> None:
    assert read_events([write(events, stream=True)], stream=True) == events


@given(answer_events(whole=True))
@settings(max_examples=50)
def test_reading_a_written_document_gives_the_same_events(events: list[Event]) -> None:
    assert read_events([write(events, stream=False)], stream=False) == events


@given(answer_events(), st.lists(st.integers(0, 5000), max_size=30), st.sampled_from([b"\n", b"\r\n"]))
@settings(max_examples=50)
def test_any_chunking_of_a_stream_gives_equal_events(events: list[Event], places: list[int], end: bytes) -> None:
    data = write(events, stream=True).replace(b"\n", end)
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    pieces = [data[edges[i] : edges[i + 1]] for i in range(len(edges) - 1)]
    assert read_events(pieces, stream=True) == events
    assert read_events([bytes([byte]) for byte in data], stream=True) == events


@given(answer_events())
@settings(max_examples=50)
def test_a_stream_and_its_document_fold_to_the_same_answer(events: list[Event]) -> None:
    document = write(events, stream=False)
    assert fold(read_events([document], stream=False)) == fold(events)


@given(answer_events())
@settings(max_examples=50)
def test_a_written_stream_keeps_the_order_that_clients_rely_on(events: list[Event]) -> None:
    chunks = chunks_of(write(events, stream=True))
    spoken: dict[int, list[Any]] = {}
    for one in chunks:
        for choice in one["choices"]:
            spoken.setdefault(choice["index"], []).append(choice)
    for said in spoken.values():
        assert said[0]["delta"] == {"role": "assistant", "content": ""}
        assert [choice["finish_reason"] is not None for choice in said] == [False] * (len(said) - 1) + [True]
        fragments = [call for choice in said for call in choice["delta"].get("tool_calls", ())]
        named = [call["index"] for call in fragments if "name" in call["function"]]
        assert named == sorted(set(named)) == sorted({call["index"] for call in fragments})
    assert [bool(one["choices"]) for one in chunks] == [True] * (len(chunks) - 1) + [False]
    assert "usage" in chunks[-1]
    assert all("usage" not in one for one in chunks_of(write(events, stream=True, include_usage=False)))


@given(answer_events())
@settings(max_examples=50)
def test_what_is_written_has_the_types_of_the_openai_sdk(events: list[Event]) -> None:
    for one in chunks_of(write(events, stream=True)):
        ChatCompletionChunk.model_validate(one, strict=True)
    ChatCompletion.model_validate_json(write(events, stream=False), strict=True)


def test_pieces_of_text_become_one_part() -> None:
    events = read(
        chunk({"role": "assistant", "content": ""}), chunk({"content": "a\u2028"}), chunk({"content": "b"}), chunk({}, "stop")
    )
    assert events == [
        Started(id="c", model="m", created=1),
        PartOpened(index=0, part=Text(text="")),
        PartGrew(index=0, text="a\u2028"),
        PartGrew(index=0, text="b"),
        PartClosed(index=0),
        Stopped(reason="end", raw="stop"),
    ]


def test_events_carry_the_time_of_the_bytes_that_completed_them() -> None:
    reader = EventReader(stream=True)
    data = stream(chunk({"content": "a"}), chunk({}, "stop"))
    middle = data.index(b"\n\n") + 1
    assert reader.feed(data[:middle], 5) == []
    assert {event.at_ns for event in reader.feed(data[middle:], 7)} == {7}


def test_parallel_tool_calls_with_interleaved_arguments() -> None:
    def call(index: int, **fields: Any) -> dict[str, Any]:
        return chunk({"tool_calls": [{"index": index, **fields}]})

    answer = answered(
        call(0, id="a", type="function", function={"name": "f", "arguments": ""}),
        call(1, id="b", type="function", function={"name": "g", "arguments": '{"y"'}),
        call(0, function={"arguments": '{"x"'}),
        call(1, function={"arguments": ":2}"}),
        call(0, function={"arguments": ":1}"}),
        chunk({}, "tool_calls"),
    )
    assert answer.message.parts == (
        ToolCall(id="a", name="f", arguments='{"x":1}'),
        ToolCall(id="b", name="g", arguments='{"y":2}'),
    )


@pytest.mark.parametrize("index", [{"index": 0}, {}])
def test_calls_that_share_an_index_are_told_apart_by_their_ids(index: dict[str, int]) -> None:
    calls = [{**index, "id": name, "type": "function", "function": {"name": name, "arguments": "{}"}} for name in "ab"]
    answer = answered(chunk({"tool_calls": [calls[0]]}), chunk({"tool_calls": [calls[1]]}), chunk({}, "tool_calls"))
    assert answer.message.parts == (ToolCall(id="a", name="a", arguments="{}"), ToolCall(id="b", name="b", arguments="{}"))


def test_fields_beside_a_tool_call_survive_a_stream() -> None:
    """Gemini's signature rides beside the call that it signs."""
    extra = {"extra_content": {"google": {"thought_signature": "s"}}}
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}, **extra}
    events = read(chunk({"tool_calls": [call]}), chunk({}, "tool_calls"))
    assert fold(events).message.parts == (ToolCall(id="a", name="f", arguments="{}", extra={NAME: extra}),)
    assert read_events([write(events, stream=True)], stream=True)[1:] == events[1:]


def test_a_custom_tool_is_called_with_its_input() -> None:
    first = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "sql", "input": "SEL"}}
    later = {"index": 0, "custom": {"input": "ECT"}}
    events = read(chunk({"tool_calls": [first]}), chunk({"tool_calls": [later]}), chunk({}, "tool_calls"))
    assert fold(events).message.parts == (ToolCall(id="a", name="sql", arguments="SELECT", extra={NAME: {"type": "custom"}}),)
    assert read_events([write(events, stream=True)], stream=True) == [Started(id="chatcmpl-1", model="m", created=1), *events[1:]]


def test_the_function_call_of_old_is_a_tool_call_without_id() -> None:
    first = chunk({"function_call": {"name": "f", "arguments": ""}})
    events = read(first, chunk({"function_call": {"arguments": "{}"}}), chunk({}, "function_call"))
    assert fold(events).message.parts == (ToolCall(id="", name="f", arguments="{}", extra={NAME: {"type": "function_call"}}),)
    assert chunks_of(write(events, stream=True))[2:] == [
        chunk({"function_call": {"arguments": "{}"}}, id="chatcmpl-1"),
        chunk({}, "function_call", id="chatcmpl-1"),
    ]


@pytest.mark.parametrize(
    ("pieces", "extra"),
    [
        ([{"reasoning_content": "th"}, {"reasoning_content": "ink", "content": ""}], {}),
        ([{"reasoning": "th", "content": ""}, {"reasoning": "ink"}], {"reasoning": ""}),
        (
            [
                {"reasoning": "th", "reasoning_details": [{"text": "th"}]},
                {"reasoning": "ink", "reasoning_details": [{"text": "ink"}]},
            ],
            {"reasoning": "", "reasoning_details": [{"text": "th"}, {"text": "ink"}]},
        ),
        ([{"reasoning_details": [{"text": "think"}]}], {"reasoning_details": [{"text": "think"}]}),
    ],
)
def test_thoughts_are_read_in_each_field_that_providers_use(pieces: list[dict[str, Any]], extra: dict[str, Any]) -> None:
    events = read(*map(chunk, pieces), chunk({"content": "4", "reasoning_content": None}), chunk({}, "stop"))
    thought = Thinking(text="think", extra={NAME: extra} if extra else {})
    assert fold(events).message.parts == (thought, Text(text="4"))
    assert fold(read_events([write(events, stream=True)], stream=True)).message == fold(events).message
    assert fold(read_events([write(events, stream=False)], stream=False)).message == fold(events).message


def test_thinking_between_words_begins_a_part_of_its_own() -> None:
    answer = answered(
        *(chunk({field: word}) for field, word in [("reasoning", "a"), ("content", "b"), ("reasoning", "c")]), chunk({}, "stop")
    )
    assert [type(part) for part in answer.message.parts] == [Thinking, Text, Thinking]


def test_a_refusal_is_told_from_an_answer() -> None:
    events = read(chunk({"role": "assistant", "refusal": "I can"}), chunk({"refusal": "not."}), chunk({}, "stop"))
    assert fold(events).message.parts == (Refusal(text="I cannot."),)
    assert fold(events).stop == "refusal"
    assert json.loads(write(events, stream=False))["choices"][0]["finish_reason"] == "stop"


def test_several_choices_are_kept_apart() -> None:
    answer = answered(chunk({"content": "a"}), chunk({"content": "b"}, choice=1), chunk({}, "stop", choice=1), chunk({}, "stop"))
    assert [message.text for message in answer.messages] == ["a", "b"]


def test_log_probabilities_and_other_fields_of_a_choice_are_gathered() -> None:
    def scored(word: str) -> dict[str, Any]:
        one = chunk({"content": word})
        one["choices"][0]["logprobs"] = {"content": [{"token": word, "logprob": -1}]}
        return one

    events = read(scored("a"), scored("b"), chunk({"annotations": [{"type": "url_citation"}]}, "stop"))
    gathered = {
        "logprobs": {"content": [{"token": "a", "logprob": -1}, {"token": "b", "logprob": -1}]},
        "message": {"annotations": [{"type": "url_citation"}]},
    }
    assert events[-1] == Stopped(reason="end", raw="stop", extra={NAME: gathered})
    [choice] = json.loads(write(events, stream=False))["choices"]
    assert choice["logprobs"] == gathered["logprobs"]
    assert choice["message"]["annotations"] == [{"type": "url_citation"}]


def test_a_spoken_answer_is_gathered_from_its_pieces() -> None:
    pieces: list[dict[str, Any]] = [{"id": "au", "transcript": "he"}, {"data": "AAAA"}, {"transcript": "y", "data": "BBBB"}]
    events = read(*(chunk({"audio": piece}) for piece in pieces), chunk({}, "stop"))
    [stopped] = [event for event in events if isinstance(event, Stopped)]
    assert stopped.extra[NAME]["message"]["audio"] == {"id": "au", "transcript": "hey", "data": "AAAABBBB"}


def test_a_first_chunk_about_the_prompt_is_not_yet_the_start() -> None:
    """Azure sends its content filter's results first, without an id."""
    about = {"id": "", "model": "", "choices": [], "prompt_filter_results": [1]}
    events = read(about, chunk({"content": "a"}, system_fingerprint="fp"), chunk({}, "stop"))
    assert events[0] == Started(
        id="c", model="m", created=1, extra={NAME: {"prompt_filter_results": [1], "system_fingerprint": "fp"}}
    )


@pytest.mark.parametrize("place", ["chunk", "choice"])
def test_usage_is_read_wherever_a_provider_puts_it(place: str) -> None:
    """OpenAI sends a chunk without choices, Moonshot puts it into the last choice."""
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    last = chunk({}, "stop")
    if place == "choice":
        last["choices"][0]["usage"] = usage
    events = read(chunk({"content": "a"}), last, *([chunk(usage=usage)] if place == "chunk" else []))
    [reported] = [event for event in events if isinstance(event, UsageReported)]
    assert (reported.usage.input, reported.usage.output) == (3, 4)


def test_usage_in_every_chunk_is_reported_when_it_changes() -> None:
    usages = [{"prompt_tokens": 3, "completion_tokens": n} for n in (1, 1, 2)]
    events = read(*(chunk({"content": "a"}, usage=usage) for usage in usages), chunk({}, "stop"))
    assert [event.usage.output for event in events if isinstance(event, UsageReported)] == [1, 2]


@pytest.mark.parametrize("raw", ["length", "content_filter", "sensitive", "insufficient_system_resource"])
def test_the_word_for_the_end_is_kept_beside_its_meaning(raw: str) -> None:
    [*_, stopped] = read(chunk({"content": "a"}), chunk({}, raw))
    meanings = {"length": "length", "content_filter": "content_filter", "sensitive": "content_filter"}
    assert stopped == Stopped(reason=meanings.get(raw, "other"), raw=raw)  # type: ignore[arg-type]  # the table holds reasons


@pytest.mark.parametrize(
    ("reason", "raw", "word"),
    [
        ("end", "end_turn", "stop"),
        ("refusal", "refusal", "content_filter"),
        ("other", "pause", "stop"),
        ("stop_sequence", None, "stop"),
    ],
)
def test_an_end_in_another_protocols_word_is_translated(reason: Any, raw: str | None, word: str) -> None:
    events: list[Event] = [Started(), Stopped(reason=reason, raw=raw)]
    assert json.loads(write(events, stream=False))["choices"][0]["finish_reason"] == word


@pytest.mark.parametrize(
    "chunks",
    [[], [chunk({"content": "a"})], [chunk({"content": "a"}), chunk({"content": "b"}, "stop", choice=1)], [chunk(usage={})]],
)
def test_an_answer_that_ends_without_a_finish_reason_is_broken(chunks: list[dict[str, Any]]) -> None:
    with pytest.raises(StreamBroken) as raised:
        read(*chunks)
    assert raised.value.code == "wire.stream_broken"


def test_a_writer_makes_up_no_end() -> None:
    writer = EventWriter(asking(stream=True, include_usage=False), id="c", created=0)
    writer.write(Started())
    with pytest.raises(StreamBroken):
        writer.close()


@pytest.mark.parametrize(
    "error",
    [
        b'data: {"error": {"message": "overloaded", "type": "server_error", "code": 503}}\n\n',
        b'event: error\ndata: {"message": "overloaded", "type": "server_error", "code": 503}\n\n',
        b'data: {"id": "c", "choices": [], "error": {"message": "overloaded", "type": "server_error", "code": "503"}}\n\n',
    ],
)
def test_an_error_inside_a_stream_carries_the_upstreams_words_and_what_came_before(error: bytes) -> None:
    reader = EventReader(stream=True)
    with pytest.raises(StreamError) as raised:
        reader.feed(stream(chunk({"content": "a"})).replace(b"data: [DONE]\n\n", error))
    assert (raised.value.said.message, raised.value.said.type, raised.value.said.code) == ("overloaded", "server_error", "503")
    assert [type(event) for event in raised.value.events] == [Started, PartOpened, PartGrew]


def test_a_finish_reason_of_error_is_an_error() -> None:
    with pytest.raises(StreamError):
        read(chunk({"content": "a"}), chunk({}, "error"))


@pytest.mark.parametrize(
    "data",
    [
        b"data: {\n\n",
        b"data: 5\n\n",
        b'data: {"choices": 5}\n\n',
        b'data: {"choices": [5]}\n\n',
        b'data: {"choices": [{"index": -1}]}\n\n',
        b'data: {"choices": [{"index": "0"}]}\n\n',
        b'data: {"choices": [{"index": 0, "delta": 5}]}\n\n',
        b'data: {"choices": [{"index": 0, "delta": {"content": 5}}]}\n\n',
        b'data: {"choices": [{"index": 0, "delta": {"tool_calls": {}}}]}\n\n',
        b'data: {"choices": [{"index": 0, "delta": {"tool_calls": [{"id": 5}]}}]}\n\n',
        b'data: {"choices": [{"index": 0, "delta": {"tool_calls": [{"id": "c", "type": ["function"]}]}}]}\n\n',
        b'data: {"choices": [{"index": 0, "finish_reason": 5}]}\n\n',
        b'data: {"choices": [], "usage": 5}\n\n',
        b"data: " + b"[" * 100_000 + b"\n\n",
    ],
)
def test_chunks_that_are_not_the_protocols_break_the_stream(data: bytes) -> None:
    with pytest.raises(StreamBroken):
        EventReader(stream=True).feed(data)


def test_an_upstream_cannot_open_parts_without_end() -> None:
    reader = EventReader(stream=True)
    flood = [chunk({"reasoning": "a"}), chunk({"content": "b"})] * 5_001
    with pytest.raises(StreamBroken) as raised:
        reader.feed(stream(*flood))
    assert raised.value.code == "wire.too_many_parts"


_KEYS = ["id", "choices", "index", "delta", "message", "content", "role", "tool_calls", "function", "name", "arguments", "usage"]
_KEYS += ["finish_reason", "reasoning", "reasoning_details", "function_call", "refusal", "type", "error", "text", "prompt_tokens"]
hostile = st.recursive(
    json_values | st.sampled_from(["stop", "function", "custom"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5),
    max_leaves=15,
)


@given(st.lists(hostile, max_size=3), st.lists(hostile, max_size=3))
@settings(max_examples=200)
def test_hostile_chunks_give_events_or_the_typed_errors(deltas: list[Any], choices: list[Any]) -> None:
    """And the events fold, whatever they are."""
    documents = [{"choices": [{"delta": delta}]} for delta in deltas] + [{"choices": [one]} for one in choices] + choices
    reader = EventReader(stream=True)
    events: list[Event] = []
    try:
        for document in documents:
            events += reader.feed(b"data: " + json.dumps(document).encode() + b"\n\n")
        events += reader.close()
    except StreamFailed as error:
        events += error.events
    fold(events)


@given(st.binary(max_size=200), st.booleans())
def test_hostile_bytes_never_make_an_answer(data: bytes, streamed: bool) -> None:
    with pytest.raises(AssayError):
        read_events([data], stream=streamed)


def test_a_document_is_read_as_its_stream_would_be() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    document = whole({"content": "a", "refusal": None, "tool_calls": None}, usage=usage, system_fingerprint="fp")
    streamed = read(
        chunk({"role": "assistant"}, system_fingerprint="fp"), chunk({"content": "a"}), chunk({}, "stop"), chunk(usage=usage)
    )
    assert read_events([document[:20], document[20:]], stream=False) == streamed


def test_a_document_that_holds_an_error_is_one() -> None:
    with pytest.raises(StreamError) as raised:
        read_events([b'{"error": {"message": "no such model", "code": "model_not_found"}}'], stream=False)
    assert raised.value.said.code == "model_not_found"
