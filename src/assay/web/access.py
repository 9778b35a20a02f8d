"""Who may use the pages: one-time login links, passwords, and signed session cookies.

Covered: a cookie is signed with a key that belongs to this master key, data folder and admin password: it survives a restart, dies
with the password, and is no use at another Assay on the same host. Signing out ends a session for good, wherever its cookie was
copied to, and so does a change of an account's password, or an account that is disabled (`assay.web.accounts`).
The local door (a Unix socket in the data folder, mode 0600) needs no session.
A guest's session is one that an invitation to judge a challenge made. It has a cookie of its own, beside the others', and opens the
blind pairs of that challenge, the session itself and nothing else of the API; whether the guest is still invited is asked there.
Not covered: many thousand addresses that guess at one password; guests of several challenges at once in one browser, where the
newest invitation takes the place of the one before.
"""

import hashlib
import hmac
import ipaddress
import re
import secrets
import time
from base64 import b64decode, b64encode
from http.cookies import CookieError, Morsel, SimpleCookie
from pathlib import Path

from starlette.types import Scope

from assay.api import Actor
from assay.challenge.people import Guest, read_guest
from assay.core import Forbidden, InvalidInput, RateLimited, Settings, Unauthorized
from assay.gateway.guesses import Guesses
from assay.store.queries import load_settings, save_setting
from assay.store.vault import Vault
from assay.web.accounts import Account, Accounts, is_accounts

SESSION_S = 30 * 24 * 3600
LINK_S = 24 * 3600
WAY_S = 600
"""How long somebody may take to sign in elsewhere."""
ADMIN = Actor(id="admin", name="admin", role="admin")
"""Whoever runs this server, and came by a login link or the admin's password."""

_SIGNED_OUT = "web.signed_out"
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


