"""The record of calls in the API: searched, summed, followed as it grows, and one call with all that is known of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from assay.api import EVENT_STREAM, Actor, Endpoint, EventStream, signed_in
from assay.core import Call, Money, Purpose, iso
from assay.gateway.control.live import LiveCalls
from assay.gateway.control.shown import CallPage, ShownCall, show_call
from assay.gateway.control.trace import Trace, find_call, show_trace, unknown_call
from assay.gateway.gateway import Gateway
from assay.store.calls import Chosen, ChosenOutcome, find_calls, sum_calls

HiddenRequests = Callable[[], Awaitable[Collection[str]]]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class WhichCalls(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls, by their ids and names; ``model`` as it was asked for, or as it was called; ``text`` is a part of either. They
    began at ``since`` or later and before ``until``."""

    purpose: Purpose | None = None
    outcome: ChosenOutcome | None = None
    error: str | None = None
    provider: str | None = None
    model: str | None = None
    text: str | None = None
    key: str | None = None
    user: str | None = None
    team: str | None = None
    since: Moment | None = None
    until: Moment | None = None


class Calls(WhichCalls, frozen=True, kw_only=True):
    """Which calls: at most ``limit``, those before the call ``before``."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50
    before: str | None = None


class CallBar(msgspec.Struct, frozen=True):
    """Calls that began within one step from ``at``."""

    at: str
    calls: int
    failed: int


class CallSums(msgspec.Struct, frozen=True, kw_only=True):
    """What calls come to. ``since`` to ``until`` is the span that was counted, ``step_s`` the width of a bar; ``whole`` is false where
    older calls of the span asked for were left out, since there are too many. ``unpriced`` were answered and have no cost,
    ``estimated`` have an estimate."""

    since: str | None
    until: str | None
    step_s: int
    whole: bool
    calls: int
    failed: int
    unpriced: int
    estimated: int
    input_tokens: int
    output_tokens: int
    costs: list[Money]
    bars: list[CallBar]


class NewCalls(msgspec.Struct, frozen=True):
    """Calls that have come on record, in the order in which they began."""

    calls: list[ShownCall]


EVENTS: dict[str, type[msgspec.Struct]] = {"calls": NewCalls}
_NOTHING = CallSums(
    since=None,
    until=None,
    step_s=1,
    whole=True,
    calls=0,
    failed=0,
    unpriced=0,
    estimated=0,
    input_tokens=0,
    output_tokens=0,
    costs=[],
    bars=[],
)


class CallRecord:
    """The routes' handlers. ``hidden`` names the requests of open battles, whose calls are not shown."""

    def __init__(self, gateway: Gateway, hidden: HiddenRequests):
        self._gateway = gateway
        self._hidden = hidden
        self._live = LiveCalls(gateway.db, hidden)

    async def list_calls(self, request: Request, query: Calls) -> CallPage:
        """Calls, newest first, without their timelines. Those of open battles are left out. There may be more though fewer than
        the limit came: `next` says how to go on."""
        found = await find_calls(self._gateway.db, query.limit, _chosen(query), query.before, await self._hidden())
        return CallPage(_shown(signed_in(request), found.calls), found.next)

    async def sum_calls(self, request: Request, query: WhichCalls) -> CallSums:
        """What the calls that are asked for come to, and when they were: of the newest 100,000 of their span."""
        sums = await sum_calls(self._gateway.db, _chosen(query), await self._hidden())
        if sums is None:
            return _NOTHING
        bars = [CallBar(iso(bar.at), bar.calls, bar.failed) for bar in sums.bars]
        told = msgspec.structs.asdict(sums) | {"since": iso(sums.since), "until": iso(sums.until), "bars": bars}
        return CallSums(**told)

    async def follow(self, request: Request) -> Response:
        """Follow the record: calls as they come on it, whoever asked. A call may be told twice at the beginning."""
        return EventStream(self._told(signed_in(request)), EVENTS)

    async def trace_call(self, request: Request) -> Trace:
        """One call with its attempts, what was said and its price, by its id or by the request id that its client was told."""
        gateway = self._gateway
        call = await find_call(gateway.db, id := str(request.path_params["id"]))
        if call.request_id in await self._hidden():
            raise unknown_call(id)
        entry = gateway.registry.entries.get(call.provider)
        return await show_trace(gateway.db, call, entry, with_bodies=may_read(signed_in(request), call))

    async def _told(self, actor: Actor) -> AsyncGenerator[msgspec.Struct | None, None]:
        listening = False  # the first lot is told even where it is empty: it says that whoever follows is heard
        async for lot in self._live.listen():
            yield NewCalls(_shown(actor, lot)) if lot or not listening else None
            listening = True


def call_routes(gateway: Gateway, hidden: HiddenRequests) -> list[Endpoint]:
    """The routes; ``hidden`` gives the request ids of open battles, whose calls are not shown."""
    record = CallRecord(gateway, hidden)
    return [
        Endpoint("GET", "/api/v1/calls", record.list_calls),
        Endpoint("GET", "/api/v1/calls/sums", record.sum_calls),
        Endpoint("GET", "/api/v1/calls/events", record.follow, media=EVENT_STREAM, events=EVENTS),
        Endpoint("GET", "/api/v1/calls/{id}", record.trace_call),
    ]


def may_read(actor: Actor, call: Call) -> bool:
    """Whether what was said in a call is for somebody: numbers are for all, words for whoever's key asked, and for admins."""
    return actor.is_admin or (actor.role == "member" and call.user is not None and call.user == actor.user)


def _shown(actor: Actor, calls: Iterable[Call]) -> list[ShownCall]:
    return [show_call(call, with_words=may_read(actor, call)) for call in calls]


def _chosen(query: WhichCalls) -> Chosen:
    given: dict[str, Any] = {name: _plain(getattr(query, name)) for name in WhichCalls.__struct_fields__}
    return Chosen(**given)


def _plain(value: str | datetime | None) -> str | int | None:
    return round(value.timestamp() * 1_000_000) if isinstance(value, datetime) else value
