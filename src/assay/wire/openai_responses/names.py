"""What tools are called: those of a namespace bear its name before their own wherever there are no namespaces."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from assay.core import Tool
from assay.wire.fields import Json
from assay.wire.openai_responses.fields import NAME

_LONGEST = 64
INPUT = "input"
"""The only argument of a function that stands for a custom tool, whose input is free text."""

CUSTOM_PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {INPUT: {"type": "string"}},
    "required": [INPUT],
    "additionalProperties": False,
}


class Spelled(msgspec.Struct, frozen=True):
    """How this protocol spells a tool: its name in its namespace, and whether it takes text instead of JSON."""

    name: str
    namespace: str | None = None
    custom: bool = False


def flat_name(namespace: str | None, name: str) -> str:
    """``crm__find`` for ``find`` of ``crm``. More than 64 characters are cut, and stay unique by a piece of their hash."""
    if namespace is None:
        return name
    flat = f"{namespace}__{name}"
    if len(flat) <= _LONGEST:
        return flat
    return flat[: _LONGEST - 9] + "_" + hashlib.sha256(flat.encode()).hexdigest()[:8]


def spellings(tools: Iterable[Tool]) -> dict[str, Spelled]:
    """How this protocol spells the tools of a request, by the name that everyone else knows them by."""
    spelled = {}
    for tool in tools:
        extra = tool.extra.get(NAME)
        if extra and tool.name:
            space, name = place_of(extra)
            custom = extra.get("type") == "custom"
            if space is not None or custom:
                spelled[tool.name] = Spelled(name or tool.name, None if space is None else space["name"], custom)
    return spelled


def place_of(extra: Json) -> tuple[Json | None, str]:
    """The namespace that a tool is in, and its name there; a client's own field of that name is no namespace."""
    match extra.get("namespace"):
        case {"of": {"name": str(), **_rest} as space, "name": str(name)}:
            return space, name
    return None, ""


def custom_input(arguments: str) -> str:
    """The text that the arguments of a custom tool's function hold; all of them where they are not as asked."""
    try:
        value = msgspec.json.decode(arguments)
    except (msgspec.MsgspecError, RecursionError):
        return arguments
    if type(value) is dict and type(value.get(INPUT)) is str:
        return str(value[INPUT])
    return arguments


def is_object(arguments: str) -> bool:
    """Whether the arguments of a call are what a function takes."""
    try:
        return type(msgspec.json.decode(arguments)) is dict
    except (msgspec.MsgspecError, RecursionError):
        return False


def custom_arguments(text: str) -> str:
    """A custom tool's input as the arguments of a function."""
    return msgspec.json.encode({INPUT: text}).decode()
