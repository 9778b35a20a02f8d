"""The SQL of challenges: what was asked for and planned, items, what contestants and judges said, and what it cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import msgspec

from assay.challenge.item import Item
from assay.challenge.people_queries import lock_run
from assay.challenge.plan import Plan
from assay.challenge.report import Report, State, Word
from assay.challenge.spec import Side, Spec
from assay.challenge.trial import Trial
from assay.core import Money, Verdict
from assay.judge import Judgment
from assay.store import Database, Row, Sql, Transaction
from assay.store.chain import append_verdicts, read_verdicts

CHAIN = "challenges"
"""The chain of verdicts that hold what judges of challenges chose; a verdict's ``source`` is the challenge."""

INSERT_RUN = Sql(
    "INSERT INTO challenge_runs (id, state, at, ended_at, spec, plan, decision, trouble, report, owner) "
    "VALUES (:id, 'running', :at, NULL, :spec, :plan, NULL, NULL, NULL, :owner)"
)
INSERT_ITEM = Sql("INSERT INTO challenge_items (challenge, number, item, body) VALUES (:challenge, :number, :item, :body)")
_RUN = "SELECT id, state, at, ended_at, spec, plan, decision, trouble, owner FROM challenge_runs"
SELECT_RUN = Sql(f"{_RUN} WHERE id = :id")
SELECT_RUNS = Sql(f"{_RUN} ORDER BY at DESC, id DESC")
SELECT_OPEN = Sql(f"{_RUN} WHERE state <> 'ended'")
SELECT_REPORT = Sql("SELECT report FROM challenge_runs WHERE id = :id")
SET_STATE = Sql("""
    UPDATE challenge_runs SET state = :state, ended_at = :ended_at, decision = :decision, trouble = :trouble
    WHERE id = :id AND owner = :owner
""")
GO_ON = Sql("""
    UPDATE challenge_runs
    SET state = 'running', owner = :owner, spec = :spec, ended_at = NULL, decision = NULL, trouble = NULL, report = NULL
    WHERE id = :id AND (state <> 'running' OR owner = :owner)
""")
SET_REPORT = Sql("UPDATE challenge_runs SET report = :report WHERE id = :id")
SELECT_ITEMS = Sql("""
    SELECT number, body FROM challenge_items WHERE challenge = :challenge AND number > :after ORDER BY number LIMIT :limit
""")
SELECT_ITEM = Sql("SELECT number, body FROM challenge_items WHERE challenge = :challenge AND number = :number")
INSERT_TRIAL = Sql("""
    INSERT INTO challenge_trials (challenge, number, side, at, body) VALUES (:challenge, :number, :side, :at, :body)
""")
SELECT_TRIALS = Sql("SELECT number, side, body FROM challenge_trials WHERE challenge = :challenge ORDER BY number, side")
SELECT_TRIALS_OF = Sql("SELECT number, side, body FROM challenge_trials WHERE challenge = :challenge AND number = :number")
DELETE_TRIALS = Sql("""
    DELETE FROM challenge_trials WHERE challenge = :challenge AND side = :side AND number = :number AND (:read = 1 OR NOT EXISTS (
        SELECT 1 FROM challenge_pairs AS pairs
        WHERE pairs.challenge = :challenge AND pairs.number = :number AND pairs.state = 'seen'
    ))
""")
INSERT_JUDGMENT = Sql("""
    INSERT INTO challenge_judgments (id, challenge, number, body) VALUES (:id, :challenge, :number, :body)
""")
SELECT_JUDGMENTS = Sql("SELECT id, body FROM challenge_judgments WHERE challenge = :challenge ORDER BY number, id")
SELECT_JUDGMENTS_OF = Sql("SELECT id, body FROM challenge_judgments WHERE challenge = :challenge AND number = :number ORDER BY id")
UPSERT_COST = Sql("""
    INSERT INTO challenge_costs (challenge, id, nano, currency, known) VALUES (:challenge, :id, :nano, :currency, :known)
    ON CONFLICT (challenge, id) DO UPDATE SET nano = excluded.nano, currency = excluded.currency, known = excluded.known
""")
SELECT_COSTS = Sql("""
    SELECT currency, known, SUM(nano) AS nano FROM challenge_costs WHERE challenge = :challenge GROUP BY currency, known
    ORDER BY currency, known
""")
SELECT_UNVOTED = Sql("""
    SELECT number FROM challenge_items AS items WHERE challenge = :challenge AND NOT EXISTS (
        SELECT 1 FROM challenge_pairs AS pairs
        WHERE pairs.challenge = items.challenge AND pairs.number = items.number AND pairs.state = 'voted'
    ) ORDER BY number
""")
SELECT_VERDICTS_OF = Sql("""
    SELECT body FROM verdicts WHERE source = :challenge AND chain = :chain AND id LIKE :ids ORDER BY seq
""")
SELECT_HEAD = Sql("SELECT hash FROM verdicts WHERE source = :challenge AND chain = :chain ORDER BY seq DESC LIMIT 1")
SELECT_SKIPPED = Sql("SELECT DISTINCT number FROM challenge_pairs WHERE challenge = :challenge AND state = 'skipped'")

