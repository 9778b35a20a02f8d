"""Secrets open only with their own key, under their own name."""

from __future__ import annotations

import pickle
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core import AssayError, Forbidden, Unavailable
from assay.store import Secret, Vault

VAULT = Vault(bytes(range(32)), Path("/nowhere"))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "master.key"


def test_a_first_run_makes_a_key_that_only_its_owner_can_read(key_file: Path) -> None:
    vault = Vault.open(key_file)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file.parent.stat().st_mode) == 0o700
    assert len(key_file.read_bytes()) == 32
    assert [entry.name for entry in key_file.parent.iterdir()] == ["master.key"]
    assert Vault.open(key_file).fingerprint == vault.fingerprint


def test_first_runs_at_the_same_moment_agree_on_one_key(key_file: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        vaults = list(threads.map(lambda _: Vault.open(key_file), range(16)))
    assert len({vault.fingerprint for vault in vaults}) == 1


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_sealed_opens_again(record: str, secret: str) -> None:
    sealed = VAULT.seal(record, secret)
    assert VAULT.unseal(record, sealed).reveal() == secret
    assert VAULT.seal(record, secret) != sealed


def test_a_sealed_secret_moved_to_another_record_does_not_open() -> None:
    sealed = VAULT.seal("provider/openai", "sk-1234")
    with pytest.raises(Unavailable, match="'provider/deepseek' was changed or belongs to another record") as refused:
        VAULT.unseal("provider/deepseek", sealed)
    assert refused.value.code == "vault.damaged"


def test_no_byte_of_a_sealed_secret_can_be_changed() -> None:
    sealed = VAULT.seal("r", "secret")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(AssayError):
            VAULT.unseal("r", bytes(changed))
    for length in range(len(sealed)):
        with pytest.raises(AssayError):
            VAULT.unseal("r", sealed[:length])


def test_a_wrong_master_key_is_named_beside_the_right_one(key_file: Path) -> None:
    sealed = VAULT.seal("provider/openai", "sk-1234")
    other = Vault.open(key_file)
    with pytest.raises(Unavailable) as refused:
        other.unseal("provider/openai", sealed)
    assert refused.value.code == "vault.wrong_key"
    for said in ("provider/openai", VAULT.fingerprint, other.fingerprint, str(key_file)):
        assert said in refused.value.message


def test_derived_keys_differ_by_purpose_version_and_master_key(key_file: Path) -> None:
    keys = {vault.derive(purpose, version=n) for vault in (VAULT, Vault.open(key_file)) for purpose in "ab" for n in (1, 2)}
    assert len(keys) == 8
    assert VAULT.derive("a") == VAULT.derive("a", version=1)


def test_derived_keys_stay_what_they_are_in_every_release() -> None:
    assert VAULT.derive("gateway.keys").hex() == "26ba30030a8d15aa0d26505f4eff4e15898048bc24cc823ac08202a73edfad5e"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_that_others_may_read_or_change_is_refused(key_file: Path, mode: int) -> None:
    Vault.open(key_file)
    key_file.chmod(mode)
    with pytest.raises(Forbidden, match=f"{mode:04o}") as refused:
        Vault.open(key_file)
    assert refused.value.code == "vault.loose_permissions"
    assert "chmod 600" in (refused.value.hint or "")


def test_a_folder_in_which_others_could_put_another_key_is_refused(key_file: Path) -> None:
    Vault.open(key_file)
    key_file.parent.chmod(0o775)
    with pytest.raises(Forbidden, match="0775"):
        Vault.open(key_file)


def test_a_key_inside_the_data_directory_is_refused_even_by_a_link(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "link").symlink_to(data)
    for key_file in (data / "master.key", tmp_path / "link" / "master.key"):
        with pytest.raises(Forbidden) as refused:
            Vault.open(key_file, data_dir=data)
        assert refused.value.code == "vault.inside_data"
    assert list(data.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
def test_a_file_that_is_not_a_key_is_left_as_it_is(key_file: Path, content: bytes) -> None:
    Vault.open(key_file)
    key_file.write_bytes(content)
    with pytest.raises(Unavailable, match=f"has {len(content)} bytes"):
        Vault.open(key_file)
    assert key_file.read_bytes() == content


def test_a_secret_never_shows_itself() -> None:
    secret = Secret("sk-abcdefghijklmnop")
    assert "abc" not in f"{secret} {secret!r} {[secret]} {secret!s:>30}"
    assert secret.hint == "…mnop"
    assert Secret("short").hint is None
    assert secret == Secret("sk-abcdefghijklmnop") != Secret("other")
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_the_vault_shows_no_key() -> None:
    assert bytes(range(32)).hex() not in repr(VAULT)
    assert repr(VAULT) == f"Vault(/nowhere, fingerprint={VAULT.fingerprint})"
