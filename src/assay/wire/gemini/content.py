"""``contents`` of a request as messages.

The protocol knows calls by their names and their order. A call without an id gets one that counts it, so that it is the same
on every turn; what a function gave back goes to the first call of its name that still waits.
"""

from __future__ import annotations

import msgspec

from assay.core import Extra, Message, Part, Role, Text, Thinking, ToolCall, ToolResult
from assay.wire.carry import Carried
from assay.wire.fields import Json, take_str, wrong
from assay.wire.gemini.fields import NAME, left_over, take_list
from assay.wire.gemini.parts import SKIP, open_seal, read_call, read_plain, read_result

_ROLES: dict[str, Role] = {"user": "user", "model": "assistant", "function": "user"}
UNKNOWN = "unknown"
"""The maker of thoughts whose seal was damaged: nobody may be given them."""


def read_contents(values: list[object]) -> tuple[Message, ...]:
    """``contents``."""
    reader = ContentReader()
    for i, value in enumerate(values):
        reader.read(value, f"contents[{i}]")
    return reader.messages


def read_system(value: object) -> tuple[Message, ...]:
    """``systemInstruction``: a content, a part, or, from lenient clients, plain words."""
    if value is None:
        return ()
    if type(value) is list:
        value = {"parts": value}
    if type(value) is dict:
        value = {"parts": [value]} if "parts" not in value and "text" in value else {**value, "role": None}
    reader = ContentReader()
    reader.read(value, "systemInstruction", role="system")
    return reader.messages


class _Said:
    """One message on its way; ``since`` is where the parts after its last call begin."""

    def __init__(self, role: Role, extra: Extra):
        self.role = role
        self.extra = extra
        self.parts: list[Part] = []
        self.since = 0


class ContentReader:
    """Reads the contents of one request, in order.

    Google's SDK gives a streamed answer back as it came: a content for every chunk. Together they are one message, and pieces
    of one text are one text.
    """

    def __init__(self) -> None:
        self._said: list[_Said] = []
        self._names: dict[str, str] = {}
        self._waiting: list[str] = []
        self._made = 0

    def read(self, value: object, at: str, role: Role | None = None) -> None:
        """One content."""
        if type(value) is str:
            value = {"parts": [{"text": value}]}
        if type(value) is not dict:
            raise wrong(at, "an object", value)
        fields: Json = value
        parts = take_list(fields, "parts", at)
        named = take_str(fields, "role", at) or "user"
        if named not in _ROLES:
            fields["role"] = named
        role = role or _ROLES.get(named, "user")
        before = self._said[-1] if self._said else None
        if before is None or role != "assistant" or before.role != role or before.extra or fields:
            before = _Said(role, left_over(fields))
            self._said.append(before)
        for i, part in enumerate(parts):
            if type(part) is not dict:
                raise wrong(f"{at}.parts[{i}]", "an object", part)
            self._read_part(part, f"{at}.parts[{i}]", before)

    @property
    def messages(self) -> tuple[Message, ...]:
        """What was read, without contents that say nothing."""
        return tuple(
            Message(role=said.role, parts=tuple(said.parts), extra=said.extra) for said in self._said if said.parts or said.extra
        )

    def _read_part(self, fields: Json, at: str, said: _Said) -> None:
        parts = said.parts
        if fields.get("functionResponse") is not None:
            parts.append(self._read_result(fields, at))
            return
        signature = take_str(fields, "thoughtSignature", at)
        sealed, carried = open_seal(signature)
        if carried is not None and carried.thoughts:
            _put(parts, said.since, carried.thoughts)
        if fields.get("functionCall") is not None:
            parts.append(self._read_call(fields, at, carried, None if sealed or signature == SKIP else signature))
            said.since = len(parts)
            return
        part = read_plain(fields, at)
        if isinstance(part, Thinking):
            if part.text or signature or part.extra:
                _add(said, _signed(part, signature, sealed=sealed, damaged=sealed and carried is None))
            return
        signed = signature is not None and not sealed
        if isinstance(part, Text) and not part.text and not part.extra:
            if signed:
                parts.append(Thinking(signature=signature, provider=NAME))
            return
        _add(said, part)
        if signed:
            parts.append(Thinking(signature=signature, provider=NAME, extra={NAME: {"on": "part"}}))

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
        if call_id is None or (call_id not in self._names and any(self._names[waiting] == name for waiting in self._waiting)):
            # Some clients number results of calls that came without an id.
            call_id = next((waiting for waiting in self._waiting if self._names[waiting] == name), f"call_of_{name}")
        if call_id in self._waiting:
            self._waiting.remove(call_id)
        extra = result.extra
        if self._names.get(call_id) != name:
            extra = {NAME: {**extra.get(NAME, {}), "name": name}}
        return msgspec.structs.replace(result, id=call_id, extra=extra)


def _add(said: _Said, part: Part) -> None:
    """Add ``part``; to what the model said before, if it goes on with that."""
    before = said.parts[-1] if said.parts and said.role == "assistant" else None
    if isinstance(part, Text) and isinstance(before, Text) and not (part.extra or before.extra):
        said.parts[-1] = Text(text=before.text + part.text)
    elif isinstance(part, Thinking) and isinstance(before, Thinking) and _is_plain(part) and _is_plain(before):
        said.parts[-1] = Thinking(text=before.text + part.text)
    else:
        said.parts.append(part)


def _is_plain(thought: Thinking) -> bool:
    return thought.provider is None and thought.signature is None and not thought.extra


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
