"""One page with every number: ratings joined with who makes and serves a model, what it costs, and how fast it was here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from statistics import median

import msgspec

from assay.board.benchmarks import Benchmarks, read_benchmarks
from assay.board.books import HERE, Book, Books
from assay.board.datasets import datasets
from assay.board.shown import BoardDataset, BoardMeasured, BoardMethod, BoardRow, BoardScore, BoardSource, Excluded, ShownBoard
from assay.core import Model, NotFound, Provider, iso, now_us
from assay.stats import Row, Ties
from assay.store import Database
from assay.store.queries import list_speeds

PRELIMINARY_VOTES = 50
"""A rating by fewer votes is marked as preliminary."""
SPEED_DAYS = 30
_SPEEDS_KEPT_S = 30.0
_DAY_US = 86_400_000_000

Providers = Callable[[], Iterable[Provider]]
Served = dict[str, tuple[Provider, Model]]
HiddenRequests = Callable[[], Awaitable[Collection[str]]]


class Speed(msgspec.Struct, frozen=True):
    """Medians of the streamed answers of the last `SPEED_DAYS` days; ``calls`` is how many."""

    calls: int
    ttft_ms: float
    tokens_per_s: float | None


class Board:
    """Composes the board for requests. ``providers`` gives the rows that the gateway has now, ``hidden`` the request ids of
    battles that are still open: their answers count for no speed yet, since that would tell who stands in them."""

    def __init__(self, db: Database, providers: Providers, hidden: HiddenRequests):
        self._db = db
        self._providers = providers
        self._hidden = hidden
        self._books = Books(db)
        self._speeds: dict[str, tuple[float, Speed | None]] = {}

    async def show(self, source: str | None, ties: Ties, by_voter: bool) -> ShownBoard:
        """The board of ``source``; of the default one, if None.

        Raises:
            NotFound: ``board.unknown_source``.
        """
        await self._books.catch_up()
        sources = self._books.by_source
        if source is not None and source not in sources:
            known = ", ".join(sources) or "none yet"
            raise NotFound("board.unknown_source", f"There are no votes from {source!r}.", hint=f"There are votes from: {known}.")
        chosen = source or self._books.default_source()
        served = _served(self._providers())
        benchmarks = await read_benchmarks(self._db, self._providers())
        shown = ShownBoard(
            source=chosen,
            sources=[_source(book) for book in sources.values()],
            datasets=self._datasets(),
            rows=[],
            method=None,
            excluded=[],
            benchmarks=benchmarks.columns,
            measured=_measured(benchmarks, served, ()),
        )
        if chosen is None:
            return shown
        fitted = await self._books.fit(chosen, ties, by_voter)
        method = fitted.board.method
        excluded = dict(sources[chosen].excluded)
        if method.rated and method.votes > method.votes_used:
            excluded["not_connected"] = method.votes - method.votes_used
        return msgspec.structs.replace(
            shown,
            rows=await self._rows(fitted.board.models, served, benchmarks),
            measured=_measured(benchmarks, served, [row.model for row in fitted.board.models]),
            method=BoardMethod(**msgspec.structs.asdict(method), computed_at=iso(fitted.at)),
            excluded=[Excluded(reason, votes) for reason, votes in excluded.items()],
        )

    async def is_imported(self, dataset: str) -> bool:
        await self._books.catch_up()
        return dataset in self._books.by_source

    def _datasets(self) -> list[BoardDataset]:
        return [
            BoardDataset(
                name=name,
                title=row.title,
                votes=row.votes,
                licence=row.licence,
                author=row.author,
                link=row.link,
                imported=name in self._books.by_source,
            )
            for name, row in datasets().items()
        ]

    async def _rows(self, rows: Iterable[Row], served: Served, benchmarks: Benchmarks) -> list[BoardRow]:
        rows = list(rows)
        speeds = await asyncio.gather(*(self._speed(row.model) if row.model in served else _unknown() for row in rows))
        return [
            _row(row, served.get(row.model), speed, benchmarks.scores.get(row.model, []))
            for row, speed in zip(rows, speeds, strict=True)
        ]

    async def _speed(self, model: str) -> Speed | None:
        kept = self._speeds.get(model)
        if kept is None or time.monotonic() - kept[0] > _SPEEDS_KEPT_S:
            answers = await list_speeds(self._db, model, now_us() - SPEED_DAYS * _DAY_US, hidden=await self._hidden())
            rates = [
                answer.output_tokens / (answer.duration_us - answer.ttft_us) * 1e6
                for answer in answers
                if answer.output_tokens and answer.duration_us > answer.ttft_us
            ]
            ttfts = [answer.ttft_us / 1000 for answer in answers]
            speed = Speed(len(answers), round(median(ttfts), 1), round(median(rates), 1) if rates else None) if ttfts else None
            kept = self._speeds[model] = (time.monotonic(), speed)
        return kept[1]


async def _unknown() -> None:
    return None


def _measured(benchmarks: Benchmarks, served: Served, rated: Collection[str]) -> list[BoardMeasured]:
    """The models with scores that have no row."""
    return [
        BoardMeasured(
            model=name,
            title=(served[name][1].title if name in served else None) or name,
            provider=served[name][0].name if name in served else None,
            organization=(served[name][1].organization or served[name][0].organization) if name in served else None,
            scores=scores,
        )
        for name, scores in benchmarks.scores.items()
        if name not in rated
    ]


def _served(providers: Iterable[Provider]) -> Served:
    """Who serves each model: of several providers the first that states a price, else the first."""
    served: Served = {}
    for provider in providers:
        for model in provider.models:
            if model.name not in served or (model.price is not None and served[model.name][1].price is None):
                served[model.name] = (provider, model)
    return served


def _row(row: Row, served: tuple[Provider, Model] | None, speed: Speed | None, scores: list[BoardScore]) -> BoardRow:
    provider, model = served if served is not None else (None, None)
    organization = (model.organization if model else None) or (provider.organization if provider else None)
    return BoardRow(
        **msgspec.structs.asdict(row),
        title=(model.title if model else None) or row.model,
        provider=provider.name if provider else None,
        organization=organization,
        licence=model.licence if model else None,
        preliminary=row.rating is not None and row.votes < PRELIMINARY_VOTES,
        price=model.price.tag if model and model.price else None,
        ttft_ms_p50=speed.ttft_ms if speed else None,
        tokens_per_s_p50=speed.tokens_per_s if speed else None,
        speed_calls=speed.calls if speed else 0,
        speed_days=SPEED_DAYS,
        scores=scores,
    )


def _source(book: Book) -> BoardSource:
    row = datasets().get(book.source)
    return BoardSource(
        name=book.source,
        title=row.title if row else "Votes cast here" if book.source == HERE else book.source,
        votes=book.votes,
        first=iso(book.first) if book.first is not None else None,
        last=iso(book.last) if book.last is not None else None,
        licence=row.licence if row else None,
        link=row.link if row else None,
    )
