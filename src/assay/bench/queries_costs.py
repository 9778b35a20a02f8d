"""The SQL of what a run costs: one row for each worker and currency, and the budget leased to workers in portions.

What a worker holds is at least what it has spent; what it held when it was killed and did not spend stays held, since nobody knows
what was under way. The sum of what is held never exceeds the budget.
"""

from __future__ import annotations

import msgspec

from assay.core import Money
from assay.store import Database, Sql

LOCK_RUN = Sql(
    sqlite="SELECT id FROM bench_runs WHERE id = :run",
    postgresql="SELECT id FROM bench_runs WHERE id = :run FOR UPDATE",
)
UPSERT_SPENT = Sql("""
    INSERT INTO bench_costs (run, worker, currency, held, spent) VALUES (:run, :worker, :currency, :spent, :spent)
    ON CONFLICT (run, worker, currency) DO UPDATE SET
        spent = excluded.spent,
        held = CASE WHEN bench_costs.held < excluded.spent THEN excluded.spent ELSE bench_costs.held END
""")
HOLD = Sql("""
    INSERT INTO bench_costs (run, worker, currency, held, spent) VALUES (:run, :worker, :currency, :held, 0)
    ON CONFLICT (run, worker, currency) DO UPDATE SET held = excluded.held
""")
SELECT_HELD = Sql(
    "SELECT COALESCE(SUM(held), 0) AS held FROM bench_costs WHERE run = :run AND worker <> :worker AND currency = :currency"
)
SELECT_COSTS = Sql("""
    SELECT currency, SUM(held) AS held, SUM(spent) AS spent FROM bench_costs WHERE run = :run GROUP BY currency ORDER BY currency
""")
COUNT_HOLDING = Sql("""
    SELECT COUNT(*) AS count FROM bench_costs AS costs JOIN bench_workers AS workers
        ON workers.run = costs.run AND workers.worker = costs.worker
    WHERE costs.run = :run AND costs.worker <> :worker AND costs.held > costs.spent AND workers.beat >= 0
""")


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What a run took in one ``currency``: ``spent`` is known, ``held`` is more by what is set aside, or was and is not known."""

    currency: str
    spent: int
    held: int


async def hold(db: Database, run: str, worker: str, budget: Money, held: int, wanted: int, least: int) -> int:
    """Let ``worker``, who holds ``held`` nano-units of the budget, hold ``wanted`` more, yet no more than half of what is left, so that
    others find some, but at least ``least``. Returns what it holds then: as before, where there is less."""
    async with db.transaction() as tx:
        await tx.read(LOCK_RUN, run=run)
        others = await tx.read(SELECT_HELD, run=run, worker=worker, currency=budget.currency)
        left = budget.nano - int(others[0]["held"]) - held  # PostgreSQL sums bigints as numeric
        if left < least:
            return held
        held += max(least, min(wanted, left // 2))
        await tx.write(HOLD, {"run": run, "worker": worker, "currency": budget.currency, "held": held})
    return held


async def set_held(db: Database, run: str, worker: str, currency: str, held: int) -> None:
    """Let ``worker`` hold so much, and no more."""
    await db.write([(HOLD, {"run": run, "worker": worker, "currency": currency, "held": held})])


async def do_others_hold(db: Database, run: str, worker: str) -> bool:
    """Whether another worker, who is alive, may still give back some of the budget."""
    return int((await db.read(COUNT_HOLDING, run=run, worker=worker))[0]["count"]) > 0


async def load_costs(db: Database, run: str) -> list[Cost]:
    """What a run has cost so far, by currency."""
    rows = await db.read(SELECT_COSTS, run=run)
    return [Cost(currency=row["currency"], spent=int(row["spent"]), held=int(row["held"])) for row in rows]
