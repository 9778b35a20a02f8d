"""A process that spends: ``python -m tests.gateway.spender`` reads an `Order` as JSON and prints what came of it, as JSON.

It is what a worker is to the ledger: a recorder and a ledger of its own, on a database that others use too. Requests that are let in
take a moment and use a part of what was set aside, which it prints for each.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time

import msgspec

from assay.core import Asker, AssayError, Holder, Limits
from assay.core.clock import since_boot_ns
from assay.gateway.attempt import Attempt
from assay.gateway.ledger import Ledger
from assay.gateway.recorder import Recorder
from assay.store import open_database
from tests.gateway.bookkeeping import DEPLOYMENT, PROVIDER, ROUTE, asking


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """``requests`` at once for the key ``k1`` of the user ``u1`` of the team ``t1``, or for ``for_s`` as many as are let in by
    ``tasks``, each with a pause between two. Each may use ``most`` tokens and uses ``used`` of them at most. ``dies``: it is killed while all of them run."""

    url: str
    requests: int = 0
    for_s: float = 0
    tasks: int = 8
    most: int = 100
    used: int = 100
    takes_s: float = 0.05
    pause_s: float = 0.01
    limits: Limits = Limits()
    span_s: float = 60
    dies: bool = False


class Came(msgspec.Struct, kw_only=True):
    """``let_in`` holds the times at which requests were let in (nanoseconds since the machine was started), ``codes`` how often which error came."""

    let_in: list[int] = []
    tokens: int = 0
    codes: dict[str, int] = {}


class _Spender:
    def __init__(self, order: Order, ledger: Ledger, recorder: Recorder):
        self.order = order
        self.ledger = ledger
        self.recorder = recorder
        self.came = Came(let_in=[], codes={})
        self.asker = Asker(
            key="k1",
            user="u1",
            team="t1",
            holders=(Holder("key", "k1", "", order.limits), Holder("user", "u1"), Holder("team", "t1")),
        )

    async def ask(self) -> None:
        """One request."""
        order = self.order
        asked, body = asking(order.most)
        attempt = Attempt(ROUTE, asked="up/m", purpose="traffic", stream=False, request_id="", body=body, asker=self.asker)
        attempt.request_id = attempt.id
        try:
            attempt.hold = await self.ledger.reserve(self.asker, DEPLOYMENT, asked, body)
        except AssayError as error:
            self.came.codes[error.code] = self.came.codes.get(error.code, 0) + 1
            return
        self.came.let_in.append(since_boot_ns())
        if order.dies:
            print("running", flush=True)
            await asyncio.sleep(3600)
        await asyncio.sleep(random.uniform(0, order.takes_s))
        tokens = random.randint(order.used // 2, order.used)
        reply = {
            "choices": [{"message": {"role": "assistant", "content": "x"}}],
            "usage": {"prompt_tokens": 0, "completion_tokens": tokens},
        }
        attempt.status, attempt.is_sent = 200, True
        attempt.pieces = [(attempt.started_ns, json.dumps(reply).encode())]
        attempt.end("ok")
        self.came.tokens += tokens
        self.recorder.record(attempt)

    async def ask_until(self, ends_s: float) -> None:
        while time.monotonic() < ends_s:
            await self.ask()
            await asyncio.sleep(self.order.pause_s)


async def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    db = await open_database(order.url)
    ledger = Ledger(db, sole=False, span_s=order.span_s)
    recorder = Recorder(db, bodies="off", books=(ledger,))
    await ledger.refresh([(PROVIDER, Limits())])
    spender = _Spender(order, ledger, recorder)
    if order.requests:
        await asyncio.gather(*(spender.ask() for _ in range(order.requests)))
    else:
        ends_s = time.monotonic() + order.for_s
        await asyncio.gather(*(spender.ask_until(ends_s) for _ in range(order.tasks)))
    await recorder.close()
    await ledger.close()
    await db.close()
    print(msgspec.json.encode(spender.came).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
