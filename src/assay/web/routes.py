"""Signing in and out, and whether the server lives."""

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from assay import __version__
from assay.core import Forbidden, InvalidInput, Settings
from assay.web.access import Doorkeeper


class SessionState(msgspec.Struct, frozen=True, kw_only=True):
    """What the page must know before anything else. ``first_run``: no provider has a key yet."""

    signed_in: bool
    version: str
    demo: bool
    bodies: str
    bodies_days: int
    practice: bool
    first_run: bool
    password_login: bool


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A login link's token, or the admin's password."""

    token: str


class LoginLink(msgspec.Struct, frozen=True):
    """Where to sign in, once."""

    url: str


def routes(settings: Settings, doorkeeper: Doorkeeper, url: Callable[[], str], first_run: Callable[[], bool]) -> list[Route]:
    """The session's routes. ``url`` is asked late: the address is known only once the socket is bound."""

    async def show(request: Request) -> Response:
        state = SessionState(
            signed_in=request.state.session is not None,
            version=__version__,
            demo=settings.demo,
            bodies=settings.bodies,
            bodies_days=settings.bodies_days,
            practice=settings.demo,
            first_run=first_run(),
            password_login=doorkeeper.password_login,
        )
        return _json(state)

    async def sign_in(request: Request) -> Response:
        try:
            given = msgspec.json.decode(await request.body(), type=SignIn)
        except msgspec.DecodeError as error:
            raise InvalidInput("api.bad_body", f"The body is not what signing in needs: {error}.") from error
        return _json({"signed_in": True}, {"set-cookie": doorkeeper.cookie(doorkeeper.redeem(given.token))})

    async def sign_out(request: Request) -> Response:
        return _json({"signed_in": False}, {"set-cookie": doorkeeper.cookie("")})

    async def follow_link(request: Request) -> Response:
        cookie = doorkeeper.cookie(doorkeeper.redeem(request.query_params.get("token", "")))
        return RedirectResponse("/", 303, {"set-cookie": cookie, "cache-control": "no-store", "referrer-policy": "no-referrer"})

    async def new_link(request: Request) -> Response:
        if request.state.session != "local":
            raise Forbidden(
                "login.local_only", "Login links are made on the server's own machine.", hint="Run `assay login` there."
            )
        return _json(LoginLink(f"{url()}/login?token={doorkeeper.new_link()}"))

    async def health(request: Request) -> Response:
        return _json({"status": "ok", "version": __version__})

    return [
        Route("/api/v1/session", show, methods=["GET"]),
        Route("/api/v1/session", sign_in, methods=["POST"]),
        Route("/api/v1/session", sign_out, methods=["DELETE"]),
        Route("/api/v1/login-links", new_link, methods=["POST"]),
        Route("/login", follow_link, methods=["GET"]),
        Route("/healthz", health, methods=["GET"]),
    ]


def _json(value: object, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), 200, {"cache-control": "no-store"} | (headers or {}), media_type="application/json")
