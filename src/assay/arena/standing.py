"""What one vote did to the board of this server's own votes: both models' rating and rank without it and with it.

The counts are kept between votes and brought up to date from the log, so that a vote costs two small fits and not a reading of
all votes. Fits run in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from assay.arena.battle import SIDES, Letter, Standing
from assay.arena.rating import rate_tally, tally_verdicts
from assay.core import Verdict
from assay.stats import Leaderboard, Tally
from assay.store import Database
from assay.store.chain import SELECT_BODIES_OF, VOTES

PAGE = 1000

_verdict = msgspec.json.Decoder(Verdict)

Effect = dict[Letter, Standing]


class Standings:
    """The votes of ``source`` so far, counted."""

    def __init__(self, db: Database, source: str = "here"):
        self._db = db
        self._source = source
        self._tally = Tally()
        self._seq = 0
        self._lock = asyncio.Lock()
        self._expected: list[tuple[str, asyncio.Future[Effect]]] = []

    async def catch_up(self) -> None:
        """Count what was appended to the log since the last time."""
        async with self._lock:
            while rows := await self._db.read(SELECT_BODIES_OF, chain=VOTES, source=self._source, after=self._seq, limit=PAGE):
                for row in rows:
                    await self._count(row["seq"], _verdict.decode(row["body"]))

    @contextmanager
    def expecting(self, id: str) -> Iterator[asyncio.Future[Effect]]:
        """Enter this before verdict ``id`` is appended: what it did to both models is there after the next `catch_up`."""
        expected = (id, asyncio.get_running_loop().create_future())
        self._expected.append(expected)
        try:
            yield expected[1]
        finally:
            self._expected.remove(expected)

    async def _count(self, seq: int, verdict: Verdict) -> None:
        expected = any(id == verdict.id for id, _ in self._expected)
        before = await asyncio.to_thread(rate_tally, self._tally) if expected else None
        tally_verdicts([verdict], into=self._tally)
        self._seq = seq
        if before is None:
            return
        after = await asyncio.to_thread(rate_tally, self._tally)
        models = zip(SIDES, (subject.model for subject in verdict.subjects), strict=True)
        effect: Effect = {side: _standing(model, before, after) for side, model in models}
        for id, found in self._expected:
            if id == verdict.id and not found.done():
                found.set_result(effect)


def _standing(model: str, before: Leaderboard, after: Leaderboard) -> Standing:
    then = next((row for row in before.models if row.model == model), None)
    now = next((row for row in after.models if row.model == model), None)
    return Standing(
        before=then.rating if then else None,
        after=now.rating if now else None,
        rank_before=then.rank if then else None,
        rank_after=now.rank if now else None,
    )
