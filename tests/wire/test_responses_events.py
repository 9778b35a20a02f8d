"""Answers of Responses, read: any chunking gives equal events, and what a server leaves out is made up for by what it says later."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
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
)
from assay.wire import StreamBroken, StreamError, StreamFailed
from assay.wire.openai_responses import NAME, EventReader, EventWriter, is_finished, read_events
from tests.wire.responses_values import answers, json_values


def write(events: list[Event], *, stream: bool) -> bytes:
    writer = EventWriter(Request(model="m", transcript=Transcript(), stream=stream, extra={NAME: {}}), id="ab12", created=5)
    return b"".join([writer.write(event) for event in events]) + writer.close()


def sse(*events: dict[str, Any], named: bool = True) -> bytes:
    return b"".join(
        (b"event: " + event["type"].encode() + b"\n" if named else b"") + b"data: " + json.dumps(event).encode() + b"\n\n"
        for event in events
    )


def of(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **fields}


def end(*output: Any, status: str = "completed", **fields: Any) -> dict[str, Any]:
    return of(status, response={"id": "resp_1", "model": "m", "created_at": 1, "status": status, "output": list(output), **fields})


def message(*content: Any) -> dict[str, Any]:
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": list(content)}


def text(words: str, *annotations: Any) -> dict[str, Any]:
    return {"type": "output_text", "text": words, "annotations": list(annotations), "logprobs": []}


def read(*events: dict[str, Any]) -> list[Event]:
    return read_events([sse(*events)], stream=True)


def answered(*events: dict[str, Any]) -> Answer:
    return fold(read(*events))


ADDED = of("output_item.added", output_index=0, item={"type": "message", "id": "msg_1", "role": "assistant", "content": []})
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": ""}


def delta(words: str, kind: str = "output_text", **place: Any) -> dict[str, Any]:
    return of(f"{kind}.delta", output_index=place.pop("at", 0), delta=words, **place)


@given(answers())
@settings(max_examples=100, deadline=None)
def test_reading_a_written_stream_gives_the_same_answer(events: list[Event]) -> None:
    again = fold(read_events([write(events, stream=True)], stream=True))
    assert without_ids(again) == without_ids(fold(events))


@given(answers(whole=True))
@settings(max_examples=100, deadline=None)
def test_a_stream_and_its_document_fold_to_the_same_answer(events: list[Event]) -> None:
    document = read_events([write(events, stream=False)], stream=False)
    assert fold(document) == fold(read_events([write(events, stream=True)], stream=True))


def without_ids(answer: Answer) -> Any:
    """Adjoining texts are parts of one message, whose id, made here, is not kept."""
    return [(type(part), getattr(part, "text", None), part) for part in answer.message.parts], answer.stop, answer.usage


@given(answers(), st.lists(st.integers(0, 5000), max_size=30), st.sampled_from([b"\n", b"\r\n"]))
@settings(max_examples=50, deadline=None)
def test_any_chunking_of_a_stream_gives_equal_events(events: list[Event], places: list[int], end_of_line: bytes) -> None:
    data = write(events, stream=True).replace(b"\n", end_of_line)
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    pieces = [data[edges[i] : edges[i + 1]] for i in range(len(edges) - 1)]
    whole = read_events([data], stream=True)
    assert read_events(pieces, stream=True) == whole
    assert read_events([bytes([byte]) for byte in data], stream=True) == whole


@given(answers(), st.data())
@settings(max_examples=100, deadline=None)
def test_whatever_a_server_leaves_out_the_answer_is_the_same(events: list[Event], data: st.DataObject) -> None:
    """Announcements, pieces, parts, whole items: each item is told at least twice, and what a provider did itself only whole."""
    blocks = write(events, stream=True).split(b"\n\n")[:-1]
    omitted = data.draw(
        st.sets(st.sampled_from(["created", "in_progress", "added", "delta", "part", "text", "annotation", "item.done"]))
    )
    if "item.done" in omitted:
        omitted -= {"added", "delta", "text"}
    names = [block.partition(b"\n")[0].decode() for block in blocks]
    fewer = [
        block
        for block, name in zip(blocks, names, strict=True)
        if not any(part in name for part in omitted) or (name.endswith("item.done") and b"web_search_call" in block)
    ]
    mixed = b"\n\n: keep-alive\n\n".join(fewer) + b"\n\n"
    assert without_ids(fold(read_events([mixed], stream=True))) == without_ids(fold(events))


def test_a_text_comes_in_the_pieces_in_which_it_was_sent() -> None:
    events = read(
        of("created", response={"id": "resp_1", "model": "m", "created_at": 1}), ADDED, delta("a\u2028"), delta("b"), end()
    )
    assert events == [
        Started(id="resp_1", model="m", created=1),
        PartOpened(index=0, part=Text(text="")),
        PartGrew(index=0, text="a\u2028"),
        PartGrew(index=0, text="b"),
        PartClosed(index=0),
        Stopped(reason="end", raw="completed"),
    ]


def test_events_carry_the_time_of_the_bytes_that_completed_them() -> None:
    reader = EventReader(stream=True)
    data = sse(ADDED, delta("a"), end())
    middle = data.index(b"\n\n") + 1
    assert reader.feed(data[:middle], 5) == []
    assert {event.at_ns for event in reader.feed(data[middle:], 7)} == {7}


def test_servers_that_name_no_events_are_read_by_their_types() -> None:
    data = sse(ADDED, delta("a"), end(), named=False) + b"data: [DONE]\n\n"
    assert fold(read_events([data], stream=True)).message.text == "a"


def test_only_the_final_list_is_enough() -> None:
    answer = answered(end(message(text("a")), {**CALL, "arguments": "{}"}, usage={"input_tokens": 3, "output_tokens": 4}))
    assert [type(part) for part in answer.message.parts] == [Text, ToolCall]
    assert (answer.stop, answer.usage) == ("tool_calls", Usage(input=3, output=4))


def test_what_was_cut_off_of_the_pieces_comes_with_the_whole() -> None:
    answer = answered(
        ADDED,
        delta("he"),
        of("output_item.done", output_index=0, item=message(text("hello"))),
        of("output_item.added", output_index=1, item=CALL),
        delta('{"a"', "function_call_arguments", at=1),
        of("output_item.done", output_index=1, item={**CALL, "arguments": '{"a":1}'}),
        end(message(text("hello")), {**CALL, "arguments": '{"a":1}'}),
    )
    assert answer.message.text == "hello"
    assert answer.message.parts[1] == ToolCall(id="c", name="f", arguments='{"a":1}')


def test_parallel_calls_with_interleaved_arguments() -> None:
    answer = answered(
        of("output_item.added", output_index=0, item={**CALL, "call_id": "a"}),
        of("output_item.added", output_index=1, item={**CALL, "call_id": "b", "namespace": "crm"}),
        delta("1", "function_call_arguments", at=0),
        delta("2", "function_call_arguments", at=1),
        delta("1", "function_call_arguments", at=0),
        end(),
    )
    calls = [part for part in answer.message.parts if isinstance(part, ToolCall)]
    assert [(call.id, call.name, call.arguments) for call in calls] == [("a", "f", "11"), ("b", "crm__f", "2")]


def test_the_text_for_a_custom_tool_is_the_argument_of_a_function() -> None:
    custom = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c", "name": "patch", "input": ""}
    events = [
        of("output_item.added", output_index=0, item=custom),
        delta('say "', "custom_tool_call_input"),
        delta('hi"\n', "custom_tool_call_input"),
        of("output_item.done", output_index=0, item={**custom, "input": 'say "hi"\n!'}),
        end(),
    ]
    [call] = answered(*events).message.parts
    assert isinstance(call, ToolCall)
    assert json.loads(call.arguments) == {"input": 'say "hi"\n!'}
    assert [call] == list(answered(events[3], end()).message.parts)


def test_summaries_of_thoughts_and_what_only_their_maker_can_read() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": []}
    whole = {
        **item,
        "summary": [{"type": "summary_text", "text": "ab"}, {"type": "summary_text", "text": "c"}],
        "encrypted_content": "gAAA",
    }
    answer = answered(
        of("output_item.added", output_index=0, item={**item, "encrypted_content": "gA"}),
        delta("a", "reasoning_summary_text", summary_index=0),
        delta("b", "reasoning_summary_text", summary_index=0),
        delta("c", "reasoning_summary_text", summary_index=1),
        of("output_item.done", output_index=0, item=whole),
        end(whole, message(text("x"))),
    )
    kept = {"item.id": "rs_1", "lengths": [2, 1]}
    assert answer.message.parts[0] == Thinking(text="ab\n\nc", signature="gAAA", provider=NAME, extra={NAME: kept})
    assert answered(end(whole)).message.parts == answer.message.parts[:1]


def test_thoughts_that_an_open_model_tells_in_full_are_plain_words() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}
    streamed = answered(
        of("output_item.added", output_index=0, item={"type": "reasoning", "id": "rs_1", "summary": []}),
        delta("hm", "reasoning_text"),
        of("output_item.done", output_index=0, item=item),
        end(item),
    )
    assert streamed.message.parts == (Thinking(text="hm", extra={NAME: {"item.id": "rs_1", "content": True}}),)
    assert answered(end(item)).message.parts == streamed.message.parts


def test_sources_of_an_answer() -> None:
    web = {"type": "url_citation", "url": "https://e.org", "title": "E", "start_index": 0, "end_index": 5}
    file = {"type": "file_citation", "file_id": "file-1", "filename": "a.pdf", "index": 5}
    expected = (
        Citation(url="https://e.org", title="E", start=0, end=5),
        Citation(title="a.pdf", extra={NAME: file}),
    )
    for events in (
        (
            ADDED,
            delta("hello"),
            of("output_text.annotation.added", output_index=0, content_index=0, annotation=web),
            of("output_text.annotation.added", output_index=0, content_index=0, annotation=file),
            end(),
        ),
        (ADDED, delta("hello"), end(message(text("hello", web, file)))),
    ):
        [part] = answered(*events).message.parts
        assert isinstance(part, Text)
        assert part.citations == expected


def test_pictures_and_what_the_provider_did_itself() -> None:
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "x"}}
    drawn = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "AAAA", "output_format": "webp"}
    answer = answered(
        of("output_item.added", output_index=0, item={"type": "web_search_call", "id": "ws_1", "status": "in_progress"}),
        of("web_search_call.searching", output_index=0, item_id="ws_1"),
        of("output_item.done", output_index=0, item=search),
        end(search, drawn),
    )
    assert answer.message.parts == (
        Unknown(extra={NAME: {"item.web_search_call": search}}),
        Image(data="AAAA", media_type="image/webp"),
    )


@pytest.mark.parametrize(
    ("last", "reason", "raw"),
    [
        (end(message(text("a"))), "end", "completed"),
        (end(message({"type": "refusal", "refusal": "no"})), "refusal", "completed"),
        (end(CALL), "tool_calls", "completed"),
        (end(status="incomplete", incomplete_details={"reason": "max_output_tokens"}), "length", "max_output_tokens"),
        (end(status="incomplete", incomplete_details={"reason": "content_filter"}), "content_filter", "content_filter"),
        (end(status="incomplete"), "other", "incomplete"),
    ],
)
def test_why_it_ended(last: dict[str, Any], reason: str, raw: str) -> None:
    assert read(last)[-1] == Stopped(reason=reason, raw=raw)  # type: ignore[arg-type]  # a literal, by the table
    document = json.dumps(last["response"]).encode()
    assert read_events([document], stream=False)[-1] == Stopped(reason=reason, raw=raw)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "last",
    [
        {"type": "error", "code": "server_error", "message": "busy", "param": None, "sequence_number": 3},
        {"type": "error", "error": {"code": "server_error", "message": "busy"}, "sequence_number": 3},
        end(status="failed", error={"code": "server_error", "message": "busy"}),
    ],
)
def test_an_error_in_the_middle_is_told_with_what_came_before(last: dict[str, Any]) -> None:
    with pytest.raises(StreamError) as caught:
        read_events([sse(ADDED, delta("a"), last)], stream=True)
    assert caught.value.said.message == "busy"
    assert caught.value.said.code == "server_error"
    assert fold(caught.value.events).message.text == "a"


def test_a_whole_answer_that_failed_is_an_error() -> None:
    for document in ({"error": {"message": "busy"}}, end(status="failed", error={"message": "busy"})["response"]):
        with pytest.raises(StreamError, match="busy"):
            read_events([json.dumps(document).encode()], stream=False)


@pytest.mark.parametrize("status", ["in_progress", "queued"])
def test_a_whole_answer_that_is_not_ready_is_broken(status: str) -> None:
    with pytest.raises(StreamBroken, match=status):
        read_events([json.dumps(end(status=status)["response"]).encode()], stream=False)


@given(answers(), st.data())
@settings(max_examples=50, deadline=None)
def test_a_stream_that_was_cut_is_never_whole(events: list[Event], data: st.DataObject) -> None:
    written = write(events, stream=True)
    last = (
        written.index(b"\nevent: response.completed")
        if b"event: response.completed" in written
        else written.index(b"\nevent: response.incomplete")
    )
    cut = written[: data.draw(st.integers(0, last))]
    with pytest.raises(StreamBroken):
        read_events([cut], stream=True)
    assert not is_finished(cut[-300:])
    assert is_finished(written[-2000:])


def test_the_end_is_known_by_its_last_bytes_however_long_the_answer() -> None:
    written = write(
        [PartOpened(index=0, part=Text(text="x" * 5000)), Stopped(reason="end"), UsageReported(usage=Usage(input=1))], stream=True
    )
    assert is_finished(written[-600:])
    assert not is_finished(b'data: {"type":"response.output_text.delta","delta":"\\"response.completed\\""}\n\n')


@given(
    st.recursive(
        json_values,
        lambda inner: st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "item",
                    "response",
                    "output",
                    "content",
                    "delta",
                    "output_index",
                    "part",
                    "summary",
                    "status",
                    "error",
                    "arguments",
                    "call_id",
                ]
            ),
            inner,
            max_size=4,
        ),
        max_leaves=12,
    ),
    st.sampled_from(
        [
            "created",
            "output_item.added",
            "output_item.done",
            "content_part.done",
            "output_text.delta",
            "output_text.annotation.added",
            "completed",
            "failed",
            "incomplete",
        ]
    ),
)
@settings(max_examples=300, deadline=None)
def test_hostile_events_are_passed_over_or_broken(fields: Any, kind: str) -> None:
    event = {
        **(fields if type(fields) is dict else {"item": fields, "response": fields, "part": fields}),
        "type": f"response.{kind}",
    }
    try:
        read_events([sse(ADDED, delta("a"), event, end())], stream=True)
        read_events([json.dumps(event.get("response")).encode()], stream=False)
    except StreamFailed:
        pass


def spoilt(value: Any, random: Random) -> Any:
    """``value`` with one thing somewhere inside it replaced."""
    if type(value) is dict and value and random.random() < 0.9:
        key = random.choice(sorted(value))
        return {**value, key: spoilt(value[key], random)}
    if type(value) is list and value and random.random() < 0.9:
        place = random.randrange(len(value))
        return [*value[:place], spoilt(value[place], random), *value[place + 1 :]]
    return random.choice([None, 5, -1, 2**70, 1.5, True, "x", [], {}, [1], {"a": 1}])


@given(answers(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_streams_with_something_wrong_in_them_are_read_or_broken_and_can_be_told_on(events: list[Event], random: Random) -> None:
    blocks = [json.loads(block.partition(b"data: ")[2]) for block in write(events, stream=True).split(b"\n\n")[:-1]]
    place = random.randrange(len(blocks))
    match random.randrange(4):
        case 0:
            blocks.pop(place)
        case 1:
            blocks.insert(random.randrange(len(blocks)), blocks[place])
        case 2:
            random.shuffle(blocks)
        case _:
            blocks[place] = spoilt(blocks[place], random)
    body = b"".join(b"data: " + json.dumps(block).encode() + b"\n\n" for block in blocks)
    try:
        heard = read_events([body], stream=True)
    except StreamFailed as error:
        heard = error.events
    fold(heard)
    writer = EventWriter(Request(model="m", transcript=Transcript(), stream=True), id="ab12", created=5)
    for event in heard:
        writer.write(event)


@given(st.binary(max_size=200), st.booleans())
def test_hostile_bytes_are_broken_streams(data: bytes, stream: bool) -> None:
    with pytest.raises(StreamFailed):
        read_events([data], stream=stream)


def test_more_parts_than_anyone_needs_are_refused() -> None:
    many = [message(text("a")) for _ in range(10_001)]
    with pytest.raises(StreamBroken, match="parts"):
        read_events([json.dumps(end(*many)["response"]).encode()], stream=False)


def test_refusals_and_texts_of_one_message() -> None:
    answer = answered(
        ADDED,
        delta("a"),
        delta("no", "refusal", content_index=1),
        end(message(text("a"), {"type": "refusal", "refusal": "no"})),
    )
    assert answer.message.parts == (Text(text="a"), Refusal(text="no"))
