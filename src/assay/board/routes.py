"""``/api/v1/board`` and the import of public votes. Imported by the web layer only, which passes in what other peers can do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from starlette.requests import Request

from assay.api import Endpoint, given_by
from assay.board.datasets import find_dataset, read_dataset
from assay.board.leaderboard import Board, HiddenRequests, Providers
from assay.board.shown import ShownBoard
from assay.core import Conflict
from assay.stats import Cluster, Ties
from assay.store import Database

ImportFile = Callable[[bytes, str, str], Awaitable[msgspec.Struct]]
"""Appends the votes of a file (content, file name, source) to the log, and says what it did."""


class Reading(msgspec.Struct, frozen=True):
    """Whose votes (without a ``source``: one's own, else the largest collection), and how they are read."""

    source: str | None = None
    ties: Ties = "half"
    cluster: Cluster = "none"


def routes(
    db: Database, *, providers: Providers, hidden: HiddenRequests, import_file: ImportFile, data_dir: Path | None = None
) -> list[Endpoint]:
    """``providers``: the gateway's rows. ``hidden``: the requests of open battles. ``import_file``: the arena's.
    ``data_dir``: public files that need not be fetched."""
    board = Board(db, providers, hidden)

    async def show(request: Request, query: Reading) -> ShownBoard:
        """The board: ratings, prices and speeds of every model that has votes."""
        return await board.show(query.source, query.ties, query.cluster == "voter")

    async def bring_in(request: Request) -> msgspec.Struct:
        """Fetch a public data set, check its SHA-256, and import its votes."""
        name = request.path_params["name"]
        dataset = find_dataset(name)
        if await board.is_imported(name):
            raise Conflict("votes.already_imported", f"The votes of {name!r} are here already.", hint="Nothing needs doing.")
        content = await read_dataset(dataset, data_dir)
        return await import_file(content, dataset.url.rsplit("/", 1)[-1], name)

    return [
        Endpoint("GET", "/api/v1/board", show),
        Endpoint("POST", "/api/v1/datasets/{name}/import", bring_in, gives=given_by(import_file), role="admin"),
    ]
