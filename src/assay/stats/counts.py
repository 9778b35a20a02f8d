"""Votes as counts: everything that a rating needs, in a form that adds up.

A vote is three small integers: side a's model, side b's model, and an outcome code. One `numpy.bincount` turns any number of
votes into a table of ``models x models x outcomes``; tables of two parts of the votes add up to the table of the whole, so a
board is refreshed by adding what is new. For intervals clustered by voter the same votes are also kept by voter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.core.errors import InvalidInput

IntArray: TypeAlias = NDArray[np.int64]

A_WINS: Final = 0
B_WINS: Final = 1
TIE: Final = 2
BOTH_BAD: Final = 3
OUTCOMES: Final = 4
_PART = 1 << 16
CODES: Final = {"a": A_WINS, "b": B_WINS, "tie": TIE, "both_bad": BOTH_BAD}
"""The outcome code of each choice that a voter has."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """The same votes by voter: ``count[k]`` votes of cluster ``cluster[k]`` fell into cell ``cell[k]``.

    Entries may repeat and, before `compact`, may cancel out. A cell is ``(a * models + b) * OUTCOMES + outcome``.
    """

    cluster: IntArray
    cell: IntArray
    count: IntArray

    @property
    def number(self) -> int:
        """How many different clusters have a vote."""
        return int(np.count_nonzero(np.bincount(self.cluster))) if self.cluster.size else 0

    def several(self, models: int, counted: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which models have counted votes of two clusters or more. ``counted``: by cell, (models * models * OUTCOMES,).

        Looks at the votes in parts and stops when every model is settled, which is soon where there are many.
        """
        one, found = np.full(models, -1, np.int64), np.zeros(models, np.bool_)
        for start in range(0, self.cell.size, _PART):
            cell, cluster = self.cell[start : start + _PART], self.cluster[start : start + _PART]
            inside = counted[cell]
            pair, cluster = cell[inside] // OUTCOMES, cluster[inside]
            for model in (pair // models, pair % models):
                one[model[one[model] < 0]] = cluster[one[model] < 0]
                found[model[cluster != one[model]]] = True
            if found.all():
                break
        return found

    def joined(self, other: Clusters, sign: int) -> Clusters:
        return Clusters(
            np.concatenate((self.cluster, other.cluster)),
            np.concatenate((self.cell, other.cell)),
            np.concatenate((self.count, sign * other.count)),
        )

    def compact(self) -> Clusters:
        """One entry for each cluster and cell that has votes, in order."""
        cells = int(self.cell.max(initial=-1)) + 1
        keys, where = np.unique(self.cluster * cells + self.cell, return_inverse=True)
        count = np.bincount(where, weights=self.count, minlength=keys.size).astype(np.int64)
        keys, count = keys[count != 0], count[count != 0]
        return Clusters(keys // max(cells, 1), keys % max(cells, 1), count)


@dataclass(frozen=True, eq=False)
class Counts:
    """``cells[a, b, outcome]`` votes, and the same by cluster where it was given.

    The table is dense: 32 bytes for each ordered pair of models, so 1.3 MB for 200 models and 128 MB for 2,000.
    Model and cluster codes mean the same in every `Counts` that is added to another: they come from one dictionary.
    """

    cells: IntArray
    clusters: Clusters | None = None

    @classmethod
    def of(cls, a: ArrayLike, b: ArrayLike, outcome: ArrayLike, models: int, *, cluster: ArrayLike | None = None) -> Counts:
        """Count votes given as integer arrays of one length, codes below ``models`` and `OUTCOMES`.

        Raises:
            InvalidInput: lengths differ, a code is out of range, or a model meets itself.
        """
        left, right, codes = (_integers(column) for column in (a, b, outcome))
        if not left.shape == right.shape == codes.shape or left.ndim != 1:
            raise InvalidInput("stats.bad_votes", f"the columns differ in length: {left.shape}, {right.shape}, {codes.shape}.")
        for name, column, limit in (("a", left, models), ("b", right, models), ("outcome", codes, OUTCOMES)):
            _check_codes(name, column, limit)
        cell = np.multiply(left, models * OUTCOMES, dtype=np.int64)
        cell += np.multiply(right, OUTCOMES, dtype=np.int64)
        cell += codes
        cells = np.bincount(cell, minlength=models * models * OUTCOMES).reshape(models, models, OUTCOMES)
        if np.einsum("iio->", cells):
            raise InvalidInput("stats.bad_votes", "a model met itself: both sides of a vote have one code.")
        return cls(cells, None if cluster is None else _by_cluster(cluster, cell))

    @classmethod
    def none(cls, models: int, *, clustered: bool = False) -> Counts:
        """No votes yet."""
        empty = np.zeros(0, np.int64)
        return cls(np.zeros((models, models, OUTCOMES), np.int64), Clusters(empty, empty, empty) if clustered else None)

    @property
    def models(self) -> int:
        return len(self.cells)

    @property
    def votes(self) -> int:
        return int(self.cells.sum())

    @property
    def votes_by_model(self) -> IntArray:
        """How many votes each model took part in."""
        pairs = self.cells.sum(axis=2)
        return np.asarray(pairs.sum(axis=1) + pairs.sum(axis=0), dtype=np.int64)

    def widen(self, models: int) -> Counts:
        """The same votes on a board of more models; the new ones have no votes yet."""
        if models < self.models:
            raise InvalidInput("stats.bad_votes", f"cannot narrow a board of {self.models} models to {models}.")
        cells = np.zeros((models, models, OUTCOMES), np.int64)
        cells[: self.models, : self.models] = self.cells
        if self.clusters is None or models == self.models:
            return Counts(cells, self.clusters)
        pair, outcome = np.divmod(self.clusters.cell, OUTCOMES)
        a, b = np.divmod(pair, self.models)
        return Counts(cells, Clusters(self.clusters.cluster, (a * models + b) * OUTCOMES + outcome, self.clusters.count))

    def __add__(self, other: Counts) -> Counts:
        """The votes of both together. Clusters are kept where both have them."""
        return self._joined(other, 1)

    def __sub__(self, other: Counts) -> Counts:
        """Without the votes of ``other``, which must all be here."""
        left = self._joined(other, -1)
        clusters = None if left.clusters is None else left.clusters.compact()
        if (left.cells < 0).any() or (clusters is not None and (clusters.count < 0).any()):
            raise InvalidInput("stats.bad_votes", "cannot take away votes that were never counted.")
        return Counts(left.cells, clusters)

    def _joined(self, other: Counts, sign: int) -> Counts:
        if self.models != other.models:
            raise InvalidInput("stats.bad_votes", f"boards of {self.models} and {other.models} models do not add up; widen one.")
        both = self.clusters is not None and other.clusters is not None
        clusters = self.clusters.joined(other.clusters, sign) if both and self.clusters and other.clusters else None
        return Counts(self.cells + sign * other.cells, clusters)


def _integers(column: ArrayLike) -> NDArray[Any]:
    """``column`` as an array; one without rows has no type of its own."""
    values = np.asarray(column)
    return values if values.size else values.astype(np.int64)


def _check_codes(name: str, column: NDArray[np.generic], limit: int) -> None:
    if column.size and column.dtype.kind not in "iu":
        raise InvalidInput("stats.bad_votes", f"column {name} holds {column.dtype}, not integer codes.")
    if column.size and not (int(column.min()) >= 0 and int(column.max()) < limit):
        raise InvalidInput("stats.bad_votes", f"column {name} has a code outside 0..{limit - 1}.")


def _by_cluster(cluster: ArrayLike, cell: IntArray) -> Clusters:
    codes = _integers(cluster)
    if codes.shape != cell.shape:
        raise InvalidInput("stats.bad_votes", f"the cluster column has {codes.shape} codes for {cell.shape} votes.")
    _check_codes("cluster", codes, np.iinfo(np.int64).max)
    return Clusters(codes.astype(np.int64, copy=False), cell, np.ones(cell.size, np.int64))
