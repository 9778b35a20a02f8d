"""The budget of a challenge or a benchmark run as a hard stop before each call, whoever makes it.

Before a call the most that it can cost is set aside on record. A call that does not fit waits for those under way, whose true
cost may leave room, and is refused when there are none, and all after it. After a call the true cost takes the place of what was set aside; a call
whose cost is never learnt (it broke off, was let go, or this process was killed) keeps the whole. So the budget holds across
restarts, and can be passed only by a call that says more than was set aside for it.

Set aside is: each byte of the request as a token (a byte-level tokenizer makes no more of them), `REFERRED_TOKENS` for each picture
or file that stands elsewhere, and as many tokens of answer as the request allows, or `ANSWER_TOKENS` where it names no bound, each
at the dearest price of its kind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Protocol

from assay.core.call import Call, Purpose
from assay.core.caller import Budget, Caller
from assay.core.errors import AssayError, CallFailed, UpstreamRefused
from assay.core.event import Event, Finished
from assay.core.ids import new_id
from assay.core.money import MTOK, Money, Price
from assay.core.request import Request
from assay.core.transcript import Audio, File, Image, ToolResult, Video, canonical

ANSWER_TOKENS = 8_192
"""What is set aside for the answer to a request that names no bound."""
REFERRED_TOKENS = 16_384
"""What is set aside for a picture, a sound or a document of which the request holds only the address."""
OVERHEAD_TOKENS = 256
"""What a provider's template may add to a request."""


class BudgetSpent(Exception):
    """The next call could cost more than is left. It is no answer and no failure of a model, so it is no `AssayError` that one could pass for."""

    def __init__(self, budget: Money, needed: Money):
        super().__init__(f"The next call may cost up to {needed}, which the budget of {budget} does not leave.")


class Ledger(Protocol):
    """Where costs are kept. Returns once ``cost`` is on disk, in place of what ``id`` had before; what it raises ends the run."""

    async def __call__(self, id: str, cost: Money, *, known: bool) -> None: ...


class Purse:
    """A `Caller` that pays. ``spent`` is what was taken before, in nano-units of the budget's currency.

    Without a budget nothing is set aside and nothing refused; costs are kept as they become known.
    """

    def __init__(self, caller: Caller, prices: Mapping[str, Price], ledger: Ledger, budget: Money | None, spent: int = 0):
        self._caller = caller
        self._prices = prices
        self._ledger = ledger
        self._budget = budget
        self._taken = spent
        self._under_way = 0
        self._is_spent = False
        self._one_settled = asyncio.Event()

    @property
    def taken(self) -> int:
        """What is spent or set aside now, in nano-units."""
        return self._taken

    async def stream(
        self, request: Request, deployment: str, purpose: Purpose, budget: Budget | None = None, *, request_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """As the wrapped caller's.

        Raises:
            BudgetSpent: the call does not fit, and nothing was asked.
        """
        id, most = new_id(), self._most(request, deployment)
        await self._set_aside(id, most)
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
            await self._settle(id, most, cost)

    async def _set_aside(self, id: str, most: int) -> None:
        if self._budget is None:
            return
        while self._is_spent or self._taken + most > self._budget.nano:
            if not self._under_way:
                self._is_spent = True
            if self._is_spent:
                raise BudgetSpent(self._budget, Money(most, self._budget.currency))
            self._one_settled.clear()
            await self._one_settled.wait()
        self._taken += most
        self._under_way += 1
        try:
            await self._ledger(id, Money(most, self._budget.currency), known=False)
        except BaseException:
            self._end_one()
            raise

    async def _settle(self, id: str, most: int, cost: Money | None) -> None:
        """Put the true cost in the place of ``most``; None keeps it."""
        if self._budget is None:
            if cost is not None and cost.nano:
                await self._ledger(id, cost, known=True)
            return
        try:
            if cost is not None and cost.currency == self._budget.currency:
                await self._ledger(id, cost, known=True)
                self._taken += cost.nano - most
        finally:
            self._end_one()

    def _end_one(self) -> None:
        self._under_way -= 1
        self._one_settled.set()

    @property
    def _nothing(self) -> Money | None:
        return Money(0, self._budget.currency) if self._budget else None

    def _most(self, request: Request, deployment: str) -> int:
        return 0 if self._budget is None else most_of(request, self._prices[deployment])

    def _cost(self, call: Call) -> Money | None:
        return cost_of(call, self._prices)


def most_of(request: Request, price: Price) -> int:
    """The most that a call may cost, in nano-units, rounded up."""
    asked = len(canonical(request)) + OVERHEAD_TOKENS + REFERRED_TOKENS * _referred(request)
    answered = request.sampling.max_tokens or ANSWER_TOKENS
    return -(-(asked * _dearest_input(price) + answered * _dearest_output(price)) // MTOK)


def cost_of(call: Call, prices: Mapping[str, Price]) -> Money | None:
    """What a call did cost, by its own word, or by its tokens and the price of its deployment."""
    if call.cost is not None or call.usage is None:
        return call.cost
    price = prices.get(call.deployment)
    return price.cost(call.usage) if price else None


def _referred(request: Request) -> int:
    parts = [part for message in request.transcript.messages for part in message.parts]
    parts += [inner for part in parts if isinstance(part, ToolResult) for inner in part.parts]
    return sum(isinstance(part, Image | Audio | Video | File) and part.data is None for part in parts)


def _dearest_input(price: Price) -> int:
    kinds = (price.input, price.cache_read, price.cache_write_5m, price.cache_write_1h, price.audio_input, price.image_input)
    return max(kind for kind in kinds if kind is not None)


def _dearest_output(price: Price) -> int:
    return max(kind for kind in (price.output, price.reasoning, price.audio_output, price.image_output) if kind is not None)
