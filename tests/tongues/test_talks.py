"""Conversations by the official SDKs over all sixteen pairs of protocols."""

from __future__ import annotations

import json

import pytest

from tests.tongues.conftest import Talks
from tests.tongues.rig import PAIRS, Tongues
from tests.tongues.speakers import PIXEL, TOOL
from tests.upstream.scripts import BUCKETS, CALLS, GREETING, INJECTION, SEPARATORS, STEPS, THOUGHT

pytestmark = [
    pytest.mark.parametrize(("client", "upstream"), PAIRS, ids=[f"{client}>{upstream}" for client, upstream in PAIRS]),
    pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"]),
]


def test_words_arrive(tongues: Tongues, talks: Talks, client: str, upstream: str, stream: bool) -> None:
    heard = talks(client, upstream, "text", stream=stream, system="Be brief.").ask("Say hello.")
    assert heard.text == GREETING
    assert heard.tokens == (11, 7)
    assert not stream or heard.pieces > 3
    assert tongues.upstream.complaints == []


@pytest.mark.parametrize(("model", "words"), [("separators", SEPARATORS), ("injection", INJECTION), ("bytes", GREETING)])
def test_no_byte_is_changed(
    tongues: Tongues, talks: Talks, client: str, upstream: str, stream: bool, model: str, words: str
) -> None:
    assert talks(client, upstream, model, stream=stream).ask("Go on.").text == words


def test_the_instructions_and_every_turn_reach_the_model(
    tongues: Tongues, talks: Talks, client: str, upstream: str, stream: bool
) -> None:
    conversation = talks(client, upstream, "recite", stream=stream, system="Speak like a scale.")
    conversation.ask("First words.")
    heard = conversation.ask("Second words \u2028 with 界 and \U00020000.")
    for words in ("Speak like a scale.", "First words.", "Second words \u2028 with 界 and \U00020000."):
        assert words in heard.text
    assert tongues.upstream.complaints == []


def test_two_tools_are_called_at_once_and_answered(
    tongues: Tongues, talks: Talks, client: str, upstream: str, stream: bool
) -> None:
    conversation = talks(client, upstream, "tools", stream=stream, tools=True)
    heard = conversation.ask("How is the weather?")
    assert [(call.name, call.arguments) for call in heard.calls] == [(TOOL, json.loads(CALLS[place])) for place in CALLS]
    assert len({call.id for call in heard.calls}) == 2
    last = conversation.give({heard.calls[0].id: "sunny", heard.calls[1].id: "rain"})
    assert last.text == "sunny and rain"
    assert tongues.upstream.complaints == []


@pytest.mark.parametrize("model", ["think-tool", "think-tools", "think-steps", "think-redacted"])
def test_signatures_survive_a_loop_of_tools(
    tongues: Tongues, talks: Talks, client: str, upstream: str, stream: bool, model: str
) -> None:
    """The upstream refuses a turn whose thoughts do not come back with what it signed them with."""
    conversation = talks(client, upstream, model, stream=stream, tools=True, thinking=True)
    heard = conversation.ask("How is the weather?")
    asks_for_thoughts = client != "openai_chat" or upstream in ("openai_chat", "anthropic")
    if model in ("think-tool", "think-tools") and asks_for_thoughts:
        assert heard.thoughts == THOUGHT
    turns = 0
    while heard.calls:
        turns += 1
        heard = conversation.give({call.id: f"fine {turns}" for call in heard.calls})
    assert turns == (STEPS if model == "think-steps" else 1)
    assert "fine" in heard.text
    assert tongues.upstream.complaints == []


def test_a_tool_can_be_forced(tongues: Tongues, talks: Talks, client: str, upstream: str, stream: bool) -> None:
    heard = talks(client, upstream, "tools", stream=stream, tools=True, forced=True).ask("Go.")
    assert heard.calls
    assert TOOL in json.dumps(tongues.upstream.last.json.get("tool_choice") or tongues.upstream.last.json["toolConfig"])
    assert tongues.upstream.complaints == []


def test_a_picture_is_seen(tongues: Tongues, talks: Talks, client: str, upstream: str, stream: bool) -> None:
    heard = talks(client, upstream, "image", stream=stream, image=PIXEL).ask("What is this?")
    assert heard.text == f"data:image/png;base64 {len(PIXEL)} bytes"


def test_an_answer_fits_its_schema(tongues: Tongues, talks: Talks, client: str, upstream: str, stream: bool) -> None:
    shape = {
        "type": "object",
        "properties": {"grams": {"type": "integer"}},
        "required": ["grams"],
        "additionalProperties": False,
    }
    heard = talks(client, upstream, "schema", stream=stream, schema=shape).ask("Weigh it.")
    assert set(json.loads(heard.text)) == {"grams"}
    assert tongues.upstream.complaints == []


STOPS = {
    "length": {"openai_chat": "length", "openai_responses": "incomplete:max_output_tokens", "anthropic": "max_tokens", "gemini": "MAX_TOKENS"},
    "text": {"openai_chat": "stop", "openai_responses": "completed", "anthropic": "end_turn", "gemini": "STOP"},
}  # fmt: skip


@pytest.mark.parametrize("model", list(STOPS))
def test_it_is_said_why_an_answer_ended(
    tongues: Tongues, talks: Talks, client: str, upstream: str, stream: bool, model: str
) -> None:
    assert talks(client, upstream, model, stream=stream).ask("Go on.").stop == STOPS[model][client]


def test_tokens_are_counted_once(tongues: Tongues, talks: Talks, client: str, upstream: str, stream: bool) -> None:
    """What was cached and what was thought are told apart by each protocol in its own way; nothing is counted twice."""
    heard = talks(client, upstream, "usage", stream=stream, thinking=True).ask("Go on.")
    came = BUCKETS.input
    if client == "anthropic":
        used = heard.raw.usage
        cached = (used.cache_read_input_tokens or 0) + (used.cache_creation_input_tokens or 0)
        assert used.input_tokens + cached == came
    else:
        assert heard.tokens[0] == came
    assert heard.tokens[1] == BUCKETS.output
