"""Answers that were given before, by what was asked: a convenience for trying out scorers, and never part of resuming a run.

The name of an answer is the hash of the deployment, the whole request and how often it was asked before in its run; so the second
sample of a question is not a copy of the first. Off unless asked for, and what came from here is marked as such: it says nothing of
an endpoint's speed, and nothing of its model today.
"""

from __future__ import annotations

import hashlib

import msgspec

from assay.core import Answer, Request, canonical, now_us
from assay.store import Database, Sql

INSERT = Sql("INSERT INTO bench_cache (name, at, answer) VALUES (:name, :at, :answer) ON CONFLICT DO NOTHING")
SELECT = Sql("SELECT answer FROM bench_cache WHERE name = :name")
DELETE = Sql("DELETE FROM bench_cache WHERE at < :before")

_ANSWER = msgspec.json.Decoder(Answer)


def name_of(request: Request, deployment: str, epoch: int) -> str:
    """What an answer is found by."""
    return hashlib.sha256(b"\n".join((deployment.encode(), str(epoch).encode(), canonical(request)))).hexdigest()


async def find_answer(db: Database, name: str) -> Answer | None:
    """The answer that was given, if there was one."""
    rows = await db.read(SELECT, name=name)
    return _ANSWER.decode(rows[0]["answer"]) if rows else None


async def keep_answer(db: Database, name: str, answer: Answer) -> None:
    """Keep an answer; the first one under a name stays."""
    await db.write([(INSERT, {"name": name, "at": now_us(), "answer": msgspec.json.encode(answer).decode()})])


async def drop_answers(db: Database, before_us: int) -> None:
    """Forget the answers that were kept before then."""
    await db.write([(DELETE, {"before": before_us})])
