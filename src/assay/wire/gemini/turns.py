"""The order in which the protocol wants a conversation.

A turn of the model is one content. What its functions gave back stands in the very next content, first in it, and there are
as many results as calls: an upstream refuses anything else. Conversations from other protocols are put into that order; a
call that nobody answered gets an answer which says so, and a result that no call asked for becomes words.
"""

from __future__ import annotations

from assay.core import Extra, Message, Part, Text, ToolCall, ToolResult
from assay.wire.losses import Losses
from assay.wire.turns import NOT_GIVEN


class Turn:
    """One content to be. ``names`` says which function each of its results came from."""

    def __init__(self, *, of_model: bool, extra: Extra):
        self.of_model = of_model
        self.extra = extra
        self.results: list[ToolResult] = []
        self.parts: list[Part] = []
        self.names: dict[str, str] = {}
        self.waiting: dict[str, str] = {}
        self.answers: Turn | None = None


def arrange(messages: tuple[Message, ...], losses: Losses) -> list[Turn]:
    """``messages`` as turns. Those of the system or of a developer are told as the user's."""
    turns: list[Turn] = []
    for message in messages:
        if message.role in ("system", "developer"):
            losses.approximate("messages[].role", "user")
        if message.name is not None:
            losses.drop("messages[].name")
        if message.role == "assistant":
            _say(turns, message)
        else:
            _answer(turns, message, losses)
    for turn in [*turns]:
        for call_id, name in turn.waiting.items():
            losses.approximate("tool_result", "none was given")
            _answers_of(turns, turn).results.append(ToolResult(id=call_id, parts=(Text(text=NOT_GIVEN),), is_error=True))
            _answers_of(turns, turn).names[call_id] = name
    return [turn for turn in turns if turn.parts or turn.results or turn.extra]


def _say(turns: list[Turn], message: Message) -> None:
    if not turns or not turns[-1].of_model or turns[-1].extra or message.extra:
        turns.append(Turn(of_model=True, extra=message.extra))
    turn = turns[-1]
    turn.parts += message.parts
    turn.waiting.update({part.id: part.name for part in message.parts if isinstance(part, ToolCall)})


def _answer(turns: list[Turn], message: Message, losses: Losses) -> None:
    rest: list[Part] = []
    answered: Turn | None = None
    for part in message.parts:
        if not isinstance(part, ToolResult):
            rest.append(part)
        elif (asking := next((turn for turn in reversed(turns) if part.id in turn.waiting), None)) is None:
            losses.approximate("tool_result", "text")
            rest += part.parts
        else:
            answered = _answers_of(turns, asking)
            answered.results.append(part)
            answered.names[part.id] = asking.waiting.pop(part.id)
    if not rest and not message.extra:
        return
    if answered is None or answered is not turns[-1] or (message.extra and answered.extra):
        answered = Turn(of_model=False, extra={})
        turns.append(answered)
    answered.parts += rest
    answered.extra = message.extra or answered.extra


def _answers_of(turns: list[Turn], asking: Turn) -> Turn:
    """The turn right after ``asking``, which holds what its functions gave back."""
    if asking.answers is None:
        asking.answers = Turn(of_model=False, extra={})
        turns.insert(turns.index(asking) + 1, asking.answers)
    return asking.answers
