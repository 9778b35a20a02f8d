"""The arena's part of the API: battles as event streams, votes, and the check of the vote log."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from assay.api import EVENT_STREAM, Endpoint, EventStream
from assay.arena.arena import Arena, watch
from assay.arena.duel import Begun, Tick
from assay.arena.round import Ended, Opened, Round, Voided
from assay.arena.shown import ShownBattle, show
from assay.store.chain import ChainReport

LARGEST_PROMPT = 512 * 1024
"""Bytes of a body with a prompt; how many characters a prompt may have is the arena's to say."""

EVENTS: dict[str, type[msgspec.Struct]] = {"battle": Opened, "begun": Begun, "tick": Tick, "end": Ended, "void": Voided}


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


class OwnBattles(msgspec.Struct, frozen=True):
    """Which of the voter's battles: at most ``limit``, those begun before the battle ``before``."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    before: str | None = None


class Revealed(msgspec.Struct, frozen=True):
    """The battle with its names."""

    battle: ShownBattle


class BattlePage(msgspec.Struct, frozen=True):
    """Some of the voter's battles; ``next`` is the ``before`` of the page after this one."""

    battles: list[ShownBattle]
    next: str | None


def routes(arena: Arena) -> list[Endpoint]:
    """The routes; every request carries its session's id as ``request.state.session``."""

    async def begin(request: Request, body: NewBattle) -> Response:
        """Begin a battle: two models answer, and neither is named."""
        return _stream(await arena.begin(request.state.session, body.prompt))

    async def go_on(request: Request, body: NextTurn) -> Response:
        """Ask both sides of a battle one thing more."""
        return _stream(await arena.go_on(request.state.session, _id(request), body.prompt, body.token))

    async def vote(request: Request, body: Vote) -> Revealed:
        """Vote on a battle. The answer names both sides and says what the vote did."""
        return Revealed(show(await arena.vote(request.state.session, _id(request), body.choice, body.token)))

    async def show_one(request: Request) -> ShownBattle:
        """One battle of one's own; its names are null until the vote."""
        battle = await arena.show(request.state.session, _id(request))
        return show(battle, arena.token(request.state.session, battle))

    async def list_own(request: Request, query: OwnBattles) -> BattlePage:
        """One's own battles, newest first."""
        found = await arena.list_own(request.state.session, query.before, query.limit)
        return BattlePage([show(battle) for battle in found], found[-1].id if len(found) == query.limit else None)

    async def verify(request: Request) -> ChainReport:
        """Recompute the hash chain of the vote log."""
        return await arena.verify()

    return [
        Endpoint("POST", "/api/v1/battles", begin, media=EVENT_STREAM, events=EVENTS, largest=LARGEST_PROMPT, on_record=False),
        Endpoint("GET", "/api/v1/battles", list_own),
        Endpoint("GET", "/api/v1/battles/{id}", show_one),
        Endpoint(
            "POST", "/api/v1/battles/{id}/turns", go_on, media=EVENT_STREAM, events=EVENTS, largest=LARGEST_PROMPT, on_record=False
        ),
        Endpoint("POST", "/api/v1/battles/{id}/vote", vote, on_record=False),
        Endpoint("GET", "/api/v1/arena/verify", verify),
    ]


def _stream(round: Round) -> Response:
    """A round as it is shown. When the client goes away, both upstreams are let go."""
    return EventStream(watch(round), EVENTS, leave=round.leave)


def _id(request: Request) -> str:
    return str(request.path_params["id"])
