"""The official SDKs, each as its users write it, behind the few words that all conversations need.

A `Speaker` opens a `Talk` with a model; in a talk one asks, and gives back what tools found. What the SDK returns is appended to
the history the way its documentation says, so whatever a client of that protocol would lose is lost here too.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import anthropic
import openai
from google import genai
from google.genai import types
from openai.lib.streaming.chat import ChatCompletionStreamState

from tests.tongues.rig import Tongues

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Where."}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = "weather"
PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(range(100))


@dataclass
class Called:
    """A tool that the model asked for."""

    id: str
    name: str
    arguments: Any


@dataclass
class Heard:
    """One answer. ``stop`` is the protocol's own word; ``tokens`` are what went in and came out, in all."""

    text: str
    stop: str
    tokens: tuple[int, int]
    calls: list[Called] = field(default_factory=list)
    thoughts: str = ""
    pieces: int = 1
    raw: Any = None


@dataclass
class Wants:
    """What a talk is about, beside its words."""

    system: str | None = None
    tools: bool = False
    forced: bool = False
    thinking: bool = False
    schema: dict[str, Any] | None = None
    stream: bool = False
    image: bytes | None = None


class Talk(Protocol):
    """A conversation with one model; ``model`` may be changed between turns."""

    model: str

    def ask(self, words: str) -> Heard: ...

    def give(self, results: dict[str, str]) -> Heard:
        """The results of the last answer's calls, by their ids."""

    def close(self) -> None: ...


class ChatTalk:
    def __init__(self, tongues: Tongues, model: str, wants: Wants):
        self.model = model
        self._wants = wants
        self._client = openai.OpenAI(base_url=f"{tongues.url}/v1", api_key=tongues.key, max_retries=0, timeout=20)
        self._messages: list[Any] = [{"role": "system", "content": wants.system}] if wants.system else []
        self._returns_thoughts = model.startswith("chat/")

    def ask(self, words: str) -> Heard:
        content: Any = words
        if self._wants.image:
            url = "data:image/png;base64," + base64.b64encode(self._wants.image).decode()
            content = [{"type": "text", "text": words}, {"type": "image_url", "image_url": {"url": url}}]
        self._messages.append({"role": "user", "content": content})
        return self._turn()

    def give(self, results: dict[str, str]) -> Heard:
        self._messages += [{"role": "tool", "tool_call_id": id, "content": words} for id, words in results.items()]
        return self._turn()

    def close(self) -> None:
        self._client.close()

    def _turn(self) -> Heard:
        options: dict[str, Any] = {"model": self.model, "messages": self._messages}
        if self._wants.tools:
            function = {"name": TOOL, "description": "The weather in a city.", "parameters": SCHEMA}
            options["tools"] = [{"type": "function", "function": function}]
        if self._wants.forced:
            options["tool_choice"] = {"type": "function", "function": {"name": TOOL}}
        if self._wants.schema:
            options["response_format"] = {"type": "json_schema", "json_schema": {"name": "shape", "schema": self._wants.schema}}
        if self._wants.thinking:
            options["reasoning_effort"] = "medium"
        if self._wants.stream:
            state: Any = ChatCompletionStreamState()
            pieces = 0
            for chunk in self._client.chat.completions.create(**options, stream=True, stream_options={"include_usage": True}):
                state.handle_chunk(chunk)
                pieces += bool(chunk.choices and chunk.choices[0].delta.content)
            answer: Any = state.current_completion_snapshot
        else:
            pieces, answer = 1, self._client.chat.completions.create(**options)
        message = answer.choices[0].message
        # Users append what they know of; only those of DeepSeek and its kin know to send the thoughts back.
        kept = {"role": "assistant", "content": message.content}
        if message.refusal:
            kept["refusal"] = message.refusal
        if self._returns_thoughts and getattr(message, "reasoning_content", None):
            kept["reasoning_content"] = message.reasoning_content
        if message.tool_calls:
            kept["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.function.name, "arguments": call.function.arguments}}
                for call in message.tool_calls
            ]
        self._messages.append(kept)
        return Heard(
            message.content or message.refusal or "",
            answer.choices[0].finish_reason,
            (answer.usage.prompt_tokens, answer.usage.completion_tokens),
            [Called(call.id, call.function.name, json.loads(call.function.arguments or "{}")) for call in message.tool_calls or ()],
            getattr(message, "reasoning_content", None) or "",
            pieces,
            answer,
        )


