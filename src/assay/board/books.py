"""The vote log, counted by source, and fits of it that are kept until there are new votes.

A request reads only what was appended since the last one. Counting and fitting run in a thread; one lock keeps them in order.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from assay.core import Verdict, now_us
from assay.stats import Leaderboard, Tally, Ties, lead
from assay.store import Database
from assay.store.chain import read_verdicts

HERE = "here"
_PAGE = 1000


@dataclass
class Book:
    """The votes of one source. ``first`` and ``last``: times of votes that have one. ``excluded``: votes left out, by reason."""

    source: str
    tally: Tally = field(default_factory=Tally)
    votes: int = 0
    first: int | None = None
    last: int | None = None
    excluded: Counter[str] = field(default_factory=Counter)

    def take(self, verdict: Verdict) -> None:
        reason = self.tally.take(verdict)
        if reason == "not_a_vote":
            return
        self.votes += 1
        if reason is not None:
            self.excluded[reason] += 1
        if "no_time" not in verdict.flags:
            self.first = verdict.at if self.first is None else min(self.first, verdict.at)
            self.last = verdict.at if self.last is None else max(self.last, verdict.at)


@dataclass(frozen=True)
class Fitted:
    """A board and when it was computed (microseconds UTC), with the votes that it saw."""

    board: Leaderboard
    at: int
    votes: int


class Books:
    """All sources of the vote log."""

    def __init__(self, db: Database):
        self._db = db
        self._seq = 0
        self._lock = asyncio.Lock()
        self._fits: dict[tuple[str, Ties, bool], Fitted] = {}
        self.by_source: dict[str, Book] = {}

    async def catch_up(self) -> None:
        """Count what was appended since the last time."""
        async with self._lock:
            while verdicts := await read_verdicts(self._db, after_seq=self._seq, limit=_PAGE):
                await asyncio.to_thread(self._take, verdicts)
                self._seq += len(verdicts)  # sequence numbers of a chain have no gaps

    def default_source(self) -> str | None:
        """One's own votes as soon as there is one, else the source with the most votes."""
        if HERE in self.by_source:
            return HERE
        return max(self.by_source, key=lambda name: self.by_source[name].votes, default=None)

    async def fit(self, source: str, ties: Ties, by_voter: bool) -> Fitted:
        """The board of ``source``, from memory if no vote came since."""
        book, key = self.by_source[source], (source, ties, by_voter)
        async with self._lock:
            known = self._fits.get(key)
            if known is None or known.votes != book.votes:
                known = Fitted(await asyncio.to_thread(_lead, book, ties, by_voter), now_us(), book.votes)
                self._fits[key] = known
            return known

    def _take(self, verdicts: list[Verdict]) -> None:
        for verdict in verdicts:
            if verdict.source not in self.by_source:
                self.by_source[verdict.source] = Book(verdict.source)
            self.by_source[verdict.source].take(verdict)


def _lead(book: Book, ties: Ties, by_voter: bool) -> Leaderboard:
    tally = book.tally
    return lead(tally.models, tally.counts(), ties=ties, clustered=by_voter, voters=tally.voters or None)
