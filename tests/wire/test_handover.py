"""What happens to an answer between the reader of its protocol and the writer of the client's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assay.core import (
    Citation,
    Event,
    Message,
    PartClosed,
    PartGrew,
    PartOpened,
    Request,
    Sampling,
    Started,
    Stopped,
    Text,
    Thinking,
    ToolCall,
    Transcript,
    Unknown,
    user,
)
from assay.wire import openai_chat
from assay.wire.codecs import CODECS
from assay.wire.handover import Handover
from assay.wire.losses import Losses

CALL = ToolCall(id="c1", name="look")


def _pass_on(events: list[Event], made_in: str = "openai_chat", told_in: str = "anthropic") -> tuple[list[Event], tuple[str, ...]]:
    losses = Losses()
    handover = Handover(made_in, told_in, losses)
    return [passed for event in events for passed in handover.pass_on([event])], losses.listed


@pytest.mark.parametrize("ended", [PartClosed(index=0), Stopped(reason="tool_calls")])
def test_arguments_that_were_left_empty_are_an_empty_object(ended: Event) -> None:
    passed, _ = _pass_on([PartOpened(index=0, part=CALL), ended])
    assert passed[1:] == [PartGrew(index=0, text="{}"), ended]
    spoken: list[Event] = [PartOpened(index=0, part=CALL), PartGrew(index=0, text='{"a":1}'), ended]
    assert _pass_on(spoken)[0][1:] == spoken[1:]


def test_a_call_says_who_made_it() -> None:
    [opened] = _pass_on([PartOpened(index=0, part=CALL)])[0]
    assert isinstance(opened, PartOpened)
    assert isinstance(opened.part, ToolCall)
    assert opened.part.provider == "openai_chat"
    assert _pass_on([PartOpened(index=0, part=CALL)], told_in="openai_chat")[0] == [PartOpened(index=0, part=CALL)]


def test_what_only_the_upstreams_protocol_has_a_word_for_is_named() -> None:
    chat = {"logprobs": {"content": [1]}, "message": {"audio": {"data": "AA"}, "annotations": []}}
    events: list[Event] = [
        Started(extra={"openai_chat": {"system_fingerprint": "fp", "service_tier": "flex"}}),
        PartOpened(index=0, part=Text(text="")),
        PartClosed(index=0, extra={"openai_responses": {"item.phase": "answer"}}),
        Stopped(reason="end", extra={"openai_chat": chat}),
    ]
    assert _pass_on(events)[1] == ("dropped:answer.service_tier", "dropped:answer.logprobs", "dropped:answer.audio")
    assert _pass_on(events, told_in="openai_chat")[1] == ()


def _request(stream: bool) -> Request:
    thinks = Sampling(thinking=True, thinking_budget=2000)
    return Request(model="m", transcript=Transcript((user("Hi."),)), sampling=thinks, stream=stream)


def _written(told_in: str, events: list[Event], *, stream: bool) -> tuple[bytes, tuple[str, ...]]:
    writer = CODECS[told_in].EventWriter(_request(stream), id="ab12", created=1)
    handover = Handover("bedrock_converse", told_in, writer.losses)
    written = b"".join(writer.write(event) for event in handover.pass_on(events))
    return written + writer.close(), writer.losses.listed


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("told_in", list(CODECS))
def test_what_a_provider_did_by_itself_is_sent_or_named_in_every_protocol(told_in: str, stream: bool) -> None:
    searched = Unknown(extra={"elsewhere": {"type": "server_search", "query": "moon"}})
    events: list[Event] = [Started(), PartOpened(index=0, part=searched), PartClosed(index=0), Stopped(reason="end")]
    _, losses = _written(told_in, events, stream=stream)
    assert any(loss.startswith("dropped:") for loss in losses)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("told_in", list(CODECS))
def test_a_source_without_an_address_is_sent_or_named(told_in: str, stream: bool) -> None:
    source = Citation(title="notes.txt", quote="made of rock", start=0, end=4)
    events: list[Event] = [
        Started(),
        PartOpened(index=0, part=Text(text="")),
        PartGrew(index=0, text="Rock"),
        PartClosed(index=0, citations=(source,)),
        Stopped(reason="end"),
    ]
    written, losses = _written(told_in, events, stream=stream)
    assert b"notes.txt" in written or any("citations" in loss for loss in losses)


@pytest.mark.parametrize("told_in", ["anthropic", "gemini"])
def test_a_call_of_a_foreign_model_can_be_told_from_ones_own(told_in: str) -> None:
    """Natives would refuse it without a thought or a signature, and a body without a seal goes to them unread."""
    events: list[Event] = [Started(), PartOpened(index=0, part=CALL), PartClosed(index=0), Stopped(reason="tool_calls")]
    written, _ = _written(told_in, events, stream=False)
    answer: Any = json.loads(written)
    seal = (
        answer["content"][0]["data"]
        if told_in == "anthropic"
        else answer["candidates"][0]["content"]["parts"][0]["thoughtSignature"]
    )
    assert seal.startswith(("assay.", "YXNzYXku"))


def test_an_empty_answer_can_be_given_back() -> None:
    writer = openai_chat.EventWriter(_request(stream=False), id="ab12", created=1)
    for event in (Started(), Stopped(reason="end")):
        writer.write(event)
    assert json.loads(writer.close())["choices"][0]["message"]["content"] == ""


def test_thoughts_that_nobody_else_can_read_leave_no_empty_message_behind() -> None:
    secret = Message(role="assistant", parts=(Thinking(signature="s", provider="gemini"),))
    written = openai_chat.write_request(Request(model="m", transcript=Transcript((user("Hi."), secret, user("So?")))))
    assert [message["content"] for message in json.loads(written.body)["messages"]] == ["Hi.", "So?"]
    assert written.losses == ("dropped:messages[].thinking",)
