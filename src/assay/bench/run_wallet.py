"""The budget of a run as a hard stop before each call, whoever makes it, at however many workers.

As `assay.core.purse`, with one difference: the budget is one for all workers and lies in the database, so what a call may cost is
not set aside there, call by call, but out of a portion that this worker leased before. What is left of the last portion when a
worker is killed stays set aside, since nobody knows what was under way; one that ends in order gives it back.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import partial

from assay.bench import queries_costs as queries
from assay.bench.run_saver import PAUSES_S, Saver, insist
from assay.core import (
    AssayError,
    Budget,
    Call,
    Caller,
    CallFailed,
    Event,
    Finished,
    Money,
    Price,
    Purpose,
    Request,
    UpstreamRefused,
)
from assay.core.purse import BudgetSpent, cost_of, most_of
from assay.store import Database

PORTION = 8
"""For so many calls like the next one a worker leases at once, so that it need not ask before each."""
POLL_S = 0.5
"""How often a worker looks whether another has given something back."""


class Wallet:
    """A `Caller` that pays. Without a budget nothing is refused; costs are kept as they become known."""

    def __init__(
        self, db: Database, saver: Saver, run: str, worker: str, caller: Caller, prices: Mapping[str, Price], budget: Money | None
    ):
        self._db = db
        self._saver = saver
        self._run = run
        self._worker = worker
        self._caller = caller
        self._prices = prices
        self._budget = budget
        self._spent: Counter[str] = Counter()
        self._held = 0
        """What this worker may spend in all, in nano-units of the budget's currency; `_set_aside` of it may be being spent, or was by
        calls whose cost was never learnt."""
        self._set_aside = 0
        self._under_way = 0
        self._is_spent = False
        self._leasing = asyncio.Lock()
        self._settled = asyncio.Event()

    async def stream(
        self, request: Request, deployment: str, purpose: Purpose, budget: Budget | None = None, *, request_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """As the wrapped caller's.

        Raises:
            BudgetSpent: the call does not fit, and nothing was asked.
        """
        most = 0 if self._budget is None else await self._reserve(most_of(request, self._prices[deployment]))
        cost: Money | None = None
        try:
            async with aclosing(self._caller.stream(request, deployment, purpose, budget, request_id=request_id)) as events:
                async for event in events:
                    if isinstance(event, Finished):
                        cost = self._cost(event.call)
                    yield event
        except CallFailed as failed:
            cost = self._cost(failed.call) or (self._nothing if isinstance(failed, UpstreamRefused) else None)
            raise
        except AssayError:  # it was never asked
            cost = self._nothing
            raise
        finally:
            self._settle(most, cost)

    async def close(self) -> None:
        """Give back what is not spent."""
        if self._budget is not None and self._held:
            held, currency = self._used, self._budget.currency
            await insist(lambda: queries.set_held(self._db, self._run, self._worker, currency, held), PAUSES_S)
            self._held = held

    @property
    def _used(self) -> int:
        return self._set_aside + (self._spent[self._budget.currency] if self._budget else 0)

    @property
    def _nothing(self) -> Money | None:
        return Money(0, self._budget.currency) if self._budget else None

    def _cost(self, call: Call) -> Money | None:
        return cost_of(call, self._prices)

    async def _reserve(self, most: int) -> int:
        while self._held - self._used < most:
            async with self._leasing:
                if self._held - self._used < most:
                    await self._lease(most)
        self._set_aside += most
        self._under_way += 1
        return most

    async def _lease(self, most: int) -> None:
        """Hold more, or wait until there may be more to hold."""
        assert self._budget is not None
        if not self._is_spent and await self._hold(self._budget, most):
            return
        if self._under_way:
            self._settled.clear()
            await self._settled.wait()
            return
        await self.close()  # too little here, and perhaps elsewhere: together it may be enough
        if not self._is_spent and await insist(lambda: queries.do_others_hold(self._db, self._run, self._worker), PAUSES_S):
            await asyncio.sleep(POLL_S)
        elif self._is_spent or not await self._hold(self._budget, most):
            self._is_spent = True
            raise BudgetSpent(self._budget, Money(most, self._budget.currency))

    async def _hold(self, budget: Money, most: int) -> bool:
        """Lease another portion; whether a call of up to ``most`` fits now."""
        needed = most - (self._held - self._used)
        hold = partial(queries.hold, self._db, self._run, self._worker, budget, self._held, PORTION * most, needed)
        self._held = await insist(hold, PAUSES_S)
        return self._held - self._used >= most

    def _settle(self, most: int, cost: Money | None) -> None:
        """Put the true cost in the place of ``most``; None keeps it. It is saved with the answer."""
        if cost is not None and (self._budget is None or cost.currency == self._budget.currency):
            self._set_aside -= most
            if cost.nano:
                self._spent[cost.currency] += cost.nano
                row = {"run": self._run, "worker": self._worker, "currency": cost.currency, "spent": self._spent[cost.currency]}
                self._saver.note(("spent", cost.currency), (queries.UPSERT_SPENT, row))
        if self._budget is not None:
            self._under_way -= 1
            self._settled.set()
