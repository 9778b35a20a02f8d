"""Responses that are continued by their id alone, over every upstream: from memory, and after a restart from the record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from anyio.from_thread import start_blocking_portal

from assay.store.keys import create_key
from tests.tongues.rig import PROTOCOLS, Tongues, deployment, running_tongues
from tests.tongues.speakers import SCHEMA, TOOL
from tests.upstream import ScriptedUpstream

TOOLS = [{"type": "function", "name": TOOL, "parameters": SCHEMA, "strict": True}]


@pytest.fixture
def client(tongues: Tongues) -> Iterator[openai.OpenAI]:
    tongues.upstream.complaints.clear()
    with openai.OpenAI(base_url=f"{tongues.url}/v1", api_key=tongues.key, max_retries=0, timeout=20) as client:
        yield client


@pytest.mark.parametrize("upstream", PROTOCOLS)
def test_a_conversation_goes_on_from_the_id_of_its_last_answer(client: openai.OpenAI, tongues: Tongues, upstream: str) -> None:
    model = deployment(upstream, "recite")
    first = client.responses.create(model=model, instructions="Only now.", input="The apple weighs 150 g.")
    second = client.responses.create(model=model, input="And the pear?", previous_response_id=first.id)
    third = client.responses.create(model=model, input="And both?", previous_response_id=second.id)
    for words in ("The apple weighs 150 g.", "And the pear?", "And both?"):
        assert words in third.output_text
    assert third.output_text.count("Only now.") <= first.output_text.count("Only now.") + second.output_text.count("Only now.")
    assert tongues.upstream.complaints == []


@pytest.mark.parametrize("upstream", PROTOCOLS)
@pytest.mark.parametrize("model", ["tools", "think-tools"])
def test_tools_are_answered_by_the_id_of_the_response_that_called_them(
    client: openai.OpenAI, tongues: Tongues, upstream: str, model: str
) -> None:
    name = deployment(upstream, model)
    first = client.responses.create(model=name, input="How is the weather?", tools=TOOLS)  # type: ignore[arg-type]  # a tool
    calls = [item for item in first.output if item.type == "function_call"]
    assert len(calls) == 2
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": f"fine {n}"} for n, call in enumerate(calls)]
    last = client.responses.create(model=name, input=results, previous_response_id=first.id, tools=TOOLS)  # type: ignore[arg-type]  # items
    assert last.output_text == "fine 0 and fine 1"
    assert tongues.upstream.complaints == []


@pytest.mark.parametrize("upstream", PROTOCOLS)
def test_instructions_are_of_one_request_and_system_messages_of_the_conversation(client: openai.OpenAI, upstream: str) -> None:
    name = "stateless/recite" if upstream == "openai_responses" else deployment(upstream, "recite")
    given: Any = [{"role": "system", "content": "Speak as a scale."}, {"role": "user", "content": "One."}]
    first = client.responses.create(model=name, instructions="Only now.", input=given)
    second = client.responses.create(model=name, input="Two.", previous_response_id=first.id)
    assert "Only now." in first.output_text
    third = client.responses.create(model=name, instructions="And now.", input="Three.", previous_response_id=second.id)
    assert "Speak as a scale." in third.output_text
    assert "And now." in third.output_text
    bare = client.responses.create(model=name, input=given)
    last = client.responses.create(model=name, input="Two.", previous_response_id=bare.id)
    assert "Speak as a scale." in last.output_text


@pytest.mark.parametrize("upstream", PROTOCOLS)
def test_a_streamed_response_can_be_continued_too(client: openai.OpenAI, upstream: str) -> None:
    model = deployment(upstream, "recite")
    with client.responses.stream(model=model, input="The apple weighs 150 g.") as stream:
        first = stream.get_final_response()
    second = client.responses.create(model=model, input="And the pear?", previous_response_id=first.id)
    assert "The apple weighs 150 g." in second.output_text


def test_a_server_of_responses_that_keeps_none_is_sent_the_whole_conversation(client: openai.OpenAI, tongues: Tongues) -> None:
    first = client.responses.create(model="stateless/recite", input="The apple weighs 150 g.")
    second = client.responses.create(model="stateless/recite", input="And the pear?", previous_response_id=first.id)
    third = client.responses.create(model="stateless/recite", input="And both?", previous_response_id=second.id)
    assert "The apple weighs 150 g." in third.output_text
    assert "previous_response_id" not in tongues.upstream.last.json
    assert tongues.upstream.complaints == []


def test_the_model_may_change_between_two_turns(client: openai.OpenAI, tongues: Tongues) -> None:
    first = client.responses.create(model="gemini/think-tool", input="How is the weather?", tools=TOOLS)  # type: ignore[arg-type]  # a tool
    [call] = [item for item in first.output if item.type == "function_call"]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "fine"}
    last = client.responses.create(model="chat/recite", input=[result], previous_response_id=first.id, tools=TOOLS)  # type: ignore[arg-type,list-item]  # items
    assert "fine" in last.output_text
    assert tongues.upstream.complaints == []


def test_a_conversation_may_go_on_where_answers_are_kept_and_did_not_begin_there(client: openai.OpenAI) -> None:
    """OpenAI knows nothing of an answer that Gemini gave."""
    first = client.responses.create(model="gemini/recite", input="The apple weighs 150 g.")
    second = client.responses.create(model="responses/recite", input="And the pear?", previous_response_id=first.id)
    third = client.responses.create(model="responses/recite", input="And both?", previous_response_id=second.id)
    for words in ("The apple weighs 150 g.", "And the pear?", "And both?"):
        assert words in third.output_text


@pytest.mark.parametrize("name", ["gemini/recite", "stateless/recite", "responses/recite", "anthropic/recite"])
def test_what_was_said_before_is_counted_too(client: openai.OpenAI, name: str) -> None:
    first = client.responses.create(model=name, input="one two three")
    alone = client.responses.input_tokens.count(model=name, input="four five")
    both = client.responses.input_tokens.count(model=name, input="four five", previous_response_id=first.id)
    assert both.input_tokens >= alone.input_tokens + 3
    if name != "stateless/recite":
        assert alone.input_tokens == 2


def test_what_is_not_to_be_stored_cannot_be_continued(client: openai.OpenAI) -> None:
    first = client.responses.create(model="gemini/text", input="Hello.", store=False)
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.create(model="gemini/text", input="More.", previous_response_id=first.id)
    assert caught.value.code == "responses.not_found"


def test_an_id_that_nobody_knows_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="Send the whole conversation"):
        client.responses.create(model="anthropic/text", input="More.", previous_response_id="resp_unknown")


def test_another_key_cannot_continue_it(tmp_path: Path) -> None:
    with (
        ScriptedUpstream() as upstream,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running_tongues(tmp_path, upstream)) as tongues,
    ):
        with connected(tongues.url, tongues.key) as mine:
            first = mine.responses.create(model="gemini/text", input="A secret.")
        _, other = portal.call(create_key, tongues.db, tongues.gateway.vault, "another")
        portal.call(tongues.gateway.refresh)
        with connected(tongues.url, other) as theirs, pytest.raises(openai.NotFoundError):
            theirs.responses.create(model="gemini/text", input="Tell me.", previous_response_id=first.id)


@pytest.mark.parametrize("upstream", PROTOCOLS)
def test_a_restart_forgets_neither_responses_nor_signatures(tmp_path: Path, upstream: str) -> None:
    """The second gateway knows only what the first one wrote down."""
    with ScriptedUpstream() as scripted, start_blocking_portal() as portal:
        before = running_tongues(tmp_path, scripted)
        with portal.wrap_async_context_manager(before) as running, connected(running.url, running.key) as client:
            key = running.key
            first = client.responses.create(model=deployment(upstream, "recite"), input="The apple weighs 150 g.")
            chat: Any = {"model": deployment(upstream, "think-tool"), "tools": _chat_tools(), "reasoning_effort": "low"}
            asked: Any = [{"role": "user", "content": "How is the weather?"}]
            message = client.chat.completions.create(messages=asked, **chat).choices[0].message
        after = running_tongues(tmp_path, scripted)
        with portal.wrap_async_context_manager(after) as running, connected(running.url, key) as client:
            second = client.responses.create(
                model=deployment(upstream, "recite"), input="And the pear?", previous_response_id=first.id
            )
            assert "The apple weighs 150 g." in second.output_text
            result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "fine"}
            answered = [*asked, message.model_dump(exclude_none=True), result]
            last = client.chat.completions.create(messages=answered, **chat)
            assert last.choices[0].message.content == "fine"
        assert scripted.complaints == []


def connected(url: str, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=20)


def _chat_tools() -> list[dict[str, object]]:
    return [{"type": "function", "function": {"name": TOOL, "parameters": SCHEMA}}]
