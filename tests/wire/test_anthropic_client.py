"""What clients of Anthropic Messages are given: Anthropic's own SDK reads it, in one document and streamed."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from anthropic import Anthropic, APIStatusError, RateLimitError
from anthropic.types import Message as SdkMessage

from assay.core import (
    Citation,
    Event,
    Page,
    PartClosed,
    PartGrew,
    PartOpened,
    RateLimited,
    Refusal,
    Started,
    Stopped,
    StopReason,
    Text,
    Thinking,
    ToolCall,
    Unavailable,
    Unknown,
    Usage,
    UsageReported,
    Video,
)
from assay.wire import StreamBroken
from assay.wire.anthropic import (
    HEARTBEAT,
    NAME,
    EventWriter,
    read_request,
    write_error,
    write_model,
    write_models,
    write_stream_error,
)


def write(events: list[Event], *, stream: bool, ask: dict[str, Any] | None = None) -> tuple[bytes, tuple[str, ...]]:
    writer = EventWriter(
        read_request(json.dumps({"model": "alias", "messages": [], **(ask or {})}).encode(), stream=stream), id="ab12", created=1
    )
    body = b"".join(writer.write(event) for event in events) + writer.close()
    return body, writer.losses.listed


def client(body: bytes, status: int = 200, kind: str = "application/json") -> Anthropic:
    """Anthropic's SDK before a server that answers ``body``."""
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, content=body, headers={"content-type": kind}))
    return Anthropic(api_key="k", max_retries=0, http_client=httpx2.Client(transport=transport))


def understood(events: list[Event], *, stream: bool, ask: dict[str, Any] | None = None) -> SdkMessage:
    """The message that the SDK makes of the answer."""
    body, _ = write(events, stream=stream, ask=ask)
    if not stream:
        return client(body).messages.create(model="alias", max_tokens=9, messages=[])
    with client(HEARTBEAT + body, kind="text/event-stream").messages.stream(model="alias", max_tokens=9, messages=[]) as answer:
        return answer.get_final_message()


def events_of(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in body.split(b"\n") if line.startswith(b"data: ")]


def answer(*parts: Any, reason: StopReason = "end", raw: str | None = None) -> list[Event]:
    """The events of an answer of whole parts."""
    events: list[Event] = [Started(id="x", model="upstream")]
    for index, part in enumerate(parts):
        events += [PartOpened(index=index, part=part), PartClosed(index=index)]
    return [*events, Stopped(reason=reason, raw=raw), UsageReported(usage=Usage(input=3, cache_read=2, output=5, reasoning=1))]


@pytest.mark.parametrize("stream", [True, False])
def test_the_sdk_reads_every_kind_of_block(stream: bool) -> None:
    events: list[Event] = [
        Started(id="x", model="upstream"),
        PartOpened(index=0, part=Thinking()),
        PartGrew(index=0, text="Let me"),
        PartGrew(index=0, text=" think."),
        PartClosed(index=0),
        PartOpened(index=1, part=Text(text="")),
        PartGrew(index=1, text="It is\u2028"),
        PartGrew(index=1, text=" sunny."),
        PartClosed(index=1, citations=(Citation(url="https://example.org", title="T", quote="sun"),)),
        PartOpened(index=2, part=ToolCall(id="c1", name="f")),
        PartGrew(index=2, text='{"a":'),
        PartGrew(index=2, text="[1]}"),
        PartClosed(index=2),
        PartOpened(index=3, part=ToolCall(id="", name="g")),
        PartClosed(index=3),
        UsageReported(usage=Usage(input=3, cache_read=2, cache_write_1h=4, output=5, reasoning=1)),
        Stopped(reason="tool_calls", raw="tool_calls"),
    ]
    message = understood(events, stream=stream)
    thought, text, call, other = message.content
    assert thought.type == "thinking"
    assert thought.thinking == "Let me think."
    assert text.type == "text"
    assert text.text == "It is\u2028 sunny."
    assert text.citations is not None
    assert (text.citations[0].type, text.citations[0].cited_text) == ("web_search_result_location", "sun")
    assert call.type == other.type == "tool_use"
    assert (call.id, call.input, other.input) == ("c1", {"a": [1]}, {})
    assert other.id.startswith("toolu_ab12")
    assert (message.id, message.model, message.stop_reason) == ("msg_ab12", "alias", "tool_use")
    assert message.usage.input_tokens == 3
    assert message.usage.cache_read_input_tokens == 2
    assert message.usage.cache_creation_input_tokens == 4
    assert message.usage.output_tokens == 6
    assert message.usage.output_tokens_details is not None
    assert message.usage.output_tokens_details.thinking_tokens == 1


