"""People with an account. None is ever deleted, since what they spent and changed names them: they are disabled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import msgspec

from assay.core.errors import Conflict, InvalidInput, NotFound
from assay.core.holder import AccountRole, Limits
from assay.core.ids import new_id, now_us
from assay.store.database import Database, Row
from assay.store.sql import Sql

MAX_NAME = 200
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)

_COLUMNS = "id, name, email, role, team, limits, password, subject, generation, created, disabled, last_seen"
INSERT_USER = Sql(
    f"INSERT INTO users ({_COLUMNS}) VALUES "  # noqa: S608 - a constant
    "(:id, :name, :email, :role, :team, :limits, :password, :subject, :generation, :created, :disabled, :last_seen)"
)
UPDATE_USER = Sql("""
    UPDATE users SET name = :name, email = :email, role = :role, team = :team, limits = :limits, password = :password,
        subject = :subject, generation = :generation, disabled = :disabled
    WHERE id = :id
""")
SELECT_USERS = Sql(f"SELECT {_COLUMNS} FROM users ORDER BY created, id")  # noqa: S608 - a constant
SELECT_USER = Sql(f"SELECT {_COLUMNS} FROM users WHERE id = :id")  # noqa: S608 - a constant
LOCK_USER = Sql(
    sqlite=f"SELECT {_COLUMNS} FROM users WHERE id = :id",  # noqa: S608 - a constant
    postgresql=f"SELECT {_COLUMNS} FROM users WHERE id = :id FOR UPDATE",  # noqa: S608 - a constant
)
TOUCH_USER = Sql("UPDATE users SET last_seen = :at WHERE id = :id AND (last_seen IS NULL OR last_seen < :at)")


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with an account. Times in microseconds UTC.

    ``password`` is a salted hash that `assay.web.passwords` makes, ``subject`` the issuer and the subject by which somebody else
    vouches for them. A session is of the ``generation`` in which it began: raising that ends all.
    """

    id: str
    name: str
    email: str | None = None
    role: AccountRole = "member"
    team: str | None = None
    limits: Limits = Limits()
    password: str | None = None
    subject: str | None = None
    generation: int = 0
    created: int
    disabled: int | None = None
    last_seen: int | None = None


async def create_user(db: Database, user: User) -> User:
    """Store a new account, as `new_user` makes it.

    Raises:
        InvalidInput: ``user.bad_name``, ``user.bad_email``. Conflict: ``user.exists``.
    """
    user = _checked(user)
    with _one_of_each(user):
        await db.write([(INSERT_USER, _row_of(user))])
    return user


def new_user(name: str, **facts: Any) -> User:
    """An account that nobody has stored yet."""
    return User(id=new_id(), name=name, created=now_us(), **facts)


async def change_user(db: Database, id: str, *, end_sessions: bool = False, **changes: Any) -> User:
    """Change some fields of an account; the account as it is then. Its sessions end if that is said.

    Raises:
        NotFound: ``user.not_found``; and as `create_user`.
    """
    async with db.transaction() as tx:
        before = _only(await tx.read(LOCK_USER, id=id), id)
        user = _checked(msgspec.structs.replace(before, generation=before.generation + end_sessions, **changes))
        with _one_of_each(user):
            await tx.write(UPDATE_USER, _row_of(user))
    return user


async def list_users(db: Database) -> list[User]:
    """All accounts, the oldest first, disabled ones too."""
    return [_user(row) for row in await db.read(SELECT_USERS)]


async def get_user(db: Database, id: str) -> User:
    """The account of that id.

    Raises:
        NotFound: ``user.not_found``.
    """
    return _only(await db.read(SELECT_USER, id=id), id)


async def touch_user(db: Database, id: str, at: int) -> None:
    """Note when somebody was last seen (microseconds UTC)."""
    await db.write([(TOUCH_USER, {"id": id, "at": at})])


def compared_email(email: str) -> str:
    """An address as it is compared: without white space around it, ASCII's letters small.

    Other letters stay as they are: the small letter of the Kelvin sign is a plain k, which would make one mailbox of two.
    """
    return email.strip().translate(_SMALL)


def plain_email(email: str) -> str:
    """An address as it is kept, which is as it is compared.

    Raises:
        InvalidInput: ``user.bad_email``.
    """
    email = compared_email(email)
    if not _EMAIL.fullmatch(email) or not email.isprintable():
        raise InvalidInput(
            "user.bad_email", f"{email[:100]!r} is no e-mail address.", hint="Write name@example.org.", param="email"
        )
    return email


def _only(rows: list[Row], id: str) -> User:
    if not rows:
        raise NotFound("user.not_found", f"There is no user {id[:64]!r}.", hint="`assay user list` shows them all.", param="user")
    return _user(rows[0])


@contextmanager
def _one_of_each(user: User) -> Iterator[None]:
    try:
        yield
    except Conflict:
        raise Conflict(
            "user.exists",
            f"Another account has the e-mail address {user.email!r}, or is vouched for in the same way.",
            hint="`assay user list` shows them all, disabled ones too.",
            param="email",
        ) from None


def _checked(user: User) -> User:
    name = " ".join(user.name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(
            "user.bad_name",
            f"A user needs a name of 1 to {MAX_NAME} printable characters.",
            hint="Name them as their colleagues do.",
            param="name",
        )
    return msgspec.structs.replace(user, name=name, email=None if user.email is None else plain_email(user.email))


def _row_of(user: User) -> dict[str, Any]:
    return msgspec.structs.asdict(user) | {"limits": msgspec.json.encode(user.limits).decode()}


def _user(row: Row) -> User:
    return User(
        id=row["id"],
        name=row["name"],
        email=row["email"],
        role=row["role"],
        team=row["team"],
        limits=msgspec.json.decode(row["limits"], type=Limits),
        password=row["password"],
        subject=row["subject"],
        generation=row["generation"],
        created=row["created"],
        disabled=row["disabled"],
        last_seen=row["last_seen"],
    )
