"""The guard before the pages and their API: Host, Origin, then who is signed in.

Covered: a page of another site can neither read (Host is checked against DNS rebinding, no CORS headers are sent) nor write
(SameSite=Strict, and Origin must be ours); other programs on this host neither (Sec-Fetch-Site).
What each may do is then for the endpoints to say (`assay.api.Endpoint`); where a guest may go is looked at here.
"""

import ipaddress
import re
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.api import Actor, not_signed_in
from assay.challenge.people import Guest, read_guest
from assay.core import AssayError, Forbidden, Settings, problem_of
from assay.gateway.address import Addresses
from assay.web.access import ADMIN, Doorkeeper, is_loopback
from assay.web.accounts import is_accounts, owner_of
from assay.web.audit import AuditLog
from assay.web.pages import HEADERS
from assay.web.problems import respond

_OPEN_PATHS = frozenset({"/api/v1/session"})
_GUESTS_PATH = re.compile(r"/api/v1/challenges/([^/]+)/pairs(?:/next|/[0-9]+/(?:vote|skip))?")
_INVITATION_PATH = re.compile(r"/challenges/[^/]+/vote")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^][:/@?#\s]+)(:[0-9]{1,5})?")


class Guard:
    """ASGI middleware. It puts on each request's state: ``actor`` and ``session`` (None where nobody is signed in; the session by
    the name that what belongs to a person knows it by), ``session_id``, ``address`` and ``record``. Every answer gets `HEADERS`."""

    def __init__(self, app: ASGIApp, settings: Settings, doorkeeper: Doorkeeper, audit: AuditLog):
        self.app = app
        self.doorkeeper = doorkeeper
        self._audit = audit
        self._addresses = Addresses(settings.trusted_proxies)
        public = urlsplit(settings.public_url)
        self._names = {"localhost", settings.host, public.hostname or "localhost"}
        self._public_origin = f"{public.scheme}://{public.netloc}"
        self._takes_any_address = not is_loopback(settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        is_cut = False

        async def send_guarded(message: Message) -> None:
            nonlocal is_cut
            if is_cut:
                return
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            elif message.get("more_body") and not self.doorkeeper.is_good(state.get("session_id")):
                # What goes on for long ends with the session, at the next thing that it would have told.
                message, is_cut = {"type": "http.response.body", "body": b"", "more_body": False}, True
            await send(message)

        try:
            self._admit(scope, state)
        except AssayError as error:
            await respond(problem_of(error), error.retry_after_s)(scope, receive, send_guarded)
            return
        await self.app(scope, receive, send_guarded)

    def _admit(self, scope: Scope, state: dict[str, object]) -> None:
        is_local = bool(scope.get("assay.local"))
        if not is_local:
            self._check_origins(scope)
        address = "local" if is_local else self._addresses.name_of(scope)
        session = "local" if is_local else self.doorkeeper.session_of(scope)
        actor = None if session is None else self._actor(session)
        is_api = scope["path"].startswith("/api/")
        if actor is None and is_api and scope["path"] not in _OPEN_PATHS:
            raise not_signed_in()
        if is_api and (guest := read_guest(session)) is not None and scope["path"] not in _OPEN_PATHS:
            _check_guest(guest, scope["path"])
        state |= {"actor": actor, "session_id": session, "address": address, "record": self._audit.of(actor, address)}
        state["session"] = session if actor is None or actor.user is None else owner_of(actor.user)

    def _actor(self, session: str) -> Actor | None:
        if session == "local":
            return Actor(id="local", name="local", role="admin")
        if read_guest(session) is not None:
            return Actor(id=session, name="guest", role=None)
        if not is_accounts(session):
            return ADMIN
        account = self.doorkeeper.accounts.of_session(session)
        return None if account is None else account.actor()

    def _check_origins(self, scope: Scope) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        self._check_host(headers.get(b"host", ""))
        is_api = scope["path"].startswith("/api/")
        if is_api or scope["method"] not in {"GET", "HEAD"}:
            self._check_origin(headers.get(b"origin"), headers[b"host"])
        if is_api and headers.get(b"sec-fetch-site", "none") not in {"same-origin", "none"}:
            raise Forbidden("login.foreign_origin", "A page of another site may not do this.", hint="Use Assay's own pages.")

    def _check_host(self, host: str) -> None:
        """A name that is not ours may be another site's, led here by its DNS; an address cannot be led anywhere."""
        name = name_in(host)
        if name in self._names or is_loopback(name) or (self._takes_any_address and _is_address(name)):
            return
        raise Forbidden(
            "login.foreign_host",
            f"This server does not answer to the name {host[:200]!r}.",
            hint="Set `public_url` to the address that people use.",
        )

    def _check_origin(self, origin: str | None, host: str) -> None:
        """Browsers send it with whatever writes, and with what a page of another site asks; programs need not."""
        if origin is not None and origin not in {f"http://{host}", self._public_origin}:
            raise Forbidden(
                "login.foreign_origin",
                f"A page at {origin[:200]!r} may not do this.",
                hint="Use Assay's own pages; behind a proxy, set `public_url` to the address that people use.",
            )


def name_in(host: str) -> str:
    """The name or address in a Host header, without its port; empty where it is none."""
    match = _HOST.fullmatch(host)
    return match[1].strip("[]").lower() if match else ""


def is_invitation(scope: Scope) -> bool:
    """Whether this is somebody who opens an invitation to judge, which the API answers; without its token the page does."""
    return _INVITATION_PATH.fullmatch(scope["path"]) is not None and "as" in parse_qs(scope["query_string"].decode("latin-1"))


def _check_guest(guest: Guest, path: str) -> None:
    found = _GUESTS_PATH.fullmatch(path)
    if found is None or found[1] != guest.challenge:
        raise Forbidden(
            "login.guest", "You are a guest here, and may judge the pairs of one challenge only.", hint="Ask whoever invited you."
        )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
