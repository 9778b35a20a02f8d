"""A new master key: every secret opens under it alone, gateway keys go on working, and no crash leaves a database without its key."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from assay.core import AssayError, Forbidden, Unavailable
from assay.store import Database, Sql, Vault, keys, migrate, open_database, queries
from assay.store.rotation import keep_up, needed_key, open_vault, rotate
from tests.postgres import Postgres
from tests.store.dumps import raw_bytes, use_programs
from tests.store.test_migrate import make_database

pytestmark = pytest.mark.anyio

PROVIDER_KEY = "sk-canary-of-the-provider-0123456789"


def put(key_file: Path, master: bytes) -> Path:
    key_file.parent.mkdir(mode=0o700, exist_ok=True)
    key_file.write_bytes(master)
    key_file.chmod(0o600)
    return key_file


def content(key_file: Path) -> bytes:
    return key_file.read_bytes()


def move(path: Path, name: str) -> Path:
    return path.rename(path.with_name(name))


def modes(folder: Path) -> list[int]:
    return [file.stat().st_mode & 0o777 for file in folder.iterdir()]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "secret" / "master.key"


@pytest.fixture
async def vault(database: Database, key_file: Path) -> Vault:
    """A vault with a provider's key and a gateway key locked in."""
    vault = await open_vault(database, key_file)
    await queries.save_secret(database, vault, "provider:openai", PROVIDER_KEY)
    return vault


async def test_after_a_rotation_secrets_open_under_the_new_key_only_and_gateway_keys_are_the_same(
    database: Database, vault: Vault, key_file: Path
) -> None:
    _, key = await keys.create_key(database, vault, "before")
    old, pepper = Vault.open(key_file), vault.derive(keys.PEPPER)
    done = await rotate(database, vault, [("arena.voter", 1)])
    assert (done.former, done.fingerprint, done.secrets) == (old.fingerprint, vault.fingerprint, 1)
    assert vault.fingerprint != old.fingerprint
    for opened in (vault, await open_vault(database, key_file)):
        assert (await queries.load_secrets(database, opened))["provider:openai"].secret.reveal() == PROVIDER_KEY
        assert keys.hash_key(opened.derive(keys.PEPPER), key) in await keys.load_askers(database, opened)
        assert opened.derive(keys.PEPPER) == pepper
        assert opened.derive("arena.voter") == old.derive("arena.voter")
        assert opened.derive("arena.voter", version=2) != old.derive("arena.voter", version=2)
        assert opened.derive("session") != old.derive("session")
    for row in await database.read(Sql("SELECT record, sealed FROM secrets")):
        with pytest.raises(Unavailable) as refused:
            old.unseal(row["record"], bytes(row["sealed"]))
        assert refused.value.code == "vault.wrong_key"
    assert {row["vault"] for row in await database.read(Sql("SELECT vault FROM keys"))} == {vault.fingerprint}
    assert content(key_file) != content(Path(done.kept_at))
    assert modes(key_file.parent) == [0o600] * 3


async def test_keys_are_made_and_rotated_on_after_several_rotations(database: Database, vault: Vault, key_file: Path) -> None:
    made = []
    for name in "abc":
        made.append((await keys.create_key(database, vault, name))[1])
        await rotate(database, vault, [])
    askers = await keys.load_askers(database, await open_vault(database, key_file))
    assert len(askers) == len({keys.hash_key(vault.derive(keys.PEPPER), key) for key in made} & askers.keys()) == 3
    assert len(vault.former) == 3


async def test_another_process_takes_the_new_key_where_it_lies_and_goes_on_with_the_old_where_it_does_not(
    database: Database, vault: Vault, key_file: Path, tmp_path: Path
) -> None:
    elsewhere = put(tmp_path / "other host" / "master.key", content(key_file))
    here, there = await open_vault(database, key_file), await open_vault(database, elsewhere)
    await rotate(database, vault, [])
    await keep_up(database, here)
    await keep_up(database, there)
    assert here.fingerprint == vault.fingerprint != there.fingerprint
    with pytest.raises(Unavailable) as refused:
        await queries.save_secret(database, there, "provider:x", "sk-0123456789")
    assert refused.value.code == "vault.wrong_key"
    put(elsewhere.with_name("master.key.next"), content(key_file))
    await keep_up(database, there)
    assert there.fingerprint == vault.fingerprint
    assert (await queries.load_secrets(database, there)).keys() == {"provider:openai"}


