"""People's accounts in the API. Everybody who is signed in sees who there is; an admin changes it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request

from assay.api import Endpoint
from assay.core import AccountRole, Limits, iso, now_us
from assay.gateway.control.shown import ShownLimits, show_limits
from assay.store import teams
from assay.store.users import User, change_user, create_user, list_users, new_user
from assay.web.accounts import Accounts

_TELLS = ("name", "email", "role", "team", "limits", "disabled")


class ShownUser(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with an account. ``signs_in_with``: a password, an issuer of OpenID Connect, or nothing yet."""

    id: str
    name: str
    email: str | None
    role: AccountRole
    team: str | None
    team_name: str | None
    limits: ShownLimits
    created: str
    disabled: str | None
    last_seen: str | None
    has_password: bool
    signs_in_with: tuple[Literal["password", "oidc"], ...]


class UserList(msgspec.Struct, frozen=True):
    """All accounts, the disabled ones too."""

    users: list[ShownUser]


class NewUser(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody new. ``email`` is what they sign in with; ``limits`` are for all their keys together."""

    name: str
    email: str | None = None
    role: AccountRole = "member"
    team: str | None = None
    limits: Limits = Limits()


class UserChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change of an account; null takes it away."""

    name: str | UnsetType = UNSET
    email: str | UnsetType | None = UNSET
    role: AccountRole | UnsetType = UNSET
    team: str | UnsetType | None = UNSET
    limits: Limits | UnsetType | None = UNSET
    disabled: bool | UnsetType = UNSET


class GivenPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A password for somebody."""

    password: str


class _Users:
    """The handlers."""

    def __init__(self, accounts: Accounts):
        self._accounts = accounts
        self._db = accounts.db

    async def list_all(self, request: Request) -> UserList:
        """Accounts, the oldest first."""
        names = await self._team_names()
        return UserList([_shown(user, names) for user in await list_users(self._db)])

    async def create(self, request: Request, body: NewUser) -> ShownUser:
        """Make an account. Until it has a password, or an issuer vouches for its e-mail address, nobody can sign in with it."""
        await self._check_team(body.team)
        return await self._show(await create_user(self._db, new_user(**msgspec.structs.asdict(body))))

    async def change(self, request: Request, body: UserChanges) -> ShownUser:
        """Change an account. Whoever is disabled is signed out at once, and none of their keys is good."""
        changes = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET}
        await self._check_team(changes.get("team"))
        if "limits" in changes:
            changes["limits"] = changes["limits"] or Limits()
        if "disabled" in changes:
            changes["disabled"] = now_us() if changes["disabled"] else None
        return await self._change(request, end_sessions="disabled" in changes, **changes)

    async def disable(self, request: Request) -> ShownUser:
        """Disable an account. What it spent and changed stays on record."""
        return await self._change(request, end_sessions=True, disabled=now_us())

    async def set_password(self, request: Request, body: GivenPassword) -> ShownUser:
        """Give somebody a password; all their sessions end."""
        user = await self._accounts.set_password(request.path_params["id"], body.password)
        return _shown(user, await self._team_names())

    async def _change(self, request: Request, *, end_sessions: bool, **changes: object) -> ShownUser:
        return await self._show(await change_user(self._db, request.path_params["id"], end_sessions=end_sessions, **changes))

    async def _check_team(self, team: object) -> None:
        if isinstance(team, str):
            await teams.get_team(self._db, team)

    async def _show(self, user: User) -> ShownUser:
        await self._accounts.changed()
        return _shown(user, await self._team_names())

    async def _team_names(self) -> dict[str, str]:
        return {team.id: team.name for team in await teams.list_teams(self._db)}


def user_routes(accounts: Accounts) -> list[Endpoint]:
    """The routes."""
    plane = _Users(accounts)
    return [
        Endpoint("GET", "/api/v1/users", plane.list_all),
        Endpoint("POST", "/api/v1/users", plane.create, status=HTTPStatus.CREATED, role="admin", tells=_TELLS),
        Endpoint("PATCH", "/api/v1/users/{id}", plane.change, role="admin", tells=_TELLS),
        Endpoint("DELETE", "/api/v1/users/{id}", plane.disable, role="admin"),
        Endpoint("POST", "/api/v1/users/{id}/password", plane.set_password, role="admin"),
    ]


def _shown(user: User, team_names: dict[str, str]) -> ShownUser:
    ways: list[Literal["password", "oidc"]] = []
    if user.password is not None:
        ways.append("password")
    if user.subject is not None:
        ways.append("oidc")
    return ShownUser(
        id=user.id,
        name=user.name,
        email=user.email,
        role=user.role,
        team=user.team,
        team_name=team_names.get(user.team or ""),
        limits=show_limits(user.limits),
        created=iso(user.created),
        disabled=None if user.disabled is None else iso(user.disabled),
        last_seen=None if user.last_seen is None else iso(user.last_seen),
        has_password=user.password is not None,
        signs_in_with=tuple(ways),
    )
