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

_REQUEST = httpx2.Request("POST", "/v1/responses")


@dataclass
class Failure:
    """``kind`` is the class of the exception, ``text`` what of the answer had come, ``body`` the SDK's view of what was said."""

    kind: type[Exception]
    status: int | None
    message: str
    text: str
    headers: Any
    body: Any


class Clients:
    """The SDKs' plain clients of one gateway, made once: each loads the system's certificates."""

    def __init__(self, url: str, key: str):
        shared: dict[str, Any] = {"api_key": key, "max_retries": 0, "timeout": 20}
        self._openai = openai.OpenAI(base_url=f"{url}/v1", **shared)
        self._anthropic = anthropic.Anthropic(base_url=url, **shared)
        self._google = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url, timeout=20_000))
        self._ask: dict[str, Callable[[str, bool], Iterator[str]]] = {
            "openai_chat": self._chat,
            "openai_responses": self._responses,
            "anthropic": self._messages,
            "gemini": self._generate,
        }

    def close(self) -> None:
        """Let go of their connections."""
        self._openai.close()
        self._anthropic.close()
        self._google.close()

    def failing(self, client: str, model: str, *, stream: bool) -> Failure:
        """Ask what must fail. An answer that ends as if nothing were wrong is an `AssertionError`."""
        text = ""
        try:
            for piece in self._ask[client](model, stream):
                text += piece
        except (openai.APIStatusError, anthropic.APIStatusError) as error:
            return Failure(type(error), error.status_code, error.message, text, error.response.headers, error.body)
        except (openai.APIError, anthropic.APIError) as error:
            return Failure(type(error), None, error.message, text, {}, error.body)
        except errors.APIError as error:
            headers = getattr(error.response, "headers", {})
            return Failure(type(error), error.code, error.message or "", text, headers, error.details)
        raise AssertionError(f"no error, but {text!r}")

    def _chat(self, model: str, stream: bool) -> Iterator[str]:
        messages: Any = [{"role": "user", "content": "Go on."}]
        if not stream:
            yield self._openai.chat.completions.create(model=model, messages=messages).choices[0].message.content or ""
            return
        for chunk in self._openai.chat.completions.create(model=model, messages=messages, stream=True):
            yield chunk.choices[0].delta.content or "" if chunk.choices else ""

    def _responses(self, model: str, stream: bool) -> Iterator[str]:
        if not stream:
            yield self._openai.responses.create(model=model, input="Go on.").output_text
            return
        for event in self._openai.responses.create(model=model, input="Go on.", stream=True):
            if event.type == "response.failed":
                # The SDK raises only ``error`` by itself; that a response failed is for its user to see.
                raise openai.APIError(event.response.error.message if event.response.error else "", _REQUEST, body=None)
            yield event.delta if event.type == "response.output_text.delta" else ""

    def _messages(self, model: str, stream: bool) -> Iterator[str]:
        asked: dict[str, Any] = {"model": model, "max_tokens": 1000, "messages": [{"role": "user", "content": "Go on."}]}
        if not stream:
            yield "".join(block.text for block in self._anthropic.messages.create(**asked).content if block.type == "text")
            return
        for event in self._anthropic.messages.create(**asked, stream=True):
            yield event.delta.text if event.type == "content_block_delta" and event.delta.type == "text_delta" else ""

    def _generate(self, model: str, stream: bool) -> Iterator[str]:
        if not stream:
            yield self._google.models.generate_content(model=model, contents="Go on.").text or ""
            return
        for chunk in self._google.models.generate_content_stream(model=model, contents="Go on."):
            yield chunk.text or ""
