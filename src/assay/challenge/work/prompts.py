"""Prompts that somebody wrote down: lines of text, and objects with ``prompt``, ``messages`` or ``request``.

Beside what is asked an object may say ``system``, ``category``, ``cluster``, ``expected`` (the right answer, as text or a number) and
``checks`` (a list of rules as `assay.judge` knows them). With ``messages`` and ``prompt`` the settings of an OpenAI chat request may
stand (``tools``, ``response_format``, ``temperature`` ...); other fields are not sent to anybody. ``request`` is a whole such request.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from assay.challenge.item import Item
from assay.challenge.work.brought import Gathering, Unreadable
from assay.challenge.work.conversation import Told, items_of_conversation, plain_item
from assay.challenge.work.records import Json
from assay.core import InvalidInput, Request, Transcript, user
from assay.judge import Check, Exact, Number
from assay.wire.openai_chat import read_request

NAMED = ("prompt", "messages", "request")
_OURS = frozenset((*NAMED, "system", "category", "cluster", "expected", "checks", "id", "model"))
_SETTINGS = frozenset(
    (
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "temperature",
        "top_p",
        "top_k",
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "reasoning_effort",
        "thinking_budget",
    )
)
_LONGEST_NAME = 200
_checks = tuple[Check, ...]


def item_of_line(text: str, origin: str) -> Item:
    """A line of plain text: one question."""
    return plain_item(Request(model="", transcript=Transcript((user(text),))), origin=origin)


def items_of_object(fields: Json, line: int, gathering: Gathering, *, transcripts: bool) -> Iterator[tuple[Item, int]]:
    """The items of one object, with about how many bytes each is. Where the file holds ``transcripts``, one for each turn.

    Raises:
        Unreadable: there is none in it.
    """
    request, author = _request(fields, gathering)
    checks = _checks_of(fields)
    category, cluster = name_of(fields, "category"), name_of(fields, "cluster")
    if transcripts and "messages" in fields and not checks:
        messages = request.transcript.messages
        yield from items_of_conversation(
            Told(
                request=request,
                name=gathering.name,
                lines=(line,) * len(messages),
                authors=tuple(author if message.role == "assistant" else None for message in messages),
                cluster=cluster,
                category=category,
            )
        )
        return
    origin = f"{gathering.name}:{line}"
    yield plain_item(request, origin=origin, author=author, cluster=cluster, category=category, checks=checks), 0


def ends_answered(fields: Json) -> bool:
    """Whether these ``messages`` end with the assistant's: a record of a conversation, not a question."""
    messages = fields.get("messages")
    last = messages[-1] if type(messages) is list and messages else None
    return type(last) is dict and last.get("role") == "assistant" and not ("expected" in fields or "checks" in fields)


def read_body(body: Any) -> tuple[Request, str | None]:
    """An OpenAI chat request as JSON value, and the model it named.

    Raises:
        Unreadable: it is none, or asks nothing.
    """
    if type(body) is not dict:
        raise Unreadable("the request is not an object")
    model = body.get("model")
    named = model if type(model) is str and model else None
    try:
        request = read_request(msgspec.json.encode({**body, "model": named or "-"}))
    except InvalidInput as error:
        raise Unreadable(error.message) from None
    except (OverflowError, ValueError) as error:
        raise Unreadable(f"a number in it is too large: {error}") from None
    if not any(message.role in ("user", "tool") for message in request.transcript.messages):
        raise Unreadable("nobody asks anything: messages hold no user's turn")
    return request, named


def _request(fields: Json, gathering: Gathering) -> tuple[Request, str | None]:
    if "request" in fields:
        return read_body(fields["request"])
    messages = fields.get("messages")
    if messages is None:
        messages = _messages_of_prompt(fields.get("prompt"))
    if type(messages) is not list:
        raise Unreadable("messages is not a list")
    system = fields.get("system")
    if system is not None:
        if type(system) is not str:
            raise Unreadable("system is not a text")
        messages = [{"role": "system", "content": system}, *messages]
    unused = sorted(fields.keys() - _OURS - _SETTINGS)
    if unused:
        named = ", ".join(name[:40] for name in unused[:10])
        gathering.note(f"Fields that are not sent to anybody: {named}{' ...' if len(unused) > 10 else ''}.")
    settings = {name: value for name, value in fields.items() if name in _SETTINGS}
    return read_body({"model": fields.get("model"), "messages": messages, **settings})


def _messages_of_prompt(prompt: Any) -> list[Json]:
    if type(prompt) is list:
        return prompt
    if type(prompt) is not str:
        raise Unreadable(f"there is none of {', '.join(NAMED)} in it" if prompt is None else "prompt is not a text")
    if not prompt.strip():
        raise Unreadable("the prompt is empty")
    return [{"role": "user", "content": prompt}]


def _checks_of(fields: Json) -> tuple[Check, ...]:
    expected, given = fields.get("expected"), fields.get("checks")
    checks: tuple[Check, ...] = ()
    if expected is not None:
        checks = (_expected(expected),)
    if given is not None:
        try:
            checks += msgspec.convert(given, _checks)
        except msgspec.ValidationError as error:
            raise Unreadable(f"checks: {error}") from None
    return checks


def _expected(value: Any) -> Check:
    if type(value) is str:
        return Exact(value=value)
    if type(value) in (int, float):
        try:
            return Number(value=float(value))
        except OverflowError:
            raise Unreadable("expected is too large a number") from None
    raise Unreadable("expected is neither a text nor a number")


def name_of(fields: Json, key: str) -> str:
    """The short text or number under ``key``, empty where there is none."""
    value = fields.get(key)
    if value is None:
        return ""
    if type(value) is int:
        value = str(value)
    if type(value) is not str or len(value) > _LONGEST_NAME or not value.isprintable():
        raise Unreadable(f"{key} is not a text of at most {_LONGEST_NAME} printable characters")
    return value
