"""The SQL of who runs which challenge, where several servers share one database."""

from __future__ import annotations

import msgspec

from assay.store import Database, Sql

BEAT = Sql("UPDATE challenge_runs SET beat = beat + 1 WHERE owner = :owner AND state = 'running'")
SELECT_BEATS = Sql("SELECT id, owner, beat FROM challenge_runs WHERE state = 'running'")
INTERRUPT_OWN = Sql("UPDATE challenge_runs SET state = 'interrupted' WHERE state = 'running' AND owner IN (:owner, '')")
INTERRUPT_LOST = Sql("""
    UPDATE challenge_runs SET state = 'interrupted' WHERE id = :id AND owner = :owner AND beat = :beat AND state = 'running'
""")
STOP = Sql("UPDATE challenge_runs SET state = 'stopped' WHERE id = :id AND state = 'running'")


class Beat(msgspec.Struct, frozen=True):
    """Whose a challenge is, and its count when it was looked at."""

    owner: str
    beat: int


async def beat(db: Database, owner: str) -> None:
    """Say that what ``owner`` runs is still running."""
    await db.write([(BEAT, {"owner": owner})])


async def load_beats(db: Database) -> dict[str, Beat]:
    """Every challenge that runs anywhere."""
    return {row["id"]: Beat(row["owner"], row["beat"]) for row in await db.read(SELECT_BEATS)}


async def interrupt_own(db: Database, owner: str) -> None:
    """Nothing of its own runs when a server starts: whatever says so was cut off."""
    await db.write([(INTERRUPT_OWN, {"owner": owner})])


async def interrupt_lost(db: Database, id: str, last: Beat) -> None:
    """Whoever ran this has not been heard of for so long that they are gone; unless they are heard of just now."""
    await db.write([(INTERRUPT_LOST, {"id": id, "owner": last.owner, "beat": last.beat})])


async def stop_elsewhere(db: Database, id: str) -> None:
    """Have whoever runs it stop."""
    await db.write([(STOP, {"id": id})])
