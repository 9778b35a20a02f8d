"""A sample of the gateway's own recorded calls, as items.

Each client's question counts once. The calls with which a model went through its tools are one item: what the user asked, and the
recorded exchanges. Equal questions (the same system prompt, tools and pictures, and the user's words but for case and white space)
are one item too, the newest whole recording of them. What is left is drawn at random from every stratum of alias, key and tag, in
proportion to its size (largest remainders).

A tag is what the request's ``metadata`` says: ``name=value`` for each name, and for ``tag`` and ``tags`` (a list, or separated by
commas) the bare values. A name counts in strata and categories only where it has few values: the id of a trace is no kind of work.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from assay.challenge.item import Exchange, Item
from assay.challenge.spec import Traffic
from assay.challenge.work.brought import MOST_BYTES
from assay.challenge.work.category import category_of
from assay.challenge.work.conversation import asked_of_nobody, calls_tools, cluster_of, went_on
from assay.core import Call, InvalidInput, Message, Request, Text, TooLarge, ToolCall, ToolResult, Transcript, content_hash
from assay.store import Database
from assay.store.keys import list_keys
from assay.store.queries import get_bodies, list_answered

MOST_CALLS = 20_000
"""The newest calls that are looked at."""
_PAGE = 64
_FEW_VALUES = 20
_request = msgspec.json.Decoder(Request)
_reply = msgspec.json.Decoder(Transcript)


class Stratum(msgspec.Struct, frozen=True, kw_only=True):
    """Questions of one kind: how many there are, and how many of them were drawn."""

    alias: str
    key: str | None
    tag: str | None
    found: int
    taken: int


class Sampled(msgspec.Struct, frozen=True, kw_only=True):
    """Items, the oldest first, and how they came about.

    Of ``calls`` seen, ``without_body`` were not kept, ``unreadable`` could not be read again, ``steps`` were steps of a question
    that another call tells in full, and ``duplicates`` repeated one. ``other_tags`` lacked the tag that was asked for.
    """

    items: tuple[Item, ...]
    calls: int
    without_body: int
    unreadable: int
    other_tags: int
    steps: int
    duplicates: int
    strata: tuple[Stratum, ...]
    notes: tuple[str, ...]


class _Seen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is remembered of a call while all are looked through. ``steps`` are fingerprints of the recording so far, one for each
    message after what the user asked; ``spoken`` is that of what came back."""

    call: str
    at: int
    alias: str
    key: str | None
    deployment: str
    request: str
    reply: str | None
    question: bytes
    steps: tuple[bytes, ...]
    spoken: bytes | None
    whole: bool
    tags: tuple[str, ...]


async def sample_traffic(
    db: Database, traffic: Traffic, limit: int, seed: int, *, most: int = MOST_CALLS, largest: int = MOST_BYTES
) -> Sampled:
    """At most ``limit`` items of the clients' own calls that ``traffic`` names, drawn by ``seed``: of the newest ``most`` calls, and
    of up to ``largest`` bytes together.

    Raises:
        InvalidInput: ``work.unknown_key``, there is no gateway key of this id or name. TooLarge: ``work.too_much``.
    """
    looked = await _look_through(db, traffic, most)
    questions = looked.questions()
    tag_of = _tag_of(questions)
    chosen, strata = _draw(questions, tag_of, limit, random.Random(seed))  # noqa: S311  # a sample that can be repeated, no secret
    items: list[Item] = []
    bytes_ = 0
    for start in range(0, len(chosen), _PAGE):
        some = chosen[start : start + _PAGE]
        bodies = await get_bodies(
            db, {hash for seen in some for hash in (seen.request, seen.reply) if hash}, [seen.call for seen in some]
        )
        bytes_ += sum(map(len, bodies.values()))
        if bytes_ > largest:
            raise TooLarge(
                "work.too_much",
                f"The first {start + len(some)} items of this traffic are more than {largest >> 20} MiB.",
                hint="Ask for fewer items, or for less of the traffic.",
                param="limit",
            )
        items += await asyncio.to_thread(looked.items, some, bodies, tag_of)
    return Sampled(
        items=tuple(items),
        calls=looked.calls,
        without_body=looked.without_body,
        unreadable=looked.unreadable,
        other_tags=looked.other_tags,
        steps=looked.steps,
        duplicates=looked.duplicates,
        strata=strata,
        notes=tuple(_notes(looked, len(items), len(questions), strata, most)),
    )


async def _look_through(db: Database, traffic: Traffic, most: int) -> _Looked:
    keys = await _keys(db, traffic.key)
    looked = _Looked(traffic.tag)
    before: str | None = None
    while not looked.cut:
        page = await list_answered(
            db, _PAGE, keys=keys, asked=traffic.alias, since=traffic.since, until=traffic.until, before=before
        )
        if not page:
            break
        before = page[-1].id
        looked.cut = looked.calls + len(page) > most
        page = page[: most - looked.calls]
        bodies = await get_bodies(
            db, {hash for call in page for hash in (call.request, call.reply) if hash}, [call.id for call in page]
        )
        await asyncio.to_thread(looked.look, page, bodies)
    return looked


