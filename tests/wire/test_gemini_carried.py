"""What another protocol's model signed comes back through a client of the Gemini API, unchanged and in its place."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from assay.core import (
    Event,
    Part,
    PartClosed,
    PartGrew,
    PartOpened,
    Request,
    Sampling,
    Stopped,
    Text,
    Thinking,
    ToolCall,
    Transcript,
    user,
)
from assay.wire.carry import seal
from assay.wire.gemini import NAME, EventWriter, read_request


def told(parts: list[Part], *, stream: bool = True, shown: bool = False) -> list[dict[str, Any]]:
    """The parts that a client sees of a message."""
    request = Request(model="m", transcript=Transcript((user("hi"),)), sampling=Sampling(show_thinking=shown), stream=stream)
    writer = EventWriter(request, id="abc", created=1)
    data = b"".join(writer.write(event) for index, part in enumerate(parts) for event in _events(part, index))
    data += writer.write(Stopped(reason="end")) + writer.close()
    documents = [json.loads(block[6:]) for block in data.split(b"\r\n\r\n") if block] if stream else [json.loads(data)]
    return [part for document in documents for part in document["candidates"][0]["content"]["parts"]]


def _events(part: Part, index: int) -> list[Event]:
    match part:
        case Thinking(text=text, signature=signature):
            opened: Part = Thinking(provider=part.provider, redacted=part.redacted)
        case ToolCall(arguments=text):
            signature = None
            opened = ToolCall(id=part.id, name=part.name, signature=part.signature, provider=part.provider)
        case Text(text=text):
            signature = None
            opened = Text(text="")
        case _:
            raise AssertionError(part)
    grown = [PartGrew(index=index, text=piece) for piece in text]
    return [PartOpened(index=index, part=opened), *grown, PartClosed(index=index, signature=signature)]


def echoed(parts: list[dict[str, Any]], *, urlsafe: bool = False) -> tuple[Part, ...]:
    """The message as it is read when the client gives it back; Google's Python SDK writes the alphabet for URLs."""
    if urlsafe:
        for part in parts:
            if signature := part.get("thoughtSignature"):
                part["thoughtSignature"] = base64.urlsafe_b64encode(base64.b64decode(signature)).decode()
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}, {"role": "model", "parts": parts}]}
    return read_request(json.dumps(body).encode(), model="m").transcript.messages[1].parts


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("urlsafe", [True, False])
def test_thoughts_and_their_signatures_come_back_before_the_call(shown: bool, stream: bool, urlsafe: bool) -> None:
    parts: list[Part] = [
        Thinking(text="hm?>~", signature="EqQB", provider="anthropic"),
        Thinking(redacted="opaque", provider="anthropic"),
        ToolCall(id="toolu_1", name="f", arguments='{"a":1}'),
        Thinking(text="and", signature="EqQC", provider="anthropic"),
        ToolCall(id="toolu_2", name="g", arguments="{}"),
    ]
    assert echoed(told(parts, stream=stream, shown=shown), urlsafe=urlsafe) == tuple(parts)


@pytest.mark.parametrize("shown", [True, False])
def test_plain_thoughts_come_back_with_a_call(shown: bool) -> None:
    parts: list[Part] = [Thinking(text="hm"), ToolCall(id="c", name="f", arguments="{}")]
    assert echoed(told(parts, shown=shown)) == tuple(parts)


def test_the_signature_of_a_call_of_another_protocol_comes_back_with_it() -> None:
    parts: list[Part] = [
        Text(text="so"),
        ToolCall(id="c", name="f", arguments="{}", signature="opaque", provider="other"),
        ToolCall(id="d", name="f", arguments="{}"),
    ]
    assert echoed(told(parts)) == tuple(parts)


def test_signed_thoughts_of_a_turn_without_calls_ride_on_a_last_part_without_words() -> None:
    parts: list[Part] = [Thinking(text="hm", signature="EqQB", provider="anthropic"), Text(text="yes")]
    seen = told(parts)
    assert [part["text"] for part in seen] == ["y", "e", "s", ""]
    assert "".join(part.text for part in echoed(seen) if isinstance(part, Text)) == "yes"
    assert echoed(seen)[0] == parts[0]


def test_shown_thoughts_stay_in_their_place_among_words() -> None:
    parts: list[Part] = [
        Thinking(text="a", signature="1", provider="anthropic"),
        Text(text="b"),
        Thinking(text="c", signature="2", provider="anthropic"),
        ToolCall(id="x", name="f", arguments="{}"),
    ]
    assert echoed(told(parts, shown=True)) == tuple(parts)


def test_geminis_own_signatures_are_told_as_they_are() -> None:
    call = ToolCall(id="x", name="f", arguments="{}", signature="QUJD", provider=NAME)
    [seen, _] = told([Thinking(text="hm", provider=NAME), call])
    assert seen["thoughtSignature"] == "QUJD"
    assert echoed([seen]) == (call,)


def test_a_damaged_seal_leaves_words_that_no_upstream_is_given() -> None:
    damaged = base64.b64encode(seal(Thinking(text="hm", signature="s", provider="anthropic"))[:-9].encode()).decode()
    parts = echoed(
        [
            {"text": "hm", "thought": True, "thoughtSignature": damaged},
            {"functionCall": {"name": "f", "id": "x"}, "thoughtSignature": damaged},
        ]
    )
    assert parts == (Thinking(text="hm", provider="unknown"), ToolCall(id="x", name="f", arguments="{}"))
