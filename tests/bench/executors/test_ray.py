"""Three nodes of a Ray cluster on this machine work on one run; one of them is killed."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from assay.bench.executors.ray import RayExecutor
from assay.bench.queries_results import load_results
from assay.bench.queries_shards import load_workers
from assay.bench.runs import Runs
from assay.store import migrate, open_database
from assay.web import SCHEMAS
from tests.bench.run.counting import CountingModel, counting_model
from tests.bench.run.program import gateway_to
from tests.bench.run.quiz import FAST, Quiz, QuizTasks, spec_of

pytestmark = [pytest.mark.anyio, pytest.mark.prove, pytest.mark.timeout(300)]
NODES = 3


@contextmanager
def cluster() -> Iterator[Any]:
    """A head that works on nothing, and three nodes with a place each."""
    ray: Any = importlib.import_module("ray")
    nodes = importlib.import_module("ray.cluster_utils").Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    try:
        for _ in range(NODES):
            nodes.add_node(num_cpus=1)
        ray.init(address=nodes.address, log_to_driver=False)
        yield nodes
    finally:
        ray.shutdown()
        nodes.shutdown()


async def measured(url: str, model: CountingModel, folder: Path, questions: int, executor: str, kill: Any = None) -> float:
    """Seconds a question, from when all are at work until the last one; and every question is answered once."""
    async with gateway_to(model.port, url, folder) as gateway:
        options = {"url": url, "port": model.port, "folder": str(folder), "questions": questions}
        executors = {"ray": RayExecutor(gateway.db, "tests.bench.run.program:opened", options)}
        tasks = QuizTasks(Quiz(questions))
        runs = await Runs.start(gateway.db, gateway.caller, gateway.find, tasks, folder=folder, limits=FAST, executors=executors)
        at_once = 24 if executor == "local" else 24 // NODES
        model.asked.clear()
        id = await runs.begin(spec_of(executor=executor, workers=NODES, concurrency=at_once))
        async with aclosing(runs.watch(id)) as changes:
            async for _ in changes:
                if len(await load_workers(gateway.db, id)) >= (1 if executor == "local" else NODES):
                    break
        began, before = time.monotonic(), model.asked.total()
        if kill is not None:
            await model.until(questions // 3)
            await asyncio.to_thread(kill)
        async for _ in runs.watch(id):
            pass
        took_s = (time.monotonic() - began) / (questions - before)
        report = await runs.report(id)
        results = await load_results(gateway.db, id)
        await runs.close()
    assert report.state == "ended", report.trouble
    assert report.outcomes == {"right": questions // 2, "wrong": questions // 2}
    assert len(results) == len({result.sample for result in results}) == questions
    lost = model.asked.total() - questions
    assert set(model.asked) == set(range(questions))
    assert lost <= (at_once if kill is not None else 0), "more was asked twice than was under way at the lost node"
    return took_s


async def test_a_lost_node_loses_no_sample_and_doubles_none(tmp_path: Path) -> None:
    url = await fresh(tmp_path)
    with cluster() as nodes:
        async with counting_model(0.1) as model:
            victim = list(nodes.worker_nodes)[1]
            await measured(url, model, tmp_path, 600, "ray", lambda: nodes.remove_node(victim, allow_graceful=False))


async def test_three_nodes_are_hardly_slower_than_one_process(tmp_path: Path) -> None:
    url = await fresh(tmp_path)
    with cluster():
        async with counting_model(0.1) as model:
            local_s = await measured(url, model, tmp_path, 1200, "local")
            ray_s = await measured(url, model, tmp_path, 1200, "ray")
    print(f"a question: local {local_s * 1000:.2f} ms, ray {ray_s * 1000:.2f} ms, ratio {ray_s / local_s:.2f}")
    assert ray_s <= 1.2 * local_s


async def fresh(folder: Path) -> str:
    """A migrated database in a file, which the nodes share since they are on one machine."""
    url = f"sqlite:///{folder}/assay.db"
    db = await open_database(url)
    await migrate(db, *SCHEMAS)
    await db.close()
    return url
