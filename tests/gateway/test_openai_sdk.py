"""OpenAI's own Python SDK, straight to a strict upstream and through the gateway to the same: the user sees no difference.

Run straight, the tests prove that the upstream is one that the SDK takes for real.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from anyio.from_thread import start_blocking_portal
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from assay.core import Model, Provider
from assay.core.settings import Settings
from assay.gateway.gateway import Gateway
from assay.store import migrate, open_database
from assay.store.keys import create_key
from assay.store.vault import Vault
from assay.web.serve import listening
from tests.chat_scripts import ANSWER_429_S, CALLS, GREETING, SEPARATORS
from tests.upstream import ScriptedUpstream

ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string", "enum": ["Paris", "Oslo", "東京"]}}},
    },
}
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256))).decode()


class Way:
    """How the SDK gets to the upstream: ``prefix`` is what a model's name begins with on that way."""

    def __init__(self, upstream: ScriptedUpstream, url: str, key: str, prefix: str):
        self.upstream = upstream
        self.prefix = prefix
        self.options: dict[str, Any] = {"base_url": url, "api_key": key, "max_retries": 0, "timeout": 10}

    def client(self) -> openai.OpenAI:
        return openai.OpenAI(**self.options)

    def async_client(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(**self.options)

    def ask(self, model: str, messages: list[ChatCompletionMessageParam] = ASK, **options: Any) -> Any:
        """One request. Streams come back as the list of their chunks."""
        with self.client() as client:
            answer = client.chat.completions.create(model=self.prefix + model, messages=messages, **options)
            return list(answer) if options.get("stream") else answer

    def raw(self, model: str, **options: Any) -> bytes:
        """The body of an answer before the SDK reads it."""
        with self.client() as client:
            raw = client.chat.completions.with_raw_response.create(model=self.prefix + model, messages=ASK, **options)
            return raw.http_response.read()


@asynccontextmanager
async def running_gateway(folder: Path, upstream: ScriptedUpstream) -> AsyncIterator[tuple[str, str]]:
    """A gateway on a port of its own, with the upstream as its one provider of the user's; yields its URL and a key."""
    provider = Provider(
        name="up", title="Upstream", base_url=upstream.url, key_env=("UP_KEY",), models=(Model(name="text"),), origin="file"
    )
    settings = Settings(data=folder, master_key=folder / "keys" / "master.key", port=0, providers=(provider,))
    db = await open_database(f"sqlite:///{folder / 'assay.db'}")
    await migrate(db, "assay.store")
    vault = Vault.open(settings.master_key)
    _, key = await create_key(db, vault, "tests")
    gateway = await Gateway.start(db, vault, settings, environ={"UP_KEY": upstream.key or ""})
    try:
        async with listening(gateway, settings) as url:
            yield f"{url}/v1", key
    finally:
        await gateway.close()
        await db.close()


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    folder = tmp_path_factory.mktemp("gateway")
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(running_gateway(folder, upstream)) as running:
        yield running


@pytest.fixture
def direct(upstream: ScriptedUpstream) -> Way:
    return Way(upstream, upstream.url, upstream.key or "", "")


@pytest.fixture
def through(upstream: ScriptedUpstream, gateway: tuple[str, str]) -> Way:
    return Way(upstream, *gateway, "up/")


@pytest.fixture(params=["direct", "through"])
def way(request: pytest.FixtureRequest, upstream: ScriptedUpstream) -> Iterator[Way]:
    """Both ways; afterwards the upstream must have nothing to complain of."""
    upstream.complaints.clear()
    yield request.getfixturevalue(request.param)
    assert upstream.complaints == []


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_text(way: Way) -> None:
    answer = way.ask("text", max_completion_tokens=50, temperature=0.5, stop=["END"])
    [choice] = answer.choices
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", GREETING, "stop")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (11, 7, 18)


@pytest.mark.parametrize("model", ["text", "paced", "bytes"])
def test_a_stream_has_the_order_that_clients_rely_on(way: Way, model: str) -> None:
    chunks = way.ask(model, stream=True)
    assert text_of(chunks) == GREETING
    assert chunks[0].choices[0].delta.role == "assistant"
    reasons = [chunk.choices[0].finish_reason for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["stop"]
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_in_one_burst_is_whole(way: Way) -> None:
    assert text_of(way.ask("burst", stream=True)) == GREETING * 20


def test_a_stream_arrives_as_it_is_made(way: Way) -> None:
    """The first words are read while the last are not yet written: `stall` never writes them."""
    with way.client() as client:
        stream = client.chat.completions.create(model=way.prefix + "stall", messages=ASK, stream=True)
        assert [next(stream).choices[0].delta.content for _ in range(2)] == ["", "Hello,"]
        stream.close()


def test_usage_ends_a_stream_only_when_it_is_asked_for(way: Way) -> None:
    asked = way.ask("text", stream=True, stream_options={"include_usage": True})
    assert asked[-1].choices == []
    assert asked[-1].usage.total_tokens == 18
    unasked = way.ask("text", stream=True)
    assert all(chunk.usage is None and chunk.choices for chunk in unasked)
    assert text_of(asked) == text_of(unasked) == GREETING


def test_separators_that_look_like_line_ends_survive(way: Way) -> None:
    assert way.ask("separators").choices[0].message.content == SEPARATORS
    assert text_of(way.ask("separators", stream=True)) == SEPARATORS
    said: list[ChatCompletionMessageParam] = [{"role": "user", "content": SEPARATORS}]
    assert way.ask("echo", said).choices[0].message.content == SEPARATORS


def test_two_tools_are_called_at_once_and_their_results_are_read(way: Way) -> None:
    asked = way.ask("tools", tools=[WEATHER], tool_choice="auto", parallel_tool_calls=True)
    message = asked.choices[0].message
    assert asked.choices[0].finish_reason == "tool_calls"
    assert [(call.function.name, call.function.arguments) for call in message.tool_calls] == [
        ("weather", arguments) for arguments in CALLS.values()
    ]
    results: list[Any] = [
        {"role": "tool", "tool_call_id": call.id, "content": f"{json.loads(call.function.arguments)['city']}: 3 °C"}
        for call in message.tool_calls
    ]
    answer = way.ask("tools", [*ASK, message.model_dump(exclude_none=True), *results], tools=[WEATHER])
    assert answer.choices[0].message.content == "Paris: 3 °C and Oslo: 3 °C"


def test_streamed_arguments_of_parallel_calls_are_put_together(way: Way) -> None:
    with (
        way.client() as client,
        client.chat.completions.stream(model=way.prefix + "tools", messages=ASK, tools=[WEATHER]) as stream,
    ):
        stream.until_done()
        calls = stream.get_final_completion().choices[0].message.tool_calls
    assert calls is not None
    assert [(call.id, call.function.arguments) for call in calls] == [(f"call_{city}", said) for city, said in CALLS.items()]


def test_a_picture_arrives_whole(way: Way) -> None:
    parts: Any = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}", "detail": "low"}},
    ]
    answer = way.ask("image", [{"role": "user", "content": parts}])
    assert answer.choices[0].message.content == "data:image/png;base64 264 bytes"


