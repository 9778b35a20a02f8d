"""The API of challenges: begin, follow, stop, read, and let people vote."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from assay.api import EVENT_STREAM, Actor, Endpoint, EventStream, respond, signed_in
from assay.challenge.challenges import Challenges
from assay.challenge.people import People
from assay.challenge.reading import list_settled, read_item
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
    Resumption,
    ShownPair,
    ShownPlan,
    Started,
    Summary,
    SummaryList,
    Voted,
    Voting,
    summarise,
)
from assay.challenge.spec import Source, Spec, Traffic
from assay.challenge.write_html import as_html
from assay.challenge.write_markdown import as_markdown
from assay.core import Forbidden, NotFound, Unavailable
from assay.store import Database, keys

log = logging.getLogger(__name__)

LARGEST_SPEC = 64 * 1024 * 1024
"""Bytes of a challenge that is asked for: it may bring a file of work along."""

PACE_S = 0.5
"""The least time between two reports of a challenge that is followed."""
HEARTBEAT_S = 10.0

REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""What a written report may do in a browser: look as it does. It holds what models said."""

_MOST_DIGITS = 9

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


def routes(db: Database, challenges: Challenges, people: People, url: Callable[[], str]) -> list[Endpoint]:
    """The routes; every request carries its session's id as ``request.state.session``. ``url`` is where people reach the server."""
    return [*_running(db, challenges), *_reading(db, challenges, people), *_inviting(people, url), *_voting(people)]


def _running(db: Database, challenges: Challenges) -> list[Endpoint]:
    async def plan(request: Request, body: Spec) -> ShownPlan:
        """What a challenge would ask. No model is asked anything."""
        await check_source(db, signed_in(request), body.source)
        found = await challenges.plan(body, request.state.session)
        return ShownPlan(
            challenger=found.challenger.id,
            incumbent=found.incumbent.id,
            items=found.items,
            clusters=found.clusters,
            categories=found.categories,
            notes=found.notes,
            bad=found.bad,
            estimate=found.estimate,
        )

    async def begin(request: Request, body: Spec) -> Started:
        """Begin a challenge; it runs on by itself."""
        await check_source(db, signed_in(request), body.source)
        return Started(await challenges.begin(body, request.state.session))

    async def list_all(request: Request) -> SummaryList:
        """All challenges, the newest first."""
        return SummaryList([summarise(report) for report in await challenges.list()])

    async def show(request: Request) -> Report:
        """A challenge as it stands, or as it ended."""
        return await challenges.report(_id(request))

    async def follow(request: Request) -> Response:
        """Follow a challenge: its report now, whenever it has changed, and at its end."""
        await challenges.report(_id(request))
        return EventStream(_happenings(challenges, _id(request)), EVENTS)

    async def stop(request: Request) -> Summary:
        """Stop a challenge. What was asked and judged is kept, and it can go on."""
        await challenges.stop(_id(request))
        return summarise(await challenges.report(_id(request)))

    async def resume(request: Request, body: Resumption) -> Summary:
        """Go on with a challenge that was stopped or interrupted, or, with a larger budget, spent it. Nothing is asked twice."""
        await challenges.resume(_id(request), body.budget)
        return summarise(await challenges.report(_id(request)))

    return [
        Endpoint("POST", "/api/v1/challenges/plan", plan, largest=LARGEST_SPEC, on_record=False),
        Endpoint("POST", "/api/v1/challenges", begin, status=HTTPStatus.CREATED, largest=LARGEST_SPEC),
        Endpoint("GET", "/api/v1/challenges", list_all),
        Endpoint("GET", "/api/v1/challenges/{id}", show),
        Endpoint("GET", "/api/v1/challenges/{id}/events", follow, media=EVENT_STREAM, events=EVENTS),
        Endpoint("POST", "/api/v1/challenges/{id}/stop", stop),
        Endpoint("POST", "/api/v1/challenges/{id}/resume", resume),
    ]


def _reading(db: Database, challenges: Challenges, people: People) -> list[Endpoint]:
    async def list_items(request: Request, query: ItemQuery) -> ItemPage:
        """The items that have come to their end, in the order in which they count."""
        return await list_settled(
            db, _id(request), outcome=query.outcome, category=query.category, after=query.after, limit=query.limit
        )

    async def read(request: Request) -> ReadItem:
        """One item with both answers, named. Whoever reads it cannot judge it blind any more, and is not asked to."""
        id, number = _id(request), _number(request)
        item = await read_item(db, challenges, id, number)
        await people.read(id, request.state.session, number)
        return item

    async def write(request: Request, query: WrittenQuery) -> Response:
        """The report on one page: HTML, Markdown or JSON. It holds answers with their names, see the items."""
        id = _id(request)
        report = await challenges.report(id)
        headers = {"content-disposition": f'attachment; filename="challenge-{id}.{query.format}"'} if query.download else {}
        if query.format == "json":
            return respond(report, headers=headers)
        numbers = (*report.clearest_wins, *report.clearest_losses)
        await people.read(id, request.state.session, *numbers)
        items = [await read_item(db, challenges, id, number) for number in numbers]
        headers |= {"cache-control": "no-store", "content-security-policy": REPORT_POLICY}
        if query.format == "html":
            return Response(await asyncio.to_thread(as_html, report, items), headers=headers, media_type="text/html")
        return Response(await asyncio.to_thread(as_markdown, report, items), headers=headers, media_type="text/markdown")

    return [
        Endpoint("GET", "/api/v1/challenges/{id}/items", list_items, role="member"),
        Endpoint("GET", "/api/v1/challenges/{id}/items/{number}", read, role="member"),
        Endpoint("GET", "/api/v1/challenges/{id}/report", write, media="text/html", role="member"),
    ]


