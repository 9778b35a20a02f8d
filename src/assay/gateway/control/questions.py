"""The questions that a strict stand-in is asked in the tests, put so that a real model can answer them in a few tokens.

Each `Question` has its judge: what must be true of an answer for the provider to keep to its protocol. Judges look at the form, and
at the words only where these show that something was received at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from assay.core import (
    Answer,
    Message,
    OutputFormat,
    Request,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Transcript,
    Usage,
    user,
)

_ROOM = 2000
"""Tokens for an answer of a few words: models that think need them."""
_LEAST = 16
"""The smallest limit that every provider takes."""
_HIGHEST = 60


class Verdict(msgspec.Struct, frozen=True):
    """Whether it came as it should, and in a few words what came."""

    ok: bool
    detail: str


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """``name`` is stable: the page translates it."""

    name: str
    request: Request
    judge: Callable[[Answer], Verdict]
    stream: bool = False


def _ask(*messages: Message, **more: Any) -> Request:
    more.setdefault("sampling", Sampling(max_tokens=_ROOM))
    return Request(model="", transcript=Transcript(messages), **more)


def _quoted(words: str) -> str:
    return f"answered {' '.join(words.split())[:_HIGHEST]!r}"


def judge_words(answer: Answer) -> Verdict:
    """Any words, and an end."""
    words = answer.message.text.strip()
    if not words:
        return Verdict(False, "there were no words in the answer")
    if answer.stop not in ("end", "stop_sequence"):
        return Verdict(False, f"it ended with {answer.stop!r} instead of 'end'")
    return Verdict(True, _quoted(words))


def judge_usage(usage: Usage | None) -> Verdict:
    """Tokens both ways."""
    if usage is None or not usage.total_input or not usage.total_output:
        return Verdict(False, "no tokens were reported")
    return Verdict(True, f"{usage.total_input} tokens in, {usage.total_output} out")


def _judge_system(answer: Answer) -> Verdict:
    words = answer.message.text
    heard = "heron" in words.lower()
    return Verdict(heard, _quoted(words) if heard else f"the system text was not followed: {_quoted(words)}")


def _judge_schema(answer: Answer) -> Verdict:
    words = answer.message.text.strip()
    try:
        value = msgspec.json.decode(words, type=dict[str, Any])
    except msgspec.MsgspecError:
        return Verdict(False, f"this is not the JSON object that was asked for: {_quoted(words)}")
    if set(value) != {"answer"} or type(value["answer"]) is not int:
        return Verdict(False, f"the object does not have the form that was asked for: {_quoted(words)}")
    return Verdict(True, _quoted(words))


def _judge_length(answer: Answer) -> Verdict:
    if answer.stop != "length":
        return Verdict(False, f"cut off after {_LEAST} tokens it ended with {answer.stop!r} instead of 'length'")
    return Verdict(True, f"it ended with 'length' after {_LEAST} tokens")


def _judge_thinking(answer: Answer) -> Verdict:
    if not answer.message.text.strip():
        return Verdict(False, "there were no words in the answer")
    thoughts = "".join(part.text for part in answer.message.parts if isinstance(part, Thinking))
    counted = answer.usage.reasoning if answer.usage is not None else 0
    if not thoughts and not counted and not any(isinstance(part, Thinking) for part in answer.message.parts):
        return Verdict(True, "it was asked to think, and showed no thoughts: this model may have none")
    return Verdict(True, f"{len(thoughts)} characters of thoughts, {counted} tokens counted as such")


WHOLE = Question(name="whole", request=_ask(user("Answer with the one word: ready")), judge=judge_words)
STREAM = Question(
    name="stream",
    request=_ask(user("Count from one to ten in English words, separated by spaces.")),
    judge=judge_words,
    stream=True,
)
SYSTEM = Question(
    name="system",
    request=_ask(
        Message(role="system", parts=(Text(text="Whatever you are asked, answer with the one word 'heron' and nothing else."),)),
        user("What is the capital of France?"),
    ),
    judge=_judge_system,
)
STRUCTURE = Question(
    name="structure",
    request=_ask(
        user("How much is 6 times 7? Answer in JSON."),
        output=OutputFormat(
            kind="json_schema",
            name="result",
            strict=True,
            schema={
                "type": "object",
                "properties": {"answer": {"type": "integer"}},
                "required": ["answer"],
                "additionalProperties": False,
            },
        ),
    ),
    judge=_judge_schema,
)
LENGTH = Question(
    name="length",
    request=_ask(user("Count from one to two hundred in English words."), sampling=Sampling(max_tokens=_LEAST)),
    judge=_judge_length,
)
THINKING = Question(
    name="thinking",
    request=_ask(
        user("How many of the numbers from 1 to 30 are prime? Think first, then answer with the number."),
        sampling=Sampling(max_tokens=4 * _ROOM, thinking=True, effort="low", show_thinking=True),
    ),
    judge=_judge_thinking,
)
PLAIN = (SYSTEM, STRUCTURE, LENGTH)
"""What is asked after the first two, in this order, each on its own."""

_TOOL = Tool(
    name="read_thermometer",
    description="Reads the thermometer in a room and gives the degrees.",
    parameters={"type": "object", "properties": {"room": {"type": "string"}}, "required": ["room"], "additionalProperties": False},
)
_DEGREES = "31"
TOOLS = Question(
    name="tools",
    request=_ask(
        user("How warm is it in the cellar? Read the thermometer with the tool, then say the degrees."),
        tools=(_TOOL,),
        tool_choice=ToolChoice("named", _TOOL.name),
    ),
    judge=lambda answer: judge_call(answer),
    stream=True,
)


def judge_call(answer: Answer) -> Verdict:
    """The call that was forced, with arguments that fit."""
    calls = [part for part in answer.message.parts if isinstance(part, ToolCall)]
    if not calls:
        return Verdict(False, f"the tool was not called: {_quoted(answer.message.text)}")
    call = calls[0]
    try:
        arguments = msgspec.json.decode(call.arguments, type=dict[str, Any])
    except msgspec.MsgspecError:
        return Verdict(False, "the arguments of the call are no JSON object")
    if call.name != _TOOL.name or not call.id or type(arguments.get("room")) is not str:
        return Verdict(False, f"the call does not fit the tool: {call.name!r} with {', '.join(sorted(arguments)) or 'nothing'}")
    return Verdict(True, f"called {call.name!r} with the arguments {', '.join(sorted(arguments))}")


def after_the_call(answer: Answer) -> Question:
    """What follows a call: its result goes back, with the whole message that asked for it."""
    calls = tuple(part for part in answer.message.parts if isinstance(part, ToolCall))
    results = tuple(ToolResult(id=call.id, parts=(Text(text=f"{_DEGREES} degrees"),)) for call in calls)
    messages = (*TOOLS.request.transcript.messages, answer.message, Message(role="tool", parts=results))
    request = msgspec.structs.replace(TOOLS.request, transcript=Transcript(messages), tool_choice=None)
    return Question(name="tool result", request=request, judge=_judge_result, stream=True)


def _judge_result(answer: Answer) -> Verdict:
    words = answer.message.text
    read = re.search(rf"\b{_DEGREES}\b|thirty.one", words.lower()) is not None
    return Verdict(read, _quoted(words) if read else f"the tool's result is not in the answer: {_quoted(words)}")
