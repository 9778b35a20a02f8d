"""Answers given again: to the very same request of the same team or key, within the time that the asker allows.

Nothing is kept unless an alias (``cache_s``) or the request itself asks for it: ``assay-cache: 600`` takes and leaves answers of the last
ten minutes, ``assay-cache: 0`` does without those of the alias. Requests with tools are left alone unless ``assay-cache: 600, tools``
says otherwise, since what tools tell changes. An answer is kept only if it came whole and was not cut short, and only where
bodies are kept whole. It is kept as the events of its stream, from which it is written anew in the client's protocol, streamed or whole.

The same means: in the same protocol, every field but whether it is streamed, the protocol's own fields and headers that are passed
on, too, the name asked for and everything that stands behind it. Rows are written in the commit of their calls and shared by all
processes.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Sequence

import msgspec

from assay.core import (
    AssayError,
    Bodies,
    Event,
    InvalidInput,
    PartGrew,
    Request,
    Started,
    Stopped,
    ToolCall,
    ToolResult,
    UsageReported,
    canonical,
    fold,
    now_us,
)
from assay.gateway.asgi import EVENT_STREAM, JSON, Send, send_answer
from assay.gateway.attempt import Attempt
from assay.gateway.cached import CachedRow, Repeatable, find_cached, shrink_cached, write_cached
from assay.gateway.generation import Question
from assay.gateway.memory import Answered, Memory
from assay.gateway.recorder import Recorder, Settled
from assay.gateway.settle import read_events
from assay.gateway.snapshot import Pool
from assay.store.database import Database, Write
from assay.wire.handover import Handover
from assay.wire.names import fit_names, unfit

HEADER = b"assay-cache"
LONGEST_S = 30 * 86_400
"""An answer is given again for at most this long."""

_LARGEST = 512 * 1024
"""An answer that took more bytes on its way is not kept: reading it again would hold up others for too long."""

_LONG = 512 * 1024
"""A longer body is read in a thread, so that others are answered meanwhile."""

_SHRINK_AFTER = 16
"""The table is looked at whenever this part of what it may hold was added by one process."""

_WHOLE = frozenset({"end", "stop_sequence", "tool_calls"})

_log = logging.getLogger(__name__)
_events = msgspec.json.Decoder(list[Event])
_encode = msgspec.json.Encoder().encode


class Wish(msgspec.Struct, frozen=True):
    """For how many seconds an answer is good enough, and whether also where tools are."""

    seconds: int
    tools: bool = False


class Cache:
    """Implements `assay.gateway.recorder.Book`. Nothing is given again before it is told who records (`open`) and what may be kept."""

    def __init__(self, db: Database):
        self._db = db
        self._recorder: Recorder
        self._memory: Memory
        self._is_on = False
        self._longest_s = 0
        self._most_bytes = 0
        self._added = 0
        self._shrinking: asyncio.Task[None] | None = None

    def open(self, recorder: Recorder, memory: Memory) -> None:
        """Answers that are given again are recorded and remembered, too."""
        self._recorder = recorder
        self._memory = memory

    def keep(self, bodies: Bodies, days: int, most_bytes: int) -> None:
        """From now on, follow this policy: about ``most_bytes`` of answers are kept at most, in the whole database."""
        self._is_on = bodies == "full" and most_bytes > 0
        self._longest_s = min(LONGEST_S, days * 86_400)
        self._most_bytes = most_bytes

    def wish(self, header: bytes | None, pool: Pool) -> Wish | None:
        """What was asked for; None where no answer may be given again.

        Raises:
            InvalidInput: ``cache.header``.
        """
        if header is None:
            wish = Wish(pool.cache_s)
        else:
            seconds, *more = [word.strip() for word in header.split(b",")]
            if not seconds.isdigit() or len(seconds) > 9 or more not in ([], [b"tools"]):
                raise InvalidInput(
                    "cache.header",
                    f"assay-cache: {header[:40].decode('latin-1')!r} is not understood.",
                    hint="Write how many seconds old an answer may be, such as 600; or '600, tools'.",
                )
            wish = Wish(int(seconds), bool(more))
        return wish if wish.seconds > 0 and self._is_on else None

    async def look(self, question: Question, pool: Pool, wish: Wish, send: Send) -> Question | None:
        """Give an answer again, if there is one; None then, else the question with the name under which its answer is kept."""
        request = await asyncio.to_thread(_read, question, wish) if len(question.body) > _LONG else _read(question, wish)
        if request is None:
            return question
        seconds = min(wish.seconds, self._longest_s)
        repeatable = Repeatable(_name(request, question, pool), seconds)
        now = now_us()
        try:
            found = await find_cached(self._db, repeatable.name, since=now - seconds * 1_000_000, now=now)
        except AssayError as error:
            _log.warning("no answer can be given again code=%s", error.code)
            return question
        if found is None:
            return msgspec.structs.replace(question, repeatable=repeatable)
        await self._repeat(found, request, question, pool, send)
        return None

    def entries(self, settled: Sequence[Settled]) -> Sequence[Write]:
        rows = [row for one in settled if one.attempt.repeatable is not None and (row := self._row(one)) is not None]
        self._added += sum(row.size for row in rows)
        return write_cached(rows)

    def committed(self, settled: Sequence[Settled]) -> None:
        if self._added * _SHRINK_AFTER >= self._most_bytes and self._shrinking is None and self._added:
            self._added = 0
            self._shrinking = asyncio.create_task(self._shrink(), name="shrinking the cache")

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._shrinking is not None:
            await self._shrinking

    def _row(self, one: Settled) -> CachedRow | None:
        """The answer of a call, where it can be given again."""
        attempt, call = one
        repeatable = attempt.repeatable
        if repeatable is None or call.outcome != "ok" or not self._is_on or attempt.size > _LARGEST:
            return None
        events = read_events(attempt)
        stops = [event.reason for event in events if isinstance(event, Stopped)]
        if not stops or not _WHOLE.issuperset(stops):
            return None
        value = attempt.route.upstream.redact(_encode(_compact(events)))
        if len(value) * _SHRINK_AFTER > self._most_bytes:
            return None
        now = now_us()
        kept_until = now + min(repeatable.seconds, self._longest_s) * 1_000_000
        deployment, protocol = attempt.route.deployment.id, attempt.way.protocol
        return CachedRow(repeatable.name, call.id, deployment, protocol, value, len(value), now, kept_until)

    async def _repeat(self, found: CachedRow, request: Request, question: Question, pool: Pool, send: Send) -> None:
        routes = {route.deployment.id: route for route in pool.routes}
        attempt = Attempt(
            routes.get(found.deployment, pool.first),
            asked=question.asked.model,
            purpose="traffic",
            stream=question.asked.stream,
            client_protocol=question.asking.protocol,
            request_id=question.request_id,
            id=question.request_id,
            asker=question.asker,
            request=request,
        )
        attempt.cached, attempt.trace = found.call, question.trace
        attempt.events = [msgspec.structs.replace(event, at_ns=time.monotonic_ns()) for event in _events.decode(found.value)]
        try:
            body = self._write(attempt, found.protocol, request, question)
            attempt.end("ok")
            told = question.request_id.encode()
            headers = [(b"x-request-id", told), *attempt.told(0)]
            if question.asking.protocol == "anthropic":
                headers.append((b"request-id", told))
            kind = EVENT_STREAM if question.asked.stream and not question.asking.as_list else [JSON]
            await send_answer(send, 200, [*kind, *headers], body)
        finally:
            attempt.end("cancelled", "client.left")
            self._recorder.record(attempt)

    def _write(self, attempt: Attempt, made_in: str, request: Request, question: Question) -> bytes:
        """The answer in the client's protocol, with what the client may refer to on its next turn."""
        codec, key = question.asking.codec, question.asker.key
        if question.asking.as_list:
            request = msgspec.structs.replace(
                request, extra=request.extra | {"gemini": {**request.extra.get("gemini", {}), "alt": "json"}}
            )
        answer_id = question.request_id.replace("-", "")
        writer = codec.EventWriter(request, id=answer_id, created=int(time.time()))
        handover = Handover(made_in, codec.NAME, writer.losses)
        _, names = fit_names(request)
        events = attempt.events or []
        body = b"".join([writer.write(unfit(event, names)) for event in handover.pass_on(events)]) + writer.close()
        attempt.losses = writer.losses.listed
        if kept := getattr(writer, "kept", []):
            self._memory.keep(key, kept)
        if codec.NAME == "openai_responses":
            said = Answered(request, fold(events).message)
            self._memory.remember(key, f"resp_{answer_id}", question.request_id, said, len(body))
        return body

    async def _shrink(self) -> None:
        try:
            await shrink_cached(self._db, self._most_bytes)
        except AssayError as error:
            _log.warning("the cache is larger than it should be code=%s", error.code)
        finally:
            self._shrinking = None


