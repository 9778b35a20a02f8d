"""Lists of models and counts of tokens, by the official SDKs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from anyio.from_thread import start_blocking_portal
from google import genai
from google.genai import errors, types

from assay.core import Model, Provider
from tests.tongues.rig import PROTOCOLS, Tongues, deployment, running_tongues
from tests.tongues.speakers import SCHEMA, TOOL, talk
from tests.upstream import ScriptedUpstream

NAMES = ("plain-1", "org/family:free", "a b", "模型")
ESTIMATED = "approximated:token_count=an estimate"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tongues]:
    """A gateway that has models to list."""
    models = tuple(Model(name=name, title=f"The {name}") for name in NAMES)
    with ScriptedUpstream() as upstream, start_blocking_portal() as portal:
        listed = Provider(
            name="shelf", title="Shelf", base_url=upstream.url, auth="none", organization="Scales Ltd", models=models, origin="file"
        )
        folder = tmp_path_factory.mktemp("shelf")
        with portal.wrap_async_context_manager(running_tongues(folder, upstream, more=(listed,))) as running:
            yield running


def google(tongues: Tongues, version: str | None = None, key: str | None = None) -> genai.Client:
    options = types.HttpOptions(base_url=tongues.url, timeout=20_000, api_version=version)
    return genai.Client(api_key=key or tongues.key, http_options=options)


def test_openais_sdk_lists_models_and_shows_one(shelf: Tongues) -> None:
    with openai.OpenAI(base_url=f"{shelf.url}/v1", api_key=shelf.key, max_retries=0) as client:
        listed = {model.id: model for model in client.models.list()}
        for name in NAMES:
            model = client.models.retrieve(f"shelf/{name}")
            assert listed[f"shelf/{name}"] == model
            assert (model.object, model.owned_by) == ("model", "Scales Ltd")
        with pytest.raises(openai.NotFoundError, match="There is no model"):
            client.models.retrieve("none-such")


def test_anthropics_sdk_lists_models_and_shows_one(shelf: Tongues) -> None:
    with anthropic.Anthropic(base_url=shelf.url, api_key=shelf.key, max_retries=0) as client:
        page = client.models.list(limit=1000)
        assert (page.has_more, page.first_id, page.last_id) == (False, page.data[0].id, page.data[-1].id)
        listed = {model.id: model for model in client.models.list()}
        for name in NAMES:
            model = client.models.retrieve(f"shelf/{name}")
            assert listed[f"shelf/{name}"] == model
            assert (model.type, model.display_name) == ("model", f"The {name}")
        beta = [model.id for model in client.beta.models.list()]
        assert beta == list(listed)
        with pytest.raises(anthropic.NotFoundError, match="There is no model"):
            client.models.retrieve("none-such")


@pytest.mark.parametrize("version", [None, "v1beta", "v1"])
def test_googles_sdk_lists_models_and_shows_one(shelf: Tongues, version: str | None) -> None:
    with google(shelf, version) as client:
        listed = {model.name: model for model in client.models.list(config={"page_size": 100})}
        for name in NAMES[:2]:
            model = client.models.get(model=f"models/shelf/{name}")
            assert listed[f"models/shelf/{name}"] == model
            assert model.display_name == f"The {name}"
            assert "generateContent" in (model.supported_actions or ())
        with pytest.raises(errors.ClientError, match="There is no model"):
            client.models.get(model="none-such")


def test_lists_are_for_those_who_have_a_key(shelf: Tongues) -> None:
    wrong: Any = {"api_key": "ask-wrong", "max_retries": 0}
    with openai.OpenAI(base_url=f"{shelf.url}/v1", **wrong) as ours, pytest.raises(openai.AuthenticationError):
        ours.models.list()
    with anthropic.Anthropic(base_url=shelf.url, **wrong) as theirs, pytest.raises(anthropic.AuthenticationError):
        theirs.models.list()
    with google(shelf, key="ask-wrong") as googles, pytest.raises(errors.ClientError) as caught:
        list(googles.models.list())
    assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")


def by_anthropic(tongues: Tongues, model: str, **more: Any) -> tuple[int, str | None]:
    """The words of a conversation with a system text and a tool, counted."""
    with anthropic.Anthropic(base_url=tongues.url, api_key=tongues.key, max_retries=0) as client:
        raw = client.messages.with_raw_response.count_tokens(
            model=model, system="one two", messages=[{"role": "user", "content": "three four five"}], **more
        )
        return raw.parse().input_tokens, raw.headers.get("x-assay-losses")


def by_responses(tongues: Tongues, model: str, **more: Any) -> tuple[int, str | None]:
    with openai.OpenAI(base_url=f"{tongues.url}/v1", api_key=tongues.key, max_retries=0) as client:
        raw = client.responses.input_tokens.with_raw_response.count(
            model=model, instructions="one two", input="three four five", **more
        )
        counted = raw.parse()
        assert counted.object == "response.input_tokens"
        return counted.input_tokens, raw.headers.get("x-assay-losses")


def by_gemini(tongues: Tongues, model: str, **more: Any) -> tuple[int, str | None]:
    """Google's SDK for the Developer API counts contents only: it refuses a system text itself."""
    with google(tongues) as client:
        counted = client.models.count_tokens(model=model, contents="one two three four five", **more)
        headers = counted.sdk_http_response.headers if counted.sdk_http_response else None
        return counted.total_tokens or 0, (headers or {}).get("x-assay-losses")


