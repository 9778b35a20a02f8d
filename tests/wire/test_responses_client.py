"""What clients of Responses are given: OpenAI's own SDK reads it, in one document and streamed, and Codex finds what it needs."""

from __future__ import annotations

import json
from typing import Any, get_args

import httpx2
import pytest
from hypothesis import given, settings
from openai import APIError, APIStatusError, OpenAI, RateLimitError
from openai.types.responses import Response, ResponseStreamEvent

from assay.core import (
    Audio,
    Citation,
    Event,
    Image,
    PartClosed,
    PartGrew,
    PartOpened,
    RateLimited,
    Refusal,
    Request,
    Started,
    Stopped,
    StopReason,
    Text,
    Thinking,
    ToolCall,
    Unauthorized,
    Unavailable,
    Unknown,
    Usage,
    UsageReported,
)
from assay.wire import StreamBroken
from assay.wire.carry import unseal
from assay.wire.openai_responses import (
    HEARTBEAT,
    NAME,
    EventWriter,
    read_count,
    read_count_request,
    read_request,
    read_usage,
    write_count,
    write_count_request,
    write_error,
    write_model,
    write_models,
    write_stream_error,
    write_usage,
)
from tests.upstream.rules.responses import check_request
from tests.wire.responses_values import answers
from tests.wire.test_responses_request import CODEX, CODEX_TOOLS

END: list[Event] = [UsageReported(usage=Usage(input=3, cache_read=2, output=4, reasoning=1)), Stopped(reason="end")]


def asked(*, stream: bool, **fields: Any) -> Request:
    return read_request(json.dumps({"model": "alias", "input": "hi", **fields}).encode(), stream=stream)


def write(events: list[Event], *, stream: bool, **fields: Any) -> bytes:
    writer = EventWriter(asked(stream=stream, **fields), id="ab12", created=1)
    return b"".join([writer.write(event) for event in events]) + writer.close()


def whole(*events: Event, **fields: Any) -> Any:
    return json.loads(write([*events, *END], stream=False, **fields))


def told(written: bytes) -> list[Any]:
    """The events of a stream, each named by its type."""
    events = []
    for block in written.removesuffix(b"\n\n").split(b"\n\n"):
        name, data = block.split(b"\n")
        events.append(json.loads(data.removeprefix(b"data: ")))
        assert name == b"event: " + events[-1]["type"].encode()
    return events


def part(index: int, opened: Any, *pieces: str, **closed: Any) -> list[Event]:
    grown = [PartGrew(index=index, text=piece) for piece in pieces]
    return [PartOpened(index=index, part=opened), *grown, PartClosed(index=index, **closed)]


def client(body: bytes, status: int = 200, kind: str = "application/json") -> OpenAI:
    """OpenAI's SDK before a server that answers ``body``."""
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, content=body, headers={"content-type": kind}))
    return OpenAI(api_key="k", base_url="http://gateway/v1", max_retries=0, http_client=httpx2.Client(transport=transport))


def without_parsed(value: Any) -> Any:
    """Without what the SDK's helpers add."""
    if type(value) is list:
        return [without_parsed(inner) for inner in value]
    if type(value) is not dict:
        return value
    return {key: without_parsed(inner) for key, inner in value.items() if key not in ("parsed", "parsed_arguments")}


EVENT_TYPES = {get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(get_args(ResponseStreamEvent)[0])}


@given(answers())
@settings(max_examples=50, deadline=None)
def test_what_is_written_has_the_types_of_the_openai_sdk(events: list[Event]) -> None:
    for event in told(write(events, stream=True, tools=CODEX_TOOLS)):
        EVENT_TYPES[event["type"]].model_validate(event)
    Response.model_validate_json(write(events, stream=False, tools=CODEX_TOOLS))


@given(answers())
@settings(max_examples=30, deadline=None)
def test_the_helpers_of_the_sdk_put_a_stream_together(events: list[Event]) -> None:
    body = write(events, stream=True)
    with client(body, kind="text/event-stream").responses.stream(model="m", input="hi") as stream:
        numbers = [event.sequence_number for event in stream if hasattr(event, "sequence_number")]
        final = json.loads(write(events, stream=False))
        if final["status"] == "completed":
            assert without_parsed(stream.get_final_response().to_dict()["output"]) == final["output"]
    assert numbers == sorted(numbers)


