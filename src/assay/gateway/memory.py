"""What must be known again on the next turn: seals of tool calls, and answers that a later request continues.

Clients of Chat Completions have no slot for signatures, so the seals of their tool calls are kept here under the calls' ids;
clients of Responses may say ``previous_response_id`` instead of the conversation. Both are in memory while they are young, and
found in the database after a restart: seals and the names of responses in a table of their own, what was said in the record of
calls. Thoughts in a seal are something said: where bodies are not kept, nothing of this reaches the database.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Set
from typing import Generic, TypeVar

import msgspec

from assay.core import (
    AssayError,
    Bodies,
    Call,
    InvalidInput,
    Message,
    NotFound,
    Request,
    ToolCall,
    Transcript,
    Unavailable,
    now_us,
)
from assay.gateway.kept import load_kept, save_kept
from assay.gateway.recorder import Recorder
from assay.store.database import Database
from assay.store.queries import find_request, get_bodies
from assay.wire.carry import KEPT, restore

_DAY_US = 86_400_000_000
KEPT_DAYS = 7
"""How long, or as long as bodies where that is shorter: a conversation with tools that is taken up again within a week still has its signatures."""

_RESPONSES = "openai_responses"
_MOST_KEPT = 20_000
_MOST_ANSWERS = 2_000
_MOST_BYTES = 64 * 1024 * 1024
"""Of each of the two, in memory."""
_BATCH_S = 0.05
_PAUSES_S = (0.02, 0.05, 0.1, 0.2)
"""A client may go on at another process before the one that answered it has written down what it needs again."""

_RECORD_S = 5
"""How long a continued request waits for the record of the call before it."""

_log = logging.getLogger(__name__)
_request = msgspec.json.Decoder(Request)
_reply = msgspec.json.Decoder(Transcript)


class Answered(msgspec.Struct, frozen=True):
    """A request with the conversation whole, and what was answered."""

    request: Request
    reply: Message


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Young(Generic[K, V]):
    """What was put in or asked for latest: at most ``most`` values, of ``most_bytes`` together."""

    def __init__(self, most: int, most_bytes: int):
        self._most = most
        self._most_bytes = most_bytes
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._values)

    def put(self, key: K, value: V, size: int) -> None:
        """Keep a value of ``size`` bytes; the oldest make room for it."""
        self.bytes += size - self._values.pop(key, (value, 0))[1]
        self._values[key] = value, size
        while len(self._values) > self._most or self.bytes > self._most_bytes:
            self.bytes -= self._values.popitem(last=False)[1][1]

    def get(self, key: K) -> V | None:
        """The value, which is young again; None where there is none, or none any more."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]


