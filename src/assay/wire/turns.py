"""Calls of tools and their results, in the order that every protocol but Responses demands.

Results stand right behind the message that called, one for each call, and no result without a call. Clients whose own protocol
allows more, or whose user broke off, send other conversations, which the next server would refuse whole. So results are moved
behind their calls, a call that nobody answered gets an answer which says so, and a result that no call asked for becomes words.
"""

from __future__ import annotations

from assay.core import Message, Part, Text, ToolCall, ToolResult, Transcript
from assay.wire.losses import Losses
from assay.wire.words import only_words

NOT_GIVEN = "The call was not answered."


def answer_calls(transcript: Transcript, losses: Losses) -> Transcript:
    """``transcript`` with every call answered in its place; the very same where it is in order."""
    messages = transcript.messages
    return transcript if _is_in_order(messages) else Transcript(_arranged(messages, losses))


def _calls(message: Message) -> list[ToolCall]:
    return [part for part in message.parts if isinstance(part, ToolCall)] if message.role == "assistant" else []


def _results(message: Message) -> list[ToolResult]:
    return [part for part in message.parts if isinstance(part, ToolResult)]


def _is_in_order(messages: tuple[Message, ...]) -> bool:
    waiting: list[str] = []
    for message in messages:
        if not waiting and only_words(message.parts) is not None:
            continue
        results = _results(message)
        for result in results:
            if result.id not in waiting:
                return False
            waiting.remove(result.id)
        calls = _calls(message)
        if any(not call.id for call in calls):
            return True  # the oldest form, in which answers follow without saying so
        if waiting and (not results or len(results) < len(message.parts)):
            return False
        waiting += [call.id for call in calls]
    return not waiting


class _Turn:
    """The calls of one message that wait for their results, and the results."""

    def __init__(self, calls: list[ToolCall]):
        self.waiting = [call.id for call in calls]
        self.results: list[Message] = []


def _arranged(messages: tuple[Message, ...], losses: Losses) -> tuple[Message, ...]:
    said: list[Message | _Turn] = []
    turns: list[_Turn] = []
    for message in messages:
        rest: list[Part] = []
        for part in message.parts:
            if not isinstance(part, ToolResult):
                rest.append(part)
                continue
            asking = next((turn for turn in reversed(turns) if part.id in turn.waiting), None)
            if asking is None:
                losses.approximate("tool_result", "text")
                rest += part.parts
                continue
            asking.waiting.remove(part.id)
            asking.results.append(Message(role="tool", parts=(part,)))
        if rest or not _results(message):
            role = "user" if message.role == "tool" else message.role
            said.append(Message(role=role, parts=tuple(rest), name=message.name, extra=message.extra))
        if calls := _calls(message):
            turns.append(_Turn(calls))
            said.append(turns[-1])
    return tuple(message for one in said for message in ([one] if isinstance(one, Message) else _answered(one, losses)))


def _answered(turn: _Turn, losses: Losses) -> list[Message]:
    if turn.waiting:
        losses.approximate("tool_result", "none was given")
    missing = [ToolResult(id=call_id, parts=(Text(text=NOT_GIVEN),), is_error=True) for call_id in turn.waiting]
    return [*turn.results, *(Message(role="tool", parts=(result,)) for result in missing)]
