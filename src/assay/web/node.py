"""What a worker of benchmark runs needs on a node of a cluster: the database, a gateway of its own, and the tasks."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from assay.bench.data import Sources
from assay.bench.library import Library
from assay.bench.run_shelf import Shelf
from assay.bench.window import Windows
from assay.bench.worker import Means
from assay.core import Settings
from assay.gateway import Gateway
from assay.store import open_database
from assay.store.rotation import open_vault

ENTRY = "assay.web.node:opened"
"""How this is named where only a name can travel."""


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[Means, None]:
    """Open everything as the server did whose ``settings`` these are; its paths must be good here, too.

    Raises:
        Unavailable: the database cannot be reached, or the master key is not here.
    """
    settings = msgspec.structs.replace(settings, workers=max(settings.workers, 1))  # it shares what bounds calls with the server
    database = await open_database(settings.database_url)
    try:
        gateway = await Gateway.start(database, await open_vault(database, settings.master_key, data_dir=settings.data), settings)
        try:
            sources = Sources(cache=settings.bench_folder / "data", data_dir=settings.data_dir)
            shelf = Shelf(Library(settings.task_folders, any_folder=True), sources)
            folder = settings.bench_folder
            yield Means(db=database, caller=gateway.caller, tasks=shelf, windows=Windows(), folder=folder)
        finally:
            await gateway.close()
    finally:
        await database.close()
