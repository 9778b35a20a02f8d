"""Votes to test with: small random boards, and boards drawn from known strengths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from assay.stats import OUTCOMES, Counts
from tests.stats.plain import Vote


@dataclass(frozen=True)
class Votes:
    """A board's votes, each with the code of its voter."""

    models: int
    votes: tuple[Vote, ...]
    voters: tuple[int, ...]

    def counts(self) -> Counts:
        a, b, outcome = np.array(self.votes, dtype=np.int64).reshape(-1, 3).T
        return Counts.of(a, b, outcome, self.models, cluster=np.array(self.voters, dtype=np.int64))


@st.composite
def boards(draw: st.DrawFn, *, models: int = 6, votes: int = 40, connected: bool = False) -> Votes:
    """Any board; ``connected``: every model has beaten the next one round a circle, so that all are rated."""
    n = draw(st.integers(2, models))
    vote = st.tuples(st.integers(0, n - 1), st.integers(1, n - 1), st.integers(0, OUTCOMES - 1))
    drawn = [(a, (a + far) % n, outcome) for a, far, outcome in draw(st.lists(vote, min_size=1, max_size=votes))]
    circle = [(a, (a + 1) % n, 0) for a in range(n)] if connected else []
    every = tuple(drawn + circle)
    voters = draw(st.lists(st.integers(0, 4), min_size=len(every), max_size=len(every)))
    return Votes(n, every, tuple(voters))


def simulate(
    rng: np.random.Generator, models: int, votes: int, *, nu: float, spread: float = 1.0
) -> tuple[NDArray[np.float64], Counts]:
    """True strengths (mean zero) and votes drawn by Davidson's model, pairs uniform."""
    theta = rng.normal(0.0, spread, models)
    theta -= theta.mean()
    a = rng.integers(0, models, votes)
    b = (a + rng.integers(1, models, votes)) % models
    half = np.exp((theta[a] - theta[b]) / 2)
    total = half + 1 / half + nu
    drawn = rng.random(votes)
    outcome = np.where(drawn < half / total, 0, np.where(drawn < (half + 1 / half) / total, 1, 2))
    return theta, Counts.of(a, b, outcome, models)
