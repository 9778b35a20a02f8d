"""All SQL of the arena's own tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from assay.arena.battle import Battle, BattleState, Letter, Standing, Turn
from assay.core import Choice, Deployment
from assay.store import Database, Row, Sql, Transaction

SELECT_BATTLE = Sql("SELECT * FROM arena_battles WHERE id = :id")
LOCK_BATTLE = Sql(
    sqlite="SELECT * FROM arena_battles WHERE id = :id",
    postgresql="SELECT * FROM arena_battles WHERE id = :id FOR UPDATE",
)
SELECT_TURNS = Sql("SELECT body FROM arena_turns WHERE battle = :id ORDER BY turn")
SELECT_TURNS_OF = Sql(
    sqlite="SELECT battle, body FROM arena_turns WHERE battle IN (SELECT value FROM json_each(:ids)) ORDER BY battle, turn",
    postgresql="SELECT battle, body FROM arena_turns WHERE battle = ANY(:ids::text[]) ORDER BY battle, turn",
)
SELECT_OWN = Sql(
    sqlite="SELECT * FROM arena_battles WHERE voter IN (SELECT value FROM json_each(:voters)) "
    "AND (:before IS NULL OR id < :before) ORDER BY id DESC LIMIT :limit",
    postgresql="SELECT * FROM arena_battles WHERE voter = ANY(:voters::text[]) "
    "AND (:before::text IS NULL OR id < :before) ORDER BY id DESC LIMIT :limit",
)
COUNT_OPEN = Sql(
    sqlite="SELECT count(*) AS open, min(expires) AS soonest FROM arena_battles "
    "WHERE state = 'open' AND expires > :now AND voter IN (SELECT value FROM json_each(:voters))",
    postgresql="SELECT count(*) AS open, min(expires) AS soonest FROM arena_battles "
    "WHERE state = 'open' AND expires > :now AND voter = ANY(:voters::text[])",
)
SELECT_OPEN = Sql("SELECT id, turn FROM arena_battles WHERE state = 'open' AND expires > :now")
COUNT_VOTES = Sql(
    "SELECT first_model, second_model, count(*) AS votes FROM arena_battles WHERE state = 'voted' GROUP BY first_model, second_model"
)
INSERT_BATTLE = Sql(
    "INSERT INTO arena_battles (id, state, voter, at, expires, turn, a, b, first_model, second_model, propensity, sampling) "
    "VALUES (:id, 'open', :voter, :at, :expires, :turn, :a, :b, :first_model, :second_model, :propensity, :sampling)"
)
START_TURN = Sql("UPDATE arena_battles SET turn = :turn, expires = :expires WHERE id = :id AND state = 'open' AND turn = :previous")
INSERT_TURN = Sql("INSERT INTO arena_turns (battle, turn, body) VALUES (:battle, :turn, :body)")
SET_TURN = Sql("UPDATE arena_turns SET body = :body WHERE battle = :battle AND turn = :turn")
DELETE_TURNS = Sql("""
    DELETE FROM arena_turns WHERE battle IN (
        SELECT id FROM arena_battles WHERE state = 'void' OR (state = 'open' AND expires <= :now)
    )
""")
MARK_VOTED = Sql(
    "UPDATE arena_battles SET state = 'voted', choice = :choice, voted_at = :at WHERE id = :id AND state = 'open' AND turn = :turn"
)
MARK_VOID = Sql("UPDATE arena_battles SET state = 'void' WHERE id = :id AND state = 'open'")
SET_EFFECT = Sql("UPDATE arena_battles SET effect = :effect WHERE id = :id")
SELECT_VOTER_KEY = Sql("SELECT max(version) AS version FROM arena_voter_keys")
INSERT_VOTER_KEY = Sql("INSERT INTO arena_voter_keys (version, at) VALUES (:version, :at)")

_TURN = msgspec.json.Decoder(Turn)
_DEPLOYMENT = msgspec.json.Decoder(Deployment)
_EFFECT = msgspec.json.Decoder(dict[Letter, Standing])


async def add_battle(db: Database, battle: Battle) -> None:
    """Save a new battle."""
    first, second = sorted((battle.a.model, battle.b.model))
    row = {
        "id": battle.id,
        "voter": battle.voter,
        "at": battle.at,
        "expires": battle.expires,
        "turn": battle.turn,
        "a": _json(battle.a),
        "b": _json(battle.b),
        "first_model": first,
        "second_model": second,
        "propensity": battle.propensity,
        "sampling": battle.sampling,
    }
    await db.write([(INSERT_BATTLE, row)])


async def load_battle(db: Database | Transaction, id: str, *, lock: bool = False) -> Battle | None:
    """The battle with its turns; ``lock`` keeps others from changing it until the transaction ends."""
    rows = await db.read(LOCK_BATTLE if lock else SELECT_BATTLE, id=id)
    if not rows:
        return None
    return _battle(rows[0], await load_turns(db, id))


async def load_turns(db: Database | Transaction, id: str) -> tuple[Turn, ...]:
    """What was shown in a battle so far."""
    return tuple(_TURN.decode(row["body"]) for row in await db.read(SELECT_TURNS, id=id))


async def list_battles(db: Database, voters: Sequence[str], before: str | None, limit: int) -> list[Battle]:
    """A voter's battles, the newest first; ``before`` is an id, None begins with the newest."""
    rows = await db.read(SELECT_OWN, voters=list(voters), before=before, limit=limit)
    turns: dict[str, list[Turn]] = {row["id"]: [] for row in rows}
    for row in await db.read(SELECT_TURNS_OF, ids=list(turns)):
        turns[row["battle"]].append(_TURN.decode(row["body"]))
    return [_battle(row, turns[row["id"]]) for row in rows]


