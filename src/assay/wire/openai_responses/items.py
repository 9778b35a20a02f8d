"""The ``input`` that a client sends, as messages.

What the model said in one go comes as several items (thoughts, a message, calls) and is one message of the assistant here,
until it thinks again after it has spoken; each result of a tool is one of the role ``tool``. Items of kinds that we do not
know are kept whole, in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import UnionType
from typing import cast

import msgspec

from assay.core import Message, Part, Refusal, Role, Text, Thinking, ToolCall, ToolResult, Unknown
from assay.wire.carry import MARK, Carried, unseal
from assay.wire.fields import Json, missing, take_str, wrong
from assay.wire.openai_responses.fields import NAME, as_item, left_over, take_id
from assay.wire.openai_responses.names import Spelled, custom_arguments, flat_name
from assay.wire.openai_responses.parts import read_parts

_ROLES = frozenset(("system", "developer", "user", "assistant", "tool"))
_SAID = Text | Refusal
_OF_MODEL = frozenset(("image_generation_call", "mcp_list_tools", "mcp_approval_request", "compaction", "program"))
BETWEEN = "\n\n"
"""What stands between two summaries of one thought."""


class ItemReader:
    """Reads items in order; ``names`` says how the request's own tools are spelled."""

    def __init__(self, names: Mapping[str, Spelled]):
        self._declared = {(spelled.namespace, spelled.name): spelled for spelled in names.values()}
        self._messages: list[Message] = []
        self._turn: list[Part] | None = None
        self._carried: Carried | None = None
        self._custom_ids: set[str] = set()

    def read(self, value: object) -> tuple[Message, ...]:
        """``input``: a string is what the user says."""
        if value is None:
            return ()
        if type(value) is str:
            return (Message(role="user", parts=(Text(text=value),)),)
        if type(value) is not list:
            raise wrong("input", "a string or a list of items", value)
        for i, item in enumerate(value):
            self._read_item(item, f"input[{i}]")
        self._end_turn()
        return tuple(self._messages)

    def _read_item(self, value: object, at: str) -> None:
        if type(value) is not dict:
            raise wrong(at, "an object", value)
        fields: Json = value
        kind = fields.get("type")
        if kind is None and "role" in fields:
            kind = "message"
        if type(kind) is not str:
            raise missing(f"{at}.type") if kind is None else wrong(f"{at}.type", "a string", kind)
        reader = _ITEM_READERS.get(kind)
        if reader is None:
            self._read_unknown(fields, kind)
            return
        fields.pop("type", None)
        reader(self, fields, at)

    def _read_unknown(self, fields: Json, kind: str) -> None:
        part = Unknown(extra=left_over(as_item({kind: fields})))
        if kind.endswith("_call") or kind in _OF_MODEL:
            self._open_turn().append(part)
        else:
            self._add(Message(role="tool" if kind.endswith("_output") else "user", parts=(part,)))

    def _read_message(self, fields: Json, at: str) -> None:
        role = take_str(fields, "role", at)
        if role is None:
            raise missing(f"{at}.role")
        parts = read_parts(fields.pop("content", None), f"{at}.content")
        _forget_handles(fields)
        kept = as_item(fields)
        if role == "assistant":
            self._say(parts, kept)
            return
        if role not in _ROLES:
            kept["role"] = role
            role = "user"
        # An entry, even when it is empty, tells a system's message of the input from the instructions, which are not kept.
        extra = {NAME: kept} if role == "system" else left_over(kept)
        self._add(Message(role=cast(Role, role), parts=parts, extra=extra))

    def _say(self, parts: tuple[Part, ...], kept: Json) -> None:
        """A message of the model. It does not go on with one before it."""
        if self._has(_SAID):
            self._end_turn()
        turn = self._open_turn()
        if kept and parts:
            first = parts[0]
            fields = {**first.extra.get(NAME, {}), **kept}
            parts = (msgspec.structs.replace(first, extra={**first.extra, NAME: fields}), *parts[1:])
        turn.extend(parts)

    def _read_reasoning(self, fields: Json, at: str) -> None:
        if self._has(_SAID) and not self._has(ToolCall):
            self._end_turn()
        slot = take_str(fields, "encrypted_content", at)
        if slot is not None and slot.startswith(MARK):
            self._unseal(slot, read_thought(fields, None))
        else:
            self._open_turn().append(read_thought(fields, slot))

    def _unseal(self, slot: str, shown: Thinking) -> None:
        """Put back what `carry.seal` took along. Of a damaged seal only the words are left, which nobody can verify."""
        carried = unseal(slot)
        turn = self._open_turn()
        if carried is None:
            turn.append(Thinking(text=shown.text, provider="unknown"))
            return
        turn.extend(thought if thought.text else msgspec.structs.replace(thought, text=shown.text) for thought in carried.thoughts)
        if carried.signature is not None:
            self._carried = carried

    def _read_call(self, fields: Json, at: str) -> None:
        arguments = fields.pop("arguments", None)
        if type(arguments) is not str:
            arguments = "" if arguments is None else msgspec.json.encode(arguments).decode()
        self._call(fields, at, arguments, custom=False)

    def _read_custom_call(self, fields: Json, at: str) -> None:
        self._call(fields, at, custom_arguments(take_str(fields, "input", at) or ""), custom=True)

    def _call(self, fields: Json, at: str, arguments: str, *, custom: bool) -> None:
        call_id, name = take_str(fields, "call_id", at) or "", take_str(fields, "name", at)
        if not name:
            raise missing(f"{at}.name")
        namespace = take_str(fields, "namespace", at)
        _forget_handles(fields)
        declared = self._declared.get((namespace, name))
        if namespace is not None and declared is None:
            fields["namespace"] = {"of": namespace, "name": name}
        if custom:
            self._custom_ids.add(call_id)
            if declared is None or not declared.custom:
                fields["type"] = "custom_tool_call"
        carried, self._carried = self._carried, None
        call = ToolCall(
            id=call_id,
            name=flat_name(namespace, name),
            arguments=arguments,
            signature=carried.signature if carried is not None else None,
            provider=carried.provider if carried is not None else None,
            extra=left_over(fields),
        )
        self._open_turn().append(call)

    def _read_result(self, fields: Json, at: str) -> None:
        self._result(fields, at)

    def _read_custom_result(self, fields: Json, at: str) -> None:
        if fields.get("call_id") not in self._custom_ids:
            fields["type"] = "custom_tool_call_output"
        self._result(fields, at)

    def _result(self, fields: Json, at: str) -> None:
        output = fields.pop("output", None)
        parts = read_parts(output, f"{at}.output") if output != "" else ()
        call_id = take_str(fields, "call_id", at) or ""
        _forget_handles(fields)
        result = ToolResult(id=call_id, parts=parts, extra=left_over(fields))
        self._add(Message(role="tool", parts=(result,)))

    def _has(self, kind: type[Part] | UnionType) -> bool:
        return self._turn is not None and any(isinstance(part, kind) for part in self._turn)

    def _open_turn(self) -> list[Part]:
        if self._turn is None:
            self._turn = []
        return self._turn

    def _end_turn(self) -> None:
        if self._turn:
            self._messages.append(Message(role="assistant", parts=tuple(self._turn)))
        self._turn = None
        self._carried = None

    def _add(self, message: Message) -> None:
        self._end_turn()
        self._messages.append(message)


