"""Errors, as the official SDKs raise them, over all sixteen pairs."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import anthropic
import openai
import pytest
from google.genai import errors

from tests.tongues.failures import Clients, Failure
from tests.tongues.rig import PAIRS, PROTOCOLS, Tongues, deployment
from tests.upstream.script import Answer, Asked, Status, says
from tests.upstream.scripts import ANSWER_429_S, GREETING
from tests.upstream.speech import anthropic as anthropic_speech
from tests.upstream.speech import chat, gemini, responses

_SPEECH: dict[str, ModuleType] = {
    "openai_chat": chat,
    "openai_responses": responses,
    "anthropic": anthropic_speech,
    "gemini": gemini,
}
KINDS: dict[int, tuple[type[Exception], type[Exception], type[Exception]]] = {
    400: (openai.BadRequestError, anthropic.BadRequestError, errors.ClientError),
    401: (openai.AuthenticationError, anthropic.AuthenticationError, errors.ClientError),
    403: (openai.PermissionDeniedError, anthropic.PermissionDeniedError, errors.ClientError),
    404: (openai.NotFoundError, anthropic.NotFoundError, errors.ClientError),
    422: (openai.UnprocessableEntityError, anthropic.UnprocessableEntityError, errors.ClientError),
    429: (openai.RateLimitError, anthropic.RateLimitError, errors.ClientError),
    500: (openai.InternalServerError, anthropic.InternalServerError, errors.ServerError),
    502: (openai.InternalServerError, anthropic.InternalServerError, errors.ServerError),
    503: (openai.InternalServerError, anthropic.ServiceUnavailableError, errors.ServerError),
    529: (openai.InternalServerError, anthropic.OverloadedError, errors.ServerError),
}
WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}
"""What Google calls them (``google.rpc.Code``)."""

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}
"""What Anthropic calls them (API reference, "Errors", 2026-11)."""

pairs = pytest.mark.parametrize(("client", "upstream"), PAIRS, ids=[f"{client}>{upstream}" for client, upstream in PAIRS])
ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
clients = pytest.mark.parametrize("client", PROTOCOLS)


@pytest.fixture(scope="module")
def sdks(tongues: Tongues) -> Iterator[Clients]:
    clients = Clients(tongues.url, tongues.key)
    yield clients
    clients.close()


def kind_of(client: str, status: int) -> type[Exception]:
    """The exception that the SDK has for a status."""
    ours, anthropics, googles = KINDS[status]
    return {"anthropic": anthropics, "gemini": googles}.get(client, ours)


def check(failure: Failure, client: str, status: int) -> None:
    """The right exception, in the protocol's own envelope."""
    assert (failure.kind, failure.status) == (kind_of(client, status), status)
    assert failure.text == ""
    assert failure.headers["x-request-id"]
    if client == "anthropic":
        assert failure.body["type"] == "error"
        assert failure.body["error"]["type"] == TYPES.get(status, failure.body["error"]["type"])
        assert failure.body["request_id"] == failure.headers["request-id"] or failure.body["request_id"] == "req_scripted"
    elif client == "gemini":
        assert failure.body["error"]["code"] == status
        assert failure.body["error"]["status"] == WORDS.get(status, failure.body["error"]["status"])


@pairs
@ways
@pytest.mark.parametrize("status", [400, 403, 404, 422, 429, 500, 503, 529])
def test_each_status_raises_its_exception(sdks: Clients, client: str, upstream: str, stream: bool, status: int) -> None:
    failure = sdks.failing(client, deployment(upstream, f"error-{status}"), stream=stream)
    check(failure, client, status)
    assert f"scripted {status}" in failure.message
    assert "sk-upstream" not in str(failure)
    assert failure.headers.get("retry-after") == (str(ANSWER_429_S) if status == 429 else None)
    if client == "gemini" and status == 429:
        delays = [detail["retryDelay"] for detail in failure.body["error"]["details"] if "retryDelay" in detail]
        assert delays == [f"{ANSWER_429_S}s"]