def test_a_stream_has_the_order_that_clients_rely_on() -> None:
    body, _ = write(answer(Text(text="a"), ToolCall(id="c", name="f", arguments="{}")), stream=True)
    kinds = [event["type"] for event in events_of(body)]
    assert kinds == [
        "message_start",
        "ping",
        *("content_block_start", "content_block_delta", "content_block_stop") * 2,
        "message_delta",
        "message_stop",
    ]
    assert [event["index"] for event in events_of(body) if "index" in event] == [0, 0, 0, 1, 1, 1]
    names = [line[7:].decode() for line in body.split(b"\n") if line.startswith(b"event: ")]
    assert names == kinds


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("reason", "raw", "word"),
    [
        ("end", "stop", "end_turn"),
        ("length", "length", "max_tokens"),
        ("length", "model_context_window_exceeded", "model_context_window_exceeded"),
        ("stop_sequence", "stop_sequence", "stop_sequence"),
        ("refusal", "stop", "refusal"),
        ("content_filter", "content_filter", "refusal"),
        ("other", "pause_turn", "pause_turn"),
        ("other", "whatever", "end_turn"),
    ],
)
def test_reasons_to_stop_are_in_the_protocols_words(stream: bool, reason: StopReason, raw: str, word: str) -> None:
    assert understood(answer(Text(text="x"), reason=reason, raw=raw), stream=stream).stop_reason == word


@pytest.mark.parametrize("stream", [True, False])
def test_who_called_a_tool_is_told_to_run_it_whatever_the_upstream_said(stream: bool) -> None:
    message = understood(answer(ToolCall(id="c", name="f", arguments="{}"), reason="end", raw="stop"), stream=stream)
    assert message.stop_reason == "tool_use"


@pytest.mark.parametrize("stream", [True, False])
def test_a_refusal_is_words_and_a_reason(stream: bool) -> None:
    message = understood(answer(Refusal(text="No."), reason="refusal"), stream=stream)
    assert (message.content[0].type, message.stop_reason) == ("text", "refusal")


@pytest.mark.parametrize("stream", [True, False])
def test_what_has_no_words_is_no_block(stream: bool) -> None:
    assert understood(answer(Text(text=""), Thinking(), Refusal(text="")), stream=stream).content == []


def test_calls_that_came_mixed_are_put_one_after_the_other() -> None:
    events: list[Event] = [
        Started(),
        PartOpened(index=0, part=ToolCall(id="a", name="f")),
        PartOpened(index=1, part=ToolCall(id="b", name="g")),
        PartGrew(index=0, text='{"x":'),
        PartGrew(index=1, text='{"y":'),
        PartGrew(index=0, text="1}"),
        PartOpened(index=2, part=ToolCall(id="c", name="h")),
        PartGrew(index=1, text="2}"),
        PartClosed(index=0),
        PartGrew(index=2, text="{}"),
        PartClosed(index=2),
        PartClosed(index=1),
        Stopped(reason="tool_calls"),
    ]
    message = understood(events, stream=True)
    assert [(call.id, call.input) for call in message.content if call.type == "tool_use"] == [
        ("a", {"x": 1}),
        ("b", {"y": 2}),
        ("c", {}),
    ]
    indexes = [event["index"] for event in events_of(write(events, stream=True)[0]) if "index" in event]
    assert indexes == sorted(indexes)