_PAGE = 500
_SPEC = msgspec.json.Decoder(Spec)
_PLAN = msgspec.json.Decoder(Plan)
_ITEM = msgspec.json.Decoder(Item)
_TRIAL = msgspec.json.Decoder(Trial)
_JUDGMENT = msgspec.json.Decoder(Judgment)
_REPORT = msgspec.json.Decoder(Report)
_VERDICT = msgspec.json.Decoder(Verdict)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge as it is kept. Times in microseconds UTC. ``decision`` is there once it has ended, ``trouble`` where it was cut short.
    ``owner`` is the server that ran it last.
    """

    id: str
    state: State
    at: int
    spec: Spec
    plan: Plan
    ended_at: int | None = None
    decision: Word | None = None
    trouble: str | None = None
    owner: str = ""


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What a challenge has cost in one ``currency``: ``known``, and ``held`` for calls whose cost was never learnt."""

    currency: str
    known: int
    held: int


async def add_run(db: Database, run: Run, items: Sequence[Item]) -> None:
    """Save a new challenge with its items, numbered from 1 in the order given."""
    row = {"id": run.id, "at": run.at, "spec": _json(run.spec), "plan": _json(run.plan), "owner": run.owner}
    await db.write([(INSERT_RUN, row), (INSERT_ITEM, await asyncio.to_thread(_item_rows, run.id, items))])


async def load_run(db: Database, id: str) -> Run | None:
    """The challenge of that id."""
    rows = await db.read(SELECT_RUN, id=id)
    return _run(rows[0]) if rows else None


async def list_runs(db: Database) -> list[Run]:
    """All challenges, the newest first."""
    return [_run(row) for row in await db.read(SELECT_RUNS)]


async def list_open(db: Database) -> list[Run]:
    """The challenges that have not ended."""
    return [_run(row) for row in await db.read(SELECT_OPEN)]


async def set_state(
    db: Database,
    id: str,
    state: State,
    *,
    owner: str = "",
    ended_at: int | None = None,
    decision: Word | None = None,
    trouble: str | None = None,
) -> None:
    """Say where a challenge of ``owner`` stands now; one that another server has taken over in the meantime is left alone."""
    row = {"id": id, "owner": owner, "state": state, "ended_at": ended_at, "decision": decision, "trouble": trouble}
    await db.write([(SET_STATE, row)])


async def go_on(db: Database, id: str, spec: Spec, owner: str) -> bool:
    """Say that a challenge runs again, at ``owner``, perhaps with another budget; False where another server runs it."""
    async with db.transaction() as tx:
        return await tx.write(GO_ON, {"id": id, "spec": _json(spec), "owner": owner}) > 0


async def save_report(db: Database, id: str, report: Report) -> None:
    """Keep the report of a challenge that has ended."""
    await db.write([(SET_REPORT, {"id": id, "report": _json(report)})])


async def load_report(db: Database, id: str) -> Report | None:
    """The report that was kept, None where there is none yet."""
    rows = await db.read(SELECT_REPORT, id=id)
    return _REPORT.decode(rows[0]["report"]) if rows and rows[0]["report"] else None


async def page_items(db: Database, id: str) -> AsyncGenerator[list[tuple[int, Item]], None]:
    """All items with their numbers in order, a page at a time."""
    after = 0
    while rows := await db.read(SELECT_ITEMS, challenge=id, after=after, limit=_PAGE):
        yield [(row["number"], _ITEM.decode(row["body"])) for row in rows]
        after = rows[-1]["number"]


async def load_items(db: Database, id: str) -> list[Item]:
    """All items in order: the item with number n stands at n - 1."""
    return [item async for page in page_items(db, id) for _, item in page]


async def load_item(db: Database, id: str, number: int) -> Item | None:
    """One item."""
    rows = await db.read(SELECT_ITEM, challenge=id, number=number)
    return _ITEM.decode(rows[0]["body"]) if rows else None


async def add_trial(db: Database, id: str, number: int, trial: Trial, at: int) -> None:
    """Save how a contestant fared."""
    row = {"challenge": id, "number": number, "side": trial.side, "at": at, "body": _json(trial)}
    await db.write([(INSERT_TRIAL, row)])


async def load_trials(db: Database, id: str) -> dict[int, dict[Side, Trial]]:
    """All that contestants said, by item number and side."""
    return _by_number(await db.read(SELECT_TRIALS, challenge=id))