class Weather(BaseModel):
    city: str
    degrees: int
    sunny: bool


def test_an_answer_under_a_schema_is_parsed(way: Way) -> None:
    with way.client() as client:
        answer = client.chat.completions.parse(model=way.prefix + "schema", messages=ASK, response_format=Weather)
    assert answer.choices[0].message.parsed == Weather(city="a word", degrees=3, sunny=True)
    assert way.upstream.last.json["response_format"]["json_schema"]["strict"] is True


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "field", "thought"),
    [("reasoning", "reasoning_content", "two and two"), ("reasoning-field", "reasoning", "two and two")],
)
def test_thoughts_stay_in_the_field_that_they_came_in(way: Way, model: str, field: str, thought: str, stream: bool) -> None:
    answer = way.ask(model, reasoning_effort="low", stream=stream)
    said = [chunk.choices[0].delta for chunk in answer] if stream else [answer.choices[0].message]
    assert "".join((one.model_extra or {}).get(field, "") for one in said) == thought
    assert "".join(one.content or "" for one in said) == "4"


def test_thoughts_go_back_with_the_next_question(way: Way) -> None:
    """Under a name that the strict upstream lets through, as providers of reasoning models take theirs."""
    before: Any = {"role": "assistant", "content": "4", "x_reasoning_content": "two and two"}
    way.ask("text", [*ASK, before, *ASK])
    assert way.upstream.last.json["messages"][1] == before


def test_several_choices(way: Way) -> None:
    answer = way.ask("text", n=2)
    assert [choice.message.content for choice in answer.choices] == [GREETING, GREETING]
    chunks = way.ask("text", n=2, stream=True)
    for number in (0, 1):
        said = [choice for chunk in chunks for choice in chunk.choices if choice.index == number]
        assert "".join(choice.delta.content or "" for choice in said) == GREETING
        assert [choice.finish_reason for choice in said][-1] == "stop"


def test_a_refusal_is_told_from_an_answer(way: Way) -> None:
    message = way.ask("refusal").choices[0].message
    assert (message.content, message.refusal) == (None, "I cannot do that.")


def test_an_answer_that_was_cut_off_says_so(way: Way) -> None:
    assert way.ask("length").choices[0].finish_reason == "length"


ERRORS = [
    (400, openai.BadRequestError),
    (401, openai.AuthenticationError),
    (403, openai.PermissionDeniedError),
    (404, openai.NotFoundError),
    (422, openai.UnprocessableEntityError),
    (429, openai.RateLimitError),
    (500, openai.InternalServerError),
    (503, openai.InternalServerError),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("status", "kind"), ERRORS)
def test_each_status_raises_the_exception_that_it_should(
    way: Way, status: int, kind: type[openai.APIStatusError], stream: bool
) -> None:
    with pytest.raises(kind) as raised:
        way.ask(f"error-{status}", stream=stream)
    assert raised.value.status_code == status
    assert f"scripted {status}" in raised.value.message


