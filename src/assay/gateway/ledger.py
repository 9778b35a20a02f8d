"""What askers may still use: budgets over windows, and limits at a time. Set aside before a call, settled after it.

A request takes from every meter of its key, user, team and provider, or from none. Usually all of it is in memory and takes some
microseconds. What was used is written in the very commit that records the calls, so a budget's meter is the sum of their rows,
whatever happens; a call counts in the window in which it began. The process that is alone with its database (`Sole`) holds
every budget whole; several lease parts of them (`Shared`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from assay.core import Asker, AssayError, Deployment, Holder, Limits, Price, Provider, Unavailable
from assay.core.clock import STEADY, Clock
from assay.core.rates import Rates
from assay.core.settings import Settings
from assay.gateway.dialect import Asked
from assay.gateway.hold import Hold
from assay.gateway.limits import refusal
from assay.gateway.limits.account import Account
from assay.gateway.limits.accounts import Accounts
from assay.gateway.limits.minute import SPAN_S
from assay.gateway.limits.most import Most, most_of, most_of_form, price_of
from assay.gateway.limits.shared import Shared
from assay.gateway.limits.sole import Sole
from assay.gateway.limits.wallet import Wallet
from assay.gateway.recorder import Settled
from assay.store.budgets import BudgetRow, list_budgets, recount
from assay.store.database import Database, Write
from assay.store.meters import load_leased, load_used, spend, tell_once

WAIT_S = 5.0
"""The longest that a request waits for the database."""
RECOUNT_S = 3.0
"""After so long every process knows of a new budget; then what was written meanwhile without counting it is counted."""

_NEW_US = 60_000_000
_log = logging.getLogger(__name__)


_Entry: TypeAlias = tuple[Wallet, int, int]
"""What is written down of a budget: in the window that starts then, so much."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a budget stands in its window, in its own measure; times in microseconds UTC. ``reserved`` is set aside for what runs."""

    budget: BudgetRow
    used: int
    reserved: int
    left: int
    starts: int
    resets: int | None


