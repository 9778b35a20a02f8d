"""Which models can be compared: held against scipy's graph algorithms and against linear programming."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog  # type: ignore[import-untyped]  # scipy ships no types
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]  # scipy ships no types

from assay.stats.components import has_decisive_cycle, strong_components


@st.composite
def graphs(draw: st.DrawFn, size: int = 7) -> NDArray[np.bool_]:
    n = draw(st.integers(1, size))
    edges = np.zeros((n, n), np.bool_)
    for i, j in draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=2 * n)):
        edges[i, j] = i != j
    return edges


@given(graphs(12))
def test_components_are_those_that_scipy_finds(edges: NDArray[np.bool_]) -> None:
    ours = strong_components(edges)
    _, theirs = connected_components(edges, directed=True, connection="strong")
    assert ((ours[:, None] == ours) == (theirs[:, None] == theirs)).all()


def test_a_component_is_named_by_its_lowest_member() -> None:
    edges = np.zeros((4, 4), np.bool_)
    edges[1, 3] = edges[3, 1] = edges[0, 1] = True
    assert strong_components(edges).tolist() == [0, 1, 2, 1]


@given(graphs(5), graphs(5))
def test_a_decisive_cycle_is_there_unless_ratings_can_run_away_with_the_ties(
    wins: NDArray[np.bool_], ties: NDArray[np.bool_]
) -> None:
    """Runaway directions d with h = 1 are feasible points of a linear programme; see the module's docstring."""
    n = min(len(wins), len(ties))
    wins, ties = wins[:n, :n], ties[:n, :n] | ties[:n, :n].T
    rows, bounds = [], []
    for i, j in zip(*np.nonzero(wins), strict=True):
        rows.append(np.eye(n)[j] - np.eye(n)[i])
        bounds.append(-2.0)
    for i, j in zip(*np.nonzero(ties), strict=True):
        rows.append(np.eye(n)[i] - np.eye(n)[j])
        bounds.append(2.0)
    runaway = not rows or linprog(np.zeros(n), A_ub=np.array(rows), b_ub=bounds, bounds=(None, None)).status == 0
    assert has_decisive_cycle(wins, ties) != runaway