async def load_trials_of(db: Database | Transaction, id: str, number: int) -> dict[Side, Trial]:
    """What contestants said to one item."""
    return _by_number(await db.read(SELECT_TRIALS_OF, challenge=id, number=number)).get(number, {})


async def delete_trials(db: Database, id: str, side: Side, numbers: Sequence[int], *, read: bool) -> None:
    """Forget how a contestant fared on some items, so that they are asked again; without ``read`` not on those that somebody has
    read with their names since, and cannot judge any more."""
    if numbers:
        rows = [{"challenge": id, "side": side, "number": number, "read": int(read)} for number in numbers]
        async with db.transaction() as tx:
            await lock_run(tx, id)  # nobody begins to read one meanwhile
            await tx.write(DELETE_TRIALS, rows)


async def add_verdict(db: Database, number: int, verdict: Verdict, judgment: Judgment | None = None) -> None:
    """Append to the chain what a judge chose, and keep what it said."""
    async with db.transaction() as tx:
        await append_verdicts(tx, [verdict], CHAIN)
        if judgment is not None:
            row = {"id": verdict.id, "challenge": verdict.source, "number": number, "body": _json(judgment)}
            await tx.write(INSERT_JUDGMENT, row)


async def load_verdicts(db: Database, id: str) -> list[Verdict]:
    """All that judges chose, in the order it was written down."""
    return await read_verdicts(db, source=id, chain=CHAIN)


async def load_verdicts_of(db: Database, id: str, number: int) -> list[Verdict]:
    """All that judges chose on one item, in the order it was written down; `record.number_of` says how their ids begin."""
    rows = await db.read(SELECT_VERDICTS_OF, challenge=id, chain=CHAIN, ids=f"{id}.{number}.%")
    return [_VERDICT.decode(row["body"]) for row in rows]


async def load_head(db: Database, id: str) -> str | None:
    """The hash of the last link that this challenge added to the chain."""
    rows = await db.read(SELECT_HEAD, challenge=id, chain=CHAIN)
    return rows[0]["hash"] if rows else None


async def load_judgments(db: Database, id: str) -> dict[str, Judgment]:
    """What judges that are models said, by the verdict's id."""
    return {row["id"]: _JUDGMENT.decode(row["body"]) for row in await db.read(SELECT_JUDGMENTS, challenge=id)}


async def load_judgments_of(db: Database, id: str, number: int) -> dict[str, Judgment]:
    """What judges that are models said of one item, by the verdict's id."""
    rows = await db.read(SELECT_JUDGMENTS_OF, challenge=id, number=number)
    return {row["id"]: _JUDGMENT.decode(row["body"]) for row in rows}


async def save_cost(db: Database, id: str, call: str, cost: Money, *, known: bool) -> None:
    """Write down what a call takes of the budget, in place of what was written of it before."""
    row = {"challenge": id, "id": call, "nano": cost.nano, "currency": cost.currency, "known": int(known)}
    await db.write([(UPSERT_COST, row)])


async def load_spent(db: Database, id: str) -> list[Spent]:
    """What a challenge has cost so far, by currency."""
    found: dict[str, dict[int, int]] = {}
    for row in await db.read(SELECT_COSTS, challenge=id):
        found.setdefault(row["currency"], {})[row["known"]] = int(row["nano"])  # PostgreSQL sums bigints as numeric
    return [Spent(currency=currency, known=nano.get(1, 0), held=nano.get(0, 0)) for currency, nano in found.items()]


async def list_unvoted(db: Database, id: str) -> list[int]:
    """The numbers of all items that no person has judged."""
    return [row["number"] for row in await db.read(SELECT_UNVOTED, challenge=id)]


async def list_skipped(db: Database, id: str) -> set[int]:
    """The numbers of items whose pair a person would not judge."""
    return {row["number"] for row in await db.read(SELECT_SKIPPED, challenge=id)}


def _item_rows(id: str, items: Sequence[Item]) -> list[dict[str, Any]]:
    """Takes seconds for many."""
    return [{"challenge": id, "number": number, "item": item.id, "body": _json(item)} for number, item in enumerate(items, 1)]


def _by_number(rows: Sequence[Row]) -> dict[int, dict[Side, Trial]]:
    trials: dict[int, dict[Side, Trial]] = {}
    for row in rows:
        trial = _TRIAL.decode(row["body"])
        trials.setdefault(row["number"], {})[trial.side] = trial
    return trials


def _run(row: Row) -> Run:
    return Run(
        id=row["id"],
        state=row["state"],
        at=row["at"],
        ended_at=row["ended_at"],
        spec=_SPEC.decode(row["spec"]),
        plan=_PLAN.decode(row["plan"]),
        decision=row["decision"],
        trouble=row["trouble"],
        owner=row["owner"],
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
