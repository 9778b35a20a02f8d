"""Whose meters a request takes from: compiled once for each asker and provider, and kept when what bounds them changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from assay.core import Asker, Call, Holder, HolderKind, Limits, Measure, Provider
from assay.gateway.limits.minute import Minute
from assay.gateway.limits.permits import Permits
from assay.gateway.limits.shared import Shared
from assay.gateway.limits.sole import Sole
from assay.gateway.limits.wallet import Wallet
from assay.store.budgets import BudgetRow
from assay.store.meters import RATE


class Account(NamedTuple):
    """The meters of somebody: ``singles`` of which a request takes one each (``places`` and budgets of ``requests`` among them), those of
    tokens, of tokens per minute, and of money. ``is_counted``: it matters how large a request is."""

    places: tuple[Wallet, ...] = ()
    requests: tuple[Wallet, ...] = ()
    singles: tuple[Any, ...] = ()
    tokens: tuple[Wallet, ...] = ()
    paces: tuple[Minute | Permits, ...] = ()
    money: tuple[Wallet, ...] = ()
    is_counted: bool = False


NOBODY = Account()


class Accounts:
    """``wallets`` are those of all budgets, by id."""

    def __init__(self, bank: Sole | Shared):
        self._bank = bank
        self.wallets: dict[str, Wallet] = {}
        self._of: dict[HolderKind, dict[str | None, tuple[Wallet, ...]]] = {"key": {}, "user": {}, "team": {}, "provider": {}}
        self._limits: dict[str, Any] = {}
        self._askers: dict[str, tuple[Asker, Account]] = {}
        self._providers: dict[str, Account] = {}

    def replace(self, rows: Sequence[BudgetRow], providers: Sequence[tuple[Provider, Limits]]) -> list[BudgetRow]:
        """Go on with these budgets, and these providers with their limits; the budgets that are new."""
        fresh = [row for row in rows if row.id not in self.wallets]
        self.wallets = {row.id: self._wallet(row) for row in rows}
        for of in self._of.values():
            of.clear()
        for row in rows:
            of = self._of[row.holder_kind]
            of[row.holder] = (*of.get(row.holder, ()), self.wallets[row.id])
        self._askers = {}
        named = {provider.name: Holder("provider", provider.name, provider.title, limits) for provider, limits in providers}
        self._providers = {name: account for name, holder in named.items() if (account := self._account([holder])) != NOBODY}
        return fresh

    def of_asker(self, asker: Asker) -> Account:
        """The meters of a key, its user and its team."""
        known = self._askers.get(asker.key)
        if known is None or known[0] is not asker:
            known = self._askers[asker.key] = asker, self._account(asker.holders)
        return known[1]

    def of_provider(self, name: str) -> Account:
        """The meters of a provider."""
        return self._providers.get(name, NOBODY)

    def wallets_of(self, call: Call) -> tuple[Wallet, ...]:
        """The budgets that a call counts for."""
        of = self._of
        return (
            of["key"].get(call.key, ())
            + of["user"].get(call.user, ())
            + of["team"].get(call.team, ())
            + of["provider"].get(call.provider, ())
        )

    def _wallet(self, row: BudgetRow) -> Wallet:
        holder = Holder(row.holder_kind, row.holder, row.holder_name)
        wallet = self.wallets.get(row.id)
        if wallet is None:
            return Wallet(row.id, holder, row.amount, row, is_lease=not self._bank.holds_all)
        self._change(wallet, row.amount, holder, row)
        return wallet

    def _change(self, wallet: Wallet, amount: int, holder: Holder, budget: BudgetRow | None) -> None:
        surplus = wallet.change(amount, holder, budget)
        self._bank.give_back(wallet.key, wallet.starts, surplus)

    def _account(self, holders: Sequence[Holder]) -> Account:
        places: list[Wallet] = []
        rates: list[Minute | Permits] = []
        paces: list[Minute | Permits] = []
        for holder in holders:
            limits = holder.limits
            if limits.concurrent is not None:
                places.append(self._places(holder, limits.concurrent))
            if limits.requests_per_minute is not None:
                rates.append(self._rate(holder, "requests", limits.requests_per_minute))
            if limits.tokens_per_minute is not None:
                paces.append(self._rate(holder, "tokens", limits.tokens_per_minute))
        of: dict[Measure, list[Wallet]] = {"requests": [], "tokens": [], "money": []}
        for wallet in [wallet for holder in holders for wallet in self._of[holder.kind].get(holder.id, ())]:
            assert wallet.budget is not None, "a budget's wallet has its row"
            of[wallet.budget.measure].append(wallet)
        return Account(
            places=tuple(places),
            requests=tuple(of["requests"]),
            singles=(*places, *rates, *of["requests"]),
            tokens=tuple(of["tokens"]),
            paces=tuple(paces),
            money=tuple(of["money"]),
            is_counted=bool(of["tokens"] or of["money"] or paces),
        )

    def _places(self, holder: Holder, amount: int) -> Wallet:
        key = f"{holder.kind}:{holder.id}:concurrent"
        wallet: Wallet | None = self._limits.get(key)
        if wallet is None:
            wallet = self._limits[key] = self._bank.places(key, holder, amount)
        self._change(wallet, amount, holder, None)
        return wallet

    def _rate(self, holder: Holder, measure: Measure, limit: int) -> Minute | Permits:
        key = f"{RATE}{holder.kind}:{holder.id}:{measure}"
        rate: Minute | Permits | None = self._limits.get(key)
        if rate is None:
            rate = self._limits[key] = self._bank.rate(key, holder, measure, limit)
        rate.limit, rate.holder = limit, holder
        return rate