COUNTERS: dict[str, Callable[..., tuple[int, str | None]]] = {
    "openai_responses": by_responses,
    "anthropic": by_anthropic,
    "gemini": by_gemini,
}


@pytest.mark.parametrize("upstream", PROTOCOLS)
@pytest.mark.parametrize("client", list(COUNTERS))
def test_tokens_are_counted_by_the_provider_or_called_an_estimate(tongues: Tongues, client: str, upstream: str) -> None:
    tongues.upstream.complaints.clear()
    before = len(tongues.upstream.requests)
    count, losses = COUNTERS[client](tongues, deployment(upstream, "text"))
    if upstream == "openai_chat":
        assert len(tongues.upstream.requests) == before, "nobody was asked"
        assert 5 <= count <= 20
        assert losses == ESTIMATED
    else:
        assert (count, losses) == (5, None)
        assert tongues.upstream.requests[-1].place is not None
        assert tongues.upstream.requests[-1].place.operation == "count"
    assert tongues.upstream.complaints == []


def test_what_is_not_counted_is_listed(tongues: Tongues) -> None:
    tongues.upstream.complaints.clear()
    search: Any = {"type": "web_search"}
    assert by_responses(tongues, "anthropic/text", tools=[search]) == (5, "dropped:tools.web_search")
    assert tongues.upstream.complaints == []


@pytest.mark.parametrize("upstream", ["openai_responses", "anthropic", "gemini"])
def test_a_provider_that_does_not_count_says_why(tongues: Tongues, upstream: str) -> None:
    words: Any = [{"role": "user", "content": "x"}]
    with anthropic.Anthropic(base_url=tongues.url, api_key=tongues.key, max_retries=0) as client:
        with pytest.raises(anthropic.NotFoundError, match="There is no model 'no-such-model'") as unknown:
            client.messages.count_tokens(model=deployment(upstream, "no-such-model"), messages=words)
        assert unknown.value.error_code == ("upstream.not_found" if upstream != "openai_responses" else "model_not_found")
        with pytest.raises(anthropic.BadRequestError) as empty:
            client.messages.count_tokens(model=deployment(upstream, "text"), messages=[])
        assert empty.value.request_id
    tongues.upstream.complaints.clear()


@pytest.mark.parametrize("upstream", ["anthropic", "gemini", "openai_responses"])
def test_a_conversation_that_changed_its_model_can_still_be_counted(tongues: Tongues, upstream: str) -> None:
    """Its thoughts are signed for the model of before, which this provider would refuse."""
    tongues.upstream.complaints.clear()
    conversation = talk(tongues, "anthropic", "gemini/think-tool", tools=True, thinking=True)
    heard = conversation.ask("How is the weather?")
    conversation.close()
    history: Any = [
        {"role": "user", "content": "How is the weather?"},
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in heard.raw.content]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": heard.calls[0].id, "content": "fine"}]},
    ]
    tools: Any = [{"name": TOOL, "input_schema": SCHEMA}]
    with anthropic.Anthropic(base_url=tongues.url, api_key=tongues.key, max_retries=0) as client:
        counted = client.messages.count_tokens(model=deployment(upstream, "text"), messages=history, tools=tools)
    assert counted.input_tokens >= 5
    assert tongues.upstream.complaints == []
