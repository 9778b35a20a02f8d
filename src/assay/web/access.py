"""Who may use the pages: one-time login links, signed session cookies, and checks of Host and Origin.

Covered: a page of another site can neither read (Host is checked against DNS rebinding, no CORS headers are sent) nor write
(SameSite=Strict, and Origin must be ours); other programs on this host neither (Sec-Fetch-Site). A cookie is signed with a key
that belongs to this master key, data folder and admin password: it survives a restart, dies with the password, and is no use at
another Assay on the same host. Signing out ends a session for good, wherever its cookie was copied to.
The local door (a Unix socket in the data folder, mode 0600) needs no session.
A guest's session is one that an invitation to judge a challenge made. It has a cookie of its own, beside the admin's, and opens the
blind pairs of that challenge, the session itself and nothing else of the API; whether the guest is still invited is asked there.
Not covered: several accounts with roles, whoever is signed in is the admin; many thousand addresses that guess at one password;
guests of several challenges at once in one browser, where the newest invitation takes the place of the one before.
"""

import hashlib
import hmac
import ipaddress
import re
import secrets
import time
from http.cookies import CookieError, Morsel, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.challenge.people import Guest, read_guest
from assay.core import AssayError, Forbidden, InvalidInput, Settings, Unauthorized, problem_of
from assay.store import Database
from assay.store.queries import load_settings, save_setting
from assay.web.guesses import Guesses
from assay.web.pages import HEADERS
from assay.web.problems import respond

