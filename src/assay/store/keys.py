"""Gateway keys: ``ask-<public id>-<43 characters>``, shown once and stored only as a keyed hash.

A presented key is looked up by HMAC-SHA-256 under a pepper from the vault. Nobody without the pepper can steer that hash, so the
time of the look-up tells nothing about stored keys, and a stolen database cannot be searched for guesses.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

from assay.core.errors import Conflict, InvalidInput, NotFound
from assay.core.holder import Asker, Holder, Limits, Scopes
from assay.core.ids import now_us
from assay.store.database import Database, Row
from assay.store.sql import Sql
from assay.store.vault import Vault
from assay.wire.codecs import CODECS

PEPPER = "gateway.keys"
MAX_NAME = 200
PROTOCOLS = tuple(CODECS)
"""Those that clients speak."""


MOST_PATTERNS = 100
SHORTEST_BROUGHT = 24
"""Characters of a key of another gateway's: fewer could be guessed."""

INSERT_KEY = Sql("""
    INSERT INTO keys (id, name, hint, hash, vault, created, user_id, team_id, scopes, limits, expires)
    VALUES (:id, :name, :hint, :hash, :vault, :created, :user, :team, :scopes, :limits, :expires)
""")
_SELECT = """
    SELECT keys.id, keys.name, hint, keys.created, last_used, revoked, user_id, team_id, scopes, keys.limits, expires, old_until,
           users.name AS user_name, teams.name AS team_name
    FROM keys LEFT JOIN users ON users.id = keys.user_id LEFT JOIN teams ON teams.id = COALESCE(keys.team_id, users.team)
"""
SELECT_KEYS = Sql(f"{_SELECT} ORDER BY keys.created, keys.id")
SELECT_KEY = Sql(f"{_SELECT} WHERE keys.id = :id")
LOCK_KEY = Sql(sqlite=f"{_SELECT} WHERE keys.id = :id", postgresql=f"{_SELECT} WHERE keys.id = :id FOR UPDATE OF keys")
SELECT_HASH = Sql("SELECT id FROM keys WHERE hash = :hash")
UPDATE_KEY = Sql("""
    UPDATE keys SET name = :name, user_id = :user, team_id = :team, scopes = :scopes, limits = :limits, expires = :expires
    WHERE id = :id
""")
ROTATE_KEY = Sql("""
    UPDATE keys SET old_hash = hash, old_until = :old_until, hash = :hash, hint = :hint, vault = :vault
    WHERE id = :id AND revoked IS NULL
""")
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
    user_name: str | None = None
    team_name: str | None = None
    """Of the key's own team, else of its user's."""

    scopes: Scopes = Scopes()
    limits: Limits = Limits()
    expires: int | None = None
    old_until: int | None = None
    """Until when the key that it had before it was rotated is still good."""


async def create_key(db: Database, vault: Vault, name: str, *, brought: str | None = None, **facts: Any) -> tuple[KeyRow, str]:
    """Make and store a key, with more ``facts`` of its row; the second value is the key itself, which nobody can ask for again.

    ``brought`` is a key that its holders have already, from another gateway.

    Raises:
        InvalidInput: ``key.bad_name``, ``key.bad_scope``; ``key.bad_secret``, what was brought could be guessed.
        Conflict: ``key.exists``, it was brought before.
    """
    public = secrets.token_hex(5)
    key = _fresh(public) if brought is None else await _brought(db, vault, brought)
    row = _checked(KeyRow(id=public, name=name, hint=_hint(key), created=now_us(), **facts))
    hashed = {"hash": hash_key(vault.derive(PEPPER), key), "vault": vault.fingerprint}
    await db.write([(INSERT_KEY, _stored(row) | hashed)])
    return await get_key(db, public), key


async def change_key(db: Database, key_id: str, **changes: Any) -> KeyRow:
    """Change a key's name, owners, scopes, limits or end; the key as it is then.

    Raises:
        NotFound: ``key.not_found``. Conflict: ``key.revoked``; and as `create_key`.
    """
    async with db.transaction() as tx:
        row = _still_good(_only(await tx.read(LOCK_KEY, id=key_id), key_id))
        await tx.write(UPDATE_KEY, _stored(_checked(msgspec.structs.replace(row, **changes))))
    return await get_key(db, key_id)


