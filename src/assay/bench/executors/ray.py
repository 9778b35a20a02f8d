"""Workers on the nodes of a Ray cluster (https://docs.ray.io), each a process that opens the database and a gateway by itself.

Ray brings the processes up and brings them up again elsewhere when a node is lost; what they do, they lease from the database, as
every worker does. Where ``RAY_ADDRESS`` names no cluster, Ray starts one on this machine. Every node needs this version of Assay,
the settings of this server, and a way to its database: PostgreSQL, but for nodes that share a disk.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from assay.bench.executors import Executor
from assay.bench.others import Others
from assay.bench.queries import Run, load_run
from assay.bench.queries_shards import count_left
from assay.bench.run_halt import Halt
from assay.bench.worker import Means, Worker, gather
from assay.core import AssayError, InvalidInput, new_id
from assay.core.purse import BudgetSpent
from assay.store import Database

log = logging.getLogger(__name__)

POLL_S = 0.25
LOST_S = 30.0

Opening = Callable[..., AbstractAsyncContextManager[Means]]
"""Opens what a worker works with, in its own process."""


class RayExecutor(Executor):
    """``entry`` names an `Opening` as ``package.module:function``; it is called on each node with ``options``, which travel there."""

    def __init__(self, db: Database, entry: str, options: Mapping[str, Any]):
        self._db = db
        self._entry = entry
        self._options = dict(options)

    def check(self) -> None:
        """Raises InvalidInput, ``bench.no_executor``, where Ray is not installed."""
        if importlib.util.find_spec("ray") is None:
            raise InvalidInput(
                "bench.no_executor",
                "The executor 'ray' needs Ray, which is not installed here.",
                hint="`pip install 'modelassay[ray]'` brings it; the executor `local` is always there.",
                param="executor",
            )

    async def work(self, run: Run, changed: Callable[[], None]) -> None:
        """As `Executor.work`, at ``workers`` processes spread over the nodes."""
        ray: Any = importlib.import_module("ray")  # nobody else pays for it, and nothing tells its types where it is not installed
        if not ray.is_initialized():
            await asyncio.to_thread(ray.init, log_to_driver=False, logging_level=logging.ERROR)
        remote = ray.remote(num_cpus=1, max_retries=-1, scheduling_strategy="SPREAD")(work_here)
        refs = [remote.remote(self._entry, self._options, run.id) for _ in range(run.spec.workers)]
        pending = {asyncio.wrap_future(ref.future()) for ref in refs}
        others = Others(self._db, run.id, LOST_S)
        try:
            while pending and any(await count_left(self._db, run.id)):
                done, pending = await asyncio.wait(pending, timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    if (fault := one.result()) is not None:
                        raise Halt(*fault)
                await others.look()  # where all nodes are lost at once, none of them notices
                changed()
        finally:
            for ref in refs:
                ray.cancel(ref, force=False)
            await asyncio.gather(*pending, return_exceptions=True)


def work_here(entry: str, options: Mapping[str, Any], run: str) -> tuple[str, str] | None:
    """Work on a run in this process until it is done; why that is not possible, as a code and a text."""
    module, _, name = entry.partition(":")
    opening: Opening = getattr(importlib.import_module(module), name)
    return asyncio.run(_work(opening, options, run))


async def _work(opening: Opening, options: Mapping[str, Any], id: str) -> tuple[str, str] | None:
    try:
        async with opening(**options) as means:
            run = await load_run(means.db, id)
            if run is None or run.state != "running":
                return None
            material = await gather(run, means.tasks)
            await Worker(means, run, material, owner=f"ray {new_id()}").work()
    except BudgetSpent as spent:
        return "bench.budget_spent", str(spent)
    except Halt as halt:
        return halt.code, str(halt)
    except AssayError as error:
        return error.code, str(error)
    return None