def test_a_call_is_told_as_soon_as_the_one_before_is_whole() -> None:
    """Servers of Chat Completions close no call before the end; the second need not wait for that."""
    writer = EventWriter(read_request(b'{"model":"m","messages":[],"stream":true}'), id="a", created=1)
    for event in (Started(), PartOpened(index=0, part=ToolCall(id="a", name="f")), PartGrew(index=0, text='{"x":1}')):
        writer.write(event)
    told = writer.write(PartOpened(index=1, part=ToolCall(id="b", name="g")))
    assert [event["type"] for event in events_of(told)] == ["content_block_stop", "content_block_start"]
    assert events_of(writer.write(PartGrew(index=1, text='{"y"')))[0]["delta"]["partial_json"] == '{"y"'
    assert writer.write(PartClosed(index=0)) == b""


@pytest.mark.parametrize("stream", [True, False])
def test_blocks_of_this_protocol_pass_and_those_of_others_are_named(stream: bool) -> None:
    own = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    parts = (
        Unknown(extra={NAME: own}),
        Page(html="<p>"),
        Video(url="https://x"),
        Unknown(extra={"gemini": {"type": "executable"}}),
    )
    body, losses = write(answer(*parts), stream=stream)
    assert losses == ("dropped:video", "dropped:executable")
    kinds = [block.type for block in understood(answer(*parts), stream=stream).content]
    assert kinds == ["web_search_tool_result", "text"]
    assert b"web_search_tool_result" in body


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_that_did_not_stop_has_no_end(stream: bool) -> None:
    writer = EventWriter(read_request(b'{"model":"m","messages":[]}', stream=stream), id="a", created=1)
    writer.write(Started())
    writer.write(PartOpened(index=0, part=Text(text="x")))
    with pytest.raises(StreamBroken):
        writer.close()


def test_only_the_first_of_several_answers_is_told() -> None:
    others: list[Event] = [PartOpened(index=0, choice=1, part=Text(text="b")), PartGrew(index=0, choice=1, text="c")]
    events = answer(Text(text="a"))
    events = [*events[:2], *others, *events[2:], *others, Stopped(reason="end", choice=1)]
    for stream in (True, False):
        assert [block.text for block in understood(events, stream=stream).content if block.type == "text"] == ["a"]


def test_arguments_that_are_no_object_are_told_in_one_field() -> None:
    body, losses = write(answer(ToolCall(id="c", name="f", arguments="ls -l")), stream=False)
    assert json.loads(body)["content"][0]["input"] == {"input": "ls -l"}
    assert losses == ("approximated:tool_call.arguments=input",)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, "rate_limit_error"), (503, "api_error")],
)
def test_errors_are_read_by_the_sdk(status: int, kind: str) -> None:
    error = RateLimited("limit.rpm", "Too many.") if status == 429 else Unavailable("queue.full", "Busy.")
    with pytest.raises(APIStatusError) as caught:
        client(write_error(error, "req_1"), status).messages.create(model="m", max_tokens=1, messages=[])
    body: Any = caught.value.body
    assert body["error"]["type"] == kind
    assert body["request_id"] == "req_1"
    assert caught.value.error_code == error.code
    assert isinstance(caught.value, RateLimitError) == (status == 429)


def test_a_stream_that_broke_off_raises_its_message() -> None:
    body, _ = write(answer(Text(text="x")), stream=True)
    begun = body[: body.index(b"event: message_delta")]
    failed = begun + write_stream_error(Unavailable("up.broken", "The upstream went away."), "req_1")
    with (
        client(failed, kind="text/event-stream").messages.stream(model="m", max_tokens=1, messages=[]) as stream,
        pytest.raises(APIStatusError, match="went away"),
    ):
        stream.get_final_message()


def test_models_are_listed_as_the_sdk_expects() -> None:
    page = client(write_models([("a/b", 1_700_000_000, "o", "A B"), ("c", 0, "o", None)])).models.list()
    assert [(model.id, model.display_name, model.created_at.year) for model in page] == [("a/b", "A B", 2023), ("c", "c", 1970)]
    assert client(write_models([])).models.list().data == []
    assert client(write_model(("a", 1, "o", None))).models.retrieve("a").id == "a"
