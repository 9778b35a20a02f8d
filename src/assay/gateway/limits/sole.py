"""Meters of a process that is alone with its database: it gives out all there is, and asks only how much was used of a new window."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from assay.core import Holder, Measure
from assay.core.window import FOREVER
from assay.gateway.hold import Hold
from assay.gateway.limits.account import Account
from assay.gateway.limits.meter import Need
from assay.gateway.limits.minute import Minute
from assay.gateway.limits.wallet import Wallet
from assay.store.database import Database
from assay.store.meters import load_used

_PAUSE_S = 0.005


class Sole:
    """``is_writing`` says whether what was used is being written just now, and how often it was written before."""

    holds_all = True
    process = None

    def __init__(self, db: Database, is_writing: Callable[[], tuple[bool, int]], span_s: float):
        self._db = db
        self._is_writing = is_writing
        self._span_s = span_s
        self._wallets: list[Wallet] = []
        self._from_us = self._until_us = 0
        """Between these every wallet is in its window: one look is enough."""
        self._entering = asyncio.Lock()
        self.ended: set[Hold] = set()

    def places(self, key: str, holder: Holder, amount: int) -> Wallet:
        """A limit of requests at a time."""
        wallet = Wallet(key, holder, amount)
        wallet.enter((0, FOREVER), amount, 0)
        return wallet

    def rate(self, key: str, holder: Holder, measure: Measure, limit: int) -> Minute:
        """A limit per minute."""
        return Minute(key, holder, measure, limit, self._span_s)

    def hold(self, account: Account, amounts: Sequence[int], paced: int, at_us: int, now_s: float) -> Hold | None:
        """Set aside what is wanted, if there surely is room for all of it: a request takes from a dozen meters, so none of them is called
        to ask. A rate may have room that it has not noticed yet."""
        if not self._from_us <= at_us < self._until_us and not _is_in_its_windows(account, at_us):
            return None
        for rate in account.rates:
            if rate.room < 1:
                return None
        for pace in account.paces:
            if pace.room < paced:
                return None
        hold = Hold(account, amounts, paced, self.ended)
        return hold if hold.take(now_s) else None

    async def fill(self, short: Sequence[Need], at_us: int, now_s: float, since_s: float) -> Need | None:
        """Get more for the meters that are short of something; the need for which there is no more, or None: look again.

        Raises:
            Unavailable: the database does not answer.
        """
        if all(not isinstance(meter, Wallet) or meter.starts <= at_us < meter.ends for meter, _ in short):
            return short[0]
        async with self._entering:
            stale = [wallet for wallet in self._wallets if not wallet.starts <= at_us < wallet.ends]
            if stale:
                await self._enter(stale, at_us)
            self._look_at_windows()
        return None

    async def _enter(self, stale: Sequence[Wallet], at_us: int) -> None:
        """Begin the window of ``at_us``: of all budgets at once, so that the others need not ask one by one."""
        same: dict[tuple[int, int], tuple[int, int]] = {}  # equal ones share their numbers: less memory to look at
        windows = {wallet.key: same.setdefault(window := wallet.window(at_us), window) for wallet in stale}
        while True:
            before = self._is_writing()
            used = await load_used(self._db, [(key, starts) for key, (starts, _) in windows.items()])
            # What is being written while we read may be among it or not: then we read again.
            if not before[0] and self._is_writing() == before:
                break
            await asyncio.sleep(_PAUSE_S)
        for wallet in stale:
            window = windows[wallet.key]
            found = used.get((wallet.key, window[0]), 0)
            wallet.enter(window, wallet.amount - found, found)

    def changed(self, wallets: Iterable[Wallet]) -> None:
        """These are the budgets now. There is as much as the ledger says."""
        self._wallets = list(wallets)
        self._look_at_windows()

    def _look_at_windows(self) -> None:
        self._from_us = max((wallet.starts for wallet in self._wallets), default=0)
        self._until_us = min((wallet.ends for wallet in self._wallets), default=FOREVER)

    def give_back(self, key: str, starts: int, amount: int) -> None:
        """Nothing was leased."""

    async def close(self) -> None:
        """There is nothing to give back."""


def _is_in_its_windows(account: Account, at_us: int) -> bool:
    """Whether these wallets are, though others are not: nobody waits for those."""
    return all(wallet.starts <= at_us < wallet.ends for wallet in (*account.requests, *account.budgets))
