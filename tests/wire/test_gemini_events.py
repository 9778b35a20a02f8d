"""Answers of the Gemini API: any chunking gives equal events, and what is written reads the same in both framings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai import types
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.core import (
    Answer,
    Citation,
    Event,
    Image,
    PartClosed,
    PartGrew,
    PartOpened,
    Refusal,
    Request,
    Sampling,
    Started,
    Stopped,
    Text,
    Thinking,
    ToolCall,
    Transcript,
    Unknown,
    Usage,
    UsageReported,
    fold,
    user,
)
from assay.wire import StreamBroken, StreamError, StreamFailed
from assay.wire.gemini import NAME, EventReader, EventWriter, is_finished, read_events
from tests.wire.chat_values import json_values
from tests.wire.gemini_values import answer_events

FIELDS = [
    "candidates",
    "content",
    "parts",
    "text",
    "thought",
    "functionCall",
    "inlineData",
    "finishReason",
    "usageMetadata",
    "groundingMetadata",
    "groundingChunks",
    "groundingSupports",
    "segment",
    "citationMetadata",
    "promptFeedback",
    "web",
    "startIndex",
    "citationSources",
    "name",
    "args",
    "thoughtSignature",
    "groundingChunkIndices",
    "blockReason",
]


def asked(*, stream: bool = True, alt: str = "sse", shown: bool = True) -> Request:
    return Request(
        model="m",
        transcript=Transcript((user("hi"),)),
        sampling=Sampling(show_thinking=shown),
        stream=stream,
        extra={NAME: {"alt": alt}},
    )


def chunk(*parts: dict[str, Any], finish: str | None = None, **fields: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": [*parts], "role": "model"}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "m", "responseId": "abc", **fields}


def stream(*chunks: dict[str, Any], end: str = "\r\n") -> bytes:
    return "".join(f"data: {json.dumps(one)}{end}{end}" for one in chunks).encode()


def answered(*chunks: dict[str, Any], seed: str = "") -> Answer:
    return fold(read_events([stream(*chunks)], stream=True, seed=seed))


def write(events: list[Event], request: Request) -> bytes:
    writer = EventWriter(request, id="abc", created=1)
    return b"".join([writer.write(event) for event in events]) + writer.close()


def chunks_of(written: bytes) -> list[Any]:
    blocks = written.removesuffix(b"\r\n\r\n").split(b"\r\n\r\n")
    assert all(block.startswith(b"data: ") and b"\n" not in block for block in blocks)
    return [json.loads(block[6:]) for block in blocks]


def read_again(pieces: list[bytes], *, stream: bool = True) -> list[Event]:
    """The events, one candidate after the other, the usage right before the stops: on the wire they are interleaved."""
    events = read_events(pieces, stream=stream)
    return sorted(events, key=_place)


def _place(event: Event) -> tuple[int, int]:
    when = 2 if type(event) is Stopped else int(type(event) is UsageReported)
    return when, getattr(event, "choice", -1)


def pieces_of(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[edges[i] : edges[i + 1]] for i in range(len(edges) - 1)]


@given(answer_events(), st.sampled_from(["sse", "json"]))
@settings(max_examples=40)
def test_reading_a_written_stream_gives_the_same_events(events: list[Event], alt: str) -> None:
    assert read_again([write(events, asked(alt=alt))], stream=True) == events


@given(answer_events(whole=True))
@settings(max_examples=40)
def test_reading_a_written_document_gives_the_same_events(events: list[Event]) -> None:
    assert read_again([write(events, asked(stream=False))], stream=False) == events


@given(answer_events(), st.lists(st.integers(0, 5000), max_size=30), st.sampled_from([b"\n", b"\r\n", b"\r"]))
@settings(max_examples=40)
def test_any_chunking_of_a_stream_gives_equal_events(events: list[Event], places: list[int], end: bytes) -> None:
    data = write(events, asked()).replace(b"\r\n", end)
    assert read_again(pieces_of(data, places), stream=True) == events
    assert read_again([bytes([byte]) for byte in data], stream=True) == events


@given(answer_events(), st.lists(st.integers(0, 5000), max_size=30))
@settings(max_examples=40)
def test_any_chunking_of_an_array_gives_equal_events(events: list[Event], places: list[int]) -> None:
    data = write(events, asked(alt="json"))
    assert json.loads(data)[0]["modelVersion"] == "m"
    assert read_again(pieces_of(data, places), stream=True) == events
    assert read_again([bytes([byte]) for byte in data], stream=True) == events
    spaced = json.dumps(json.loads(data), indent=2).encode()
    assert read_again(pieces_of(spaced, places), stream=True) == events


@given(answer_events())
@settings(max_examples=40)
def test_a_stream_and_its_document_fold_to_the_same_answer(events: list[Event]) -> None:
    document = write(events, asked(stream=False))
    assert fold(read_events([document], stream=False)) == fold(events)


@given(answer_events())
@settings(max_examples=40)
def test_the_finish_reason_and_the_usage_are_in_the_last_chunk_alone(events: list[Event]) -> None:
    *early, last = chunks_of(write(events, asked()))
    assert all("usageMetadata" not in one and "finishReason" not in one["candidates"][0] for one in early)
    assert "usageMetadata" in last
    assert all(candidate["finishReason"] for candidate in last["candidates"])


@given(answer_events())
@settings(max_examples=40)
def test_what_is_written_has_the_types_of_googles_sdk(events: list[Event]) -> None:
    plain = [_without_test_fields(event) for event in events]
    for one in chunks_of(write(plain, asked())):
        _check_types(one)
    _check_types(json.loads(write(plain, asked(stream=False))))


def _check_types(document: Any) -> None:
    for candidate in document["candidates"]:
        if sources := candidate.pop("citationMetadata", None):
            candidate["citationMetadata"] = {"citations": sources["citationSources"]}
    types.GenerateContentResponse.model_validate(document)


def _without_test_fields(event: Event) -> Event:
    """The SDK forbids fields that Google does not have."""
    match event:
        case Stopped():
            return Stopped(reason=event.reason, raw=event.raw, choice=event.choice)
        case PartOpened(part=ToolCall() as call):
            plain = ToolCall(id=call.id, name=call.name, signature=call.signature, provider=call.provider)
            return PartOpened(index=event.index, part=plain, choice=event.choice)
    return event


def test_pieces_of_text_and_of_thought_are_joined_and_calls_come_whole() -> None:
    answer = answered(
        chunk({"text": "hm", "thought": True}, usageMetadata={"promptTokenCount": 4, "totalTokenCount": 4}),
        chunk({"text": "m", "thought": True}),
        chunk({"text": "Hel"}),
        chunk({"text": "lo"}),
        chunk(
            {"functionCall": {"name": "f", "args": {"a": [1, 2.5]}}, "thoughtSignature": "QUJD"}, {"functionCall": {"name": "g"}}
        ),
        chunk(
            {"text": ""},
            finish="STOP",
            usageMetadata={"promptTokenCount": 4, "candidatesTokenCount": 5, "thoughtsTokenCount": 2, "totalTokenCount": 11},
        ),
        seed="0123456789abcdef0123456789abcdef",
    )
    assert answer.message.parts == (
        Thinking(text="hmm", provider=NAME),
        Text(text="Hello"),
        ToolCall(id="call_cdef0123456789abcdef_0", name="f", arguments='{"a":[1,2.5]}', signature="QUJD", provider=NAME),
        ToolCall(id="call_cdef0123456789abcdef_1", name="g", arguments="{}"),
    )
    assert answer.stop == "tool_calls"
    assert answer.usage == Usage(input=4, output=5, reasoning=2)
    assert answer.started == Started(id="abc", model="m")


def test_the_signature_of_a_call_is_known_when_it_opens() -> None:
    events = read_events([stream(chunk({"functionCall": {"name": "f"}, "thoughtSignature": "QUJD"}, finish="STOP"))], stream=True)
    opened = next(event for event in events if isinstance(event, PartOpened))
    assert isinstance(opened.part, ToolCall)
    assert (opened.part.signature, opened.part.provider) == ("QUJD", NAME)


def test_the_signature_of_words_is_a_thought_behind_them() -> None:
    answer = answered(
        chunk({"text": "Hello"}),
        chunk({"text": " you", "thoughtSignature": "QUJD"}),
        chunk({"text": "", "thoughtSignature": "REVG"}, finish="STOP"),
    )
    assert answer.message.parts == (
        Text(text="Hello you"),
        Thinking(signature="QUJD", provider=NAME, extra={NAME: {"on": "part"}}),
        Thinking(signature="REVG", provider=NAME),
    )


def test_pictures_and_parts_of_unknown_kinds_stand_alone() -> None:
    answer = answered(
        chunk({"text": "look"}, {"inlineData": {"mimeType": "image/png", "data": "_-8="}, "thoughtSignature": "QUJD"}),
        chunk({"executableCode": {"code": "1", "language": "PYTHON"}}, finish="STOP"),
    )
    assert answer.message.parts == (
        Text(text="look"),
        Image(data="/+8=", media_type="image/png"),
        Thinking(signature="QUJD", provider=NAME, extra={NAME: {"on": "part"}}),
        Unknown(extra={NAME: {"executableCode": {"code": "1", "language": "PYTHON"}}}),
    )


def test_sources_become_citations_counted_in_code_points_and_go_back_to_bytes() -> None:
    grounding = {
        "webSearchQueries": ["q"],
        "groundingChunks": [
            {"web": {"uri": "https://a.example/", "title": "A"}},
            {"retrievedContext": {"uri": "u", "text": "quote"}},
        ],
        "groundingSupports": [
            {"segment": {"startIndex": 3, "endIndex": 9, "text": "é世"}, "groundingChunkIndices": [0, 1]},
        ],
    }
    cited = {"citationSources": [{"startIndex": 0, "endIndex": 3, "uri": "https://b.example/", "license": "mit"}]}
    last = chunk({"text": "世"}, {"text": "", "thoughtSignature": "QUJD"}, finish="STOP")
    last["candidates"][0] |= {"groundingMetadata": grounding, "citationMetadata": cited}
    events = read_events([stream(chunk({"text": "世 é"}), last)], stream=True)
    closed, of_signature = [event for event in events if isinstance(event, PartClosed)]
    assert not of_signature.citations
    assert closed.citations == (
        Citation(url="https://a.example/", title="A", start=1, end=4),
        Citation(url="u", quote="quote", start=1, end=4, extra={NAME: {"kind": "retrievedContext"}}),
        Citation(url="https://b.example/", start=0, end=1, extra={NAME: {"kind": "citation", "source": {"license": "mit"}}}),
    )
    [stopped] = [event for event in events if isinstance(event, Stopped)]
    assert stopped.extra == {NAME: {"groundingMetadata": {"webSearchQueries": ["q"]}}}
    [candidate] = chunks_of(write(events, asked()))[-1]["candidates"]
    assert candidate["citationMetadata"] == cited
    segment = {"startIndex": 3, "endIndex": 9, "text": " é世"}
    assert candidate["groundingMetadata"] == grounding | {
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0, 1]}]
    }


def test_a_blocked_prompt_is_a_stop_without_an_answer_and_is_told_as_one() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}, "modelVersion": "m"}
    events = read_events([stream(blocked)], stream=True)
    assert events[-1] == Stopped(reason="content_filter", raw="SAFETY", extra={NAME: {"promptFeedback": {"blockReason": "SAFETY"}}})
    [written] = chunks_of(write(events, asked()))
    assert written["promptFeedback"] == {"blockReason": "SAFETY"}
    assert "candidates" not in written


def test_a_finish_reason_with_every_chunk_is_one_stop() -> None:
    events = read_events([stream(chunk({"text": "a"}, finish="STOP"), chunk({"text": "b"}, finish="MAX_TOKENS"))], stream=True)
    assert [event for event in events if isinstance(event, Stopped)] == [Stopped(reason="length", raw="MAX_TOKENS")]
    assert fold(events).message.text == "ab"


def test_usage_that_changes_with_every_chunk_is_reported_each_time() -> None:
    def counted(count: int) -> dict[str, Any]:
        return {"usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": count}}

    chunks = [chunk({"text": "a"}, **counted(1)), chunk({"text": "b"}, **counted(2)), chunk({"text": "c"}, **counted(2))]
    events = read_events([stream(*chunks, chunk({"text": ""}, finish="STOP", **counted(4)))], stream=True)
    assert [event.usage.output for event in events if isinstance(event, UsageReported)] == [1, 2, 4]


def test_padding_and_the_end_mark_of_other_protocols_are_passed_over() -> None:
    data = b"data: {}\r\n\r\ndata:\r\n\r\n: hi\n\n" + stream(chunk({"text": "a"}, finish="STOP")) + b"data: [DONE]\n\n"
    assert fold(read_events([data], stream=True)).message.text == "a"


def test_a_stream_that_ends_without_a_finish_reason_is_broken() -> None:
    with pytest.raises(StreamBroken) as caught:
        read_events([stream(chunk({"text": "a"}))], stream=True)
    assert caught.value.code == "wire.stream_broken"
    with pytest.raises(StreamBroken):
        read_events([b""], stream=True)
    with pytest.raises(StreamBroken):
        read_events([b'[{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}'], stream=True)


@pytest.mark.parametrize("wrap", ["data: {}\r\n\r\n", "[{}]", "{}", "[[{}]]"])
def test_an_error_in_a_stream_is_told_in_its_own_words(wrap: str) -> None:
    said = '{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}'
    with pytest.raises(StreamError) as caught:
        read_events([stream(chunk({"text": "a"})) if "data" in wrap else b"", wrap.replace("{}", said).encode()], stream=True)
    assert caught.value.said.message == "The model is overloaded."
    assert (caught.value.said.type, caught.value.said.code) == ("UNAVAILABLE", "503")


def test_what_came_with_the_same_bytes_before_an_error_is_not_lost() -> None:
    reader = EventReader(stream=True)
    with pytest.raises(StreamError) as caught:
        reader.feed(stream(chunk({"text": "a"}), {"error": {"code": 500, "message": "x"}}))
    assert fold(caught.value.events).message.text == "a"


@pytest.mark.parametrize(
    "bad",
    [
        {"candidates": 7},
        {"candidates": [7]},
        {"candidates": [{"index": -1}]},
        {"candidates": [{"content": 7}]},
        {"candidates": [{"content": {"parts": 7}}]},
        {"candidates": [{"content": {"parts": [7]}}]},
        {"candidates": [{"content": {"parts": [{"text": 7}]}}]},
        {"candidates": [{"content": {"parts": [{"functionCall": {"args": 7}}]}}]},
        {"candidates": [{"finishReason": 7}]},
        {"usageMetadata": 7},
        7,
    ],
)
def test_a_chunk_that_is_not_the_protocols_breaks_the_stream(bad: Any) -> None:
    with pytest.raises(StreamBroken) as caught:
        read_events([stream(bad)], stream=True)
    assert caught.value.code == "wire.bad_chunk"


def test_thoughts_are_told_to_who_asked_for_them() -> None:
    events: list[Event] = [
        PartOpened(index=0, part=Thinking()),
        PartGrew(index=0, text="hm"),
        PartClosed(index=0),
        PartOpened(index=1, part=Text(text="")),
        PartGrew(index=1, text="yes"),
        PartClosed(index=1),
        Stopped(reason="end"),
    ]
    shown = chunks_of(write(events, asked()))
    assert [one["candidates"][0]["content"]["parts"] for one in shown] == [
        [{"text": "hm", "thought": True}],
        [{"text": "yes"}],
        [{"text": ""}],
    ]
    [hidden] = json.loads(write(events, asked(stream=False, shown=False)))["candidates"]
    assert hidden["content"]["parts"] == [{"text": "yes"}]


@pytest.mark.parametrize(
    ("reason", "raw", "said"),
    [
        ("end", "stop", "STOP"),
        ("length", "max_tokens", "MAX_TOKENS"),
        ("tool_calls", "tool_use", "STOP"),
        ("stop_sequence", "stop_sequence", "STOP"),
        ("refusal", "refusal", "SAFETY"),
        ("content_filter", "content_filter", "SAFETY"),
        ("content_filter", "PROHIBITED_CONTENT", "PROHIBITED_CONTENT"),
        ("other", "MALFORMED_FUNCTION_CALL", "MALFORMED_FUNCTION_CALL"),
        ("other", "pause_turn", "OTHER"),
    ],
)
def test_a_stop_of_any_protocol_has_a_finish_reason_that_clients_know(reason: Any, raw: str, said: str) -> None:
    document = json.loads(write([Stopped(reason=reason, raw=raw)], asked(stream=False)))
    assert document["candidates"][0]["finishReason"] == said
    assert types.FinishReason(said)


def test_a_refusal_is_told_in_words_and_by_its_finish_reason_and_the_difference_is_named() -> None:
    events: list[Event] = [
        PartOpened(index=0, part=Refusal(text="")),
        PartGrew(index=0, text="I cannot."),
        PartClosed(index=0),
        Stopped(reason="refusal", raw="stop"),
    ]
    writer = EventWriter(asked(stream=False), id="abc", created=1)
    for event in events:
        writer.write(event)
    [candidate] = json.loads(writer.close())["candidates"]
    assert (candidate["content"]["parts"], candidate["finishReason"]) == ([{"text": "I cannot."}], "SAFETY")
    assert writer.losses.listed == ("approximated:refusal=text", "approximated:refusal=SAFETY")


def test_nothing_pretends_an_end() -> None:
    writer = EventWriter(asked(), id="abc", created=1)
    writer.write(PartOpened(index=0, part=Text(text="a")))
    with pytest.raises(StreamBroken):
        writer.close()


def test_separators_that_kill_clients_are_escaped() -> None:
    events: list[Event] = [
        PartOpened(index=0, part=Text(text="")),
        PartGrew(index=0, text="a\u2028b\u2029c\u0085d"),
        PartClosed(index=0),
        Stopped(reason="end"),
    ]
    for request in (asked(), asked(alt="json"), asked(stream=False)):
        data = write(events, request)
        assert not any(mark.encode() in data for mark in "\u2028\u2029\u0085")
        assert fold(read_events([data], stream=request.stream)).message.text == "a\u2028b\u2029c\u0085d"


def test_the_end_is_seen_in_the_last_bytes() -> None:
    assert is_finished(stream(chunk({"text": ""}, finish="STOP")))
    assert not is_finished(stream(chunk({"text": 'I say "finishReason"'})))


@given(st.lists(st.binary(max_size=60) | json_values.map(lambda value: f"data: {json.dumps(value)}\n\n".encode()), max_size=4))
@settings(max_examples=100)
def test_hostile_bytes_break_a_stream_and_nothing_else(chunks: list[bytes]) -> None:
    for streamed in (True, False):
        try:
            read_events(chunks, stream=streamed)
        except StreamFailed:
            continue


@given(
    st.recursive(
        json_values,
        lambda inner: st.dictionaries(
            st.sampled_from(FIELDS),
            inner | st.lists(inner, max_size=3),
            max_size=4,
        ),
        max_leaves=20,
    )
)
@settings(max_examples=120)
def test_a_hostile_chunk_is_read_or_breaks_the_stream_and_what_was_read_can_be_written(value: Any) -> None:
    hostile = value if type(value) is dict else {}
    first = {"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP", **hostile}]}
    try:
        events = read_events([stream(first, hostile)], stream=True)
    except StreamFailed:
        return
    write(events, asked())
