"""Votes in bulk: a vote file in, all votes out."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from assay.arena.export import as_csv, as_jsonl
from assay.arena.imports import LARGEST_FILE, import_file
from assay.core import InvalidInput, TooLarge
from assay.store import Database, Vault
from assay.store.chain import read_verdicts

_FORMATS = {"jsonl": (as_jsonl, "application/jsonl"), "csv": (as_csv, "text/csv; charset=utf-8")}


def routes(db: Database, vault: Vault) -> list[Route]:
    """``POST /api/v1/votes?source=NAME&name=FILE`` takes the file's bytes; ``GET /api/v1/votes?source=&format=`` gives votes."""

    async def bring_in(request: Request) -> Response:
        content = await _read_file(request)
        query = request.query_params
        imported = await import_file(db, vault, content, query.get("name", "votes"), query.get("source", ""))
        return Response(msgspec.json.encode(imported), headers={"cache-control": "no-store"}, media_type="application/json")

    async def give_out(request: Request) -> Response:
        asked = request.query_params.get("format", "jsonl")
        if asked not in _FORMATS:
            raise InvalidInput(
                "votes.unknown_export", f"{asked[:32]!r} is no format of votes.", hint="Use jsonl or csv.", param="format"
            )
        write, media_type = _FORMATS[asked]
        verdicts = await read_verdicts(db, source=request.query_params.get("source"))

        async def lines() -> AsyncIterator[str]:
            for line in write(verdicts):
                yield line

        headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="votes.{asked}"'}
        return StreamingResponse(lines(), headers=headers, media_type=media_type)

    return [Route("/api/v1/votes", bring_in, methods=["POST"]), Route("/api/v1/votes", give_out, methods=["GET"])]


async def _read_file(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > LARGEST_FILE:
            raise TooLarge("votes.file_too_large", f"The file has more than {LARGEST_FILE} bytes.", hint="Split it.")
    return bytes(content)
