"""``contents`` of a request as messages.

The protocol knows calls by their names and their order. A call without an id gets one that counts it, so that it is the same
on every turn; what a function gave back goes to the first call of its name that still waits.
"""

from __future__ import annotations

import msgspec

from assay.core import Message, Part, Role, Text, Thinking, ToolCall, ToolResult
from assay.wire.carry import Carried
from assay.wire.fields import Json, take_str, wrong
from assay.wire.gemini.fields import NAME, left_over, take_list
from assay.wire.gemini.parts import SKIP, open_seal, read_call, read_plain, read_result

_ROLES: dict[str, Role] = {"user": "user", "model": "assistant", "function": "user"}
UNKNOWN = "unknown"
"""The maker of thoughts whose seal was damaged: nobody may be given them."""


def read_system(value: object) -> Message | None:
    """``systemInstruction``: a content, a part, or, from lenient clients, plain words."""
    if value is None:
        return None
    if type(value) is str:
        return Message(role="system", parts=(Text(text=value),))
    if type(value) is list:
        value = {"parts": value}
    if type(value) is not dict:
        raise wrong("systemInstruction", "an object", value)
    if "parts" not in value and "text" in value:
        value = {"parts": [value]}
    value.pop("role", None)
    return ContentReader().read({"role": "user", **value}, "systemInstruction", role="system")


class ContentReader:
    """Reads the contents of one request, in order."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._waiting: list[str] = []
        self._made = 0

    def read(self, value: object, at: str, role: Role | None = None) -> Message | None:
        """One content; None for one that says nothing."""
        if type(value) is str:
            value = {"parts": [{"text": value}]}
        if type(value) is not dict:
            raise wrong(at, "an object", value)
        fields: Json = value
        said = take_str(fields, "role", at) or "user"
        if said not in _ROLES:
            fields["role"] = said
        parts: list[Part] = []
        since = 0
        for i, part in enumerate(take_list(fields, "parts", at)):
            if type(part) is not dict:
                raise wrong(f"{at}.parts[{i}]", "an object", part)
            since = self._read_part(part, f"{at}.parts[{i}]", parts, since)
        if not parts and not fields:
            return None
        return Message(role=role or _ROLES.get(said, "user"), parts=tuple(parts), extra=left_over(fields))

    def _read_part(self, fields: Json, at: str, parts: list[Part], since: int) -> int:
        """Add what the part is to ``parts``; ``since`` is where those after the last call begin, and is returned anew."""
        if fields.get("functionResponse") is not None:
            parts.append(self._read_result(fields, at))
            return len(parts)
        signature = take_str(fields, "thoughtSignature", at)
        sealed, carried = open_seal(signature)
        if carried is not None and carried.thoughts:
            _put(parts, since, carried.thoughts)
        if fields.get("functionCall") is not None:
            parts.append(self._read_call(fields, at, carried, None if sealed or signature == SKIP else signature))
            return len(parts)
        part = read_plain(fields, at)
        if isinstance(part, Thinking):
            if not (part.text or signature or part.extra):
                return since
            parts.append(_signed(part, signature, sealed=sealed, damaged=sealed and carried is None))
        elif not (isinstance(part, Text) and not part.text and not part.extra):
            parts.append(part)
            if signature is not None and not sealed:
                parts.append(Thinking(signature=signature, provider=NAME, extra={NAME: {"on": "part"}}))
        elif signature is not None and not sealed:
            parts.append(Thinking(signature=signature, provider=NAME))
        return since

    def _read_call(self, fields: Json, at: str, carried: Carried | None, signature: str | None) -> ToolCall:
        call_id, call = read_call(fields, at)
        if carried is not None and carried.call_id:
            call_id = carried.call_id
        while call_id is None:
            made = f"call_{self._made}"
            self._made += 1
            call_id = None if made in self._names else made
        self._names[call_id] = call.name
        self._waiting.append(call_id)
        provider = NAME if signature is not None else None
        if carried is not None:
            signature, provider = carried.signature, carried.provider
        return msgspec.structs.replace(call, id=call_id, signature=signature, provider=provider)

    def _read_result(self, fields: Json, at: str) -> ToolResult:
        call_id, name, result = read_result(fields, at)
        if call_id is None:
            call_id = next((waiting for waiting in self._waiting if self._names[waiting] == name), f"call_of_{name}")
        if call_id in self._waiting:
            self._waiting.remove(call_id)
        extra = result.extra
        if self._names.get(call_id) != name:
            extra = {NAME: {**extra.get(NAME, {}), "name": name}}
        return msgspec.structs.replace(result, id=call_id, extra=extra)


def _signed(thought: Thinking, signature: str | None, *, sealed: bool, damaged: bool) -> Thinking:
    """Thoughts without a signature are plain words: which model they came from is not said."""
    if damaged:
        return msgspec.structs.replace(thought, provider=UNKNOWN)
    if signature is None or sealed:
        return thought
    return msgspec.structs.replace(thought, signature=signature, provider=NAME)


def _put(parts: list[Part], since: int, thoughts: tuple[Thinking, ...]) -> None:
    """Thoughts out of a seal: in place of the plain words that the client was shown of them, or else before all that followed."""
    plain = [i for i in range(since, len(parts)) if isinstance(part := parts[i], Thinking) and part.provider is None]
    if len(plain) == len(thoughts):
        for i, thought in zip(plain, thoughts, strict=True):
            parts[i] = thought
        return
    for i in reversed(plain):
        del parts[i]
    parts[since:since] = thoughts
