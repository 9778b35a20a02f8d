"""Answers of Anthropic Messages: any chunking gives equal events, and what is written reads the same."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.core import (
    Citation,
    Event,
    PartClosed,
    PartGrew,
    PartOpened,
    Started,
    Stopped,
    Text,
    Thinking,
    ToolCall,
    Unknown,
    Usage,
    UsageReported,
    fold,
)
from assay.wire import StreamBroken, StreamError, StreamFailed
from assay.wire.anthropic import NAME, EventReader, EventWriter, is_finished, read_events, read_request
from assay.wire.carry import needs_carrying
from tests.wire.anthropic_values import answer_events
from tests.wire.chat_values import json_values

USAGE = {"input_tokens": 7, "output_tokens": 1}
START = {"type": "message_start", "message": {"id": "msg_1", "model": "m", "content": [], "usage": USAGE}}
STOP = {"type": "message_stop"}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def block(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": {"type": kind, **fields}}


def shut(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def ending(reason: str | None = "end_turn", **fields: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason, **fields}, "usage": {"output_tokens": 9}}


def stream(*events: dict[str, Any]) -> bytes:
    return b"".join(
        b"event: %s\ndata: %s\n\n" % (one["type"].encode(), json.dumps(one, ensure_ascii=False).encode()) for one in events
    )


def read(*events: dict[str, Any]) -> list[Event]:
    return read_events([stream(*events)], stream=True, seed="ab12")


def written(events: list[Event], *, streamed: bool) -> bytes:
    request = read_request(b'{"model":"m","messages":[]}', stream=streamed)
    writer = EventWriter(request, id="1", created=1)
    return b"".join(writer.write(event) for event in events) + writer.close()


FULL = stream(
    START,
    {"type": "ping"},
    block(0, "thinking", thinking="", signature=""),
    delta(0, "thinking_delta", thinking="Hm\u2028"),
    delta(0, "signature_delta", signature="EqQB"),
    shut(0),
    block(1, "redacted_thinking", data="xyz"),
    shut(1),
    block(2, "text", text=""),
    delta(2, "text_delta", text="Hel"),
    delta(2, "text_delta", text="lo 😀\u0085"),
    shut(2),
    block(3, "tool_use", id="toolu_1", name="f", input={}),
    delta(3, "input_json_delta", partial_json=""),
    delta(3, "input_json_delta", partial_json='{"a":'),
    delta(3, "input_json_delta", partial_json="1}"),
    shut(3),
    block(4, "tool_use", id="toolu_2", name="g", input={}),
    delta(4, "input_json_delta", partial_json=""),
    shut(4),
    ending("tool_use"),
    STOP,
)


def test_a_stream_becomes_events() -> None:
    assert read_events([FULL], stream=True) == [
        Started(id="msg_1", model="m"),
        UsageReported(usage=Usage(input=7, output=1)),
        PartOpened(index=0, part=Thinking(provider=NAME)),
        PartGrew(index=0, text="Hm\u2028"),
        PartClosed(index=0, signature="EqQB"),
        PartOpened(index=1, part=Thinking(redacted="xyz", provider=NAME)),
        PartClosed(index=1),
        PartOpened(index=2, part=Text(text="")),
        PartGrew(index=2, text="Hel"),
        PartGrew(index=2, text="lo 😀\u0085"),
        PartClosed(index=2),
        PartOpened(index=3, part=ToolCall(id="toolu_1", name="f")),
        PartGrew(index=3, text='{"a":'),
        PartGrew(index=3, text="1}"),
        PartClosed(index=3),
        PartOpened(index=4, part=ToolCall(id="toolu_2", name="g")),
        PartGrew(index=4, text="{}"),
        PartClosed(index=4),
        UsageReported(usage=Usage(input=7, output=9)),
        Stopped(reason="tool_calls", raw="tool_use"),
    ]


@given(st.lists(st.integers(1, 80), max_size=40), st.sampled_from([b"\n", b"\r\n", b"\r"]))
@settings(max_examples=60)
def test_any_chunking_gives_the_same_events(sizes: list[int], line_end: bytes) -> None:
    data = FULL.replace(b"\n", line_end)
    chunks, at = [], 0
    for size in sizes:
        chunks.append(data[at : at + size])
        at += size
    assert read_events([*chunks, data[at:]], stream=True) == read_events([FULL], stream=True)


@given(answer_events())
@settings(max_examples=60)
def test_a_stream_that_was_written_reads_as_the_same_events(events: list[Event]) -> None:
    read_again = read_events([written(events, streamed=True)], stream=True)
    assert [e for e in read_again if not isinstance(e, Started)] == [e for e in events if not isinstance(e, Started)]


@given(answer_events(whole=True))
@settings(max_examples=60)
def test_a_document_that_was_written_reads_as_the_same_answer(events: list[Event]) -> None:
    before, after = fold(events), fold(read_events([written(events, streamed=False)], stream=False))
    assert (after.messages, after.stop, after.usage) == (before.messages, before.stop, before.usage)


def test_a_whole_answer_is_read() -> None:
    document = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "Hm", "signature": "s"},
            {"type": "text", "text": "Hi", "citations": None},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
            {"type": "tool_use", "id": "u", "name": "g", "input": {}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "container": {"id": "c"},
        "usage": {
            "input_tokens": 5,
            "cache_read_input_tokens": 2,
            "output_tokens": 8,
            "output_tokens_details": {"thinking_tokens": 3},
        },
    }
    answer = fold(read_events([json.dumps(document).encode()], stream=False))
    assert answer.message.parts == (
        Thinking(text="Hm", signature="s", provider=NAME),
        Text(text="Hi"),
        ToolCall(id="t", name="f", arguments='{"a":1}'),
        ToolCall(id="u", name="g", arguments="{}"),
    )
    assert answer.usage == Usage(input=5, cache_read=2, output=5, reasoning=3)
    assert answer.started == Started(id="msg_1", model="m", extra={NAME: {"container": {"id": "c"}}})


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("end_turn", "end"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("stop_sequence", "stop_sequence"),
        ("tool_use", "tool_calls"),
        ("refusal", "refusal"),
        ("pause_turn", "other"),
        ("something_new", "other"),
    ],
)
def test_reasons_to_stop(raw: str, reason: str) -> None:
    events = read(START, ending(raw, stop_sequence="END"), STOP)
    assert events[-1] == Stopped(reason=reason, raw=raw, extra={NAME: {"stop_sequence": "END"}})  # type: ignore[arg-type]  # of the table


def test_a_refusal_tells_why() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "no"}
    events = read(START, ending("refusal", stop_details=details), STOP)
    assert events[-1] == Stopped(reason="refusal", raw="refusal", extra={NAME: {"stop_details": details}})


def test_sources_come_with_the_end_of_their_text() -> None:
    cited = {"type": "web_search_result_location", "url": "https://x", "title": "T", "cited_text": "q", "encrypted_index": "e"}
    events = read(
        START, block(0, "text", text="", citations=[]), delta(0, "text_delta", text="four"),
        delta(0, "citations_delta", citation=cited), shut(0), ending(), STOP,
    )  # fmt: skip
    [closed] = [event for event in events if isinstance(event, PartClosed)]
    assert closed.citations == (
        Citation(
            url="https://x",
            title="T",
            quote="q",
            start=0,
            end=4,
            extra={NAME: {"type": "web_search_result_location", "encrypted_index": "e"}},
        ),
    )


def test_blocks_of_the_providers_own_tools_are_gathered_whole() -> None:
    result = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    events = read(
        START,
        block(0, "server_tool_use", id="s", name="web_search", input={}),
        delta(0, "input_json_delta", partial_json='{"query":'),
        delta(0, "input_json_delta", partial_json='"x"}'),
        shut(0),
        {"type": "content_block_start", "index": 1, "content_block": result},
        shut(1),
        block(2, "text", text="So."),
        delta(2, "x_delta", x=1),
        shut(2),
        ending(),
        STOP,
    )
    parts = fold(events).message.parts
    used = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}
    assert parts == (
        Unknown(extra={NAME: used}),
        Unknown(extra={NAME: result}),
        Text(text="So.", extra={NAME: {"deltas": [{"type": "x_delta", "x": 1}]}}),
    )


def test_arguments_that_came_with_the_start_of_their_block_are_not_lost() -> None:
    events = read(START, block(0, "tool_use", id="", name="a_x2e_b", input={"a": 1}), shut(0), ending("tool_use"), STOP)
    assert fold(events).message.parts == (ToolCall(id="call_ab12_0", name="a.b", arguments='{"a":1}'),)


def test_counts_are_totals_and_a_zero_later_takes_nothing_back() -> None:
    counted = {"input_tokens": 7, "cache_read_input_tokens": 3, "output_tokens": 1}
    start = {"type": "message_start", "message": {"id": "msg_1", "model": "m", "content": [], "usage": counted}}
    end = {**ending(), "usage": {"input_tokens": 0, "cache_read_input_tokens": None, "output_tokens": 9}}
    assert fold(read(start, end, STOP)).usage == Usage(input=7, cache_read=3, output=9)


@pytest.mark.parametrize("signature", [{}, {"signature": ""}])
def test_thoughts_that_nobody_signed_are_their_makers_all_the_same(signature: dict[str, str]) -> None:
    """Other servers of the protocol sign nothing, and refuse a turn that comes back without its thoughts."""
    events = read(START, block(0, "thinking", thinking="a", **signature), delta(0, "thinking_delta", thinking="b"), ending())
    [thought] = fold(events).message.parts
    assert thought == Thinking(text="ab", signature="", provider=NAME)
    assert needs_carrying(thought)


@pytest.mark.parametrize("left_out", ["content_block_stop", "message_stop", "message_delta", "ping"])
def test_streams_that_leave_out_an_event_are_survived(left_out: str) -> None:
    events = [json.loads(line[6:]) for line in FULL.split(b"\n") if line.startswith(b"data: ")]
    answer = fold(read(*[event for event in events if event["type"] != left_out]))
    assert answer.message.parts == fold(read(*events)).message.parts
    assert answer.stop == ("other" if left_out == "message_delta" else "tool_calls")


def test_event_names_and_spaces_are_not_needed() -> None:
    events = [json.loads(line[6:]) for line in FULL.split(b"\n") if line.startswith(b"data: ")]
    data = b"".join(b"data:" + json.dumps(event, indent=None, separators=(" , ", " : ")).encode() + b"\n\n" for event in events)
    assert read_events([data], stream=True) == read_events([FULL], stream=True)


@pytest.mark.parametrize(
    "events",
    [
        [],
        [START],
        [{"type": "ping"}],
        [START, block(0, "text", text=""), delta(0, "text_delta", text="Hi")],
        [START, ending(None)],
        [STOP],
        [ending()],
    ],
)
def test_a_stream_that_ends_early_is_broken(events: list[dict[str, Any]]) -> None:
    with pytest.raises(StreamBroken) as caught:
        read(*events)
    assert caught.value.code == "wire.stream_broken"


@pytest.mark.parametrize(
    "event",
    [
        delta(0, "text_delta", text="x"),
        block(0, "text"),
        block(0, "tool_use", id="t"),
        {"type": "content_block_start", "index": "0", "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_start", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": 1}},
        {"type": "message_delta", "delta": {}, "usage": []},
        {"type": "message_delta"},
    ],
)
def test_what_is_not_the_protocol_is_named(event: dict[str, Any]) -> None:
    with pytest.raises(StreamBroken) as caught:
        read(START, event)
    assert caught.value.code == "wire.bad_chunk"
    assert caught.value.events[0] == Started(id="msg_1", model="m")


@pytest.mark.parametrize(
    "data",
    [
        b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
        b'data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}\n\n',
    ],
)
def test_an_error_inside_a_stream_is_raised_in_its_words(data: bytes) -> None:
    with pytest.raises(StreamError) as caught:
        read_events([stream(START), data], stream=True)
    assert (caught.value.said.type, caught.value.said.message) == ("overloaded_error", "Overloaded")


def test_an_error_in_place_of_an_answer_is_raised() -> None:
    with pytest.raises(StreamError):
        read_events([b'{"type":"error","error":{"type":"api_error","message":"x"}}'], stream=False)


@given(st.binary(max_size=300), st.booleans())
def test_hostile_bytes_give_events_or_a_fault(data: bytes, streamed: bool) -> None:
    try:
        read_events([stream(START) + data if streamed else data], stream=streamed)
    except StreamFailed as error:
        assert error.status == 502  # noqa: PT017  # either outcome is right


hostile_values = st.recursive(
    json_values | st.sampled_from(["text", "thinking", "tool_use", "text_delta", "citations_delta", "signature_delta", "message"]),
    lambda inner: st.dictionaries(
        st.sampled_from(["type", "index", "delta", "content_block", "text", "message", "usage", "content", "citation", "input"]),
        inner,
        max_size=5,
    ),
    max_leaves=8,
)
hostile_events = st.builds(
    lambda kind, fields: {"type": kind, **fields},
    st.sampled_from(
        ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message"]
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "index": st.integers(0, 1) | json_values,
            "delta": hostile_values,
            "content_block": hostile_values,
            "message": hostile_values,
            "usage": hostile_values,
        },
    ),
)


@given(st.lists(hostile_events, max_size=6))
@settings(max_examples=200)
def test_hostile_events_give_events_or_a_fault(events: list[dict[str, Any]]) -> None:
    try:
        fold(read(START, block(0, "text", text="a"), block(1, "tool_use", id="t", name="f", input={}), *events, ending()))
    except StreamFailed as error:
        assert error.status == 502  # noqa: PT017  # either outcome is right


@pytest.mark.parametrize("cases", [300, pytest.param(30_000, marks=pytest.mark.prove)])
def test_a_stream_with_anything_changed_gives_events_or_a_fault(cases: int) -> None:
    """Values replaced by others, bytes taken away, repeated, put elsewhere; what can be read can be written."""
    chance = random.Random(7)
    request = read_request(b'{"model":"m","messages":[],"stream":true}')
    for _ in range(cases):
        data = FULL
        for _ in range(chance.randint(1, 4)):
            data = changed(data, chance)
        try:
            events = read_events([data], stream=True)
        except StreamFailed as error:
            assert error.status == 502  # noqa: PT017  # either outcome is right
            continue
        writer = EventWriter(request, id="a", created=1)
        body = b"".join(writer.write(event) for event in events) + writer.close()
        assert fold(read_events([body], stream=True)).stop is not None


_VALUES = (b"null", b"1", b"-1", b'"x"', b"[]", b"{}", b"true", b'"tool_use"', b'"thinking"', b'"text_delta"', b"\xff")


def changed(data: bytes, chance: random.Random) -> bytes:
    kind, at, length = chance.randrange(4), chance.randrange(len(data)), chance.randint(1, 60)
    if kind == 0:
        values = list(re.finditer(rb'"[^"\\]*"|\d+|[{][}]|null', data))
        if values:
            value = chance.choice(values)
            return data[: value.start()] + chance.choice(_VALUES) + data[value.end() :]
    if kind == 1:
        return data[:at] + data[at + length :] or b"\n"
    if kind == 2:
        return data[:at] + chance.choice(_VALUES) + data[at:]
    elsewhere = chance.randrange(len(data))
    return data[:at] + data[elsewhere : elsewhere + length] + data[at:]


def test_an_answer_is_bounded() -> None:
    reader = EventReader(stream=True)
    reader.feed(stream(START))
    many = b"".join(stream(block(n, "text", text="")) for n in range(10_001))
    with pytest.raises(StreamBroken) as caught:
        reader.feed(many)
    assert caught.value.code == "wire.too_many_parts"


def test_the_end_of_a_stream_is_known_by_its_last_bytes() -> None:
    assert is_finished(FULL[-60:])
    assert is_finished(FULL.replace(b'": "', b'":"')[-60:])
    said = stream(START, block(0, "text", text=""), delta(0, "text_delta", text='\nevent: message_stop {"type":"message_stop"}'))
    assert not is_finished(said[-300:])
