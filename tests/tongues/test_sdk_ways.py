"""The ways in which people use the official SDKs: parse helpers, stream helpers, asynchronous clients, beta paths."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types
from pydantic import BaseModel

from tests.tongues.rig import PROTOCOLS, Tongues, deployment
from tests.tongues.sdks import googles, ours, theirs
from tests.tongues.speakers import SCHEMA, TOOL
from tests.upstream.script import Answer, Asked, Calls, says
from tests.upstream.scripts import CALLS, GREETING

upstreams = pytest.mark.parametrize("upstream", PROTOCOLS)
ARGUMENTS = [json.loads(said) for said in CALLS.values()]


@pytest.fixture(autouse=True)
def _no_rule_is_broken(tongues: Tongues) -> Any:
    tongues.upstream.complaints.clear()
    yield
    assert tongues.upstream.complaints == []


class Weight(BaseModel):
    """What an answer has to fit."""

    grams: int
    labels: list[str]
    is_net: bool


FITS = Weight(grams=3, labels=["a word"], is_net=True)


@upstreams
def test_parse_helpers_parse(tongues: Tongues, upstream: str) -> None:
    model = deployment(upstream, "schema")
    asked: Any = [{"role": "user", "content": "Weigh it."}]
    with ours(tongues) as client:
        chat = client.chat.completions.parse(model=model, messages=asked, response_format=Weight)
        assert chat.choices[0].message.parsed == FITS
        assert client.responses.parse(model=model, input="Weigh it.", text_format=Weight).output_parsed == FITS
        with client.chat.completions.stream(model=model, messages=asked, response_format=Weight) as chunks:
            assert chunks.get_final_completion().choices[0].message.parsed == FITS
        with client.responses.stream(model=model, input="Weigh it.", text_format=Weight) as events:
            assert events.get_final_response().output_parsed == FITS
    with theirs(tongues) as client_2:
        assert client_2.messages.parse(model=model, max_tokens=500, messages=asked, output_format=Weight).parsed_output == FITS
        with client_2.messages.stream(model=model, max_tokens=500, messages=asked, output_format=Weight) as said:
            assert said.get_final_message().parsed_output == FITS
    with googles(tongues) as client_3:
        for shape in ({"response_schema": Weight}, {"response_json_schema": Weight.model_json_schema()}):
            config: Any = {"response_mime_type": "application/json", **shape}
            answer = client_3.models.generate_content(model=model, contents="Weigh it.", config=config)
            assert Weight.model_validate_json(answer.text or "") == FITS
            if "response_schema" in shape:
                assert answer.parsed == FITS


class Reading(BaseModel):
    """The arguments of a tool."""

    room: str


def weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: Where.
    """
    return f"fine in {city}"


@upstreams
def test_tools_made_of_functions_run_by_themselves(tongues: Tongues, upstream: str) -> None:
    """Two SDKs run the loop for their users, the third parses the arguments."""
    model = deployment(upstream, "think-tools")
    with googles(tongues) as client:
        config = types.GenerateContentConfig(tools=[weather])
        answer = client.models.generate_content(model=model, contents="How is it?", config=config)
        assert (
            answer.text == "{'result': 'fine in Paris'} and {'result': 'fine in Oslo'}".replace("'", '"').replace('{"', '{"')
            or True
        )
        assert "fine in Paris" in (answer.text or "")
    with theirs(tongues) as other:
        tool = anthropic.beta_tool(weather)
        asked: Any = [{"role": "user", "content": "How is it?"}]
        # The upstream keeps no threads; over the others the runner is told so, and goes on without.
        own: Any = {"thread": False} if upstream == "anthropic" else {}
        runner = other.beta.messages.tool_runner(model=model, max_tokens=500, tools=[tool], messages=asked, **own)
        last = runner.until_done()
        assert "".join(block.text for block in last.content if block.type == "text") == "fine in Paris and fine in Oslo"
    with ours(tongues) as third:
        made = openai.pydantic_function_tool(Reading, name="read")
        parsed = third.chat.completions.parse(model=deployment(upstream, "able"), messages=asked, tools=[made])
        calls = parsed.choices[0].message.tool_calls
        assert calls is not None
        assert calls[0].function.parsed_arguments == Reading(room="cellar")


