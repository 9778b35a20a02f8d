"""What the gateway's benchmark sends and is sent, in four protocols: the same words for whoever carries them.

`request` is what a client asks; `answer` and `events` are what the upstream says, in pieces of about 200 bytes. What is passed
through is compared byte for byte; what was translated is read by `heard`, which knows nothing of how Assay writes.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

PROTOCOLS = ("openai_chat", "openai_responses", "anthropic", "gemini")
TOKENS = 100
EVENTS = TOKENS + 3
"""What a stream counts for: its pieces, a beginning and an end. Some protocols have a few more events; they are not counted."""

INPUT_TOKENS, OUTPUT_TOKENS = 90, 100
MARK = b"nonce-"
NONCE_DIGITS = 12
_SAYING = "measured weighed compared and found to be what it says on the label, no more and no less"
_WORDS = _SAYING.split(" ")
_PADDING = " ".join(_WORDS * 4)[:300]


class Asked(NamedTuple):
    """A request: its path, headers besides its length, and body."""

    path: str
    headers: dict[str, str]
    body: bytes


class Heard(NamedTuple):
    """What a client made of an answer. ``ended``: it was told that this is all, and that it ended well."""

    text: str
    ended: bool
    tokens: tuple[int, int] | None


def request(protocol: str, model: str, key: str, nonce: int, *, stream: bool) -> Asked:
    """A request of about 470 bytes; ``nonce`` makes every one different, as real ones are."""
    said = f"{MARK.decode()}{nonce:0{NONCE_DIGITS}d} {_PADDING}"
    rules = "You are a scale."
    user = {"role": "user", "content": said}
    headers = {"content-type": "application/json"}
    body: dict[str, Any] = {"model": model}
    if protocol == "openai_chat":
        path, body["messages"] = "/v1/chat/completions", [{"role": "system", "content": rules}, user]
    elif protocol == "openai_responses":
        path, body["instructions"], body["input"], body["store"] = "/v1/responses", rules, [user], False
    elif protocol == "anthropic":
        path, body["system"], body["messages"], body["max_tokens"] = "/v1/messages", rules, [user], 500
        headers["anthropic-version"] = "2023-06-01"
    else:
        path = f"/v1beta/models/{model}:{'streamGenerateContent?alt=sse' if stream else 'generateContent'}"
        body = {
            "systemInstruction": {"parts": [{"text": rules}]},
            "contents": [{"role": "user", "parts": [{"text": said}]}],
            "generationConfig": {"temperature": 0.5},
        }
    if protocol != "gemini":
        body["temperature"] = 0.5
        if stream:
            body["stream"] = True
    headers |= {"anthropic": {"x-api-key": key}, "gemini": {"x-goog-api-key": key}}.get(
        protocol, {"authorization": f"Bearer {key}"}
    )
    return Asked(path, headers, _packed(body))


def reply_text(nonce: bytes) -> bytes:
    """The words of a plain answer."""
    return b"%b%b %b %b" % (MARK, nonce, _PADDING.encode(), _PADDING.encode()[:140])


def token(nonce: bytes, number: int) -> bytes:
    """One piece of a streamed answer."""
    return b"%b " % _WORDS[number % len(_WORDS)].encode() if number else b"%b%b " % (MARK, nonce)


def words(nonce: bytes, *, stream: bool) -> str:
    """All that the upstream says."""
    said = b"".join(token(nonce, number) for number in range(TOKENS)) if stream else reply_text(nonce)
    return said.decode()


def nonce_in(body: bytes) -> bytes:
    """The nonce of a request or an answer."""
    at = body.find(MARK) + len(MARK)
    return body[at : at + NONCE_DIGITS]


def answer(protocol: str, nonce: bytes) -> bytes:
    """A plain answer of about 800 bytes."""
    return _ANSWERS[protocol].replace(b"<nonce>", nonce).replace(b"<words>", reply_text(nonce))


def events(protocol: str, nonce: bytes, *, usage: bool = True) -> list[bytes]:
    """A streamed answer, event by event; what comes before the first words comes with them. ``usage``: whether Chat's extra chunk
    was asked for."""
    before, piece, after = _STREAMS[protocol]
    pieces = [piece.replace(b"<words>", token(nonce, number)) for number in range(TOKENS)]
    tail = [event for event in after if usage or event is not _CHAT_USAGE]
    whole = words(nonce, stream=True).encode()
    return [
        event.replace(b"<nonce>", nonce).replace(b"<all>", whole) for event in (b"".join([*before, pieces[0]]), *pieces[1:], *tail)
    ]


def heard(protocol: str, body: bytes, *, stream: bool) -> Heard:
    """Read an answer as a client of ``protocol`` would. Raises ValueError, KeyError and the like where it cannot be read."""
    if not stream:
        return _HEARD[protocol](json.loads(body))
    said, ended, tokens = [], False, None
    for line in body.decode().replace("\r\n", "\n").split("\n"):
        if not line.startswith("data:") or line == "data: [DONE]":
            continue
        event = json.loads(line[5:])
        if event.get("error"):
            raise ValueError(f"an error in the stream: {event['error']}")
        piece = _HEARD_EVENTS[protocol](event)
        said.append(piece.text)
        ended = ended or piece.ended
        tokens = piece.tokens or tokens
    return Heard("".join(said), ended, tokens)


def _packed(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


# How each protocol says it


def _chat(choices: list[Any], kind: str = "chat.completion.chunk", **more: Any) -> Any:
    return {"id": "chatcmpl-<nonce>", "object": kind, "created": 1763800000, "model": "bench-model", "choices": choices} | more


def _chat_delta(delta: Any, finish: str | None = None) -> Any:
    return _chat([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}], system_fingerprint="fp_bench")


def _response(status: str, text: str | None) -> Any:
    """A whole Responses object; without ``text`` it has only begun."""
    usage = {
        "input_tokens": INPUT_TOKENS, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": OUTPUT_TOKENS,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    }  # fmt: skip
    return {
        "id": "resp_<nonce>", "object": "response", "created_at": 1763800000, "status": status, "model": "bench-model", "error": None,
        "incomplete_details": None, "instructions": None, "metadata": {}, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "temperature": 0.5, "top_p": 1.0, "output": [] if text is None else [_message(text)], "usage": None if text is None else usage,
    }  # fmt: skip


def _message(text: str | None) -> Any:
    content = [] if text is None else [_output_text(text)]
    return {
        "id": "msg_<nonce>",
        "type": "message",
        "role": "assistant",
        "status": "in_progress" if text is None else "completed",
        "content": content,
    }


def _output_text(text: str) -> Any:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _claude(content: list[Any], stop: str | None, output: int) -> Any:
    return {
        "id": "msg_<nonce>", "type": "message", "role": "assistant", "model": "bench-model", "content": content, "stop_reason": stop,
        "stop_sequence": None, "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": output},
    }  # fmt: skip


def _gemini(text: str, finish: str | None, output: int) -> Any:
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0} | ({"finishReason": finish} if finish else {})
    usage = {"promptTokenCount": INPUT_TOKENS, "candidatesTokenCount": output, "totalTokenCount": INPUT_TOKENS + output}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "bench-model", "responseId": "<nonce>"}


def _data(value: Any, end: bytes = b"\n\n") -> bytes:
    return b"data: %b%b" % (_packed(value), end)


def _named(value: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (value["type"].encode(), _packed(value))


def _numbered(values: list[Any]) -> list[bytes]:
    return [_named(value | {"sequence_number": number}) for number, value in enumerate(values)]


_CHAT_TOKENS = {"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS, "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS}
_CHAT_USAGE = _data(_chat([], usage=_CHAT_TOKENS))
_SLOT = {"item_id": "msg_<nonce>", "output_index": 0, "content_index": 0}
_DELTA = {"type": "response.output_text.delta", **_SLOT, "delta": "<words>", "logprobs": []}
_OPENING = [
    {"type": "response.created", "response": _response("in_progress", None)},
    {"type": "response.in_progress", "response": _response("in_progress", None)},
    {"type": "response.output_item.added", "output_index": 0, "item": _message(None)},
    {"type": "response.content_part.added", **_SLOT, "part": _output_text("")},
]
_CLOSING = [
    {"type": "response.output_text.done", **_SLOT, "text": "<all>", "logprobs": []},
    {"type": "response.content_part.done", **_SLOT, "part": _output_text("<all>")},
    {"type": "response.output_item.done", "output_index": 0, "item": _message("<all>")},
    {"type": "response.completed", "response": _response("completed", "<all>")},
]
_CRLF = b"\r\n\r\n"

_ANSWERS = {
    "openai_chat": _packed(
        _chat(
            [{"index": 0, "message": {"role": "assistant", "content": "<words>", "refusal": None}, "logprobs": None, "finish_reason": "stop"}],
            "chat.completion",
            usage=_CHAT_TOKENS,
            system_fingerprint="fp_bench",
        )
    ),
    "openai_responses": _packed(_response("completed", "<words>")),
    "anthropic": _packed(_claude([{"type": "text", "text": "<words>"}], "end_turn", OUTPUT_TOKENS)),
    "gemini": _packed(_gemini("<words>", "STOP", OUTPUT_TOKENS)),
}  # fmt: skip
_STREAMS: dict[str, tuple[list[bytes], bytes, list[bytes]]] = {
    "openai_chat": (
        [_data(_chat_delta({"role": "assistant", "content": ""}))],
        _data(_chat_delta({"content": "<words>"})),
        [_data(_chat_delta({}, "stop")), _CHAT_USAGE, b"data: [DONE]\n\n"],
    ),
    "openai_responses": (
        _numbered(_OPENING),
        _named(_DELTA | {"sequence_number": 9}),
        [_named(value | {"sequence_number": 10}) for value in _CLOSING],
    ),
    "anthropic": (
        [
            _named({"type": "message_start", "message": _claude([], None, 1)}),
            _named({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        ],
        _named({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "<words>"}}),
        [
            _named({"type": "content_block_stop", "index": 0}),
            _named(
                {
                    "type": "message_delta",
                    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                    "usage": {"output_tokens": OUTPUT_TOKENS},
                }
            ),
            _named({"type": "message_stop"}),
        ],
    ),
    "gemini": ([], _data(_gemini("<words>", None, 1), _CRLF), [_data(_gemini("", "STOP", OUTPUT_TOKENS), _CRLF)]),
}


# What a client of each protocol makes of it


def _hear_chat(body: Any) -> Heard:
    choice = body["choices"][0]
    return Heard(choice["message"]["content"], choice["finish_reason"] == "stop", _chat_tokens(body))


def _hear_chunk(event: Any) -> Heard:
    choice = event["choices"][0] if event["choices"] else {"delta": {}, "finish_reason": None}
    return Heard(choice["delta"].get("content") or "", choice.get("finish_reason") == "stop", _chat_tokens(event))


def _chat_tokens(body: Any) -> tuple[int, int] | None:
    usage = body.get("usage")
    return (usage["prompt_tokens"], usage["completion_tokens"]) if usage else None


def _hear_response(body: Any) -> Heard:
    said = [part["text"] for item in body["output"] if item["type"] == "message" for part in item["content"]]
    return Heard("".join(said), body["status"] == "completed", (body["usage"]["input_tokens"], body["usage"]["output_tokens"]))


def _hear_response_event(event: Any) -> Heard:
    if event["type"] == "response.output_text.delta":
        return Heard(event["delta"], False, None)
    if event["type"] == "response.completed":
        return Heard("", True, _hear_response(event["response"]).tokens)
    return Heard("", False, None)


def _hear_claude(body: Any) -> Heard:
    said = "".join(block["text"] for block in body["content"])
    return Heard(said, body["stop_reason"] == "end_turn", (body["usage"]["input_tokens"], body["usage"]["output_tokens"]))


def _hear_claude_event(event: Any) -> Heard:
    """What is counted at the end is cumulative; the input may have been told at the beginning only."""
    if event["type"] == "content_block_delta":
        return Heard(event["delta"]["text"], False, None)
    if event["type"] == "message_delta":
        usage = event["usage"]
        return Heard(
            "", event["delta"]["stop_reason"] == "end_turn", (usage.get("input_tokens") or INPUT_TOKENS, usage["output_tokens"])
        )
    return Heard("", False, None)


def _hear_gemini(body: Any) -> Heard:
    candidate, usage = body["candidates"][0], body.get("usageMetadata") or {}
    said = "".join(part.get("text", "") for part in candidate.get("content", {}).get("parts", ()))
    ended = candidate.get("finishReason") == "STOP"
    return Heard(said, ended, (usage["promptTokenCount"], usage["candidatesTokenCount"]) if ended else None)


_HEARD = {"openai_chat": _hear_chat, "openai_responses": _hear_response, "anthropic": _hear_claude, "gemini": _hear_gemini}
_HEARD_EVENTS = {
    "openai_chat": _hear_chunk,
    "openai_responses": _hear_response_event,
    "anthropic": _hear_claude_event,
    "gemini": _hear_gemini,
}