async def _keys(db: Database, wanted: str | None) -> set[str] | None:
    if wanted is None:
        return None
    known = await list_keys(db)
    found = {key.id for key in known if wanted in (key.id, key.name)}
    if not found:
        raise InvalidInput(
            "work.unknown_key", f"There is no gateway key {wanted!r}.", hint="`assay key list` shows ids and names.", param="key"
        )
    return found


class _Looked:
    """What the calls say, without their texts."""

    def __init__(self, tag: str | None):
        self.calls = self.without_body = self.unreadable = self.other_tags = self.steps = self.duplicates = 0
        self.cut = False
        """Whether there were more calls than were looked at."""
        self._tag = tag
        self._seen: dict[bytes, list[_Seen]] = defaultdict(list)
        self._speakers: dict[bytes, str] = {}

    def look(self, page: Sequence[Call], bodies: Mapping[str, bytes]) -> None:
        """Take in some calls, the newest first."""
        for call in page:
            self.calls += 1
            body = bodies.get(call.request or "")
            if body is None:
                self.without_body += 1
                continue
            try:
                seen = _seen(call, _request.decode(body), _said(bodies, call.reply))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                self.unreadable += 1
                continue
            if seen.spoken is not None:
                self._speakers[seen.spoken] = seen.deployment
            if self._tag is not None and self._tag not in seen.tags:
                self.other_tags += 1
                continue
            self._seen[seen.question].append(seen)

    def questions(self) -> list[_Seen]:
        """The one call that tells each question best, the oldest first."""
        found = []
        for calls in self._seen.values():
            passed = {step for seen in calls for step in seen.steps[:-1]}
            ends = [seen for seen in calls if seen.steps[-1] not in passed]
            self.steps += len(calls) - len(ends)
            self.duplicates += len(ends) - 1
            found.append(max(ends, key=lambda seen: (seen.whole, seen.call)))
        return sorted(found, key=lambda seen: seen.call)

    def items(self, chosen: Iterable[_Seen], bodies: Mapping[str, bytes], tag_of: Mapping[str, str | None]) -> list[Item]:
        """The items of these calls. One whose body is gone by now is counted as without one."""
        items = []
        for seen in chosen:
            body = bodies.get(seen.request)
            if body is None:
                self.without_body += 1
                continue
            items.append(self._item(seen, _request.decode(body), _said(bodies, seen.reply), tag_of[seen.call]))
        return items

    def _item(self, seen: _Seen, request: Request, said: Message | None, tag: str | None) -> Item:
        messages = request.transcript.messages
        end = _question_end(messages)
        recorded = went_on(messages[end:])
        if said is not None:
            recorded = (*recorded, Exchange(said=said))
        asked = msgspec.structs.replace(asked_of_nobody(request), transcript=Transcript(messages[:end]))
        shown = [message for message in messages if message.role == "assistant"]
        authors = {self._speakers[mark] for message in shown if (mark := _fingerprint(message)) in self._speakers}
        if said is not None and calls_tools(said):
            authors.add(seen.deployment)
        return Item(
            request=asked,
            recorded=recorded,
            cluster=cluster_of(messages),
            category=tag or category_of(asked, [step.said for step in recorded]),
            authors=tuple(sorted(authors)),
            origin=f"call {seen.call}",
        )


def _said(bodies: Mapping[str, bytes], hash: str | None) -> Message | None:
    """The first of the answers that came back."""
    body = bodies.get(hash or "")
    messages = _reply.decode(body).messages if body is not None else ()
    return messages[0] if messages else None


def _seen(call: Call, request: Request, said: Message | None) -> _Seen:
    messages = request.transcript.messages
    end = _question_end(messages)
    start = _question(request, messages[:end])
    steps = [start]
    for message in messages[end:]:
        steps.append(_digest(steps[-1], _fingerprint(message)))
    return _Seen(
        call=call.id,
        at=call.at,
        alias=call.asked,
        key=call.key,
        deployment=call.deployment,
        request=call.request or "",
        reply=call.reply,
        question=start,
        steps=tuple(steps),
        spoken=None if said is None else _fingerprint(said),
        whole=said is not None and not calls_tools(said),
        tags=_tags(request),
    )


def _question_end(messages: Sequence[Message]) -> int:
    """How much of a request is the question: up to what the asking side said last. What follows is a recorded stretch of tools,
    unless it ends with words put into the model's mouth: then all of it is the question."""
    if not messages or messages[-1].role != "tool":
        return len(messages)
    asked = [place for place, message in enumerate(messages) if message.role not in ("assistant", "tool")]
    return asked[-1] + 1 if asked else len(messages)


