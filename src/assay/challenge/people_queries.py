"""The SQL of people who judge: who they are, and which pair was shown to whom."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from assay.challenge.spec import Side
from assay.core import now_us
from assay.store import Database, Row, Sql, Transaction

LOCK_RUN = Sql(
    sqlite="SELECT state FROM challenge_runs WHERE id = :id",
    postgresql="SELECT state FROM challenge_runs WHERE id = :id FOR NO KEY UPDATE",
)
SELECT_PEOPLE = Sql(
    "SELECT person, name, invitation, removed FROM challenge_people WHERE challenge = :challenge ORDER BY at, person"
)
SELECT_INVITED = Sql("""
    SELECT person, name, invitation, removed FROM challenge_people WHERE challenge = :challenge AND invitation = :invitation
""")
ADD_PERSON = Sql("""
    INSERT INTO challenge_people (challenge, person, name, at, invitation, removed)
    VALUES (:challenge, :person, :name, :at, :invitation, NULL)
    ON CONFLICT (challenge, person) DO UPDATE SET name = excluded.name, invitation = excluded.invitation
""")
SPEND_INVITATION = Sql(
    "UPDATE challenge_people SET invitation = NULL WHERE challenge = :challenge AND person = :person AND invitation = :invitation"
)
REMOVE_PERSON = Sql("""
    UPDATE challenge_people SET invitation = NULL, removed = :at WHERE challenge = :challenge AND person = :person
""")
TAKE_BACK = Sql("DELETE FROM challenge_pairs WHERE challenge = :challenge AND person = :person AND state = 'shown'")
COUNT_VOTES = Sql("""
    SELECT person, COUNT(*) AS votes FROM challenge_pairs WHERE challenge = :challenge AND state = 'voted' GROUP BY person
""")
_BUSY = """
    SELECT COUNT(*) FROM challenge_pairs AS pairs WHERE pairs.challenge = one.challenge AND pairs.number = one.number AND (
        (pairs.person = :person AND pairs.state <> 'shown')
        OR (:shared = 1 AND pairs.state IN ('voted', 'skipped'))
        OR (:shared = 1 AND pairs.person <> :person AND pairs.state = 'shown' AND pairs.at > :since)
    )
"""
_OTHER = """
    SELECT COUNT(*) FROM challenge_trials AS other
    WHERE other.challenge = one.challenge AND other.number = one.number AND other.side = 'incumbent'
"""
_WAITING = "SELECT one.number FROM challenge_trials AS one WHERE one.challenge = :challenge AND one.side = 'challenger'"
_IN_ORDER = "ORDER BY one.number LIMIT :limit"


def _in_words(trial: str, *, sqlite: bool) -> str:
    """That ``trial`` ended in an answer, whose last message calls no tool.

    PostgreSQL takes no JSON apart that holds a NUL, as what a model said may: another control character stands in for it.
    """
    if sqlite:
        ending, part = f"json_extract({trial}.body, '$.ending')", "json_extract(part.value, '$.type')"
        parts = f"json_each({trial}.body, '$.turns[#-1].parts')"
    else:
        body = f"replace({trial}.body, '\\u0000', '\\u0001')::json"
        ending, part = f"{body} ->> 'ending'", "part.value ->> 'type'"
        parts = f"json_array_elements({body} -> 'turns' -> -1 -> 'parts')"
    tools = f"SELECT COUNT(*) FROM {parts} AS part WHERE {part} = 'tool_call'"  # noqa: S608 - nothing of it comes from outside
    return f"{ending} = 'answered' AND ({tools}) = 0"


# Counts, where EXISTS would say the same: a planner without statistics makes joins of those, and quadratic ones.
SELECT_WAITING = Sql(
    sqlite=f"{_WAITING} AND ({_BUSY}) = 0 AND {_in_words('one', sqlite=True)} "
    f"AND ({_OTHER} AND {_in_words('other', sqlite=True)}) = 1 {_IN_ORDER}",
    postgresql=f"{_WAITING} AND ({_BUSY}) = 0 AND {_in_words('one', sqlite=False)} "
    f"AND ({_OTHER} AND {_in_words('other', sqlite=False)}) = 1 {_IN_ORDER}",
)
"""Pairs that a person can be shown. ``shared``: one vote by anybody is enough."""
SELECT_PAIRS = Sql("SELECT person, a, at, state FROM challenge_pairs WHERE challenge = :challenge AND number = :number")
SHOW_PAIR = Sql("""
    INSERT INTO challenge_pairs (challenge, number, person, a, at, state) VALUES (:challenge, :number, :person, :a, :at, 'shown')
    ON CONFLICT (challenge, number, person) DO UPDATE SET at = excluded.at RETURNING a
""")
KEEP_PAIRS = Sql("UPDATE challenge_pairs SET at = :at WHERE challenge = :challenge AND person = :person AND state = 'shown'")
MOVE_PAIR = Sql("""
    UPDATE challenge_pairs SET state = :state, at = :at
    WHERE challenge = :challenge AND number = :number AND person = :person AND state = 'shown'
