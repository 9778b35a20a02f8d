"""The stored rows of a challenge as a `Record`: what its report is assembled from."""

from __future__ import annotations

import asyncio

from assay.challenge.assemble import assemble
from assay.challenge.queries import (
    CHAIN,
    list_skipped,
    list_unvoted,
    load_items,
    load_judgments,
    load_report,
    load_run,
    load_spent,
    load_trials,
    load_verdicts,
)
from assay.challenge.record import Record
from assay.challenge.report import Report
from assay.challenge.spec import HUMAN
from assay.core import NotFound
from assay.store import Database, Sql

SELECT_PEOPLE = Sql("SELECT person, name FROM challenge_people WHERE challenge = :challenge")
SELECT_LAST = Sql("""
    SELECT hash FROM verdicts WHERE chain = :chain AND source = :challenge ORDER BY seq DESC LIMIT 1
""")


async def report(db: Database, id: str, *, live: bool = False) -> Report:
    """The report of a challenge: the one that was kept when it ended, else as it stands now.

    Raises:
        NotFound: ``challenge.not_found``.
    """
    kept = await load_report(db, id)
    return kept if kept is not None else await asyncio.to_thread(assemble, await load_record(db, id), live=live)


async def load_record(db: Database, id: str) -> Record:
    """All that is kept of a challenge.

    Raises:
        NotFound: ``challenge.not_found``.
    """
    run = await load_run(db, id)
    if run is None:
        raise NotFound("challenge.not_found", f"There is no challenge {id!r}.", hint="`assay challenge list` shows them all.")
    last = await db.read(SELECT_LAST, chain=CHAIN, challenge=id)
    trials = await load_trials(db, id)
    return Record(
        run=run,
        items=await load_items(db, id),
        trials=trials,
        verdicts=await load_verdicts(db, id),
        judgments=await load_judgments(db, id),
        skipped=await list_skipped(db, id) if run.spec.judges[0] == HUMAN else frozenset(),
        people={row["person"]: row["name"] for row in await db.read(SELECT_PEOPLE, challenge=id)},
        spent=await load_spent(db, id),
        chain_head=last[0]["hash"] if last else None,
    )