def _question(request: Request, messages: Sequence[Message]) -> bytes:
    """Equal for questions that ask the same."""
    words = [
        [message.role, [_plain(part.text) if isinstance(part, Text) else part for part in message.parts]]
        for message in messages
        if message.role not in ("assistant", "tool")
    ]
    return bytes.fromhex(content_hash([words, request.tools, request.output]))


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _fingerprint(message: Message) -> bytes:
    """Equal for a message as it was answered and as a client sends it back: thoughts, ids and unknown fields do not count."""
    parts: list[Any] = [message.role, message.text]
    for part in message.parts:
        if isinstance(part, ToolCall):
            parts.append([part.id, part.name, part.arguments])
        elif isinstance(part, ToolResult):
            parts.append([part.id, [inner.text if isinstance(inner, Text) else inner for inner in part.parts]])
    return bytes.fromhex(content_hash(parts))[:16]


def _digest(*pieces: bytes) -> bytes:
    return hashlib.sha256(b"".join(pieces)).digest()[:16]


def _tags(request: Request) -> tuple[str, ...]:
    metadata = request.extra.get("openai_chat", {}).get("metadata")
    if not isinstance(metadata, dict):
        return ()
    tags: list[str] = []
    for name, value in metadata.items():
        if name in ("tag", "tags"):
            values = value if isinstance(value, list) else str(value).split(",")
            tags += [bare for one in values if isinstance(one, str) and (bare := one.strip()[:200])]
        elif isinstance(value, str | int | float):
            tags.append(f"{name}={value}"[:200])
    return tuple(tag for tag in tags if tag.isprintable())


def _tag_of(questions: Sequence[_Seen]) -> dict[str, str | None]:
    """The tag by which each call counts: its bare ones, else of the names with few values those that it has."""
    values: dict[str, Counter[str]] = defaultdict(Counter)
    for seen in questions:
        for tag in seen.tags:
            values[tag.partition("=")[0]][tag] += 1
    few = {name for name, counted in values.items() if len(counted) <= _FEW_VALUES and counted.total() >= 2 * len(counted)}

    def choose(seen: _Seen) -> str | None:
        bare = [tag for tag in seen.tags if "=" not in tag]
        return ", ".join(sorted(bare or [tag for tag in seen.tags if tag.partition("=")[0] in few])) or None

    return {seen.call: choose(seen) for seen in questions}


def _draw(
    questions: Sequence[_Seen], tag_of: Mapping[str, str | None], limit: int, chance: random.Random
) -> tuple[list[_Seen], tuple[Stratum, ...]]:
    """Up to ``limit`` questions, from each stratum in proportion; the oldest first."""
    strata: dict[tuple[str, str, str], list[_Seen]] = defaultdict(list)
    for seen in questions:
        strata[seen.alias, seen.key or "", tag_of[seen.call] or ""].append(seen)
    names = sorted(strata)
    quotas = _quotas([len(strata[name]) for name in names], limit, chance)
    chosen = [seen for name, quota in zip(names, quotas, strict=True) for seen in chance.sample(strata[name], quota)]
    described = tuple(
        Stratum(alias=alias, key=key or None, tag=tag or None, found=len(strata[alias, key, tag]), taken=quota)
        for (alias, key, tag), quota in zip(names, quotas, strict=True)
    )
    return sorted(chosen, key=lambda seen: seen.call), described


def _quotas(sizes: Sequence[int], limit: int, chance: random.Random) -> list[int]:
    """Hamilton's method: each size's share of ``limit`` rounded down, the rest to the largest remainders, ties by lot."""
    total = sum(sizes)
    if total <= limit:
        return list(sizes)
    quotas = [size * limit // total for size in sizes]
    lots = [chance.random() for _ in sizes]
    order = sorted(range(len(sizes)), key=lambda i: (-(sizes[i] * limit % total), lots[i]))
    for i in order[: limit - sum(quotas)]:
        quotas[i] += 1
    return quotas


def _notes(looked: _Looked, items: int, questions: int, strata: Sequence[Stratum], most: int) -> Iterable[str]:
    yield f"{looked.calls} recorded calls were looked at; {items} of {questions} different questions were drawn."
    if looked.cut:
        yield f"Only the newest {most} calls were looked at."
    if looked.without_body:
        yield f"{looked.without_body} calls were left out: what they said is not kept."
    if looked.unreadable:
        yield f"{looked.unreadable} calls were left out: what they said cannot be read by this version."
    if looked.other_tags:
        yield f"{looked.other_tags} calls were left out: they lack the tag."
    if looked.steps:
        yield f"{looked.steps} calls were steps of a question with tools, and are part of its item."
    if looked.duplicates:
        yield f"{looked.duplicates} calls repeated a question, and count once."
    if len(strata) > 1:
        yield f"Drawn in proportion from {len(strata)} strata (alias, key, tag)."
