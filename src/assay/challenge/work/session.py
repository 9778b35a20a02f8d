"""What sessions of coding agents have in common: stretches of conversation, and tools known only by their use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from assay.challenge.work.anthropic_shape import Left
from assay.challenge.work.batch import note_left
from assay.challenge.work.brought import Gathering, Unreadable
from assay.challenge.work.conversation import Told, items_of_conversation
from assay.challenge.work.prompts import read_body
from assay.challenge.work.records import Json
from assay.core import InvalidInput
from assay.wire.document import decode

_TYPES: dict[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}


class Line(msgspec.Struct, frozen=True):
    """A chat message of a session: where it stands, who wrote it, and whether the user asks something with it."""

    line: int
    message: Json
    author: str | None = None
    asks: bool = False


class Session:
    """The conversations of one session, as they are read; one cluster."""

    def __init__(self, gathering: Gathering, name: str):
        self._gathering = gathering
        self._name = name
        self._taken: set[int] = set()
        self.left = Left()
        """What could not be taken over."""

    def add(self, lines: Sequence[Line], tools: Sequence[Json] = ()) -> None:
        """The items of one stretch of conversation. Turns that another stretch has told already are not told twice."""
        lines = _joined(lines)
        described = [*tools, *_tools_used([line.message for line in lines], {tool["function"]["name"] for tool in tools})]
        if len(described) > len(tools):
            self._gathering.note(
                "The session does not hold what its tools were: they are described by the names and arguments with which they were used."
            )
        body: Json = {"messages": [line.message for line in lines]}
        if described:
            body["tools"] = described
        try:
            request, _ = read_body(body)
        except Unreadable as error:
            if any(line.asks for line in lines):
                self._gathering.refuse(lines[0].line, str(error))
            return
        told = Told(
            request=request,
            name=self._gathering.name,
            lines=tuple(line.line for line in lines),
            authors=tuple(line.author for line in lines),
            asking=frozenset(place for place, line in enumerate(lines) if line.asks),
            cluster=self._name,
        )
        for item, size in items_of_conversation(told, self._taken):
            self._gathering.add([item], size)
        self._taken.update(line.line for line in lines)

    def finish(self) -> None:
        """Say what was left out."""
        note_left(self._gathering, self.left)


def _joined(lines: Sequence[Line]) -> list[Line]:
    """With what the assistant said in one breath as one message, as it was: logs write each call and each paragraph apart."""
    joined: list[Line] = []
    for line in lines:
        last = joined[-1] if joined else None
        if last is None or line.message["role"] != "assistant" or last.message["role"] != "assistant":
            joined.append(line)
            continue
        calls = [*last.message.get("tool_calls", ()), *line.message.get("tool_calls", ())]
        content = [*_parts(last.message["content"]), *_parts(line.message["content"])]
        message: Json = {"role": "assistant", "content": content or None}
        joined[-1] = Line(last.line, {**message, "tool_calls": calls} if calls else message, last.author or line.author)
    return joined


def _parts(content: Any) -> list[Json]:
    if type(content) is str:
        return [{"type": "text", "text": content}] if content else []
    return content or []


def _tools_used(messages: Sequence[Json], known: set[str]) -> list[Json]:
    """A description of each tool that was called and is not ``known``: its name, and the arguments that were ever given to it."""
    used: dict[str, dict[str, set[str]]] = {}
    for message in messages:
        for call in message.get("tool_calls", ()):
            name = call["function"]["name"]
            if type(name) is not str or not name or name in known:
                continue
            seen = used.setdefault(name, {})
            for argument, value in _arguments(call["function"]["arguments"]).items():
                seen.setdefault(argument, set()).add(_TYPES.get(type(value), "null"))
    return [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": _properties(seen)}}}
        for name, seen in used.items()
    ]


def _properties(seen: dict[str, set[str]]) -> Json:
    return {argument: {"type": next(iter(kinds)) if len(kinds) == 1 else sorted(kinds)} for argument, kinds in seen.items()}


def _arguments(written: Any) -> Json:
    try:
        value = decode(written.encode()) if type(written) is str else None
    except InvalidInput:
        return {}
    return value if type(value) is dict else {}
