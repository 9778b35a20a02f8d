"""The budget as a hard stop: what is set aside, what is given back, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
import pytest

from assay.core import (
    Budget,
    Call,
    Caller,
    CallFailed,
    Event,
    File,
    Finished,
    Image,
    Message,
    Money,
    NotFound,
    Price,
    Purpose,
    Request,
    Sampling,
    ToolResult,
    Transcript,
    UpstreamBroken,
    Usage,
    assistant,
    canonical,
    user,
)
from assay.core.purse import ANSWER_TOKENS, OVERHEAD_TOKENS, REFERRED_TOKENS, BudgetSpent, Purse
from tests.challenge.scripted import COST, NEW, PRICE, ScriptedCaller, call_of, refusal

pytestmark = pytest.mark.anyio

QUESTION = Request(model=NEW.id, transcript=Transcript((user("Why?"),)), sampling=Sampling(max_tokens=100))
ASKED_TOKENS = len(canonical(QUESTION)) + OVERHEAD_TOKENS
MOST = ASKED_TOKENS * 1_000 + 100 * 4_000


class Book:
    """A ledger in memory."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[Money, bool]] = {}

    async def __call__(self, id: str, cost: Money, *, known: bool) -> None:
        await asyncio.sleep(0)
        self.entries[id] = (cost, known)

    @property
    def known(self) -> int:
        return sum(cost.nano for cost, known in self.entries.values() if known)

    @property
    def held(self) -> int:
        return sum(cost.nano for cost, known in self.entries.values() if not known)


def purse(caller: Caller, book: Book, nano: int | None, spent: int = 0, price: Price = PRICE) -> Purse:
    """A purse with a budget of so many nano-dollars."""
    return Purse(caller, {NEW.id: price}, book, None if nano is None else Money(nano), spent)


async def ask(caller: Caller, request: Request = QUESTION) -> None:
    """Ask and hear it out."""
    async with aclosing(caller.stream(request, NEW.id, "challenge")) as events:
        async for _ in events:
            pass


def says_so(deployment: str, request: Request) -> Message:
    return assistant("So.")


async def test_the_most_that_a_call_can_cost_is_on_record_before_it_is_asked() -> None:
    book = Book()

    def look(deployment: str, request: Request) -> Message:
        assert (book.held, book.known) == (MOST, 0)
        return assistant("So.")

    await ask(purse(ScriptedCaller(look), book, MOST))
    assert (book.held, book.known) == (0, COST.nano)


async def test_the_dearest_price_of_each_kind_is_set_aside() -> None:
    dear = msgspec.structs.replace(PRICE, cache_write_5m=2_000_000_000, reasoning=8_000_000_000)
    caller = ScriptedCaller(lambda *_: None)
    task = asyncio.create_task(ask(purse(caller, book := Book(), 10**9, price=dear)))
    await caller.until(1)
    assert book.held == 2 * MOST
    task.cancel()
    await asyncio.wait([task])


async def test_what_stands_elsewhere_is_not_as_short_as_its_address() -> None:
    picture = Image(url="https://example.com/a.png")
    shown = Message(role="user", parts=(picture, ToolResult(id="1", parts=(File(file_id="f"), Image(data="AA==")))))
    request = msgspec.structs.replace(QUESTION, transcript=Transcript((shown,)))
    asked = len(canonical(request)) + OVERHEAD_TOKENS + 2 * REFERRED_TOKENS
    caller = ScriptedCaller(says_so)
    with pytest.raises(BudgetSpent):
        await ask(purse(caller, Book(), asked * 1_000 + 100 * 4_000 - 1), request)
    await ask(purse(caller, Book(), asked * 1_000 + 100 * 4_000), request)
    assert len(caller.asked) == 1


async def test_a_request_without_a_bound_sets_a_stated_number_of_tokens_aside() -> None:
    unbounded = Request(model=NEW.id, transcript=QUESTION.transcript)
    caller = ScriptedCaller(says_so)
    with pytest.raises(BudgetSpent):
        await ask(purse(caller, Book(), ANSWER_TOKENS * 4_000), unbounded)
    assert caller.asked == []


async def test_a_call_that_does_not_fit_is_not_asked() -> None:
    caller = ScriptedCaller(says_so)
    one = purse(caller, Book(), MOST + COST.nano - 1)
    await ask(one)
    with pytest.raises(BudgetSpent, match="does not leave"):
        await ask(one)
    assert len(caller.asked) == 1


