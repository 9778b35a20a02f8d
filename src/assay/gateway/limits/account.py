"""The meters that one kind of request takes from, and what an attempt at it needs of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from assay.gateway.limits.meter import Need, Rate
from assay.gateway.limits.wallet import Wallet


class Account(NamedTuple):
    """One each of ``places`` at a time, of budgets of ``requests`` and of ``rates`` of requests; tokens of ``paces`` per minute; and of
    ``budgets``, those of ``tokens`` first, then those of ``money``; these are all in ``currency`` unless that is None."""

    places: tuple[Wallet, ...]
    requests: tuple[Wallet, ...]
    rates: tuple[Rate, ...]
    paces: tuple[Rate, ...]
    tokens: tuple[Wallet, ...]
    money: tuple[Wallet, ...]
    budgets: tuple[Wallet, ...]
    currency: str | None


class Wanted(NamedTuple):
    """What an attempt needs of an account: ``amounts`` of its budgets of tokens and money, in their order; ``paced`` tokens of each limit
    per minute; and one of everything else."""

    account: Account
    amounts: Sequence[int]
    paced: int

    def needs(self) -> Iterator[Need]:
        """One after the other."""
        account, amounts, paced = self
        for meter in (*account.places, *account.requests, *account.rates):
            yield meter, 1
        yield from zip(account.budgets, amounts, strict=True)
        for meter in account.paces:
            yield meter, paced

    def fits(self, at_us: int) -> bool:
        """Whether there surely is room for all of it, seen at a glance: a request takes from a dozen meters, so none of them is called. A rate
        may have room that it has not noticed yet."""
        account, amounts, paced = self
        for place in account.places:
            if place.room < 1:
                return False
        for wallet in account.requests:
            if wallet.room < 1 or not wallet.starts <= at_us < wallet.ends:
                return False
        for wallet, need in zip(account.budgets, amounts):  # noqa: B905  # one amount for each; to check that takes as long again
            if wallet.room < need or not wallet.starts <= at_us < wallet.ends:
                return False
        for rate in account.rates:
            if rate.room < 1:
                return False
        for pace in account.paces:  # noqa: SIM110  # a generator would take as long again
            if pace.room < paced:
                return False
        return True