def _inviting(people: People, url: Callable[[], str]) -> list[Endpoint]:
    async def invite(request: Request, body: NewPerson) -> Invitation:
        """Invite somebody to judge. Who was invited by this name before gets a fresh link, and the old one ends."""
        id, here = _id(request), url()
        judge, token = await people.invite(id, body.name)
        return Invitation(
            person=judge.person,
            name=judge.name,
            url=f"{here}/challenges/{quote(id, safe='')}/vote?as={token}",
            this_machine_only=_is_loopback(urlsplit(here).hostname),
        )

    async def list_people(request: Request) -> PeopleList:
        """Who judges, and how many votes each has cast."""
        return PeopleList(await people.list_people(_id(request)))

    async def remove(request: Request) -> None:
        """Let somebody vote no more. The votes that they cast stand."""
        await people.remove(_id(request), str(request.path_params["person"]))

    return [
        Endpoint("POST", "/api/v1/challenges/{id}/people", invite, status=HTTPStatus.CREATED, tells=("name",)),
        Endpoint("GET", "/api/v1/challenges/{id}/people", list_people),
        Endpoint("DELETE", "/api/v1/challenges/{id}/people/{person}", remove),
    ]


def _voting(people: People) -> list[Endpoint]:
    """What guests may do too."""

    async def voting(request: Request) -> Voting:
        """How voting stands for whoever asks."""
        return await people.voting(_id(request), request.state.session)

    async def next_pair(request: Request) -> Response:
        """The next pair to judge, blind; 204 where none waits now."""
        pair = await people.next_pair(_id(request), request.state.session)
        return Response(status_code=HTTPStatus.NO_CONTENT) if pair is None else respond(pair)

    async def vote(request: Request, body: Ballot) -> Voted:
        """Judge a pair that one was shown. It is answered once the vote is on disk, and counts once."""
        return await people.vote(_id(request), _number(request), request.state.session, body.choice)

    async def skip(request: Request) -> Voted:
        """Leave a pair unjudged."""
        return await people.skip(_id(request), _number(request), request.state.session)

    return [
        Endpoint("GET", "/api/v1/challenges/{id}/pairs", voting, role="member"),
        Endpoint("GET", "/api/v1/challenges/{id}/pairs/next", next_pair, gives=ShownPair, role="member"),
        Endpoint("POST", "/api/v1/challenges/{id}/pairs/{number}/vote", vote, on_record=False),
        Endpoint("POST", "/api/v1/challenges/{id}/pairs/{number}/skip", skip, on_record=False),
    ]


async def check_source(db: Database, actor: Actor, source: Source) -> None:
    """Let nobody read in a challenge what others asked: all but an admin draw from the traffic of their own keys only.

    Raises:
        Forbidden: ``challenge.others_traffic``.
    """
    if not isinstance(source, Traffic) or actor.is_admin:
        return
    meant = [row for row in await keys.list_keys(db) if source.key is not None and source.key in (row.id, row.name)]
    if not meant or any(row.user != actor.user for row in meant):
        raise Forbidden(
            "challenge.others_traffic",
            "Recorded traffic holds what others asked.",
            hint="Name one of your own keys as `key` of the source, or ask an admin.",
            param="source",
        )


async def _happenings(challenges: Challenges, id: str) -> AsyncGenerator[msgspec.Struct | None, None]:
    """The report after each change, not more often than `PACE_S`, and at the end; None now and then when nothing happens."""
    async with aclosing(challenges.watch(id)) as changes:
        change = asyncio.create_task(_next(changes))
        try:
            while True:
                done, _ = await asyncio.wait([change], timeout=HEARTBEAT_S)
                if not done:
                    yield None
                    continue
                if not change.result():
                    break
                report = await _report_now(challenges, id)
                yield None if report is None else Progress(report)
                await asyncio.sleep(PACE_S)
                change = asyncio.create_task(_next(changes))
        finally:
            change.cancel()
            await asyncio.wait([change])
    if (report := await _report_now(challenges, id)) is not None:
        yield Concluded(report)


async def _report_now(challenges: Challenges, id: str) -> Report | None:
    """None while the storage fails: whoever follows is told at the next change, or comes back."""
    try:
        return await challenges.report(id)
    except Unavailable as error:
        log.warning("a challenge cannot be told of challenge=%s code=%s", id, error.code)
        return None


async def _next(changes: AsyncGenerator[None, None]) -> bool:
    """True at the next change, False at the end of all changes."""
    try:
        await anext(changes)
    except StopAsyncIteration:
        return False
    return True


def _id(request: Request) -> str:
    return str(request.path_params["id"])


def _number(request: Request) -> int:
    written = str(request.path_params["number"])
    if not (written.isascii() and written.isdecimal() and len(written) <= _MOST_DIGITS):
        raise NotFound("challenge.no_item", f"There is no item {written[:32]!r}.", hint="Items have numbers, from 1.")
    return int(written)


def _is_loopback(host: str | None) -> bool:
    """Whether only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return host in (None, "localhost")
