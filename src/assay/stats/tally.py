"""Names become codes, votes become counts, one vote or a million at a time.

A `Tally` is the dictionary behind a `Counts`: it gives each model and each voter a code when first seen. Votes are buffered
and folded into the counts when these are asked for, so that adding one is cheap and a refresh costs only what is new.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np

from assay.core.verdict import Verdict
from assay.stats.counts import CODES, Counts

UNKNOWN_VOTER = "unknown"
"""``Verdict.by`` of a vote whose voter is not known; such votes are never taken to be of one person."""
EXCLUDED_FLAGS = ("identity_leak",)
"""Flags with which a vote is kept on record but not rated: the battle was not blind."""


class _Codes(dict[str, int]):
    """Gives each new name the next number."""

    def __init__(self, numbers: Iterator[int]):
        super().__init__()
        self._numbers = numbers

    def __missing__(self, name: str) -> int:
        code = self[name] = next(self._numbers)
        return code


class Tally:
    """Votes by name. Not safe to use from two threads at once."""

    def __init__(self) -> None:
        self._model_codes = _Codes(count())
        self._clusters = count()
        self._voter_codes = _Codes(self._clusters)
        self._pending: list[tuple[int, int, int, int]] = []
        self._counts = Counts.none(0, clustered=True)

    @property
    def models(self) -> list[str]:
        """The models' names, by code."""
        return list(self._model_codes)

    @property
    def voters(self) -> int:
        """How many voters have a name."""
        return len(self._voter_codes)

    def add(self, a: str, b: str, choice: str, voter: str | None = None) -> None:
        """Count one vote. A vote without a voter is a cluster of its own: nothing says that it depends on any other."""
        cluster = next(self._clusters) if voter is None else self._voter_codes[voter]
        self._pending.append((self._model_codes[a], self._model_codes[b], CODES[choice], cluster))

    def add_all(self, a: Sequence[str], b: Sequence[str], choice: Sequence[str], voter: Sequence[str | None]) -> None:
        """Count many votes, given as columns of one length."""
        left, right, outcome = (
            np.fromiter(map(codes.__getitem__, column), np.int64, len(column))
            for codes, column in ((self._model_codes, a), (self._model_codes, b), (CODES, choice))
        )
        codes, clusters = self._voter_codes, self._clusters
        cluster = np.fromiter((next(clusters) if name is None else codes[name] for name in voter), np.int64, len(voter))
        self._widen()
        self._counts = self._counts + Counts.of(left, right, outcome, self._counts.models, cluster=cluster)

    def take(self, verdict: Verdict) -> str | None:
        """Count ``verdict`` if it is a vote that ratings use; else the reason why it is left out, as a key."""
        if verdict.kind != "vote" or verdict.choice is None or len(verdict.subjects) != 2:
            return "not_a_vote"
        if verdict.outcome != "ok":
            return "failed"
        flag = next((flag for flag in EXCLUDED_FLAGS if flag in verdict.flags), None)
        if flag is not None:
            return flag
        a, b = (subject.model for subject in verdict.subjects)
        if a == b:
            return "same_model"
        self.add(a, b, verdict.choice, None if verdict.by == UNKNOWN_VOTER else verdict.by)
        return None

    def counts(self) -> Counts:
        """All votes so far. The result never changes; it may be handed to another thread."""
        self._widen()
        if self._pending:
            a, b, outcome, cluster = np.array(self._pending, dtype=np.int64).T
            self._counts = self._counts + Counts.of(a, b, outcome, self._counts.models, cluster=cluster)
            self._pending.clear()
        return self._counts

    def _widen(self) -> None:
        if len(self._model_codes) > self._counts.models:
            self._counts = self._counts.widen(len(self._model_codes))
