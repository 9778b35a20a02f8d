"""Messages as the ``input`` of a server, which has rules of its own (OpenAI API reference, "Create a model response", 2026-11).

Thoughts must be followed by what they led to; ids of calls have at most 64 characters; what the model said comes back as
``output_text`` and everything else as ``input_*``.
"""

from __future__ import annotations

from collections.abc import Mapping

from assay.core import Image, Message, Part, Refusal, Text, Thinking, ToolCall, ToolResult, Unknown
from assay.wire.fields import Json
from assay.wire.losses import Losses
from assay.wire.openai_responses.fields import NAME, make_id, of_item, of_part, short_id
from assay.wire.openai_responses.items import BETWEEN
from assay.wire.openai_responses.names import Spelled, custom_arguments, custom_input, is_object
from assay.wire.openai_responses.parts import ContentWriter

_PLAIN_OUTPUT = {"type", "text", "annotations"}
_SAID = Text | Refusal
_APART = ToolResult | ToolCall | Thinking
"""What is an item of its own."""

_LEADS_TO = frozenset(("message", "function_call", "custom_tool_call"))


class HistoryWriter:
    """Writes the messages of one request; ``losses`` gathers what has no place here.

    ``native``: the request came in this protocol, so that what it says of ids may be taken at its word.
    """

    def __init__(self, losses: Losses, names: Mapping[str, Spelled], *, native: bool):
        self._losses = losses
        self._names = names
        self._native = native
        self._content = ContentWriter(losses, native=native)
        self._items: list[Json] = []
        self._custom_ids: set[str] = set()
        self._ids = _CallIds(native=native)

    def write(self, messages: tuple[Message, ...]) -> list[Json]:
        """The items."""
        for message in messages:
            self._losses.foreign(message.extra, NAME, "messages[]")
            if message.name is not None:
                self._losses.drop("messages[].name")
            if message.role == "assistant":
                self._write_turn(message.parts)
            else:
                self._write_other(message)
        return self._items

    def _write_other(self, message: Message) -> None:
        """What a person, a program or a tool says: results are items of their own."""
        said: list[Part] = []
        for part in message.parts:
            item = _own_item(part)
            if item is None and not isinstance(part, _APART):
                said.append(part)
                continue
            self._write_said(message, said)
            said = []
            if item is not None:
                self._items.append(item)
            elif isinstance(part, ToolResult):
                self._write_result(part)
            else:
                self._losses.drop("messages[].role")
        if said or not message.parts:
            self._write_said(message, said)

    def _write_said(self, message: Message, parts: list[Part]) -> None:
        if not parts and message.parts:
            return
        role: str = message.role
        if role == "tool":
            self._losses.approximate("messages[].role", "user")
            role = "user"
        extra = message.extra.get(NAME, {})
        content = self._content.write(parts) if parts else []
        if not content and not self._native:
            return
        self._items.append({"type": "message", "role": role, "content": content, **of_part(extra), **of_item(extra)})

    def _write_result(self, result: ToolResult) -> None:
        extra = result.extra.get(NAME, {})
        written = {
            "type": "custom_tool_call_output" if result.id in self._custom_ids else "function_call_output",
            "call_id": self._ids.answered(result.id),
            "output": self._content.write_result(result),
        }
        self._items.append({**written, **of_part(extra), **of_item(extra)})

    def _write_turn(self, parts: tuple[Part, ...]) -> None:
        """What the model said in one go."""
        first = len(self._items)
        message: list[Text | Refusal] = []
        for part in parts:
            if message and (not isinstance(part, _SAID) or of_item(part.extra.get(NAME, {}))):
                self._write_message(message)
                message = []
            match part:
                case Text() | Refusal():
                    message.append(part)
                case Thinking():
                    self._write_thought(part)
                case ToolCall():
                    self._write_call(part)
                case _:
                    self._write_rest(part)
        if message:
            self._write_message(message)
        self._drop_unfollowed(first)

    def _write_message(self, parts: list[Text | Refusal]) -> None:
        """A string where that says it all; else a message as the model gives it, which must have an id."""
        content = [self._content.write_output(part) for part in parts]
        handles = of_item(parts[0].extra.get(NAME, {}))
        only = content[0]
        if len(content) == 1 and not handles and only.keys() == _PLAIN_OUTPUT and not only["annotations"]:
            if only["text"] or self._native:
                self._items.append({"type": "message", "role": "assistant", "content": only["text"]})
            return
        item: Json = {"type": "message", "id": make_id("msg", str(len(self._items))), "role": "assistant", "status": "completed"}
        self._items.append({**item, "content": content, **handles})

    def _write_thought(self, thought: Thinking) -> None:
        extra = thought.extra.get(NAME, {})
        ours = thought.provider == NAME and (self._native or thought.signature is not None)
        if not ours and not (thought.provider is None and "content" in extra):
            self._losses.drop("messages[].thinking")
            return
        self._losses.foreign(thought.extra, NAME, "messages[]")
        rest = of_part(extra)
        words = _cut(thought.text, rest.pop("lengths", None))
        raw = rest.pop("content", None)
        item: Json = {"type": "reasoning", "summary": []}
        if not self._native:
            item["id"] = make_id("rs", str(len(self._items)))
        if raw is True:
            item["content"] = [{"type": "reasoning_text", "text": word} for word in words]
        else:
            item["summary"] = [{"type": "summary_text", "text": word} for word in words]
            if raw is not None:
                item["content"] = raw
        if thought.signature is not None:
            item["encrypted_content"] = thought.signature
        self._items.append({**item, **rest, **of_item(extra)})

    def _write_call(self, call: ToolCall) -> None:
        self._losses.foreign(call.extra, NAME, "messages[]")
        if call.signature is not None:
            self._losses.drop("tool_call.signature")
        if call.cache is not None:
            self._losses.drop("cache")
        extra = {**call.extra.get(NAME, {})}
        place = extra.pop("namespace", None)
        spelled = self._names.get(call.name) or Spelled(call.name)
        if place is not None:
            spelled = Spelled(place["name"], place["of"])
        call_id = self._ids.called(call.id)
        item: Json
        if spelled.custom or extra.get("type") == "custom_tool_call":
            self._custom_ids.add(call.id)
            item = {"type": "custom_tool_call", "call_id": call_id, "name": spelled.name, "input": custom_input(call.arguments)}
        else:
            item = {"type": "function_call", "call_id": call_id, "name": spelled.name, "arguments": self._arguments(call)}
        if spelled.namespace is not None:
            item["namespace"] = spelled.namespace
        self._items.append({**item, **of_part(extra), **of_item(extra)})

    def _arguments(self, call: ToolCall) -> str:
        """As the model wrote them; to a server that never saw them, only as the object that it demands."""
        if self._native or is_object(call.arguments):
            return call.arguments
        if call.arguments.strip():
            self._losses.approximate("tool_call.arguments", "input")
            return custom_arguments(call.arguments)
        return "{}"

    def _write_rest(self, part: Part) -> None:
        item = _own_item(part)
        if item is not None:
            self._items.append(item)
        elif isinstance(part, Image):
            self._losses.drop("image")
        elif isinstance(part, Unknown):
            self._losses.foreign(part.extra, NAME, "messages[]")
        else:
            self._losses.drop(type(part).__name__.lower())

    def _drop_unfollowed(self, first: int) -> None:
        """Servers refuse thoughts that lead to nothing; from a client of this protocol they are taken as they came."""
        if self._native:
            return
        while len(self._items) > first and self._items[-1]["type"] == "reasoning":
            self._items.pop()
            self._losses.drop("messages[].thinking")