class Doorkeeper:
    """Makes and checks login links and sessions. Open it with `open`."""

    def __init__(self, settings: Settings, vault: Vault, accounts: Accounts):
        self._password = read_password(settings.admin_password_file)
        self._place = place = hashlib.sha256(str(settings.data).encode()).hexdigest()
        self._vault = vault
        self._key = self._derive_key()
        self.accounts = accounts
        self._signed_out: dict[str, int] = {}
        self._links: dict[bytes, float] = {}
        self._guesses = Guesses()
        self.secure = settings.public_url.startswith("https://")
        # Browsers keep cookies by host, not by port: each Assay on a host needs a name of its own.
        self.cookie_name = f"assay_{place[:8]}"
        self.guest_cookie_name = f"{self.cookie_name}_guest"
        self._way_cookie_name = f"{self.cookie_name}_way"

    @classmethod
    async def open(cls, settings: Settings, vault: Vault, accounts: Accounts) -> "Doorkeeper":
        """With the sessions that were signed out before.

        Raises:
            InvalidInput: the admin's password cannot be read or is too short.
        """
        doorkeeper = cls(settings, vault, accounts)
        await doorkeeper.refresh()
        return doorkeeper

    async def refresh(self) -> None:
        """Take note of accounts that were changed and of sessions that were ended, here or by another process: all of them end
        with the master key."""
        self._key = self._derive_key()
        stored: dict[str, int] = (await load_settings(self.accounts.db)).get(_SIGNED_OUT, {})
        ended = stored | self._signed_out
        self._signed_out = {id: expires for id, expires in ended.items() if expires > time.time()}
        await self.accounts.refresh()

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
            self._check_tries(client)
            if hmac.compare_digest(given, _digest(self._password)):
                return self._signed(secrets.token_hex(16))
            self._guesses.count(client)
        raise Unauthorized(
            "login.link_spent",
            "This login link was used already, is too old, or was never given."
            + (" It is not the password either." if self._password is not None else ""),
            hint="Run `assay login` on the server's machine for a new one.",
        )

    async def sign_in(self, email: str, password: str, client: str) -> tuple[Account, str]:
        """Whose e-mail address and password these are, and a session cookie's value.

        Raises:
            Unauthorized: ``login.wrong_password``. RateLimited: ``client`` guessed too often. Unavailable: ``login.busy``.
        """
        self._check_tries(client)
        self._guesses.count(client)  # before the answer is known, so that many tries at once are not free
        account = await self.accounts.sign_in(email, password)
        self._guesses.forgive(client)
        return account, self.session_cookie(account)

    def session_cookie(self, account: Account) -> str:
        """The value of a cookie that is a fresh session of somebody."""
        return self._signed(self.accounts.new_session(account))

    def guest_cookie(self, guest: Guest) -> str:
        """The Set-Cookie header that lets ``guest`` in."""
        return self._set_cookie(self.guest_cookie_name, self._signed(guest.session))

    async def sign_out(self, session: str) -> None:
        """End a session for good."""
        self._signed_out[session] = int(time.time()) + SESSION_S
        await self.refresh()
        await save_setting(self.accounts.db, _SIGNED_OUT, self._signed_out)
        await self.accounts.changed()

    def is_good(self, session: str | None) -> bool:
        """Whether a session that was good has not ended since; to have none is good, too."""
        if session is None or session in self._signed_out:
            return session is None
        return not is_accounts(session) or self.accounts.of_session(session) is not None

    def session_of(self, scope: Scope) -> str | None:
        """The id of the session that ``scope`` carries, if it is one of ours, not too old and not signed out; a guest's only
        where there is no other."""
        cookies = _cookies(scope)
        session, guest = (self._checked(cookies.get(name)) for name in (self.cookie_name, self.guest_cookie_name))
        # Each kind is taken from its own cookie only: what is kept as one can never pass for the other.
        if session is not None and read_guest(session) is None:
            return session
        return guest if read_guest(guest) is not None else None

    def cookie(self, value: str) -> str:
        """The Set-Cookie header for a session, or for its end when ``value`` is empty."""
        return self._set_cookie(self.cookie_name, value)

    def way_cookie(self, value: bytes) -> str:
        """The Set-Cookie header that keeps ``value``, signed, while somebody signs in elsewhere; that ends it when it is empty."""
        signed = f"{b64encode(value).decode()}.{self._sign_way(value)}" if value else ""
        return self._set_cookie(self._way_cookie_name, signed, life_s=WAY_S, site="Lax", path="/login")

    def way_of(self, scope: Scope) -> bytes | None:
        """What `way_cookie` kept, if it is ours."""
        cookie = _cookies(scope).get(self._way_cookie_name)
        if cookie is None:
            return None
        value, _, signature = cookie.value.partition(".")
        kept = b64decode(value) if _BASE64.fullmatch(value) else b""
        return kept if kept and hmac.compare_digest(signature.encode("latin-1"), self._sign_way(kept).encode()) else None

    def end_cookie(self, session: str | None) -> str:
        """The Set-Cookie header that takes ``session`` from the browser."""
        return self._set_cookie(self.cookie_name if read_guest(session) is None else self.guest_cookie_name, "")

    def _check_tries(self, client: str) -> None:
        if (wait_s := self._guesses.wait_s(client)) > 0:
            raise RateLimited(
                "login.too_many_tries",
                f"There were {self._guesses.per_minute} wrong passwords from your address within a minute.",
                hint=f"Wait {wait_s:.0f} s, or run `assay login` on the server's machine: a link always works.",
                retry_after_s=wait_s,
            )

    def _set_cookie(self, name: str, value: str, *, life_s: int = SESSION_S, site: str = "Strict", path: str = "/") -> str:
        life = life_s if value else 0
        return f"{name}={value}; Path={path}; Max-Age={life}; HttpOnly; SameSite={site}" + ("; Secure" if self.secure else "")

    def _sign_way(self, value: bytes) -> str:
        return hmac.new(hmac.digest(self._key, b"way", "sha256"), value, hashlib.sha256).hexdigest()

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

    def _derive_key(self) -> bytes:
        return hmac.digest(self._vault.derive("session"), f"{self._place}|{_digest(self._password or '').hex()}".encode(), "sha256")

    def _sign(self, body: str) -> str:
        return hmac.new(self._key, body.encode("latin-1"), hashlib.sha256).hexdigest()


def check_exposure(settings: Settings, *, has_admin: bool) -> None:
    """Refuse to listen where others can reach it while no admin can sign in with more than a link.

    Raises:
        Forbidden: ``up.needs_admin``.
    """
    by_issuer = bool(settings.oidc_issuer) and "admin" in {settings.oidc_default_role, *settings.oidc_roles.values()}
    if has_admin or by_issuer or settings.admin_password_file is not None or is_loopback(settings.host):
        return
    raise Forbidden(
        "up.needs_admin",
        f"Listening on {settings.host!r} would let other machines in, and there is no admin account.",
        hint="Set `admin_password_file`, make an admin with `assay user create` and `assay user password`, or listen on 127.0.0.1.",
        param="host",
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _cookies(scope: Scope) -> "SimpleCookie":
    """All that came; none where they cannot be read."""
    try:
        return SimpleCookie(b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin-1"))
    except CookieError:
        return SimpleCookie()


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
