"""What tests of the ledger stand on: clocks that are moved by hand, a deployment with a price, and calls that used what they are told."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from assay.core import Asker, Call, Deployment, Holder, Limits, Model, Price, Provider, Usage, new_id
from assay.core.clock import Clock
from assay.core.holder import HolderKind
from assay.core.window import window_of
from assay.gateway.attempt import Attempt
from assay.gateway.dialect import Asked, read_asked
from assay.gateway.hold import Hold
from assay.gateway.ledger import Ledger
from assay.gateway.recorder import Settled
from assay.gateway.snapshot import Route
from assay.gateway.upstream import Upstream
from assay.store import Database
from assay.store.budgets import BudgetRow, create_budget, list_budgets
from assay.store.meters import load_used
from assay.store.queries import list_calls, record_calls

NOON_US = 1_795_348_800_000_000
"""2026-11-22T12:00:00Z, a Sunday."""
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
NANO = 1_000_000_000

PRICE = Price(input=0, output=NANO, source="https://example.org/prices", date="2026-11-22")
"""A thousand nano-dollars per token of output: costs are easy to see."""
PROVIDER = Provider(name="up", title="Up", base_url="http://up/v1", models=(Model(name="m", price=PRICE),))
DEPLOYMENT = Deployment(id="up/m", provider="up", model="m", upstream_model="m", price=PRICE)
ROUTE = Route(DEPLOYMENT, Upstream(PROVIDER, None))


class Hands:
    """The hands of a wall clock and of a steady one; `pass_s` moves both, `set_wall` only what somebody may set."""

    def __init__(self, at_us: int = NOON_US):
        self.wall_ns = at_us * 1000
        self.steady_ns = 1_000_000_000_000
        self.clock = Clock(lambda: self.wall_ns, lambda: self.steady_ns)

    def pass_s(self, seconds: float) -> None:
        self.wall_ns += int(seconds * 1e9)
        self.steady_ns += int(seconds * 1e9)

    def set_wall(self, by_s: float) -> None:
        self.wall_ns += int(by_s * 1e9)


def asker(*, key: str = "k1", user: str | None = None, team: str | None = None, **limits: Limits) -> Asker:
    """A key of a user of a team; ``limits`` by kind: ``key_limits`` and so on."""
    held: dict[HolderKind, str | None] = {"key": key, "user": user, "team": team}
    holders = tuple(
        Holder(kind, id, f"{kind} {id}", limits.get(f"{kind}_limits", Limits())) for kind, id in held.items() if id is not None
    )
    return Asker(key=key, user=user, team=team, holders=holders)


def asking(most: int = 100) -> tuple[Asked, bytes]:
    """A request that may have so many tokens of output."""
    body = json.dumps({"model": "up/m", "max_tokens": most, "messages": []}).encode()
    return read_asked(body), body


async def reserve(ledger: Ledger, who: Asker | None, most: int = 100) -> Hold | None:
    """Set aside what such a request may use."""
    return await ledger.reserve(who, DEPLOYMENT, *asking(most))


def settled(who: Asker | None, hold: Hold | None, tokens: int, at: int, **known: Any) -> Settled:
    """An attempt that used so many tokens of output, and its record."""
    id = new_id()
    attempt = Attempt(ROUTE, asked="up/m", purpose="traffic", stream=False, request_id=id, id=id, asker=who)
    attempt.hold = hold
    attempt.at = at
    attempt.end("ok")
    usage = Usage(output=tokens)
    call = attempt.call(usage=usage, cost=PRICE.cost(usage))
    return Settled(attempt, msgspec.structs.replace(call, **known))


async def write_down(db: Database, ledger: Ledger, *done: Settled) -> None:
    """Record calls as the recorder does."""
    for one in done:
        if one.attempt.hold is not None:
            one.attempt.hold.over()
    await record_calls(db, [one.call for one in done], [], ledger.entries(done))
    ledger.committed(done)


async def budget(
    db: Database,
    at: int = NOON_US,
    *,
    kind: HolderKind = "key",
    holder: str = "k1",
    measure: Any = "money",
    amount: int = NANO,
    per: Any = "day",
) -> BudgetRow:
    """Make a budget, in USD where it is money."""
    return await create_budget(
        db,
        at,
        holder_kind=kind,
        holder=holder,
        measure=measure,
        amount=amount,
        per=per,
        currency="USD" if measure == "money" else "",
    )


async def check_books(db: Database) -> dict[str, dict[int, int]]:
    """Every meter is the sum of its holder's calls in its window, and every such sum has a meter; what was used, by budget and window."""
    calls = await list_calls(db, 100_000)
    shown: dict[str, dict[int, int]] = {}
    for row in await list_budgets(db):
        sums: dict[int, int] = {}
        for call in calls:
            if _holder(call, row.holder_kind) == row.holder:
                starts = window_of(row.per, call.at)[0]
                sums[starts] = sums.get(starts, 0) + _counts(call, row)
        since = window_of(row.per, row.created)[0]
        sums = {starts: used for starts, used in sums.items() if used and starts >= since}
        found = await load_used(db, [(row.id, starts) for starts in sums])
        assert {starts: found.get((row.id, starts), 0) for starts in sums} == sums, row
        shown[row.id] = sums
    return shown


def _holder(call: Call, kind: HolderKind) -> str | None:
    return {"key": call.key, "user": call.user, "team": call.team, "provider": call.provider}[kind]


def _counts(call: Call, row: BudgetRow) -> int:
    match row.measure:
        case "requests":
            return int(call.cached is None if row.holder_kind == "provider" else call.id == call.request_id)
        case "tokens":
            usage = call.usage or Usage()
            return 0 if call.cached else usage.total_input + usage.total_output
        case "money":
            return 0 if call.cost is None else call.cost.nano
