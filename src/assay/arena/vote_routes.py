"""Votes in bulk: a vote file in, all votes out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from assay.api import Endpoint
from assay.arena.export import CSV_HEADER, as_csv, as_jsonl
from assay.arena.imports import LARGEST_FILE, Imported, import_file
from assay.store import Database, Vault
from assay.store.chain import page_verdicts

_FORMATS = {"jsonl": ("", as_jsonl, "application/jsonl"), "csv": (CSV_HEADER, as_csv, "text/csv; charset=utf-8")}


class Incoming(msgspec.Struct, frozen=True):
    """``source`` names the collection that the file's votes go into, ``name`` the file."""

    source: str = ""
    name: str = "votes"


class Export(msgspec.Struct, frozen=True):
    """The votes of one ``source``, or all; how they are written."""

    source: str | None = None
    format: Literal["jsonl", "csv"] = "jsonl"


def routes(db: Database, vault: Vault) -> list[Endpoint]:
    """The routes."""

    async def bring_in(request: Request, query: Incoming, body: bytes) -> Imported:
        """Import a vote file, whose bytes are the body. Bad rows are named in the answer."""
        return await import_file(db, vault, body, query.name, query.source)

    async def give_out(request: Request, query: Export) -> Response:
        """All votes, one a line; voters as keyed hashes, prompts as hashes."""
        begin, write, media_type = _FORMATS[query.format]

        async def lines() -> AsyncIterator[str]:
            if begin:
                yield begin
            async with aclosing(page_verdicts(db, source=query.source)) as pages:
                async for verdicts in pages:
                    yield "".join(write(verdicts))

        headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="votes.{query.format}"'}
        return StreamingResponse(lines(), headers=headers, media_type=media_type)

    return [
        Endpoint("POST", "/api/v1/votes", bring_in, largest=LARGEST_FILE, role="admin"),
        Endpoint("GET", "/api/v1/votes", give_out, media="application/jsonl", role="member"),
    ]
