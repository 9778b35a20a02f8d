"""How each official SDK tells its user that something went wrong: what it raised, and what had come by then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx2
import openai
from google import genai
from google.genai import errors, types

from tests.tongues.rig import Tongues

_REQUEST = httpx2.Request("POST", "/v1/responses")
Ask = Callable[[Tongues, str, bool, str | None], Iterator[str]]


@dataclass
class Failure:
    """``kind`` is the class of the exception, ``text`` what of the answer had come, ``body`` the SDK's view of what was said."""

    kind: type[Exception]
    status: int | None
    message: str
    text: str
    headers: Any
    body: Any


def failing(tongues: Tongues, client: str, model: str, *, stream: bool, key: str | None = None) -> Failure:
    """Ask what must fail. An answer that ends as if nothing were wrong is an `AssertionError`."""
    text = ""
    try:
        for piece in _ASK[client](tongues, model, stream, key):
            text += piece
    except openai.APIStatusError as error:
        return Failure(type(error), error.status_code, error.message, text, error.response.headers, error.body)
    except openai.APIError as error:
        return Failure(type(error), None, error.message, text, {}, error.body)
    except anthropic.APIStatusError as error:
        return Failure(type(error), error.status_code, error.message, text, error.response.headers, error.body)
    except anthropic.APIError as error:
        return Failure(type(error), None, error.message, text, {}, error.body)
    except errors.APIError as error:
        headers = getattr(error.response, "headers", {})
        return Failure(type(error), error.code, error.message or "", text, headers, error.details)
    raise AssertionError(f"no error, but {text!r}")


def _chat(tongues: Tongues, model: str, stream: bool, key: str | None) -> Iterator[str]:
    with openai.OpenAI(base_url=f"{tongues.url}/v1", api_key=key or tongues.key, max_retries=0, timeout=20) as client:
        messages: Any = [{"role": "user", "content": "Go on."}]
        if not stream:
            yield client.chat.completions.create(model=model, messages=messages).choices[0].message.content or ""
            return
        for chunk in client.chat.completions.create(model=model, messages=messages, stream=True):
            yield chunk.choices[0].delta.content or "" if chunk.choices else ""


def _responses(tongues: Tongues, model: str, stream: bool, key: str | None) -> Iterator[str]:
    with openai.OpenAI(base_url=f"{tongues.url}/v1", api_key=key or tongues.key, max_retries=0, timeout=20) as client:
        if not stream:
            yield client.responses.create(model=model, input="Go on.").output_text
            return
        for event in client.responses.create(model=model, input="Go on.", stream=True):
            if event.type == "response.failed":
                # The SDK raises only ``error`` by itself; that a response failed is for its user to see.
                raise openai.APIError(event.response.error.message if event.response.error else "", _REQUEST, body=None)
            yield event.delta if event.type == "response.output_text.delta" else ""


def _anthropic(tongues: Tongues, model: str, stream: bool, key: str | None) -> Iterator[str]:
    with anthropic.Anthropic(base_url=tongues.url, api_key=key or tongues.key, max_retries=0, timeout=20) as client:
        asked: dict[str, Any] = {"model": model, "max_tokens": 1000, "messages": [{"role": "user", "content": "Go on."}]}
        if not stream:
            yield "".join(block.text for block in client.messages.create(**asked).content if block.type == "text")
            return
        for event in client.messages.create(**asked, stream=True):
            yield event.delta.text if event.type == "content_block_delta" and event.delta.type == "text_delta" else ""


def _gemini(tongues: Tongues, model: str, stream: bool, key: str | None) -> Iterator[str]:
    with genai.Client(api_key=key or tongues.key, http_options=types.HttpOptions(base_url=tongues.url, timeout=20_000)) as client:
        if not stream:
            yield client.models.generate_content(model=model, contents="Go on.").text or ""
            return
        for chunk in client.models.generate_content_stream(model=model, contents="Go on."):
            yield chunk.text or ""


_ASK: dict[str, Ask] = {"openai_chat": _chat, "openai_responses": _responses, "anthropic": _anthropic, "gemini": _gemini}