class _CallIds:
    """The ids of calls as a server takes them: short, and each only once; a result belongs to the first call without one."""

    def __init__(self, *, native: bool) -> None:
        self._native = native
        self._waiting: dict[str, list[str]] = {}
        self._times: dict[str, int] = {}

    def called(self, call_id: str) -> str:
        if self._native:
            return call_id
        written = short_id(call_id)
        times = self._times[call_id] = self._times.get(call_id, 0) + 1
        if times > 1:
            written = short_id(f"{written}_{times}")
        self._waiting.setdefault(call_id, []).append(written)
        return written

    def answered(self, call_id: str) -> str:
        if self._native:
            return call_id
        waiting = self._waiting.get(call_id)
        return waiting.pop(0) if waiting else short_id(call_id)


def _own_item(part: Part) -> Json | None:
    """An item of a kind that only this protocol knows."""
    if not isinstance(part, Unknown):
        return None
    return next(iter(of_item(part.extra.get(NAME, {})).values()), None)


def _cut(text: str, lengths: object) -> list[str]:
    """The summaries that ``text`` was joined from."""
    if type(lengths) is not list or sum(lengths) + len(BETWEEN) * (len(lengths) - 1) != len(text):
        return [text] if text else []
    words, start = [], 0
    for length in lengths:
        words.append(text[start : start + length])
        start += length + len(BETWEEN)
    return words
