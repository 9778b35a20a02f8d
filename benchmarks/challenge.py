"""CPU seconds of a challenge's own work, with nobody on the other side: the engine, the evidence, the report, reading work.

    python -m benchmarks.challenge [--items N]

The contestants answer in-process and at once, so all that is measured is ours: each answer and each judgment committed to SQLite
on a real disk (`synchronous=FULL`), both contestants and a program as judge, 8 items at once. The run checks that every item was
judged once. A report is put together as at the end of a challenge, all intervals included.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

from assay.challenge.assemble import assemble
from assay.challenge.challenges import Challenges
from assay.challenge.report_queries import load_record
from assay.challenge.spec import Content, Spec
from assay.challenge.work import read_work
from assay.core import (
    Budget,
    Call,
    Deployment,
    Event,
    Finished,
    PartOpened,
    Purpose,
    Request,
    Started,
    Stopped,
    Text,
    Usage,
    UsageReported,
    new_id,
    now_us,
)
from assay.stats.anytime import Betting
from assay.store import migrate, open_database
from assay.web import SCHEMAS

CONTESTANTS = {name: Deployment(id=name, provider="bench", model=name, upstream_model=name) for name in ("bench/new", "bench/old")}


class Echo:
    """A `Caller` that answers at once with the number that is asked for: the one contestant on odd ones, the other on even ones."""

    async def stream(
        self, request: Request, deployment: str, purpose: Purpose, budget: Budget | None = None, *, request_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """The number, as events."""
        number = int(request.transcript.messages[-1].text)
        said = number if (deployment == "bench/new") == bool(number % 2) else -number
        yield Started(id="bench", model=deployment)
        yield PartOpened(index=0, part=Text(text=str(said)))
        yield UsageReported(usage=Usage(input=5, output=5))
        yield Stopped(reason="end")
        yield Finished(call=_call(deployment, request_id or new_id(), purpose))


def _call(deployment: str, request_id: str, purpose: Purpose) -> Call:
    provider, _, model = deployment.partition("/")
    return Call(
        id=new_id(),
        request_id=request_id,
        at=now_us(),
        purpose=purpose,
        outcome="ok",
        asked=deployment,
        deployment=deployment,
        provider=provider,
        model=model,
        protocol="openai_chat",
        stream=True,
        duration_us=1_000,
        ttft_us=500,
        usage=Usage(input=5, output=5),
    )


async def challenge(items: int) -> None:
    """One challenge of so many items between equals: without a margin nothing settles it."""
    lines = "\n".join(f'{{"prompt": "{n}", "checks": [{{"check": "number", "value": {n}}}]}}' for n in range(1, items + 1))
    with tempfile.TemporaryDirectory() as folder:
        db = await open_database(f"sqlite:///{folder}/assay.db")
        await migrate(db, *SCHEMAS)
        challenges = await Challenges.start(db, Echo(), CONTESTANTS.__getitem__)
        spec = Spec(
            challenger="bench/new",
            incumbent="bench/old",
            source=Content(name="numbers.jsonl", text=lines),
            judges=("program",),
            limit=items,
            confidence=1 - 1e-12,
            margin=0,
        )
        with Measured(f"challenge of {items:,} items, program as judge") as measured:
            id = await challenges.begin(spec, "local")
            async for _ in challenges.watch(id):
                pass
        record = await load_record(db, id)
        report = assemble(record)
        assert report.tally.judged == items, report.tally
        print(f"    {measured.cpu_s / items * 1000:.1f} ms of CPU an item, {1000 * measured.wall_s / items:.1f} ms of wall")
        with Measured("report put together, all intervals"):
            assemble(record)
        await challenges.close()
        await db.close()


class Measured:
    """Prints the wall and CPU seconds (user and system, all threads) of what happens inside."""

    def __init__(self, what: str):
        self._what = what
        self.cpu_s = self.wall_s = 0.0

    def __enter__(self) -> Measured:
        self._began, self._used = time.perf_counter(), _cpu_s()
        return self

    def __exit__(self, *_: Any) -> None:
        self.cpu_s, self.wall_s = _cpu_s() - self._used, time.perf_counter() - self._began
        print(f"{self._what}: {self.wall_s:.2f} s, {self.cpu_s:.2f} s of CPU")


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def decide(observations: int, score: Callable[[int], float]) -> None:
    """Evidence with both bounds after every observation."""
    betting = Betting(0.5, 0.55, alpha=1e-12)
    for number in range(observations):
        betting.add(score(number))
        betting.bounds()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=2_000)
    items: int = parser.parse_args().items
    with Measured("10,000 observations of a jury, bounds after each"):
        decide(10_000, lambda number: (number * 7 % 5) / 4)
    work = b"".join(b'{"prompt": "Question %d?", "category": "c%d"}\n' % (n, n % 7) for n in range(30_000))
    with Measured("30,000 prompts read"):
        assert len(read_work(work, "work.jsonl").items) == 30_000
    asyncio.run(challenge(items))


if __name__ == "__main__":
    main()