async def rotate_key(db: Database, vault: Vault, key_id: str, overlap_s: float) -> tuple[KeyRow, str]:
    """Give a key a new secret, the second value; the one before is good for another ``overlap_s`` seconds, older ones no more.

    Raises:
        NotFound: ``key.not_found``. Conflict: ``key.revoked``.
    """
    _still_good(await get_key(db, key_id))
    key = _fresh(key_id)
    hashed = {"hash": hash_key(vault.derive(PEPPER), key), "vault": vault.fingerprint, "hint": _hint(key)}
    await db.write([(ROTATE_KEY, {"id": key_id, "old_until": now_us() + int(overlap_s * 1e6), **hashed})])
    return await get_key(db, key_id), key


async def get_key(db: Database, key_id: str) -> KeyRow:
    """One key.

    Raises:
        NotFound: ``key.not_found``.
    """
    return _only(await db.read(SELECT_KEY, id=key_id), key_id)


async def list_keys(db: Database) -> list[KeyRow]:
    """All keys, the oldest first, revoked ones too."""
    return [_key(row) for row in await db.read(SELECT_KEYS)]


async def revoke_key(db: Database, key_id: str) -> KeyRow:
    """End a key; ending it again changes nothing.

    Raises:
        NotFound: ``key.not_found``.
    """
    await db.write([(REVOKE_KEY, {"id": key_id, "at": now_us()})])
    return await get_key(db, key_id)


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
        if not vault.knows(row["vault"]):
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


async def _brought(db: Database, vault: Vault, key: str) -> str:
    if not SHORTEST_BROUGHT <= len(key) <= MAX_NAME or not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidInput(
            "key.bad_secret",
            f"A key that is brought along is one word of {SHORTEST_BROUGHT} to {MAX_NAME} printable ASCII characters.",
            hint="Let Assay make a new one.",
            param="key",
        )
    if await db.read(SELECT_HASH, hash=hash_key(vault.derive(PEPPER), key)):
        raise Conflict("key.exists", "This key was brought along before.", hint="`assay key list` shows them all.", param="key")
    return key


def _fresh(public: str) -> str:
    return f"ask-{public}-{secrets.token_urlsafe(32)}"


def _hint(key: str) -> str:
    return f"…{key[-4:]}"


def _only(rows: list[Row], key_id: str) -> KeyRow:
    if not rows:
        raise NotFound("key.not_found", f"There is no key {key_id[:64]!r}.", hint="`assay key list` shows them all.", param="id")
    return _key(rows[0])


def _still_good(row: KeyRow) -> KeyRow:
    if row.revoked is not None:
        raise Conflict("key.revoked", f"The key {row.name!r} is revoked for good.", hint="Make a new one.", param="id")
    return row


def _checked(row: KeyRow) -> KeyRow:
    name = row.name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(
            "key.bad_name",
            f"A key needs a name of 1 to {MAX_NAME} printable characters.",
            hint="Name it after who or what uses it.",
            param="name",
        )
    return msgspec.structs.replace(row, name=name, scopes=_checked_scopes(row.scopes))


def _checked_scopes(scopes: Scopes) -> Scopes:
    for words in (scopes.models, scopes.protocols, scopes.addresses):
        if len(words) > MOST_PATTERNS:
            raise _bad_scope(f"more than {MOST_PATTERNS} entries", "Say it with fewer, wider ones.")
    for pattern in scopes.models:
        if not pattern.strip() or len(pattern) > MAX_NAME or not pattern.isprintable():
            raise _bad_scope(f"the model {pattern[:MAX_NAME]!r}", "Write a name or a pattern such as 'openai/*'.")
    for protocol in scopes.protocols:
        if protocol not in PROTOCOLS:
            raise _bad_scope(f"the protocol {protocol[:MAX_NAME]!r}", f"There are {', '.join(PROTOCOLS)}.")
    return msgspec.structs.replace(scopes, addresses=tuple(_network(address) for address in scopes.addresses))


def _network(address: str) -> str:
    try:
        return str(ipaddress.ip_network(address.strip(), strict=False))
    except ValueError:
        raise _bad_scope(f"the network {address[:MAX_NAME]!r}", "Write 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32.") from None


def _bad_scope(what: str, hint: str) -> InvalidInput:
    return InvalidInput("key.bad_scope", f"A key's scope cannot hold {what}.", hint=hint, param="scopes")


def _stored(row: KeyRow) -> dict[str, Any]:
    return msgspec.structs.asdict(row) | {
        "scopes": msgspec.json.encode(row.scopes).decode(),
        "limits": msgspec.json.encode(row.limits).decode(),
    }


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
        user_name=row["user_name"],
        team_name=row["team_name"],
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