class ResponsesTalk:
    def __init__(self, tongues: Tongues, model: str, wants: Wants):
        self.model = model
        self._wants = wants
        self._client = openai.OpenAI(base_url=f"{tongues.url}/v1", api_key=tongues.key, max_retries=0, timeout=20)
        self._input: list[Any] = []

    def ask(self, words: str) -> Heard:
        content: list[Any] = [{"type": "input_text", "text": words}]
        if self._wants.image:
            url = "data:image/png;base64," + base64.b64encode(self._wants.image).decode()
            content.append({"type": "input_image", "image_url": url, "detail": "auto"})
        self._input.append({"role": "user", "content": content})
        return self._turn()

    def give(self, results: dict[str, str]) -> Heard:
        self._input += [{"type": "function_call_output", "call_id": id, "output": words} for id, words in results.items()]
        return self._turn()

    def close(self) -> None:
        self._client.close()

    def _turn(self) -> Heard:
        options: dict[str, Any] = {"model": self.model, "input": self._input, "store": False}
        options["include"] = ["reasoning.encrypted_content"]
        if self._wants.system:
            options["instructions"] = self._wants.system
        if self._wants.tools:
            options["tools"] = [
                {"type": "function", "name": TOOL, "description": "The weather.", "parameters": SCHEMA, "strict": True}
            ]
        if self._wants.forced:
            options["tool_choice"] = {"type": "function", "name": TOOL}
        if self._wants.schema:
            options["text"] = {"format": {"type": "json_schema", "name": "shape", "schema": self._wants.schema}}
        if self._wants.thinking:
            options["reasoning"] = {"effort": "medium", "summary": "auto"}
        if self._wants.stream:
            with self._client.responses.stream(**options) as stream:
                events = list(stream)
            pieces = sum(1 for event in events if event.type == "response.output_text.delta")
            answer: Any = events[-1].response  # type: ignore[union-attr]  # the last event holds it
        else:
            pieces, answer = 1, self._client.responses.create(**options)
        self._input += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in answer.output]
        for item in self._input:
            for part in item.get("content") or () if isinstance(item.get("content"), list) else ():
                part.pop("parsed", None)
        thoughts = [part.text for item in answer.output if item.type == "reasoning" for part in item.summary]
        details = answer.incomplete_details
        refusals = [
            part.refusal for item in answer.output if item.type == "message" for part in item.content if part.type == "refusal"
        ]
        return Heard(
            answer.output_text or "".join(refusals),
            f"{answer.status}:{details.reason}" if details else answer.status,
            (answer.usage.input_tokens, answer.usage.output_tokens),
            [Called(item.call_id, item.name, json.loads(item.arguments)) for item in answer.output if item.type == "function_call"],
            "".join(thoughts),
            pieces,
            answer,
        )


class AnthropicTalk:
    def __init__(self, tongues: Tongues, model: str, wants: Wants):
        self.model = model
        self._wants = wants
        self._client = anthropic.Anthropic(base_url=tongues.url, api_key=tongues.key, max_retries=0, timeout=20)
        self._messages: list[Any] = []

    def ask(self, words: str) -> Heard:
        content: list[Any] = [{"type": "text", "text": words}]
        if self._wants.image:
            data = base64.b64encode(self._wants.image).decode()
            content.append({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}})
        self._messages.append({"role": "user", "content": content})
        return self._turn()

    def give(self, results: dict[str, str]) -> Heard:
        content = [{"type": "tool_result", "tool_use_id": id, "content": words} for id, words in results.items()]
        self._messages.append({"role": "user", "content": content})
        return self._turn()

    def close(self) -> None:
        self._client.close()

    def _turn(self) -> Heard:
        options: dict[str, Any] = {"model": self.model, "messages": self._messages, "max_tokens": 4000}
        if self._wants.system:
            options["system"] = self._wants.system
        if self._wants.tools:
            options["tools"] = [{"name": TOOL, "description": "The weather.", "input_schema": SCHEMA}]
        if self._wants.forced:
            options["tool_choice"] = {"type": "tool", "name": TOOL}
        if self._wants.schema:
            options["output_config"] = {"format": {"type": "json_schema", "schema": self._wants.schema}}
        if self._wants.thinking:
            options["thinking"] = {"type": "enabled", "budget_tokens": 2000}
        if self._wants.stream:
            with self._client.messages.stream(**options) as stream:
                pieces = sum(1 for event in stream if event.type == "text")
                answer: Any = stream.get_final_message()
        else:
            pieces, answer = 1, self._client.messages.create(**options)
        kept = [block.model_dump(exclude_none=True, exclude={"parsed_output"}) for block in answer.content]
        self._messages.append({"role": "assistant", "content": kept})
        return Heard(
            "".join(block.text for block in answer.content if block.type == "text"),
            answer.stop_reason,
            (answer.usage.input_tokens, answer.usage.output_tokens),
            [Called(block.id, block.name, block.input) for block in answer.content if block.type == "tool_use"],
            "".join(block.thinking for block in answer.content if block.type == "thinking"),
            pieces,
            answer,
        )


