"""What cuts across protocols and once broke real clients: headers, separators, keep-alives, names of fields, versions, retries."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from anyio.from_thread import start_blocking_portal
from google.genai import errors as google_errors

from assay.core import Provider
from assay.gateway import exchange
from assay.gateway.connection import Timeouts
from tests.tongues.conftest import Talks
from tests.tongues.raw import SCHEMA, TOOL, ask, body_of
from tests.tongues.rig import PAIRS, PROTOCOLS, Tongues, deployment, running_tongues
from tests.tongues.speakers import talk
from tests.tongues.spoiled import SpoiledUpstream
from tests.upstream.script import Answer, Asked, Calls, Says, Status, says
from tests.upstream.scripts import ANSWER_429_S, GREETING, SEPARATORS

AGENTS = [("user-agent", "one/1.0"), ("user-agent", "google-genai-sdk/2.34 two")]
HOSTILE_WORDS = f"{SEPARATORS} 界 \U00020000 \u202e\u200b"
OPENAI = ("openai_chat", "openai_responses")


@pytest.fixture
def fresh(tongues: Tongues) -> Tongues:
    """The gateway; what its upstream heard before is forgotten."""
    tongues.upstream.requests.clear()
    tongues.upstream.complaints.clear()
    return tongues


# 1. Headers that come twice


@pytest.mark.anyio
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
async def test_a_user_agent_that_comes_twice_is_no_offence(fresh: Tongues, client: str, upstream: str) -> None:
    """The upstream refuses a request that has two: neither is passed on."""
    heard = await ask(fresh, client, deployment(upstream, "text"), headers=AGENTS)
    assert (heard.status, heard.text) == (200, GREETING)
    assert fresh.upstream.last.header("user-agent") == "assay"
    assert fresh.upstream.complaints == []


@pytest.mark.anyio
async def test_betas_that_come_in_two_headers_are_all_passed_on(fresh: Tongues) -> None:
    betas = [("anthropic-beta", "interleaved-thinking-2025-05-14"), ("anthropic-beta", "effort-2025-11-24")]
    heard = await ask(fresh, "anthropic", "anthropic/text", headers=[*betas, ("anthropic-version", "2026-10-21")])
    assert heard.text == GREETING
    last = fresh.upstream.last
    assert [value for name, value in last.headers if name == "anthropic-beta"] == [", ".join(value for _, value in betas)]
    assert [value for name, value in last.headers if name == "anthropic-version"] == ["2026-10-21"]


# 2. Separators that are ordinary text in JSON


@pytest.mark.anyio
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
async def test_separators_pass_raw_and_escaped_both_ways(fresh: Tongues, client: str, upstream: str) -> None:
    for stream in (False, True):
        question = body_of(client, deployment(upstream, "echo"), words=HOSTILE_WORDS, stream=stream)
        for body in (json.dumps(question, ensure_ascii=False).encode(), json.dumps(question).encode()):
            heard = await ask(fresh, client, deployment(upstream, "echo"), stream=stream, body=body)
            assert heard.text == HOSTILE_WORDS
            assert HOSTILE_WORDS in json.dumps(fresh.upstream.last.json, ensure_ascii=False)
            # Readers of lines break at these; where bytes are made here they are escapes, and for Gemini's clients always.
            if client == "gemini" or client != upstream:
                assert not any(sign.encode() in heard.body for sign in "\u2028\u2029\u0085")


@pytest.mark.anyio
async def test_separators_in_the_arguments_of_a_call_pass_too(tmp_path: Path) -> None:
    def separated(asked: Asked) -> Answer:
        return Answer([Calls("weather", ['{"city":"', SEPARATORS, '"}'], "c1")], finish="tools")

    async with SpoiledUpstream(scripts={"separated": separated}) as upstream, running_tongues(tmp_path, upstream) as tongues:
        for client, protocol in PAIRS:
            for stream in (False, True):
                heard = await ask(tongues, client, deployment(protocol, "separated"), stream=stream, tools=True)
                assert json.loads(heard.arguments) == {"city": SEPARATORS}, (client, protocol, stream)


# 3. Signs of life

ODD = {
    "a comment": b": comment\n\n",
    "a comment before data": b": comment\n",
    "an id alone": b"id: 7\n\n",
    "an id without a colon": b"id\n\n",
    "a retry time alone": b"retry: 3000\n\n",
    "an id and a comment": b": c\nid: 7\n\n",
    "ping with foreign JSON": b'event: ping\ndata: {"type": "ping"}\n\n',
    "ping with words": b"event: keepalive\ndata: still here\n\n",
    "a name alone": b"event: ping\n\n",
    "blank lines": b"\n\n\n",
    "an unknown field": b"x-proxy: 1\n",
}
BORNE_BY_UPSTREAMS = {
    "openai_chat": set(ODD),
    "openai_responses": set(ODD) - {"ping with words"},
    "anthropic": set(ODD) - {"ping with words"},
    "gemini": set(ODD) - {"ping with foreign JSON", "ping with words"},
}
"""What a real server or a proxy in front of it may send; an event with data that is none of the protocol's is a fault."""


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tongues]:
    with (
        SpoiledUpstream() as upstream,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running_tongues(tmp_path_factory.mktemp("odd"), upstream)) as running,
    ):
        yield running


