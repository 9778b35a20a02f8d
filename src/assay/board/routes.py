"""``/api/v1/board`` and the import of public votes. Imported by the web layer only, which passes in what other peers can do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from assay.board.datasets import find_dataset, read_dataset
from assay.board.leaderboard import Board, HiddenRequests, Providers
from assay.core import Conflict, InvalidInput
from assay.stats import Ties
from assay.store import Database

ImportFile = Callable[[bytes, str, str], Awaitable[msgspec.Struct]]
"""Appends the votes of a file (content, file name, source) to the log, and says what it did."""


def routes(
    db: Database, *, providers: Providers, hidden: HiddenRequests, import_file: ImportFile, data_dir: Path | None = None
) -> list[Route]:
    """``providers``: the gateway's rows. ``hidden``: the requests of open battles. ``import_file``: the arena's.
    ``data_dir``: public files that need not be fetched."""
    board = Board(db, providers, hidden)

    async def show(request: Request) -> Response:
        query = request.query_params
        ties = _word(request, "ties", get_args(Ties))
        by_voter = _word(request, "cluster", ("none", "voter")) == "voter"
        return _json(await board.show(query.get("source") or None, cast("Ties", ties), by_voter))

    async def bring_in(request: Request) -> Response:
        name = request.path_params["name"]
        dataset = find_dataset(name)
        if await board.is_imported(name):
            raise Conflict("votes.already_imported", f"The votes of {name!r} are here already.", hint="Nothing needs doing.")
        content = await read_dataset(dataset, data_dir)
        return _json(await import_file(content, dataset.url.rsplit("/", 1)[-1], name))

    return [
        Route("/api/v1/board", show, methods=["GET"]),
        Route("/api/v1/datasets/{name}/import", bring_in, methods=["POST"]),
    ]


def _word(request: Request, name: str, words: tuple[str, ...]) -> str:
    """The query parameter ``name``: one of ``words``, the first if it is not given."""
    word = request.query_params.get(name) or words[0]
    if word not in words:
        raise InvalidInput("board.unknown_word", f"{name} is {word[:40]!r}.", hint=f"Use {' or '.join(words)}.", param=name)
    return word


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), headers={"cache-control": "no-store"}, media_type="application/json")