class GeminiTalk:
    def __init__(self, tongues: Tongues, model: str, wants: Wants):
        self.model = model
        self._wants = wants
        self._client = genai.Client(api_key=tongues.key, http_options=types.HttpOptions(base_url=tongues.url, timeout=20_000))
        self._contents: list[Any] = []
        self._called: dict[str, str] = {}

    def ask(self, words: str) -> Heard:
        parts = [types.Part(text=words)]
        if self._wants.image:
            parts.append(types.Part.from_bytes(data=self._wants.image, mime_type="image/png"))
        self._contents.append(types.Content(role="user", parts=parts))
        return self._turn()

    def give(self, results: dict[str, str]) -> Heard:
        parts = [
            types.Part(function_response=types.FunctionResponse(id=id, name=self._called[id], response={"output": words}))
            for id, words in results.items()
        ]
        self._contents.append(types.Content(role="user", parts=parts))
        return self._turn()

    def close(self) -> None:
        self._client.close()

    def _turn(self) -> Heard:
        config = types.GenerateContentConfig(
            system_instruction=self._wants.system,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )
        if self._wants.tools:
            function = types.FunctionDeclaration(name=TOOL, description="The weather.", parameters_json_schema=SCHEMA)
            config.tools = [types.Tool(function_declarations=[function])]
        if self._wants.forced:
            mode = types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=[TOOL])
            config.tool_config = types.ToolConfig(function_calling_config=mode)
        if self._wants.schema:
            config.response_mime_type = "application/json"
            config.response_json_schema = self._wants.schema
        if self._wants.thinking:
            config.thinking_config = types.ThinkingConfig(include_thoughts=True, thinking_budget=2000)
        options: dict[str, Any] = {"model": self.model, "contents": self._contents, "config": config}
        if self._wants.stream:
            answers: list[Any] = list(self._client.models.generate_content_stream(**options))
        else:
            answers = [self._client.models.generate_content(**options)]
        parts = [
            part
            for answer in answers
            for one in answer.candidates or ()
            for part in (one.content.parts if one.content else None) or ()
        ]
        self._contents.append(types.Content(role="model", parts=[part for part in parts if _says_something(part)]))
        calls = []
        for number, part in enumerate(parts):
            if part.function_call:
                id = part.function_call.id or f"{part.function_call.name}_{number}"
                self._called[id] = part.function_call.name
                calls.append(Called(id, part.function_call.name, part.function_call.args))
        used = answers[-1].usage_metadata
        finish = answers[-1].candidates[0].finish_reason if answers[-1].candidates else answers[-1].prompt_feedback.block_reason
        return Heard(
            "".join(part.text for part in parts if part.text and not part.thought),
            finish.value if finish else "",
            (used.prompt_token_count or 0, (used.candidates_token_count or 0) + (used.thoughts_token_count or 0)),
            calls,
            "".join(part.text for part in parts if part.text and part.thought),
            sum(1 for part in parts if part.text and not part.thought),
            answers,
        )


def _says_something(part: types.Part) -> bool:
    """Streams end with an empty text, which Gemini does not take back."""
    return part.text != "" or part.thought_signature is not None


SPEAKERS: dict[str, Callable[[Tongues, str, Wants], Talk]] = {
    "openai_chat": ChatTalk,
    "openai_responses": ResponsesTalk,
    "anthropic": AnthropicTalk,
    "gemini": GeminiTalk,
}


def talk(tongues: Tongues, client: str, model: str, **wants: Any) -> Talk:
    """A conversation of a client of one protocol with ``model``, a deployment's id. Close it at the end."""
    return SPEAKERS[client](tongues, model, Wants(**wants))
