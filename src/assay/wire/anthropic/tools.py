"""Tools, the choice of them, and the shape of an answer, as an upstream takes them.

Rules of the server (Anthropic documentation, "Tool use" and "Structured outputs", 2026-11): parameters are an object without
alternatives at the top; where an answer must follow a schema, every object in it is closed; a choice needs tools to choose from.
"""

from __future__ import annotations

from typing import Any

from assay.core import OutputFormat, Request, Tool
from assay.wire.anthropic.draft import Draft
from assay.wire.anthropic.fields import NAME
from assay.wire.fields import Json

_ALTERNATIVES = ("anyOf", "oneOf", "allOf")


def write_tools(fields: Json, request: Request, draft: Draft) -> None:
    """``tools`` and ``tool_choice``. Without a tool there is no choice of one."""
    tools = [written for tool in request.tools if (written := _write_tool(tool, draft)) is not None]
    if tools:
        fields["tools"] = tools
    choice, parallel = request.tool_choice, request.parallel_tool_calls
    if not tools and not draft.own:
        if choice is not None and choice.mode in ("required", "named"):
            draft.losses.drop("tool_choice")
        return
    if choice is not None and choice.mode == "named" and not draft.own and all(tool.name != choice.name for tool in request.tools):
        draft.losses.drop("tool_choice")
        choice = None
    if choice is not None:
        modes = {"auto": "auto", "none": "none", "required": "any", "named": "tool"}
        fields["tool_choice"] = {"type": modes[choice.mode]}
        if choice.mode == "named":
            fields["tool_choice"]["name"] = draft.name(choice.name or "")
    elif parallel is False:
        fields["tool_choice"] = {"type": "auto"}
    if parallel is not None and "tool_choice" in fields and fields["tool_choice"]["type"] != "none":
        fields["tool_choice"]["disable_parallel_tool_use"] = not parallel


def _write_tool(tool: Tool, draft: Draft) -> Json | None:
    own = tool.extra.get(NAME, {})
    draft.losses.tool(tool, NAME)
    if not tool.name:
        return draft.mark({**own}, tool.cache) if own else None
    fields: Json = {"name": draft.name(tool.name)}
    if tool.description is not None:
        fields["description"] = tool.description
    fields["input_schema"] = _write_parameters(tool, draft)
    if tool.strict is not None:
        fields["strict"] = tool.strict
    return draft.mark({**fields, **own}, tool.cache)


def _write_parameters(tool: Tool, draft: Draft) -> Json:
    """The schema of the arguments. One with alternatives at the top becomes the object that holds the fields of all."""
    schema = tool.parameters
    if schema is None:
        nothing: Json = {"type": "object", "properties": {}}
        return _closed(nothing) if tool.strict else nothing
    if draft.own:
        return schema
    written: Json = schema if schema.get("type") == "object" else {**schema, "type": "object"}
    if any(word in schema for word in _ALTERNATIVES):
        written = _joined(written)
    if tool.strict:
        written = _closed(written)
    if written != {**schema, "type": "object"}:
        draft.losses.approximate("tools[].parameters")
    return written


def _joined(schema: Json) -> Json:
    properties: Json = {}
    for word in _ALTERNATIVES:
        alternatives = schema.get(word)
        for one in alternatives if type(alternatives) is list else ():
            if type(one) is dict and type(one.get("properties")) is dict:
                properties.update(one["properties"])
    if type(schema.get("properties")) is dict:
        properties.update(schema["properties"])
    return {**{key: value for key, value in schema.items() if key not in _ALTERNATIVES}, "properties": properties}


def write_output(output: OutputFormat, draft: Draft) -> Json | None:
    losses = draft.losses
    losses.foreign(output.extra, NAME, at="output")
    if output.kind == "text":
        return None
    if output.schema is None:
        losses.drop("output")
        return None
    for name in ("name", "description"):
        if getattr(output, name) is not None:
            losses.drop(f"output.{name}")
    if output.strict is False:
        losses.approximate("output.strict", "true")
    schema = output.schema if draft.own else _closed(output.schema)
    if schema != output.schema:
        losses.approximate("output", "no additional properties")
    return {"type": "json_schema", "schema": schema, **output.extra.get(NAME, {})}


def _closed(schema: Any) -> Any:
    """``schema`` with every object closed to other properties, without which the server refuses it."""
    if type(schema) is list:
        return [_closed(one) for one in schema]
    if type(schema) is not dict:
        return schema
    closed: Json = {}
    for key, value in schema.items():
        if key in ("properties", "$defs", "definitions") and type(value) is dict:
            closed[key] = {name: _closed(inner) for name, inner in value.items()}
        elif key in ("items", "anyOf", "allOf", "oneOf"):
            closed[key] = _closed(value)
        else:
            closed[key] = value
    if closed.get("type") == "object" or "properties" in closed:
        closed["additionalProperties"] = False
    return closed