""")
SEE_PAIR = Sql("""
    INSERT INTO challenge_pairs (challenge, number, person, a, at, state)
    VALUES (:challenge, :number, :person, 'challenger', :at, 'seen')
    ON CONFLICT (challenge, number, person) DO UPDATE SET state = 'seen' WHERE challenge_pairs.state = 'shown'
""")


class Judge(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may judge. ``invitation`` is the hash of a link that was not used yet."""

    person: str
    name: str
    invitation: bytes | None = None
    removed: bool = False


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A pair as it was shown to a person: which side stood first, since when (microseconds UTC), and what came of it."""

    person: str
    a: Side
    at: int
    state: str


async def lock_run(tx: Transaction, id: str) -> str | None:
    """The challenge's state, which cannot change until the transaction ends; nobody else is shown a pair of it meanwhile."""
    rows = await tx.read(LOCK_RUN, id=id)
    return str(rows[0]["state"]) if rows else None


async def list_people(db: Database | Transaction, id: str) -> list[Judge]:
    """All who judge, those too who were removed, in the order they came."""
    return [_judge(row) for row in await db.read(SELECT_PEOPLE, challenge=id)]


async def load_names(db: Database, id: str) -> dict[str, str]:
    """The name of each person, by what verdicts call them."""
    return {judge.person: judge.name for judge in await list_people(db, id)}


async def find_invited(db: Database, id: str, invitation: bytes) -> Judge | None:
    """Whose link it is that has this hash."""
    rows = await db.read(SELECT_INVITED, challenge=id, invitation=invitation)
    return _judge(rows[0]) if rows else None


async def put_person(tx: Transaction, id: str, judge: Judge) -> None:
    """Add somebody, or give them a new link."""
    row = {"challenge": id, "person": judge.person, "name": judge.name, "at": now_us(), "invitation": judge.invitation}
    await tx.write(ADD_PERSON, row)


async def spend_invitation(tx: Transaction, id: str, person: str, invitation: bytes) -> None:
    """The link of that hash leads nowhere any more."""
    await tx.write(SPEND_INVITATION, {"challenge": id, "person": person, "invitation": invitation})


async def remove_person(tx: Transaction, id: str, person: str) -> None:
    """They vote no more, and what they were shown waits for others."""
    await tx.write(REMOVE_PERSON, {"challenge": id, "person": person, "at": now_us()})
    await tx.write(TAKE_BACK, {"challenge": id, "person": person})


async def count_votes(db: Database, id: str) -> dict[str, int]:
    """Votes by person."""
    return {row["person"]: row["votes"] for row in await db.read(COUNT_VOTES, challenge=id)}


async def list_waiting(db: Database, id: str, person: str, since: int, limit: int, *, shared: bool) -> list[int]:
    """The numbers of the first ``limit`` pairs that ``person`` can be shown; ``since`` is how long others keep theirs."""
    params = {"challenge": id, "person": person, "since": since, "limit": limit, "shared": int(shared)}
    return [row["number"] for row in await db.read(SELECT_WAITING, **params)]


async def list_placed(db: Database | Transaction, id: str, number: int) -> list[Placed]:
    """To whom the pair was shown."""
    rows = await db.read(SELECT_PAIRS, challenge=id, number=number)
    return [Placed(person=row["person"], a=row["a"], at=row["at"], state=row["state"]) for row in rows]


async def show_pair(tx: Transaction, id: str, number: int, person: str, a: Side) -> Side:
    """Note that a pair is shown to somebody now; which side stands first: ``a``, or the one that stood there before."""
    rows = await tx.read(SHOW_PAIR, challenge=id, number=number, person=person, a=a, at=now_us())
    side: Side = rows[0]["a"]
    return side


async def keep_pairs(db: Database, id: str, person: str) -> None:
    """Note that a person still has before them what they were shown."""
    await db.write([(KEEP_PAIRS, {"challenge": id, "person": person, "at": now_us()})])


async def move_pair(tx: Transaction, id: str, number: int, person: str, state: str) -> bool:
    """Note what came of a pair; False where it is not before that person."""
    row = {"challenge": id, "number": number, "person": person, "state": state, "at": now_us()}
    return await tx.write(MOVE_PAIR, row) == 1


async def see_pairs(tx: Transaction, id: str, person: str, numbers: Sequence[int]) -> None:
    """Note that somebody knows whose answers these are, and cannot judge them blind."""
    rows = [{"challenge": id, "number": number, "person": person, "at": now_us()} for number in numbers]
    if rows:
        await tx.write(SEE_PAIR, rows)


def _judge(row: Row) -> Judge:
    return Judge(
        person=row["person"],
        name=row["name"],
        invitation=bytes(row["invitation"]) if row["invitation"] is not None else None,
        removed=row["removed"] is not None,
    )
