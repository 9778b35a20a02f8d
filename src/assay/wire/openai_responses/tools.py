"""Tools and how freely they are chosen, in both directions.

A namespace becomes its tools, named with it. A custom tool, which takes free text, becomes a function of one string. What the
provider itself runs (web search, code, MCP) has no name here and is kept whole.
"""

from __future__ import annotations

from collections.abc import Iterable

from assay.core import Tool, ToolChoice
from assay.wire.fields import Json, missing, take_bool, take_str, wrong
from assay.wire.losses import Losses
from assay.wire.openai_responses.fields import NAME
from assay.wire.openai_responses.names import CUSTOM_PARAMETERS, Spelled, flat_name, place_of
from assay.wire.strictness import fits_strict

_MODES = ("auto", "none", "required")


def read_tools(value: object) -> tuple[Tool, ...]:
    if value is None:
        return ()
    if type(value) is not list:
        raise wrong("tools", "a list", value)
    return tuple([tool for i, given in enumerate(value) for tool in _read_tool(given, f"tools[{i}]")])


def _read_tool(value: object, at: str, space: Json | None = None) -> list[Tool]:
    if type(value) is not dict:
        raise wrong(at, "an object", value)
    fields: Json = value
    kind = take_str({**fields}, "type", at) or "function"
    if kind == "namespace" and space is None and type(fields.get("tools")) is list and type(fields.get("name")) is str:
        inner = {key: given for key, given in fields.items() if key not in ("type", "tools")}
        tools = [tool for i, given in enumerate(fields["tools"]) for tool in _read_tool(given, f"{at}.tools[{i}]", inner)]
        return tools or [Tool(name="", extra={NAME: fields})]
    if kind not in ("function", "custom"):
        return [Tool(name="", extra={NAME: fields if space is None else {**fields, "namespace": {"of": space, "name": ""}}})]
    fields.pop("type", None)
    return [_read_function(fields, at, space) if kind == "function" else _read_custom(fields, at, space)]


def _read_function(fields: Json, at: str, space: Json | None) -> Tool:
    name = _take_name(fields, at)
    parameters = fields.pop("parameters", None)
    if parameters is not None and type(parameters) is not dict:
        raise wrong(f"{at}.parameters", "an object", parameters)
    strict = take_bool(fields, "strict", at)
    description = take_str(fields, "description", at)
    if strict is None:
        fields["strict"] = None
    return Tool(
        name=flat_name(None if space is None else space["name"], name),
        description=description,
        parameters=parameters,
        strict=strict,
        extra=_extra(fields, name, space),
    )


def _read_custom(fields: Json, at: str, space: Json | None) -> Tool:
    name = _take_name(fields, at)
    description = take_str(fields, "description", at)
    return Tool(
        name=flat_name(None if space is None else space["name"], name),
        description=description,
        parameters=CUSTOM_PARAMETERS,
        extra=_extra({"type": "custom", **fields}, name, space),
    )


def _take_name(fields: Json, at: str) -> str:
    name = take_str(fields, "name", at)
    if not name:
        raise missing(f"{at}.name")
    return name


def _extra(fields: Json, name: str, space: Json | None) -> dict[str, Json]:
    """``strict`` is kept where it was left open: OpenAI then tries it, and falls back, which is not what False means."""
    if space is not None:
        fields["namespace"] = {"of": space, "name": name}
    return {NAME: fields} if fields else {}


def write_tools(tools: Iterable[Tool], losses: Losses) -> list[Json]:
    """Tools for a server; those of one namespace are together in it again."""
    written: list[Json] = []
    open_space: Json | None = None
    for tool in tools:
        losses.tool(tool, NAME)
        if tool.cache is not None:
            losses.drop("cache")
        extra = {**tool.extra.get(NAME, {})}
        space, name = place_of(extra)
        if space is not None:
            del extra["namespace"]
        one = _write_tool(tool, extra, name or tool.name, losses)
        if one is None:
            continue
        if space is None:
            written.append(one)
        elif space == open_space:
            written[-1]["tools"].append(one)
        else:
            written.append({"type": "namespace", **space, "tools": [one]})
        open_space = space
    return written


def _write_tool(tool: Tool, extra: Json, name: str, losses: Losses) -> Json | None:
    if not tool.name:
        return extra or None
    if extra.get("type") == "custom":
        described = {} if tool.description is None else {"description": tool.description}
        return {"type": "custom", "name": name, **described, **extra}
    written: Json = {"type": "function", "name": name}
    if tool.description is not None:
        written["description"] = tool.description
    written["parameters"] = tool.parameters
    strict = bool(tool.strict)
    if strict and not fits_strict(tool.parameters):
        losses.drop("tools[].strict")
        strict = False
    written["strict"] = strict
    return {**written, **extra}


def read_tool_choice(fields: Json) -> ToolChoice | None:
    """A form other than the four of core stays in ``fields``."""
    choice = fields["tool_choice"]
    if choice is None or choice in _MODES:
        del fields["tool_choice"]
        return None if choice is None else ToolChoice(choice)
    match choice:
        case {"type": "function" | "custom", "name": str(name), **rest} if not rest:
            del fields["tool_choice"]
            return ToolChoice("named", name)
        case {}:
            return None
    raise wrong("tool_choice", "auto, none, required or an object", choice)


def write_tool_choice(choice: ToolChoice, names: dict[str, Spelled]) -> str | Json:
    if choice.mode != "named":
        return choice.mode
    spelled = names.get(choice.name or "")
    if spelled is None:
        return {"type": "function", "name": choice.name}
    return {"type": "custom" if spelled.custom else "function", "name": spelled.name}
