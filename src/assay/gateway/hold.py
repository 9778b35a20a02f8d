"""What was set aside of budgets and limits for one attempt at a request, until it is on record what it used.

A request takes from a dozen meters, and gives back to most of them. So what is set aside of a `Wallet` is counted here, where the
loops are, and not by a call for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from assay.gateway.limits.account import Account
from assay.gateway.limits.wallet import Wallet


class Hold:
    """Of one attempt at a request: ``amounts`` of the account's budgets, ``paced`` tokens of each limit per minute, and one of everything
    else. While the attempt is over and not on record yet, it is among the ``ended``."""

    __slots__ = ("_account", "_amounts", "_ended", "_marks", "_paced", "_state")

    def __init__(self, account: Account, amounts: Sequence[int], paced: int, ended: set[Hold]):
        self._account, self._amounts, self._paced = account, amounts, paced
        self._marks: list[Any] = []
        self._ended = ended
        self._state: Literal["runs", "ended", "settled"] = "runs"

    def take(self, now_s: float) -> bool:
        """Set it all aside, where the wallets have so much; else nothing, and there is no attempt. Rates have been asked before."""
        account, is_short = self._account, False
        for wallet in account.places:
            wallet.room = left = wallet.room - 1
            if left < 0:
                is_short = True
        for wallet in account.requests:
            wallet.room = left = wallet.room - 1
            if left < 0:
                is_short = True
        for wallet, need in zip(account.budgets, self._amounts):  # noqa: B905  # one amount for each; to check that takes as long again
            wallet.room = left = wallet.room - need
            if left < 0:
                is_short = True
        if is_short:
            self.settle(0)
            return False
        for rate in account.rates:
            rate.take(1, now_s)
        self._marks = [pace.take(self._paced, now_s) for pace in account.paces]
        return True

    def over(self) -> None:
        """The attempt runs no longer: its places are free. What it used is told when its call is settled."""
        if self._state == "runs":
            self._state = "ended"
            self._ended.add(self)
            for place in self._account.places:
                place.room += 1

    def unused(self) -> None:
        """The attempt surely used nothing, beyond being a request."""
        self._settle_tokens(0)

    def settle(self, tokens: int) -> None:
        """The attempt's call is on record, with so many tokens."""
        if self._state != "settled":
            self._settle_tokens(tokens)
        for wallet in self._account.requests:
            wallet.room += 1

    def frees(self, wallet: Wallet) -> int:
        """How much of a budget will be free if nothing of it is used."""
        return sum(need for one, need in zip(self._account.budgets, self._amounts, strict=True) if one is wallet)

    def _settle_tokens(self, tokens: int) -> None:
        """It is known how many tokens were used; what else was set aside is free."""
        if self._state == "runs":
            self.over()
        self._state = "settled"
        self._ended.discard(self)
        account = self._account
        for wallet, need in zip(account.budgets, self._amounts):  # noqa: B905  # as above
            wallet.room += need
        paced = self._paced
        for pace, mark in zip(account.paces, self._marks):  # noqa: B905  # as above
            pace.settle(paced, mark, tokens)
