"""Signing in and out, and whether the server lives."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Literal
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from assay import __version__
from assay.api import Endpoint, respond
from assay.challenge.people import People, read_guest
from assay.core import AssayError, Bodies, Forbidden, Settings, Unauthorized, Unavailable
from assay.web.access import Doorkeeper


class ShownGuest(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who was invited to judge one challenge, and by which name."""

    challenge: str
    name: str


class SessionState(msgspec.Struct, frozen=True, kw_only=True):
    """What the page must know before anything else. ``first_run``: no provider has a key yet. A ``guest`` is not signed in."""

    signed_in: bool
    guest: ShownGuest | None
    version: str
    demo: bool
    bodies: Bodies
    bodies_days: int
    practice: bool
    first_run: bool
    password_login: bool


class Link(msgspec.Struct, frozen=True):
    """The one-time ``token`` of a login link."""

    token: str = ""


class Invited(msgspec.Struct, frozen=True, rename={"token": "as"}):
    """The token of an invitation, which the query names ``as``."""

    token: str = ""


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A login link's token, or the admin's password."""

    token: str


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


def routes(
    settings: Settings,
    doorkeeper: Doorkeeper,
    url: Callable[[], str],
    first_run: Callable[[], bool],
    people: People,
) -> list[Endpoint]:
    """The session's routes. ``url`` is asked late: the address is known only once the socket is bound."""

    async def show(request: Request) -> SessionState:
        """Who is looking, and what the page must know of this server. Always allowed."""
        guest = read_guest(request.state.session)
        name = await people.name_of(guest) if guest is not None else None
        return SessionState(
            signed_in=request.state.session is not None and guest is None,
            guest=ShownGuest(challenge=guest.challenge, name=name) if guest is not None and name is not None else None,
            version=__version__,
            demo=settings.demo,
            bodies=settings.bodies,
            bodies_days=settings.bodies_days,
            practice=settings.demo,
            first_run=first_run(),
            password_login=doorkeeper.password_login,
        )

    async def sign_in(request: Request, body: SignIn) -> Response:
        """Sign in; sets the session's cookie."""
        session = doorkeeper.redeem(body.token, _client(request))
        return respond(SignedIn(True), headers={"set-cookie": doorkeeper.cookie(session)})

    async def sign_out(request: Request) -> Response:
        """Sign out; the session ends for good."""
        if request.state.session not in {None, "local"}:
            await doorkeeper.sign_out(request.state.session)
        return respond(SignedIn(False), headers={"set-cookie": doorkeeper.end_cookie(request.state.session)})

    async def follow_link(request: Request, query: Link) -> Response:
        """What a login link leads to: signs in, and goes on to the page."""
        if request.method == "HEAD":
            return Response()  # a preview of the link must not spend it
        try:
            session = doorkeeper.redeem(query.token, _client(request))
        except AssayError:
            if "text/html" not in request.headers.get("accept", ""):
                raise
            return RedirectResponse("/", HTTPStatus.SEE_OTHER)  # a person: the page says whether they are signed in, and how to
        return RedirectResponse("/", HTTPStatus.SEE_OTHER, {"set-cookie": doorkeeper.cookie(session)})

    async def follow_invitation(request: Request, query: Invited) -> Response:
        """What an invitation to judge leads to: lets a guest in, and goes on to the pairs."""
        place = f"/challenges/{quote(request.path_params['id'], safe='')}/vote"
        if request.state.session is not None and read_guest(request.state.session) is None:
            return RedirectResponse(place, HTTPStatus.SEE_OTHER)  # whoever is signed in needs no invitation
        try:
            guest = await people.redeem(request.path_params["id"], query.token)
        except Unauthorized:
            if "text/html" not in request.headers.get("accept", ""):
                raise
            return RedirectResponse(place, HTTPStatus.SEE_OTHER)  # a person: the page says that this takes an invitation
        return RedirectResponse(place, HTTPStatus.SEE_OTHER, {"set-cookie": doorkeeper.guest_cookie(guest)})

    async def new_link(request: Request) -> LoginLink:
        """A fresh one-time login link; through the local socket only."""
        if request.state.session != "local":
            raise Forbidden(
                "login.local_only", "Login links are made on the server's own machine.", hint="Run `assay login` there."
            )
        if not url():
            raise Unavailable(
                "login.no_page", "This server has no page: it belongs to a command.", hint="Start one with `assay up`."
            )
        return LoginLink(f"{url()}/login?token={doorkeeper.new_link()}")

    async def health(request: Request) -> Health:
        """Whether the server lives; no session needed."""
        return Health(status="ok", version=__version__)

    return [
        Endpoint("GET", "/api/v1/session", show),
        Endpoint("POST", "/api/v1/session", sign_in, gives=SignedIn),
        Endpoint("DELETE", "/api/v1/session", sign_out, gives=SignedIn),
        Endpoint("POST", "/api/v1/login-links", new_link),
        Endpoint("GET", "/login", follow_link, status=HTTPStatus.SEE_OTHER),
        Endpoint("GET", "/challenges/{id}/vote", follow_invitation, status=HTTPStatus.SEE_OTHER),
        Endpoint("GET", "/healthz", health),
    ]


def _client(request: Request) -> str:
    return request.client.host if request.client is not None else "local"
