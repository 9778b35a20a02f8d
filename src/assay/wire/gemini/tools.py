"""Tools and which of them must be used, in both directions.

A function's schema is read from either of its two fields, and written as ``parametersJsonSchema``, which takes all of JSON
Schema; ``parameters`` takes a part of it only, and an upstream refuses the rest.
"""

from __future__ import annotations

from assay.core import Request, Tool, ToolChoice
from assay.wire.fields import Json, missing, take_str, wrong
from assay.wire.gemini.fields import NAME, left_over, take_list, take_object
from assay.wire.gemini.schema import to_json_schema
from assay.wire.losses import Losses

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "named": "ANY"}


def read_tools(values: list[object]) -> tuple[Tool, ...]:
    """Functions first, then what the provider runs itself: each a tool without a name, whole in its ``extra``."""
    functions: list[Tool] = []
    hosted: list[Tool] = []
    for i, value in enumerate(values):
        if type(value) is not dict:
            raise wrong(f"tools[{i}]", "an object", value)
        declared = take_list(value, "functionDeclarations", f"tools[{i}]")
        functions += [_read_function(one, f"tools[{i}].functionDeclarations[{j}]") for j, one in enumerate(declared)]
        hosted += [Tool(name="", extra={NAME: {kind: body}}) for kind, body in value.items() if body is not None]
    return (*functions, *hosted)


def _read_function(value: object, at: str) -> Tool:
    if type(value) is not dict:
        raise wrong(at, "an object", value)
    fields: Json = value
    name = take_str(fields, "name", at)
    if not name:
        raise missing(f"{at}.name")
    description = take_str(fields, "description", at)
    parameters = take_object(fields, "parametersJsonSchema", at)
    spelt = take_object(fields, "parameters", at)
    if parameters is None and spelt is not None:
        parameters = to_json_schema(spelt)
    shape = _of_object(parameters) if parameters is not None else None
    return Tool(name=name, description=description, parameters=shape, extra=left_over(fields))


def _of_object(schema: Json) -> Json:
    """Arguments are always an object, and upstreams want it said."""
    return schema if type(schema.get("type")) is str else {**schema, "type": "object"}


def read_tool_choice(config: Json) -> ToolChoice | None:
    """Take a choice that core has a word for out of ``toolConfig``; any other stays."""
    calling = config.get("functionCallingConfig")
    if calling is None:
        return None
    if type(calling) is not dict:
        raise wrong("toolConfig.functionCallingConfig", "an object", calling)
    match {key: value for key, value in calling.items() if value is not None and value != []}:
        case {"mode": "AUTO", **rest} if not rest:
            choice = ToolChoice("auto")
        case {"mode": "NONE", **rest} if not rest:
            choice = ToolChoice("none")
        case {"mode": "ANY", **rest} if not rest:
            choice = ToolChoice("required")
        case {"mode": "ANY", "allowedFunctionNames": [str(name)], **rest} if not rest:
            choice = ToolChoice("named", name)
        case _:
            return None
    del config["functionCallingConfig"]
    return choice


def write_tools(tools: tuple[Tool, ...], losses: Losses) -> list[Json]:
    """``tools``: all functions in one object, then those of the provider itself."""
    written: list[Json] = []
    functions = [_write_function(tool, losses) for tool in tools if tool.name]
    if functions:
        written.append({"functionDeclarations": functions})
    for tool in tools:
        losses.tool(tool, NAME)
        if not tool.name and (own := tool.extra.get(NAME)):
            written.append(own)
    return written


def _write_function(tool: Tool, losses: Losses) -> Json:
    if tool.strict:
        losses.drop("tools[].strict")
    if tool.cache is not None:
        losses.drop("cache")
    fields: Json = {"name": tool.name}
    if tool.description is not None:
        fields["description"] = tool.description
    if tool.parameters is not None:
        fields["parametersJsonSchema"] = _of_object(tool.parameters)
    return {**fields, **tool.extra.get(NAME, {})}


def write_tool_choice(config: Json, request: Request, losses: Losses) -> None:
    """Add ``functionCallingConfig`` to ``config``. A function can be demanded only where it is declared."""
    if request.parallel_tool_calls is False:
        losses.drop("parallel_tool_calls")
    choice = request.tool_choice
    if choice is None:
        return
    declared = {tool.name for tool in request.tools if tool.name}
    if (choice.mode == "required" and not declared) or (choice.mode == "named" and choice.name not in declared):
        losses.drop("tool_choice")
        return
    calling: Json = {"mode": _MODES[choice.mode]}
    if choice.mode == "named":
        calling["allowedFunctionNames"] = [choice.name]
    config["functionCallingConfig"] = {**config.get("functionCallingConfig", {}), **calling}
