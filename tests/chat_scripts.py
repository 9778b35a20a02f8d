"""How the scripted upstream answers, by the name of the model asked.

A script takes the request and gives an `Answer` or a `Status`. ``error-<status>`` models answer that status.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Json: TypeAlias = dict[str, Any]
GREETING = "Hello, 世界! Two lines:\nthe second ends with a full stop."
SEPARATORS = "a\u2028b\u2029c\u0085d"
CALLS = {"Paris": '{"city":"Paris"}', "Oslo": '{"city":"Oslo"}'}
ANSWER_429_S = 7


@dataclass
class Answer:
    """The deltas of each choice, and how they are sent.

    ``pacing``: events a write each, ``pace_s`` apart; all in one write; or a write for each byte. ``fault`` strikes after the
    first delta: an error event, a cut socket, silence until the client leaves, or an end without a finish reason.
    """

    choices: list[list[Json]]
    finish: str = "stop"
    usage: Json = field(default_factory=lambda: {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18})
    pacing: Literal["paced", "burst", "bytes"] = "paced"
    pace_s: float = 0.0
    fault: Literal["", "error", "cut", "stall", "unfinished"] = ""
    headers_after_s: float = 0.0


@dataclass
class Status:
    """An answer that is an error. ``body`` is sent as it is."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


Script: TypeAlias = Callable[[Json], Answer | Status]


def says(text: str, **how: Any) -> Answer:
    """An answer of plain text, in pieces of a word each, once for each choice that was asked for."""
    n = how.pop("n", None) or 1
    return Answer([[{"content": piece} for piece in re.findall(r"\s*\S+|\s+$", text)] for _ in range(n)], **how)


def text(body: Json) -> Answer:
    """A greeting, as often as ``n`` says."""
    return says(GREETING, n=body.get("n"))


def echo(body: Json) -> Answer:
    """The last words of the user."""
    content = body["messages"][-1]["content"]
    return says(content if type(content) is str else "".join(part.get("text", "") for part in content))


def tools(body: Json) -> Answer:
    """Two calls of the first tool at once; when their results are there, a sentence made of them."""
    results = [message["content"] for message in body["messages"] if message["role"] == "tool"]
    if results:
        return says(" and ".join(words if type(words) is str else words[0]["text"] for words in results))
    name = body["tools"][0]["function"]["name"]
    deltas: list[Json] = []
    for index, (place, arguments) in enumerate(CALLS.items()):
        call = {"index": index, "id": f"call_{place}", "type": "function", "function": {"name": name, "arguments": ""}}
        pieces = [{"index": index, "function": {"arguments": piece}} for piece in (arguments[:6], arguments[6:])]
        deltas += [{"tool_calls": [fragment]} for fragment in (call, *pieces)]
    return Answer([deltas], finish="tool_calls")


def image(body: Json) -> Answer | Status:
    """Which picture came, and how large it is."""
    for message in body["messages"]:
        for part in message["content"] if type(message["content"]) is list else ():
            if part["type"] == "image_url":
                head, _, data = part["image_url"]["url"].partition(",")
                return says(f"{head} {len(base64.b64decode(data))} bytes")
    return refuse(400, "no image came")


def schema(body: Json) -> Answer | Status:
    """A value that fits the schema that was sent."""
    form = body.get("response_format") or {}
    if form.get("type") != "json_schema":
        return refuse(400, "no schema came")
    return says(json.dumps(_example(form["json_schema"]["schema"])))


def _example(shape: Json) -> Any:
    if "enum" in shape:
        return shape["enum"][0]
    match shape.get("type"):
        case "object":
            return {name: _example(inner) for name, inner in shape["properties"].items()}
        case "array":
            return [_example(shape["items"])]
        case "integer" | "number":
            return 3
        case "boolean":
            return True
    return "a word"


def reasoning(body: Json) -> Answer:
    """Thoughts in ``reasoning_content``, then the answer."""
    deltas = [{"reasoning_content": piece} for piece in ("two and", " two")] + [{"content": "4"}]
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18, "completion_tokens_details": {"reasoning_tokens": 5}}
    return Answer([deltas], usage=usage)


def refuse(status: int, message: str, code: str | None = None, **headers: str) -> Status:
    """An error in OpenAI's shape."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return Status(status, json.dumps(body).encode(), headers)


def error(status: int) -> Status:
    """What OpenAI answers with ``status``."""
    codes = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
    headers = {"retry-after": str(ANSWER_429_S)} if status == 429 else {}
    return refuse(status, f"scripted {status}", codes.get(status), **headers)


SCRIPTS: dict[str, Script] = {
    "text": text,
    "echo": echo,
    "paced": lambda body: says(GREETING, n=body.get("n"), pace_s=0.02),
    "burst": lambda body: says(GREETING * 20, pacing="burst"),
    "bytes": lambda body: says(GREETING, pacing="bytes"),
    "separators": lambda body: says(SEPARATORS),
    "tools": tools,
    "image": image,
    "schema": schema,
    "reasoning": reasoning,
    "reasoning-field": lambda body: Answer([[{"reasoning": "two and two"}, {"content": "4"}]]),
    "refusal": lambda body: Answer([[{"refusal": "I cannot"}, {"refusal": " do that."}]]),
    "length": lambda body: says("cut off", finish="length"),
    "mid-stream-error": lambda body: says(GREETING, fault="error"),
    "cut": lambda body: says(GREETING, fault="cut"),
    "stall": lambda body: says(GREETING, fault="stall"),
    "unfinished": lambda body: says(GREETING, fault="unfinished"),
    "slow-headers": lambda body: says(GREETING, headers_after_s=0.5),
    "silent": lambda body: says(GREETING, headers_after_s=3600),
    "html-502": lambda body: Status(502, b"<html>Bad Gateway</html>", {"content-type": "text/html"}),
    "not-json": lambda body: Status(200, b"It works!", {"content-type": "text/html"}),
}


def script_of(model: str) -> Script | None:
    """The script of a model, or None for a model that there is not."""
    if match := re.fullmatch(r"error-(\d{3})", model):
        status = int(match[1])
        return lambda body: error(status)
    return SCRIPTS.get(model)
