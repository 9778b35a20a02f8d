"""Whose meters a request takes from: compiled once for each asker and provider, and kept when what bounds them changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.core import Asker, Call, Holder, HolderKind, Limits, Measure, Provider
from assay.gateway.limits.account import Account
from assay.gateway.limits.meter import Rate
from assay.gateway.limits.minute import Minute
from assay.gateway.limits.permits import Permits
from assay.gateway.limits.shared import Shared
from assay.gateway.limits.sole import Sole
from assay.gateway.limits.wallet import Wallet
from assay.store.budgets import BudgetRow
from assay.store.meters import RATE


class Accounts:
    """``wallets`` are those of all budgets, by id."""

    def __init__(self, bank: Sole | Shared):
        self._bank = bank
        self.wallets: dict[str, Wallet] = {}
        self._of: dict[HolderKind, dict[str | None, tuple[Wallet, ...]]] = {"key": {}, "user": {}, "team": {}, "provider": {}}
        self._limits: dict[str, Any] = {}
        self._providers: dict[str, Holder] = {}
        self._compiled: dict[tuple[str | None, str, bool], tuple[Asker | None, Account | None]] = {}
        self._counting: dict[tuple[str | None, ...], tuple[Wallet, ...]] = {}

    def replace(self, rows: Sequence[BudgetRow], providers: Sequence[tuple[Provider, Limits]]) -> list[BudgetRow]:
        """Go on with these budgets, and these providers with their limits; the budgets that are new."""
        fresh = [row for row in rows if row.id not in self.wallets]
        self.wallets = {row.id: self._wallet(row) for row in rows}
        for of in self._of.values():
            of.clear()
        for row in rows:
            of = self._of[row.holder_kind]
            of[row.holder] = (*of.get(row.holder, ()), self.wallets[row.id])
        self._providers = {
            provider.name: Holder("provider", provider.name, provider.title, limits) for provider, limits in providers
        }
        self._compiled, self._counting = {}, {}
        return fresh

    def of(self, asker: Asker | None, provider: str, again: bool) -> Account | None:
        """The meters of a key, its user and its team, and those of a provider; None where there are none. ``again``: it is no further request
        of the asker's, who needs places for it and what it uses."""
        place = None if asker is None else asker.key, provider, again
        known = self._compiled.get(place)
        if known is None or known[0] is not asker:
            known = self._compiled[place] = asker, self._compile(asker, provider, again)
        return known[1]

    def wallets_of(self, call: Call) -> tuple[Wallet, ...]:
        """The budgets that a call counts for."""
        if not self.wallets:
            return ()
        holders = call.key, call.user, call.team, call.provider
        wallets = self._counting.get(holders)
        if wallets is None:
            wallets = sum((of.get(holder, ()) for of, holder in zip(self._of.values(), holders, strict=True)), ())
            self._counting[holders] = wallets
        return wallets

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

    def _compile(self, asker: Asker | None, provider: str, again: bool) -> Account | None:
        own = self._account(() if asker is None else asker.holders)
        named = self._providers.get(provider)
        theirs = self._account(() if named is None else (named,))
        if again:
            own = own._replace(requests=(), rates=())
        both = _account_of(
            own.places + theirs.places,
            own.requests + theirs.requests,
            own.rates + theirs.rates,
            own.paces + theirs.paces,
            own.tokens + theirs.tokens,
            own.money + theirs.money,
        )
        return both if any(both) else None

    def _account(self, holders: Sequence[Holder]) -> Account:
        places: list[Wallet] = []
        rates: list[Rate] = []
        paces: list[Rate] = []
        of: dict[Measure, list[Wallet]] = {"requests": [], "tokens": [], "money": []}
        for holder in holders:
            limits = holder.limits
            if limits.concurrent is not None:
                places.append(self._places(holder, limits.concurrent))
            if limits.requests_per_minute is not None:
                rates.append(self._rate(holder, "requests", limits.requests_per_minute))
            if limits.tokens_per_minute is not None:
                paces.append(self._rate(holder, "tokens", limits.tokens_per_minute))
            for wallet in self._of[holder.kind].get(holder.id, ()):
                assert wallet.budget is not None, "a budget's wallet has its row"
                of[wallet.budget.measure].append(wallet)
        return _account_of(places, of["requests"], rates, paces, of["tokens"], of["money"])

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
        rate.change(limit, holder)
        return rate


def _account_of(
    places: Sequence[Wallet],
    requests: Sequence[Wallet],
    rates: Sequence[Rate],
    paces: Sequence[Rate],
    tokens: Sequence[Wallet],
    money: Sequence[Wallet],
) -> Account:
    currencies = {wallet.budget.currency for wallet in money if wallet.budget is not None}
    return Account(
        places=tuple(places),
        requests=tuple(requests),
        rates=tuple(rates),
        paces=tuple(paces),
        tokens=tuple(tokens),
        money=tuple(money),
        budgets=(*tokens, *money),
        currency=currencies.pop() if len(currencies) == 1 else None,
    )
