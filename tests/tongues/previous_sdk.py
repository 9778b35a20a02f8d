"""What the Anthropic SDK of the previous major sees of a gateway. Run by that SDK's own Python, it prints one JSON document.

``python previous_sdk.py URL KEY PREFIX...``: the models of the scripted upstream are asked for under every prefix. What the SDK
gives back is appended to the history as it came, as its documentation says.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import anthropic

TOOL: dict[str, Any] = {
    "name": "weather",
    "description": "The weather in a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
THINKING = {"type": "enabled", "budget_tokens": 2000}
ASK: list[Any] = [{"role": "user", "content": "How is the weather?"}]


class Previous:
    """One upstream behind the gateway."""

    def __init__(self, client: anthropic.Anthropic, prefix: str):
        self._client = client
        self._prefix = prefix

    def ask(self, model: str, *, stream: bool = False, **about: Any) -> Any:
        """One answer as a message."""
        asked: dict[str, Any] = {"model": self._prefix + model, "max_tokens": 4000, "messages": ASK, **about}
        if not stream:
            return self._client.messages.create(**asked)
        with self._client.messages.stream(**asked) as events:
            return events.get_final_message()

    def text(self, stream: bool) -> Any:
        """A plain answer, and a conversation of two turns with a system text."""
        plain = self.ask("text", stream=stream)
        asked = [
            {"role": "user", "content": "One."},
            {"role": "assistant", "content": "Two."},
            {"role": "user", "content": "Three."},
        ]
        told = self.ask("recite", stream=stream, system="Be brief.", messages=asked, stop_sequences=["END"])
        return {"text": words(plain), "stop": plain.stop_reason, "usage": tokens(plain), "told": words(told)}

    def tools(self, model: str, stream: bool, **about: Any) -> Any:
        """A loop of tools to its end, with everything that is on the way."""
        messages = [*ASK]
        turns = []
        while True:
            answer = self.ask(model, stream=stream, messages=messages, tools=[TOOL], **about)
            blocks = [block.model_dump(exclude_none=True) for block in answer.content]
            calls = [block for block in blocks if block["type"] == "tool_use"]
            thoughts = "".join(block["thinking"] for block in blocks if block["type"] == "thinking")
            turns.append(
                {
                    "text": words(answer),
                    "stop": answer.stop_reason,
                    "inputs": [call["input"] for call in calls],
                    "thoughts": thoughts,
                }
            )
            if not calls or len(turns) > 9:
                return turns
            results = [{"type": "tool_result", "tool_use_id": call["id"], "content": f"fine {len(turns)}"} for call in calls]
            messages += [{"role": "assistant", "content": blocks}, {"role": "user", "content": results}]

    def pieces(self) -> Any:
        """The kinds of events of a stream, in order."""
        asked: Any = {"model": self._prefix + "text", "max_tokens": 4000, "messages": ASK}
        return [event.type for event in self._client.messages.create(**asked, stream=True)]

    def failures(self, models: list[str], stream: bool) -> Any:
        """Which exception is raised, with what of the answer had come."""
        return {model: self._failure(model, stream) for model in models}

    def _failure(self, model: str, stream: bool) -> Any:
        asked: Any = {"model": self._prefix + model, "max_tokens": 4000, "messages": ASK}
        text = ""
        try:
            if not stream:
                self._client.messages.create(**asked)
            else:
                for event in self._client.messages.create(**asked, stream=True):
                    text += event.delta.text if event.type == "content_block_delta" and event.delta.type == "text_delta" else ""
        except anthropic.APIStatusError as error:
            waits = error.response.headers.get("retry-after")
            about = {"status": error.status_code, "request_id": bool(error.request_id), "retry_after": waits}
            return {"kind": type(error).__name__, "message": str(error), "text": text, **about}
        return {"kind": None, "text": text}

    def count(self) -> Any:
        """Tokens, and the header that says whether they are estimated."""
        messages: Any = [{"role": "user", "content": "one two three"}]
        raw = self._client.messages.with_raw_response.count_tokens(model=self._prefix + "text", messages=messages, system="four")
        return {"tokens": raw.parse().input_tokens, "losses": raw.headers.get("x-assay-losses")}

    def one(self) -> Any:
        """One model of the list."""
        model = self._client.models.retrieve(self._prefix + "text")
        return {"id": model.id, "type": model.type}

    def schema(self, stream: bool) -> Any:
        """An answer that fits a shape."""
        shape = {**TOOL["input_schema"]}
        return words(self.ask("schema", stream=stream, output_config={"format": {"type": "json_schema", "schema": shape}}))


def words(answer: Any) -> str:
    return "".join(block.text for block in answer.content if block.type == "text")


def tokens(answer: Any) -> list[int]:
    return [answer.usage.input_tokens, answer.usage.output_tokens]


def attempted(step: Callable[[], Any]) -> Any:
    """What a step gives, or what it raised: one broken step must not hide the others."""
    try:
        return step()
    except Exception as error:  # noqa: BLE001  # whatever a step raises is told, and judged by the test
        return {"raised": f"{type(error).__name__}: {error}"}


def main() -> None:
    url, key, *prefixes = sys.argv[1:]
    statuses = [f"error-{status}" for status in (400, 401, 403, 404, 429, 500, 503, 529)]
    seen: dict[str, Any] = {"version": anthropic.__version__}
    with anthropic.Anthropic(base_url=url, api_key=key, max_retries=0, timeout=20) as client:
        seen["listed"] = attempted(lambda: [model.id for model in client.models.list()])
        for prefix in prefixes:
            upstream = Previous(client, prefix)
            seen[prefix] = {
                "pieces": attempted(upstream.pieces),
                "count": attempted(upstream.count),
                "one": attempted(upstream.one),
            }
            for name, stream in (("whole", False), ("stream", True)):
                seen[prefix][name] = look(upstream, stream, statuses)
    print(json.dumps(seen))


def look(upstream: Previous, stream: bool, statuses: list[str]) -> Any:
    """Everything that is asked both whole and as a stream."""
    broken = ["mid-stream-error", "cut"] if stream else ["html-502", "not-json"]
    return {
        "text": attempted(lambda: upstream.text(stream)),
        "tools": attempted(lambda: upstream.tools("tools", stream)),
        "think-tool": attempted(lambda: upstream.tools("think-tool", stream, thinking=THINKING)),
        "think-steps": attempted(lambda: upstream.tools("think-steps", stream, thinking=THINKING)),
        "schema": attempted(lambda: upstream.schema(stream)),
        "failures": attempted(lambda: upstream.failures([*statuses, *broken, "no-such-model"], stream)),
    }


if __name__ == "__main__":
    main()
