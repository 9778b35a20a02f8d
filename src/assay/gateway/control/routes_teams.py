"""Teams in the API: people who share budgets and limits."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request

from assay.api import Endpoint
from assay.core import Limits, iso, now_us
from assay.gateway.control.shown import ShownLimits, show_limits
from assay.gateway.gateway import Gateway
from assay.store import teams
from assay.store.teams import Team

_TELLS = ("name", "limits", "archived")


class ShownTeam(msgspec.Struct, frozen=True, kw_only=True):
    """A team; ``members`` and ``keys`` are how many are not disabled or revoked. None of an archived team's keys is good."""

    id: str
    name: str
    limits: ShownLimits
    created: str
    archived: str | None
    members: int
    keys: int


class TeamList(msgspec.Struct, frozen=True):
    """All teams, the archived ones too."""

    teams: list[ShownTeam]


class NewTeam(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a team is called, and how much all its keys together may ask at a time."""

    name: str
    limits: Limits = Limits()


class TeamChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change of a team; null takes its limits away."""

    name: str | UnsetType = UNSET
    limits: Limits | UnsetType | None = UNSET
    archived: bool | UnsetType = UNSET


class _Teams:
    """The handlers."""

    def __init__(self, gateway: Gateway):
        self._gateway = gateway

    async def list_teams(self, request: Request) -> TeamList:
        """Teams, the oldest first."""
        return TeamList([_shown(team) for team in await teams.list_teams(self._gateway.db)])

    async def create(self, request: Request, body: NewTeam) -> ShownTeam:
        """Make a team."""
        return _shown(await teams.create_team(self._gateway.db, body.name, body.limits))

    async def change(self, request: Request, body: TeamChanges) -> ShownTeam:
        """Change a team's name or limits, archive it, or bring it back."""
        changes: dict[str, object] = {}
        if body.name is not UNSET:
            changes["name"] = body.name
        if body.limits is not UNSET:
            changes["limits"] = body.limits or Limits()
        if body.archived is not UNSET:
            changes["archived"] = now_us() if body.archived else None
        return await self._change(request, **changes)

    async def archive(self, request: Request) -> ShownTeam:
        """Archive a team: none of its keys is good any more. What it spent stays on record."""
        return await self._change(request, archived=now_us())

    async def _change(self, request: Request, **changes: object) -> ShownTeam:
        team = await teams.change_team(self._gateway.db, request.path_params["id"], **changes)
        await self._gateway.changed()
        return _shown(team)


def team_routes(gateway: Gateway) -> list[Endpoint]:
    """The routes."""
    plane = _Teams(gateway)
    return [
        Endpoint("GET", "/api/v1/teams", plane.list_teams),
        Endpoint("POST", "/api/v1/teams", plane.create, status=HTTPStatus.CREATED, role="admin", tells=_TELLS),
        Endpoint("PATCH", "/api/v1/teams/{id}", plane.change, role="admin", tells=_TELLS),
        Endpoint("DELETE", "/api/v1/teams/{id}", plane.archive, role="admin"),
    ]


def _shown(team: Team) -> ShownTeam:
    return ShownTeam(
        id=team.id,
        name=team.name,
        limits=show_limits(team.limits),
        created=iso(team.created),
        archived=None if team.archived is None else iso(team.archived),
        members=team.members,
        keys=team.keys,
    )
