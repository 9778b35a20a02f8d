"""The official SDKs straight at the scripted upstream: whole conversations, with what has to come back coming back."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types

from tests.upstream import ScriptedUpstream
from tests.upstream.others import PICTURE, SOUND
from tests.upstream.scripts import ANSWER_429_S, BUCKETS, GREETING, NOTES, STEPS, THOUGHT

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(250))
PNG64 = base64.b64encode(PNG).decode()


@pytest.fixture(scope="module")
def running() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as server:
        yield server


@pytest.fixture
def upstream(running: ScriptedUpstream) -> ScriptedUpstream:
    running.complaints.clear()
    return running


@pytest.fixture
def chat(upstream: ScriptedUpstream) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=upstream.url, api_key="sk-upstream", max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture
def claude(upstream: ScriptedUpstream) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=upstream.root, api_key="sk-upstream", max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture
def google(upstream: ScriptedUpstream) -> Iterator[genai.Client]:
    with genai.Client(api_key="sk-upstream", http_options=types.HttpOptions(base_url=upstream.root, timeout=20_000)) as client:
        yield client


CHAT_TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
RESPONSES_TOOL: Any = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": True}
CLAUDE_TOOL: Any = {"name": "weather", "input_schema": SCHEMA}
THINK: Any = {"type": "adaptive", "display": "summarized"}


def gemini_config(**more: Any) -> types.GenerateContentConfig:
    declaration = types.FunctionDeclaration(name="weather", parameters_json_schema=SCHEMA)
    return types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[declaration])],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        thinking_config=types.ThinkingConfig(include_thoughts=True),
        **more,
    )


def test_chat_thoughts_come_back_with_their_calls(chat: openai.OpenAI, upstream: ScriptedUpstream) -> None:
    said: list[Any] = [{"role": "user", "content": "x"}]
    for step in range(STEPS):
        message = chat.chat.completions.create(model="think-steps", messages=said, tools=[CHAT_TOOL]).choices[0].message
        said.append(message.model_dump(exclude_none=True))
        said += [{"role": "tool", "tool_call_id": call.id, "content": f"r{step}"} for call in message.tool_calls or ()]
    last = chat.chat.completions.create(model="think-steps", messages=said, tools=[CHAT_TOOL])
    assert (last.choices[0].message.content, upstream.complaints) == ("r0 and r1 and r2", [])
    del said[1]["reasoning_content"]
    with pytest.raises(openai.BadRequestError, match="reasoning_content"):
        chat.chat.completions.create(model="think-steps", messages=said, tools=[CHAT_TOOL])


def test_responses_encrypted_reasoning_comes_back(chat: openai.OpenAI, upstream: ScriptedUpstream) -> None:
    shown: Any = {
        "tools": [RESPONSES_TOOL],
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"summary": "auto"},
    }
    items: list[Any] = [{"role": "user", "content": "x"}]
    for step in range(STEPS):
        with chat.responses.stream(model="think-steps", input=items, **shown) as stream:
            answer = stream.get_final_response()
        items += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in answer.output]
        call = answer.output[-1]
        assert call.type == "function_call"
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": f"r{step}"})
    assert chat.responses.create(model="think-steps", input=items, **shown).output_text == "r0 and r1 and r2"
    assert upstream.complaints == []
    items[1]["encrypted_content"] = items[4]["encrypted_content"]
    with pytest.raises(openai.BadRequestError, match=r"could not be verified|not the one"):
        chat.responses.create(model="think-steps", input=items, **shown)


def test_responses_are_kept_by_their_ids(chat: openai.OpenAI, upstream: ScriptedUpstream) -> None:
    first = chat.responses.create(model="think-tool", input="x", tools=[RESPONSES_TOOL])
    call = first.output[-1]
    assert call.type == "function_call"
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "3 degrees"}
    second = chat.responses.create(model="think-tool", input=[result], tools=[RESPONSES_TOOL], previous_response_id=first.id)
    assert (second.output_text, upstream.complaints) == ("3 degrees", [])
    with pytest.raises(openai.BadRequestError, match="not found"):
        chat.responses.create(model="text", input="x", previous_response_id="resp_nobody")


@pytest.mark.parametrize("model", ["think-steps", "think-redacted"])
def test_anthropic_signatures_come_back(claude: anthropic.Anthropic, upstream: ScriptedUpstream, model: str) -> None:
    said: list[Any] = [{"role": "user", "content": "x"}]
    shown: Any = {"model": model, "max_tokens": 99, "thinking": THINK, "tools": [CLAUDE_TOOL]}
    while True:
        with claude.messages.stream(messages=said, **shown) as stream:
            answer = stream.get_final_message()
        call = answer.content[-1]
        if call.type != "tool_use":
            break
        said.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in answer.content]})
        said.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": f"r{len(said) // 2}"}]})
    assert (call.type, upstream.complaints) == ("text", [])
    said[1]["content"].pop(0)
    with pytest.raises(anthropic.BadRequestError, match="thinking"):
        claude.messages.create(messages=said, **shown)


def test_gemini_signatures_come_back(google: genai.Client, upstream: ScriptedUpstream) -> None:
    said: list[Any] = [types.Content(role="user", parts=[types.Part(text="x")])]
    for step in range(STEPS):
        answer = google.models.generate_content(model="think-steps", contents=said, config=gemini_config())
        content = (answer.candidates or [])[0].content
        said.append(content)
        response = types.FunctionResponse(name="weather", response={"result": f"r{step}"})
        said.append(types.Content(role="user", parts=[types.Part(function_response=response)]))
    answer = google.models.generate_content(model="think-steps", contents=said, config=gemini_config())
    assert (answer.text, upstream.complaints) == ("r0 and r1 and r2", [])
    said[1].parts[-1].thought_signature = None
    with pytest.raises(errors.ClientError, match="thought_signature"):
        google.models.generate_content(model="think-steps", contents=said, config=gemini_config())


def test_gemini_streams_as_events_and_as_an_array(google: genai.Client, upstream: ScriptedUpstream) -> None:
    chunks = list(google.models.generate_content_stream(model="think-tool", contents="x", config=gemini_config()))
    parts = [part for chunk in chunks for part in ((chunk.candidates or [])[0].content or types.Content()).parts or ()]
    assert "".join(part.text or "" for part in parts if part.thought) == THOUGHT
    assert [part.function_call.args for part in parts if part.function_call] == [{"city": "Paris"}]
    reasons = [(chunk.candidates or [])[0].finish_reason for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + [types.FinishReason.STOP]


def test_pictures_arrive_in_each_protocol(
    chat: openai.OpenAI, claude: anthropic.Anthropic, google: genai.Client, upstream: ScriptedUpstream
) -> None:
    url, seen = f"data:image/png;base64,{PNG64}", f"data:image/png;base64 {len(PNG)} bytes"
    shown: Any = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]
    assert chat.chat.completions.create(model="image", messages=shown).choices[0].message.content == seen
    shown = [{"role": "user", "content": [{"type": "input_image", "image_url": url, "detail": "auto"}]}]
    assert chat.responses.create(model="image", input=shown).output_text == seen
    source: Any = {"type": "base64", "media_type": "image/png", "data": PNG64}
    shown = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    assert getattr(claude.messages.create(model="image", max_tokens=9, messages=shown).content[0], "text", "") == seen
    picture = types.Part.from_bytes(data=PNG, mime_type="image/png")
    assert google.models.generate_content(model="image", contents=picture).text == seen
    assert upstream.complaints == []


def test_usage_is_taken_apart_as_each_protocol_does(
    chat: openai.OpenAI, claude: anthropic.Anthropic, google: genai.Client, upstream: ScriptedUpstream
) -> None:
    said: Any = [{"role": "user", "content": "x"}]
    words = chat.chat.completions.create(model="usage", messages=said).usage
    assert words is not None
    assert words.prompt_tokens_details is not None
    assert words.completion_tokens_details is not None
    assert (words.prompt_tokens, words.prompt_tokens_details.cached_tokens) == (BUCKETS.input, BUCKETS.cache_read)
    assert (words.completion_tokens, words.completion_tokens_details.reasoning_tokens) == (BUCKETS.output, BUCKETS.reasoning)
    written = BUCKETS.cache_write_5m + BUCKETS.cache_write_1h
    paid = claude.messages.create(model="usage", max_tokens=9, messages=said).usage
    assert (paid.input_tokens, paid.cache_read_input_tokens) == (BUCKETS.input - BUCKETS.cache_read - written, BUCKETS.cache_read)
    assert (paid.cache_creation_input_tokens, paid.output_tokens) == (written, BUCKETS.output)
    used = google.models.generate_content(model="usage", contents="x").usage_metadata
    assert used is not None
    assert (used.prompt_token_count, used.cached_content_token_count) == (BUCKETS.input, BUCKETS.cache_read)
    assert (used.candidates_token_count, used.thoughts_token_count) == (BUCKETS.output - BUCKETS.reasoning, BUCKETS.reasoning)
    assert used.total_token_count == BUCKETS.input + BUCKETS.output


def test_a_document_is_cited(claude: anthropic.Anthropic, upstream: ScriptedUpstream) -> None:
    source: Any = {"type": "text", "media_type": "text/plain", "data": NOTES}
    document: Any = {"type": "document", "source": source, "title": "notes.txt", "citations": {"enabled": True}}
    said: Any = [{"role": "user", "content": [document, {"type": "text", "text": "What is the moon made of?"}]}]
    with claude.messages.stream(model="cited", max_tokens=9, messages=said) as stream:
        first = stream.get_final_message().content[0]
    assert first.type == "text"
    cited = (first.citations or [])[0]
    assert cited.type == "char_location"
    assert NOTES[cited.start_char_index : cited.end_char_index] == cited.cited_text
    assert upstream.complaints == []


def test_tokens_are_counted_and_models_listed(
    chat: openai.OpenAI, claude: anthropic.Anthropic, google: genai.Client, upstream: ScriptedUpstream
) -> None:
    said: Any = [{"role": "user", "content": "one two three"}]
    assert claude.messages.count_tokens(model="text", messages=said).input_tokens == 3
    assert chat.responses.input_tokens.count(model="text", input="one two three").input_tokens == 3
    assert google.models.count_tokens(model="text", contents="one two three").total_tokens == 3
    ids = [model.id for model in chat.models.list()]
    assert [model.id for model in claude.models.list()] == ids
    assert [model.name for model in google.models.list()] == [f"models/{id}" for id in ids]
    assert claude.models.retrieve("text").id == chat.models.retrieve("text").id == "text"
    assert upstream.complaints == []


def test_what_is_no_conversation_answers_too(chat: openai.OpenAI, upstream: ScriptedUpstream) -> None:
    rows = chat.embeddings.create(model="e", input=["ab", "c"]).data
    assert [row.embedding for row in rows] == [[2.0, 0.5, -0.25], [1.0, 0.5, -0.25]]
    pictures = chat.images.generate(model="i", prompt="a cat").data or []
    assert base64.b64decode(pictures[0].b64_json or "") == PICTURE
    edited = chat.images.edit(model="i", image=("cat.png", PNG, "image/png"), prompt="a hat").data or []
    assert base64.b64decode(edited[0].b64_json or "") == PICTURE
    assert chat.audio.speech.create(model="s", voice="alloy", input="hi").content == SOUND
    assert chat.audio.transcriptions.create(model="t", file=("a.mp3", SOUND)).text == f"{len(SOUND)} bytes of sound"
    assert upstream.complaints == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503, 529])
def test_errors_come_in_the_form_of_the_protocol(
    chat: openai.OpenAI, claude: anthropic.Anthropic, google: genai.Client, status: int
) -> None:
    said: Any = [{"role": "user", "content": "x"}]
    model = f"error-{status}"
    with pytest.raises(openai.APIStatusError) as one:
        chat.chat.completions.create(model=model, messages=said)
    with pytest.raises(openai.APIStatusError) as two:
        chat.responses.create(model=model, input="x")
    with pytest.raises(anthropic.APIStatusError) as three:
        claude.messages.create(model=model, max_tokens=9, messages=said)
    with pytest.raises(errors.APIError) as four:
        google.models.generate_content(model=model, contents="x")
    assert [raised.value.status_code for raised in (one, two, three)] == [status] * 3
    assert (four.value.code, four.value.message) == (status, f"scripted {status}")
    if status == 429:
        assert {raised.value.response.headers["retry-after"] for raised in (one, two, three)} == {str(ANSWER_429_S)}
        assert four.value.details["error"]["details"][0]["retryDelay"] == f"{ANSWER_429_S}s"


BROKEN_OFF = r"scripted overload|Connection error|peer closed|disconnected|JSON|Read|response\.completed"


@pytest.mark.parametrize("model", ["mid-stream-error", "cut", "cut-utf8", "mid-tool-error", "cut-tool", "cut-thought"])
def test_streams_that_break_off_are_errors_to_the_sdks(
    chat: openai.OpenAI, claude: anthropic.Anthropic, google: genai.Client, upstream: ScriptedUpstream, model: str
) -> None:
    said: Any = [{"role": "user", "content": "x"}]
    with pytest.raises(Exception, match=BROKEN_OFF):
        list(chat.chat.completions.create(model=model, messages=said, tools=[CHAT_TOOL], stream=True))
    with (
        pytest.raises(Exception, match=BROKEN_OFF),
        chat.responses.stream(model=model, input="x", tools=[RESPONSES_TOOL]) as stream,
    ):
        stream.get_final_response()
    with pytest.raises(Exception, match=BROKEN_OFF):
        list(claude.messages.create(model=model, max_tokens=9, messages=said, thinking=THINK, tools=[CLAUDE_TOOL], stream=True))
    with pytest.raises(Exception, match=BROKEN_OFF):
        list(google.models.generate_content_stream(model=model, contents="x", config=gemini_config()))
    assert upstream.complaints == []


@pytest.mark.parametrize("pace", ["paced", "bytes", "crlf", "heartbeats", "burst"])
def test_however_it_is_paced_the_words_are_the_same(
    chat: openai.OpenAI, claude: anthropic.Anthropic, google: genai.Client, pace: str
) -> None:
    words = GREETING * 20 if pace == "burst" else GREETING
    said: Any = [{"role": "user", "content": "x"}]
    chunks = chat.chat.completions.create(model=pace, messages=said, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == words
    with chat.responses.stream(model=pace, input="x") as events:
        assert events.get_final_response().output_text == words
    with claude.messages.stream(model=pace, max_tokens=9, messages=said) as stream:
        assert stream.get_final_text() == words
    assert "".join(one.text or "" for one in google.models.generate_content_stream(model=pace, contents="x")) == words


def test_a_slow_start_is_slow(claude: anthropic.Anthropic) -> None:
    begun = time.monotonic()
    claude.messages.create(model="slow-headers", max_tokens=9, messages=[{"role": "user", "content": "x"}])
    assert time.monotonic() - begun >= 0.5


def test_gemini_takes_back_all_calls_that_it_made(google: genai.Client, upstream: ScriptedUpstream) -> None:
    said: list[Any] = [types.Content(role="user", parts=[types.Part(text="x")])]
    content = (google.models.generate_content(model="tools", contents=said, config=gemini_config()).candidates or [])[0].content
    assert content is not None
    response = types.FunctionResponse(name="weather", response={"result": "dry"})
    said += [content, types.Content(role="user", parts=[types.Part(function_response=response)] * 2)]
    assert google.models.generate_content(model="tools", contents=said, config=gemini_config()).text == "dry and dry"
    assert upstream.complaints == []
