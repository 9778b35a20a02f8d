"""The API of challenges: begin, follow, stop, read, and let people vote."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from assay.api import EVENT_STREAM, Endpoint
from assay.challenge.people import People
from assay.challenge.report import Report
from assay.challenge.shown import (
    Ballot,
    Concluded,
    Invitation,
    ItemOutcome,
    ItemPage,
    NewPerson,
    PeopleList,
    Progress,
    ReadItem,
    ShownPair,
    ShownPlan,
    Started,
    Summary,
    SummaryList,
    Voted,
    Voting,
)
from assay.challenge.spec import Spec

if TYPE_CHECKING:
    from assay.challenge.challenges import Challenges

LARGEST_SPEC = 64 * 1024 * 1024
"""Bytes of a challenge that is asked for: it may bring a file of work along."""

EVENTS: dict[str, type[msgspec.Struct]] = {"progress": Progress, "end": Concluded}


class ItemQuery(msgspec.Struct, frozen=True):
    """Which items: at most ``limit``, with numbers beyond ``after``."""

    outcome: ItemOutcome | None = None
    category: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    after: Annotated[int, msgspec.Meta(ge=0)] = 0


class WrittenQuery(msgspec.Struct, frozen=True):
    """In which form; ``download`` asks the browser to save it."""

    format: Literal["html", "md", "json"] = "html"
    download: bool = False


def routes(challenges: Challenges, people: People, url: Callable[[], str]) -> list[Endpoint]:
    """The routes; every request carries its session's id as ``request.state.session``. ``url`` is where people reach the server."""

    async def plan(request: Request, body: Spec) -> ShownPlan:
        """What a challenge would ask. No model is asked anything."""
        raise NotImplementedError

    async def begin(request: Request, body: Spec) -> Started:
        """Begin a challenge; it runs on by itself."""
        return Started(await challenges.begin(body, request.state.session))

    async def list_all(request: Request) -> SummaryList:
        """All challenges, the newest first."""
        raise NotImplementedError

    async def show(request: Request) -> Report:
        """A challenge as it stands, or as it ended."""
        return await challenges.report(_id(request))

    async def follow(request: Request) -> Response:
        """Follow a challenge: its report now, whenever it has changed, and at its end."""
        raise NotImplementedError

    async def stop(request: Request) -> Summary:
        """Stop a challenge. What was asked and judged is kept, and it can go on."""
        raise NotImplementedError

    async def resume(request: Request) -> Summary:
        """Go on with a challenge that was stopped or interrupted. Nothing is asked twice."""
        raise NotImplementedError

    async def list_items(request: Request, query: ItemQuery) -> ItemPage:
        """The items that were asked, in the order in which they count."""
        raise NotImplementedError

    async def read_item(request: Request) -> ReadItem:
        """One item with both answers, named. Whoever reads it cannot judge it blind any more, and is not asked to."""
        raise NotImplementedError

    async def write(request: Request, query: WrittenQuery) -> Response:
        """The report on one page: HTML, Markdown or JSON."""
        raise NotImplementedError

    async def invite(request: Request, body: NewPerson) -> Invitation:
        """Invite somebody to judge. Who was invited by this name before gets a fresh link, and the old one ends."""
        raise NotImplementedError

    async def list_people(request: Request) -> PeopleList:
        """Who judges, and how many votes each has cast."""
        raise NotImplementedError

    async def remove_person(request: Request) -> None:
        """Let somebody vote no more. The votes that they cast stand."""
        raise NotImplementedError

    async def voting(request: Request) -> Voting:
        """How voting stands for whoever asks."""
        raise NotImplementedError

    async def next_pair(request: Request) -> Response:
        """The next pair to judge, blind; 204 where none waits now."""
        raise NotImplementedError

    async def vote(request: Request, body: Ballot) -> Voted:
        """Judge a pair that one was shown. It is answered once the vote is on disk, and counts once."""
        raise NotImplementedError

    async def skip(request: Request) -> Voted:
        """Leave a pair unjudged."""
        raise NotImplementedError

    one = "/api/v1/challenges/{id}"
    return [
        Endpoint("POST", "/api/v1/challenges/plan", plan, largest=LARGEST_SPEC),
        Endpoint("POST", "/api/v1/challenges", begin, status=HTTPStatus.CREATED, largest=LARGEST_SPEC),
        Endpoint("GET", "/api/v1/challenges", list_all),
        Endpoint("GET", one, show),
        Endpoint("GET", f"{one}/events", follow, media=EVENT_STREAM, events=EVENTS),
        Endpoint("POST", f"{one}/stop", stop),
        Endpoint("POST", f"{one}/resume", resume),
        Endpoint("GET", f"{one}/items", list_items),
        Endpoint("GET", f"{one}/items/{{number}}", read_item),
        Endpoint("GET", f"{one}/report", write, media="text/html"),
        Endpoint("POST", f"{one}/people", invite),
        Endpoint("GET", f"{one}/people", list_people),
        Endpoint("DELETE", f"{one}/people/{{person}}", remove_person),
        Endpoint("GET", f"{one}/pairs", voting),
        Endpoint("GET", f"{one}/pairs/next", next_pair, gives=ShownPair),
        Endpoint("POST", f"{one}/pairs/{{number}}/vote", vote),
        Endpoint("POST", f"{one}/pairs/{{number}}/skip", skip),
    ]


def _id(request: Request) -> str:
    return str(request.path_params["id"])
