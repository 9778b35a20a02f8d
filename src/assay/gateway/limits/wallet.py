"""What this process may give out of a budget or of places at a time, and what it has set aside of that."""

from __future__ import annotations

import math
import sys
from typing import Literal, TypeAlias

from assay.core import Call, Holder, iso
from assay.core.rates import Rates
from assay.core.window import FOREVER, window_of
from assay.store.budgets import BudgetRow
from assay.store.meters import requests_of, tokens_of

UNKNOWN = (-1, -1)
"""The window of a wallet that has nothing yet."""

Told: TypeAlias = Literal[0, 1, 2]
"""Of a budget: nothing to tell, near its end, spent."""


class Wallet:
    """``held`` is ours to give out in the window from ``starts`` to ``ends``; of that there is ``room`` for so much, and the rest is
    reserved: set aside for requests that run.

    A process that is alone holds all that is left of the amount. Others hold a lease of it. What a call used leaves the wallet; what
    was set aside for it and not used is free again. What is set aside stays so when a window ends, since it may be used in the next.
    """

    __slots__ = (
        "amount",
        "budget",
        "currency",
        "ends",
        "held",
        "holder",
        "is_lease",
        "key",
        "lately",
        "near",
        "pending",
        "room",
        "starts",
        "taken",
        "told",
        "used",
    )

    def __init__(self, key: str, holder: Holder, amount: int, budget: BudgetRow | None = None, *, is_lease: bool = False):
        self.key = key
        self.holder = holder
        self.amount = amount
        self.is_lease = is_lease
        self.budget = budget
        """None where it is for places at a time."""
        self.starts, self.ends = UNKNOWN
        self.held = self.room = 0
        self.used = 0
        """As far as this process knows."""
        self.near, self.currency = near_of(amount, budget), currency_of(budget)
        """So much used is worth a word; in what money, where it is for money."""
        self.taken = self.lately = 0
        """How much was set aside since the last look, and before that: how fast it goes."""
        self.told: Told = 0
        self.pending = 0
        """What is just being written."""

    def has(self, need: int, at_us: int, now_s: float) -> bool:
        """Whether so much can be set aside now."""
        return self.room >= need and self.starts <= at_us < self.ends

    @property
    def reserved(self) -> int:
        """What is set aside."""
        return self.held - self.room

    def add(self, amount: int) -> None:
        """So much more is ours to give out; below zero: less."""
        self.held += amount
        self.room += amount

    def lose(self) -> None:
        """What is held is others' now; what is set aside of it stays so."""
        self.add(-self.held)

    def spend(self, used: int) -> None:
        """So much was used in this window."""
        self.add(-min(used, self.held) if self.is_lease else -used)
        self.used += used

    def counts(self, call: Call, rates: Rates) -> int:
        """What a call uses of the budget. Money of a currency without a rate counts nothing."""
        budget, cost = self.budget, call.cost
        assert budget is not None, "calls use nothing of places"
        if budget.measure == "tokens":
            return tokens_of(call)
        if budget.measure == "requests":
            return requests_of(call, budget.holder_kind)
        if cost is None:
            return 0
        if cost.currency == budget.currency:
            return cost.nano
        ratio = rates.ratio(cost.currency, budget.currency)
        return 0 if ratio is None else ratio.convert(cost.nano)

    def window(self, at_us: int) -> tuple[int, int]:
        """The window that ``at_us`` lies in."""
        return (0, FOREVER) if self.budget is None else window_of(self.budget.per, at_us)

    def enter(self, window: tuple[int, int], held: int, used: int) -> None:
        """Begin a window with so much."""
        self.starts, self.ends = window
        self.add(held - self.held)
        self.used = used
        self.told = 0

    def change(self, amount: int, holder: Holder, budget: BudgetRow | None) -> int:
        """Another amount, or another name; how much of a lease is to go back, since the whole is less now."""
        more, surplus = amount - self.amount, 0
        if not self.is_lease:
            self.add(more)
        elif more < 0:
            surplus = max(0, self.room)
            self.add(-surplus)
        if more > 0:
            self.told = 0
        self.amount, self.holder, self.budget = amount, holder, budget
        self.near, self.currency = near_of(amount, budget), currency_of(budget)
        return surplus

    @property
    def reaches(self) -> Told:
        """How near its end the budget is."""
        if self.used < self.near:
            return 0
        return 2 if self.used >= self.amount else 1

    @property
    def resets(self) -> str | None:
        """When the window ends, as text; None where it never does."""
        return None if self.ends >= FOREVER or self.ends < 0 else iso(self.ends)


def near_of(amount: int, budget: BudgetRow | None) -> float:
    """So much used is worth a word; of a budget of nothing, and of places, never."""
    return budget.near * amount if budget is not None and amount else math.inf


def currency_of(budget: BudgetRow | None) -> str | None:
    """Of a budget of money; one text for all, so that comparing it looks nowhere else."""
    return sys.intern(budget.currency) if budget is not None and budget.currency else None
