"""Clients of the four protocols without an SDK: they send what they are told byte by byte, and see every byte of the answer.

`ask` sends one request on a connection of its own. `Heard` reads the answer with `json` alone, so that nothing of ours judges
itself: its words, its error, and whether it ended as its protocol says that answers end.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

Headers = Sequence[tuple[str, str]]
TOOL: dict[str, Any] = {"name": "weather", "description": "The weather in a city."}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
_WAIT_S = 30


class Door(Protocol):
    """Where a gateway answers, without a path, and a key that it takes."""

    @property
    def url(self) -> str: ...

    @property
    def key(self) -> str: ...


def path_of(protocol: str, model: str, *, stream: bool, as_list: bool = False) -> str:
    """Where a client of the protocol asks."""
    match protocol:
        case "openai_chat":
            return "/v1/chat/completions"
        case "openai_responses":
            return "/v1/responses"
        case "anthropic":
            return "/v1/messages"
    verb = "streamGenerateContent" if stream else "generateContent"
    return f"/v1beta/models/{quote(model, safe='/:')}:{verb}{'?alt=sse' if stream and not as_list else ''}"


def body_of(protocol: str, model: str, *, words: str = "Say hello.", stream: bool = False, tools: bool = False) -> dict[str, Any]:
    """The smallest question that a client of the protocol may ask; ``stream`` stands in the address for Gemini's."""
    match protocol:
        case "openai_chat":
            body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": words}], "stream": stream}
            function: dict[str, Any] = {"type": "function", "function": {**TOOL, "parameters": SCHEMA}}
        case "openai_responses":
            body = {"model": model, "input": [{"role": "user", "content": words}], "store": False, "stream": stream}
            function = {"type": "function", **TOOL, "parameters": SCHEMA, "strict": True}
        case "anthropic":
            body = {"model": model, "max_tokens": 1000, "messages": [{"role": "user", "content": words}], "stream": stream}
            function = {**TOOL, "input_schema": SCHEMA}
        case _:
            body = {"contents": [{"role": "user", "parts": [{"text": words}]}]}
            function = {"functionDeclarations": [{**TOOL, "parametersJsonSchema": SCHEMA}]}
    return body | ({"tools": [function]} if tools else {})


def key_header(protocol: str, key: str) -> list[tuple[str, str]]:
    """The key where an SDK of the protocol puts it, and what it says beside."""
    match protocol:
        case "anthropic":
            return [("x-api-key", key), ("anthropic-version", "2023-06-01")]
        case "gemini":
            return [("x-goog-api-key", key)]
    return [("authorization", f"Bearer {key}")]


@dataclass
class Heard:
    """An answer as it came. ``complete`` says whether the server ended it properly, as HTTP goes."""

    protocol: str
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    complete: bool = False

    def header(self, name: str) -> str | None:
        """The only header of that name."""
        found = [value for key, value in self.headers if key == name]
        assert len(found) < 2, f"{name} comes twice: {found}"
        return found[0] if found else None

    @property
    def is_stream(self) -> bool:
        return (self.header("content-type") or "").startswith("text/event-stream")

    @property
    def documents(self) -> list[Any]:
        """The whole document, or those of a stream or of an array. Every line of a stream must be one that the protocol has."""
        if not self.is_stream:
            value = json.loads(self.body)
            return value if type(value) is list else [value]
        lines = self.body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        data = [line.removeprefix(b"data:").strip() for line in lines if line.startswith(b"data:")]
        return [json.loads(one) for one in data if one != b"[DONE]"]

    @property
    def error(self) -> dict[str, Any] | None:
        """The error that the answer is or ends with, in the protocol's own envelope; its shape is checked."""
        last = self.documents[-1] if self.documents else {}
        match self.protocol:
            case "anthropic":
                if last.get("type") != "error":
                    return None
                assert {"type", "message"} <= set(last["error"]), last
                assert last["request_id"], last
            case "openai_responses" if self.is_stream:
                if last.get("type") != "response.failed":
                    return None
                told = last["response"]["error"]
                assert last["response"]["status"] == "failed", last
                assert {"code", "message"} <= set(told), last
                return dict(told)
            case "gemini":
                if "error" not in last:
                    return None
                assert {"code", "message", "status"} <= set(last["error"]), last
            case _:
                if last.get("error") is None:
                    return None
                assert {"message", "type", "param", "code"} <= set(last["error"]), last
        return dict(last["error"])

    @property
    def text(self) -> str:
        """What the model said, put together from the pieces of a stream or out of the document."""
        return "".join(text for document in self.documents for text in _words(self.protocol, document, self.is_stream))

    @property
    def arguments(self) -> str:
        """The arguments of the calls of tools, one after the other."""
        return "".join(text for document in self.documents for text in _arguments(self.protocol, document, self.is_stream))

    @property
    def ended_well(self) -> bool:
        """Whether the client takes the answer for a whole one."""
        if self.status != 200 or not self.complete:
            return False
        documents = self.documents
        match self.protocol:
            case "openai_chat":
                return any(choice.get("finish_reason") for one in documents for choice in one.get("choices") or ())
            case "openai_responses":
                ends = {"response.completed", "response.incomplete"}
                return any(one.get("type") in ends or one.get("status") in ("completed", "incomplete") for one in documents)
            case "anthropic":
                return any(one.get("type") == "message_stop" or one.get("stop_reason") for one in documents)
        return any(one.get("finishReason") for document in documents for one in document.get("candidates") or ())


