"""The SQL of who works on what: shards are leased, and fall back when whoever has them is not heard of any more.

A worker's count goes up for as long as it works, and whoever watches compares it with a steady clock of their own; so it does not
matter what time the others believe it is. One that was taken for lost and is not finds its count at -1.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.store import Database, Sql

LOCK_RUN = Sql(
    sqlite="SELECT id FROM bench_runs WHERE id = :run AND state = 'running'",
    postgresql="SELECT id FROM bench_runs WHERE id = :run AND state = 'running' FOR SHARE",
)
INSERT_WORKER = Sql("INSERT INTO bench_workers (run, worker, owner, beat) VALUES (:run, :worker, :owner, 0)")
BEAT = Sql("UPDATE bench_workers SET beat = beat + 1 WHERE run = :run AND worker = :worker AND beat >= 0")
SELECT_WORKERS = Sql("SELECT worker, beat FROM bench_workers WHERE run = :run AND beat >= 0 ORDER BY worker")
SELECT_ALIVE = Sql(
    sqlite="SELECT beat FROM bench_workers WHERE run = :run AND worker = :worker AND beat >= 0",
    postgresql="SELECT beat FROM bench_workers WHERE run = :run AND worker = :worker AND beat >= 0 FOR UPDATE",
)
END_WORKER = Sql("UPDATE bench_workers SET beat = -1 WHERE run = :run AND worker = :worker")
END_LOST = Sql("UPDATE bench_workers SET beat = -1 WHERE run = :run AND worker = :worker AND beat = :beat")
END_OWN = Sql("UPDATE bench_workers SET beat = -1 WHERE run = :run AND owner = :owner")
FREE = Sql("""
    UPDATE bench_shards SET worker = NULL WHERE run = :run AND done = 0 AND worker IN (
        SELECT worker FROM bench_workers WHERE run = :run AND beat = -1
    )
""")
SORT_OUT = Sql("""
    UPDATE bench_shards SET worker = NULL, done = CASE WHEN EXISTS (
        SELECT 1 FROM bench_results AS results
        WHERE results.run = :run AND results.state IN ('waiting', 'answered')
          AND results.number >= bench_shards.shard * :size AND results.number < (bench_shards.shard + 1) * :size
    ) THEN 0 ELSE 1 END
    WHERE run = :run AND (done = 1 OR worker IS NULL)
""")
_FREE = "SELECT shard FROM bench_shards WHERE run = :run AND done = 0 AND worker IS NULL ORDER BY shard LIMIT :limit"
SELECT_FREE = Sql(sqlite=_FREE, postgresql=f"{_FREE} FOR UPDATE SKIP LOCKED")
TAKE = Sql("UPDATE bench_shards SET worker = :worker WHERE run = :run AND shard = :shard")
SET_DONE = Sql("UPDATE bench_shards SET done = 1 WHERE run = :run AND shard = :shard AND worker = :worker")
COUNT_LEFT = Sql("""
    SELECT COALESCE(SUM(CASE WHEN worker IS NULL THEN 1 ELSE 0 END), 0) AS free,
           COALESCE(SUM(CASE WHEN worker <> :worker THEN 1 ELSE 0 END), 0) AS others
    FROM bench_shards WHERE run = :run AND done = 0
""")


async def enter(db: Database, run: str, worker: str, owner: str) -> None:
    """Say that ``worker``, a name that nobody had before, works on a run."""
    await db.write([(INSERT_WORKER, {"run": run, "worker": worker, "owner": owner})])


async def beat(db: Database, run: str, worker: str) -> bool:
    """Say that ``worker`` is still there; False where it was taken for lost, or the run is not running."""
    async with db.transaction() as tx:
        if not await tx.read(LOCK_RUN, run=run):
            return False
        return await tx.write(BEAT, {"run": run, "worker": worker}) > 0


async def leave(db: Database, run: str, worker: str) -> None:
    """``worker`` is gone; what it had falls back."""
    await db.write([(END_WORKER, {"run": run, "worker": worker}), (FREE, {"run": run})])


async def take_back(db: Database, run: str, owner: str) -> None:
    """All workers of ``owner`` are gone; what they had falls back."""
    await db.write([(END_OWN, {"run": run, "owner": owner}), (FREE, {"run": run})])


async def presume_lost(db: Database, run: str, worker: str, beat: int) -> None:
    """``worker`` has not been heard of since ``beat``; what it had falls back, unless it is heard of just now."""
    await db.write([(END_LOST, {"run": run, "worker": worker, "beat": beat}), (FREE, {"run": run})])


async def load_workers(db: Database, run: str) -> dict[str, int]:
    """The counts of those who work on a run."""
    return {row["worker"]: row["beat"] for row in await db.read(SELECT_WORKERS, run=run)}


async def sort_out(db: Database, run: str, size: int) -> None:
    """Put back what holds samples that are to be asked or scored again, and take out what holds none."""
    await db.write([(SORT_OUT, {"run": run, "size": size})])


async def lease(db: Database, run: str, worker: str, most: int) -> list[int] | None:
    """Up to ``most`` shards for ``worker``; None where it was taken for lost, or the run is not running."""
    async with db.transaction() as tx:
        if not await tx.read(LOCK_RUN, run=run) or not await tx.read(SELECT_ALIVE, run=run, worker=worker):
            return None
        shards = [row["shard"] for row in await tx.read(SELECT_FREE, run=run, limit=most)]
        if shards:
            await tx.write(TAKE, [{"run": run, "shard": shard, "worker": worker} for shard in shards])
    return shards


async def count_left(db: Database, run: str, worker: str = "") -> tuple[int, int]:
    """Of the shards that are not done, how many nobody has, and how many others than ``worker`` have."""
    row = (await db.read(COUNT_LEFT, run=run, worker=worker))[0]
    return int(row["free"]), int(row["others"])


def ranges(shards: Sequence[int], size: int) -> list[tuple[int, int]]:
    """The numbers that lie in ``shards``: from the first of each stretch to before its end."""
    found: list[tuple[int, int]] = []
    for shard in sorted(shards):
        first, end = shard * size, (shard + 1) * size
        if found and found[-1][1] == first:
            found[-1] = (found[-1][0], end)
        else:
            found.append((first, end))
    return found
