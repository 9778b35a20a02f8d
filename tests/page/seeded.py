"""Many calls in the database of a server, as days of work would have left them there."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from assay.core import Call, Money, Usage, new_id, now_us
from assay.store import open_database
from assay.store.calls import id_at
from assay.store.queries import record_calls
from assay.store.spend import write_spend

MODELS = ("foundry/cupel-pro", "foundry/cupel-mini", "crucible/electrum-70b", "practice/reckoner")
FAILURES = {"error": "upstream.rate_limited", "timeout": "upstream.timeout", "cancelled": "client.left"}
_BATCH = 5000


def seed_calls(folder: Path, count: int, key: str | None = None, days: float = 1) -> None:
    """``count`` calls, evenly over the last ``days``, one in 33 of them failed; all by the key of the id ``key``. The server whose
    data are below ``folder`` must not run."""
    work = _seed(folder / "data" / "assay.db", count, key, int(days * 86_400_000_000))
    with ThreadPoolExecutor(1) as thread:  # playwright's own event loop runs in this one
        thread.submit(asyncio.run, work).result()


async def _seed(file: Path, count: int, key: str | None, span: int) -> None:
    db = await open_database(f"sqlite:///{file}")
    try:
        calls = list(_made(count, key, span))
        for start in range(0, count, _BATCH):
            batch = calls[start : start + _BATCH]
            await record_calls(db, batch, [], write_spend(batch))
    finally:
        await db.close()


def _made(count: int, key: str | None, span: int) -> Iterator[Call]:
    rng = random.Random(count)
    begin = now_us() - span - 60_000_000  # the last a minute ago: none of them is new to whoever looks
    for number in range(count):
        at = begin + span * number // count
        model = MODELS[number % 7 % 4]
        outcome = "ok" if number % 33 else rng.choice(sorted(FAILURES))
        yield Call(
            id=id_at(at) + new_id()[13:],
            request_id=new_id(),
            at=at,
            purpose="traffic",
            outcome=outcome,  # type: ignore[arg-type]  # one of the literals
            asked="fast" if number % 5 == 0 else model,
            deployment=model,
            provider=model.partition("/")[0],
            model=model.partition("/")[2],
            protocol="openai_chat",
            client_protocol="openai_chat",
            stream=number % 2 == 0,
            duration_us=rng.randrange(200_000, 9_000_000),
            ttft_us=rng.randrange(50_000, 200_000) if number % 2 == 0 else None,
            key=key,
            error=FAILURES.get(outcome),
            usage=Usage(input=rng.randrange(100, 9000), output=rng.randrange(10, 900)),
            cost=Money(rng.randrange(10_000, 9_000_000), "USD"),
            cost_between=(1_000, 20_000_000) if outcome == "cancelled" else None,
        )
