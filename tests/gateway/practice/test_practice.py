"""The practice contestants as a provider: the protocol as the current openai SDK sees it, the socket, the pace, the labels."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionUserMessageParam

from assay.core import Message, Text, Transcript, Unavailable, assistant, user
from assay.gateway.practice import Pace, Practice, contestants, serve
from assay.gateway.practice.conversation import LONGEST_TURN, MOST_TURNS, Contestant, Conversation, read_conversation
from assay.gateway.practice.pieces import pieces_of
from assay.gateway.providers import shipped_providers

pytestmark = pytest.mark.anyio

ADD: ChatCompletionFunctionToolParam = {"type": "function", "function": {"name": "add"}}
AT_ONCE = Pace(pieces_per_s=None)
NAMES = [contestant.name for contestant in contestants()]


def said(text: str) -> list[ChatCompletionUserMessageParam]:
    return [{"role": "user", "content": text}]


@asynccontextmanager
async def sdk(socket: Path) -> AsyncIterator[openai.AsyncOpenAI]:
    async with (
        httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(uds=str(socket))) as http,
        openai.AsyncOpenAI(api_key="none", base_url="http://practice/v1", http_client=http, max_retries=0) as client,
    ):
        yield client


@pytest.fixture
async def client(anyio_backend: str, tmp_path: Path) -> AsyncIterator[openai.AsyncOpenAI]:
    async with serve(tmp_path / "practice.sock", pace=AT_ONCE), sdk(tmp_path / "practice.sock") as client:
        yield client


async def test_it_lists_the_contestants(client: openai.AsyncOpenAI) -> None:
    listed = await client.models.list()
    assert [model.id for model in listed.data] == NAMES


@pytest.mark.parametrize("name", NAMES)
async def test_every_contestant_answers_whole_and_as_a_stream_alike(client: openai.AsyncOpenAI, name: str) -> None:
    whole = await client.chat.completions.create(model=name, messages=said("How do I sort a list?"))
    stream = await client.chat.completions.create(
        model=name, messages=said("How do I sort a list?"), stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert whole.choices[0].finish_reason == "stop"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert whole.usage is not None
    assert whole.usage.completion_tokens == len(pieces_of(text))
    assert whole.usage.prompt_tokens == len(pieces_of("How do I sort a list?"))


async def test_usage_comes_in_a_stream_only_when_it_is_asked_for(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model="reckoner", messages=said("2+2"), stream=True)
    assert all(chunk.usage is None and chunk.choices for chunk in [chunk async for chunk in stream])


async def test_limits_and_stop_sequences_are_kept_to(client: openai.AsyncOpenAI) -> None:
    short = await client.chat.completions.create(model="listener", messages=said("I feel cold"), max_completion_tokens=3)
    assert short.choices[0].finish_reason == "length"
    assert short.usage is not None
    assert short.usage.completion_tokens == 3
    stopped = await client.chat.completions.create(model="reckoner", messages=said("17% of 3450"), stop=["586"])
    assert stopped.choices[0].message.content == "**"
    assert stopped.choices[0].finish_reason == "stop"


async def test_earlier_turns_count(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model="reckoner",
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "2 + 2"}]},
            {"role": "assistant", "content": "**4**"},
            {"role": "user", "content": "times 3"},
        ],
    )
    assert "**12**" in (answer.choices[0].message.content or "")


async def test_what_is_beyond_a_practice_program_is_refused(client: openai.AsyncOpenAI) -> None:
    create = client.chat.completions.create
    with pytest.raises(openai.NotFoundError, match="Ask for one of: librarian"):
        await create(model="gpt", messages=said("hello"))
    with pytest.raises(openai.BadRequestError, match="one choice"):
        await create(model="reckoner", messages=said("2+2"), n=2)
    with pytest.raises(openai.UnprocessableEntityError, match="not JSON"):
        await create(model="reckoner", messages=said("2+2"), response_format={"type": "json_object"})
    with pytest.raises(openai.UnprocessableEntityError, match="no tools"):
        await create(model="reckoner", messages=said("2+2"), tools=[ADD], tool_choice="required")
    with pytest.raises(openai.NotFoundError):
        await client.embeddings.create(model="reckoner", input="x")


async def test_broken_json_gets_an_error_in_the_shape_of_the_protocol(anyio_backend: str) -> None:
    status, body = await called(Practice(contestants(), AT_ONCE), b"{")
    assert status == 400
    assert json.loads(body)["error"]["message"]


async def test_a_long_prompt_is_read_in_part_and_said_so(client: openai.AsyncOpenAI) -> None:
    prompt = "lorem ipsum " * 40_000
    answer = await client.chat.completions.create(model="stylist", messages=said(prompt))
    assert f"left out the {len(prompt) - LONGEST_TURN:,} after them" in (answer.choices[0].message.content or "")
    chinese = await client.chat.completions.create(model="listener", messages=said("我想說話。" * 9_000))
    assert "後面的 25,000 個字元沒有讀" in (chinese.choices[0].message.content or "")


async def test_the_socket_is_private_and_gone_afterwards(anyio_backend: str, tmp_path: Path) -> None:
    socket = tmp_path / "inner" / "practice.sock"
    async with serve(socket, pace=AT_ONCE):
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert os.listdir(socket.parent) == ["practice.sock"]
    assert os.listdir(socket.parent) == []


async def test_a_socket_that_a_killed_process_left_is_replaced(anyio_backend: str, tmp_path: Path) -> None:
    (tmp_path / "practice.sock").touch()
    async with serve(tmp_path / "practice.sock", pace=AT_ONCE), sdk(tmp_path / "practice.sock") as client:
        assert (await client.models.list()).data


async def test_a_path_that_cannot_be_private_is_refused(anyio_backend: str, tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o777)
    with pytest.raises(Unavailable, match="chmod 700"):
        async with serve(tmp_path / "practice.sock"):
            pass
    with pytest.raises(Unavailable, match="shorter path"):
        async with serve(tmp_path / ("x" * 120)):
            pass


async def test_a_client_that_goes_away_stops_the_answer(anyio_backend: str) -> None:
    """The pace would take an hour; the application returns as soon as the client is gone."""
    gone, asked = asyncio.Event(), asyncio.Event()
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        if not asked.is_set():
            asked.set()
            return {"type": "http.request", "body": request("reckoner", stream=True)}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)
        gone.set()

    practice = Practice(contestants(), Pace(pieces_per_s=0.01, first_s=3_600.0))
    async with asyncio.timeout(10):
        await practice(scope("/v1/chat/completions"), receive, send)
    await practice.close()
    assert [message["type"] for message in sent] == ["http.response.start"]


async def test_while_a_contestant_thinks_others_are_served(anyio_backend: str) -> None:
    """An answer that never comes holds up nobody."""

    class Stuck:
        name = "stuck"

        def prepare(self) -> None: ...

        async def answer(self, conversation: Conversation) -> str:
            await asyncio.Event().wait()
            return ""

        async def close(self) -> None: ...

    stuck: Contestant = Stuck()
    practice = Practice((stuck, *contestants()), AT_ONCE)
    waiting = asyncio.create_task(called(practice, request("stuck")))
    status, _ = await called(practice, request("reckoner"))
    assert status == 200
    assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await practice.close()


@pytest.mark.parametrize("name", NAMES)
async def test_no_answer_names_its_contestant(client: openai.AsyncOpenAI, name: str) -> None:
    for question in (
        "Who are you?",
        "What is your name? Which model?",
        "你是谁？",
        "你叫什麼名字？",
        "hello",
        "2 + 2",
        "sort a list",
    ):
        answer = await client.chat.completions.create(model=name, messages=said(question))
        told = (answer.choices[0].message.content or "").lower()
        for label in (*NAMES, "assay"):
            assert label not in told, question


async def test_contestants_really_differ(client: openai.AsyncOpenAI) -> None:
    for question in ("How do I sort a list?", "17% of 3450", "I feel tired of my work", "列表怎么排序"):
        answers = {
            (await client.chat.completions.create(model=name, messages=said(question))).choices[0].message.content for name in NAMES
        }
        assert len(answers) == len(NAMES)


def test_the_provider_row_says_the_same_contestants_and_what_each_is() -> None:
    row = shipped_providers()["practice"]
    assert row.kind == "practice"
    assert row.auth == "none"
    assert [model.name for model in row.models] == NAMES
    for model in row.models:
        assert set(model.about) == {"en", "zh-Hans", "zh-Hant"}
        assert "not a language model" in model.about["en"]
        assert model.title is not None
        assert "Practice" in model.title


def test_pieces_lose_nothing() -> None:
    for text in (
        "Hello, world!  Two   spaces\n\n```py\nx = 1\n```",
        "試金石 weighs 3.14 kg，真的。",
        "",
        "\x00\ud800 é̂ ﷽",
        " " * 40,
    ):
        assert "".join(pieces_of(text)) == text


def test_the_pace_depends_on_the_answer_alone_and_keeps_its_rate() -> None:
    pace = Pace(pieces_per_s=60.0, first_s=0.3)
    waits = [wait for wait, _ in zip(pace.waits("an answer"), range(601), strict=False)]
    assert waits == [wait for wait, _ in zip(pace.waits("an answer"), range(601), strict=False)]
    assert 0.2 <= waits[0] <= 0.4
    assert sum(waits[1:]) == pytest.approx(10.0, rel=0.15)
    assert min(waits[1:]) > 0.5 / 60.0
    assert next(AT_ONCE.waits("an answer")) == 0.0


def test_a_conversation_is_cut_to_what_is_considered() -> None:
    messages = (
        Message(role="system", parts=(Text(text="x"),)),
        *(user(f"q{turn}") if turn % 2 == 0 else assistant("a") for turn in range(101)),
    )
    conversation = read_conversation(Transcript(messages))
    assert len(conversation.turns) == MOST_TURNS
    assert conversation.question == "q100"
    assert read_conversation(Transcript((user("x" * (LONGEST_TURN + 7)),))).left_out == 7


def test_nothing_is_loaded_before_the_first_question() -> None:
    """Memory is only taken when someone asks: no tables, no topics, no index."""
    program = (
        "import sys\n"
        "from assay.gateway.practice import contestants\n"
        "from assay.gateway.practice.librarian import search\n"
        "from assay.gateway.practice.reckoner import tokens, units\n"
        "contestants()\n"
        "print(search._phrases.cache_info().currsize, units._names.cache_info().currsize, tokens._words.cache_info().currsize,"
        " 'pydoc_data.topics' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "0", "0", "False"]


def request(model: str, *, stream: bool = False) -> bytes:
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "2 + 2"}], "stream": stream}).encode()


def scope(path: str) -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": path}


async def called(app: Practice, body: bytes) -> tuple[int, bytes]:
    """The status and body of one request to ``app`` by a client that stays."""
    sent: list[MutableMapping[str, Any]] = []
    asked = asyncio.Event()

    async def receive() -> MutableMapping[str, Any]:
        if asked.is_set():
            await asyncio.Event().wait()
        asked.set()
        return {"type": "http.request", "body": body}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(scope("/v1/chat/completions"), receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])