@pytest.mark.parametrize("apart", [False, pytest.param(True, marks=pytest.mark.prove)])
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_a_sign_of_life_of_any_upstream_is_borne_by_every_sdk(odd: Tongues, client: str, upstream: str, apart: bool) -> None:
    """All kinds of them in one stream, or each in a stream of its own."""
    assert isinstance(odd.upstream, SpoiledUpstream)
    forms = {name: ODD[name] for name in sorted(BORNE_BY_UPSTREAMS[upstream])}
    for name, form in forms.items() if apart else [("all", b"".join(forms.values()))]:
        odd.upstream.spoil = lambda events, form=form: [form, *(piece for event in events for piece in (event, form))]
        conversation = talk(odd, client, deployment(upstream, "text"), stream=True)
        try:
            assert conversation.ask("Go on.").text == GREETING, name
        finally:
            conversation.close()


@pytest.mark.anyio
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
async def test_a_stream_may_begin_with_a_mark_of_the_order_of_bytes(odd: Tongues, client: str, upstream: str) -> None:
    assert isinstance(odd.upstream, SpoiledUpstream)
    odd.upstream.spoil = lambda events: [b"\xef\xbb", b"\xbf" + events[0], *events[1:]]
    heard = await ask(odd, client, deployment(upstream, "text"), stream=True)
    assert (heard.text, heard.ended_well, heard.body[:3] == b"\xef\xbb\xbf") == (GREETING, True, False)


@pytest.mark.parametrize("protocol", OPENAI)
def test_words_that_look_like_fields_of_events_stay(odd: Tongues, protocol: str) -> None:
    """An upstream that numbers its events, and a model that writes ``id:`` at the end of what it says."""
    words = "look: id: 5\nretry: 1\nevent: x id: 7"
    assert isinstance(odd.upstream, SpoiledUpstream)
    odd.upstream.scripts["fields"] = lambda asked: Answer([Says([words[:9], words[9:20], words[20:]])])
    odd.upstream.spoil = lambda events: [piece for n, event in enumerate(events) for piece in (b"id: %d\n" % n, event, b": c\n\n")]
    conversation = talk(odd, protocol, deployment(protocol, "fields"), stream=True)
    assert conversation.ask("Go on.").text == words
    conversation.close()


LINES = {"openai_chat": (b"data: ", b": "), "openai_responses": (b"data: ", b": ", b"event: "), "anthropic": (b"data: ", b"event: "), "gemini": (b"data: ",)}  # fmt: skip


