"""OpenAI's Responses."""

from __future__ import annotations

import base64
from typing import Any

from tests.upstream.script import Answer, Asked, Calls, Event, Json, Part, Refuses, Says, Thinks, Used, signature
from tests.upstream.speech import chat
from tests.upstream.speech.sse import comment, data

error = chat.error
listed = chat.listed
one = chat.one


def read(body: Json, model: str = "", stream: bool = False, kept: list[Any] | None = None) -> Asked:
    """What a request asks; ``kept`` are the items of the responses before it."""
    asked = Asked(body, "openai_responses", body["model"], bool(body.get("stream")))
    asked.tools = [name for name, _ in _declared(body.get("tools") or [])]
    form = (body.get("text") or {}).get("format") or {}
    asked.schema = form.get("schema")
    asked.heard(body.get("instructions") or "")
    given = body.get("input") or []
    items = [*(kept or []), *([{"role": "user", "content": given}] if type(given) is str else given)]
    in_turn = False
    for item in items:
        kind = item.get("type")
        is_call = kind in ("function_call", "custom_tool_call")
        asked.turns += is_call and not in_turn
        in_turn = is_call or (in_turn and kind == "reasoning")
        if kind in ("function_call_output", "custom_tool_call_output"):
            asked.results.append(_words(asked, item["output"]))
            asked.words = asked.results[-1]
        elif "content" in item and kind in (None, "message"):
            asked.words = _words(asked, item["content"])
        else:
            continue
        asked.heard(asked.words)
    return asked


def _declared(tools: list[Any]) -> list[tuple[str, str | None]]:
    """The names of the functions, with the namespaces they are in."""
    found: list[tuple[str, str | None]] = []
    for tool in tools:
        if tool["type"] == "namespace":
            found += [(inner["name"], tool["name"]) for inner in tool["tools"]]
        elif tool["type"] in ("function", "custom"):
            found.append((tool["name"], None))
    return found


def _words(asked: Asked, content: Any) -> str:
    if type(content) is str:
        return content
    for part in content:
        url = part.get("image_url") or part.get("file_data") or ""
        if url.startswith("data:"):
            head, _, encoded = url.partition(",")
            asked.media.append((head.removeprefix("data:").removesuffix(";base64"), len(base64.b64decode(encoded))))
    return "".join(part.get("text", "") for part in content)


def whole(asked: Asked, answer: Answer) -> Json:
    """The answer in one piece."""
    return _response(asked, answer, [_item(asked, part, number) for number, part in enumerate(answer.parts)])


def _item(asked: Asked, part: Part, number: int) -> Json:
    match part:
        case Thinks():
            summary = [{"type": "summary_text", "text": part.text}] if _summarises(asked) and not part.redacted else []
            # OpenAI encrypts them whether or not they are asked for (`ResponseReasoningItem` of its SDK 3.54).
            about = {"id": f"rs_{asked.turns}_{number}", "type": "reasoning", "summary": summary}
            return {**about, "encrypted_content": signature(part.text)}
        case Calls():
            space = next((space for name, space in _declared(asked.get("tools") or []) if name == part.name), None)
            call = {"id": f"fc_{part.id}", "type": "function_call", "call_id": f"call_{part.id}", "status": "completed"}
            return {**call, "name": part.name, "arguments": part.arguments or "{}"} | ({"namespace": space} if space else {})
        case Refuses():
            content: Json = {"type": "refusal", "refusal": part.text}
        case Says():
            content = {"type": "output_text", "text": part.text, "annotations": _annotations(part), "logprobs": []}
    return {
        "id": f"msg_{asked.turns}_{number}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [content],
    }


def _summarises(asked: Asked) -> bool:
    return bool((asked.get("reasoning") or {}).get("summary"))


def _annotations(part: Says) -> list[Json]:
    return [
        {"type": "url_citation", "url": one.url, "title": one.title, "start_index": 0, "end_index": len(part.text)}
        for one in part.cited
    ]


def _response(asked: Asked, answer: Answer, output: list[Json], status: str = "") -> Json:
    reason = {"length": "max_output_tokens", "filter": "content_filter"}.get(answer.finish)
    unfinished = answer.fault == "unfinished"
    status = status or ("in_progress" if unfinished else "incomplete" if reason else "completed")
    return {
        "id": f"resp_scripted{asked.serial}",
        "object": "response",
        "created_at": 1763800000,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": reason} if reason and status == "incomplete" else None,
        "instructions": asked.get("instructions"),
        "max_output_tokens": asked.get("max_output_tokens"),
        "metadata": asked.get("metadata") or {},
        "model": asked.model,
        "output": output,
        "parallel_tool_calls": asked.get("parallel_tool_calls", True),
        "previous_response_id": asked.get("previous_response_id"),
        "reasoning": asked.get("reasoning") or {"effort": None, "summary": None},
        "store": asked.get("store", True),
        "temperature": asked.get("temperature", 1.0),
        "text": asked.get("text") or {"format": {"type": "text"}},
        "tool_choice": asked.get("tool_choice", "auto"),
        "tools": asked.get("tools") or [],
        "top_p": asked.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": used(answer.usage) if status in ("completed", "incomplete") else None,
        "user": asked.get("user"),
    }


