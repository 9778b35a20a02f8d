"""Signatures of other protocols travel through a client of Anthropic Messages and come back as they were."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assay.core import (
    Event,
    Message,
    Part,
    PartClosed,
    PartGrew,
    PartOpened,
    Request,
    Started,
    Stopped,
    Text,
    Thinking,
    ToolCall,
    Transcript,
    fold,
)
from assay.wire.anthropic import NAME, EventWriter, read_events, read_request, write_request
from assay.wire.carry import MARK, seal

PARTS: list[tuple[Part, ...]] = [
    (Thinking(text="plain words"), Text(text="x")),
    (Thinking(text="a", signature="s1", provider="gemini"), Text(text="x")),
    (Thinking(signature="enc", provider="openai_responses", extra={"openai_responses": {"id": "rs_1"}}), Text(text="x")),
    (Thinking(text="t", signature="s", provider=NAME), Thinking(redacted="r", provider=NAME), Text(text="x")),
    (Thinking(text="t", redacted="r", provider="openrouter"), Text(text="x")),
    (
        Thinking(text="why"),
        Text(text="x"),
        ToolCall(id="c1", name="f", arguments="{}", signature="g1", provider="gemini"),
        ToolCall(id="c2", name="f", arguments="{}"),
        ToolCall(id="c3", name="f", arguments="{}", signature="g3", provider="gemini"),
    ),
    (
        Thinking(signature="e1", provider="openai_responses"),
        ToolCall(id="c1", name="f", arguments='{"a":1}'),
        Thinking(signature="e2", provider="openai_responses"),
        ToolCall(id="c2", name="f", arguments="{}"),
    ),
]


def events_of(parts: tuple[Part, ...], *, late: bool) -> list[Event]:
    """An upstream's answer of ``parts``; ``late``: in pieces, and with the signatures of thoughts at their end."""
    events: list[Event] = [Started()]
    for index, part in enumerate(parts):
        match part:
            case Thinking() if late:
                opened = Thinking(provider=part.provider, redacted=part.redacted, extra=part.extra)
                events.append(PartOpened(index=index, part=opened))
                events += [PartGrew(index=index, text=piece) for piece in part.text]
                events.append(PartClosed(index=index, signature=part.signature))
            case _:
                events += [PartOpened(index=index, part=part), PartClosed(index=index)]
    return [*events, Stopped(reason="end")]


def answered(parts: tuple[Part, ...], *, stream: bool, thinking: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The content blocks that a client has after the answer, and would send back."""
    asked = {"model": "m", "messages": [], "stream": stream, **({"thinking": thinking} if thinking else {})}
    writer = EventWriter(read_request(json.dumps(asked).encode()), id="a", created=1)
    body = b"".join(writer.write(event) for event in events_of(parts, late=stream)) + writer.close()
    if not stream:
        content: list[dict[str, Any]] = json.loads(body)["content"]
        return content
    history = Request(
        model="m",
        transcript=Transcript((fold(read_events([body], stream=True)).message,)),
        extra={NAME: {}},
    )
    blocks: list[dict[str, Any]] = json.loads(write_request(history).body)["messages"][0]["content"]
    return blocks


def sent_back(content: list[dict[str, Any]]) -> Message:
    body = {"model": "m", "messages": [{"role": "assistant", "content": content}]}
    return read_request(json.dumps(body).encode()).transcript.messages[0]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("parts", PARTS)
def test_what_only_its_maker_can_read_comes_back_as_it_was(parts: tuple[Part, ...], stream: bool) -> None:
    assert sent_back(answered(parts, stream=stream)).parts == parts


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("parts", PARTS)
def test_thoughts_that_a_client_wants_not_shown_travel_all_the_same(parts: tuple[Part, ...], stream: bool) -> None:
    content = answered(parts, stream=stream, thinking={"type": "adaptive", "display": "omitted"})
    assert all(not block["thinking"] for block in content if block["type"] == "thinking")
    back = sent_back(content).parts
    assert [part for part in back if getattr(part, "provider", None) != NAME] == [
        part for part in parts if getattr(part, "provider", None) != NAME
    ]


def test_a_carrier_of_a_calls_signature_stands_before_the_call_and_vanishes() -> None:
    content = answered((ToolCall(id="c", name="f", arguments="{}", signature="g", provider="gemini"),), stream=False)
    assert [block["type"] for block in content] == ["redacted_thinking", "tool_use"]
    assert content[0]["data"].startswith(MARK)
    assert len(sent_back(content).parts) == 1


def test_a_call_gets_back_the_id_that_its_upstream_knows_it_by() -> None:
    carrier = {"type": "redacted_thinking", "data": seal(Thinking(text="t"), call_id="functions.f:0")}
    call = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
    assert sent_back([carrier, call]).parts == (Thinking(text="t"), ToolCall(id="functions.f:0", name="f", arguments="{}"))


@pytest.mark.parametrize("damaged", ["assay.", "assay.!!!", "assay.e30x", "assay.eyJ0aG91Z2h0cyI6MX0"])
def test_a_damaged_seal_leaves_a_thought_that_nobody_is_given(damaged: str) -> None:
    message = sent_back([{"type": "thinking", "thinking": "t", "signature": damaged}, {"type": "text", "text": "x"}])
    thought = message.parts[0]
    assert isinstance(thought, Thinking)
    assert (thought.text, thought.provider) == ("t", "unknown")
    body = {"model": "m", "messages": [{"role": "assistant", "content": [{"type": "redacted_thinking", "data": damaged}]}]}
    assert write_request(read_request(json.dumps(body).encode())).losses == ("dropped:messages[].thinking",)


def test_seals_of_another_model_are_not_sent_to_anthropic() -> None:
    content = answered(PARTS[5], stream=False)
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": content}]}
    written = write_request(read_request(json.dumps(body).encode()))
    assert MARK.encode() not in written.body
    assert set(written.losses) == {"dropped:messages[].thinking", "dropped:tool_call.signature"}
