"""Signing in and out, and whether the server lives."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Literal
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from assay import __version__
from assay.api import Actor, Change, Endpoint, actor_of, respond, signed_in
from assay.challenge.people import People, read_guest
from assay.core import AccountRole, AssayError, Bodies, Conflict, Forbidden, Settings, Unauthorized, Unavailable
from assay.web.access import ADMIN, Doorkeeper
from assay.web.audit import AuditLog


class ShownGuest(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who was invited to judge one challenge, and by which name."""

    challenge: str
    name: str


class ShownSelf(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever is signed in."""

    id: str | None
    name: str
    role: AccountRole
    team: str | None


class SessionState(msgspec.Struct, frozen=True, kw_only=True):
    """What the page must know before anything else. ``first_run``: no provider has a key yet. A ``guest`` is not signed in.

    ``user`` is who is signed in; its ``id`` is null for whoever runs this server and came by a link, the admin's password or the
    local door. ``password_login``: the admin's password is asked for; ``accounts``: somebody has a password of their own; ``oidc``:
    people sign in elsewhere, at ``/login/oidc``.
    """

    signed_in: bool
    guest: ShownGuest | None
    user: ShownSelf | None
    version: str
    demo: bool
    bodies: Bodies
    bodies_days: int
    practice: bool
    first_run: bool
    password_login: bool
    accounts: bool
    oidc: bool


class Link(msgspec.Struct, frozen=True):
    """The one-time ``token`` of a login link."""

    token: str = ""


class Invited(msgspec.Struct, frozen=True, rename={"token": "as"}):
    """The token of an invitation, which the query names ``as``."""

    token: str = ""


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account's e-mail address and password; or a ``token``: a login link's, or the admin's password."""

    token: str | None = None
    email: str | None = None
    password: str | None = None


class NewPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One's own password, and the one to take its place."""

    old: str
    new: str


class SignedIn(msgspec.Struct, frozen=True):
    """Whether somebody is signed in now."""

    signed_in: bool


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """That the server lives, and which version of it."""

    status: Literal["ok"]
    version: str


class LoginLink(msgspec.Struct, frozen=True):
    """Where to sign in, once."""

    url: str


class Entrance:
    """How people come in and leave, and what is open to all. ``url`` is asked late: the address is known only once the socket is bound."""

    def __init__(
        self,
        settings: Settings,
        doorkeeper: Doorkeeper,
        url: Callable[[], str],
        first_run: Callable[[], bool],
        people: People,
        audit: AuditLog,
    ):
        self._settings = settings
        self._doorkeeper = doorkeeper
        self._url = url
        self._first_run = first_run
        self._people = people
        self._audit = audit

    async def show(self, request: Request) -> SessionState:
        """Who is looking, and what the page must know of this server. Always allowed."""
        guest = read_guest(request.state.session)
        name = await self._people.name_of(guest) if guest is not None else None
        actor = actor_of(request)
        if actor is not None and actor.user is not None:
            await self._doorkeeper.accounts.saw(actor.user)
        return SessionState(
            signed_in=actor is not None and guest is None,
            guest=ShownGuest(challenge=guest.challenge, name=name) if guest is not None and name is not None else None,
            user=_shown(actor),
            version=__version__,
            demo=self._settings.demo,
            bodies=self._settings.bodies,
            bodies_days=self._settings.bodies_days,
            practice=self._settings.demo,
            first_run=self._first_run(),
            password_login=self._doorkeeper.password_login,
            accounts=self._doorkeeper.accounts.has_passwords,
            oidc=bool(self._settings.oidc_issuer),
        )

    async def sign_in(self, request: Request, body: SignIn) -> Response:
        """Sign in; sets the session's cookie."""
        address = request.state.address
        way = "link or password" if body.token is not None else "account"
        try:
            actor, session = await _let_in(self._doorkeeper, body, address)
        except AssayError as error:
            await self._audit.refused(address, way, error.code)
            raise
        await self._audit.signed_in(actor, address, way)
        return respond(SignedIn(True), headers={"set-cookie": self._doorkeeper.cookie(session)})

    async def sign_out(self, request: Request) -> Response:
        """Sign out; the session ends for good."""
        session = request.state.session_id
        if session not in {None, "local"}:
            await self._doorkeeper.sign_out(session)
            await self._audit.note(actor_of(request), request.state.address, Change(action="sign out", target=""))
        return respond(SignedIn(False), headers={"set-cookie": self._doorkeeper.end_cookie(session)})

    async def change_password(self, request: Request, body: NewPassword) -> Response:
        """Change one's own password; all other sessions of one's own end."""
        account = self._doorkeeper.accounts.get(signed_in(request).user or "")
        if account is None or account.email is None:
            raise Conflict("account.none", "You are signed in without an account that has a password.", hint="Sign in with yours.")
        await self._doorkeeper.sign_in(account.email, body.old, request.state.address)
        await self._doorkeeper.accounts.set_password(account.id, body.new)
        _, session = await self._doorkeeper.sign_in(account.email, body.new, request.state.address)
        return respond(SignedIn(True), headers={"set-cookie": self._doorkeeper.cookie(session)})

    async def follow_link(self, request: Request, query: Link) -> Response:
        """What a login link leads to: signs in, and goes on to the page."""
        if request.method == "HEAD":
            return Response()  # a preview of the link must not spend it
        try:
            session = self._doorkeeper.redeem(query.token, request.state.address)
        except AssayError as error:
            await self._audit.refused(request.state.address, "link", error.code)
            if "text/html" not in request.headers.get("accept", ""):
                raise
            return RedirectResponse("/", HTTPStatus.SEE_OTHER)  # a person: the page says whether they are signed in, and how to
        await self._audit.signed_in(ADMIN, request.state.address, "link")
        return RedirectResponse("/", HTTPStatus.SEE_OTHER, {"set-cookie": self._doorkeeper.cookie(session)})

    async def follow_invitation(self, request: Request, query: Invited) -> Response:
        """What an invitation to judge leads to: lets a guest in, and goes on to the pairs."""
        place = f"/challenges/{quote(request.path_params['id'], safe='')}/vote"
        if request.state.session is not None and read_guest(request.state.session) is None:
            return RedirectResponse(place, HTTPStatus.SEE_OTHER)  # whoever is signed in needs no invitation
        try:
            guest = await self._people.redeem(request.path_params["id"], query.token)
        except Unauthorized:
            if "text/html" not in request.headers.get("accept", ""):
                raise
            return RedirectResponse(place, HTTPStatus.SEE_OTHER)  # a person: the page says that this takes an invitation
        return RedirectResponse(place, HTTPStatus.SEE_OTHER, {"set-cookie": self._doorkeeper.guest_cookie(guest)})

    async def new_link(self, request: Request) -> LoginLink:
        """A fresh one-time login link; through the local socket only."""
        if request.state.session != "local":
            raise Forbidden(
                "login.local_only", "Login links are made on the server's own machine.", hint="Run `assay login` there."
            )
        if not self._url():
            raise Unavailable(
                "login.no_page", "This server has no page: it belongs to a command.", hint="Start one with `assay up`."
            )
        return LoginLink(f"{self._url()}/login?token={self._doorkeeper.new_link()}")

    async def health(self, request: Request) -> Health:
        """Whether the server lives; no session needed."""
        return Health(status="ok", version=__version__)


def routes(entrance: Entrance) -> list[Endpoint]:
    """The entrance's routes."""
    return [
        Endpoint("GET", "/api/v1/session", entrance.show, role="anyone"),
        Endpoint("POST", "/api/v1/session", entrance.sign_in, gives=SignedIn, role="anyone", on_record=False),
        Endpoint("DELETE", "/api/v1/session", entrance.sign_out, gives=SignedIn, role="anyone", on_record=False),
        Endpoint("PUT", "/api/v1/account/password", entrance.change_password, gives=SignedIn, role="viewer"),
        Endpoint("POST", "/api/v1/login-links", entrance.new_link, role="admin"),
        Endpoint("GET", "/login", entrance.follow_link, status=HTTPStatus.SEE_OTHER, role="anyone"),
        Endpoint("GET", "/challenges/{id}/vote", entrance.follow_invitation, status=HTTPStatus.SEE_OTHER, role="anyone"),
        Endpoint("GET", "/healthz", entrance.health, role="anyone"),
    ]


async def _let_in(doorkeeper: Doorkeeper, given: SignIn, address: str) -> tuple[Actor, str]:
    """Who signs in, and a session cookie's value."""
    if given.token is not None:
        return ADMIN, doorkeeper.redeem(given.token, address)
    account, session = await doorkeeper.sign_in(given.email or "", given.password or "", address)
    return account.actor(), session


def _shown(actor: Actor | None) -> ShownSelf | None:
    if actor is None or actor.role is None:
        return None
    return ShownSelf(id=actor.user, name=actor.name, role=actor.role, team=actor.team)