class Ledger:
    """Implements `assay.gateway.recorder.Book`. ``sole``: nobody else uses the database. ``near`` are called with a budget that has
    passed its ``near`` or its end, once per window of each, whichever process noticed."""

    def __init__(
        self,
        db: Database,
        *,
        sole: bool = True,
        output_tokens: int = 4096,
        allows_unpriced: bool = False,
        rates: Rates | None = None,
        clock: Clock = STEADY,
        span_s: float = SPAN_S,
    ):
        self._db = db
        self._clock = clock
        self._output_tokens = output_tokens
        self._allows_unpriced = allows_unpriced
        self._rates = rates or Rates()
        self._bank: Sole | Shared = Sole(db, self._is_writing, span_s) if sole else Shared(db, clock, span_s)
        self._accounts = Accounts(self._bank)
        self._costs_nothing: frozenset[str] = frozenset()
        self._writing: list[_Entry] | None = None
        self._written = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._recorded = asyncio.Event()  # the next commit of calls
        self.near: list[Callable[[Standing], None]] = []

    @classmethod
    def of(cls, db: Database, settings: Settings) -> Ledger:
        """The ledger that the settings ask for."""
        return cls(
            db,
            sole=settings.workers == 0 and db.dialect == "sqlite",
            output_tokens=settings.reserve_output_tokens,
            allows_unpriced=settings.unpriced == "allow",
            rates=Rates(settings.rates),
        )

    def take(self, settings: Settings) -> None:
        """Go on with these settings: for what is set aside from now on."""
        self._output_tokens = settings.reserve_output_tokens
        self._allows_unpriced = settings.unpriced == "allow"
        self._rates = Rates(settings.rates)

    # What there is

    async def refresh(self, providers: Sequence[tuple[Provider, Limits]] = ()) -> None:
        """Read budgets anew; ``providers`` are those that can be asked, with their limits. What is set aside stays so.

        Raises:
            Unavailable: the database cannot be read.
        """
        rows = await list_budgets(self._db)
        fresh = self._accounts.replace(rows, providers)
        self._costs_nothing = frozenset(provider.name for provider, _ in providers if provider.kind != "cloud")
        self._bank.changed(self._accounts.wallets.values())
        now = self._clock.now_us()
        self._recount_later([row for row in fresh if now - row.created < _NEW_US])

    # Before a call

    async def reserve(
        self,
        asker: Asker | None,
        deployment: Deployment,
        asked: Asked | None,
        body: bytes,
        *,
        again: bool = False,
        answers: bool = True,
    ) -> Hold | None:
        """Set aside what an attempt may use at most; None where nothing bounds it.

        ``asker`` is None where Assay itself asks, ``asked`` where the body is a form. ``again``: an attempt at the same request was made
        before, so that it is no further request of its asker's. ``answers``: tokens come out, unlike with embeddings.

        Raises:
            Spent: ``budget.spent``. Forbidden: ``budget.unpriced``, ``budget.no_rate``.
            RateLimited: ``limit.requests``, ``limit.tokens``, ``limit.concurrent``, with the seconds to wait where waiting helps.
            Unavailable: ``provider.busy``; ``store.unavailable``: what this process held is used up and the database is away.
        """
        account = self._accounts.of(asker, deployment.provider, again)
        if account is not None and account.money and deployment.price is None:
            account = self._without_money(account, deployment)
        if account is None:
            return None
        amounts: Sequence[int] = ()
        paced = 0
        if account.budgets or account.paces:
            most = self._most(deployment, asked, body, self._output_tokens if answers else 0)
            paced = most.usual
            if account.budgets:
                amounts = self._amounts(account, deployment, most)
        hold = self._bank.hold(account, amounts, paced, self._clock.now_us(), self._clock.steady_s())
        return hold if hold is not None else await self._wait_for(account, amounts, paced)

    def _most(self, deployment: Deployment, asked: Asked | None, body: bytes, output: int) -> Most:
        return most_of_form(body, output) if asked is None else most_of(body, asked.fields, deployment, output)

    def _without_money(self, account: Account, deployment: Deployment) -> Account | None:
        """Where nobody knows what a model costs."""
        if deployment.provider in self._costs_nothing or self._allows_unpriced:
            rest = account._replace(money=(), budgets=account.tokens, currency=None)
            return rest if any(rest) else None
        raise refusal.unpriced(account.money[0], deployment)

    def _amounts(self, account: Account, deployment: Deployment, most: Most) -> Sequence[int]:
        """How much is needed of each budget of tokens and of money."""
        tokens = (most.input + most.output,) * len(account.tokens)
        price = deployment.price
        if price is None or not account.money:
            return tokens
        nano = price_of(most, price)
        if price.currency == account.currency:
            return tokens + (nano,) * len(account.money)
        return tokens + tuple([self._converted(nano, wallet, deployment, price) for wallet in account.money])

    def _converted(self, nano: int, wallet: Wallet, deployment: Deployment, price: Price) -> int:
        assert wallet.budget is not None, "money is counted by budgets only"
        currency = wallet.budget.currency
        if currency == price.currency:
            return nano
        ratio = self._rates.ratio(price.currency, currency)
        if ratio is None:
            raise refusal.no_rate(wallet, deployment, price.currency)
        return ratio.convert(nano)

    async def _wait_for(self, account: Account, amounts: Sequence[int], paced: int) -> Hold:
        """Get what is missing, then set all of it aside at once."""
        needs = list(account.needs(amounts, paced))
        since_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(WAIT_S):
                while True:
                    now_us, now_s = self._clock.now_us(), self._clock.steady_s()
                    short = [(meter, need) for meter, need in needs if not meter.has(need, now_us, now_s)]
                    if not short and (hold := self._bank.hold(account, amounts, paced, now_us, now_s)) is not None:
                        return hold
                    refused = await self._bank.fill(short, now_us, now_s, since_s)
                    if refused is None:
                        continue
                    meter, need = refused
                    if not isinstance(meter, Wallet) or not self._will_have(meter, need):
                        raise _refuse(meter, need, self._clock)
                    # Whoever asks one thing after the other must not be refused for what only waits to be recorded.
                    await self._recorded.wait()
        except (TimeoutError, Unavailable) as error:
            if isinstance(error, Unavailable) and error.code == "provider.busy":
                raise
            raise refusal.no_answer() from error

    def _will_have(self, wallet: Wallet, need: int) -> bool:
        """Whether there is room once those requests are on record that are over, if they used nothing."""
        return need <= wallet.held and need <= wallet.room + sum(hold.frees(wallet) for hold in self._bank.ended)

    # After it

    def entries(self, settled: Sequence[Settled]) -> Sequence[Write]:
        """What was used, for the commit that records these calls."""
        writing: list[_Entry] = []
        touched: list[Wallet] = []
        for _, call in settled:
            at, cost = call.at, call.cost
            for wallet in self._accounts.wallets_of(call):
                # Most budgets are of money, in the currency of most prices.
                amount = cost.nano if cost is not None and wallet.currency == cost.currency else wallet.counts(call, self._rates)
                if not amount:
                    continue
                if not wallet.starts <= at < wallet.ends:
                    writing.append((wallet, wallet.window(at)[0], amount))
                else:
                    if not wallet.pending:
                        touched.append(wallet)
                    wallet.pending += amount
        for wallet in touched:
            writing.append((wallet, wallet.starts, wallet.pending))
            wallet.pending = 0
        self._writing = writing
        return spend([(wallet.key, starts, amount) for wallet, starts, amount in writing], self._bank.process)

    def committed(self, settled: Sequence[Settled]) -> None:
        """They are on disk: what was set aside and not used is free again."""
        writing, self._writing = self._writing or [], None
        self._written += 1
        for wallet, starts, amount in writing:
            if starts == wallet.starts:
                wallet.spend(amount)
                if wallet.used >= wallet.near and wallet.reaches > wallet.told:
                    self._tell(wallet)
        for attempt, call in settled:
            hold, usage = attempt.hold, call.usage
            if hold is not None:
                hold.settle(0 if usage is None else usage.total_input + usage.total_output)
        self._recorded.set()
        self._recorded = asyncio.Event()

    def _is_writing(self) -> tuple[bool, int]:
        return self._writing is not None, self._written

    # What others want to know

    async def standing(self) -> list[Standing]:
        """How all budgets stand now, the oldest first, over all processes.

        Raises:
            Unavailable: the database cannot be read.
        """
        at = self._clock.now_us()
        rows = await list_budgets(self._db)
        windows = {row.id: Wallet(row.id, Holder("key", ""), 0, row).window(at) for row in rows}
        used = await load_used(self._db, [(id, starts) for id, (starts, _) in windows.items()])
        leased = {} if self._bank.holds_all else await load_leased(self._db, list(windows))
        return [self._standing(row, windows[row.id], used, leased) for row in rows]

    def _standing(
        self, row: BudgetRow, window: tuple[int, int], used: Mapping[tuple[str, int], int], leased: Mapping[tuple[str, int], int]
    ) -> Standing:
        place = row.id, window[0]
        wallet = self._accounts.wallets.get(row.id)
        reserved = leased.get(place, 0) if not self._bank.holds_all else wallet.reserved if wallet is not None else 0
        spent = used.get(place, 0)
        return Standing(
            budget=row,
            used=spent,
            reserved=reserved,
            left=max(0, row.amount - spent - reserved),
            starts=window[0],
            resets=window[1] if row.per != "total" else None,
        )

    def _tell(self, wallet: Wallet) -> None:
        assert wallet.budget is not None, "only budgets come to an end"
        wallet.told = reached = wallet.reaches
        place = wallet.key, wallet.starts
        self._spawn(self._tell_once, self._standing(wallet.budget, (wallet.starts, wallet.ends), {place: wallet.used}, {}), reached)

    async def _tell_once(self, standing: Standing, reached: int) -> None:
        if await tell_once(self._db, standing.budget.id, standing.starts, reached):
            for told in self.near:
                told(standing)

    def _recount_later(self, rows: Sequence[BudgetRow]) -> None:
        if rows:
            self._spawn(self._recount, rows)

    async def _recount(self, rows: Sequence[BudgetRow]) -> None:
        await asyncio.sleep(RECOUNT_S)
        for row in rows:
            wallet = self._accounts.wallets.get(row.id)
            if wallet is None:
                continue
            at = self._clock.now_us()
            missing = await recount(self._db, row, at, self._rates)
            if self._bank.holds_all and wallet.starts == wallet.window(at)[0]:
                wallet.spend(missing)

    def _spawn(self, work: Callable[..., Awaitable[None]], *args: Any) -> None:
        task = asyncio.create_task(_quietly(work, *args), name="ledger")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give back what is left."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._bank.close()


async def _quietly(work: Callable[..., Awaitable[None]], *args: Any) -> None:
    try:
        await work(*args)
    except AssayError as error:
        _log.warning("the ledger's side work failed code=%s", error.code)


def _refuse(meter: Any, need: int, clock: Clock) -> AssayError:
    """The words for a bound that a request meets."""
    if isinstance(meter, Wallet):
        return refusal.spent(meter, need)
    return refusal.too_fast(meter.holder, meter.measure, meter.limit, need, meter.wait_s(need, clock.steady_s()))
