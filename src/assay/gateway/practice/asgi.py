"""The practice contestants behind OpenAI chat completions, as a raw ASGI application.

Streams and whole answers go through the same codec as everything else. A contestant answers in one go; the answer is then
sent piece by piece at a steady pace. Tokens are counted as pieces (`pieces_of`): those of the conversation that was
considered, and those that were sent. ``max_tokens`` and ``stop`` are kept to. What a practice program cannot do (several
choices, tools that must be called, JSON by schema) is refused, never played.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from assay.core import (
    AssayError,
    Event,
    InvalidInput,
    NotFound,
    PartClosed,
    PartGrew,
    PartOpened,
    Request,
    Started,
    Stopped,
    StopReason,
    Text,
    TooLarge,
    Unprocessable,
    Usage,
    UsageReported,
    new_id,
)
from assay.gateway.practice.conversation import LONGEST_TURN, Contestant, Conversation, read_conversation
from assay.gateway.practice.pieces import Pace, pieces_of
from assay.gateway.practice.script import written_in
from assay.wire import openai_chat

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LARGEST_BODY = 32 * 1024 * 1024
"""Bytes; a larger request is refused with 413."""

_log = logging.getLogger(__name__)


class Practice:
    """Serves ``contestants`` at ``pace``."""

    def __init__(self, contestants: Sequence[Contestant], pace: Pace | None = None):
        self._contestants: Mapping[str, Contestant] = {contestant.name: contestant for contestant in contestants}
        self._pace = pace or Pace()

    async def close(self) -> None:
        """Let every contestant end what it began in the background."""
        for contestant in self._contestants.values():
            await contestant.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            await self._route(scope["method"], scope["path"].removeprefix("/v1"), receive, send)
        except AssayError as error:
            await _send_json(send, error.status, openai_chat.write_error(error))

    async def _route(self, method: str, path: str, receive: Receive, send: Send) -> None:
        if (method, path) == ("GET", "/models"):
            rows = [{"id": name, "object": "model", "created": 0, "owned_by": "assay-practice"} for name in self._contestants]
            await _send_json(send, 200, json.dumps({"object": "list", "data": rows}).encode())
        elif (method, path) == ("POST", openai_chat.PATH):
            request = openai_chat.read_request(await _read_body(receive))
            await self._complete(request, receive, send)
        else:
            raise NotFound("practice.no_such_path", f"{method} {path!r} is not served by the practice contestants.")

    async def _complete(self, request: Request, receive: Receive, send: Send) -> None:
        contestant = self._contestant(request)
        _refuse_what_is_beyond(request)
        conversation = read_conversation(request.transcript)
        for one in self._contestants.values():
            one.prepare()  # a battle asks two: what one needs is begun while the other speaks
        gone = asyncio.ensure_future(receive())
        try:
            answer = await contestant.answer(conversation) + _said_of_cut(conversation)
            asked = sum(len(pieces_of(turn.text)) for turn in conversation.turns)
            reply = _Reply(answer, asked=asked, request=request)
            await self._send_reply(reply, gone, send)
        finally:
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone

    def _contestant(self, request: Request) -> Contestant:
        try:
            return self._contestants[request.model]
        except KeyError:
            known = ", ".join(self._contestants)
            raise NotFound(
                "practice.unknown_model", f"There is no practice contestant {request.model!r}.", hint=f"Ask for one of: {known}."
            ) from None

    async def _send_reply(self, reply: _Reply, gone: asyncio.Future[Any], send: Send) -> None:
        request = reply.request
        writer = openai_chat.EventWriter(request, id=new_id(), created=int(time.time()))
        if request.stream:
            await _send_start(send, 200, "text/event-stream; charset=utf-8")
        whole = bytearray()
        for event, wait_s in zip(reply.events(), self._pace.waits(reply.answer), strict=False):
            if wait_s and (await asyncio.wait((gone,), timeout=wait_s))[0]:
                _log.debug("client went away model=%s", request.model)
                return
            data = writer.write(event)
            if not request.stream:
                whole += data
            elif data:
                await send({"type": "http.response.body", "body": data, "more_body": True})
        last = writer.close()
        if request.stream:
            await send({"type": "http.response.body", "body": last})
        else:
            await _send_json(send, 200, bytes(whole) + last)


class _Reply:
    """One answer as events, as far as the request's limits let it run."""

    def __init__(self, answer: str, *, asked: int, request: Request):
        self.answer = answer
        self.request = request
        self._asked = asked

    def events(self) -> Iterator[Event]:
        """Begin, one event a piece, and the end with its reason and usage."""
        shown, reason = _limited(self.answer, self.request)
        yield Started(model=self.request.model, created=int(time.time()), at_ns=time.monotonic_ns())
        yield PartOpened(index=0, part=Text(text=""))
        for piece in shown:
            yield PartGrew(index=0, text=piece, at_ns=time.monotonic_ns())
        yield PartClosed(index=0)
        yield Stopped(reason=reason)
        yield UsageReported(usage=Usage(input=self._asked, output=len(shown)))


def _limited(answer: str, request: Request) -> tuple[list[str], StopReason]:
    reason: StopReason = "end"
    cuts = [at for sequence in request.sampling.stop or () if sequence and (at := answer.find(sequence)) >= 0]
    if cuts:
        answer, reason = answer[: min(cuts)], "stop_sequence"
    shown = pieces_of(answer)
    most = request.sampling.max_tokens
    if most is not None and len(shown) > most:
        return shown[: max(most, 0)], "length"
    return shown, reason


def _refuse_what_is_beyond(request: Request) -> None:
    if request.tool_choice is not None and request.tool_choice.mode in ("required", "named"):
        raise Unprocessable("practice.no_tools", "Practice contestants call no tools.", param="tool_choice")
    if request.output is not None and request.output.kind != "text":
        raise Unprocessable("practice.no_json", "Practice contestants write text, not JSON.", param="response_format")
    if request.extra.get(openai_chat.NAME, {}).get("n", 1) not in (1, None):
        raise InvalidInput("practice.one_choice", "Practice contestants give one choice.", hint="Leave 'n' out.", param="n")


def _said_of_cut(conversation: Conversation) -> str:
    if not conversation.left_out:
        return ""
    if conversation.language == "en":
        return f"\n\n*I read the first {LONGEST_TURN:,} characters of this and left out the {conversation.left_out:,} after them.*"
    note = f"\n\n*這段文字我讀了前 {LONGEST_TURN:,} 個字元，後面的 {conversation.left_out:,} 個字元沒有讀。*"
    return written_in(conversation.language, note)


async def _read_body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise TooLarge("practice.body_too_large", f"The request is larger than {LARGEST_BODY} bytes.")
        if not message.get("more_body", False):
            return bytes(body)


async def _send_json(send: Send, status: int, body: bytes) -> None:
    await _send_start(send, status, "application/json", length=len(body))
    await send({"type": "http.response.body", "body": body})


async def _send_start(send: Send, status: int, media_type: str, *, length: int | None = None) -> None:
    headers = [(b"content-type", media_type.encode()), (b"cache-control", b"no-store")]
    if length is not None:
        headers.append((b"content-length", b"%d" % length))
    await send({"type": "http.response.start", "status": status, "headers": headers})
