"""OpenAI's Chat Completions, with the thoughts that DeepSeek-like servers add to it."""

from __future__ import annotations

import base64
from typing import Any

from tests.upstream.script import Answer, Asked, Calls, Cited, Event, Json, Refuses, Says, Status, Thinks, Used
from tests.upstream.speech.sse import comment, data, document

_FINISH = {"tools": "tool_calls", "refusal": "stop", "filter": "content_filter", "sequence": "stop"}
_KINDS = {400: "invalid_request_error", 401: "invalid_request_error", 403: "permission_error", 429: "rate_limit_error"}


def read(body: Json, model: str = "", stream: bool = False) -> Asked:
    """What a request asks."""
    asked = Asked(body, "openai_chat", body["model"], bool(body.get("stream")))
    asked.n = body.get("n") or 1
    asked.tools = [tool[tool["type"]]["name"] for tool in body.get("tools") or ()]
    form = body.get("response_format") or {}
    asked.schema = form["json_schema"].get("schema") if form.get("type") == "json_schema" else None
    for message in body["messages"]:
        asked.words = _words(asked, message.get("content"))
        asked.heard(asked.words)
        if message["role"] == "tool":
            asked.results.append(asked.words)
        asked.turns += bool(message.get("tool_calls"))
    return asked


def _words(asked: Asked, content: Any) -> str:
    for part in content if type(content) is list else ():
        if part["type"] == "image_url":
            head, _, encoded = part["image_url"]["url"].partition(",")
            asked.media.append(
                (head.removeprefix("data:").removesuffix(";base64"), len(base64.b64decode(encoded)) if encoded else 0)
            )
        if part["type"] == "input_audio":
            asked.media.append((f"audio/{part['input_audio']['format']}", len(base64.b64decode(part["input_audio"]["data"]))))
        if part["type"] == "file":
            head, _, encoded = part["file"].get("file_data", "").partition(",")
            asked.media.append((head.removeprefix("data:").removesuffix(";base64"), len(base64.b64decode(encoded))))
    return content if type(content) is str else "".join(part.get("text", "") for part in content or ())


def whole(asked: Asked, answer: Answer) -> Json:
    """The answer in one piece."""
    message: Json = {"role": "assistant", "content": None, "refusal": None}
    for delta in _deltas(answer):
        for key, value in delta.items():
            if key == "annotations":
                message.setdefault(key, []).extend(value)
            elif key != "tool_calls":
                message[key] = (message.get(key) or "") + value
    calls = [part for part in answer.parts if isinstance(part, Calls)]
    if calls:
        message["tool_calls"] = [_call(call, call.arguments) for call in calls]
    choices = [
        {"index": number, "message": message, "logprobs": None, "finish_reason": _finish(answer)} for number in range(answer.n)
    ]
    return {**_about(asked, "chat.completion"), "choices": choices, "usage": used(answer.usage)}


def stream(asked: Asked, answer: Answer) -> list[Event]:
    """The answer in chunks, as OpenAI orders them."""
    about = _about(asked, "chat.completion.chunk")
    wants_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
    nothing: Json = {"usage": None} if wants_usage else {}

    def chunks(delta: Json, finish: str | None = None, *, piece: bool = False) -> list[Event]:
        return [
            data(
                {**about, "choices": [{"index": number, "delta": delta, "logprobs": None, "finish_reason": finish}], **nothing},
                answer.eol,
                piece=piece and number == answer.n - 1,
            )
            for number in range(answer.n)
        ]

    events = chunks({"role": "assistant", "content": ""})
    for delta in _deltas(answer):
        if answer.heartbeats:
            events.append(comment("PROCESSING", answer.eol))
        events += chunks(delta, piece="id" not in delta.get("tool_calls", ({},))[0])
    if answer.fault != "unfinished":
        events += chunks({}, _finish(answer))
    if wants_usage:
        events.append(data({**about, "choices": [], "usage": used(answer.usage)}, answer.eol))
    return [*events, Event(f"data: [DONE]{answer.eol}{answer.eol}".encode())]


def _deltas(answer: Answer) -> list[Json]:
    deltas: list[Json] = []
    calls = 0
    for part in answer.parts:
        match part:
            case Says(pieces, cited):
                deltas += [{"content": piece} for piece in pieces]
                deltas += [{"annotations": [_annotation(one, answer.text)]} for one in cited]
            case Thinks(pieces):
                deltas += [{answer.thoughts_in: piece} for piece in pieces]
            case Refuses(pieces):
                deltas += [{"refusal": piece} for piece in pieces]
            case Calls(pieces=pieces):
                fragments = [_call(part, ""), *({"function": {"arguments": piece}} for piece in pieces)]
                deltas += [{"tool_calls": [{"index": calls, **fragment}]} for fragment in fragments]
                calls += 1
    return deltas


def _annotation(cited: Cited, text: str) -> Json:
    return {
        "type": "url_citation",
        "url_citation": {"start_index": 0, "end_index": len(text), "title": cited.title, "url": cited.url},
    }


def _call(call: Calls, arguments: str) -> Json:
    return {"id": f"call_{call.id}", "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _finish(answer: Answer) -> str | None:
    return None if answer.fault == "unfinished" else _FINISH.get(answer.finish, answer.finish)


def _about(asked: Asked, kind: str) -> Json:
    return {"id": "chatcmpl-scripted", "object": kind, "created": 1763800000, "model": asked.model, "system_fingerprint": "fp_1"}


def used(usage: Used) -> Json:
    """Tokens: what was cached and what was thought is counted in."""
    found: Json = {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
    }
    if usage.cache_read or usage.cache_write_5m or usage.cache_write_1h:
        written = usage.cache_write_5m + usage.cache_write_1h
        found["prompt_tokens_details"] = {"cached_tokens": usage.cache_read, "cache_write_tokens": written}
    if usage.reasoning:
        found["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return found


def failure(asked: Asked, answer: Answer) -> Event:
    """What a stream breaks off with."""
    error = {"message": "scripted overload", "type": "server_error", "param": None, "code": "overloaded"}
    return data({"error": error}, answer.eol)


def error(status: Status) -> tuple[bytes, dict[str, str]]:
    """An error's body and headers."""
    kind = _KINDS.get(status.status, "invalid_request_error" if status.status < 500 else "server_error")
    headers = {"x-request-id": "req_scripted"}
    if status.retry_after_s is not None:
        headers["retry-after"] = str(status.retry_after_s)
    return document({"error": {"message": status.message, "type": kind, "param": None, "code": status.code}}), headers


def listed(names: list[str]) -> Json:
    """The list of models."""
    return {"object": "list", "data": [one(name) for name in names]}


def one(name: str) -> Json:
    """One model of the list."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "tests"}
