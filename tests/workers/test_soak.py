"""Modest load for a long time: memory, descriptors, tasks and threads stay as they are.

``ASSAY_SOAK_S`` is how long, in seconds; an hour if not set.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path

import pytest

from tests.server import RunningAssay
from tests.workers.measure import MB, Held, held_by, trend
from tests.workers.rig import chat, children_of, line, serving, upstream

pytestmark = [pytest.mark.anyio, pytest.mark.prove, pytest.mark.timeout(6 * 3600)]
SOAK_S = float(os.environ.get("ASSAY_SOAK_S", "3600"))
SAMPLES = 120
MODELS = ("scripted/fast", "scripted/fast", "scripted/text", "scripted/error-500", "scripted/cut", "scripted/unknown-model")


async def ask_for_ever(assay: RunningAssay, number: int) -> None:
    """A client that asks about four times a second: answers and streams, errors, and every tenth time it leaves too early."""
    asked = 0
    while True:
        asked += 1
        if asked % 10 == 0:
            async with line(assay.url) as one:
                one.send(
                    "POST",
                    "/v1/chat/completions",
                    b'{"model":"scripted/slow","stream":true,"messages":[{"role":"user","content":"x"}]}',
                    {"authorization": f"Bearer {assay.gateway_key}"},
                )
                await one.reader.readline()
                await asyncio.sleep(0.3)
        else:
            await chat(assay.url, assay.gateway_key, MODELS[(asked + number) % len(MODELS)], stream=asked % 2 == 0)
            await asyncio.sleep(0.2)


def tasks_of(assay: RunningAssay) -> int:
    found = re.search(rb"^assay_tasks_running (\d+)$", assay.ask("GET", "/metrics").body, re.MULTILINE)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("workers", [0, 2])
async def test_nothing_grows(tmp_path: Path, workers: int) -> None:
    with upstream() as provider, serving(tmp_path / "a", provider, workers) as assay:
        pids = [assay.process.pid, *children_of(assay.process.pid)]
        asking = [asyncio.create_task(ask_for_ever(assay, number)) for number in range(4)]
        taken: list[tuple[float, list[Held], int]] = []
        began = time.monotonic()
        while (now := time.monotonic() - began) < SOAK_S:
            await asyncio.sleep(SOAK_S / SAMPLES)
            assert not any(task.done() for task in asking), [task.exception() for task in asking if task.done()]
            taken.append((now, [held_by(pid) for pid in pids], await asyncio.to_thread(tasks_of, assay)))
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)
    steady = taken[len(taken) // 4 :]  # caches fill first
    times = [at / 3600 for at, _, _ in steady]
    for place, pid in enumerate(pids):
        resident = [held[place].resident / MB for _, held, _ in steady]
        rising = trend(times, resident)
        print(
            f"pid {pid}: {resident[0]:.1f} to {resident[-1]:.1f} MB, {rising.slope:+.2f} +- {rising.error:.2f} MB/h,"
            f" descriptors {[held[place].descriptors for _, held, _ in steady[::30]]},"
            f" threads {[held[place].threads for _, held, _ in steady[::30]]}"
        )
        assert rising.slope - 2 * rising.error < 1, rising
        assert max(held[place].descriptors for _, held, _ in steady) < 100
        assert (
            max(held[place].threads for _, held, _ in steady)
            <= max(held[place].threads for _, held, _ in taken[: len(taken) // 4]) + 1
        )
    assert max(tasks for _, _, tasks in steady) < 60
