"""Requests and messages of Anthropic's Messages API in the words of OpenAI's chat, which `assay.wire` reads.

Facts: the API reference, "Create a Message" (docs.anthropic.com, as of 2026-11). Covered: text, pictures, documents, tool use and
tool results, system prompts, tools, tool choice and sampling. Thoughts are left out: they are signed for one provider. Tools that
run at the provider, and blocks unknown here, cannot be asked of another model; `Left` counts them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from assay.challenge.work.brought import Unreadable
from assay.challenge.work.records import Json

Left = Counter[str]
"""What was left out, by kind."""
_SAME = ("temperature", "top_p", "top_k", "max_tokens")
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def chat_body(body: Json, left: Left) -> Json:
    """The request ``body`` as a chat request.

    Raises:
        Unreadable: it is not of this protocol.
    """
    given = body.get("messages")
    if type(given) is not list:
        raise Unreadable("messages is not a list")
    messages = [written for message in given for written in chat_messages(message, left)]
    system = _text_of(body.get("system"))
    if system:
        messages.insert(0, {"role": "system", "content": system})
    written: Json = {"model": body.get("model"), "messages": messages}
    written.update({name: body[name] for name in _SAME if name in body})
    if "stop_sequences" in body:
        written["stop"] = body["stop_sequences"]
    tools = body.get("tools")
    if type(tools) is list and tools:
        written["tools"] = [tool for one in tools if (tool := _tool(one, left)) is not None]
        written.update(_choice(body.get("tool_choice")))
    return written


def chat_messages(message: Any, left: Left) -> list[Json]:
    """One message: results of tools become messages of their own, before what else is said.

    Raises:
        Unreadable: it is none.
    """
    if type(message) is not dict or message.get("role") not in ("user", "assistant"):
        raise Unreadable("a message has no role user or assistant")
    content = message.get("content")
    blocks = [{"type": "text", "text": content}] if type(content) is str else content
    if type(blocks) is not list or not all(type(block) is dict for block in blocks):
        raise Unreadable("a message's content is neither a text nor a list of blocks")
    if message["role"] == "assistant":
        return _assistant(blocks, left)
    results = [_result(block, left) for block in blocks if block.get("type") == "tool_result"]
    parts = [part for block in blocks if block.get("type") != "tool_result" and (part := _part(block, left)) is not None]
    return [*results, {"role": "user", "content": _simple(parts)}] if parts else results


def _assistant(blocks: list[Json], left: Left) -> list[Json]:
    parts: list[Json] = []
    calls: list[Json] = []
    for block in blocks:
        if block.get("type") == "tool_use":
            calls.append(_call(block))
        elif (part := _part(block, left)) is not None:
            parts.append(part)
    if not parts and not calls:
        return []
    message: Json = {"role": "assistant", "content": _simple(parts) if parts else None}
    return [{**message, "tool_calls": calls} if calls else message]


def _call(block: Json) -> Json:
    arguments = msgspec.json.encode(block.get("input", {})).decode()
    return {"id": block.get("id"), "type": "function", "function": {"name": block.get("name"), "arguments": arguments}}


def _result(block: Json, left: Left) -> Json:
    content = block.get("content")
    if type(content) is list:
        content = _simple([part for one in content if type(one) is dict and (part := _part(one, left)) is not None])
    return {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": "" if content is None else content}


def _part(block: Json, left: Left) -> Json | None:
    kind = block.get("type")
    if kind == "text":
        return {"type": "text", "text": block.get("text")}
    if kind in ("image", "document"):
        source = block.get("source")
        url = _address(source) if type(source) is dict else None
        if url is not None and kind == "image":
            return {"type": "image_url", "image_url": {"url": url}}
        if url is not None:
            return {"type": "file", "file": {"file_data": url, "filename": block.get("title") or "document"}}
    if kind not in ("thinking", "redacted_thinking"):
        left[str(kind)[:40]] += 1
    return None


def _address(source: Json) -> str | None:
    if source.get("type") == "base64":
        return f"data:{source.get('media_type')};base64,{source.get('data')}"
    url = source.get("url")
    return url if type(url) is str else None


def _simple(parts: list[Json]) -> str | list[Json]:
    """A plain text where that says it all."""
    texts = [part["text"] for part in parts if part["type"] == "text" and type(part["text"]) is str]
    return texts[0] if len(parts) == 1 and texts else parts


def _text_of(system: Any) -> str:
    if type(system) is list:
        return "\n\n".join(block["text"] for block in system if type(block) is dict and type(block.get("text")) is str)
    return system if type(system) is str else ""


def _tool(tool: Any, left: Left) -> Json | None:
    if type(tool) is not dict or "input_schema" not in tool:
        left["a tool of the provider's own"] += 1
        return None
    function = {"name": tool.get("name"), "description": tool.get("description"), "parameters": tool.get("input_schema")}
    return {"type": "function", "function": function}


def _choice(choice: Any) -> Json:
    if type(choice) is not dict:
        return {}
    written: Json = {}
    if choice.get("type") == "tool":
        written["tool_choice"] = {"type": "function", "function": {"name": choice.get("name")}}
    elif type(choice.get("type")) is str and choice["type"] in _CHOICES:
        written["tool_choice"] = _CHOICES[choice["type"]]
    if choice.get("disable_parallel_tool_use") is True:
        written["parallel_tool_calls"] = False
    return written
