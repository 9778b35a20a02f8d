"""A process that works on runs, to be killed: ``python -m tests.bench.run.program URL PORT FOLDER QUESTIONS [OWNER]``.

It goes on with the newest run in the database that is not over, or begins one, with the real gateway in-process, and asks the model
at PORT. It prints the run's id when it is under way, and ends when the run does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from assay.bench.report import RunReport
from assay.bench.runs import Runs
from assay.bench.window import Windows
from assay.bench.worker import Means
from assay.core import Model, Price, Provider, Settings
from assay.gateway import Gateway
from assay.store import open_database
from assay.store.rotation import open_vault
from tests.bench.run.quiz import FAST, Quiz, QuizTasks, spec_of

CONCURRENCY = 8


@asynccontextmanager
async def gateway_to(port: int, url: str, folder: Path) -> AsyncIterator[Gateway]:
    """A gateway over the database at ``url``, whose only provider is the model at ``port``."""
    os.environ["STAGE_KEY"] = "secret"
    model = Model(name="pupil", price=Price(input=1_000_000_000, output=4_000_000_000))
    base_url = f"http://127.0.0.1:{port}/v1"
    stage = Provider(name="stage", title="Stage", base_url=base_url, key_env=("STAGE_KEY",), models=(model,))
    settings = Settings(data=folder / "data", master_key=folder / "secret" / "master.key", database=url, providers=(stage,))
    db = await open_database(url)
    gateway = await Gateway.start(db, await open_vault(db, settings.master_key, data_dir=settings.data), settings)
    try:
        yield gateway
    finally:
        await gateway.close()
        await db.close()


@asynccontextmanager
async def opened(url: str, port: int, folder: str, questions: int) -> AsyncIterator[Means]:
    """What a worker works with, on a node of its own."""
    async with gateway_to(port, url, Path(folder)) as gateway:
        tasks = QuizTasks(Quiz(questions))
        yield Means(db=gateway.db, caller=gateway.caller, tasks=tasks, windows=Windows(), folder=Path(folder), limits=FAST)


async def main(url: str, port: str, folder: str, questions: str, owner: str = "server") -> None:
    async with gateway_to(int(port), url, Path(folder)) as gateway:
        tasks = QuizTasks(Quiz(int(questions)))
        runs = await Runs.start(gateway.db, gateway.caller, gateway.find, tasks, folder=Path(folder), owner=owner, limits=FAST)
        report = await _see_through(runs)
        await runs.close()
    if report.state != "ended":
        raise SystemExit(f"{report.state}: {report.trouble}")


async def _see_through(runs: Runs) -> RunReport:
    known = await runs.list()
    id = known[0].id if known else await runs.begin(spec_of(concurrency=CONCURRENCY))
    if known and known[0].state != "ended":
        await runs.resume(id)
    print(id, flush=True)
    async for _ in runs.watch(id):
        pass
    return await runs.report(id)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
