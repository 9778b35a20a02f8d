"""A new master key while everything runs, and which key file a database needs.

In one transaction every secret is sealed under the new key. Derived keys that must outlive the old one (the pepper of gateway keys,
which are stored as hashes only) are carried over: sealed in the record ``vault:carried``, whose head also tells every process which
master key the database needs. Key files are only ever added, each under the fingerprint of its key (``master.key.FINGERPRINT``),
and the file ``master.key`` is replaced last: a crash at any point leaves a database whose key is in a file beside it, where
`open_vault` finds it.

Other processes see a new version, find that the record is sealed under another key, and look for that key beside their own; until
it is there they go on with what they know.

Not covered: what somebody who has the old master key *and* an old copy of the database can read in that copy.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from assay.core.errors import Forbidden, Unavailable
from assay.core.ids import now_us
from assay.store.database import Database, Row, Transaction
from assay.store.keys import PEPPER
from assay.store.sql import Sql
from assay.store.vault import KEY_BYTES, Vault, purpose_of, read_key, write_key
from assay.store.version import UPSERT_VERSION, version_row

CARRIED = "vault:carried"

LOCK_SECRETS = Sql("SELECT 1", postgresql="LOCK TABLE secrets IN SHARE ROW EXCLUSIVE MODE")
"""Nobody else writes secrets until the transaction ends; SQLite's transactions are alone as they are."""
SELECT_CARRIED = Sql("SELECT sealed FROM secrets WHERE record = :record")
SELECT_SEALED = Sql("SELECT record, sealed FROM secrets ORDER BY record")
SELECT_ONE_SEALED = Sql("SELECT sealed FROM secrets ORDER BY record LIMIT 1")
SELECT_ONE_VAULT = Sql("SELECT vault FROM keys WHERE revoked IS NULL ORDER BY created DESC, id LIMIT 1")
UPDATE_SEALED = Sql("UPDATE secrets SET sealed = :sealed WHERE record = :record")
UPSERT_CARRIED = Sql("""
    INSERT INTO secrets (record, sealed, hint, at) VALUES (:record, :sealed, NULL, :at)
    ON CONFLICT (record) DO UPDATE SET sealed = excluded.sealed, at = excluded.at
""")
UPDATE_KEYS = Sql("UPDATE keys SET vault = :fingerprint WHERE vault = :former")

_log = logging.getLogger(__name__)


class _Carried(msgspec.Struct, frozen=True):
    """What is sealed as ``vault:carried``: derived keys in hexadecimal by purpose, and the master keys that they come from."""

    keys: dict[str, str]
    former: tuple[str, ...]


class Rotated(msgspec.Struct, frozen=True, kw_only=True):
    """What a rotation did. ``kept_at`` is the file of the old key, which backups from before need."""

    fingerprint: str
    former: str
    key_file: str
    kept_at: str
    secrets: int


async def open_vault(db: Database, key_file: Path, *, data_dir: Path | None = None) -> Vault:
    """The vault that the database needs: its key is in ``key_file``, or after a rotation that broke off in a file beside it. Where
    nothing is locked yet, a new key is made.

    Raises:
        Unavailable: ``vault.missing_key``: there is no key at all, and the database needs one. Otherwise as `Vault.open`.
    """
    needed = await needed_key(db)
    vault = _find(key_file, needed, data_dir)
    if needed == vault.fingerprint:
        vault.become(await _with_carried(db, vault))
    return vault


async def needed_key(db: Database) -> str | None:
    """The fingerprint of the master key that the database needs; None where nothing in it is locked."""
    for statement, params in ((SELECT_CARRIED, {"record": CARRIED}), (SELECT_ONE_SEALED, {})):
        if rows := await db.read(statement, **params):
            return Vault.fingerprint_in(bytes(rows[0]["sealed"]))
    rows = await db.read(SELECT_ONE_VAULT)
    return str(rows[0]["vault"]) if rows else None


async def keep_up(db: Database, vault: Vault) -> None:
    """Take the new master key, if another process rotated it and its file is here already; else leave ``vault`` as it is."""
    rows = await db.read(SELECT_CARRIED, record=CARRIED)
    if not rows or (needed := Vault.fingerprint_in(bytes(rows[0]["sealed"]))) == vault.fingerprint:
        return
    if (found := Vault.beside(vault.key_file, needed)) is not None:
        vault.become(await _with_carried(db, found))
        _log.info("took the new master key fingerprint=%s", needed)


async def check_vault(tx: Transaction, vault: Vault) -> None:
    """Keep the master key as it is until ``tx`` ends, so that what is sealed in it can be opened.

    Raises:
        Unavailable: ``vault.wrong_key``: it was rotated already.
    """
    await tx.read(LOCK_SECRETS)
    rows = await tx.read(SELECT_CARRIED, record=CARRIED)
    if rows and (needed := Vault.fingerprint_in(bytes(rows[0]["sealed"]))) != vault.fingerprint:
        raise vault.wrong_key("The database", needed)


