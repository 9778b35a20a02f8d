"""The append-only chain of verdicts: each row carries the hash of the one before it.

``hash = SHA-256(prev || body)`` in hex, where ``body`` is the verdict's canonical JSON (sorted keys) and the first ``prev`` is 64
zeros. Columns beside ``body`` are copies for queries; `verify_chain` holds them against it. Triggers refuse UPDATE and DELETE.

Covered: any change, gap or reordering, and a cut end as long as the head row stands or somebody noted a head. Not covered:
whoever rewrites the whole chain and its head; note the head elsewhere from time to time.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any, TypedDict

import msgspec

from assay.core.errors import Conflict
from assay.core.verdict import Verdict
from assay.store.database import Database, Row, Transaction
from assay.store.sql import Sql

GENESIS = "0" * 64
VOTES = "votes"
_PAGE = 2000

_VALUES = ":chain, :seq, :id, :source, :kind, :at, :choice, :a, :b, :by, :body, :prev, :hash"
BEGIN_CHAIN = Sql("INSERT INTO chains (chain, seq, hash) VALUES (:chain, 0, :hash) ON CONFLICT (chain) DO NOTHING")
TAKE_HEAD = Sql(
    "SELECT seq, hash FROM chains WHERE chain = :chain",
    postgresql="SELECT seq, hash FROM chains WHERE chain = :chain FOR UPDATE",
)
READ_HEAD = Sql("""
    SELECT (SELECT seq FROM chains WHERE chain = :chain) AS seq, (SELECT hash FROM chains WHERE chain = :chain) AS hash,
           (SELECT MAX(seq) FROM verdicts WHERE chain = :chain) AS last
""")
MOVE_HEAD = Sql("UPDATE chains SET seq = :seq, hash = :hash WHERE chain = :chain")
INSERT_VERDICT = Sql(
    f"INSERT INTO verdicts (chain, seq, id, source, kind, at, choice, a, b, by, body, prev, hash) VALUES ({_VALUES})"  # noqa: S608 - a constant
)
SELECT_LINKS = Sql("SELECT * FROM verdicts WHERE chain = :chain AND seq > :after AND seq <= :end ORDER BY seq LIMIT :limit")
SELECT_BODIES = Sql("SELECT seq, body FROM verdicts WHERE chain = :chain AND seq > :after ORDER BY seq LIMIT :limit")
SELECT_BODIES_OF = Sql(
    "SELECT seq, body FROM verdicts WHERE source = :source AND chain = :chain AND seq > :after ORDER BY seq LIMIT :limit"
)
SELECT_SOURCES = Sql(
    "SELECT source, COUNT(*) AS votes, MIN(at) AS first, MAX(at) AS last FROM verdicts WHERE chain = :chain GROUP BY source ORDER BY MIN(seq)"
)

_canonical = msgspec.json.Encoder(order="sorted")
_verdict = msgspec.json.Decoder(Verdict)


class Link(msgspec.Struct, frozen=True):
    """Where a verdict came to stand in its chain."""

    chain: str
    seq: int
    id: str
    hash: str


class ChainReport(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a chain holds: its length and head, or the first ``seq`` that is wrong and why."""

    chain: str
    ok: bool
    length: int
    head: str
    first_bad: int | None = None
    reason: str | None = None


class Source(TypedDict):
    """One collection of verdicts: how many, and the times of the first and the last (microseconds UTC)."""

    source: str
    votes: int
    first: int
    last: int


async def append_verdicts(tx: Transaction, verdicts: Sequence[Verdict], chain: str = VOTES) -> list[Link]:
    """Append in the caller's transaction; what it returns is true once that has committed.

    Raises:
        Conflict: ``vote.already_cast`` when an id is there already. The transaction cannot go on then.
    """
    seq, head = await _take_head(tx, chain)
    rows = []
    for verdict in verdicts:
        seq += 1
        body = _canonical.encode(verdict).decode()
        prev, head = head, _hash(head, body)
        rows.append({"chain": chain, "seq": seq, "body": body, "prev": prev, "hash": head, **_columns(verdict)})
    if not rows:
        return []
    try:
        await tx.write(INSERT_VERDICT, rows)
    except Conflict as error:
        which = f"The vote {verdicts[0].id!r}" if len(verdicts) == 1 else f"One of these {len(verdicts)} votes"
        raise Conflict("vote.already_cast", f"{which} has been cast before.", hint="It counts once; nothing was added.") from error
    await tx.write(MOVE_HEAD, {"chain": chain, "seq": seq, "hash": head})
    return [Link(chain, row["seq"], row["id"], row["hash"]) for row in rows]


