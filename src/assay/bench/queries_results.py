"""The SQL of samples: waiting, answered, scored. The first answer that is saved stands, and so does its first score."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from assay.bench.outcome import Outcome, Scored
from assay.bench.result import Result, ResultState
from assay.bench.run_saver import Line
from assay.core import Message, Money, StopReason, Transcript, Usage
from assay.store import Database, Row, Sql

INSERT_ANSWER = Sql("""
    INSERT INTO bench_answers (run, number, worker, body) VALUES (:run, :number, :worker, :body) ON CONFLICT DO NOTHING
""")
SET_ANSWERED = Sql("""
    UPDATE bench_results SET state = 'answered', worker = :worker, figures = :figures
    WHERE run = :run AND number = :number AND state = 'waiting' AND EXISTS (
        SELECT 1 FROM bench_answers AS answers
        WHERE answers.run = :run AND answers.number = :number AND answers.worker = :worker
    )
""")
SET_SCORED = Sql("""
    UPDATE bench_results SET state = 'scored', outcome = :outcome, scored = :scored
    WHERE run = :run AND number = :number AND state = 'answered' AND worker = :worker
""")
SET_FAILED = Sql("""
    UPDATE bench_results SET state = 'scored', outcome = 'error', scored = :scored, figures = :figures
    WHERE run = :run AND number = :number AND state = 'waiting'
""")
ASK_AGAIN = Sql("""
    UPDATE bench_results SET state = 'waiting', worker = NULL, outcome = NULL, scored = NULL, figures = NULL
    WHERE run = :run AND state = 'scored' AND outcome = 'error' AND worker IS NULL
""")
SCORE_AGAIN = Sql("""
    UPDATE bench_results SET state = 'answered', outcome = NULL, scored = NULL
    WHERE run = :run AND state = 'scored' AND outcome = 'error' AND worker IS NOT NULL
""")
FORGET_FAILED = Sql("""
    UPDATE bench_results SET state = 'waiting', worker = NULL, outcome = NULL, scored = NULL, figures = NULL
    WHERE run = :run AND number = :number AND state = 'scored' AND outcome = 'error' AND worker IS NULL
""")
COUNT = Sql("""
    SELECT state, outcome, COUNT(*) AS count FROM bench_results WHERE run = :run GROUP BY state, outcome ORDER BY state, outcome
""")
_LIGHT = "SELECT number, sample, epoch, cluster, category, state, worker, figures, scored FROM bench_results"
SELECT_OPEN = Sql(f"""
    {_LIGHT} WHERE run = :run AND number >= :first AND number < :end AND state <> 'scored' ORDER BY number
""")
SELECT_ALL = Sql(f"{_LIGHT} WHERE run = :run AND number > :after ORDER BY number LIMIT :limit")
_FOUND = """
    (:category = '' OR category = :category) AND
    (:pattern = '' OR LOWER(sample) LIKE :pattern ESCAPE '!' OR (:words = 1 AND LOWER(scored) LIKE :pattern ESCAPE '!'))
"""
SELECT_PAGE = Sql(f"{_LIGHT} WHERE run = :run AND number > :after AND {_FOUND} ORDER BY number LIMIT :limit")
SELECT_PAGE_OF = Sql(f"""
    {_LIGHT} WHERE run = :run AND state = 'scored' AND outcome = :outcome AND number > :after AND {_FOUND} ORDER BY number LIMIT :limit
""")
SELECT_ONE = Sql(f"{_LIGHT} WHERE run = :run AND sample = :sample AND epoch = :epoch")
SELECT_NUMBER = Sql("SELECT number FROM bench_results WHERE run = :run AND sample = :sample AND epoch = :epoch")
SELECT_BODY = Sql("SELECT body FROM bench_answers WHERE run = :run AND number = :number")
SELECT_BODIES = Sql("SELECT number, body FROM bench_answers WHERE run = :run AND number > :after AND number <= :last")

_PAGE = 5000
"""Small rows at a time: an hour of JSON must not hold up the event loop."""
_PAGE_OF_BODIES = 500


class Figures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of an answer beside its words."""

    stop: StopReason | None = None
    calls: tuple[str, ...] = ()
    usage: Usage | None = None
    cost: Money | None = None
    latency_us: int | None = None
    ttft_us: int | None = None
    cached: bool = False


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked last, and what came."""

    transcript: Transcript
    message: Message


class Open(msgspec.Struct, frozen=True):
    """A sample that is not scored yet; ``worker`` is whose answer it has, if it has one."""

    number: int
    sample: str
    epoch: int
    worker: str | None = None
    figures: Figures | None = None


_encode = msgspec.json.Encoder().encode
_FIGURES = msgspec.json.Decoder(Figures)
_BODY = msgspec.json.Decoder(Body)
_SCORED = msgspec.json.Decoder(Scored)


def answered(run: str, number: int, worker: str, figures: Figures, body: Body) -> tuple[Line, Line]:
    """What saves an answer.

    Raises:
        UnicodeEncodeError: its text is no valid Unicode.
    """
    line = {"run": run, "number": number, "worker": worker}
    return (
        (INSERT_ANSWER, line | {"body": _encode(body).decode()}),
        (SET_ANSWERED, line | {"figures": _encode(figures).decode()}),
    )


def scored(run: str, number: int, worker: str, worth: Scored) -> Line:
    """What saves the score of the answer that ``worker`` got."""
    row = {"run": run, "number": number, "worker": worker, "outcome": worth.outcome, "scored": _encode(worth).decode()}
    return SET_SCORED, row


def failed(run: str, number: int, figures: Figures, worth: Scored) -> Line:
    """What saves that no answer came."""
    return SET_FAILED, {"run": run, "number": number, "scored": _encode(worth).decode(), "figures": _encode(figures).decode()}


async def try_errors_again(db: Database, run: str) -> None:
    """Forget what could not be answered or scored, so that it will be asked or scored again."""
    await db.write([(ASK_AGAIN, {"run": run}), (SCORE_AGAIN, {"run": run})])


async def forget_failed(db: Database, run: str, numbers: Sequence[int]) -> None:
    """Forget that no answer came to these."""
    if numbers:
        await db.write([(FORGET_FAILED, [{"run": run, "number": number} for number in numbers])])


async def load_open(db: Database, run: str, first: int, end: int) -> list[Open]:
    """The samples with numbers from ``first`` to before ``end`` that are not scored yet."""
    rows = await db.read(SELECT_OPEN, run=run, first=first, end=end)
    return [
        Open(row["number"], row["sample"], row["epoch"], row["worker"], _FIGURES.decode(row["figures"]) if row["figures"] else None)
        for row in rows
    ]


async def load_body(db: Database, run: str, number: int) -> Body | None:
    """What was asked and answered."""
    rows = await db.read(SELECT_BODY, run=run, number=number)
    return _BODY.decode(rows[0]["body"]) if rows else None


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Samples by how far they are, and those that are scored by what became of them."""

    states: dict[ResultState, int]
    outcomes: dict[Outcome, int]


