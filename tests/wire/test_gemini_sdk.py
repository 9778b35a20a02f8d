"""Google's own SDK asks, and understands what is answered, over two turns; nothing but the network between them is left out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator

import httpx2
import pytest
from google import genai
from google.genai import errors, types

from assay.core import (
    Event,
    PartClosed,
    PartGrew,
    PartOpened,
    RateLimited,
    Request,
    Stopped,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
    UsageReported,
)
from assay.wire.gemini import HEARTBEAT, EventWriter, read_count_request, read_request, write_count, write_error, write_models

Answer = Callable[[httpx2.Request], httpx2.Response]

THOUGHT = Thinking(text="I need the weather.", signature="EqQB", provider="anthropic")
CALLING: list[Event] = [
    PartOpened(index=0, part=Thinking(provider="anthropic")),
    PartGrew(index=0, text=THOUGHT.text),
    PartClosed(index=0, signature=THOUGHT.signature),
    PartOpened(index=1, part=Text(text="")),
    PartGrew(index=1, text="Let me "),
    PartGrew(index=1, text="look.\u2028"),
    PartClosed(index=1),
    PartOpened(index=2, part=ToolCall(id="toolu_1", name="weather")),
    PartGrew(index=2, text='{"place":'),
    PartGrew(index=2, text='"東京"}'),
    PartClosed(index=2),
    UsageReported(usage=Usage(input=5, cache_read=2, output=7, reasoning=3)),
    Stopped(reason="tool_calls"),
]
TELLING: list[Event] = [
    PartOpened(index=0, part=Text(text="")),
    PartGrew(index=0, text="Sunny."),
    PartClosed(index=0),
    Stopped(reason="end"),
]
WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="weather",
            description="The weather at a place.",
            parameters_json_schema={"type": "object", "properties": {"place": {"type": "string"}}},
        )
    ]
)


class Pieces(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that comes in pieces of a few bytes."""

    def __init__(self, body: bytes):
        self._pieces = [body[start : start + 11] for start in range(0, len(body), 11)]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


class Gateway:
    """Answers each request with the next of ``turns``, and keeps what was asked."""

    def __init__(self, *turns: list[Event]):
        self._turns = iter(turns)
        self.asked: list[Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        stream = request.url.path.endswith(":streamGenerateContent")
        self.asked.append(read_request(request.content, model="m", stream=stream))
        writer = EventWriter(self.asked[-1], id="abc", created=1)
        body = b""
        for event in next(self._turns):
            body += HEARTBEAT + writer.write(event) if stream else writer.write(event)
        return httpx2.Response(
            200,
            headers={"content-type": "text/event-stream" if stream else "application/json"},
            stream=Pieces(body + writer.close()),
        )


def client(answer: Answer) -> genai.Client:
    transport = httpx2.MockTransport(answer)
    options = types.HttpOptions(
        base_url="http://assay.test",
        httpx_client=httpx2.Client(transport=transport),
        httpx_async_client=httpx2.AsyncClient(transport=transport),
    )
    return genai.Client(api_key="k", http_options=options)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("shown", [True, False])
def test_thoughts_of_another_protocol_survive_a_chat_of_the_sdk(stream: bool, shown: bool) -> None:
    gateway = Gateway(CALLING, TELLING)
    config = types.GenerateContentConfig(
        tools=[WEATHER],
        thinking_config=types.ThinkingConfig(include_thoughts=shown),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    chat = client(gateway).chats.create(model="m", config=config)
    answers = list(chat.send_message_stream("How is it in 東京?")) if stream else [chat.send_message("How is it in 東京?")]
    [call] = [call for answer in answers for call in answer.function_calls or ()]
    assert (call.id, call.name, call.args) == ("toolu_1", "weather", {"place": "東京"})
    usage = answers[-1].usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count, usage.cached_content_token_count) == (7, 2)
    assert (usage.candidates_token_count, usage.thoughts_token_count) == (7, 3)
    response = types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"output": "sunny"}))
    told = list(chat.send_message_stream(response)) if stream else [chat.send_message(response)]
    assert "".join(answer.text or "" for answer in told) == "Sunny."
    first, second = gateway.asked
    assert first.tools[0].parameters == {"type": "object", "properties": {"place": {"type": "string"}}}
    assert second.transcript.messages[1].parts == (
        THOUGHT,
        Text(text="Let me look.\u2028"),
        ToolCall(id="toolu_1", name="weather", arguments='{"place":"東京"}'),
    )
    assert second.transcript.messages[2].parts == (ToolResult(id="toolu_1", parts=(Text(text="sunny"),)),)


def test_thoughts_that_were_asked_for_are_told_apart_from_the_answer() -> None:
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))
    pieces = list(client(Gateway(CALLING)).models.generate_content_stream(model="m", contents="hi", config=config))
    parts = [
        part
        for piece in pieces
        for candidate in piece.candidates or ()
        for part in (candidate.content or types.Content()).parts or ()
    ]
    assert "".join(part.text or "" for part in parts if part.thought) == THOUGHT.text
    assert "".join(part.text or "" for part in parts if not part.thought) == "Let me look.\u2028"


@pytest.mark.anyio
async def test_the_asynchronous_client_reads_the_same_stream() -> None:
    stream = await client(Gateway(TELLING)).aio.models.generate_content_stream(model="m", contents="hi")
    assert "".join([piece.text or "" async for piece in stream]) == "Sunny."


def test_structured_output_and_a_picture_of_the_sdk_are_read() -> None:
    gateway = Gateway(TELLING)
    picture = types.Part.from_bytes(data=b"\xff\xfe\xfd", mime_type="image/png")
    config = types.GenerateContentConfig(
        system_instruction="Be brief.",
        response_mime_type="application/json",
        response_json_schema={"type": "object"},
        stop_sequences=["x"],
    )
    contents: list[types.Content] = [types.Content(role="user", parts=[types.Part(text="what?"), picture])]
    client(gateway).models.generate_content(model="m", contents=contents, config=config)
    [asked] = gateway.asked
    assert asked.output is not None
    assert (asked.output.kind, asked.output.schema, asked.sampling.stop) == ("json_schema", {"type": "object"}, ("x",))
    assert [message.role for message in asked.transcript.messages] == ["system", "user"]
    assert json.loads(json.dumps([type(part).__name__ for part in asked.transcript.messages[1].parts])) == ["Text", "Image"]


def test_an_error_becomes_the_sdks_own_with_its_code_and_message() -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(429, content=write_error(RateLimited("limit.requests", "Too many.", retry_after_s=3)))

    with pytest.raises(errors.ClientError) as caught:
        client(refuse).models.generate_content(model="m", contents="hi")
    assert (caught.value.code, caught.value.status, caught.value.message) == (429, "RESOURCE_EXHAUSTED", "Too many.")


def test_models_are_listed_and_tokens_counted_as_the_sdk_asks() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/models"):
            return httpx2.Response(200, content=write_models([("a/b:c", 1, "o", "Title")]))
        counted = read_count_request(request.content, model="m")
        return httpx2.Response(200, content=write_count(len(counted.transcript.messages[0].text)))

    sdk = client(answer)
    assert [(model.name, model.display_name) for model in sdk.models.list()] == [("models/a/b:c", "Title")]
    assert sdk.models.count_tokens(model="m", contents="12345").total_tokens == 5