async def count_open(db: Database, voters: Sequence[str], now: int) -> tuple[int, int | None]:
    """How many battles of a voter are open, and when the first of them ends."""
    row = (await db.read(COUNT_OPEN, voters=list(voters), now=now))[0]
    return row["open"], row["soonest"]


async def list_open(db: Database, now: int) -> list[tuple[str, int]]:
    """All battles that can still be voted on: the id of each and the number of its newest turn."""
    return [(row["id"], row["turn"]) for row in await db.read(SELECT_OPEN, now=now)]


async def count_votes(db: Database) -> dict[tuple[str, str], int]:
    """Votes on each pair of models."""
    return {(row["first_model"], row["second_model"]): row["votes"] for row in await db.read(COUNT_VOTES)}


async def start_turn(tx: Transaction, id: str, previous: int, expires: int) -> bool:
    """Move an open battle on from turn ``previous``; False where it is not open at that turn any more."""
    return await tx.write(START_TURN, {"id": id, "turn": previous + 1, "previous": previous, "expires": expires}) == 1


async def add_turn(tx: Transaction, id: str, turn: Turn) -> None:
    """Save what was shown in a turn."""
    await tx.write(INSERT_TURN, {"battle": id, "turn": turn.number, "body": _json(turn)})


async def forget_words(tx: Transaction, battle: Battle) -> None:
    """Forget what was said in a battle."""
    await tx.write(SET_TURN, [{"battle": battle.id, "turn": t.number, "body": _json(t.without_words())} for t in battle.turns])


async def delete_unvoted_turns(db: Database, now: int) -> None:
    """Forget the turns of all battles that never got a vote and cannot get one any more."""
    await db.write([(DELETE_TURNS, {"now": now})])


async def mark_voted(tx: Transaction, id: str, turn: int, choice: Choice, at: int) -> bool:
    """Close an open battle at ``turn`` with a vote; False where it is not open at that turn any more."""
    return await tx.write(MARK_VOTED, {"id": id, "turn": turn, "choice": choice, "at": at}) == 1


async def mark_void(tx: Transaction, id: str) -> None:
    """Close a battle, if it is still open, without a vote for ever."""
    await tx.write(MARK_VOID, {"id": id})


async def set_effect(db: Database, id: str, effect: dict[Letter, Standing]) -> None:
    """Keep what the vote did to the board, to be shown again."""
    await db.write([(SET_EFFECT, {"id": id, "effect": _json(effect)})])


async def newest_voter_key(db: Database | Transaction) -> int:
    """The newest version of the voters' key; 1 where it was never rotated."""
    return (await db.read(SELECT_VOTER_KEY))[0]["version"] or 1


async def next_voter_key(tx: Transaction, at: int) -> int:
    """Start the next version of the voters' key."""
    version = await newest_voter_key(tx) + 1
    await tx.write(INSERT_VOTER_KEY, {"version": version, "at": at})
    return version


def _battle(row: Row, turns: Sequence[Turn]) -> Battle:
    state: BattleState = row["state"]
    return Battle(
        id=row["id"],
        state=state,
        voter=row["voter"],
        at=row["at"],
        expires=row["expires"],
        turn=row["turn"],
        a=_DEPLOYMENT.decode(row["a"]),
        b=_DEPLOYMENT.decode(row["b"]),
        propensity=row["propensity"],
        sampling=row["sampling"],
        turns=tuple(turns),
        choice=row["choice"],
        voted_at=row["voted_at"],
        effect=_EFFECT.decode(row["effect"]) if row["effect"] else None,
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
