"""Runs in and out of Assay over HTTP: what another program measured is kept, and a run is written for another program."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Literal

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from assay.api import Endpoint
from assay.api.actor import signed_in
from assay.bench.exchange.bring_in import bring_in
from assay.bench.exchange.formats import FORMATS
from assay.bench.exchange.sheet import LARGEST, Sheet
from assay.bench.exchange.take_out import take_out
from assay.bench.run_tasks import Tasks
from assay.bench.runs import Runs
from assay.store import Database

FormatName = Literal["humaneval", "lm-eval", "inspect", "parquet"]


_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]")
"""What the name of a file has not: a run from elsewhere may be of a task with any name."""


class Written(msgspec.Struct, frozen=True):
    """For which program: HumanEval's samples, lm-eval's JSON, a log of Inspect, or Parquet."""

    format: Annotated[FormatName, msgspec.Meta(description="Which program it is for.")]


class KeptRun(msgspec.Struct, frozen=True):
    """The run that was made of what came in."""

    id: str


class Exchange:
    """Handlers."""

    def __init__(self, db: Database, runs: Runs, tasks: Tasks):
        self._db = db
        self._runs = runs
        self._tasks = tasks

    async def bring_in(self, request: HttpRequest, body: Sheet) -> KeptRun:
        """Keep a run that another program made."""
        return KeptRun(await bring_in(self._db, body, signed_in(request).name))

    async def write(self, request: HttpRequest, query: Written) -> Response:
        """A run as a file for another program. Of a gated task it holds no questions, unless the run was unlocked."""
        sheet = await take_out(self._db, self._runs, self._tasks, request.path_params["id"])
        form = FORMATS[query.format]
        written = await asyncio.to_thread(form.write, sheet)
        name = f"{_UNUSUAL.sub('_', sheet.task)}-{request.path_params['id'][:8]}{form.suffix}"
        return Response(written, media_type=form.media, headers={"content-disposition": f'attachment; filename="{name}"'})


def exchange_routes(db: Database, runs: Runs, tasks: Tasks) -> list[Endpoint]:
    """The endpoints."""
    plane = Exchange(db, runs, tasks)
    return [
        Endpoint("POST", "/api/v1/bench/imports", plane.bring_in, status=201, largest=LARGEST),
        Endpoint("GET", "/api/v1/bench/runs/{id}/export", plane.write, media="application/octet-stream", role="member"),
    ]