def used(usage: Used) -> Json:
    """Tokens: what was cached and what was thought is counted in."""
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }


class _Numbered:
    """Events with their numbers."""

    def __init__(self, eol: str):
        self.eol = eol
        self.events: list[Event] = []
        self.number = 0

    def add(self, kind: str, *, piece: bool = False, **fields: Any) -> None:
        self.events.append(data({"type": kind, "sequence_number": self.number, **fields}, self.eol, name=kind, piece=piece))
        self.number += 1


def stream(asked: Asked, answer: Answer) -> list[Event]:
    """The answer in events, as OpenAI orders them."""
    events = _Numbered(answer.eol)
    for kind in ("response.created", "response.in_progress"):
        events.add(kind, response=_response(asked, answer, [], "in_progress"))
    output = []
    for index, part in enumerate(answer.parts):
        item = _item(asked, part, index)
        output.append(item)
        if answer.heartbeats:
            events.events.append(comment("keep-alive", answer.eol))
        empty = {**item, "status": "in_progress"} if "status" in item else dict(item)
        empty |= {key: value for key, value in (("content", []), ("arguments", ""), ("summary", [])) if key in item}
        events.add("response.output_item.added", output_index=index, item=empty)
        _fill(events, item, part, {"item_id": item["id"], "output_index": index})
        events.add("response.output_item.done", output_index=index, item=item)
    if answer.fault != "unfinished":
        response = _response(asked, answer, output)
        events.add(f"response.{response['status']}", response=response)
    return events.events


def _fill(events: _Numbered, item: Json, part: Part, where: Json) -> None:
    match part:
        case Thinks(pieces):
            for number, summary in enumerate(item["summary"]):
                at = {**where, "summary_index": number}
                events.add("response.reasoning_summary_part.added", **at, part={"type": "summary_text", "text": ""})
                for piece in pieces:
                    events.add("response.reasoning_summary_text.delta", piece=True, **at, delta=piece)
                events.add("response.reasoning_summary_text.done", **at, text=summary["text"])
                events.add("response.reasoning_summary_part.done", **at, part=summary)
        case Calls(pieces=pieces):
            for piece in pieces:
                events.add("response.function_call_arguments.delta", piece=True, **where, delta=piece)
            events.add("response.function_call_arguments.done", **where, arguments=item["arguments"])
        case Says(pieces):
            at = {**where, "content_index": 0}
            (content,) = item["content"]
            events.add("response.content_part.added", **at, part={**content, "text": "", "annotations": []})
            for piece in pieces:
                events.add("response.output_text.delta", piece=True, **at, delta=piece, logprobs=[])
            for number, annotation in enumerate(content["annotations"]):
                events.add("response.output_text.annotation.added", **at, annotation_index=number, annotation=annotation)
            events.add("response.output_text.done", **at, text=content["text"], logprobs=[])
            events.add("response.content_part.done", **at, part=content)
        case Refuses(pieces):
            at = {**where, "content_index": 0}
            (content,) = item["content"]
            events.add("response.content_part.added", **at, part={**content, "refusal": ""})
            for piece in pieces:
                events.add("response.refusal.delta", piece=True, **at, delta=piece)
            events.add("response.refusal.done", **at, refusal=content["refusal"])
            events.add("response.content_part.done", **at, part=content)


def failure(asked: Asked, answer: Answer) -> Event:
    """What a stream breaks off with: a failed response, or the event ``error``."""
    number = sum(event.data.startswith(b"event:") for event in stream(asked, answer)[: 4 + answer.fault_after])
    if answer.fault == "error-event":
        value = {"type": "error", "sequence_number": number, "code": "server_error", "message": "scripted overload", "param": None}
        return data(value, answer.eol, name="error")
    response = _response(asked, answer, [], "failed") | {"error": {"code": "server_error", "message": "scripted overload"}}
    kind = "response.failed"
    return data({"type": kind, "sequence_number": number, "response": response}, answer.eol, name=kind)