async def rotate(db: Database, vault: Vault, keep: Iterable[tuple[str, int]], new_key: Path | None = None) -> Rotated:
    """Give the database a new master key, a fresh one or that in the file ``new_key``; ``vault`` is the new one afterwards.

    Beside the pepper of gateway keys, ``keep`` are the derived keys that stay what they are, by purpose and version; all others are
    new. The key file is replaced last.

    Raises:
        Unavailable: ``vault.not_writable``: the folder of the key file cannot be written, nothing was changed.
        Forbidden: ``vault.same_key``. As `Vault.unseal`, where a secret does not open; nothing was changed then.
    """
    master = os.urandom(KEY_BYTES) if new_key is None else read_key(new_key)
    fresh = _successor(vault, master, keep)
    kept_at = _keep_files(vault, fresh, master)
    async with db.transaction() as tx:
        await check_vault(tx, vault)
        rows = await tx.read(SELECT_SEALED)
        await _seal_anew(tx, vault, fresh, rows)
    write_key(vault.key_file, master, replace=True)
    former = vault.fingerprint
    vault.become(fresh)
    _log.info("rotated the master key from=%s to=%s secrets=%d", former, fresh.fingerprint, len(rows))
    return Rotated(
        fingerprint=fresh.fingerprint,
        former=former,
        key_file=str(vault.key_file),
        kept_at=str(kept_at),
        secrets=sum(row["record"] != CARRIED for row in rows),
    )


def _find(key_file: Path, needed: str | None, data_dir: Path | None) -> Vault:
    if needed is None:
        return Vault.open(key_file, data_dir=data_dir)
    found = Vault.beside(key_file, needed)
    if key_file.exists():
        first = Vault.open(key_file, data_dir=data_dir)
        if found is None or first.fingerprint == needed:
            return first  # where it is not the one that is needed, whatever opens a secret says so
    if found is None:
        raise Unavailable(
            "vault.missing_key",
            f"The database needs the master key {needed}, and there is none at {key_file}.",
            hint="Put that key file there, or name it with `master_key`.",
        )
    _log.warning("the database needs another master key than the first one key_file=%s fingerprint=%s", found.source, needed)
    return found


def _successor(vault: Vault, master: bytes, keep: Iterable[tuple[str, int]]) -> Vault:
    kept = {(PEPPER, 1), *keep}
    carried = vault.carried | {purpose_of(purpose, version): vault.derive(purpose, version=version) for purpose, version in kept}
    fresh = Vault(master, vault.key_file, carried=carried, former=vault.former | {vault.fingerprint})
    if fresh.fingerprint in fresh.former:
        raise Forbidden(
            "vault.same_key", f"The new master key {fresh.fingerprint} is one that was in use before.", hint="Make a fresh one."
        )
    return fresh


def _keep_files(vault: Vault, fresh: Vault, master: bytes) -> Path:
    """Both keys under their fingerprints, before anything is locked with the new one; the file of the old key."""
    kept_at = vault.key_file.with_name(f"{vault.key_file.name}.{vault.fingerprint}")
    try:
        write_key(vault.key_file.with_name(f"{vault.key_file.name}.{fresh.fingerprint}"), master)
        write_key(kept_at, read_key(vault.source))
        _keep_other(vault)
    except OSError as error:
        raise Unavailable(
            "vault.not_writable",
            f"No new master key can be written beside {vault.key_file}: {error.strerror}.",
            hint="Make that folder writable, so that the new key outlives this process.",
        ) from error
    return kept_at


def _keep_other(vault: Vault) -> None:
    """What lies at ``key_file`` may be the key of another database; it is about to be replaced."""
    if vault.source != vault.key_file and vault.key_file.exists():
        other = read_key(vault.key_file)
        write_key(vault.key_file.with_name(f"{vault.key_file.name}.{Vault(other, vault.key_file).fingerprint}"), other)


async def _seal_anew(tx: Transaction, vault: Vault, fresh: Vault, rows: list[Row]) -> None:
    secrets = {
        row["record"]: vault.unseal(row["record"], bytes(row["sealed"])).reveal() for row in rows if row["record"] != CARRIED
    }
    await tx.write(UPDATE_SEALED, [{"record": record, "sealed": fresh.seal(record, secret)} for record, secret in secrets.items()])
    keys = {purpose: key.hex() for purpose, key in fresh.carried.items()}
    carried = msgspec.json.encode(_Carried(keys, tuple(sorted(fresh.former)))).decode()
    await tx.write(UPSERT_CARRIED, {"record": CARRIED, "sealed": fresh.seal(CARRIED, carried), "at": now_us()})
    await tx.write(UPDATE_KEYS, {"fingerprint": fresh.fingerprint, "former": vault.fingerprint})
    await tx.write(UPSERT_VERSION, version_row())


async def _with_carried(db: Database, vault: Vault) -> Vault:
    rows = await db.read(SELECT_CARRIED, record=CARRIED)
    if not rows:
        return vault
    carried = msgspec.json.decode(vault.unseal(CARRIED, bytes(rows[0]["sealed"])).reveal(), type=_Carried)
    keys = {purpose: bytes.fromhex(key) for purpose, key in carried.keys.items()}
    return vault.carrying(keys, carried.former)
