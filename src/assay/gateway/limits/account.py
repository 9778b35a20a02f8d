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

    def needs(self, amounts: Sequence[int], paced: int) -> Iterator[Need]:
        """What an attempt needs, one after the other: ``amounts`` of the budgets of tokens and money, in their order; ``paced`` tokens of each
        limit per minute; and one of everything else."""
        for meter in (*self.places, *self.requests, *self.rates):
            yield meter, 1
        yield from zip(self.budgets, amounts, strict=True)
        for meter in self.paces:
            yield meter, paced
