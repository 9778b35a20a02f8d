"""The ledger does what a slow, plain one does, whatever happens in whichever order."""

from __future__ import annotations

import asyncio
import tempfile
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.core import Spent
from assay.core.window import window_of
from assay.gateway.hold import Hold
from assay.gateway.ledger import Ledger
from assay.store import migrate, open_database
from assay.store.budgets import change_budget
from tests.gateway.bookkeeping import Hands, asker, budget, check_books, reserve, settled, write_down

BYTES = 49
"""Of the body of `asking`, plus the digits of its number."""

_steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 1), st.integers(1, 400)),
        st.tuples(st.just("end"), st.integers(0, 9), st.integers(0, 500)),
        st.tuples(st.just("wait"), st.sampled_from([1, 600, 3600, 86_400]), st.just(0)),
        st.tuples(st.just("raise"), st.integers(0, 1), st.integers(0, 3000)),
        st.tuples(st.just("read"), st.just(0), st.just(0)),
    ),
    min_size=1,
    max_size=25,
)
_PERS = ("hour", "day")


class Twin:
    """Adds up lists. Two budgets of tokens, of a key per hour and of its team per day."""

    def __init__(self, amounts: list[int]):
        self.amounts = amounts
        self.open: list[tuple[Hold, int, int]] = []
        self.done: list[tuple[int, int]] = []

    def used(self, which: int, at: int) -> int:
        window = window_of(_PERS[which], at)  # type: ignore[arg-type]  # from a tuple
        return sum(tokens for begun, tokens in self.done if window[0] <= begun < window[1])

    def allows(self, need: int, at: int) -> bool:
        held = sum(needed for _, needed, _ in self.open)
        return all(self.used(which, at) + held + need <= amount for which, amount in enumerate(self.amounts))


@pytest.mark.parametrize("sole", [True, False])
@given(steps=_steps, amounts=st.tuples(st.integers(0, 2000), st.integers(0, 3000)))
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_the_ledger_agrees_with_a_slow_one(sole: bool, steps: list[tuple[str, int, int]], amounts: tuple[int, int]) -> None:
    asyncio.run(_compare(sole, steps, list(amounts)))


async def _compare(sole: bool, steps: list[tuple[str, int, int]], amounts: list[int]) -> None:
    hands, who = Hands(), asker(team="t1")
    with tempfile.TemporaryDirectory() as folder:
        db = await open_database(f"sqlite:///{folder}/assay.db")
        await migrate(db, "assay.store")
        holders: list[Any] = ["key", "team"]
        rows = [
            await budget(db, kind=kind, holder=id, measure="tokens", amount=amount, per=per)
            for kind, id, amount, per in zip(holders, ("k1", "t1"), amounts, _PERS, strict=True)
        ]
        ledger = Ledger(db, sole=sole, clock=hands.clock)
        await ledger.refresh()
        twin = Twin(amounts)
        for step, one, two in steps:
            at = hands.clock.now_us()
            match step:
                case "ask":
                    need = two + BYTES + len(str(two))
                    try:
                        hold = await reserve(ledger, who, two)
                    except Spent:
                        assert not twin.allows(need, at)
                    else:
                        assert hold is not None
                        assert twin.allows(need, at)
                        twin.open.append((hold, need, at))
                case "end" if twin.open:
                    hold, _, begun = twin.open.pop(one % len(twin.open))
                    await write_down(db, ledger, settled(who, hold, two, begun))
                    twin.done.append((begun, two))
                case "wait":
                    hands.pass_s(one)
                case "raise":
                    twin.amounts[one] = two
                    await change_budget(db, rows[one].id, amount=two)
                    await ledger.refresh()
                case "read":
                    await check_books(db)
                    standing = await ledger.standing()
                    assert [state.used for state in standing] == [twin.used(which, at) for which in (0, 1)]
        await check_books(db)
        await ledger.close()
        await db.close()
