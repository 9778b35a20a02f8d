"""The arena's part of the API: battles as event streams, votes, and the check of the vote log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from assay.arena.arena import Arena, watch
from assay.arena.duel import Begun, Tick
from assay.arena.round import Ended, Heartbeat, Opened, Round, Shown, Voided
from assay.arena.shown import ShownBattle, show
from assay.core import InvalidInput, TooLarge

MAX_BODY_BYTES = 512 * 1024
PAGE = 50

_T = TypeVar("_T")
_NAMES: dict[type[msgspec.Struct], str] = {Opened: "battle", Begun: "begun", Tick: "tick", Ended: "end"}


class NewBattle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to ask both sides."""

    prompt: str


class NextTurn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to ask both sides next; ``token`` is the newest of this battle."""

    prompt: str
    token: str


class Vote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which side was better: ``a``, ``b``, ``tie`` or ``both_bad``."""

    choice: str
    token: str


class Revealed(msgspec.Struct, frozen=True):
    """The battle with its names."""

    battle: ShownBattle


class BattlePage(msgspec.Struct, frozen=True):
    """Some of the voter's battles; ``next`` is the ``before`` of the page after this one."""

    battles: list[ShownBattle]
    next: str | None


def routes(arena: Arena) -> list[Route]:
    """The routes; every request carries its session's id as ``request.state.session``."""

    async def begin(request: Request) -> Response:
        asked = await _read(request, NewBattle)
        return EventStream(await arena.begin(request.state.session, asked.prompt))

    async def go_on(request: Request) -> Response:
        asked = await _read(request, NextTurn)
        return EventStream(await arena.go_on(request.state.session, _id(request), asked.prompt, asked.token))

    async def vote(request: Request) -> Response:
        given = await _read(request, Vote)
        return _json(Revealed(show(await arena.vote(request.state.session, _id(request), given.choice, given.token))))

    async def show_one(request: Request) -> Response:
        battle = await arena.show(request.state.session, _id(request))
        return _json(show(battle, arena.token(request.state.session, battle)))

    async def list_own(request: Request) -> Response:
        limit = _limit(request.query_params.get("limit"))
        found = await arena.list_own(request.state.session, request.query_params.get("before"), limit)
        return _json(BattlePage([show(battle) for battle in found], found[-1].id if len(found) == limit else None))

    async def verify(request: Request) -> Response:
        return _json(await arena.verify())

    return [
        Route("/api/v1/battles", begin, methods=["POST"]),
        Route("/api/v1/battles", list_own, methods=["GET"]),
        Route("/api/v1/battles/{id}", show_one, methods=["GET"]),
        Route("/api/v1/battles/{id}/turns", go_on, methods=["POST"]),
        Route("/api/v1/battles/{id}/vote", vote, methods=["POST"]),
        Route("/api/v1/arena/verify", verify, methods=["GET"]),
    ]


class EventStream(Response):
    """A round as server-sent events. When the client goes away, both upstreams are let go."""

    media_type = "text/event-stream"

    def __init__(self, round: Round):
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._round = round

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._round.leave()
            for task in (sending, leaving):
                task.cancel()
            await asyncio.wait((sending, leaving))
        if not sending.cancelled():
            sending.result()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(_events(self._round)) as events:
            async for event in events:
                await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _events(round: Round) -> AsyncGenerator[bytes, None]:
    async with aclosing(watch(round)) as shown:
        async for one in shown:
            yield _event(one)


def _event(shown: Shown) -> bytes:
    if isinstance(shown, Heartbeat):
        return b": still here\n\n"
    if isinstance(shown, Voided):
        return b"event: void\ndata: " + msgspec.json.encode({"problem": VOID}) + b"\n\n"
    return b"event: " + _NAMES[type(shown)].encode() + b"\ndata: " + msgspec.json.encode(shown) + b"\n\n"


VOID = {
    "type": "/docs/errors#battle.side_failed",
    "title": "Bad Gateway",
    "status": 502,
    "detail": "One of the two sides did not answer, so this battle counts for nothing.",
    "code": "battle.side_failed",
    "hint": "Start another battle.",
}
"""Why a battle is void, without a word on which side failed or how: that would tell who it was."""


async def _read(request: Request, type: type[_T]) -> _T:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge("api.body_too_large", f"The body has more than {MAX_BODY_BYTES} bytes.", hint="Shorten it.")
    try:
        return msgspec.json.decode(body, type=type)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(
            "api.bad_body", f"The body is not what is needed here: {error}.", hint="Send JSON as documented."
        ) from error


def _limit(given: str | None) -> int:
    if given is None:
        return PAGE
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:9]) <= 200:
        raise InvalidInput("api.bad_limit", f"{given[:32]!r} is no limit.", hint="Give a number from 1 to 200.", param="limit")
    return int(given)


def _id(request: Request) -> str:
    return str(request.path_params["id"])


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), headers={"cache-control": "no-store"}, media_type="application/json")
