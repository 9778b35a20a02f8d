"""Who may use the pages: one-time login links, signed session cookies, and checks of Host and Origin.

Covered: a page of another site can neither read (Host is checked against DNS rebinding, no CORS headers are sent) nor write
(SameSite=Strict, and Origin must be ours); cookies are signed with a key derived from the master key, so they survive a
restart and cannot be made without it. The local door (a Unix socket in the data folder, mode 0600) needs no session.
Not covered: several accounts with roles; whoever is signed in is the admin.
"""

import base64
import hashlib
import hmac
import os
import time
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from assay.core import AssayError, Forbidden, InvalidInput, RateLimited, Settings, Unauthorized
from assay.web.problems import problem_of, respond

COOKIE = "assay_session"
SESSION_S = 30 * 24 * 3600
LINK_S = 24 * 3600
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_OPEN_PATHS = frozenset({"/api/v1/session"})
_GUESSES_PER_MINUTE = 10


class Doorkeeper:
    """Makes and checks login links and sessions."""

    def __init__(self, settings: Settings, key: bytes):
        self._key = key
        self._links: dict[str, float] = {}
        self._guesses: list[float] = []
        self._password = _read_password(settings.admin_password_file)
        self.hosts = (
            _LOOPBACK | {settings.host} | ({urlsplit(settings.public_url).hostname or ""} if settings.public_url else set())
        )
        self.secure = settings.public_url.startswith("https://")

    @property
    def password_login(self) -> bool:
        """Whether an admin password is set."""
        return self._password is not None

    def new_link(self) -> str:
        """The token of a fresh one-time login link, good for a day."""
        token = base64.urlsafe_b64encode(os.urandom(24)).decode()
        self._links[token] = time.monotonic() + LINK_S
        return token

    def redeem(self, token: str) -> str:
        """Turn a login token, or the admin's password, into a session cookie's value."""
        now = time.monotonic()
        self._guesses = [at for at in self._guesses if at > now - 60]
        if len(self._guesses) >= _GUESSES_PER_MINUTE:
            raise RateLimited(
                "login.too_many_tries",
                "There were too many failed sign-ins in the last minute.",
                hint="Wait a minute.",
                retry_after_s=60,
            )
        expires = self._links.pop(token, 0.0)
        by_password = self._password is not None and hmac.compare_digest(token.encode(), self._password)
        if expires < now and not by_password:
            self._guesses.append(now)
            raise Unauthorized(
                "login.link_spent",
                "This login link was used already, is too old, or was never given.",
                hint="Run `assay login` for a new one.",
            )
        return self._session()

    def session_of(self, scope: Scope) -> str | None:
        """The id of the session that ``scope`` carries, if it is one of ours and not too old."""
        try:
            cookies = SimpleCookie(b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin-1"))
        except CookieError:
            return None
        if (morsel := cookies.get(COOKIE)) is None:
            return None
        body, _, signature = morsel.value.rpartition(".")
        session, _, expires = body.partition(".")
        if not hmac.compare_digest(signature, self._sign(body)) or not expires.isdigit() or int(expires) < time.time():
            return None
        return session

    def cookie(self, value: str) -> str:
        """The Set-Cookie header for a session, or for its end when ``value`` is empty."""
        life = SESSION_S if value else 0
        return f"{COOKIE}={value}; Path=/; Max-Age={life}; HttpOnly; SameSite=Strict" + ("; Secure" if self.secure else "")

    def _session(self) -> str:
        body = f"{os.urandom(16).hex()}.{int(time.time()) + SESSION_S}"
        return f"{body}.{self._sign(body)}"

    def _sign(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()


class Guard:
    """ASGI middleware before the pages and their API: Host, Origin, then the session."""

    def __init__(self, app: ASGIApp, doorkeeper: Doorkeeper):
        self.app = app
        self.doorkeeper = doorkeeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        state = scope.setdefault("state", {})
        try:
            if scope.get("assay.local"):
                state["session"] = "local"
            else:
                self._check_origin(scope)
                state["session"] = self.doorkeeper.session_of(scope)
                if state["session"] is None and scope["path"].startswith("/api/") and scope["path"] not in _OPEN_PATHS:
                    raise Unauthorized(
                        "login.needed", "You are not signed in.", hint="Open the link that `assay up` or `assay login` prints."
                    )
        except AssayError as error:
            await respond(problem_of(error), error.retry_after_s)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _check_origin(self, scope: Scope) -> None:
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if urlsplit(f"//{host}").hostname not in self.doorkeeper.hosts:
            raise Forbidden(
                "login.foreign_host",
                f"This server does not answer to the name {host!r}.",
                hint="Set `public_url` if a proxy uses that name.",
            )
        if scope["method"] in {"GET", "HEAD"}:
            return
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and urlsplit(origin).netloc != host and urlsplit(origin).hostname not in self.doorkeeper.hosts - _LOOPBACK:
            raise Forbidden("login.foreign_origin", f"A page at {origin!r} may not do this.", hint="Use Assay's own pages.")


def _read_password(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        password = path.read_bytes().strip()
    except OSError as error:
        raise InvalidInput(
            "settings.admin_password_unreadable", f"The admin's password file {str(path)!r} cannot be read: {error.strerror}."
        ) from error
    if len(password) < 12:
        raise InvalidInput(
            "settings.admin_password_short",
            f"The admin's password in {str(path)!r} has fewer than 12 characters.",
            hint="Use a longer one.",
        )
    return password
