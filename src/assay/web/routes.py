"""Signing in and out, and whether the server lives."""

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from assay import __version__
from assay.core import AssayError, Forbidden, InvalidInput, Settings, TooLarge, Unavailable
from assay.web.access import Doorkeeper

_MAX_BODY_BYTES = 4096


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
        given = await _read_sign_in(request)
        return _json({"signed_in": True}, {"set-cookie": doorkeeper.cookie(doorkeeper.redeem(given.token, _client(request)))})

    async def sign_out(request: Request) -> Response:
        if request.state.session not in {None, "local"}:
            await doorkeeper.sign_out(request.state.session)
        return _json({"signed_in": False}, {"set-cookie": doorkeeper.cookie("")})

    async def follow_link(request: Request) -> Response:
        if request.method == "HEAD":
            return Response()  # a preview of the link must not spend it
        try:
            session = doorkeeper.redeem(request.query_params.get("token", ""), _client(request))
        except AssayError:
            if "text/html" not in request.headers.get("accept", ""):
                raise
            return RedirectResponse("/", 303)  # a person: the page says whether they are signed in, and how to
        return RedirectResponse("/", 303, {"set-cookie": doorkeeper.cookie(session)})

    async def new_link(request: Request) -> Response:
        if request.state.session != "local":
            raise Forbidden(
                "login.local_only", "Login links are made on the server's own machine.", hint="Run `assay login` there."
            )
        if not url():
            raise Unavailable(
                "login.no_page", "This server has no page: it belongs to a command.", hint="Start one with `assay up`."
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


async def _read_sign_in(request: Request) -> SignIn:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MAX_BODY_BYTES:
            raise TooLarge("api.body_too_large", f"The body has more than {_MAX_BODY_BYTES} bytes.", hint="Shorten it.")
    try:
        return msgspec.json.decode(body, type=SignIn)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(
            "api.bad_body", f"The body is not what is needed here: {error}.", hint="Send JSON as documented."
        ) from error


def _client(request: Request) -> str:
    return request.client.host if request.client is not None else "local"


def _json(value: object, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), 200, headers, media_type="application/json")