async def test_what_was_spent_before_counts() -> None:
    caller = ScriptedCaller(says_so)
    with pytest.raises(BudgetSpent):
        await ask(purse(caller, Book(), 2 * MOST, spent=MOST + 1))
    assert caller.asked == []


async def test_a_call_waits_for_those_under_way_whose_cost_may_leave_room() -> None:
    """With room for three at a time, eight at once are asked in turn until nothing fits."""
    book, caller = Book(), ScriptedCaller(says_so)
    budget = MOST + 5 * COST.nano
    one = purse(caller, book, budget)
    outcomes = await asyncio.gather(*(ask(one) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(outcome, BudgetSpent) for outcome in outcomes) == 2
    assert len(caller.asked) == 6
    assert caller.most_open == budget // MOST == 3
    assert book.known == 6 * COST.nano <= budget


@pytest.mark.parametrize("share", [1, 3, 8, 20])
async def test_eight_at_once_never_spend_more_than_the_budget(share: int) -> None:
    book, caller = Book(), ScriptedCaller(says_so)
    budget = MOST * share
    one = purse(caller, book, budget)

    async def go_on() -> None:
        while True:
            await ask(one)

    outcomes = await asyncio.gather(*(go_on() for _ in range(8)), return_exceptions=True)
    assert all(isinstance(outcome, BudgetSpent) for outcome in outcomes)
    assert caller.most_open == min(8, share)
    assert budget - MOST < book.known == caller.paid <= budget


async def test_a_call_that_says_more_than_was_set_aside_passes_the_budget_by_that_only() -> None:
    class Talker(ScriptedCaller):
        async def stream(
            self,
            request: Request,
            deployment: str,
            purpose: Purpose,
            budget: Budget | None = None,
            *,
            request_id: str | None = None,
        ) -> AsyncGenerator[Event, None]:
            self.asked.append((deployment, request, request_id))
            yield Finished(call=msgspec.structs.replace(call_of(deployment), cost=Money(3 * MOST)))

    caller = Talker(says_so)
    one = purse(caller, Book(), 2 * MOST)
    await ask(one)
    with pytest.raises(BudgetSpent):
        await ask(one)
    assert len(caller.asked) == 1


@pytest.mark.parametrize("after", ["cancelled", "broken"])
async def test_a_call_whose_cost_is_never_learnt_keeps_the_whole(after: str) -> None:
    book = Book()
    broken = UpstreamBroken("upstream.broken", "It broke off.", call=call_of(NEW.id, outcome="error"))
    caller = ScriptedCaller(lambda *_: None if after == "cancelled" else broken)
    one = purse(caller, book, 10 * MOST)
    task = asyncio.create_task(ask(one))
    await caller.until(1)
    if after == "cancelled":
        task.cancel()
    with pytest.raises((asyncio.CancelledError, CallFailed)):
        await task
    assert (book.held, book.known, one.taken) == (MOST, 0, MOST)
    assert caller.open == 0


async def test_a_refused_call_costs_nothing() -> None:
    book = Book()
    one = purse(ScriptedCaller(lambda *_: refusal(NEW.id)), book, MOST)
    with pytest.raises(CallFailed):
        await ask(one)
    assert (book.held, book.known, one.taken) == (0, 0, 0)


async def test_a_failed_call_costs_what_its_usage_says() -> None:
    call: Call = msgspec.structs.replace(call_of(NEW.id, outcome="error"), usage=Usage(input=7))
    broken = UpstreamBroken("upstream.broken", "It broke off.", call=call)
    book = Book()
    with pytest.raises(CallFailed):
        await ask(purse(ScriptedCaller(lambda *_: broken), book, MOST))
    assert (book.held, book.known) == (0, 7_000)


async def test_a_call_that_was_never_asked_costs_nothing() -> None:
    class Nobody(ScriptedCaller):
        async def stream(
            self,
            request: Request,
            deployment: str,
            purpose: Purpose,
            budget: Budget | None = None,
            *,
            request_id: str | None = None,
        ) -> AsyncGenerator[Event, None]:
            raise NotFound("model.not_found", "There is no such model.")
            yield

    book = Book()
    with pytest.raises(NotFound):
        await ask(purse(Nobody(says_so), book, MOST))
    assert (book.held, book.known) == (0, 0)


async def test_without_a_budget_nothing_is_refused_and_costs_are_kept() -> None:
    book = Book()
    await ask(purse(ScriptedCaller(says_so), book, None))
    assert (book.held, book.known) == (0, COST.nano)
