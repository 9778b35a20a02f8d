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
from assay.core.ids import now_us
from assay.store.database import Database, Row
from assay.store.sql import Sql
from assay.store.vault import Vault

PEPPER = "gateway.keys"
MAX_NAME = 200

_COLUMNS = "id, name, hint, created, last_used, revoked"
INSERT_KEY = Sql("INSERT INTO keys (id, name, hint, hash, vault, created) VALUES (:id, :name, :hint, :hash, :vault, :created)")
SELECT_KEYS = Sql(f"SELECT {_COLUMNS} FROM keys ORDER BY created, id")  # noqa: S608 - a constant
SELECT_KEY = Sql(f"SELECT {_COLUMNS} FROM keys WHERE id = :id")  # noqa: S608 - a constant
SELECT_VALID = Sql(f"SELECT {_COLUMNS}, hash, vault FROM keys WHERE revoked IS NULL")  # noqa: S608 - a constant
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


async def load_key_hashes(db: Database, vault: Vault) -> dict[bytes, KeyRow]:
    """Every valid key by its hash, as `hash_key` makes it.

    Raises:
        Unavailable: ``vault.wrong_key`` when a key was hashed under another master key, which would refuse it to its owner.
    """
    hashes = {}
    for row in await db.read(SELECT_VALID):
        if row["vault"] != vault.fingerprint:
            raise vault.wrong_key(f"The gateway key {row['name']!r}", row["vault"])
        hashes[bytes(row["hash"])] = _key(row)
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
    )
