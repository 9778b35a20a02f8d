"""What the page and the API are shown of the board: ratings beside who makes a model, what it costs and how fast it was."""

from __future__ import annotations

import msgspec

from assay.core import PriceTag
from assay.stats import Method, Row


class BoardScore(msgspec.Struct, frozen=True, kw_only=True):
    """What a run of a benchmark measured here: the score with its 95 % interval on ``n`` answers; ``reason`` says why there is none.
    ``model`` is the deployment, ``rows`` the page of the run, ``questions`` how many were asked where not all were."""

    task: str
    recipe: str
    model: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str | None
    questions: int | None
    at: str
    rows: str


class BoardBenchmark(msgspec.Struct, frozen=True, kw_only=True):
    """A benchmark that models were measured on, in the ``recipe`` that most of them share; ``models`` counts those."""

    task: str
    title: str
    recipe: str
    models: int


class BoardMeasured(msgspec.Struct, frozen=True, kw_only=True):
    """A model that was measured here and is not rated by these votes."""

    model: str
    title: str
    provider: str | None
    organization: str | None
    scores: list[BoardScore]


class BoardRow(Row, frozen=True, kw_only=True):
    """A rated model (or one that cannot be rated, and why). None: nobody here serves it, or nobody says.

    ``preliminary``: few votes so far. The medians of speed are of ``speed_calls`` streamed answers of ``speed_days`` days. ``scores``
    are those of benchmarks that were run here.
    """

    title: str
    provider: str | None
    organization: str | None
    licence: str | None
    preliminary: bool
    price: PriceTag | None
    ttft_ms_p50: float | None
    tokens_per_s_p50: float | None
    speed_calls: int
    speed_days: int
    scores: list[BoardScore]


class BoardMethod(Method, frozen=True, kw_only=True):
    """How and when the board was computed."""

    computed_at: str


class BoardSource(msgspec.Struct, frozen=True, kw_only=True):
    """A collection of votes; ``first`` and ``last`` are None where its votes have no times."""

    name: str
    title: str
    votes: int
    first: str | None
    last: str | None
    licence: str | None
    link: str | None


class BoardDataset(msgspec.Struct, frozen=True, kw_only=True):
    """Public votes that can be imported, or are here already."""

    name: str
    title: str
    votes: int
    licence: str
    author: str
    link: str
    imported: bool


class Excluded(msgspec.Struct, frozen=True):
    """How many votes are left out, and why."""

    reason: str
    votes: int


class ShownBoard(msgspec.Struct, frozen=True, kw_only=True):
    """The board of one ``source``; without any votes there is none, and no ``method`` either. ``benchmarks`` are those run here, that
    with the most models first; ``measured`` the models that have scores of them and no row."""

    source: str | None
    sources: list[BoardSource]
    datasets: list[BoardDataset]
    rows: list[BoardRow]
    method: BoardMethod | None
    excluded: list[Excluded]
    benchmarks: list[BoardBenchmark]
    measured: list[BoardMeasured]
