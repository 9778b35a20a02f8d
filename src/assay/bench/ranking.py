"""Several models on the same questions: who stands where, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from assay.bench.result import Result
from assay.bench.summary import answers_of, clusters_of, codes_of, values_of, weights_of
from assay.core import Unprocessable
from assay.stats import bootstrap_ranks


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """``value`` is the mean over the ``questions`` that all have answered, of a balanced task that over their categories. The true rank
    lies from ``low`` to ``high`` with 95 %."""

    name: str
    value: float
    questions: int
    rank: int
    low: int
    high: int


def rank_runs(runs: Mapping[str, Sequence[Result]], *, balanced: bool = False) -> list[Ranked]:
    """The runs by name, the best first; questions that one of them has no answer to are left out for all. ``balanced``: each category
    counts the same.

    Raises:
        Unprocessable: ``bench.nothing_shared``, no question has an answer in every run.
    """
    means = {name: _means(results) for name, results in runs.items()}
    shared = [sample for sample in next(iter(means.values()), {}) if all(sample in one for one in means.values())]
    if not shared:
        raise Unprocessable(
            "bench.nothing_shared",
            f"No question has an answer in all of the {len(runs)} runs.",
            hint="Rank runs of one task, with the same --limit and seed.",
        )
    table = np.array([[one[sample] for one in means.values()] for sample in shared])
    asked = {one.sample: one for results in runs.values() for one in results}
    if balanced:
        table *= weights_of(codes_of(asked[sample].category or "" for sample in shared))[:, None]
    ranks = bootstrap_ranks(table, clusters_of(asked[sample] for sample in shared)).tolist()
    ranked = [
        Ranked(name=name, value=value, questions=len(shared), rank=rank, low=low, high=high)
        for name, value, (rank, low, high) in zip(means, table.mean(axis=0).tolist(), ranks, strict=True)
    ]
    return sorted(ranked, key=lambda one: one.rank)


def _means(results: Sequence[Result]) -> dict[str, float]:
    """The mean of each question's answers."""
    answers = answers_of(results)
    questions = dict.fromkeys(one.sample for one in answers)
    at = {sample: number for number, sample in enumerate(questions)}
    codes = np.array([at[one.sample] for one in answers], np.int64)
    means = np.bincount(codes, weights=values_of(answers)) / np.maximum(1, np.bincount(codes))
    return dict(zip(questions, means.tolist(), strict=True))
