"""Tools and the choice of them.

Rules of the server (API reference, "ToolConfiguration" and error texts, 2026-11): where the history has calls of tools, there must
be tools; there is no way to forbid them; a description may not be empty.
"""

from __future__ import annotations

from assay.core import Request, Tool, ToolCall, ToolChoice, ToolResult
from assay.wire.bedrock_converse.fields import NAME, Draft
from assay.wire.fields import Json

_NO_PARAMETERS: Json = {"type": "object", "properties": {}}


def write_tools(fields: Json, request: Request, draft: Draft) -> None:
    """``toolConfig``, where there are tools or were any."""
    parts = [part for message in request.transcript.messages for part in message.parts]
    called = list(dict.fromkeys(part.name for part in parts if isinstance(part, ToolCall)))
    is_history = bool(called) or any(isinstance(part, ToolResult) for part in parts)
    choice = request.tool_choice
    if choice is not None and choice.mode == "none" and not is_history:
        if request.tools:
            draft.losses.approximate("tool_choice", "no tools")
        return
    tools = [block for tool in request.tools for block in _write_tool(tool, draft)]
    if not tools and is_history:
        tools = [_write_spec(Tool(name=name)) for name in called or ["tool"]]
        draft.losses.approximate("tools", "from history")
    if not tools:
        if choice is not None and choice.mode in ("required", "named"):
            draft.losses.drop("tool_choice")
        return
    config: Json = {"tools": tools}
    if (written := _write_choice(choice, request, draft)) is not None:
        config["toolChoice"] = written
    if request.parallel_tool_calls is False:
        draft.losses.drop("parallel_tool_calls")
    fields["toolConfig"] = config


def _write_tool(tool: Tool, draft: Draft) -> list[Json]:
    draft.losses.tool(tool, NAME)
    if not tool.name:
        own = tool.extra.get(NAME)
        return [{**own}, *draft.marks(tool.cache)] if own else []
    return [_write_spec(tool), *draft.marks(tool.cache)]


def _write_spec(tool: Tool) -> Json:
    schema = tool.parameters or _NO_PARAMETERS
    spec: Json = {"name": tool.name, "inputSchema": {"json": schema if "type" in schema else {"type": "object", **schema}}}
    if tool.description:
        spec["description"] = tool.description
    if tool.strict is not None:
        spec["strict"] = tool.strict
    return {"toolSpec": {**spec, **tool.extra.get(NAME, {})}}


def _write_choice(choice: ToolChoice | None, request: Request, draft: Draft) -> Json | None:
    match choice:
        case ToolChoice(mode="auto"):
            return {"auto": {}}
        case ToolChoice(mode="required"):
            return {"any": {}}
        case ToolChoice(mode="named", name=name) if any(tool.name == name for tool in request.tools):
            return {"tool": {"name": name}}
        case ToolChoice(mode="named"):
            draft.losses.drop("tool_choice")
        case ToolChoice(mode="none"):
            draft.losses.approximate("tool_choice", "auto")
    return None
