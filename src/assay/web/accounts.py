"""People's accounts as every request needs them: in memory, read anew at each change, wherever it was made.

A session names its account and the account's generation. What they may do is looked up here at every request: a changed role
counts at once, and a disabled account or a changed password ends its sessions at once.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from assay.api import Actor
from assay.core import Unauthorized, now_us
from assay.core.holder import AccountRole
from assay.store import Database
from assay.store.users import User, change_user, compared_email, list_users, touch_user
from assay.web.passwords import Passwords

SEEN_S = 300
"""How often it is noted that somebody was seen."""

_PREFIX = "user:"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What a session needs to know."""

    id: str
    name: str
    email: str | None
    role: AccountRole
    team: str | None
    generation: int
    password: str | None
    can_sign_in: bool

    def actor(self) -> Actor:
        """Whoever is signed in with it."""
        return Actor(id=self.id, name=self.name, role=self.role, user=self.id, team=self.team)


class Accounts:
    """Open it with `open`. ``changed`` is called after each change, so that every process takes note of it."""

    def __init__(self, db: Database, changed: Callable[[], Awaitable[None]]):
        self.db = db
        self.passwords = Passwords()
        self._changed = changed
        self._by_id: Mapping[str, Account] = {}
        self._by_email: Mapping[str, Account] = {}
        self._seen: dict[str, float] = {}

    @classmethod
    async def open(cls, db: Database, changed: Callable[[], Awaitable[None]]) -> Accounts:
        """With the accounts that there are."""
        accounts = cls(db, changed)
        await accounts.refresh()
        return accounts

    async def refresh(self) -> None:
        """Read all accounts anew."""
        found = [_account(user) for user in await list_users(self.db) if user.disabled is None]
        self._by_id = {account.id: account for account in found}
        self._by_email = {account.email: account for account in found if account.email is not None}

    async def changed(self) -> None:
        """An account has changed: every process takes note, this one at once."""
        await self._changed()

    @property
    def has_passwords(self) -> bool:
        """Whether somebody can sign in with a password."""
        return any(account.password is not None for account in self._by_id.values())

    @property
    def has_admin(self) -> bool:
        """Whether an admin can sign in with an account."""
        return any(account.role == "admin" and account.can_sign_in for account in self._by_id.values())

    def get(self, id: str) -> Account | None:
        """The account of that id, if it is not disabled."""
        return self._by_id.get(id)

    def of_session(self, session: str) -> Account | None:
        """Whose session this is; None where it is no account's, or its time is over."""
        if not session.startswith(_PREFIX):
            return None
        id, _, rest = session.removeprefix(_PREFIX).partition(":")
        account = self._by_id.get(id)
        return account if account is not None and rest.partition(":")[0] == str(account.generation) else None

    def new_session(self, account: Account) -> str:
        """The id of a fresh session of somebody."""
        return f"{_PREFIX}{account.id}:{account.generation}:{secrets.token_hex(16)}"

    async def sign_in(self, email: str, password: str) -> Account:
        """The account with that e-mail address and password.

        Raises:
            Unauthorized: ``login.wrong_password``, whatever of it is wrong. Unavailable: ``login.busy``.
        """
        account = self._by_email.get(compared_email(email))
        if not await self.passwords.check(password, account.password if account is not None else None) or account is None:
            raise Unauthorized(
                "login.wrong_password",
                "There is no account with this e-mail address and password.",
                hint="An admin can set a new password on the People page, or with `assay user password EMAIL`.",
            )
        return account

    async def set_password(self, id: str, password: str) -> User:
        """Give an account a password; all its sessions end. Raises as `Passwords.hash` and `change_user`."""
        hashed = await self.passwords.hash(password)
        user = await change_user(self.db, id, end_sessions=True, password=hashed)
        await self.changed()
        return user

    async def saw(self, id: str) -> None:
        """Note that somebody was here, from time to time."""
        now = time.monotonic()
        if now - self._seen.get(id, -SEEN_S) >= SEEN_S:
            self._seen[id] = now
            await touch_user(self.db, id, now_us())

    def close(self) -> None:
        """Compute no more hashes."""
        self.passwords.close()


def is_accounts(session: str) -> bool:
    """Whether a session's id says that it is an account's."""
    return session.startswith(_PREFIX)


def owner_of(account: str) -> str:
    """By which name what belongs to a person, such as a battle, knows all sessions of an account."""
    return f"{_PREFIX}{account}"


def _account(user: User) -> Account:
    return Account(
        id=user.id,
        name=user.name,
        email=user.email,
        role=user.role,
        team=user.team,
        generation=user.generation,
        password=user.password,
        can_sign_in=user.password is not None or user.subject is not None,
    )