@given(answers())
@settings(max_examples=50, deadline=None)
def test_a_stream_has_the_order_that_clients_rely_on(events: list[Event]) -> None:
    written = told(write(events, stream=True))
    assert [event["sequence_number"] for event in written] == list(range(len(written)))
    kinds = [event["type"] for event in written]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] in ("response.completed", "response.incomplete")
    added = [event["output_index"] for event in written if event["type"] == "response.output_item.added"]
    done = {event["output_index"]: event["item"] for event in written if event["type"] == "response.output_item.done"}
    assert added == list(range(len(added)))
    assert [done[index] for index in added] == written[-1]["response"]["output"]
    ids = [item["id"] for item in done.values()]
    assert len(set(ids)) == len(ids)


def test_a_stream_of_text_in_full() -> None:
    events = told(write([Started(), *part(0, Text(text=""), "he", "llo\u2028"), *END], stream=True))
    item = {"id": "msg_asyab1200", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
    at = {"item_id": "msg_asyab1200", "output_index": 0, "content_index": 0}
    empty = {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}
    said = {**empty, "text": "hello\u2028"}
    assert [{key: value for key, value in event.items() if key not in ("sequence_number", "response")} for event in events] == [
        {"type": "response.created"},
        {"type": "response.in_progress"},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", **at, "part": empty},
        {"type": "response.output_text.delta", **at, "logprobs": [], "delta": "he"},
        {"type": "response.output_text.delta", **at, "logprobs": [], "delta": "llo\u2028"},
        {"type": "response.output_text.done", **at, "logprobs": [], "text": "hello\u2028"},
        {"type": "response.content_part.done", **at, "part": said},
        {"type": "response.output_item.done", "output_index": 0, "item": {**item, "status": "completed", "content": [said]}},
        {"type": "response.completed"},
    ]
    usage = {
        "input_tokens": 5,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 10,
    }
    assert events[-1]["response"]["usage"] == usage
    assert events[0]["response"]["usage"] is None


def test_separators_that_break_clients_are_escaped() -> None:
    assert b"\xe2\x80\xa8" not in write([*part(0, Text(text=""), "a\u2028\u2029\u0085"), *END], stream=True)


def test_the_response_repeats_what_was_asked() -> None:
    response = whole(**{key: value for key, value in CODEX.items() if key not in ("stream", "model", "input")})
    repeated = ("tools", "tool_choice", "parallel_tool_calls", "store", "prompt_cache_key")
    assert {key: response[key] for key in repeated} == {key: CODEX[key] for key in repeated}
    assert response["reasoning"] == {"effort": None, "summary": "auto"}
    assert (response["id"], response["model"], response["created_at"], response["object"]) == ("resp_ab12", "alias", 1, "response")
    plain = whole(instructions="Be brief.", metadata={"a": "b"}, temperature=0.5)
    assert (plain["instructions"], plain["metadata"], plain["temperature"], plain["store"]) == ("Be brief.", {"a": "b"}, 0.5, True)


def test_calls_are_put_back_into_their_namespaces_and_free_text_is_free_text_again() -> None:
    events = [
        *part(0, ToolCall(id="a", name="collab__spawn"), '{"x"', ":1}"),
        *part(1, ToolCall(id="b", name="apply_patch"), '{"input":"*** Be', 'gin\\n"}'),
        *part(2, ToolCall(id="c", name="exec_command"), "{}"),
    ]
    calls = whole(*events, tools=CODEX_TOOLS)["output"]
    assert [(call["type"], call["name"], call.get("namespace")) for call in calls] == [
        ("function_call", "spawn", "collab"),
        ("custom_tool_call", "apply_patch", None),
        ("function_call", "exec_command", None),
    ]
    assert [call.get("arguments", call.get("input")) for call in calls] == ['{"x":1}', "*** Begin\n", "{}"]
    streamed = told(write([*events, *END], stream=True, tools=CODEX_TOOLS))
    assert streamed[-1]["response"]["output"] == calls
    assert [event["delta"] for event in streamed if event["type"].endswith("delta")] == ['{"x"', ":1}", "*** Begin\n", "{}"]


def test_arguments_that_do_not_fit_a_free_text_tool_are_given_as_they_are() -> None:
    [call] = whole(*part(0, ToolCall(id="b", name="apply_patch"), '{"patch":1}'), tools=CODEX_TOOLS)["output"]
    assert call["input"] == '{"patch":1}'


def test_calls_without_an_id_of_their_own_get_one() -> None:
    calls = whole(*(event for n, id in enumerate(["", "0", "0"]) for event in part(n, ToolCall(id=id, name="f"), "{}")))["output"]
    assert [call["call_id"] for call in calls] == ["call_ab1200", "0", "0_ab1202"]


@pytest.mark.parametrize("stream", [True, False])
def test_thoughts_and_signatures_of_other_makers_come_back_on_the_next_turn(stream: bool) -> None:
    """Thoughts with a signature, hidden ones, plain ones, and the signature of a call: all through what a client echoes."""
    parts = [
        Thinking(text="", provider="anthropic"),
        Thinking(redacted="R", provider="anthropic"),
        Thinking(text="plain"),
        ToolCall(id="c", name="f", signature="TS", provider="gemini"),
    ]
    events = [
        *part(0, parts[0], "h", "m", signature="S"),
        *part(1, parts[1]),
        *part(2, parts[2]),
        *part(3, parts[3], "{}"),
    ]
    written = write([*events, *END], stream=stream)
    response = told(written)[-1]["response"] if stream else json.loads(written)
    body = {"model": "m", "input": [*response["output"], {"type": "function_call_output", "call_id": "c", "output": "ok"}]}
    again = read_request(json.dumps(body).encode()).transcript.messages[0].parts
    assert again == (
        Thinking(text="hm", signature="S", provider="anthropic"),
        Thinking(redacted="R", provider="anthropic"),
        Thinking(text="plain"),
        ToolCall(id="c", name="f", arguments="{}", signature="TS", provider="gemini"),
    )


def test_own_thoughts_are_given_as_they_are() -> None:
    [item] = whole(*part(0, Thinking(provider=NAME, extra={NAME: {"item.id": "rs_9"}}), "hm", signature="gAAA"))["output"]
    assert item == {
        "id": "rs_9",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": "gAAA",
    }


def test_a_seal_does_not_repeat_the_words_that_the_client_has() -> None:
    [item] = whole(*part(0, Thinking(provider="anthropic"), "secret words", signature="S"))["output"]
    carried = unseal(item["encrypted_content"])
    assert carried is not None
    assert carried.thoughts == (Thinking(signature="S", provider="anthropic"),)


@pytest.mark.parametrize(
    ("reason", "status", "why"),
    [
        ("end", "completed", None),
        ("stop_sequence", "completed", None),
        ("tool_calls", "completed", None),
        ("other", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
        ("refusal", "incomplete", "content_filter"),
    ],
)
def test_why_it_ended(reason: StopReason, status: str, why: str | None) -> None:
    response = json.loads(write([*part(0, Text(text=""), "a"), Stopped(reason=reason)], stream=False))
    assert response["status"] == status
    assert response["incomplete_details"] == (None if why is None else {"reason": why})
    assert response["output"][0]["status"] == ("incomplete" if reason in ("length", "content_filter") else "completed")


def test_a_refusal_in_words_is_a_complete_answer() -> None:
    response = json.loads(write([*part(0, Refusal(text=""), "no"), Stopped(reason="refusal")], stream=False))
    assert response["status"] == "completed"
    assert response["output"][0]["content"] == [{"type": "refusal", "refusal": "no"}]


def test_sources_and_pictures() -> None:
    cited = (Citation(url="https://e.org", title="E", quote="q", start=0, end=2), Citation(title="a.pdf", quote="p"))
    events = [*part(0, Text(text=""), "ab", citations=cited), *part(1, Image(data="AAAA", media_type="image/webp"))]
    writer = EventWriter(asked(stream=False), id="ab12", created=1)
    for event in [*events, *END]:
        writer.write(event)
    message, picture = json.loads(writer.close())["output"]
    assert message["content"][0]["annotations"] == [
        {"type": "url_citation", "url": "https://e.org", "title": "E", "start_index": 0, "end_index": 2}
    ]
    assert (picture["type"], picture["result"], picture["output_format"]) == ("image_generation_call", "AAAA", "webp")
    assert writer.losses.listed == ("approximated:citations=without quotes", "dropped:citations")


def test_what_cannot_be_said_is_named() -> None:
    writer = EventWriter(asked(stream=False), id="ab12", created=1)
    for event in [
        *part(0, Audio(data="AAAA", media_type="audio/wav")),
        *part(1, Unknown(extra={"anthropic": {"server_tool_use": {}}})),
        PartOpened(index=0, part=Text(text="other"), choice=1),
        *END,
    ]:
        writer.write(event)
    assert json.loads(writer.close())["output"] == []
    assert writer.losses.listed == ("dropped:audio", "dropped:server_tool_use", "dropped:choices")


def test_an_answer_without_an_end_is_never_ended() -> None:
    for stream in (True, False):
        writer = EventWriter(asked(stream=stream), id="ab12", created=1)
        writer.write(PartOpened(index=0, part=Text(text="a")))
        with pytest.raises(StreamBroken):
            writer.close()


def test_a_stream_that_broke_off_raises_in_the_sdk_and_says_why_to_codex() -> None:
    writer = EventWriter(asked(stream=True), id="ab12", created=1)
    begun = b"".join(writer.write(event) for event in part(0, Text(text=""), "a"))
    body = begun + writer.fail(Unavailable("upstream.broke_off", "The upstream hung up."))
    numbers = [event["sequence_number"] for event in told(body)]
    assert numbers == list(range(len(numbers)))
    failed = told(body)[-1]
    assert failed["type"] == "response.failed"
    assert failed["response"]["error"] == {"code": "server_error", "message": "The upstream hung up."}
    EVENT_TYPES["response.failed"].model_validate(failed)
    with pytest.raises(APIError, match="hung up"):
        list(client(body, kind="text/event-stream").responses.create(model="m", input="hi", stream=True))


def test_an_error_that_ends_a_passed_stream_has_the_same_two_events() -> None:
    events = told(write_stream_error(RateLimited("budget.spent", "Wait."), "r1"))
    assert [event["type"] for event in events] == ["error", "response.failed"]
    assert events[1]["response"]["error"]["code"] == "rate_limit_exceeded"
    for event in events:
        EVENT_TYPES[event["type"]].model_validate(event)


def test_errors_are_raised_by_the_sdk_under_their_status() -> None:
    for error, kind in (
        (RateLimited("budget.spent", "Wait."), RateLimitError),
        (Unauthorized("key.unknown", "No."), APIStatusError),
    ):
        with pytest.raises(kind) as caught:
            client(write_error(error), error.status).responses.create(model="m", input="hi")
        assert isinstance(caught.value, APIStatusError)
        assert caught.value.code == error.code


def test_heartbeats_do_not_reach_the_readers_of_the_sdk() -> None:
    body = write([*part(0, Text(text=""), "a"), *END], stream=True).replace(b"\n\n", b"\n\n" + HEARTBEAT)
    final = list(client(HEARTBEAT + body, kind="text/event-stream").responses.create(model="m", input="hi", stream=True))
    assert final[-1].type == "response.completed"


def test_usage_is_in_disjoint_buckets_here_and_in_totals_there() -> None:
    raw = {
        "input_tokens": 100,
        "input_tokens_details": {
            "cached_tokens": 60,
            "cache_write_tokens": 30,
            "cache_write_tokens_details": {"ttl_30m_tokens": 10, "ttl_12h_tokens": 20},
        },
        "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 40},
        "total_tokens": 150,
    }
    usage = read_usage(raw)
    assert usage == Usage(input=10, cache_read=60, cache_write_5m=10, cache_write_1h=20, output=10, reasoning=40)
    assert read_usage(json.dumps(write_usage(usage)).encode()).total_input == 100
    assert read_usage({"input_tokens": "x", "output_tokens": -1, "input_tokens_details": 5}) == Usage()
    apart = {"input_tokens": 1, "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 6}
    assert read_usage(apart) == Usage(input=1, output=2, reasoning=3)


def test_tokens_are_counted_without_an_answer() -> None:
    request = read_count_request(json.dumps({**CODEX, "max_output_tokens": 9, "input": CODEX["input"][:2]}).encode())
    written = write_count_request(request)
    body = json.loads(written.body)
    check_request(body, counting=True)
    assert body.keys() == {"model", "input", "tools", "tool_choice", "parallel_tool_calls"}
    assert written.losses == ()
    assert read_count(write_count(7)) == 7
    counted = client(write_count(7)).responses.input_tokens.count(model="m", input="hi")
    assert (counted.input_tokens, counted.object) == (7, "response.input_tokens")
    for answer in (b"{}", b"[]", b"x", b'{"input_tokens": -1}'):
        with pytest.raises(StreamBroken):
            read_count(answer)


def test_models_are_listed_as_the_sdk_reads_them() -> None:
    rows = [("a", 5, "acme", "A"), ("b", 6, "acme", None)]
    assert [model.id for model in client(write_models(rows)).models.list()] == ["a", "b"]
    assert client(write_model(*rows[0])).models.retrieve("a").owned_by == "acme"
