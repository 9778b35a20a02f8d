"""What only the model that made it can read, carried through a client that speaks another protocol.

Thoughts come with signatures, calls of tools with thought signatures; a provider wants both back on the next turn, unchanged,
and a client gives back only what its own protocol has a slot for. So they are sealed into a slot that it has: the signature of
an Anthropic thinking block, the encrypted content of a Responses reasoning item, the thought signature of a Gemini part. Chat
Completions has none; there the gateway keeps the seal under the id of the tool call.

A seal is ``assay.`` and base64url of JSON. It is neither secret nor signed: who changes it changes their own conversation.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping

import msgspec

from assay.core import Message, Part, Request, Thinking, ToolCall, ToolResult, Transcript

MARK = "assay."
KEPT = "asy_"
"""How the id of a tool call begins whose seal the gateway keeps."""

_MOST_BYTES = 4 * 1024 * 1024


class Carried(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one seal holds: thoughts that came before, and the signature of the call that follows it or that holds it.

    ``call_id`` is the id that the upstream knows the call by, where the client was told another.
    """

    thoughts: tuple[Thinking, ...] = ()
    signature: str | None = None
    provider: str | None = None
    call_id: str | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Carried).decode


def seal(*thoughts: Thinking, call: ToolCall | None = None, call_id: str | None = None) -> str:
    """The seal of ``thoughts`` and of the signature of ``call``; letters, digits, ``-``, ``_`` and one full stop."""
    carried = Carried(
        thoughts=thoughts,
        signature=call.signature if call is not None else None,
        provider=call.provider if call is not None else None,
        call_id=call_id,
    )
    return MARK + base64.urlsafe_b64encode(_encode(carried)).decode().rstrip("=")


def unseal(slot: str) -> Carried | None:
    """What ``slot`` holds. None: it is no seal of ours, or a damaged one."""
    if not slot.startswith(MARK) or len(slot) > _MOST_BYTES:
        return None
    text = slot[len(MARK) :]
    try:
        return _decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        return None


def needs_carrying(part: Thinking | ToolCall) -> bool:
    """Whether a part has something that only its maker can read."""
    return part.signature is not None or (isinstance(part, Thinking) and part.redacted is not None)


def restore(request: Request, find: Callable[[str], str | None]) -> Request:
    """``request`` with what clients of Chat Completions could not give back: ``find`` gives the seal kept under a call's id.

    The calls get their upstream's ids and signatures again, and the thoughts that came before them; thoughts which a client
    echoed as plain words give way to those.
    """
    found = {
        part.id: carried
        for message in request.transcript.messages
        for part in message.parts
        if isinstance(part, ToolCall) and part.id.startswith(KEPT) and (carried := unseal(find(part.id) or "")) is not None
    }
    if not found:
        return request
    messages = tuple(_restored(message, found) for message in request.transcript.messages)
    return msgspec.structs.replace(request, transcript=Transcript(messages))


def _restored(message: Message, found: Mapping[str, Carried]) -> Message:
    carried = [found[part.id] for part in message.parts if isinstance(part, ToolCall) and part.id in found]
    thoughts = tuple(thought for one in carried for thought in one.thoughts)
    parts = tuple(
        _restored_part(part, found) for part in message.parts if not (thoughts and isinstance(part, Thinking) and not part.provider)
    )
    return msgspec.structs.replace(message, parts=(*thoughts, *parts))


def _restored_part(part: Part, found: Mapping[str, Carried]) -> Part:
    if isinstance(part, ToolCall) and (carried := found.get(part.id)) is not None:
        return msgspec.structs.replace(part, id=carried.call_id or part.id, signature=carried.signature, provider=carried.provider)
    if isinstance(part, ToolResult) and (carried := found.get(part.id)) is not None:
        return msgspec.structs.replace(part, id=carried.call_id or part.id)
    return part