@pairs
@ways
def test_a_bad_key_of_ours_is_not_told_as_the_clients(sdks: Clients, client: str, upstream: str, stream: bool) -> None:
    failure = sdks.failing(client, deployment(upstream, "error-401"), stream=stream)
    check(failure, client, 401)
    assert "Your gateway key is fine. Replace the provider's key on the Providers page." in failure.message


@pairs
@ways
def test_a_page_of_a_proxy_is_a_bad_gateway(sdks: Clients, client: str, upstream: str, stream: bool) -> None:
    failure = sdks.failing(client, deployment(upstream, "html-502"), stream=stream)
    check(failure, client, 502)
    assert "Bad Gateway" in failure.message


@pairs
@ways
def test_what_is_no_answer_is_a_bad_gateway(sdks: Clients, client: str, upstream: str, stream: bool) -> None:
    check(sdks.failing(client, deployment(upstream, "not-json"), stream=stream), client, 502)


@pairs
@pytest.mark.parametrize("model", ["mid-stream-error", "mid-stream-event", "cut", "cut-utf8"])
def test_a_stream_that_breaks_raises_after_the_words_that_came(sdks: Clients, client: str, upstream: str, model: str) -> None:
    failure = sdks.failing(client, deployment(upstream, model), stream=True)
    assert issubclass(failure.kind, (openai.APIError, anthropic.APIError, errors.APIError))
    assert failure.text
    assert GREETING.startswith(failure.text)
    if model.startswith("mid"):
        assert "scripted overload" in failure.message
    else:
        assert "in the middle of its answer" in failure.message


@pairs
def test_an_answer_that_is_not_whole_is_no_answer(sdks: Clients, client: str, upstream: str) -> None:
    check(sdks.failing(client, deployment(upstream, "cut"), stream=False), client, 502)


@pytest.fixture(scope="module")
def early_errors(tongues: Tongues) -> Iterator[None]:
    """Models whose streams end in an error before there is any content, though they answer 200."""

    def at_once(asked: Asked) -> Status:
        event = _SPEECH[asked.protocol].failure(asked, Answer([], fault="error-event")).data
        return Status(200, body=event, headers={"content-type": "text/event-stream"})

    def after_start(asked: Asked) -> Answer:
        return says(GREETING, fault="error", fault_after=0)

    tongues.upstream.scripts |= {"error-at-once": at_once, "error-after-start": after_start}
    yield
    for model in ("error-at-once", "error-after-start"):
        del tongues.upstream.scripts[model]


@pairs
@pytest.mark.parametrize("model", ["error-at-once", "error-after-start"])
def test_an_error_before_any_content_has_a_status_of_its_own(
    sdks: Clients, early_errors: None, client: str, upstream: str, model: str
) -> None:
    failure = sdks.failing(client, deployment(upstream, model), stream=True)
    assert "scripted overload" in failure.message
    if model == "error-after-start" and (client == upstream or upstream == "gemini"):
        # What is passed on is passed on at once; and Gemini's streams begin with content.
        assert failure.status in (None, 200, 503)
    else:
        check(failure, client, {"anthropic": 529, "gemini": 503, "openai_chat": 500, "openai_responses": 500}[upstream])


@clients
@ways
def test_a_model_that_is_unknown_is_not_found(sdks: Clients, client: str, stream: bool) -> None:
    """Unknown here, and unknown to the provider."""
    failure = sdks.failing(client, "no/such:model", stream=stream)
    check(failure, client, 404)
    assert "no/such:model" in failure.message
    for upstream in PROTOCOLS:
        failure = sdks.failing(client, deployment(upstream, "no-such-model"), stream=stream)
        check(failure, client, 404)
        assert "no-such-model" in failure.message


@clients
@ways
def test_a_bad_gateway_key_is_the_clients(tongues: Tongues, client: str, stream: bool) -> None:
    strangers = Clients(tongues.url, "ask-wrong")
    failure = strangers.failing(client, "chat/text", stream=stream)
    strangers.close()
    check(failure, client, 401)
    assert "This gateway key is not valid here." in failure.message
