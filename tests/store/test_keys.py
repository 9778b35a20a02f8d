"""A gateway key is shown once; what stays can only be compared with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.core import Conflict, InvalidInput, NotFound, Unavailable
from assay.store import Database, Sql, Vault, keys

pytestmark = pytest.mark.anyio

VAULT = Vault(bytes(range(32)), Path("/nowhere"))
PEPPER = VAULT.derive(keys.PEPPER)


async def test_a_new_key_is_found_by_itself_only(database: Database) -> None:
    row, key = await keys.create_key(database, VAULT, " laptop ")
    prefix, public, secret = key.split("-", 2)
    assert (prefix, public, len(secret), row.name, row.hint) == ("ask", row.id, 43, "laptop", f"…{key[-4:]}")
    hashes = await keys.load_askers(database, VAULT)
    assert hashes[keys.hash_key(PEPPER, key)].key == row.id
    for wrong in (key[:-1], key + "x", key.upper(), "", "\ud800", f"ask-{public}-{'x' * 43}"):
        assert hashes.get(keys.hash_key(PEPPER, wrong)) is None


async def test_the_database_does_not_hold_the_key(database: Database) -> None:
    _, key = await keys.create_key(database, VAULT, "laptop")
    stored = (await database.read(Sql("SELECT * FROM keys")))[0]
    assert key.split("-", 2)[2] not in str([stored[column] for column in range(8)])


async def test_a_revoked_key_is_listed_and_no_longer_found(database: Database) -> None:
    kept, _ = await keys.create_key(database, VAULT, "kept")
    lost, key = await keys.create_key(database, VAULT, "lost")
    revoked = await keys.revoke_key(database, lost.id)
    assert revoked.revoked is not None
    assert await keys.revoke_key(database, lost.id) == revoked
    assert keys.hash_key(PEPPER, key) not in await keys.load_askers(database, VAULT)
    assert await keys.list_keys(database) == [kept, revoked]


async def test_revoking_an_unknown_key_says_so(database: Database) -> None:
    with pytest.raises(NotFound, match="'nokey'") as refused:
        await keys.revoke_key(database, "nokey")
    assert refused.value.code == "key.not_found"


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "two\nlines", "\0", "\x1b[31m"])
async def test_a_key_needs_a_name_that_can_be_printed(database: Database, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await keys.create_key(database, VAULT, name)
    assert refused.value.code == "key.bad_name"
    assert await keys.list_keys(database) == []


async def test_the_last_use_only_moves_forward(database: Database) -> None:
    row, _ = await keys.create_key(database, VAULT, "laptop")
    for at in (5, 9, 7):
        await keys.touch_keys(database, {row.id: at, "gone": at})
    assert [known.last_used for known in await keys.list_keys(database)] == [9]


async def test_keys_hashed_under_another_master_key_are_an_error_and_not_a_refusal(database: Database) -> None:
    row, _ = await keys.create_key(database, VAULT, "laptop")
    other = Vault(bytes(32), Path("/other"))
    with pytest.raises(Unavailable, match="'laptop'") as refused:
        await keys.load_askers(database, other)
    assert refused.value.code == "vault.wrong_key"
    await keys.revoke_key(database, row.id)
    assert await keys.load_askers(database, other) == {}


async def test_a_key_of_another_gateway_goes_on_under_its_own_text_once(database: Database) -> None:
    row, key = await keys.create_key(database, VAULT, "moved in", brought="sk-" + "k" * 48)
    assert (key, row.hint) == ("sk-" + "k" * 48, "…kkkk")
    assert keys.hash_key(PEPPER, key) in await keys.load_askers(database, VAULT)
    with pytest.raises(Conflict) as refused:
        await keys.create_key(database, VAULT, "again", brought=key)
    assert refused.value.code == "key.exists"
    for bad in ("sk-1234", "sk-" + "k" * 300, "sk-with space-0123456789012", "sk-中文-0123456789012345678"):
        with pytest.raises(InvalidInput) as bad_one:
            await keys.create_key(database, VAULT, "bad", brought=bad)
        assert (bad_one.value.code, bad in str(bad_one.value)) == ("key.bad_secret", False)