def _read(question: Question, wish: Wish) -> Request | None:
    """What is asked, where its answer may be given again: not with tools unless wished, nor where it goes on from what is kept elsewhere."""
    asking = question.asking
    if {"previous_response_id", "conversation", "thread", "container", "background"} & question.asked.fields.keys():
        return None
    try:
        request = asking.codec.read_request(question.body, model=asking.model, stream=asking.stream)
    except InvalidInput:
        return None  # the upstream may take what we cannot read
    parts = (part for message in request.transcript.messages for part in message.parts)
    if not wish.tools and (request.tools or any(isinstance(part, ToolCall | ToolResult) for part in parts)):
        return None
    return request


def _name(request: Request, question: Question, pool: Pool) -> str:
    """A hash of whoever may have the answer and of all that it depends on."""
    asker = question.asker
    scope = f"team {asker.team}" if asker.team is not None else f"key {asker.key}"
    asked = msgspec.structs.replace(request, stream=False, stream_usage=None)
    behind = sorted(f"{route.deployment.id} {route.deployment.upstream_model}" for route in pool.routes)
    headers = sorted((name.decode("latin-1"), value.decode("latin-1")) for name, value in question.forwarded)
    digest = hashlib.sha256(_encode([scope, question.asking.protocol, question.asked.model, behind, headers]))
    digest.update(canonical(asked))
    return digest.hexdigest()


def _compact(events: Sequence[Event]) -> list[Event]:
    """The same in fewer events: pieces of a part that follow each other as one, without times and without the provider's bill."""
    compact: list[Event] = []
    texts: list[str] = []
    for event in events:
        last = compact[-1] if compact else None
        if isinstance(event, PartGrew):
            if isinstance(last, PartGrew) and (last.index, last.choice) == (event.index, event.choice):
                texts.append(event.text)
                continue
            _close(compact, texts)
            texts = [event.text]
        elif texts:
            _close(compact, texts)
            texts = []
        if isinstance(event, UsageReported):
            event = msgspec.structs.replace(event, usage=msgspec.structs.replace(event.usage, reported=None))
        elif isinstance(event, Started):
            event = msgspec.structs.replace(event, id=None)
        compact.append(msgspec.structs.replace(event, at_ns=0))
    _close(compact, texts)
    return compact


def _close(compact: list[Event], texts: list[str]) -> None:
    if len(texts) > 1:
        last = compact[-1]
        assert isinstance(last, PartGrew), "texts are of the last event"
        compact[-1] = msgspec.structs.replace(last, text="".join(texts))