def test_the_time_to_wait_is_passed_on(way: Way) -> None:
    with pytest.raises(openai.RateLimitError) as raised:
        way.ask("error-429")
    assert raised.value.response.headers["retry-after"] == str(ANSWER_429_S)
    assert raised.value.code == "rate_limit_exceeded"


def test_an_unknown_model_and_a_wrong_key(way: Way) -> None:
    with pytest.raises(openai.NotFoundError):
        way.ask("no-such-model")
    with pytest.raises(openai.AuthenticationError):
        Way(way.upstream, way.options["base_url"], "ask-wrong", way.prefix).ask("text")


def test_an_error_inside_a_stream_is_raised(way: Way) -> None:
    with pytest.raises(openai.APIError, match="scripted overload"):
        way.ask("mid-stream-error", stream=True)


def test_an_answer_that_broke_off_is_an_error_and_not_an_answer(through: Way) -> None:
    with pytest.raises(openai.APIError, match="in the middle of its answer"):
        through.ask("cut", stream=True)


@pytest.mark.parametrize("model", ["cut", "not-json", "html-502"])
def test_a_garbled_answer_is_a_bad_gateway(through: Way, model: str) -> None:
    with pytest.raises(openai.InternalServerError) as raised:
        through.ask(model)
    assert raised.value.status_code == 502


def test_a_slow_upstream_is_waited_for(way: Way) -> None:
    assert way.ask("slow-headers").choices[0].message.content == GREETING
    assert text_of(way.ask("slow-headers", stream=True)) == GREETING


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_stops_the_upstream_within_a_second(way: Way, stream: bool) -> None:
    before, since = way.upstream.aborted, way.upstream.started
    async with way.async_client() as client:
        if stream:
            answer = await client.chat.completions.create(model=way.prefix + "stall", messages=ASK, stream=True)
            await anext(answer.__aiter__())
            await answer.close()
        else:
            with pytest.raises(openai.APITimeoutError):
                await client.chat.completions.create(model=way.prefix + "silent", messages=ASK, timeout=0.4)
    left = time.monotonic()
    await way.upstream.until(lambda upstream: upstream.aborted == before + 1)
    assert time.monotonic() - left < 1
    assert way.upstream.started == since + 1


@pytest.mark.anyio
async def test_the_async_client(way: Way) -> None:
    async with way.async_client() as client:
        whole = await client.chat.completions.create(model=way.prefix + "text", messages=ASK)
        assert whole.choices[0].message.content == GREETING
        stream = await client.chat.completions.create(model=way.prefix + "text", messages=ASK, stream=True)
        assert text_of([chunk async for chunk in stream]) == GREETING


def test_models_are_listed(way: Way) -> None:
    with way.client() as client:
        listed = {model.id: model for model in client.models.list()}
    assert listed[f"{way.prefix}text"].object == "model"


def test_a_model_is_asked_by_its_bare_name_where_that_is_enough(through: Way) -> None:
    with through.client() as client:
        answer = client.chat.completions.create(model="text", messages=ASK)
        assert answer.choices[0].message.content == GREETING
        assert client.models.retrieve("up/text").id == "up/text"


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": "hot"},
        {"extra_body": {"temprature": 1}},
        {"stream_options": {"include_usage": True}},
        {"max_tokens": 1, "max_completion_tokens": 1},
        {"messages": []},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache": 1}]}]},
        {"messages": [{"role": "tool", "tool_call_id": "nobody", "content": "3"}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,?"}}]}]},
        {"tools": [{"type": "function", "function": {"name": "two words"}}]},
    ],
)
def test_the_upstream_is_strict(direct: Way, options: dict[str, Any]) -> None:
    """Otherwise the other tests would prove little."""
    with pytest.raises(openai.BadRequestError):
        direct.ask("text", **options)


def test_unknown_fields_pass_through_byte_for_byte(direct: Way, through: Way) -> None:
    """Numbers keep their digits, strings their escapes, objects their order."""
    unknown = {"x_top": {"z": 1e-7, "a": [None, True, 12345678901234567890, "é\u2028\\"], "": {}}, "x_none": None}
    bodies = []
    for way in (direct, through):
        way.ask("text", extra_body=unknown, seed=7, logit_bias={"50256": -100})
        bodies.append(way.upstream.last.body)
    assert bodies[1].replace(b'"up/text"', b'"text"') == bodies[0]
    assert b'"model":"text"' in bodies[0].replace(b": ", b":")


@pytest.mark.parametrize("model", ["text", "tools", "reasoning", "separators", "refusal"])
@pytest.mark.parametrize("stream", [False, True])
def test_answers_pass_through_byte_for_byte(direct: Way, through: Way, model: str, stream: bool) -> None:
    options: dict[str, Any] = {"tools": [WEATHER]} if model == "tools" else {}
    if stream:
        options |= {"stream": True, "stream_options": {"include_usage": True}}
    answers = [way.raw(model, **options) for way in (direct, through)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_errors_pass_through_in_the_upstreams_words(direct: Way, through: Way, status: int) -> None:
    said = []
    for way in (direct, through):
        with pytest.raises(openai.APIStatusError) as raised:
            way.ask(f"error-{status}")
        said.append((raised.value.status_code, raised.value.body))
    assert said[0] == said[1]