@pytest.mark.parametrize("client", PROTOCOLS)
@pytest.mark.parametrize("upstream", ["same", "other"])
def test_our_own_heartbeats_are_those_that_each_client_bears(
    tongues: Tongues, talks: Talks, monkeypatch: pytest.MonkeyPatch, client: str, upstream: str
) -> None:
    monkeypatch.setattr(exchange, "HEARTBEAT_S", 0.05)
    to = client if upstream == "same" else PROTOCOLS[(PROTOCOLS.index(client) + 1) % 4]
    assert talks(client, to, "slow-headers", stream=True).ask("Go on.").text == GREETING
    heard = asyncio.run(ask(tongues, client, deployment(to, "slow-headers"), stream=True))
    assert heard.text == GREETING
    assert heard.body.startswith(heartbeat(client)), "the client was kept waiting without a sign of life"
    for line in heard.body.replace(b"\r\n", b"\n").split(b"\n"):
        assert not line or line.startswith(LINES[client]), line


def heartbeat(client: str) -> bytes:
    """What a client of the protocol takes for a sign of life and for nothing else."""
    return {"anthropic": b"event: ping\ndata: ", "gemini": b"\r\n"}.get(client, b": ")


@pytest.mark.anyio
@pytest.mark.parametrize("upstream", ["gemini", "anthropic"])
async def test_an_array_of_gemini_is_kept_alive_by_white_space_and_ends_as_an_array(
    tongues: Tongues, monkeypatch: pytest.MonkeyPatch, upstream: str
) -> None:
    monkeypatch.setattr(exchange, "HEARTBEAT_S", 0.05)
    heard = await ask(tongues, "gemini", deployment(upstream, "slow-headers"), stream=True, as_list=True)
    assert heard.body.startswith(b"\r\n")
    assert (heard.text, heard.ended_well) == (GREETING, True)
    for model in ("cut", "mid-stream-error", "unfinished"):
        heard = await ask(tongues, "gemini", deployment(upstream, model), stream=True, as_list=True)
        assert type(json.loads(heard.body)) is list
        assert heard.error is not None
        assert not heard.ended_well


@pytest.mark.anyio
async def test_an_error_after_a_heartbeat_is_the_only_element_of_an_array(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "HEARTBEAT_S", 0.05)
    async with SpoiledUpstream() as upstream, running_tongues(tmp_path, upstream) as tongues:
        for protocol in PROTOCOLS:
            await ask(tongues, "gemini", deployment(protocol, "text"))
        monkeypatch.setattr(tongues.gateway._generations, "timeouts", Timeouts(first_byte_s=0.5))
        for protocol in PROTOCOLS:
            heard = await ask(tongues, "gemini", deployment(protocol, "silent"), stream=True, as_list=True)
            assert [list(one) for one in json.loads(heard.body)] == [["error"]], protocol


# 4. Names of fields in two spellings