def _words(protocol: str, document: dict[str, Any], stream: bool) -> list[str]:
    match protocol:
        case "openai_chat":
            said = [choice["delta" if stream else "message"] for choice in document.get("choices") or ()]
            return [one["content"] for one in said if one.get("content")]
        case "openai_responses":
            if stream:
                return [document["delta"]] if document["type"] == "response.output_text.delta" else []
            items = [item for item in document.get("output", ()) if item["type"] == "message"]
            return [part["text"] for item in items for part in item["content"] if part["type"] == "output_text"]
        case "anthropic":
            if stream:
                return [document["delta"]["text"]] if document.get("delta", {}).get("type") == "text_delta" else []
            return [block["text"] for block in document.get("content", ()) if block["type"] == "text"]
    return [part["text"] for part in _parts(document) if part.get("text") and not part.get("thought")]


def _arguments(protocol: str, document: dict[str, Any], stream: bool) -> list[str]:
    match protocol:
        case "openai_chat":
            said = [choice["delta" if stream else "message"] for choice in document.get("choices") or ()]
            return [call["function"].get("arguments", "") for one in said for call in one.get("tool_calls") or ()]
        case "openai_responses":
            if stream:
                return [document["delta"]] if document["type"] == "response.function_call_arguments.delta" else []
            return [item["arguments"] for item in document.get("output", ()) if item["type"] == "function_call"]
        case "anthropic":
            if stream:
                return [document["delta"]["partial_json"]] if document.get("delta", {}).get("type") == "input_json_delta" else []
            return [json.dumps(block["input"]) for block in document.get("content", ()) if block["type"] == "tool_use"]
    return [json.dumps(part["functionCall"]["args"]) for part in _parts(document) if "functionCall" in part]


def _parts(document: dict[str, Any]) -> list[dict[str, Any]]:
    candidates = document.get("candidates") or ()
    return [part for one in candidates for part in one.get("content", {}).get("parts") or ()]


async def ask(
    tongues: Door,
    protocol: str,
    model: str,
    *,
    stream: bool = False,
    body: Any = None,
    headers: Headers = (),
    keys: Headers | None = None,
    as_list: bool = False,
    path: str | None = None,
    **about: Any,
) -> Heard:
    """Ask ``model``, a deployment's id. ``body`` replaces the question, and bytes are sent as they are; ``keys`` replaces `key_header`."""
    given = body_of(protocol, model, stream=stream, **about) if body is None else body
    content = given if isinstance(given, bytes) else json.dumps(given).encode()
    where = path or path_of(protocol, model, stream=stream, as_list=as_list)
    sent = [("host", "assay"), ("content-type", "application/json"), ("content-length", str(len(content)))]
    sent += [*(key_header(protocol, tongues.key) if keys is None else keys), *headers]
    head = "".join(f"{name}: {value}\r\n" for name, value in sent)
    reader, writer = await connect(tongues)
    try:
        writer.write(f"POST {where} HTTP/1.1\r\n{head}\r\n".encode("utf-8", "surrogateescape") + content)
        async with asyncio.timeout(_WAIT_S):
            return await hear(reader, protocol)
    finally:
        writer.transport.abort()  # what was refused early is not sent to its end


async def connect(tongues: Door) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the gateway."""
    at = urlsplit(tongues.url)
    return await asyncio.open_connection(at.hostname, at.port, limit=64 * 1024 * 1024)


async def hear(reader: asyncio.StreamReader, protocol: str) -> Heard:
    """Read one answer to its end, or to where it breaks off."""
    heard = Heard(protocol)
    try:
        await _read(reader, heard)
        heard.complete = True
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    return heard


async def _read(reader: asyncio.StreamReader, heard: Heard) -> None:
    line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
    heard.status = int(line.split(" ")[1])
    heard.headers = [(name.lower(), value.strip()) for name, _, value in (one.partition(":") for one in fields)]
    if heard.header("transfer-encoding") != "chunked":
        heard.body = await reader.readexactly(int(heard.header("content-length") or 0))
        return
    pieces = bytearray()
    try:
        while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
            pieces += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
    finally:
        heard.body = bytes(pieces)
