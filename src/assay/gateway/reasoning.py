"""How much a model should think, in the words of one provider.

Core and OpenAI know a word (effort), others a number of tokens, others again a switch; a row says which of them its provider
takes, and what is asked is said as nearly as those allow. What had to be bent is reported as a loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from assay.core import Reasoning, Sampling, Thinking, ToolCall, Transcript
from assay.wire.effort import budget_of, effort_of
from assay.wire.losses import Losses

_SCALE = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


def nearest_word(word: str, words: Sequence[str]) -> str:
    """The one of ``words`` that asks for about as much as ``word``; of two equally near, the one that asks for more."""
    if not words or word in words or word not in _SCALE:
        return word
    place = _SCALE.index(word)
    known = [other for other in words if other in _SCALE and other != "none"]
    return min(known, key=lambda other: (abs(_SCALE.index(other) - place), -_SCALE.index(other)), default=word)


class Spelled(msgspec.Struct, frozen=True):
    """Fields for the body, and what is left for the codec to say in the protocol's own words."""

    fields: dict[str, Any]
    left: Sampling


def spell(sampling: Sampling, reasoning: Reasoning, losses: Losses) -> Spelled:
    """What ``sampling`` asks of thinking, in the fields of ``reasoning``."""
    effort, budget, thinking = sampling.effort, sampling.thinking_budget, sampling.thinking
    left = msgspec.structs.replace(sampling, effort=None, thinking_budget=None, thinking=None)
    if effort is None and budget is None and thinking is None:
        return Spelled({}, sampling)
    fields: dict[str, Any] = {}
    if thinking is False or effort == "none" or budget == 0:
        _turn_off(fields, reasoning, losses)
        return Spelled(fields, left)
    put(fields, reasoning.on)
    if budget is not None and reasoning.budget is not None:
        # Where both could be said, the providers that take both refuse them together.
        put(fields, _at(reasoning.budget, budget))
        if effort is not None:
            losses.drop("effort")
    elif effort is not None:
        _say_effort(fields, effort, reasoning, losses)
        if budget is not None:
            losses.drop("thinking_budget")
    elif budget is not None:
        _say_budget(fields, budget, reasoning, losses)
    if effort is None and budget is None and not reasoning.on:
        losses.drop("thinking")
    return Spelled(fields, left)


def put(fields: dict[str, Any], more: dict[str, Any]) -> None:
    """Add ``more`` to ``fields``, objects into objects; what is there already stays."""
    for name, value in more.items():
        before = fields.setdefault(name, dict(value) if isinstance(value, dict) else value)
        if isinstance(before, dict) and isinstance(value, dict):
            put(before, value)


def _turn_off(fields: dict[str, Any], reasoning: Reasoning, losses: Losses) -> None:
    if reasoning.off:
        put(fields, reasoning.off)
    elif reasoning.effort is not None and "none" in reasoning.words:
        put(fields, _at(reasoning.effort, "none"))
    elif reasoning.effort is not None and reasoning.words:
        put(fields, _at(reasoning.effort, reasoning.words[0]))
        losses.approximate("thinking", f"effort {reasoning.words[0]}")
    else:
        losses.drop("thinking")


def _say_effort(fields: dict[str, Any], effort: str, reasoning: Reasoning, losses: Losses) -> None:
    if reasoning.effort is not None:
        word = nearest_word(effort, reasoning.words)
        put(fields, _at(reasoning.effort, word))
        if word != effort:
            losses.approximate("effort", word)
    elif reasoning.budget is not None:
        tokens = budget_of(effort)
        put(fields, _at(reasoning.budget, tokens))
        losses.approximate("effort", f"{tokens} tokens")
    elif reasoning.on:
        losses.approximate("effort", "on")
    else:
        losses.drop("effort")


def _say_budget(fields: dict[str, Any], budget: int, reasoning: Reasoning, losses: Losses) -> None:
    """Where tokens cannot be said."""
    if reasoning.effort is not None:
        word = nearest_word(effort_of(budget), reasoning.words)
        put(fields, _at(reasoning.effort, word))
        losses.approximate("thinking_budget", f"effort {word}")
    elif reasoning.on:
        losses.approximate("thinking_budget", "on")
    else:
        losses.drop("thinking_budget")


def with_thoughts(transcript: Transcript, losses: Losses) -> Transcript:
    """``transcript`` with a blank thought before every call of tools that has none: the least that such providers accept."""
    messages = []
    for message in transcript.messages:
        calls = any(isinstance(part, ToolCall) for part in message.parts)
        if calls and not any(isinstance(part, Thinking) and part.provider is None and part.text for part in message.parts):
            message = msgspec.structs.replace(message, parts=(Thinking(text=" "), *message.parts))
            losses.approximate("thinking", "blank")
        messages.append(message)
    return Transcript(tuple(messages))


def without_thoughts(transcript: Transcript, losses: Losses) -> Transcript:
    """``transcript`` without plain thoughts, for a provider that refuses to be told what another model thought."""
    messages = []
    for message in transcript.messages:
        parts = tuple(part for part in message.parts if not isinstance(part, Thinking) or part.provider is not None)
        if len(parts) < len(message.parts):
            message = msgspec.structs.replace(message, parts=parts)
            losses.drop("messages[].thinking")
        messages.append(message)
    return Transcript(tuple(messages))


def _at(path: str, value: Any) -> dict[str, Any]:
    """``value`` under the field ``path``, whose full stops lead into objects."""
    outer, dot, inner = path.partition(".")
    return {outer: _at(inner, value)} if dot else {outer: value}