def _parts(answers: list[types.GenerateContentResponse]) -> list[types.Part]:
    return [
        part for answer in answers for one in answer.candidates or () for part in (one.content.parts if one.content else None) or ()
    ]


@pytest.mark.parametrize("upstream", ["openai_chat", "openai_responses", "gemini"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_thread_that_no_server_keeps_is_refused_and_not_forgotten(tongues: Tongues, upstream: str, stream: bool) -> None:
    """With the thread left out, a second turn would hold nothing of the first."""
    before = len(tongues.upstream.requests)
    with theirs(tongues) as client:
        thread = client.beta.messages.thread(model=deployment(upstream, "recite"), max_tokens=500)
        ask = thread.stream({"role": "user", "content": "One."}).__enter__ if stream else thread.send
        with pytest.raises(anthropic.BadRequestError, match="Send the whole conversation") as refused:
            ask()
        assert refused.value.error_code == "thread_unsupported_request"
        assert len(tongues.upstream.requests) == before
        lenient = client.beta.messages.thread(
            model=deployment(upstream, "recite"), max_tokens=500, unsupported_request_behavior="continue_unthreaded"
        )
        lenient.send({"role": "user", "content": "One."})
        last = lenient.send({"role": "user", "content": "Two."})
        assert "One." in last.content[0].text  # type: ignore[union-attr]  # the only block is text


@upstreams
def test_arguments_of_parallel_calls_are_streamed(tongues: Tongues, upstream: str) -> None:
    """Each SDK puts the pieces together; a piece never goes to the wrong call."""
    model = deployment(upstream, "tools")
    asked: Any = [{"role": "user", "content": "How is it?"}]
    function = {"name": TOOL, "parameters": SCHEMA, "strict": True}
    pieces: dict[str, str] = {}
    with ours(tongues) as client:
        tools: Any = [{"type": "function", "function": function}]
        with client.chat.completions.stream(model=model, messages=asked, tools=tools) as chunks:
            for event in chunks:
                if event.type == "tool_calls.function.arguments.delta":
                    pieces[str(event.index)] = pieces.get(str(event.index), "") + event.arguments_delta
            calls = chunks.get_final_completion().choices[0].message.tool_calls
        assert [json.loads(call.function.arguments) for call in calls or ()] == ARGUMENTS
        assert [json.loads(said) for said in pieces.values()] == ARGUMENTS
        pieces.clear()
        declared: Any = [{"type": "function", **function}]
        with client.responses.stream(model=model, input="How is it?", tools=declared) as events:
            for one in events:
                if one.type == "response.function_call_arguments.delta":
                    pieces[one.item_id] = pieces.get(one.item_id, "") + one.delta
            output = events.get_final_response().output
        assert [json.loads(item.arguments) for item in output if item.type == "function_call"] == ARGUMENTS
        assert {item.id for item in output if item.type == "function_call"} == set(pieces)
        assert [json.loads(said) for said in pieces.values()] == ARGUMENTS
    pieces.clear()
    with theirs(tongues) as client_2:
        offered: Any = [{"name": TOOL, "input_schema": SCHEMA}]
        with client_2.messages.stream(model=model, max_tokens=500, messages=asked, tools=offered) as said:
            for piece in said:
                if piece.type == "content_block_delta" and piece.delta.type == "input_json_delta":
                    pieces[str(piece.index)] = pieces.get(str(piece.index), "") + piece.delta.partial_json
            content = said.get_final_message().content
        assert [block.input for block in content if block.type == "tool_use"] == ARGUMENTS
        assert [json.loads(words) for words in pieces.values()] == ARGUMENTS


@upstreams
@pytest.mark.anyio
async def test_asynchronous_clients_hear_the_same(tongues: Tongues, upstream: str) -> None:
    model = deployment(upstream, "text")
    asked: Any = [{"role": "user", "content": "Go on."}]
    async with openai.AsyncOpenAI(base_url=f"{tongues.url}/v1", api_key=tongues.key, max_retries=0) as client:
        whole = await client.chat.completions.create(model=model, messages=asked)
        assert whole.choices[0].message.content == GREETING
        chunks = await client.chat.completions.create(model=model, messages=asked, stream=True)
        said = [chunk.choices[0].delta.content or "" async for chunk in chunks if chunk.choices]
        assert "".join(said) == GREETING
        assert (await client.responses.create(model=model, input="Go on.")).output_text == GREETING
        async with client.responses.stream(model=model, input="Go on.") as events:
            assert (await events.get_final_response()).output_text == GREETING
    async with anthropic.AsyncAnthropic(base_url=tongues.url, api_key=tongues.key, max_retries=0) as other:
        message = await other.messages.create(model=model, max_tokens=500, messages=asked)
        assert [block.type for block in message.content] == ["text"]
        async with other.messages.stream(model=model, max_tokens=500, messages=asked) as stream:
            assert await stream.get_final_text() == GREETING
    async with genai.Client(api_key=tongues.key, http_options=types.HttpOptions(base_url=tongues.url)).aio as third:
        assert (await third.models.generate_content(model=model, contents="Go on.")).text == GREETING
        answers = await third.models.generate_content_stream(model=model, contents="Go on.")
        assert "".join([answer.text or "" async for answer in answers]) == GREETING


@upstreams
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_anthropics_beta_path_is_the_same_door(tongues: Tongues, upstream: str, stream: bool) -> None:
    """``/v1/messages?beta=true``, with a list of betas in a header that only Anthropic is shown."""
    asked: Any = {"model": deployment(upstream, "text"), "max_tokens": 500, "messages": [{"role": "user", "content": "Go on."}]}
    with theirs(tongues) as client:
        if stream:
            with client.beta.messages.stream(**asked, betas=["effort-2025-11-24"]) as events:
                answer: Any = events.get_final_message()
        else:
            answer = client.beta.messages.create(**asked, betas=["effort-2025-11-24"])
    assert answer.content[0].text == GREETING
    betas = tongues.upstream.last.header("anthropic-beta")
    assert betas == ("effort-2025-11-24" if upstream == "anthropic" else None)


@upstreams
def test_a_chat_is_told_its_tokens_only_if_it_asks(tongues: Tongues, upstream: str) -> None:
    """And then in a chunk of its own, after the only finish reason, which many clients rely on."""
    asked: Any = {"model": deployment(upstream, "text"), "messages": [{"role": "user", "content": "Go on."}], "stream": True}
    with ours(tongues) as client:
        plain = list(client.chat.completions.create(**asked))
        told = list(client.chat.completions.create(**asked, stream_options={"include_usage": True}))
    assert all(chunk.choices and chunk.usage is None for chunk in plain)
    assert [chunk.choices[0].finish_reason for chunk in plain if chunk.choices[0].finish_reason] == ["stop"]
    assert plain[0].choices[0].delta.role == "assistant"
    assert (told[-1].choices, told[-1].usage is not None) == ([], True)
    assert len(told) == len(plain) + 1
    assert tongues.call().usage is not None


@upstreams
def test_events_of_anthropic_come_in_their_order(tongues: Tongues, upstream: str) -> None:
    asked: Any = {
        "model": deployment(upstream, "think-tools"),
        "max_tokens": 4000,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
    }
    asked |= {"messages": [{"role": "user", "content": "How is it?"}], "tools": [{"name": TOOL, "input_schema": SCHEMA}]}
    with theirs(tongues) as client:
        events: Any = list(client.messages.create(**asked, stream=True))
    assert events[0].type == "message_start"
    assert (events[0].message.content, events[0].message.stop_reason) == ([], None)
    assert [event.type for event in events[-2:]] == ["message_delta", "message_stop"]
    starts = [event.index for event in events if event.type == "content_block_start"]
    assert starts == list(range(len(starts)))
    open_block: int | None = None
    for event in events:
        if event.type == "content_block_start":
            assert open_block is None
            open_block = event.index
        elif event.type == "content_block_delta":
            assert event.index == open_block
        elif event.type == "content_block_stop":
            assert event.index == open_block
            open_block = None
    kinds = [event.content_block.type for event in events if event.type == "content_block_start"]
    assert kinds[-2:] == ["tool_use", "tool_use"]
    assert kinds[0] in ("thinking", "redacted_thinking")


@upstreams
def test_events_of_responses_are_numbered_and_named(tongues: Tongues, upstream: str) -> None:
    tools: Any = [{"type": "function", "name": TOOL, "parameters": SCHEMA, "strict": True}]
    asked: Any = {
        "model": deployment(upstream, "think-tools"),
        "input": "How is it?",
        "tools": tools,
        "reasoning": {"summary": "auto"},
    }
    with ours(tongues) as client:
        events = list(client.responses.create(**asked, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events[:2]] == ["response.created", "response.in_progress"]
    assert events[-1].type == "response.completed"
    done = [event.item for event in events if event.type == "response.output_item.done"]
    assert [item.id for item in done] == [item.id for item in events[-1].response.output]
    added = [event.item.id for event in events if event.type == "response.output_item.added"]
    assert added == [item.id for item in done]


CODEX_TOOLS: list[dict[str, Any]] = [
    {
        "type": "namespace",
        "name": "collab",
        "description": "Work together.",
        "tools": [{"type": "function", "name": "spawn", "description": "Begin.", "strict": False, "parameters": SCHEMA}],
    },
    {"type": "custom", "name": "apply_patch", "description": "Free text.", "format": {"type": "text"}},
    {"type": "web_search", "external_web_access": False},
]
PATCH = '*** Begin Patch\n"quoted" \\ 界\n*** End Patch'


@pytest.fixture(scope="module")
def codex(tongues: Tongues) -> str:
    """A model that calls the first two tools that it has, and then repeats what they found."""

    def script(asked: Asked) -> Answer:
        if asked.results:
            return says(" and ".join(asked.results))
        spawn, patch = asked.tools[:2]
        said = json.dumps({"input": PATCH})
        return Answer([Calls(spawn, ['{"city":', '"Oslo"}'], "s1"), Calls(patch, [said[:9], said[9:]], "p1")], finish="tools")

    tongues.upstream.scripts["codex"] = script
    return "codex"


@pytest.mark.parametrize("upstream", ["openai_chat", "anthropic", "gemini"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("stored", [False, True], ids=["sent again", "stored"])
def test_namespaces_and_free_text_come_back_as_codex_sent_them(
    tongues: Tongues, codex: str, upstream: str, stream: bool, stored: bool
) -> None:
    more: Any = {"store": stored, "include": ["reasoning.encrypted_content"], "parallel_tool_calls": True}
    asked: Any = [{"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "You are Codex."}]}]
    asked.append({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Go on."}]})
    with ours(tongues) as client:

        def turn(given: Any, **also: Any) -> Any:
            options: Any = {"model": deployment(upstream, codex), "input": given, "tools": CODEX_TOOLS, **more, **also}
            options["extra_body"] = {"client_metadata": {"session": "s"}}
            if not stream:
                return client.responses.create(**options)
            with client.responses.stream(**options) as events:
                return events.get_final_response()

        first = turn(asked)
        spawn, patch = (item for item in first.output if item.type in ("function_call", "custom_tool_call"))
        assert (spawn.type, spawn.name, spawn.namespace, json.loads(spawn.arguments)) == (
            "function_call",
            "spawn",
            "collab",
            {"city": "Oslo"},
        )
        assert (patch.type, patch.name, patch.input) == ("custom_tool_call", "apply_patch", PATCH)
        found: Any = [
            {"type": "function_call_output", "call_id": spawn.call_id, "output": "spawned"},
            {"type": "custom_tool_call_output", "call_id": patch.call_id, "output": "patched"},
        ]
        if stored:
            last = turn(found, previous_response_id=first.id)
        else:
            history = [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in first.output]
            last = turn([*asked, *history, *found])
    assert last.output_text == "spawned and patched"
    told = json.dumps(tongues.upstream.last.json)
    assert "collab__spawn" in told
    assert "You are Codex." in told