_ITEM_READERS: dict[str, Callable[[ItemReader, Json, str], None]] = {
    "message": ItemReader._read_message,
    "reasoning": ItemReader._read_reasoning,
    "function_call": ItemReader._read_call,
    "custom_tool_call": ItemReader._read_custom_call,
    "function_call_output": ItemReader._read_result,
    "custom_tool_call_output": ItemReader._read_custom_result,
}


def read_thought(fields: Json, signature: str | None) -> Thinking:
    """A ``reasoning`` item. Its words are a summary, or with open models the thoughts themselves.

    Those are plain words that any model may be given back; ``extra`` says in which field they came, and where one summary
    ends and the next begins.
    """
    fields.pop("status", None)
    summaries, thoughts = texts(fields.get("summary")), texts(fields.get("content"))
    if summaries is None or thoughts is None:
        extra = left_over({**take_id(fields), **fields})
        return Thinking(text=BETWEEN.join(summaries or thoughts or ()), signature=signature, provider=NAME, extra=extra)
    fields.pop("summary", None)
    raw = fields.pop("content", None)
    plain = not summaries and bool(thoughts)
    words = thoughts if plain else summaries
    kept = {**take_id(fields), **fields}
    if plain:
        kept["content"] = True
    elif thoughts:
        kept["content"] = raw
    if len(words) > 1 or words == [""]:
        kept["lengths"] = [len(word) for word in words]
    provider = None if plain and signature is None else NAME
    return Thinking(text=BETWEEN.join(words), signature=signature, provider=provider, extra=left_over(kept))


def _forget_handles(fields: Json) -> None:
    fields.pop("id", None)
    if fields.get("status") in (None, "completed"):
        fields.pop("status", None)


def texts(parts: object) -> list[str] | None:
    """The texts of a list of ``{type, text}``; None where it is anything else."""
    if parts is None:
        return []
    if type(parts) is not list:
        return None
    found = [part.get("text") for part in parts if type(part) is dict and part.keys() <= {"type", "text"}]
    return [text for text in found if type(text) is str] if len(found) == len(parts) else None