SESSION_S = 30 * 24 * 3600
LINK_S = 24 * 3600
_SIGNED_OUT = "web.signed_out"
_OPEN_PATHS = frozenset({"/api/v1/session"})
_GUESTS_PATH = re.compile(r"/api/v1/challenges/([^/]+)/pairs(?:/next|/[0-9]+/(?:vote|skip))?")
_INVITATION_PATH = re.compile(r"/challenges/[^/]+/vote")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^][:/@?#\s]+)(:[0-9]{1,5})?")


class Doorkeeper:
    """Makes and checks login links and sessions. Open it with `open`."""

    def __init__(self, settings: Settings, key: bytes, database: Database, signed_out: dict[str, int]):
        self._password = read_password(settings.admin_password_file)
        place = hashlib.sha256(str(settings.data).encode()).hexdigest()
        self._key = hmac.digest(key, f"{place}|{_digest(self._password or '').hex()}".encode(), "sha256")
        self._database = database
        self._signed_out = signed_out
        self._links: dict[bytes, float] = {}
        self._guesses = Guesses()
        self.secure = settings.public_url.startswith("https://")
        # Browsers keep cookies by host, not by port: each Assay on a host needs a name of its own.
        self.cookie_name = f"assay_{place[:8]}"
        self.guest_cookie_name = f"{self.cookie_name}_guest"

    @classmethod
    async def open(cls, settings: Settings, key: bytes, database: Database) -> "Doorkeeper":
        """With the sessions that were signed out before.

        Raises:
            InvalidInput: the admin's password cannot be read or is too short.
        """
        stored: dict[str, int] = (await load_settings(database)).get(_SIGNED_OUT, {})
        return cls(settings, key, database, {id: expires for id, expires in stored.items() if expires > time.time()})

    @property
    def password_login(self) -> bool:
        """Whether an admin password is set."""
        return self._password is not None

    def new_link(self) -> str:
        """The token of a fresh one-time login link, good for a day."""
        token, now = secrets.token_urlsafe(24), time.monotonic()
        self._links = {known: expires for known, expires in self._links.items() if expires > now}
        self._links[_digest(token)] = now + LINK_S
        return token

    def redeem(self, token: str, client: str) -> str:
        """Turn a login token, or the admin's password, into a session cookie's value.

        A link cannot be guessed, so it is taken whatever was guessed at the password before: nobody can be locked out.

        Raises:
            Unauthorized: it is neither.
            RateLimited: ``client`` guessed at the password too often.
        """
        given = _digest(token)
        if self._links.pop(given, 0.0) > time.monotonic():
            return self._signed(secrets.token_hex(16))
        if self._password is not None:
            self._guesses.check(client)
            if hmac.compare_digest(given, _digest(self._password)):
                return self._signed(secrets.token_hex(16))
            self._guesses.count(client)
        raise Unauthorized(
            "login.link_spent",
            "This login link was used already, is too old, or was never given."
            + (" It is not the password either." if self._password is not None else ""),
            hint="Run `assay login` on the server's machine for a new one.",
        )

    def guest_cookie(self, guest: Guest) -> str:
        """The Set-Cookie header that lets ``guest`` in."""
        return self._set_cookie(self.guest_cookie_name, self._signed(guest.session))

    async def sign_out(self, session: str) -> None:
        """End a session for good."""
        self._signed_out[session] = int(time.time()) + SESSION_S
        await save_setting(self._database, _SIGNED_OUT, self._signed_out)

    def session_of(self, scope: Scope) -> str | None:
        """The id of the session that ``scope`` carries, if it is one of ours, not too old and not signed out; a guest's only
        where there is no other."""
        try:
            cookies = SimpleCookie(b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin-1"))
        except CookieError:
            return None
        session, guest = (self._checked(cookies.get(name)) for name in (self.cookie_name, self.guest_cookie_name))
        # Each kind is taken from its own cookie only: what is kept as one can never pass for the other.
        if session is not None and read_guest(session) is None:
            return session
        return guest if read_guest(guest) is not None else None

    def cookie(self, value: str) -> str:
        """The Set-Cookie header for a session, or for its end when ``value`` is empty."""
        return self._set_cookie(self.cookie_name, value)

    def end_cookie(self, session: str | None) -> str:
        """The Set-Cookie header that takes ``session`` from the browser."""
        return self._set_cookie(self.cookie_name if read_guest(session) is None else self.guest_cookie_name, "")

    def _set_cookie(self, name: str, value: str) -> str:
        life = SESSION_S if value else 0
        return f"{name}={value}; Path=/; Max-Age={life}; HttpOnly; SameSite=Strict" + ("; Secure" if self.secure else "")

    def _checked(self, cookie: Morsel[str] | None) -> str | None:
        if cookie is None:
            return None
        body, _, signature = cookie.value.rpartition(".")
        session, _, expires = body.partition(".")
        if not hmac.compare_digest(signature.encode("latin-1"), self._sign(body).encode()) or int(expires) < time.time():
            return None
        return None if session in self._signed_out else session

    def _signed(self, session: str) -> str:
        body = f"{session}.{int(time.time()) + SESSION_S}"
        return f"{body}.{self._sign(body)}"

    def _sign(self, body: str) -> str:
        return hmac.new(self._key, body.encode("latin-1"), hashlib.sha256).hexdigest()


class Guard:
    """ASGI middleware before the pages and their API: Host, Origin, then the session. Every answer gets `HEADERS`."""

    def __init__(self, app: ASGIApp, settings: Settings, doorkeeper: Doorkeeper):
        self.app = app
        self.doorkeeper = doorkeeper
        public = urlsplit(settings.public_url)
        self._names = {"localhost", settings.host, public.hostname or "localhost"}
        self._public_origin = f"{public.scheme}://{public.netloc}"
        self._takes_any_address = not _is_loopback(settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        state = scope.setdefault("state", {})
        try:
            state["session"] = self._admit(scope)
        except AssayError as error:
            await respond(problem_of(error), error.retry_after_s)(scope, receive, send_guarded)
            return
        await self.app(scope, receive, send_guarded)

    def _admit(self, scope: Scope) -> str | None:
        if scope.get("assay.local"):
            return "local"
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        self._check_host(headers.get(b"host", ""))
        is_api = scope["path"].startswith("/api/")
        if scope["method"] not in {"GET", "HEAD"}:
            self._check_origin(headers.get(b"origin"), headers[b"host"])
        if is_api and headers.get(b"sec-fetch-site", "none") not in {"same-origin", "none"}:
            raise Forbidden("login.foreign_origin", "A page of another site may not do this.", hint="Use Assay's own pages.")
        session = self.doorkeeper.session_of(scope)
        if session is None and is_api and scope["path"] not in _OPEN_PATHS:
            raise Unauthorized(
                "login.needed", "You are not signed in.", hint="Open the link that `assay up` or `assay login` prints."
            )
        if is_api and (guest := read_guest(session)) is not None and scope["path"] not in _OPEN_PATHS:
            _check_guest(guest, scope["path"])
        return session

    def _check_host(self, host: str) -> None:
        """A name that is not ours may be another site's, led here by its DNS; an address cannot be led anywhere."""
        match = _HOST.fullmatch(host)
        name = match[1].strip("[]").lower() if match else ""
        if name in self._names or _is_loopback(name) or (self._takes_any_address and _is_address(name)):
            return
        raise Forbidden(
            "login.foreign_host",
            f"This server does not answer to the name {host[:200]!r}.",
            hint="Set `public_url` to the address that people use.",
        )

    def _check_origin(self, origin: str | None, host: str) -> None:
        """Browsers send it with whatever writes; programs need not."""
        if origin is not None and origin not in {f"http://{host}", self._public_origin}:
            raise Forbidden(
                "login.foreign_origin",
                f"A page at {origin[:200]!r} may not do this.",
                hint="Use Assay's own pages; behind a proxy, set `public_url` to the address that people use.",
            )


def is_invitation(scope: Scope) -> bool:
    """Whether this is somebody who opens an invitation to judge, which the API answers; without its token the page does."""
    return _INVITATION_PATH.fullmatch(scope["path"]) is not None and "as" in parse_qs(scope["query_string"].decode("latin-1"))


def _check_guest(guest: Guest, path: str) -> None:
    found = _GUESTS_PATH.fullmatch(path)
    if found is None or found[1] != guest.challenge:
        raise Forbidden(
            "login.guest", "You are a guest here, and may judge the pairs of one challenge only.", hint="Ask whoever invited you."
        )


def check_exposure(settings: Settings) -> None:
    """Refuse to listen where others can reach it while nobody has to sign in with more than a link."""
    if settings.admin_password_file is None and not _is_loopback(settings.host):
        raise Forbidden(
            "up.needs_admin",
            f"Listening on {settings.host!r} would let other machines in, and there is no admin account.",
            hint="Set `admin_password_file`, or listen on 127.0.0.1.",
            param="host",
        )


def _is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _digest(secret: str) -> bytes:
    """What is compared and kept instead of a secret: neither its length nor its beginning can be told from the time it takes."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def read_password(path: Path | None) -> str | None:
    """The admin's password, if a file is set.

    Raises:
        InvalidInput: it cannot be read, or is too short.
    """
    if path is None:
        return None
    try:
        password = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidInput(
            "settings.admin_password_unreadable", f"The admin's password file {str(path)!r} cannot be read: {reason}."
        ) from error
    if len(password) < 12:
        raise InvalidInput(
            "settings.admin_password_short",
            f"The admin's password in {str(path)!r} has fewer than 12 characters.",
            hint="Use a longer one.",
        )
    return password
