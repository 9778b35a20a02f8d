"""Messages as ``systemInstruction`` and ``contents`` for an upstream."""

from __future__ import annotations

from collections.abc import Sequence

from assay.core import Message, Page, Part, Refusal, Text, Thinking, ToolCall, Transcript
from assay.wire.fields import Json
from assay.wire.gemini.fields import NAME
from assay.wire.gemini.parts import SKIP, write_call, write_plain, write_result
from assay.wire.gemini.turns import Turn, arrange
from assay.wire.losses import Losses

_WORDS = Text | Page | Refusal


def write_transcript(transcript: Transcript, losses: Losses) -> tuple[Json | None, list[Json]]:
    """The system's words, which come first, and all that follows.

    A conversation of the system's words alone is asked as the user's: an upstream wants at least one content.
    """
    messages = transcript.messages
    first = next((i for i, message in enumerate(messages) if message.role not in ("system", "developer")), 0)
    contents = []
    for turn in arrange(messages[first:], losses):
        parts = _write_turn(turn, losses)
        losses.foreign(turn.extra, NAME, "messages[]")
        if parts or turn.extra.get(NAME):
            contents.append({"role": "model" if turn.of_model else "user", "parts": parts, **turn.extra.get(NAME, {})})
    return _write_system(messages[:first], losses), contents


def _write_system(messages: tuple[Message, ...], losses: Losses) -> Json | None:
    parts: list[Json] = []
    extra: Json = {}
    for message in messages:
        losses.foreign(message.extra, NAME, "messages[]")
        if message.name is not None:
            losses.drop("messages[].name")
        parts += _write_parts([part for part in message.parts if _is_text(part, losses)], losses)
        extra.update(message.extra.get(NAME, {}))
    return {"parts": parts, **extra} if parts else None


def _is_text(part: Part, losses: Losses) -> bool:
    """Only words may instruct."""
    if isinstance(part, _WORDS):
        return True
    losses.drop(f"messages[].{type(part).__name__.lower()}")
    return False


def _write_turn(turn: Turn, losses: Losses) -> list[Json]:
    results = [write_result(result, turn.names[result.id], losses) for result in turn.results]
    return results + _write_parts(turn.parts, losses)


def _write_parts(parts: Sequence[Part], losses: Losses) -> list[Json]:
    """The first call of a turn must be signed, or say that it cannot be."""
    written: list[Json] = []
    called = False
    for part in parts:
        if isinstance(part, ToolCall):
            written.append(_write_signed(part, losses, must=not called))
            called = True
        elif isinstance(part, Thinking) and part.provider == NAME and written and part.extra.get(NAME, {}).get("on") == "part":
            written[-1]["thoughtSignature"] = part.signature
        elif (fields := write_plain(part, losses)) is not None:
            written.append(fields)
    return written


def _write_signed(call: ToolCall, losses: Losses, *, must: bool) -> Json:
    fields = write_call(call, losses)
    if call.signature is not None and call.provider == NAME:
        fields["thoughtSignature"] = call.signature
    elif must:
        fields["thoughtSignature"] = SKIP
        losses.approximate("tool_call.signature", "checking is skipped")
    elif call.signature is not None:
        losses.drop("tool_call.signature")
    return fields
