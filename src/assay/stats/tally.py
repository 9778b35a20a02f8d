"""Names become codes, votes become counts, one vote or a million at a time.

A `Tally` is the dictionary behind a `Counts`: it gives each model and each voter a code when first seen. Votes are buffered
and folded into the counts when these are asked for, so that adding one is cheap and a refresh costs only what is new.
"""

from __future__ import annotations

from itertools import count

import numpy as np

from assay.core.verdict import Verdict
from assay.stats.counts import CODES, Counts

UNKNOWN_VOTER = "unknown"
"""``Verdict.by`` of a vote whose voter is not known; such votes are never taken to be of one person."""
EXCLUDED_FLAGS = ("identity_leak",)
"""Flags with which a vote is kept on record but not rated: the battle was not blind."""


class Tally:
    """Votes by name. ``models[code]`` is the model's name. Not safe to use from two threads at once."""

    def __init__(self) -> None:
        self.models: list[str] = []
        self._model_codes: dict[str, int] = {}
        self._voter_codes: dict[str, int] = {}
        self._next_cluster = count()
        self._pending: list[tuple[int, int, int, int]] = []
        self._counts = Counts.none(0, clustered=True)

    @property
    def voters(self) -> int:
        """How many voters have a name."""
        return len(self._voter_codes)

    def know(self, model: str) -> int:
        """The code of ``model``, a new one if it was not known: models without votes belong on a board too."""
        code = self._model_codes.setdefault(model, len(self.models))
        if code == len(self.models):
            self.models.append(model)
        return code

    def add(self, a: str, b: str, choice: str, voter: str | None = None) -> None:
        """Count one vote. A vote without a voter is a cluster of its own: nothing says that it depends on any other."""
        cluster = self._voter_codes.get(voter) if voter is not None else None
        if cluster is None:
            cluster = next(self._next_cluster)
            if voter is not None:
                self._voter_codes[voter] = cluster
        self._pending.append((self.know(a), self.know(b), CODES[choice], cluster))

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
        if len(self.models) > self._counts.models:
            self._counts = self._counts.widen(len(self.models))
        if self._pending:
            a, b, outcome, cluster = np.array(self._pending, dtype=np.int64).T
            self._counts = self._counts + Counts.of(a, b, outcome, len(self.models), cluster=cluster)
            self._pending.clear()
        return self._counts
