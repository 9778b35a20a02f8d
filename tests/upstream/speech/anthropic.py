"""Anthropic's Messages."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.upstream.script import Answer, Asked, Calls, Cited, Event, Json, Part, Refuses, Says, Status, Thinks, Used, signature
from tests.upstream.speech.sse import data, document

_FINISH = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tools": "tool_use",
    "refusal": "refusal",
    "filter": "refusal",
    "sequence": "stop_sequence",
}
_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
REQUEST_ID = "req_scripted"


def read(body: Json, model: str = "", stream: bool = False) -> Asked:
    """What a request asks."""
    asked = Asked(body, "anthropic", body["model"], bool(body.get("stream")))
    asked.tools = [tool["name"] for tool in body.get("tools") or () if "input_schema" in tool]
    form = (body.get("output_config") or {}).get("format")
    asked.schema = form["schema"] if form else None
    asked.heard(_words(asked, body.get("system") or []))
    for message in body["messages"]:
        asked.words = _words(asked, message["content"])
        asked.heard(asked.words)
        asked.turns += '"tool_use"' in json.dumps(message)
    return asked


def _words(asked: Asked, content: Any) -> str:
    if type(content) is str:
        return content
    words = ""
    for block in content:
        if block["type"] == "tool_result":
            asked.results.append(_words(asked, block.get("content") or []))
            words += asked.results[-1]
        source = block.get("source")
        if type(source) is dict and source["type"] == "base64":
            asked.media.append((source["media_type"], len(base64.b64decode(source["data"]))))
        if type(source) is dict and source["type"] == "text":
            asked.media.append((source["media_type"], len(source["data"].encode())))
        words += block.get("text", "")
    return words


def _shown(asked: Asked, answer: Answer) -> list[Part]:
    """Thoughts are there only when they were asked for."""
    thinks = (asked.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    return [part for part in answer.parts if thinks or not isinstance(part, Thinks)]


def whole(asked: Asked, answer: Answer) -> Json:
    """The answer in one piece."""
    content = [_block(asked, part) for part in _shown(asked, answer)]
    stop = None if answer.fault == "unfinished" else _FINISH[answer.finish]
    return {**_about(asked), "content": content, **_stop(answer, stop), "usage": used(answer.usage)}


def _block(asked: Asked, part: Part) -> Json:
    match part:
        case Says(cited=cited):
            return {"type": "text", "text": part.text} | ({"citations": [_citation(one) for one in cited]} if cited else {})
        case Refuses():
            return {"type": "text", "text": part.text}
        case Thinks(redacted=True):
            return {"type": "redacted_thinking", "data": signature(part.text)}
        case Thinks():
            return {"type": "thinking", "thinking": _visible(asked, part), "signature": signature(part.text)}
    return {"type": "tool_use", "id": f"toolu_{part.id}", "name": part.name, "input": json.loads(part.arguments or "{}")}


def _visible(asked: Asked, part: Thinks) -> str:
    return "" if asked["thinking"].get("display") == "omitted" else part.text


def stream(asked: Asked, answer: Answer) -> list[Event]:
    """The answer in events, as Anthropic orders them."""

    def event(value: Json, *, piece: bool = False) -> Event:
        return data(value, answer.eol, name=value["type"], piece=piece)

    first = {**used(answer.usage), "output_tokens": 1}
    start = {**_about(asked), "content": [], **_stop(answer, None), "usage": first}
    events = [event({"type": "message_start", "message": start}), event({"type": "ping"})]
    for index, part in enumerate(_shown(asked, answer)):
        empty = _block(asked, part)
        if not isinstance(part, Thinks) or not part.redacted:
            empty |= {key: "" for key in ("text", "thinking", "signature") if key in empty} | (
                {"input": {}} if "input" in empty else {}
            )
            empty |= {"citations": []} if "citations" in empty else {}
        events.append(event({"type": "content_block_start", "index": index, "content_block": empty}))
        for delta in _deltas(asked, part):
            if answer.heartbeats:
                events.append(event({"type": "ping"}))
            piece = delta["type"] != "signature_delta" and delta.get("partial_json") != ""
            events.append(event({"type": "content_block_delta", "index": index, "delta": delta}, piece=piece))
        events.append(event({"type": "content_block_stop", "index": index}))
    if answer.fault == "unfinished":
        return events
    delta = _stop(answer, _FINISH[answer.finish])
    last = used(answer.usage)
    last.pop("cache_creation", None)
    return [*events, event({"type": "message_delta", "delta": delta, "usage": last}), event({"type": "message_stop"})]


def _deltas(asked: Asked, part: Part) -> list[Json]:
    match part:
        case Says(pieces, cited):
            citations = [{"type": "citations_delta", "citation": _citation(one)} for one in cited]
            return [*({"type": "text_delta", "text": piece} for piece in pieces), *citations]
        case Refuses(pieces):
            return [{"type": "text_delta", "text": piece} for piece in pieces]
        case Thinks(redacted=True):
            return []
        case Thinks(pieces):
            shown = pieces if _visible(asked, part) else []
            thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in shown]
            return [*thoughts, {"type": "signature_delta", "signature": signature(part.text)}]
        case Calls(pieces=pieces):
            return [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces)]


def _citation(cited: Cited) -> Json:
    return {
        "type": "char_location",
        "cited_text": cited.text,
        "document_index": 0,
        "document_title": cited.title,
        "start_char_index": cited.start,
        "end_char_index": cited.start + len(cited.text),
        "file_id": None,
    }


def _about(asked: Asked) -> Json:
    return {"id": "msg_scripted", "type": "message", "role": "assistant", "model": asked.model}


def _stop(answer: Answer, reason: str | None) -> Json:
    found: Json = {"stop_reason": reason, "stop_sequence": "END" if reason == "stop_sequence" else None}
    if reason == "refusal":
        found["stop_details"] = {"type": "refusal", "category": None, "explanation": "scripted refusal"}
    return found


def used(usage: Used) -> Json:
    """Tokens: what was cached is not counted in."""
    written = usage.cache_write_5m + usage.cache_write_1h
    return {
        "input_tokens": usage.input - usage.cache_read - written,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": written,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": usage.output,
    } | ({"output_tokens_details": {"thinking_tokens": usage.reasoning}} if usage.reasoning else {})


def failure(asked: Asked, answer: Answer) -> Event:
    """What a stream breaks off with."""
    error = {"type": "overloaded_error", "message": "scripted overload"}
    return data({"type": "error", "error": error, "request_id": REQUEST_ID}, answer.eol, name="error")


def error(status: Status) -> tuple[bytes, dict[str, str]]:
    """An error's body and headers."""
    headers = {"request-id": REQUEST_ID}
    if status.retry_after_s is not None:
        headers["retry-after"] = str(status.retry_after_s)
    said = {"type": _KINDS.get(status.status, "api_error"), "message": status.message}
    return document({"type": "error", "error": said, "request_id": REQUEST_ID}), headers


def listed(names: list[str]) -> Json:
    """The list of models."""
    return {"data": [one(name) for name in names], "has_more": False, "first_id": names[0], "last_id": names[-1]}


def one(name: str) -> Json:
    """One model of the list."""
    return {"type": "model", "id": name, "display_name": name.title(), "created_at": "2026-01-01T00:00:00Z"}