def _spelt(style: str) -> dict[str, Any]:
    """One request of Gemini's in camel case, in snake case, or in both."""
    camel = {
        "contents": [
            {"role": "user", "parts": [{"text": "Go."}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]}
        ],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {
            "maxOutputTokens": 2077,
            "stopSequences": ["END"],
            "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 1024},
        },
        "tools": [{"functionDeclarations": [{**TOOL, "parametersJsonSchema": _OWN}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
    }
    if style == "camel":
        return camel
    snake: dict[str, Any] = _snake(camel)
    if style == "snake":
        return snake
    return camel | {"generation_config": snake["generation_config"], "system_instruction": snake["system_instruction"]} | {
        "generationConfig": None, "systemInstruction": None
    }  # fmt: skip


_OWN = {"type": "object", "properties": {"maxOutputTokens": SCHEMA, "max_output_tokens": SCHEMA}, "required": ["max_output_tokens"]}


def _snake(value: Any) -> Any:
    if isinstance(value, list):
        return [_snake(one) for one in value]
    if not isinstance(value, dict):
        return value
    spelt = {"".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name): inner for name, inner in value.items()}
    return {name: inner if name == "parameters_json_schema" else _snake(inner) for name, inner in spelt.items()}


@pytest.mark.anyio
@pytest.mark.parametrize("style", ["camel", "snake", "mixed"])
@pytest.mark.parametrize("upstream", PROTOCOLS)
async def test_fields_of_gemini_are_read_in_both_spellings_and_users_own_words_are_left_alone(
    fresh: Tongues, upstream: str, style: str
) -> None:
    body = {name: value for name, value in _spelt(style).items() if value is not None}
    heard = await ask(fresh, "gemini", deployment(upstream, "text"), body=body)
    assert (heard.status, heard.text) == (200, GREETING), heard
    sent = fresh.upstream.last.body.decode()
    for words in ("2077", "Be brief.", "iVBORw0KGgo=", '"maxOutputTokens":', '"max_output_tokens":'):
        assert words in sent.replace('": ', '":'), words
    assert fresh.upstream.complaints == []


# 5. Both versions of Anthropic's API, and both ways to send a key


@pytest.mark.anyio
@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
@pytest.mark.parametrize("style", ["x-api-key", "bearer"])
@pytest.mark.parametrize("upstream", PROTOCOLS)
async def test_both_versions_of_anthropics_api_are_spoken_with_both_styles_of_key(
    fresh: Tongues, version: str, style: str, upstream: str
) -> None:
    key = ("x-api-key", fresh.key) if style == "x-api-key" else ("authorization", f"Bearer {fresh.key}")
    keys = [key, ("anthropic-version", version)]
    model = deployment(upstream, "text")
    heard = await ask(fresh, "anthropic", model, keys=keys)
    assert (heard.status, heard.text) == (200, GREETING)
    if upstream == "anthropic":
        assert fresh.upstream.last.header("anthropic-version") == version, "the client's own version reaches the provider"
        assert fresh.upstream.last.header("authorization") is None
    warm = await ask(fresh, "anthropic", model, keys=keys, body=body_of("anthropic", model) | {"temperature": 0.5})
    if upstream == "anthropic" and version == "2026-10-21":
        assert warm.status == 400, "sampling is refused under the new version, by the provider and in its words"
        assert warm.error is not None
        assert "temperature" in warm.error["message"]
    else:
        assert warm.status == 200
        assert "0.5" in fresh.upstream.last.body.decode()


# 6. Names of models decide nothing

NAMES = ("fake-model", "gpt-5.2", "claude-opus-5", "gemini-3-pro", "o3-mini", "deepseek/r1:free", "界", "qwen3 32b")


@pytest.mark.anyio
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
async def test_the_name_of_a_model_changes_nothing_but_the_name(fresh: Tongues, client: str, upstream: str) -> None:
    sent = set()
    for name in NAMES:
        fresh.upstream.scripts[name] = lambda asked: says(GREETING)
        heard = await ask(fresh, client, deployment(upstream, name), body=_rich(client, deployment(upstream, name)))
        assert heard.status == 200, (name, heard)
        body = fresh.upstream.last.json
        body.pop("model", None)
        sent.add(json.dumps(body, sort_keys=True))
    assert len(sent) == 1
    assert fresh.upstream.complaints == []


def _rich(client: str, model: str) -> dict[str, Any]:
    """A request with the features that gateways like to keep for models that they know."""
    body = body_of(client, model, tools=True)
    match client:
        case "openai_chat":
            shape = {"type": "json_schema", "json_schema": {"name": "shape", "schema": SCHEMA, "strict": True}}
            body["messages"].insert(0, {"role": "developer", "content": "Be brief."})
            return body | {"reasoning_effort": "high", "response_format": shape}
        case "openai_responses":
            shape = {"format": {"type": "json_schema", "name": "shape", "schema": SCHEMA, "strict": True}}
            return body | {"instructions": "Be brief.", "reasoning": {"effort": "high"}, "text": shape}
        case "anthropic":
            shape = {"format": {"type": "json_schema", "schema": SCHEMA}, "effort": "high"}
            return body | {"system": "Be brief.", "output_config": shape}
    config = {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA, "thinkingConfig": {"thinkingBudget": 2048}}
    return body | {"systemInstruction": {"parts": [{"text": "Be brief."}]}, "generationConfig": config}


# 7. Retries


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_every_sdk_is_told_when_to_come_again_and_asks_the_upstream_once(
    fresh: Tongues, talks: Talks, client: str, upstream: str
) -> None:
    kinds = (openai.RateLimitError, anthropic.RateLimitError, google_errors.ClientError)
    with pytest.raises(kinds) as refused:
        talks(client, upstream, "error-429").ask("Go on.")
    assert len(fresh.upstream.requests) == 1
    error = refused.value
    assert "scripted 429" in str(error)
    if isinstance(error, google_errors.ClientError):
        assert error.code == 429
        assert f'"retryDelay": "{ANSWER_429_S}s"' in json.dumps(error.details)
    else:
        assert isinstance(error, openai.RateLimitError | anthropic.RateLimitError)
        assert error.response.headers["retry-after"] == str(ANSWER_429_S)


KINDS: dict[int, tuple[type[Exception], ...]] = {
    400: (openai.BadRequestError, anthropic.BadRequestError, google_errors.ClientError),
    401: (openai.AuthenticationError, anthropic.AuthenticationError, google_errors.ClientError),
    404: (openai.NotFoundError, anthropic.NotFoundError, google_errors.ClientError),
    500: (openai.InternalServerError, anthropic.InternalServerError, google_errors.ServerError),
    503: (openai.InternalServerError, anthropic.APIStatusError, google_errors.ServerError),
    529: (openai.InternalServerError, anthropic.APIStatusError, google_errors.ServerError),
}


@pytest.mark.parametrize("status", list(KINDS))
@pytest.mark.parametrize(("client", "upstream"), [pair for number, pair in enumerate(PAIRS) if number % 5 in (0, 1)])
def test_every_sdk_raises_its_own_kind_of_error(fresh: Tongues, talks: Talks, client: str, upstream: str, status: int) -> None:
    for stream in (False, True):
        with pytest.raises(KINDS[status], match=f"scripted {status}"):
            talks(client, upstream, f"error-{status}", stream=stream).ask("Go on.")
    assert len(fresh.upstream.requests) == 2


@pytest.mark.anyio
@pytest.mark.parametrize("client", PROTOCOLS)
async def test_what_an_upstream_says_about_retries_is_passed_on(fresh: Tongues, client: str) -> None:
    """OpenAI's and Anthropic's SDKs obey ``x-should-retry`` and ``retry-after-ms``."""
    told = {"retry-after-ms": "1500", "x-should-retry": "false"}
    fresh.upstream.scripts["later"] = lambda asked: Status(429, "scripted later", headers=told)
    for upstream in PROTOCOLS:
        heard = await ask(fresh, client, deployment(upstream, "later"))
        assert heard.status == 429
        assert {name: heard.header(name) for name in told} == told, upstream


@pytest.mark.anyio
async def test_what_will_not_change_by_itself_is_not_worth_another_try(tmp_path: Path) -> None:
    """A provider whose key nobody has set: SDKs would try a 503 three times, and are told not to."""
    row = Provider(name="keyless", title="Keyless", base_url="http://127.0.0.1:9/v1", key_env=("NO_SUCH_KEY",), origin="file")
    async with SpoiledUpstream() as upstream, running_tongues(tmp_path, upstream, more=(row,)) as tongues:
        for client in PROTOCOLS:
            heard = await ask(tongues, client, "keyless/m")
            assert (heard.status, heard.header("x-should-retry")) == (503, "false")
            assert heard.error is not None
            assert "NO_SUCH_KEY" in heard.error["message"]


# 8. Side calls


@pytest.mark.anyio
@pytest.mark.parametrize("client", PROTOCOLS)
async def test_side_calls_with_the_users_words_are_answered_each_for_itself(fresh: Tongues, client: str) -> None:
    """Agents ask for a title beside the answer, and for a memory after it: the same words, other bodies, at the same time."""
    words = "Weigh the apple."
    asked = [
        ask(fresh, client, deployment(upstream, "recite"), words=prompt, stream=stream, tools=stream)
        for upstream in PROTOCOLS
        for prompt, stream in ((words, True), (f"Give this a title: {words}", False), (f"What is to be kept of: {words}", True))
    ]
    answers = await asyncio.gather(*asked)
    for number, heard in enumerate(answers):
        assert heard.text.strip() == (words, f"Give this a title: {words}", f"What is to be kept of: {words}")[number % 3]
    assert len(fresh.upstream.requests) == len(answers)
    assert len({heard.header("x-request-id") for heard in answers}) == len(answers), "each is a call of its own"
