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

from assay.bench.runs import Runs
from assay.core import Model, Price, Provider, Settings
from assay.gateway import Gateway
from assay.store import open_database
from assay.store.rotation import open_vault
from tests.bench.run.quiz import FAST, Quiz, QuizTasks, spec_of

CONCURRENCY = 8


@asynccontextmanager
async def opened(url: str, port: int, folder: Path, questions: int, owner: str) -> AsyncIterator[Runs]:
    """The runs of a server that asks the model at ``port`` through a gateway of its own."""
    os.environ["STAGE_KEY"] = "secret"
    model = Model(name="pupil", price=Price(input=1_000_000_000, output=4_000_000_000))
    base_url = f"http://127.0.0.1:{port}/v1"
    stage = Provider(name="stage", title="Stage", base_url=base_url, key_env=("STAGE_KEY",), models=(model,))
    settings = Settings(data=folder / "data", master_key=folder / "secret" / "master.key", database=url, providers=(stage,))
    db = await open_database(url)
    vault = await open_vault(db, settings.master_key, data_dir=settings.data)
    gateway = await Gateway.start(db, vault, settings)
    tasks = QuizTasks(Quiz(questions))
    runs = await Runs.start(db, gateway.caller, gateway.find, tasks, folder=folder, owner=owner, limits=FAST)
    yield runs
    await runs.close()
    await gateway.close()
    await db.close()


async def main(url: str, port: str, folder: str, questions: str, owner: str = "server") -> None:
    async with opened(url, int(port), Path(folder), int(questions), owner) as runs:
        known = await runs.list()
        if known:
            id = known[0].id
            if known[0].state != "ended":
                await runs.resume(id)
        else:
            id = await runs.begin(spec_of(concurrency=CONCURRENCY))
        print(id, flush=True)
        async for _ in runs.watch(id):
            pass
        report = await runs.report(id)
        if report.state != "ended":
            raise SystemExit(f"{report.state}: {report.trouble}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
