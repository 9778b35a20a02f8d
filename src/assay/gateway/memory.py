"""What must be known again on the next turn: seals of tool calls, and answers that a later request continues.

Clients of Chat Completions have no slot for signatures, so the seals of their tool calls are kept here under the calls' ids;
clients of Responses may say ``previous_response_id`` instead of the conversation. Both are in memory while they are young, and
found in the database after a restart: seals and the names of responses in a table of their own, what was said in the record of
calls.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable

import msgspec

from assay.core import AssayError, Call, InvalidInput, Message, NotFound, Request, ToolCall, Transcript, now_us
from assay.gateway.kept import delete_expired, load_kept, save_kept
from assay.gateway.recorder import Recorder
from assay.store.database import Database
from assay.store.queries import find_request, get_bodies
from assay.wire.carry import KEPT, restore

KEPT_FOR_US = 7 * 86_400_000_000
"""How long: a conversation with tools that is taken up again within a week still has its signatures."""

_RESPONSES = "openai_responses"
_MOST_KEPT = 20_000
_MOST_ANSWERS = 2_000
_BATCH_S = 0.05

_log = logging.getLogger(__name__)
_request = msgspec.json.Decoder(Request)
_reply = msgspec.json.Decoder(Transcript)


class Answered(msgspec.Struct, frozen=True):
    """A request with the conversation whole, and what was answered."""

    request: Request
    reply: Message


class Memory:
    """Everything is kept by gateway key: nobody can continue what another key began."""

    def __init__(self, db: Database, recorder: Recorder):
        self._db = db
        self._recorder = recorder
        self._kept: OrderedDict[tuple[str | None, str], str] = OrderedDict()
        self._answers: OrderedDict[tuple[str | None, str], Answered] = OrderedDict()
        self._unsaved: list[tuple[str, str | None, str]] = []
        self._saving: asyncio.Task[None] | None = None

    def keep(self, key: str | None, kept: Iterable[tuple[str, str]]) -> None:
        """Keep values by the ids that the client was told: the seal of a tool call, or the request of a response."""
        for told, value in kept:
            self._kept[key, told] = value
            self._unsaved.append((told, key, value))
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        if self._unsaved and self._saving is None:
            self._saving = asyncio.create_task(self._save(), name="memory of the gateway")

    def remember(self, key: str | None, response_id: str, request_id: str, answered: Answered | None) -> None:
        """Keep an answer that may be continued by ``response_id``; what was said is found by ``request_id``, too."""
        self.keep(key, [(response_id, request_id)])
        if answered is not None:
            self._answers[key, response_id] = answered
            while len(self._answers) > _MOST_ANSWERS:
                self._answers.popitem(last=False)

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
        missing = [told for told in ids if (key, told) not in self._kept]
        if missing:
            self._kept.update({(key, told): value for told, value in (await load_kept(self._db, key, missing)).items()})
        return restore(request, lambda told: self._kept.get((key, told)))

    async def recall(self, key: str | None, response_id: str) -> Answered:
        """The conversation up to and with the answer ``response_id``.

        Raises:
            NotFound: ``responses.not_found``: it was never made with this key. ``responses.not_kept``: its bodies were not recorded.
        """
        answered = self._answers.get((key, response_id))
        if answered is not None:
            return answered
        request_id = self._kept.get((key, response_id)) or (await load_kept(self._db, key, [response_id])).get(response_id)
        if request_id is None:
            raise NotFound(
                "responses.not_found",
                f"There is no response {response_id[:80]!r} that this key could continue.",
                hint="Send the whole conversation as 'input' instead.",
                param="previous_response_id",
            )
        await self._recorder.flush()
        call = await find_request(self._db, request_id)
        asked, said = await self._bodies(call) if call is not None else (None, None)
        if asked is None or said is None:
            raise NotFound(
                "responses.not_kept",
                f"What was said before the response {response_id[:80]!r} is not kept.",
                hint="Set 'bodies' to 'full', or send the whole conversation as 'input'.",
                param="previous_response_id",
            )
        return Answered(_request.decode(asked), _reply.decode(said).messages[0])

    async def _bodies(self, call: Call) -> tuple[bytes | None, bytes | None]:
        hashes = [hash for hash in (call.request, call.reply) if hash is not None]
        found = await get_bodies(self._db, hashes, [call.id])
        return found.get(call.request or ""), found.get(call.reply or "")

    async def close(self) -> None:
        """Write what is not written yet."""
        while self._saving is not None:
            await self._saving

    async def _save(self) -> None:
        await asyncio.sleep(_BATCH_S)
        while self._unsaved:
            unsaved, self._unsaved = self._unsaved, []
            try:
                await save_kept(self._db, unsaved, kept_until=now_us() + KEPT_FOR_US)
                await delete_expired(self._db, now_us())
            except AssayError as error:
                # They are still in memory; only a restart would lose them.
                _log.warning("what clients will need again is not written down code=%s values=%d", error.code, len(unsaved))
        self._saving = None


def continue_from(before: Answered, request: Request) -> Request:
    """``request`` as if its client had sent the whole conversation.

    Instructions are not carried over: OpenAI's are those of one request alone (API reference, 2026-11).

    Raises:
        InvalidInput: ``responses.empty``: there is nothing to add.
    """
    if not request.transcript.messages:
        raise InvalidInput("responses.empty", "There is no input that would continue the response.", param="input")
    earlier = tuple(message for message in before.request.transcript.messages if message.role != "system")
    first = [message for message in request.transcript.messages if message.role == "system"]
    rest = [message for message in request.transcript.messages if message.role != "system"]
    own = {name: value for name, value in request.extra.get(_RESPONSES, {}).items() if name != "previous_response_id"}
    return msgspec.structs.replace(
        request, transcript=Transcript((*first, *earlier, before.reply, *rest)), extra={**request.extra, _RESPONSES: own}
    )