async def test_a_key_that_was_prepared_is_taken_and_one_that_was_in_use_is_not(
    database: Database, vault: Vault, key_file: Path
) -> None:
    prepared = put(key_file.with_name("master.key.next"), bytes(range(32)))
    kept = (await rotate(database, vault, [], prepared)).kept_at
    assert content(key_file) == bytes(range(32))
    for used in (prepared, Path(kept)):
        with pytest.raises(Forbidden) as refused:
            await rotate(database, vault, [], used)
        assert refused.value.code == "vault.same_key"


async def test_what_does_not_open_stops_the_rotation_before_it_changed_anything(
    database: Database, vault: Vault, key_file: Path
) -> None:
    stranger = Vault(bytes(32), Path("/other"))
    sealed = stranger.seal("provider:zzz", "sk-x")
    await database.write([(queries.UPSERT_SECRET, {"record": "provider:zzz", "sealed": sealed, "hint": None, "at": 1})])
    before = content(key_file), vault.fingerprint
    with pytest.raises(Unavailable, match="provider:zzz"):
        await rotate(database, vault, [])
    assert (content(key_file), vault.fingerprint) == before
    assert vault.unseal("provider:openai", await sealed_of(database, "provider:openai")).reveal() == PROVIDER_KEY


async def sealed_of(database: Database, record: str) -> bytes:
    rows = await database.read(Sql("SELECT sealed FROM secrets WHERE record = :record"), record=record)
    return bytes(rows[0]["sealed"])


async def test_a_folder_that_cannot_take_the_new_key_stops_the_rotation(database: Database, vault: Vault, key_file: Path) -> None:
    move(key_file.parent, "gone")
    key_file.parent.write_text("a file where the folder was")
    with pytest.raises(AssayError) as refused:
        await rotate(database, vault, [])
    assert refused.value.code == "vault.not_writable"
    assert await needed_key(database) == vault.fingerprint


async def test_a_database_without_its_key_names_the_one_it_needs_and_no_new_one_is_made(
    database: Database, vault: Vault, key_file: Path
) -> None:
    away = move(key_file, "elsewhere")
    with pytest.raises(Unavailable, match=vault.fingerprint) as refused:
        await open_vault(database, key_file)
    assert refused.value.code == "vault.missing_key"
    assert len(modes(key_file.parent)) == 1
    move(away, "master.key.old")
    assert (await open_vault(database, key_file)).source.name == "master.key.old"


async def test_two_databases_that_share_a_key_file_both_open_after_one_of_them_rotated(
    database: Database, vault: Vault, key_file: Path, tmp_path: Path
) -> None:
    other = await open_database(f"sqlite:///{tmp_path}/second.db")
    await migrate(other, "assay.store")
    theirs = await open_vault(other, key_file)
    await queries.save_secret(other, theirs, "provider:groq", "gsk-0123456789")
    await rotate(database, vault, [])
    again = await open_vault(other, key_file)
    assert (await queries.load_secrets(other, again))["provider:groq"].secret.reveal() == "gsk-0123456789"
    await rotate(other, again, [])
    for opened, where in ((await open_vault(database, key_file), database), (await open_vault(other, key_file), other)):
        assert len(await queries.load_secrets(where, opened)) == 1
    await other.close()


async def test_a_stolen_database_shows_no_key_of_any_kind(
    database: Database,
    database_url: str,
    vault: Vault,
    key_file: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither before nor after a rotation, in the raw bytes of the files or of a dump; and the old master key opens nothing."""
    if database.dialect == "postgresql":
        use_programs(request.getfixturevalue("postgres"), monkeypatch)
    _, key = await keys.create_key(database, vault, "clients")
    masters = [content(key_file)]
    for _ in range(2):
        await rotate(database, vault, [])
        masters.append(content(key_file))
        stolen = await raw_bytes(database_url)
        assert b"provider:openai" in stolen
        for secret in (PROVIDER_KEY.encode(), key.encode(), key.split("-", 2)[2].encode(), *masters, vault.derive(keys.PEPPER)):
            assert secret not in stolen
            assert secret.hex().encode() not in stolen
    assert len(set(masters)) == 3


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_process_killed_at_any_step_leaves_a_database_that_opens(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if kind == "sqlite":
        url, stride = f"sqlite:///{tmp_path}/killed.db", 1
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url, stride = server.url(asyncio.run(make_database(server, f"killed_{tmp_path.name}"))), 3
    done = subprocess.run(
        [sys.executable, "-m", "tests.store.killed_rotation", url, str(tmp_path / "keys" / "master.key"), str(stride)],
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    killed, after_the_commit = map(int, done.stdout.split())
    assert killed * stride > 100
    assert after_the_commit * stride > 10
