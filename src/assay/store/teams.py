"""Teams: people who share budgets and limits. None is ever deleted, since what was spent names them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from assay.core.errors import Conflict, InvalidInput, NotFound
from assay.core.holder import Limits
from assay.core.ids import new_id, now_us
from assay.store.database import Database, Row
from assay.store.sql import Sql

MAX_NAME = 200

INSERT_TEAM = Sql("INSERT INTO teams (id, name, limits, created) VALUES (:id, :name, :limits, :created)")
UPDATE_TEAM = Sql("UPDATE teams SET name = :name, limits = :limits, archived = :archived WHERE id = :id")
SELECT_TEAMS = Sql("""
    SELECT id, name, limits, created, archived,
           (SELECT COUNT(*) FROM users WHERE users.team = teams.id AND users.disabled IS NULL) AS members,
           (SELECT COUNT(*) FROM keys LEFT JOIN users ON users.id = keys.user_id
            WHERE COALESCE(keys.team_id, users.team) = teams.id AND keys.revoked IS NULL) AS keys
    FROM teams ORDER BY created, id
""")
_LOCKED = "SELECT id, name, limits, created, archived, 0 AS members, 0 AS keys FROM teams WHERE id = :id"
LOCK_TEAM = Sql(sqlite=_LOCKED, postgresql=f"{_LOCKED} FOR UPDATE")


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """A team. ``archived`` (microseconds UTC) says since when none of its keys is good. ``members`` and ``keys`` count those that
    are not disabled or revoked."""

    id: str
    name: str
    limits: Limits = Limits()
    created: int
    archived: int | None = None
    members: int = 0
    keys: int = 0


async def create_team(db: Database, name: str, limits: Limits) -> Team:
    """Make a team.

    Raises:
        InvalidInput: ``team.bad_name``. Conflict: ``team.exists``.
    """
    team = Team(id=new_id(), name=_checked(name), limits=limits, created=now_us())
    with _one_of_each_name(team):
        await db.write([(INSERT_TEAM, _row_of(team))])
    return team


async def change_team(db: Database, id: str, **changes: Any) -> Team:
    """Change a team's name, limits or archival; the team as it is then.

    Raises:
        NotFound: ``team.not_found``; and as `create_team`.
    """
    async with db.transaction() as tx:
        rows = await tx.read(LOCK_TEAM, id=id)
        if not rows:
            raise _not_found(id)
        team = msgspec.structs.replace(_team(rows[0]), **changes)
        team = msgspec.structs.replace(team, name=_checked(team.name))
        with _one_of_each_name(team):
            await tx.write(UPDATE_TEAM, _row_of(team))
    return await get_team(db, id)


async def list_teams(db: Database) -> list[Team]:
    """All teams, the oldest first, archived ones too."""
    return [_team(row) for row in await db.read(SELECT_TEAMS)]


async def get_team(db: Database, id: str) -> Team:
    """The team of that id.

    Raises:
        NotFound: ``team.not_found``.
    """
    for team in await list_teams(db):
        if team.id == id:
            return team
    raise _not_found(id)


def _not_found(id: str) -> NotFound:
    return NotFound("team.not_found", f"There is no team {id[:64]!r}.", hint="`assay team list` shows them all.", param="team")


@contextmanager
def _one_of_each_name(team: Team) -> Iterator[None]:
    try:
        yield
    except Conflict:
        raise Conflict(
            "team.exists", f"There is already a team {team.name!r}.", hint="Choose another name.", param="name"
        ) from None


def _row_of(team: Team) -> dict[str, Any]:
    return msgspec.structs.asdict(team) | {"limits": msgspec.json.encode(team.limits).decode()}


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(
            "team.bad_name",
            f"A team needs a name of 1 to {MAX_NAME} printable characters.",
            hint="Name it as its members do.",
            param="name",
        )
    return name


def _team(row: Row) -> Team:
    return Team(
        id=row["id"],
        name=row["name"],
        limits=msgspec.json.decode(row["limits"], type=Limits),
        created=row["created"],
        archived=row["archived"],
        members=row["members"],
        keys=row["keys"],
    )