async def verify_chain(db: Database, chain: str = VOTES) -> ChainReport:
    """Walk the chain from its first row to its head of this moment, and check every hash, every copy and the head."""
    start = (await db.read(READ_HEAD, chain=chain))[0]
    end, noted, last = start["seq"] or 0, start["hash"] or GENESIS, start["last"] or 0
    seq, head = 0, GENESIS
    while rows := await db.read(SELECT_LINKS, chain=chain, after=seq, end=max(end, last), limit=_PAGE):
        for row in rows:
            reason = _what_is_wrong(row, seq + 1, head)
            if reason:
                return ChainReport(chain=chain, ok=False, length=seq, head=head, first_bad=seq + 1, reason=reason)
            seq, head = seq + 1, row["hash"]
            if seq == end and head != noted:
                reason = "the head on record has another hash"
                return ChainReport(chain=chain, ok=False, length=seq, head=head, first_bad=seq, reason=reason)
    if seq > end:
        reason = f"it is not in the record of appends, which ends at {end}"
        return ChainReport(chain=chain, ok=False, length=seq, head=head, first_bad=end + 1, reason=reason)
    if seq < end:
        reason = f"the chain ends at {seq}, but {end} verdicts were appended"
        return ChainReport(chain=chain, ok=False, length=seq, head=head, first_bad=seq + 1, reason=reason)
    return ChainReport(chain=chain, ok=True, length=seq, head=head)


async def read_verdicts(
    db: Database, *, source: str | None = None, after_seq: int = 0, limit: int | None = None, chain: str = VOTES
) -> list[Verdict]:
    """Verdicts in the order they were appended, of all sources or of one."""
    most = limit if limit is not None else (1 << 62)
    if source is None:
        rows = await db.read(SELECT_BODIES, chain=chain, after=after_seq, limit=most)
    else:
        rows = await db.read(SELECT_BODIES_OF, chain=chain, source=source, after=after_seq, limit=most)
    return [_verdict.decode(row["body"]) for row in rows]


async def page_verdicts(db: Database, *, source: str | None = None, chain: str = VOTES) -> AsyncGenerator[list[Verdict], None]:
    """All that `read_verdicts` gives, a page at a time, so that a long chain is never in memory at once."""
    params = {"chain": chain} if source is None else {"chain": chain, "source": source}
    select, seq = SELECT_BODIES if source is None else SELECT_BODIES_OF, 0
    while rows := await db.read(select, after=seq, limit=_PAGE, **params):
        yield [_verdict.decode(row["body"]) for row in rows]
        seq = rows[-1]["seq"]


async def list_sources(db: Database, *, chain: str = VOTES) -> list[Source]:
    """Every source of verdicts in a chain, in the order of its first one."""
    rows = await db.read(SELECT_SOURCES, chain=chain)
    return [Source(source=row["source"], votes=row["votes"], first=row["first"], last=row["last"]) for row in rows]


async def _take_head(tx: Transaction, chain: str) -> tuple[int, str]:
    """The chain's end, locked until the transaction ends."""
    found = await tx.read(TAKE_HEAD, chain=chain)
    if not found:
        await tx.write(BEGIN_CHAIN, {"chain": chain, "hash": GENESIS})
        found = await tx.read(TAKE_HEAD, chain=chain)
    return found[0]["seq"], found[0]["hash"]


def _hash(prev: str, body: str) -> str:
    return hashlib.sha256((prev + body).encode()).hexdigest()


def _columns(verdict: Verdict) -> dict[str, Any]:
    """The copies of a verdict's fields that queries look at."""
    subjects = verdict.subjects
    return {
        "id": verdict.id,
        "source": verdict.source,
        "kind": verdict.kind,
        "at": verdict.at,
        "choice": verdict.choice,
        "a": subjects[0].model if subjects else None,
        "b": subjects[1].model if len(subjects) > 1 else None,
        "by": verdict.by,
    }


def _what_is_wrong(row: Row, seq: int, prev: str) -> str | None:
    if row["seq"] != seq:
        return f"it is missing; the next one is {row['seq']}"
    if row["prev"] != prev:
        return "it does not continue the one before it"
    if row["hash"] != _hash(prev, row["body"]):
        return "its body does not have its hash"
    try:
        copies = _columns(_verdict.decode(row["body"]))
    except msgspec.DecodeError as error:
        return f"its body is not a verdict: {error}"
    changed = [name for name, value in copies.items() if row[name] != value]
    return f"its {', '.join(changed)} differs from its body" if changed else None