class Memory:
    """Everything is kept by gateway key: nobody can continue what another key began.

    ``bodies`` and ``days`` are the policy for what was said: only where it is kept whole is anything written down.
    """

    def __init__(self, db: Database, recorder: Recorder, *, bodies: Bodies = "full", days: int = KEPT_DAYS, alone: bool = True):
        self._db = db
        self._pauses_s = () if alone else _PAUSES_S
        self._recorder = recorder
        self.write_down(bodies, days)
        self._kept: Young[tuple[str | None, str], str] = Young(_MOST_KEPT, _MOST_BYTES)
        self._answers: Young[tuple[str | None, str], Answered] = Young(_MOST_ANSWERS, _MOST_BYTES)
        self._unsaved: list[tuple[str, str | None, str]] = []
        self._saving: asyncio.Task[None] | None = None

    def write_down(self, bodies: Bodies, days: int) -> None:
        """From now on, follow this policy."""
        self._writes_down = bodies == "full"
        self._kept_for_us = min(days, KEPT_DAYS) * _DAY_US

    def keep(self, key: str | None, kept: Iterable[tuple[str, str]]) -> None:
        """Keep values by the ids that the client was told: the seal of a tool call, or the request of a response."""
        for told, value in kept:
            self._kept.put((key, told), value, len(value))
            if self._writes_down:
                self._unsaved.append((told, key, value))
        if self._unsaved and self._saving is None:
            self._saving = asyncio.create_task(self._save(), name="memory of the gateway")

    def remember(self, key: str | None, response_id: str, request_id: str, answered: Answered | None, size: int = 0) -> None:
        """Keep an answer, of about ``size`` bytes, that may be continued by ``response_id``; what was said is found by ``request_id``,
        too.
        """
        self.keep(key, [(response_id, request_id)])
        if answered is not None:
            self._answers.put((key, response_id), answered, size)

    async def restore(self, key: str | None, request: Request) -> Request:
        """``request`` with the signatures and thoughts that its client had no slot for."""
        ids = {
            part.id
            for message in request.transcript.messages
            for part in message.parts
            if isinstance(part, ToolCall) and part.id.startswith(KEPT)
        }
        if not ids:
            return request
        known = {told: value for told in ids if (value := self._kept.get((key, told))) is not None}
        if len(known) < len(ids):
            found = await self._load(key, ids - known.keys())
            for told, value in found.items():
                self._kept.put((key, told), value, len(value))
            known |= found
        return restore(request, known.get)

    async def knows(self, key: str | None, response_id: str) -> bool:
        """Whether ``response_id`` is the name of an answer that was remembered here."""
        young = self._answers.get((key, response_id)) or self._kept.get((key, response_id))
        return young is not None or bool(await load_kept(self._db, key, [response_id]))

    async def recall(self, key: str | None, response_id: str) -> Answered:
        """The conversation up to and with the answer ``response_id``.

        Raises:
            NotFound: ``responses.not_found``: it was never made with this key. ``responses.not_kept``: its bodies were not recorded.
            Unavailable: ``gateway.busy``: it is not on record yet.
        """
        answered = self._answers.get((key, response_id))
        if answered is not None:
            return answered
        request_id = self._kept.get((key, response_id)) or (await self._load(key, {response_id})).get(response_id)
        if request_id is None:
            raise NotFound(
                "responses.not_found",
                f"There is no response {response_id[:80]!r} that this key could continue.",
                hint="Send the whole conversation as 'input' instead.",
                param="previous_response_id",
            )
        try:
            async with asyncio.timeout(_RECORD_S):
                await self._recorder.flush()
        except TimeoutError:
            raise Unavailable("gateway.busy", "Too many calls wait to be recorded.", retry_after_s=1) from None
        call = await self._find(request_id)
        asked, said = await self._bodies(call) if call is not None else (None, None)
        if asked is None or said is None:
            raise NotFound(
                "responses.not_kept",
                f"What was said before the response {response_id[:80]!r} is not kept.",
                hint="Set 'bodies' to 'full', or send the whole conversation as 'input'.",
                param="previous_response_id",
            )
        return Answered(_request.decode(asked), _reply.decode(said).messages[0])

    async def _load(self, key: str | None, ids: Set[str]) -> dict[str, str]:
        """What is written down under ``ids``, or will be in a moment."""
        found = await load_kept(self._db, key, sorted(ids))
        for pause_s in self._pauses_s:
            if len(found) == len(ids):
                break
            await asyncio.sleep(pause_s)
            found |= await load_kept(self._db, key, sorted(ids - found.keys()))
        return found

    async def _find(self, request_id: str) -> Call | None:
        """The call of that request, which may be on record in a moment."""
        call = await find_request(self._db, request_id)
        for pause_s in self._pauses_s:
            if call is not None:
                break
            await asyncio.sleep(pause_s)
            call = await find_request(self._db, request_id)
        return call

    async def _bodies(self, call: Call) -> tuple[bytes | None, bytes | None]:
        hashes = [hash for hash in (call.request, call.reply) if hash is not None]
        found = await get_bodies(self._db, hashes, [call.id])
        return found.get(call.request or ""), found.get(call.reply or "")

    async def close(self) -> None:
        """Write what is not written yet."""
        while self._saving is not None:
            await self._saving

    async def _save(self) -> None:
        try:
            await asyncio.sleep(_BATCH_S)
            while self._unsaved:
                unsaved, self._unsaved = self._unsaved, []
                try:
                    await save_kept(self._db, unsaved, kept_until=now_us() + self._kept_for_us)
                except AssayError as error:
                    # They are still in memory; only a restart would lose them.
                    _log.warning("what clients will need again is not written down code=%s values=%d", error.code, len(unsaved))
        finally:
            self._saving = None


def continue_from(before: Answered, request: Request) -> Request:
    """``request`` as if its client had sent the whole conversation.

    Instructions are not carried over: OpenAI's are those of one request alone (API reference, 2026-11).

    Raises:
        InvalidInput: ``responses.empty``: there is nothing to add.
    """
    if not request.transcript.messages:
        raise InvalidInput("responses.empty", "There is no input that would continue the response.", param="input")
    _, earlier = _instructions_and_rest(before.request)
    instructions, mine = _instructions_and_rest(request)
    own = {name: value for name, value in request.extra.get(_RESPONSES, {}).items() if name != "previous_response_id"}
    whole = Transcript((*instructions, *earlier, before.reply, *mine))
    return msgspec.structs.replace(request, transcript=whole, extra={**request.extra, _RESPONSES: own})


def _instructions_and_rest(request: Request) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """A system's message of the input is marked by an entry in its ``extra``: it is a part of what was said."""
    messages = request.transcript.messages
    count = 1 if messages and messages[0].role == "system" and _RESPONSES not in messages[0].extra else 0
    return messages[:count], messages[count:]