async def count_results(db: Database, run: str) -> Counted:
    """How a run stands."""
    states: dict[ResultState, int] = {"waiting": 0, "answered": 0, "scored": 0}
    outcomes: dict[Outcome, int] = {}
    for row in await db.read(COUNT, run=run):
        states[row["state"]] += row["count"]
        if row["state"] == "scored":
            outcomes[row["outcome"]] = row["count"]
    return Counted(states=states, outcomes=outcomes)


async def load_results(db: Database, run: str, *, bodies: bool = False) -> list[Result]:
    """All samples in order; with ``bodies``, with what was asked and said."""
    results: list[Result] = []
    after, size = -1, _PAGE_OF_BODIES if bodies else _PAGE
    while rows := await db.read(SELECT_ALL, run=run, after=after, limit=size):
        said = await _bodies(db, run, after, rows[-1]["number"]) if bodies else {}
        results += await asyncio.to_thread(_results, rows, said)
        after = rows[-1]["number"]
    return results


async def page_results(
    db: Database, run: str, *, outcome: Outcome | None, category: str, after: int, limit: int, search: str, words: bool
) -> tuple[list[Result], int | None]:
    """Up to ``limit`` samples after the number ``after``, without their words, and the last one's number where more may follow.
    ``search`` is part of an id, or, if ``words``, of what was extracted or said of it."""
    pattern = f"%{_escaped(search.lower())}%" if search else ""
    params: dict[str, Any] = {
        "run": run,
        "after": after,
        "limit": limit,
        "pattern": pattern,
        "category": category,
        "words": int(words),
    }
    rows = await (db.read(SELECT_PAGE, **params) if outcome is None else db.read(SELECT_PAGE_OF, outcome=outcome, **params))
    return _results(rows, {}), rows[-1]["number"] if len(rows) == limit else None


async def load_result(db: Database, run: str, sample: str, epoch: int) -> Result | None:
    """One sample with what was asked and said."""
    rows = await db.read(SELECT_ONE, run=run, sample=sample, epoch=epoch)
    if not rows:
        return None
    body = await load_body(db, run, rows[0]["number"])
    return _result(rows[0], body)


async def number_of(db: Database, run: str, sample: str, epoch: int) -> int | None:
    """Where a sample stands among those of its run."""
    rows = await db.read(SELECT_NUMBER, run=run, sample=sample, epoch=epoch)
    return int(rows[0]["number"]) if rows else None


async def _bodies(db: Database, run: str, after: int, last: int) -> dict[int, str]:
    return {row["number"]: row["body"] for row in await db.read(SELECT_BODIES, run=run, after=after, last=last)}


def _results(rows: Sequence[Row], bodies: dict[int, str]) -> list[Result]:
    return [_result(row, _BODY.decode(bodies[row["number"]]) if row["number"] in bodies else None) for row in rows]


def _result(row: Row, body: Body | None) -> Result:
    figures = _FIGURES.decode(row["figures"]) if row["figures"] else Figures()
    return Result(
        sample=row["sample"],
        epoch=row["epoch"],
        state=row["state"],
        cluster=row["cluster"],
        category=row["category"],
        transcript=None if body is None else body.transcript,
        message=None if body is None else body.message,
        stop=figures.stop,
        calls=figures.calls,
        usage=figures.usage,
        cost=figures.cost,
        latency_us=figures.latency_us,
        ttft_us=figures.ttft_us,
        cached=figures.cached,
        scored=_SCORED.decode(row["scored"]) if row["scored"] else None,
    )


def _escaped(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
