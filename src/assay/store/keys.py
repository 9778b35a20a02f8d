"""Gateway keys: ``ask-<public id>-<43 characters>``, shown once and stored only as a keyed hash.

A presented key is looked up by HMAC-SHA-256 under a pepper from the vault. Nobody without the pepper can steer that hash, so the
time of the look-up tells nothing about stored keys, and a stolen database cannot be searched for guesses.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping

import msgspec

from assay.core.errors import InvalidInput, NotFound
from assay.core.holder import Asker, Holder, Limits, Scopes
from assay.core.ids import now_us
from assay.store.database import Database, Row
from assay.store.sql import Sql
from assay.store.vault import Vault

PEPPER = "gateway.keys"
MAX_NAME = 200

_COLUMNS = "id, name, hint, created, last_used, revoked, user_id, team_id, scopes, limits, expires, old_until"
INSERT_KEY = Sql("INSERT INTO keys (id, name, hint, hash, vault, created) VALUES (:id, :name, :hint, :hash, :vault, :created)")
SELECT_KEYS = Sql(f"SELECT {_COLUMNS} FROM keys ORDER BY created, id")  # noqa: S608 - a constant
SELECT_KEY = Sql(f"SELECT {_COLUMNS} FROM keys WHERE id = :id")  # noqa: S608 - a constant
SELECT_VALID = Sql("""
    SELECT keys.*, users.name AS user_name, users.limits AS user_limits, COALESCE(keys.team_id, users.team) AS whose,
           teams.name AS team_name, teams.limits AS team_limits
    FROM keys LEFT JOIN users ON users.id = keys.user_id LEFT JOIN teams ON teams.id = COALESCE(keys.team_id, users.team)
    WHERE keys.revoked IS NULL AND users.disabled IS NULL AND teams.archived IS NULL
""")
REVOKE_KEY = Sql("UPDATE keys SET revoked = :at WHERE id = :id AND revoked IS NULL")
TOUCH_KEY = Sql("UPDATE keys SET last_used = :at WHERE id = :id AND (last_used IS NULL OR last_used < :at)")


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a key without knowing the key. Times in microseconds UTC; ``hint`` is its last four characters."""

    id: str
    name: str
    hint: str
    created: int
    last_used: int | None = None
    revoked: int | None = None
    user: str | None = None
    team: str | None = None
    scopes: Scopes = Scopes()
    limits: Limits = Limits()
    expires: int | None = None
    old_until: int | None = None
    """Until when the key that it had before it was rotated is still good."""


async def create_key(db: Database, vault: Vault, name: str) -> tuple[KeyRow, str]:
    """Make and store a key; the second value is the key itself, which nobody can ask for again.

    Raises:
        InvalidInput: ``key.bad_name``.
    """
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(
            "key.bad_name",
            f"A key needs a name of 1 to {MAX_NAME} printable characters.",
            hint="Name it after who or what uses it.",
            param="name",
        )
    public = secrets.token_hex(5)
    key = f"ask-{public}-{secrets.token_urlsafe(32)}"
    row = KeyRow(id=public, name=name, hint=f"…{key[-4:]}", created=now_us())
    stored = {**msgspec.structs.asdict(row), "hash": hash_key(vault.derive(PEPPER), key), "vault": vault.fingerprint}
    await db.write([(INSERT_KEY, stored)])
    return row, key


async def list_keys(db: Database) -> list[KeyRow]:
    """All keys, the oldest first, revoked ones too."""
    return [_key(row) for row in await db.read(SELECT_KEYS)]


async def revoke_key(db: Database, key_id: str) -> KeyRow:
    """End a key; ending it again changes nothing.

    Raises:
        NotFound: ``key.not_found``.
    """
    await db.write([(REVOKE_KEY, {"id": key_id, "at": now_us()})])
    found = await db.read(SELECT_KEY, id=key_id)
    if not found:
        raise NotFound("key.not_found", f"There is no key {key_id!r}.", hint="`assay key list` shows them all.", param="id")
    return _key(found[0])


async def touch_keys(db: Database, used: Mapping[str, int]) -> None:
    """Note when keys were last used: id -> microseconds UTC."""
    await db.write([(TOUCH_KEY, [{"id": key_id, "at": at} for key_id, at in sorted(used.items())])])


async def load_askers(db: Database, vault: Vault) -> dict[bytes, Asker]:
    """Who asks, for every valid key by its hash, as `hash_key` makes it.

    Raises:
        Unavailable: ``vault.wrong_key`` when a key was hashed under another master key, which would refuse it to its owner.
    """
    hashes = {}
    for row in await db.read(SELECT_VALID):
        if row["vault"] != vault.fingerprint:
            raise vault.wrong_key(f"The gateway key {row['name']!r}", row["vault"])
        hashes[bytes(row["hash"])] = asker = _asker(row)
        if row["old_hash"] is not None and row["old_until"] > now_us():
            hashes[bytes(row["old_hash"])] = msgspec.structs.replace(
                asker, expires=min(row["old_until"], asker.expires or row["old_until"])
            )
    return hashes


def hash_key(pepper: bytes, key: str) -> bytes:
    """HMAC-SHA-256 of ``key`` under ``vault.derive(PEPPER)``."""
    return hmac.digest(pepper, key.encode("utf-8", "surrogatepass"), "sha256")


def _key(row: Row) -> KeyRow:
    return KeyRow(
        id=row["id"],
        name=row["name"],
        hint=row["hint"],
        created=row["created"],
        last_used=row["last_used"],
        revoked=row["revoked"],
        user=row["user_id"],
        team=row["team_id"],
        scopes=_scopes(row["scopes"]),
        limits=_limits(row["limits"]),
        expires=row["expires"],
        old_until=row["old_until"],
    )


def _asker(row: Row) -> Asker:
    team = row["whose"]
    holders = [Holder("key", row["id"], row["name"], _limits(row["limits"]))]
    if row["user_id"] is not None:
        holders.append(Holder("user", row["user_id"], row["user_name"], _limits(row["user_limits"])))
    if team is not None:
        holders.append(Holder("team", team, row["team_name"], _limits(row["team_limits"])))
    return Asker(
        key=row["id"],
        user=row["user_id"],
        team=team,
        scopes=_scopes(row["scopes"]),
        expires=row["expires"],
        holders=tuple(holders),
    )


def _limits(text: str | None) -> Limits:
    return Limits() if text is None else msgspec.json.decode(text, type=Limits)


def _scopes(text: str | None) -> Scopes:
    return Scopes() if text is None else msgspec.json.decode(text, type=Scopes)
