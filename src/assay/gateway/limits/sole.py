"""Meters of a process that is alone with its database: it gives out all there is, and asks only how much was used of a new window."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from assay.core import Holder, Measure
from assay.core.window import FOREVER
from assay.gateway.hold import Need
from assay.gateway.limits.minute import Minute
from assay.gateway.limits.wallet import Wallet
from assay.store.database import Database
from assay.store.meters import load_used

_PAUSE_S = 0.005


class Sole:
    """``is_writing`` says whether what was used is being written just now, and how often it was written before."""

    valid_until = float("inf")
    holds_all = True
    process = None

    def __init__(self, db: Database, is_writing: Callable[[], tuple[bool, int]], span_s: float):
        self._db = db
        self._is_writing = is_writing
        self._span_s = span_s

    def places(self, key: str, holder: Holder, amount: int) -> Wallet:
        """A limit of requests at a time."""
        wallet = Wallet(key, holder, amount)
        wallet.enter((0, FOREVER), amount, 0)
        return wallet

    def rate(self, key: str, holder: Holder, measure: Measure, limit: int) -> Minute:
        """A limit per minute."""
        return Minute(key, holder, measure, limit, self._span_s)

    async def fill(self, short: Sequence[Need], at_us: int, now_s: float, since_s: float) -> Need | None:
        """Get more for the meters that are short of something; the need for which there is no more, or None: look again.

        Raises:
            Unavailable: the database does not answer.
        """
        stale = [meter for meter, _ in short if isinstance(meter, Wallet) and not meter.starts <= at_us < meter.ends]
        if not stale:
            return short[0]
        windows = {wallet.key: wallet.window(at_us) for wallet in stale}
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
        return None

    def changed(self) -> None:
        """There is as much as the ledger says."""

    def give_back(self, key: str, starts: int, amount: int) -> None:
        """Nothing was leased."""

    async def close(self) -> None:
        """There is nothing to give back."""
