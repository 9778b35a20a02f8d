"""From a recorded conversation to items: each turn of the user's that a model was to answer, and how the recording went on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate, takewhile

import msgspec

from assay.challenge.item import Exchange, Item
from assay.challenge.work.category import category_of
from assay.core import Message, Request, ToolCall, Transcript, canonical, content_hash
from assay.judge import Check

MOST_TURNS = 50
"""Items of one conversation. They count as one observation together, so that more of them tell little and cost much."""
_ASKERS = ("user", "system", "developer")
_NOT_ASKED = frozenset(
    (
        "metadata",
        "store",
        "service_tier",
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_retention",
        "stream_options",
        "logprobs",
        "top_logprobs",
        "n",
    )
)
"""Fields of OpenAI's that say how a call is served and kept, not what is asked; each contestant answers once."""


def asked_of_nobody(request: Request) -> Request:
    """``request`` as an item holds it: whole answers, no model, no user, and nothing of how the call was served."""
    extra = {
        protocol: kept
        for protocol, fields in request.extra.items()
        if (kept := {name: value for name, value in fields.items() if name not in _NOT_ASKED})
    }
    return msgspec.structs.replace(request, model="", stream=False, stream_usage=None, user=None, extra=extra)


def turns(messages: Sequence[Message], asking: Collection[int] | None = None) -> list[int]:
    """Where a model was to speak: the lengths of the prefixes that end with the asking side, the user having spoken last but for
    instructions. Of the user's messages only those at the places ``asking`` count, where these are given."""
    found = []
    spoke = False
    for place, message in enumerate(messages):
        asks = message.role == "user" and (asking is None or place in asking)
        spoke = (spoke or asks) if message.role in _ASKERS else False
        if spoke and (place + 1 == len(messages) or messages[place + 1].role == "assistant"):
            found.append(place + 1)
    return found


def went_on(messages: Sequence[Message]) -> tuple[Exchange, ...]:
    """What the assistant said and its tools gave back, up to where the asking side speaks again."""
    exchanges: list[Exchange] = []
    for message in messages:
        if message.role in _ASKERS:
            break
        last = exchanges[-1] if exchanges else None
        if message.role == "tool":
            if last is None:
                break
            exchanges[-1] = Exchange(said=last.said, results=(*last.results, message))
        elif last is not None and not last.results:
            # Some logs hold one answer as several messages.
            exchanges[-1] = Exchange(said=msgspec.structs.replace(last.said, parts=(*last.said.parts, *message.parts)))
        else:
            exchanges.append(Exchange(said=message))
    return tuple(exchanges)


def calls_tools(message: Message) -> bool:
    """Whether it asks for tools."""
    return any(isinstance(part, ToolCall) for part in message.parts)


def cluster_of(messages: Sequence[Message]) -> str:
    """A name for the conversation that begins so: up to the first word of the assistant's."""
    opening = []
    for message in messages:
        if message.role not in _ASKERS:
            break
        opening.append(message)
    return content_hash(opening)[:16]


def plain_item(
    request: Request,
    *,
    origin: str,
    author: str | None = None,
    recorded: tuple[Exchange, ...] = (),
    cluster: str = "",
    category: str = "",
    checks: tuple[Check, ...] = (),
) -> Item:
    """The item that asks ``request`` as it is. ``author`` wrote what the assistant says in it."""
    asked = asked_of_nobody(request)
    messages = asked.transcript.messages
    speaks = any(message.role == "assistant" for message in messages)
    return Item(
        request=asked,
        recorded=recorded,
        cluster=cluster,
        category=category or category_of(asked, [step.said for step in recorded]),
        checks=checks,
        authors=(author,) if author and (speaks or any(calls_tools(step.said) for step in recorded)) else (),
        origin=origin,
    )


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A whole conversation as its file tells it. Of each message of the request ``lines`` is the line on which it begins and
    ``authors`` the model that wrote it, where that is known; ``asking`` are the places of those with which the user asks for
    something, None for all of the user's: agents put words of their own into the user's mouth."""

    request: Request
    name: str
    lines: tuple[int, ...]
    authors: tuple[str | None, ...]
    asking: frozenset[int] | None = None
    cluster: str = ""
    category: str = ""


def items_of_conversation(told: Told, taken: Collection[int] = ()) -> Iterator[tuple[Item, int]]:
    """An item for each turn, with its size in bytes of JSON; at most `MOST_TURNS`, evenly spread. Turns that end on a line in
    ``taken`` are left out."""
    whole = asked_of_nobody(told.request)
    messages = whole.transcript.messages
    sizes = list(accumulate((len(canonical(message)) for message in messages), initial=0))
    base = len(canonical(msgspec.structs.replace(whole, transcript=Transcript())))
    cluster = told.cluster or cluster_of(messages)
    ends = [end for end in turns(messages, told.asking) if told.lines[end - 1] not in taken]
    for end in spread(ends, MOST_TURNS):
        recorded = went_on(messages[end:])
        stop = end + sum(1 for _ in takewhile(lambda message: message.role not in _ASKERS, messages[end:]))
        asked = msgspec.structs.replace(whole, transcript=Transcript(messages[:end]))
        shown = stop if any(calls_tools(step.said) for step in recorded) else end
        item = Item(
            request=asked,
            recorded=recorded,
            cluster=cluster,
            category=told.category or category_of(asked, [step.said for step in recorded]),
            authors=tuple(sorted({author for author in told.authors[:shown] if author})),
            origin=f"{told.name}:{told.lines[end - 1]}",
        )
        yield item, base + sizes[stop]


def spread(places: Sequence[int], most: int) -> list[int]:
    """At most ``most`` of ``places``, evenly spread, the first and the last among them."""
    if len(places) <= most:
        return list(places)
    return [places[round(i * (len(places) - 1) / (most - 1))] for i in range(most)]
