"""The API of the speed bench: measure, followed as it goes, and what was measured before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from assay.api import EVENT_STREAM, Endpoint, EventStream
from assay.bench.speed.measure import measure
from assay.bench.speed.record import keep
from assay.bench.speed.report import SpeedReport
from assay.bench.speed.spec import SpeedSpec
from assay.bench.speed.timing import Timed
from assay.core import Caller, Conflict, Deployment
from assay.store import Database

PACE_S = 0.5
LARGEST_SPEC = 16 * 1024 * 1024


class SpeedProgress(msgspec.Struct, frozen=True):
    """How many questions that count were asked, of how many, and how many of them failed."""

    done: int
    planned: int
    failed: int


class SpeedMeasured(msgspec.Struct, frozen=True):
    """The result; it is on record."""

    report: SpeedReport


EVENTS: dict[str, type[msgspec.Struct]] = {"progress": SpeedProgress, "end": SpeedMeasured}


def speed_routes(db: Database, caller: Caller, find: Callable[[str], Deployment]) -> list[Endpoint]:
    """``find`` gives the deployment that answers to a name. One measurement at a time: two would be in each other's times."""
    under_way = asyncio.Lock()

    async def run(request: Request, body: SpeedSpec) -> Response:
        """Measure how fast a deployment answers, or two in turns. Going away ends it; what was asked is paid."""
        if under_way.locked():
            raise Conflict(
                "bench.speed_under_way", "Another measurement of speed is under way.", hint="Wait for its end, and try again."
            )
        model, against = find(body.model).id, find(body.against).id if body.against is not None else None
        return EventStream(_happenings(under_way, db, caller, body, model, against), EVENTS)

    return [
        Endpoint(
            "POST", "/api/v1/bench/speed", run, media=EVENT_STREAM, events=EVENTS, largest=LARGEST_SPEC, tells=("model", "against")
        )
    ]


async def _happenings(
    under_way: asyncio.Lock, db: Database, caller: Caller, spec: SpeedSpec, model: str, against: str | None
) -> AsyncGenerator[msgspec.Struct | None, None]:
    """How far it is, twice a second, and its end."""
    done: list[Timed] = []
    planned = spec.requests * spec.repeats * (1 if against is None else 2)
    async with under_way:
        measuring = asyncio.create_task(measure(caller, spec, model, against, noted=done.append))
        try:
            while not measuring.done():
                yield SpeedProgress(len(done), planned, sum(one.error is not None for one in done))
                await asyncio.wait((measuring,), timeout=PACE_S)
            report = measuring.result()
            await keep(db, report)
        finally:
            measuring.cancel()
            await asyncio.wait((measuring,))
    yield SpeedMeasured(report)
