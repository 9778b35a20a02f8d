"""Work over the API: a file in, what was brought in so far, and out again."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
from starlette.requests import Request

from assay.api import Endpoint
from assay.challenge.work import LARGEST_FILE, BadLine, read_work
from assay.challenge.work_queries import Collection, Mode, delete_work, list_work, save_work
from assay.store import Database


class Incoming(msgspec.Struct, frozen=True):
    """``name`` is the collection's, ``file`` the file's; ``mode`` says what to do where there is one of that name."""

    name: str
    file: str = "work"
    mode: Mode = "new"


class BroughtIn(msgspec.Struct, frozen=True, kw_only=True):
    """What a file held: ``items`` in it, by category, and how many of them were ``added`` to the collection ``name``."""

    name: str
    format: str
    items: int
    added: int
    bad: tuple[BadLine, ...]
    notes: tuple[str, ...]
    categories: dict[str, int]


class Collections(msgspec.Struct, frozen=True):
    """Everything that was brought in."""

    work: list[Collection]


def work_routes(db: Database) -> list[Endpoint]:
    """The routes."""

    async def bring_in(request: Request, query: Incoming, body: bytes) -> BroughtIn:
        """Bring in a file of one's own work, whose bytes are the body. Lines that no item came of are named in the answer."""
        brought = await asyncio.to_thread(read_work, body, query.file)
        added = await save_work(db, query.name, brought, origin=query.file, mode=query.mode)
        return BroughtIn(
            name=query.name,
            format=brought.format,
            items=len(brought.items),
            added=added,
            bad=brought.bad,
            notes=brought.notes,
            categories=dict(sorted(Counter(item.category for item in brought.items).items())),
        )

    async def give_list(request: Request) -> Collections:
        """What was brought in, by name."""
        return Collections(await list_work(db))

    async def forget(request: Request) -> Collections:
        """Forget a collection, and give those that are left. Challenges that were held on it keep their items."""
        await delete_work(db, request.path_params["name"])
        return Collections(await list_work(db))

    return [
        Endpoint("POST", "/api/v1/work", bring_in, largest=LARGEST_FILE),
        Endpoint("GET", "/api/v1/work", give_list),
        Endpoint("DELETE", "/api/v1/work/{name}", forget),
    ]
