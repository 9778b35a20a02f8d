"""What this process may give out of a budget or of places at a time, and what it has set aside of that."""

from __future__ import annotations

from typing import Literal, TypeAlias

from assay.core import Holder, iso
from assay.core.rates import Rates
from assay.core.window import FOREVER, window_of
from assay.store.budgets import BudgetRow
from assay.store.meters import Used

UNKNOWN = (-1, -1)
"""The window of a wallet that has nothing yet."""

Told: TypeAlias = Literal[0, 1, 2]
"""Of a budget: nothing to tell, near its end, spent."""


class Wallet:
    """``held`` is ours to give out in the window from ``starts`` to ``ends``, ``reserved`` is set aside of it for requests that run.

    A process that is alone holds all that is left of the amount. Others hold a lease of it. What a call used leaves the wallet; what
    was set aside for it and not used is free again. What is set aside stays so when a window ends, since it may be used in the next.
    """

    __slots__ = (
        "amount",
        "budget",
        "ends",
        "expected",
        "held",
        "holder",
        "is_lease",
        "key",
        "lately",
        "pending",
        "reserved",
        "starts",
        "taken",
        "told",
        "used",
        "written",
    )

    def __init__(self, key: str, holder: Holder, amount: int, budget: BudgetRow | None = None, *, is_lease: bool = False):
        self.key = key
        self.holder = holder
        self.amount = amount
        self.is_lease = is_lease
        self.budget = budget
        """None where it is for places at a time."""
        self.starts, self.ends = UNKNOWN
        self.held = 0
        self.reserved = 0
        self.expected = 0
        """What of it is set aside for requests that are over, and free as soon as they are on record."""
        self.used = 0
        """As far as this process knows."""
        self.taken = self.lately = 0
        """How much was set aside since the last look, and before that: how fast it goes."""
        self.told: Told = 0
        self.pending = 0
        """What is just being written."""
        self.written = -1
        """The last window of which the meter surely has a row."""

    def has(self, need: int, at_us: int, now_s: float) -> bool:
        """Whether so much can be set aside now."""
        return self.held - self.reserved >= need and self.starts <= at_us < self.ends

    def will_have(self, need: int) -> bool:
        """Whether so much can be set aside once those requests are on record that are over, if they used nothing."""
        return self.held - self.reserved + self.expected >= need

    def expect(self, need: int) -> None:
        """So much of what is set aside will be settled within moments; below zero: it is."""
        self.expected += need

    def take(self, need: int, now_s: float) -> None:
        """Set it aside."""
        self.reserved += need
        self.taken += need

    def settle(self, need: int, mark: None, tokens: int) -> None:
        """What is used of it is known, and told by `spend`: it is not set aside any longer."""
        self.reserved -= need

    def spend(self, used: int) -> None:
        """So much was used in this window."""
        self.held = max(0, self.held - used) if self.is_lease else self.held - used
        self.used += used

    def counts(self, used: Used, rates: Rates) -> int:
        """What a call uses of the budget. Money of a currency without a rate counts nothing."""
        budget = self.budget
        assert budget is not None, "calls use nothing of places"
        if budget.measure == "tokens":
            return used.tokens
        if budget.measure == "requests":
            return used.attempts if budget.holder_kind == "provider" else used.requests
        if used.paid is None:
            return 0
        if used.paid.currency == budget.currency:
            return used.paid.nano
        ratio = rates.ratio(used.paid.currency, budget.currency)
        return 0 if ratio is None else ratio.convert(used.paid.nano)

    def window(self, at_us: int) -> tuple[int, int]:
        """The window that ``at_us`` lies in."""
        return (0, FOREVER) if self.budget is None else window_of(self.budget.per, at_us)

    def enter(self, window: tuple[int, int], held: int, used: int) -> None:
        """Begin a window with so much."""
        self.starts, self.ends = window
        self.held = held
        self.used = used
        self.told = 0

    def change(self, amount: int, holder: Holder, budget: BudgetRow | None) -> int:
        """Another amount, or another name; how much of a lease is to go back, since the whole is less now."""
        more, surplus = amount - self.amount, 0
        if not self.is_lease:
            self.held += more
        elif more < 0:
            surplus = max(0, self.held - self.reserved)
            self.held -= surplus
        if more > 0:
            self.told = 0
        self.amount, self.holder, self.budget = amount, holder, budget
        return surplus

    @property
    def reaches(self) -> Told:
        """How near its end the budget is."""
        if self.budget is None or self.amount == 0 or self.used < self.budget.near * self.amount:
            return 0
        return 2 if self.used >= self.amount else 1

    @property
    def resets(self) -> str | None:
        """When the window ends, as text; None where it never does."""
        return None if self.ends >= FOREVER or self.ends < 0 else iso(self.ends)
