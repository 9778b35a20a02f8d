"""Requests and items of OpenAI's Responses API in the words of its chat, which `assay.wire` reads.

Facts: OpenAI's API reference, "Create a model response" (as of 2026-11), and the items as Codex writes them
(openai/codex, codex-rs/protocol/src/models.rs). Covered: messages, function calls and their outputs, tools with free text (as
functions with one argument ``input``), local shell calls, function tools, formats and sampling. Reasoning is left out: it is
encrypted for one provider. Tools that run at the provider cannot be asked of another model; `Left` counts them.
"""

from __future__ import annotations

from typing import Any

import msgspec

from assay.challenge.work.anthropic_shape import Left
from assay.challenge.work.brought import Unreadable
from assay.challenge.work.records import Json

_SAME = ("temperature", "top_p", "parallel_tool_calls")
_ROLES = ("user", "assistant", "system", "developer")


def chat_body(body: Json, left: Left) -> Json:
    """The request ``body`` as a chat request.

    Raises:
        Unreadable: it is not of this protocol, or goes on from an answer that only the provider has.
    """
    if body.get("previous_response_id") or body.get("conversation"):
        raise Unreadable("it goes on from an answer that only the provider has (previous_response_id)")
    given = body.get("input")
    items = [{"role": "user", "content": given}] if type(given) is str else given
    if type(items) is not list:
        raise Unreadable("input is neither a text nor a list")
    messages = [written for item in items for written in chat_messages(item, left)]
    if type(body.get("instructions")) is str:
        messages.insert(0, {"role": "system", "content": body["instructions"]})
    written: Json = {"model": body.get("model"), "messages": messages}
    written.update({name: body[name] for name in _SAME if name in body})
    if "max_output_tokens" in body:
        written["max_completion_tokens"] = body["max_output_tokens"]
    reasoning = body.get("reasoning")
    if type(reasoning) is dict and reasoning.get("effort") is not None:
        written["reasoning_effort"] = reasoning["effort"]
    tools = body.get("tools")
    if type(tools) is list and tools:
        written["tools"] = chat_tools(tools, left)
        written.update(_choice(body.get("tool_choice")))
    text = body.get("text")
    written.update(_format(text.get("format") if type(text) is dict else None))
    return written


def chat_messages(item: Any, left: Left) -> list[Json]:
    """What one item becomes.

    Raises:
        Unreadable: it is none.
    """
    if type(item) is not dict:
        raise Unreadable("an item is not an object")
    kind = item.get("type") or "message"
    if kind == "message":
        if item.get("role") not in _ROLES:
            raise Unreadable("a message has no known role")
        return [{"role": item["role"], "content": _content(item.get("content"), left)}]
    if kind in ("function_call_output", "custom_tool_call_output"):
        return [{"role": "tool", "tool_call_id": item.get("call_id"), "content": _output(item.get("output"), left)}]
    call = _call(kind, item)
    if call is not None:
        return [{"role": "assistant", "content": None, "tool_calls": [call]}]
    if kind != "reasoning":
        left[str(kind)[:40]] += 1
    return []


def _call(kind: str, item: Json) -> Json | None:
    """The function call that an item is. Free text becomes the argument ``input``."""
    if kind == "function_call":
        name, arguments = item.get("name"), item.get("arguments")
    elif kind == "custom_tool_call":
        name, arguments = item.get("name"), msgspec.json.encode({"input": item.get("input")}).decode()
    elif kind == "local_shell_call":
        name, arguments = "local_shell", msgspec.json.encode(item.get("action")).decode()
    else:
        return None
    return {"id": item.get("call_id") or item.get("id"), "type": "function", "function": {"name": name, "arguments": arguments}}


def _content(content: Any, left: Left) -> str | list[Json]:
    if type(content) is str:
        return content
    if type(content) is not list:
        raise Unreadable("a message's content is neither a text nor a list")
    parts: list[Json] = []
    for part in content:
        kind = part.get("type") if type(part) is dict else None
        if kind in ("input_text", "output_text", "text"):
            parts.append({"type": "text", "text": part.get("text")})
        elif kind == "input_image" and type(part.get("image_url")) is str:
            image = {"url": part["image_url"]} | ({"detail": part["detail"]} if type(part.get("detail")) is str else {})
            parts.append({"type": "image_url", "image_url": image})
        elif kind == "refusal":
            parts.append({"type": "refusal", "refusal": part.get("refusal")})
        else:
            left[str(kind)[:40]] += 1
    if len(parts) == 1 and type(parts[0].get("text")) is str:
        text: str = parts[0]["text"]
        return text
    return parts


def _output(output: Any, left: Left) -> str | list[Json]:
    """A tool's output: a text, parts, or as older versions of Codex wrote it an object with ``content``."""
    if type(output) is dict:
        output = output.get("content")
    return _content("" if output is None else output, left)


def chat_tools(tools: list[Any], left: Left) -> list[Json]:
    """The tools that any model can be given."""
    written = []
    for tool in tools:
        kind = tool.get("type") if type(tool) is dict else None
        # Codex keeps those that were added to a session without a type, their schema under its own name.
        schema = (tool.get("parameters") or tool.get("inputSchema")) if type(tool) is dict else None
        if kind not in (None, "function") or type(schema) is not dict or type(tool.get("name")) is not str:
            left["a tool of the provider's own"] += 1
            continue
        function = {"name": tool.get("name"), "description": tool.get("description"), "parameters": schema}
        if type(tool.get("strict")) is bool:
            function["strict"] = tool["strict"]
        written.append({"type": "function", "function": function})
    return written


def _choice(choice: Any) -> Json:
    if type(choice) is str:
        return {"tool_choice": choice}
    if type(choice) is dict and choice.get("type") == "function":
        return {"tool_choice": {"type": "function", "function": {"name": choice.get("name")}}}
    return {}


def _format(form: Any) -> Json:
    if type(form) is not dict or form.get("type") not in ("json_schema", "json_object"):
        return {}
    if form["type"] == "json_object":
        return {"response_format": form}
    return {"response_format": {"type": "json_schema", "json_schema": {name: form[name] for name in form if name != "type"}}}
