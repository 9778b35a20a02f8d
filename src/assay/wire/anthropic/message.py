"""Messages that a client sent, with what was sealed into their thinking blocks put back where it belongs."""

from __future__ import annotations

from typing import cast

import msgspec

from assay.core import Message, Part, Role, Thinking, ToolCall
from assay.wire.anthropic.content import read_content
from assay.wire.anthropic.fields import left_over
from assay.wire.carry import MARK, Carried, unseal
from assay.wire.fields import Json, missing, wrong

_ROLES = frozenset(("user", "assistant", "system"))
_DAMAGED = "unknown"


def read_message(value: object, at: str) -> Message:
    """One element of ``messages``. A role we do not know stays in ``extra``."""
    if type(value) is not dict:
        raise wrong(at, "an object", value)
    fields: Json = value
    role = fields.pop("role", None)
    if type(role) is not str:
        raise missing(f"{at}.role") if role is None else wrong(f"{at}.role", "a string", role)
    if role not in _ROLES:
        fields["role"] = role
        role = "user"
    if "content" not in fields and role != "system":
        raise missing(f"{at}.content")
    parts = read_content(fields.pop("content", None), f"{at}.content")
    if role == "assistant":
        parts = _unseal(parts)
    return Message(role=cast(Role, role), parts=parts, extra=left_over(fields))


def _unseal(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Thoughts get the signature and the maker that their block carried; a call gets its own from the block before it."""
    if not any(isinstance(part, Thinking) and _slot(part).startswith(MARK) for part in parts):
        return parts
    opened: list[Part] = []
    waiting: Carried | None = None
    for part in parts:
        if isinstance(part, Thinking) and _slot(part).startswith(MARK):
            carried = unseal(_slot(part))
            if carried is None:
                opened.append(msgspec.structs.replace(part, provider=_DAMAGED))
                continue
            opened += _thoughts(part, carried)
            waiting = carried if carried.signature is not None or carried.call_id is not None else waiting
        elif isinstance(part, ToolCall) and waiting is not None:
            opened.append(_signed(part, waiting))
            waiting = None
        else:
            opened.append(part)
    return tuple(opened)


def _slot(part: Thinking) -> str:
    return part.signature or part.redacted or ""


def _thoughts(block: Thinking, carried: Carried) -> list[Thinking]:
    """The sealed thoughts; the words of one that was shown are those of the block, which is where the seal left them."""
    thoughts = list(carried.thoughts)
    if len(thoughts) == 1 and not thoughts[0].text and block.text:
        thoughts[0] = msgspec.structs.replace(thoughts[0], text=block.text)
    return thoughts


def _signed(call: ToolCall, carried: Carried) -> ToolCall:
    return msgspec.structs.replace(
        call,
        id=call.id if carried.call_id is None else carried.call_id,
        signature=carried.signature,
        provider=carried.provider,
    )
